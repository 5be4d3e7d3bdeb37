"""What a fault of the lab is: data, and one function that edits the plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..vocabulary import ResultType
from ._world import World

__all__ = ["EVERY_MX", "POLICY_HOST", "Area", "Delivery", "Fault", "Variant"]

#: What a fault is about; `mtasts-nb lab --list` groups by it.
Area = Literal["record", "policy host", "policy file", "policy certificate", "mx", "dane", "tls reporting"]
#: A message's fate after every MX, for a sender that has no policy cached.
Delivery = Literal["delivered", "without_sts", "deferred", "bounced", "unknown"]

EVERY_MX = ("mx1", "mx2")
POLICY_HOST = ("mta-sts",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong in the lab.

    Attributes
    ----------
    name : str
        What `Lab(fault=…)` and `mtasts-nb lab --fault` take.
    area : str
        What it is about.
    sentence : str
        What is wrong, in one sentence.
    changes : str
        What is different from the variant it starts from.
    apply : callable
        Edits the plan.
    later : callable or None
        The second act of a fault that shows only between two looks; `Lab.advance` brings it on.
    variant : str
        The healthy variant it starts from, unless `Lab(variant=…)` names another.
    result_type : ResultType or None
        What a conformant sender reports (RFC 8460 §4.3); None where it has nothing to report.
    hosts : tuple of str
        First labels of the hosts at fault: ``mx1``, ``mx2``, ``mta-sts``.
    addresses : tuple of str
        The addresses at fault, where it is not all of them.
    delivery : str
        What becomes of mail in mode enforce at a sender without a cached policy.
    expects : tuple of str
        Codes of the findings that a look at the domain must give.
    note : str
        What else there is to know: where senders differ, what the lab only models.
    second_sender : str
        Where postfix-mta-sts-resolver judges otherwise than `result_type` says: what it does, and why.
    """

    name: str
    area: Area
    sentence: str
    changes: str
    apply: Callable[[World], None]
    later: Callable[[World], None] | None = None
    variant: str = "enforce"
    result_type: ResultType | None = None
    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    delivery: Delivery = "without_sts"
    expects: tuple[str, ...] = ()
    note: str = ""
    second_sender: str = ""

    @property
    def deferred(self) -> bool:
        """Whether mail waits in the sender's queue in mode enforce."""
        return self.delivery == "deferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to be healthy.

    Attributes
    ----------
    name : str
        What `Lab(variant=…)` takes.
    sentence : str
        How it is set up.
    apply : callable
        Edits the plan.
    """

    name: str
    sentence: str
    apply: Callable[[World], None]
