"""From evidence to causes: what is wrong, with what confidence, and what to do about it."""

from __future__ import annotations

from ..analysis import Candidate, Reported
from . import _explain_view as _explain_view  # registers how an explanation is shown
from . import _no_reports_view as _no_reports_view  # registers how missing reports are shown
from . import _view as _view  # registers how a diagnosis is shown
from ._diagnose import diagnose
from ._explain import ExplainedCause, TextExplanation, explain
from ._groups import continued_note
from ._message import Message
from ._no_reports import why_no_reports
from ._no_reports_values import NoReports, NoReportsReason, ReportAddress, SilentReporter
from ._values import STATES, Action, Cause, Causes, Diagnosis, Evidence, Group
from .flowchart import (
    Answer,
    AnsweredBy,
    Flowchart,
    Node,
    Walk,
    WalkEvidence,
    WalkStep,
    flowchart,
    walk_end,
)

__all__ = [
    "STATES",
    "Action",
    "Answer",
    "AnsweredBy",
    "Candidate",
    "Cause",
    "Causes",
    "Diagnosis",
    "Evidence",
    "ExplainedCause",
    "Flowchart",
    "Group",
    "Message",
    "NoReports",
    "NoReportsReason",
    "Node",
    "ReportAddress",
    "Reported",
    "SilentReporter",
    "TextExplanation",
    "Walk",
    "WalkEvidence",
    "WalkStep",
    "continued_note",
    "diagnose",
    "explain",
    "flowchart",
    "walk_end",
    "why_no_reports",
]
