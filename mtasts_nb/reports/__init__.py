"""RFC 8460 as data: sources to bytes to reports to tables, and the one aggregate `daily`."""

from __future__ import annotations

from . import schema
from ._archive import Archive
from ._daily import FAILURE_KEYS, SESSION_KEYS, Source, daily
from ._load import load

__all__ = ["FAILURE_KEYS", "SESSION_KEYS", "Archive", "Source", "daily", "load", "schema"]
