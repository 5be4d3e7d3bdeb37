"""From evidence to causes: what is wrong, with what confidence, and what to do about it."""

from __future__ import annotations

from ._action_plan import Action
from ._candidates import Candidate
from ._diagnose import Cause, Diagnosis, Evidence, diagnose
from ._groups import STATES, Group
from ._health import LEVELS, Health
from ._reported import Reported
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
    "LEVELS",
    "STATES",
    "Action",
    "Answer",
    "AnsweredBy",
    "Candidate",
    "Cause",
    "Diagnosis",
    "Evidence",
    "Flowchart",
    "Group",
    "Health",
    "Node",
    "Reported",
    "Walk",
    "WalkEvidence",
    "WalkStep",
    "diagnose",
    "flowchart",
    "walk_end",
]
