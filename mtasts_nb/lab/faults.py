"""Every fault the lab can switch on, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..vocabulary import ResultType
from ._world import World

__all__ = ["FAULTS", "Fault"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong in the lab.

    Attributes
    ----------
    name : str
        What `Lab(fault=…)` and `mtasts-nb lab --fault` take.
    sentence : str
        What is wrong.
    apply : callable
        Edits the plan.
    result_type : ResultType or None
        What a conformant sender reports (RFC 8460 §4.3); None where it reports no failure of its own.
    """

    name: str
    sentence: str
    apply: Callable[[World], None]
    result_type: ResultType | None = None


FAULTS: dict[str, Fault] = {}
