"""What each reporter applied, day by day, as runs of reports that show the same policies."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from .._cells import Ints

__all__ = ["Run", "last_days", "runs_of"]

# Those that report on most days; a stranger may invent reporters without end.
_MOST_REPORTERS: Final = 500


class Run(NamedTuple):
    """Reports of one reporter, one after another, that show the same policies.

    `start` and `end` are the days (from 1970-01-01) of the first and the last of them, `reports` their number.
    """

    reporter: int
    start: int
    end: int
    reports: int
    policies: tuple[int, ...]


def last_days(reporter: Ints, day: Ints) -> dict[int, int]:
    # Sorted by reporter, then by day: the last of each reporter's rows.
    ends = np.flatnonzero(np.diff(reporter, append=-1))
    names = reporter[ends]
    if len(names) > _MOST_REPORTERS:
        days = np.diff(ends, prepend=-1)
        kept = np.sort(np.argsort(-days, kind="stable")[:_MOST_REPORTERS])
        ends, names = ends[kept], names[kept]
    return {int(who): int(day[end]) for who, end in zip(names, ends, strict=True)}


def runs_of(reporter: Ints, day: Ints, policy: Ints) -> list[Run]:
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
        frequent = np.isin(who, kept)
        new, size, who, when = new[frequent], size[frequent], who[frequent], when[frequent]
    # One policy a day is the rule: those need no set.
    sets: dict[tuple[int, ...], int] = {}
    code = policy[new].copy()
    lowest = int(policy.min()) - 1
    for row in np.flatnonzero(size > 1):
        several = tuple(int(p) for p in policy[new[row] : new[row] + size[row]])
        code[row] = sets.setdefault(several, lowest - len(sets))
    names = {number: several for several, number in sets.items()}
    first = np.flatnonzero((np.diff(who, prepend=-1) != 0) | (np.diff(code, prepend=lowest - len(sets) - 1) != 0))
    after = np.append(first[1:], len(who))
    return [
        Run(
            int(who[start]),
            int(when[start]),
            int(when[stop - 1]),
            int(stop - start),
            names.get(int(code[start]), (int(code[start]),)),
        )
        for start, stop in zip(first, after, strict=True)
    ]
