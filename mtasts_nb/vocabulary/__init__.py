"""The RFCs' terms, used everywhere: result types, policy types, modes, each scale once, and what a finding holds.

Severity and effect are two things: severity says how wrong something is, effect says what it does to mail.
"""

from __future__ import annotations

from ._finding import Finding, Findings
from ._states import Adoption, Answer, Bearing, FixStatus, FixView, MailEffect, PolicyState, PolicyView
from ._terms import (
    UNATTRIBUTED,
    UNEXPLAINED,
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
    is_noisy,
    is_on_policy_host,
    result_type_of,
)
from ._verdict import LEVEL_RULES, Concern, Verdict, ranked, verdict_on
from ._view import verdict_badge, verdict_sentence

__all__ = [
    "LEVEL_RULES",
    "UNATTRIBUTED",
    "UNEXPLAINED",
    "UNKNOWN",
    "Adoption",
    "Answer",
    "Area",
    "Bearing",
    "CauseKind",
    "Concern",
    "Confidence",
    "Effect",
    "Finding",
    "Findings",
    "FixStatus",
    "FixView",
    "Level",
    "MailEffect",
    "Mode",
    "PolicyState",
    "PolicyType",
    "PolicyView",
    "ResultType",
    "Severity",
    "State",
    "Status",
    "StepStatus",
    "Verdict",
    "fold_type",
    "is_noisy",
    "is_on_policy_host",
    "ranked",
    "result_type_of",
    "verdict_badge",
    "verdict_on",
    "verdict_sentence",
]
