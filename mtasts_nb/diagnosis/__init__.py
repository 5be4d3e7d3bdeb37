"""From evidence to causes: what is wrong, with what confidence, and what to do about it."""

from __future__ import annotations

from ._action_plan import Action
from ._candidates import Candidate
from ._diagnose import Cause, Diagnosis, Evidence, diagnose
from ._groups import STATES, Group
from ._health import LEVELS, Health
from ._reported import Reported
from .flowchart._flow import Answer, Flowchart, Node, flowchart
from .flowchart._walk import Clues, Walk, WalkStep

__all__ = [
    "LEVELS",
    "STATES",
    "Action",
    "Answer",
    "Candidate",
    "Cause",
    "Clues",
    "Diagnosis",
    "Evidence",
    "Flowchart",
    "Group",
    "Health",
    "Node",
    "Reported",
    "Walk",
    "WalkStep",
    "diagnose",
    "flowchart",
]
