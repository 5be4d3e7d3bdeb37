"""What reports alone show: what failed, where, for whom, since when, and how far to trust it.

Every function takes a `Source` (an `Archive`) and returns a value that shows itself in a notebook: a `Table` with its
rows in `.frame`, or statements. A notebook holds calls of these, so that every number in it is tested.
"""

from __future__ import annotations

from . import _view as _view  # registers how the values are shown
from ._breakdown import by_mx, by_reporter, by_result_type, failing_policy_types, impact, overview
from ._candidates import (
    Candidate,
    Explanation,
    candidates,
    domains_reported,
    explanations,
    reported_verdicts,
    unexplained,
)
from ._cells import Cells, cells, narrow, on_policy_host
from ._events import load_events
from ._meanings import Meaning, Meanings, meanings, reason_codes
from ._quality import arrivals, assumptions, coverage, one_report, refusals
from ._reported import Reported, reported
from ._summary import (
    by_type,
    deferred_figure,
    effect_statement,
    happened_statement,
    incident_table,
    key_figures,
    lower_first,
    scope,
    sporadic,
    story,
    timeline,
)
from ._table import NO_MX, NO_NAME, KeyFigures, Story, Table, at_mx, day, days, listed, period, under
from .incidents import FixCheck, expected_failures, find_incidents, verify_fix
from .policy_history import PolicyHistory, policy_history

__all__ = [
    "NO_MX",
    "NO_NAME",
    "Candidate",
    "Cells",
    "Explanation",
    "FixCheck",
    "KeyFigures",
    "Meaning",
    "Meanings",
    "PolicyHistory",
    "Reported",
    "Story",
    "Table",
    "arrivals",
    "assumptions",
    "at_mx",
    "by_mx",
    "by_reporter",
    "by_result_type",
    "by_type",
    "candidates",
    "cells",
    "coverage",
    "day",
    "days",
    "deferred_figure",
    "domains_reported",
    "effect_statement",
    "expected_failures",
    "explanations",
    "failing_policy_types",
    "find_incidents",
    "happened_statement",
    "impact",
    "incident_table",
    "key_figures",
    "listed",
    "load_events",
    "lower_first",
    "meanings",
    "narrow",
    "on_policy_host",
    "one_report",
    "overview",
    "period",
    "policy_history",
    "reason_codes",
    "refusals",
    "reported",
    "reported_verdicts",
    "scope",
    "sporadic",
    "story",
    "timeline",
    "under",
    "unexplained",
    "verify_fix",
]
