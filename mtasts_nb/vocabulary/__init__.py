"""The RFCs' terms, used everywhere: result types, policy types, modes, each scale once, and what a finding holds.

Severity and effect are two things: severity says how wrong something is, effect says what it does to mail.
"""

from __future__ import annotations

from . import _view as _view  # registers how findings are shown
from ._finding import Finding, Findings
from ._terms import (
    UNATTRIBUTED,
    UNKNOWN,
    Area,
    CauseKind,
    Confidence,
    Effect,
    Level,
    Mode,
    PolicyType,
    ResultType,
    Severity,
    State,
    Status,
    StepStatus,
    fold_type,
    is_on_policy_host,
    result_type_of,
)

__all__ = [
    "UNATTRIBUTED",
    "UNKNOWN",
    "Area",
    "CauseKind",
    "Confidence",
    "Effect",
    "Finding",
    "Findings",
    "Level",
    "Mode",
    "PolicyType",
    "ResultType",
    "Severity",
    "State",
    "Status",
    "StepStatus",
    "fold_type",
    "is_on_policy_host",
    "result_type_of",
]
