"""Spans of days in which failures exceed what a domain has on normal days, and whether a fix is confirmed."""

from __future__ import annotations

from ._find import CHRONIC, INCIDENT_COLUMNS, expected_failures, find_incidents
from ._verify_fix import FixCheck, verify_fix

__all__ = ["CHRONIC", "INCIDENT_COLUMNS", "FixCheck", "expected_failures", "find_incidents", "verify_fix"]
