"""A policy that reporters do not find any more: removed, or not to be looked up (RFC 8461 §8.3, RFC 8460 §4.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from ._applied import NONE
from ._runs import Run

__all__ = ["Removal", "removals"]

#: A reporter that finds none in one report alone may have had a failed lookup.
_LEAST_REPORTS: Final = 2
#: One reporter alone that comes back to a policy after fewer reports may have had a resolver that failed.
_LEAST_OF_ONE: Final = 7


class Removal(NamedTuple):
    """A stretch of time in which no policy was found.

    `day` is the first day that a report shows it, `before` the policy that most had; `until` the day on which a reporter
    found a policy again, and `after` that policy; None where that was not seen.
    """

    day: int
    before: int
    until: int | None
    after: int | None


def removals(runs: Sequence[Run], ages: Mapping[int, int], unfetched: Container[tuple[int, int]]) -> Iterator[Removal]:
    """Yield the removals of one domain, in order.

    A sender keeps its policy until max_age has passed, whatever the record is (RFC 8461 §5.1). So a policy is gone where
    most reporters that had one come to find none, all that still apply one may have it cached, and none finds one again.
    Reporters that find the record and fail to fetch the file say so too: that is a fault, and no removal.

    Parameters
    ----------
    runs : sequence of Run
        Sorted by reporter, then by day.
    ages : mapping of int to int
        How many days a sender may keep each policy.
    unfetched : set of (int, int)
        Reporters and days on which they failed to fetch the policy.
    """
    of: dict[int, list[Run]] = {}
    for run in runs:
        of.setdefault(run.reporter, []).append(run)
    lost: set[int] = set()
    # Reporters that come back to a policy: the day, the policy, and whether they stay with it.
    returns: list[tuple[int, int, bool]] = []
    for own in of.values():
        for earlier, run in pairwise(own):
            if run.policies == (NONE,) and run.reports >= _LEAST_REPORTS and not _fails(run, unfetched):
                lost.add(run.start)
            elif earlier.policies == (NONE,):
                stays = run.reports >= _LEAST_REPORTS and NONE not in run.policies
                returns += [(run.start, policy, stays) for policy in run.policies if policy != NONE]
    returns.sort()
    after = -1
    for day in sorted(lost):
        if day < after:
            continue
        back = next(
            (
                (start, policy)
                for start, policy, stays in returns[bisect_left(returns, (day + 1, NONE, False)) :]
                if stays or start > day + ages.get(policy, 0) + 1
            ),
            (None, None),
        )
        before = _gone(of, ages, unfetched, day, back[0])
        if before is not None:
            yield Removal(day, before, *back)
            if back[0] is None:
                return
            after = back[0]


def _fails(run: Run, unfetched: Container[tuple[int, int]]) -> bool:
    return any((run.reporter, day) in unfetched for day in range(run.start, run.end + 1))


def _gone(
    of: Mapping[int, list[Run]],
    ages: Mapping[int, int],
    unfetched: Container[tuple[int, int]],
    day: int,
    until: int | None,
) -> int | None:
    """Return the policy that was removed on a day; None if it was not."""
    before: dict[int, int] = {}
    gone = left = reports = 0
    for own in of.values():
        stop = len(own) if until is None else bisect_left(own, until, key=lambda run: run.start)
        had = [policy for run in own[:stop] if run.start <= day + 1 for policy in run.policies if policy != NONE]
        if not had or own[stop - 1].end < day:
            continue  # nothing to lose, or no report since
        last = own[stop - 1]
        since = [(run.end, policy) for run in own[:stop] if run.end >= day for policy in run.policies if policy != NONE]
        if any(end > day + ages.get(policy, 0) + 1 for end, policy in since):
            return None  # it was fetched again
        if last.policies == (NONE,) and not _fails(last, unfetched):
            gone += 1
            reports += last.reports
            before[had[-1]] = before.get(had[-1], 0) + 1
        else:
            left += 1
    if gone <= left or (gone == 1 and until is not None and reports < _LEAST_OF_ONE):
        return None
    return max(before, key=lambda policy: (before[policy], policy))
