"""The diagnostic flowchart: its data, a walk through it, and its picture."""

from __future__ import annotations

from ._flow import Answer, Flowchart, Node, flowchart
from ._view import walk_end
from ._walk import AnsweredBy, Walk, WalkEvidence, WalkStep

__all__ = [
    "Answer",
    "AnsweredBy",
    "Flowchart",
    "Node",
    "Walk",
    "WalkEvidence",
    "WalkStep",
    "flowchart",
    "walk_end",
]
