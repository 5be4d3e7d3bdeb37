"""Of policies that reporters first show within a day of one another: which was published later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from ._applied import NONE
from ._runs import Run

__all__ = ["MOST_VERSIONS", "precedence"]

#: A stranger may make up a policy for every report.
MOST_VERSIONS: Final = 200


def precedence(runs: Sequence[Run], first: Mapping[int, int], ages: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """Return for policies that reporters first show within a day of one another: from when each counts, and its rank.

    A policy came after another that reporters left for it, and after one that was first shown before it was last
    fetched: who shows a policy has fetched it within its max_age. A policy counts from the first day of those that it
    came after; its rank is higher the more of them there are.
    """
    came: set[tuple[int, int]] = set()
    for run, after in pairwise(runs):
        if run.reporter == after.reporter:
            left = [policy for policy in run.policies if policy not in after.policies]
            came |= {
                (p, q)
                for p in left
                for q in after.policies
                if p != NONE and q != NONE and abs(first[p] - first[q]) <= 1 and run.start - first[p] <= 1
            }
    new: dict[int, list[int]] = {}
    for policy, day in first.items():
        if policy != NONE and len(new.setdefault(day, [])) < MOST_VERSIONS:
            new[day].append(policy)
    fetched = _last_fetched(runs, first, ages)
    came |= {
        (p, q)
        for day, policies in new.items()
        for q in policies
        for p in (*new.get(day - 1, ()), *policies, *new.get(day + 1, ()))
        if (q, p) not in came and first[p] < fetched[q] and fetched[p] - first[q] < fetched[q] - first[p]
    }
    late: dict[int, tuple[int, int]] = {}
    for before, policy in sorted(came):
        if (policy, before) not in came:
            day, rank = late.get(policy, (first[policy], 0))
            late[policy] = (max(day, first[before]), rank + 1)
    return late


def _last_fetched(runs: Sequence[Run], first: Mapping[int, int], ages: Mapping[int, int]) -> dict[int, int]:
    """Return the day from which each policy was surely fetched once more, by those who came to it when it was new."""
    last: dict[int, int] = {}
    since: dict[int, int] = {}
    reporter = None
    for run in runs:
        if run.reporter != reporter:
            reporter, since = run.reporter, {}
        since = {policy: since.get(policy, run.start) for policy in run.policies if policy != NONE}
        for policy, start in since.items():
            if start <= first[policy] + 1:
                last[policy] = max(last.get(policy, 0), run.end - ages.get(policy, 0))
    return last
