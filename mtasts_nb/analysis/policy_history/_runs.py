"""Each reporter's reports as runs that show the same policies, for all domains at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from ._applied import NONE, NOTHING
from ._course import Course, Run, follow

if TYPE_CHECKING:
    from ._applied import Ints, Observed

__all__ = ["DomainCourse", "courses"]

# Those that report on most days; a stranger may invent reporters without end.
_MOST_REPORTERS: Final = 500


@dataclass(frozen=True, slots=True)
class DomainCourse:
    """One domain: its runs and what they show.

    Attributes
    ----------
    domain : int
        Its number.
    runs : list of Run
        By reporter, then by day.
    course : Course
        The versions, and for each run which of them it shows.
    last_report : dict of int to int
        The last day of each reporter, of any report about the domain; reporters that never show a policy too.
    """

    domain: int
    runs: list[Run]
    course: Course
    last_report: dict[int, int]


def courses(observed: Observed) -> Iterator[DomainCourse]:
    """Yield the course of each domain, in the order of the domains."""
    ages = {number: policy.days for number, policy in enumerate(observed.policies)}
    complete = np.array([policy.complete for policy in observed.policies], bool)
    edges = np.flatnonzero(np.diff(observed.domain, prepend=-1, append=-1))
    for start, stop in pairwise(edges):
        reporter, day, policy = (column[start:stop] for column in (observed.reporter, observed.day, observed.policy))
        last_report = _last_days(reporter, day)
        tells = policy != NOTHING
        whole = np.zeros(len(policy), bool)
        whole[policy >= 0] = complete[policy[policy >= 0]]
        if whole.any():
            # Half a policy cannot be told from several whole ones.
            tells &= whole | (policy == NONE)
        runs = _runs(reporter[tells], day[tells], policy[tells])
        yield DomainCourse(int(observed.domain[start]), runs, follow(runs, ages), last_report)


def _last_days(reporter: Ints, day: Ints) -> dict[int, int]:
    # Sorted by reporter, then by day: the last of each reporter's rows.
    ends = np.flatnonzero(np.diff(reporter, append=-1))
    names = reporter[ends]
    if len(names) > _MOST_REPORTERS:
        days = np.diff(ends, prepend=-1)
        kept = np.sort(np.argsort(-days, kind="stable")[:_MOST_REPORTERS])
        ends, names = ends[kept], names[kept]
    return {int(who): int(day[end]) for who, end in zip(names, ends, strict=True)}


def _runs(reporter: Ints, day: Ints, policy: Ints) -> list[Run]:
    """Return the runs; rows are sorted by reporter, day and policy."""
    if not len(reporter):
        return []
    new = np.flatnonzero((np.diff(reporter, prepend=-1) != 0) | (np.diff(day, prepend=-1) != 0))
    size = np.diff(new, append=len(reporter))
    who, when = reporter[new], day[new]
    ends = np.flatnonzero(np.diff(who, append=-1))
    if len(ends) > _MOST_REPORTERS:
        reports = np.diff(ends, prepend=-1)
        kept = who[ends[np.argsort(-reports, kind="stable")[:_MOST_REPORTERS]]]
        mine = np.isin(who, kept)
        new, size, who, when = new[mine], size[mine], who[mine], when[mine]
    # One policy a day is the rule: those need no set.
    sets: dict[tuple[int, ...], int] = {}
    shown = policy[new].copy()
    lowest = int(policy.min()) - 1
    for place in np.flatnonzero(size > 1):
        found = tuple(int(p) for p in policy[new[place] : new[place] + size[place]])
        shown[place] = sets.setdefault(found, lowest - len(sets))
    names = {number: found for found, number in sets.items()}
    first = np.flatnonzero((np.diff(who, prepend=-1) != 0) | (np.diff(shown, prepend=lowest - len(sets) - 1) != 0))
    after = np.append(first[1:], len(who))
    return [
        Run(
            int(who[start]),
            int(when[start]),
            int(when[stop - 1]),
            int(stop - start),
            names.get(int(shown[start]), (int(shown[start]),)),
        )
        for start, stop in zip(first, after, strict=True)
    ]
