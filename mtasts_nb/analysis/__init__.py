"""What reports alone show: what failed, where, for whom, since when, and how far to trust it.

Every function takes a `Source` (an `Archive`) and returns a value that shows itself in a notebook: a `Table` with its
rows in `.frame`, or sentences. A notebook holds calls of these, so that every number in it is tested.
"""

from __future__ import annotations

from ._breakdown import by_mx, by_reporter, by_result_type, failing_policy_types, impact
from ._events import load_events
from ._meanings import Meaning, Meanings, meanings
from ._narrow import narrow
from ._one_report import one_report
from ._overview import overview
from ._quality import arrivals, assumptions, coverage, refusals
from ._summary import KeyFigures, Story, key_figures, scope, story
from ._table import Table
from ._timeline import timeline
from .incidents._find import expected_failures, find_incidents
from .incidents._verify_fix import FixCheck, verify_fix
from .policy_history._history import PolicyHistory, policy_history

__all__ = [
    "FixCheck",
    "KeyFigures",
    "Meaning",
    "Meanings",
    "PolicyHistory",
    "Story",
    "Table",
    "arrivals",
    "assumptions",
    "by_mx",
    "by_reporter",
    "by_result_type",
    "coverage",
    "expected_failures",
    "failing_policy_types",
    "find_incidents",
    "impact",
    "key_figures",
    "load_events",
    "meanings",
    "narrow",
    "one_report",
    "overview",
    "policy_history",
    "refusals",
    "scope",
    "story",
    "timeline",
    "verify_fix",
]
