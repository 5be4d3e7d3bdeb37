"""Spans that tell one story: the same days, and the same policy domain or MX host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...vocabulary import UNATTRIBUTED, UNKNOWN

__all__ = ["Told", "stories"]

#: Failures of one cause reach the reports within so many days of each other: not every sender looks every day.
_TOGETHER: Final = 2
# What does not say what failed belongs to whatever failed at the time.
_UNEXPLAINED: Final = frozenset({UNATTRIBUTED, UNKNOWN})


@dataclass(frozen=True, slots=True)
class Told:
    """What decides to which story a span belongs; days are numbers, both included."""

    start: int
    end: int
    policy_domain: str
    host: str
    result_type: str


def stories(spans: Sequence[Told]) -> list[int]:
    """Return the number of the story of each span, from 1 in the order of their first days.

    Two spans tell one story when they are about the same policy domain or the same MX host, begin at most two days
    apart and share at least half the days of the shorter. A span whose result type does not say what failed
    (``unattributed``, ``unknown``) needs only to share the days.

    Examples
    --------
    >>> stories([Told(10, 14, "a.example", "", "sts-webpki-invalid"), Told(11, 14, "a.example", "mx", "certificate-expired"),
    ...          Told(30, 31, "a.example", "mx", "certificate-expired")])
    [1, 1, 2]
    """
    leader = list(range(len(spans)))

    def find(number: int) -> int:
        while leader[number] != number:
            leader[number] = leader[leader[number]]
            number = leader[number]
        return number

    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, span in enumerate(spans):
        places["domain", span.policy_domain].append(number)
        if span.host:
            places["host", span.host].append(number)
    for members in places.values():
        members.sort(key=lambda number: (spans[number].start, number))
        explained = [number for number in members if spans[number].result_type not in _UNEXPLAINED]
        for at, first in enumerate(members):
            for second in members[at + 1 :]:
                if spans[second].start - spans[first].start > _TOGETHER:
                    break
                if _overlap(spans[first], spans[second]):
                    leader[find(second)] = find(first)
            if spans[first].result_type in _UNEXPLAINED:
                # To one story only: what two faults leave unexplained must not make one of them.
                best = max(explained, key=lambda number: _shared(spans[first], spans[number]), default=first)
                if find(first) == first and _overlap(spans[first], spans[best]):
                    leader[find(first)] = find(best)
    order = sorted(range(len(spans)), key=lambda number: (spans[number].start, number))
    numbers: dict[int, int] = {}
    for number in order:
        numbers.setdefault(find(number), len(numbers) + 1)
    return [numbers[find(number)] for number in range(len(spans))]


def _shared(one: Told, other: Told) -> int:
    """Return how many days two spans share."""
    return max(0, min(one.end, other.end) - max(one.start, other.start) + 1)


def _overlap(one: Told, other: Told) -> bool:
    shorter = min(one.end - one.start, other.end - other.start) + 1
    return 2 * _shared(one, other) >= shorter
