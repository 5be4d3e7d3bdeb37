"""What the result types in a source mean: cause, check and fix for each, with the names filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..knowledge import ResultTypeText, result_type_text
from ..render import Rendered
from ..reports import daily
from ..vocabulary import Mode
from ._cells import Cells, cells

if TYPE_CHECKING:
    from ..reports import Source

__all__ = ["Meaning", "Meanings", "meanings", "reason_codes"]


@dataclass(frozen=True)
class Meaning:
    """One result type as it occurred.

    Attributes
    ----------
    result_type : str
        As reported.
    failed : int
        Failed sessions; sts and tlsa may count the same ones, so the larger of the two is given.
    modes : tuple of Mode
        The policy modes under which it was reported, as far as known.
    policy_domain, mx : str or None
        Where most of it was reported.
    reasons : tuple of (str, int)
        The reasons given by the senders (failure-reason-code) with their failed sessions, the most frequent three.
    text : ResultTypeText
        What it means.
    """

    result_type: str
    failed: int
    modes: tuple[Mode, ...]
    policy_domain: str | None
    mx: str | None
    reasons: tuple[tuple[str, int], ...]
    text: ResultTypeText


@dataclass(frozen=True)
class Meanings(Rendered):
    """The result types of a source, the most frequent first."""

    items: tuple[Meaning, ...]


def meanings(source: Source, split: Cells | None = None) -> Meanings:
    """Return what each result type in a source means, does to mail, and how to check and fix it.

    `split` narrows this to some of its failures.
    """
    failures = (cells(source) if split is None else split).failures
    reasons = reason_codes(source)
    items = []
    for name, part in failures.groupby("result_type", sort=True):
        largest = part.groupby(["policy_domain", "receiving_mx_hostname"])["failed"].sum().idxmax()
        domain, mx = (str(value) or None for value in largest)  # type: ignore[attr-defined]
        modes = tuple(mode for mode in Mode if (part["policy_mode"] == mode).any())
        failed = int(part.groupby("policy_type")["failed"].sum().max())
        items.append(
            Meaning(str(name), failed, modes, domain, mx, reasons.get(str(name), ())[:3], result_type_text(str(name)))
        )
    return Meanings(tuple(sorted(items, key=lambda item: (-item.failed, item.result_type))))


def reason_codes(source: Source) -> dict[str, tuple[tuple[str, int], ...]]:
    """Return for each result type the reasons given by the senders, with their failed sessions, most first."""
    keys = ["result_type", "failure_reason_code"]
    table = daily(source, by=keys).dropna(subset=keys).astype(dict.fromkeys(keys, "str"))
    sums = table[table["failure_reason_code"] != ""].groupby(keys)["failed"].sum().reset_index()
    sums = sums.sort_values(["failed", "failure_reason_code"], ascending=[False, True])
    return {
        str(kind): tuple(zip(part["failure_reason_code"], map(int, part["failed"]), strict=True))
        for kind, part in sums.groupby("result_type")
    }
