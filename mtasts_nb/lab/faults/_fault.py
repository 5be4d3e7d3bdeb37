"""What a fault of the lab is: data, and one function that edits the plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ...vocabulary import Area, ResultType
from .._world import World

__all__ = ["EVERY_MX", "POLICY_HOST", "Apply", "Delivery", "Fault", "Variant"]

#: What becomes of a message after every MX, at a sender that has no policy cached.
Delivery = Literal["delivered", "without_sts", "deferred", "bounced", "unknown"]
Apply = Callable[[World], None]

EVERY_MX = ("mx1", "mx2")
POLICY_HOST = ("mta-sts",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong in the lab.

    Attributes
    ----------
    name : str
        What `Lab(fault=…)` and `mtasts-nb lab --fault` take.
    area : Area
        What it is about; `mtasts-nb lab --list` groups by it.
    sentence : str
        What is wrong, in one sentence.
    changes : str
        What differs from the variant it starts from.
    apply : callable
        Edits the plan.
    later : callable or None
        The second act of a fault that shows only between two checks; `Lab.advance` applies it.
    variant : str
        The healthy variant it starts from, unless `Lab(variant=…)` names another.
    result_type : ResultType or None
        What a conformant sender reports (RFC 8460 §4.3); None where it has nothing to report.
    hosts : tuple of str
        First labels of the hosts at fault: ``mx1``, ``mx2``, ``mta-sts``.
    addresses : tuple of str
        The addresses at fault, where not all are.
    delivery : str
        What becomes of mail in mode enforce at a sender without a cached policy.
    expects : tuple of str
        Codes of the findings that a probe of the domain must have.
    note : str
        Where senders differ, and what the lab only models.
    """

    name: str
    area: Area
    sentence: str
    changes: str
    apply: Apply
    later: Apply | None = None
    variant: str = "enforce"
    result_type: ResultType | None = None
    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    delivery: Delivery = "without_sts"
    expects: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One healthy set-up of the domain.

    Attributes
    ----------
    name : str
        What `Lab(variant=…)` takes.
    sentence : str
        How the domain is set up.
    apply : callable
        Edits the plan.
    """

    name: str
    sentence: str
    apply: Apply
