"""From what each reporter applied, day by day, to the policies that a domain has had, one after another.

A report shows what a sender held in its cache, which may be an old policy (RFC 8461 §3.3). So a policy seen today is
not always newer than one seen yesterday: each reporter is followed on its own way through the same sequence.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from .._cells import Ints
from ._applied import NONE, NOTHING, Observed

__all__ = ["BEFORE", "Course", "DomainCourse", "Run", "Version", "courses"]

#: In place of the number of a version: no policy was found yet, or a policy to which no reporter was seen to change.
BEFORE, UNPLACED = -1, -2
# A stranger may make up a policy for every report.
_MOST_VERSIONS: Final = 200
# Those that report on most days; a stranger may invent reporters without end.
_MOST_REPORTERS: Final = 500
#: Reporters that begin within so many days of the first are there at the beginning.
_FIRST_DAYS: Final = 7


class Run(NamedTuple):
    """Reports of one reporter, one after another, that show the same policies.

    `start` and `end` are the days (from 1970-01-01) of the first and the last of them, `reports` their number.
    """

    reporter: int
    start: int
    end: int
    reports: int
    policies: tuple[int, ...]


@dataclass(slots=True)
class Version:
    """One policy of a domain for one stretch of time.

    Attributes
    ----------
    policy : int
        Its number.
    day : int
        The first day that a report shows it.
    before : int or None
        The policy before; `NONE` where reporters found none; None where it is the first that there is.
    """

    policy: int
    day: int
    before: int | None


@dataclass(slots=True)
class Course:
    """The versions of one domain, in order, and for each run and policy in it, which version it is."""

    versions: list[Version] = field(default_factory=list)
    versions_of: list[tuple[int, ...]] = field(default_factory=list)


def _follow(runs: Sequence[Run], ages: Mapping[int, int]) -> Course:
    """Return the course of one domain.

    Parameters
    ----------
    runs : sequence of Run
        Sorted by reporter, then by day.
    ages : mapping of int to int
        How many days a sender may keep each policy.

    Notes
    -----
    A reporter that shows a policy which the domain has not had is the first to show a new version. One that goes back
    to a policy of before shows a new version too, unless it may still have that policy in a cache (its max_age, counted
    from the change, is not over) and goes back alone: senders with many machines have many caches.
    """
    return _Follower(runs, ages).course


def _precedence(runs: Sequence[Run], first: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """Return for policies that reporters first show within a day of one another: from when each counts, and its rank.

    A policy counts from the first day of those that it came after; its rank is higher the more of them there are.
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
    late: dict[int, tuple[int, int]] = {}
    for before, policy in sorted(came):
        if (policy, before) not in came:
            day, rank = late.get(policy, (first[policy], 0))
            late[policy] = (max(day, first[before]), rank + 1)
    return late


class _Follower:
    def __init__(self, runs: Sequence[Run], ages: Mapping[int, int]) -> None:
        self.runs, self.ages = runs, ages
        self.course = Course(versions_of=[()] * len(runs))
        self._position: dict[int, int] = {}
        self._versions_of: dict[int, list[int]] = {}
        # Reporters that began with a policy of which it is not known whether it is older or newer than the others'.
        self._unplaced: dict[int, tuple[int, int]] = {}
        self._begun: set[int] = set()
        self._first_days: dict[int, dict[int, int]] = {}
        self._shows: dict[int, list[tuple[int, int, int]]] = {}
        self._alone: dict[int, list[tuple[int, int]]] = {}
        self._index()
        self._after = _precedence(runs, {policy: min(days.values()) for policy, days in self._first_days.items()})
        self._begin()
        for number in self._order():
            self._enter(number)
        self._settle()

    def _order(self) -> list[int]:
        """Return the runs in order of time, those of one day by what reporters show to have come first.

        A reporter that changes from B to C shows that a change from A to C, in the same day's report of another, went by
        B. Names decide nothing. Runs of one reporter stay in order.
        """
        keys: list[tuple[tuple[int, ...], int]] = []
        first = {policy: min(days.values()) for policy, days in self._first_days.items()}
        for number, run in enumerate(self.runs):
            late = max((self._after.get(policy, (run.start, 0)) for policy in run.policies), default=(run.start, 0))
            new = [self._rank(policy) for policy in run.policies if first[policy] >= run.start - 1] or [0]
            own = (max(run.start, late[0]), max(new), min(new), -len(run.policies), *run.policies)
            if number and self.runs[number - 1].reporter == run.reporter:
                own = max(own, keys[-1][0])
            keys.append((own, number))
        return [number for _, number in sorted(keys)]

    def _rank(self, policy: int) -> int:
        return self._after.get(policy, (0, 0))[1]

    def _index(self) -> None:
        for run in self.runs:
            for policy in run.policies:
                self._first_days.setdefault(policy, {}).setdefault(run.reporter, run.start)
                self._shows.setdefault(policy, []).append((run.reporter, run.start, run.end))
            if len(run.policies) == 1:
                self._alone.setdefault(run.policies[0], []).append((run.start, run.reporter))
        for starts in self._alone.values():
            starts.sort()

    def _begin(self) -> None:
        """Make the policy with which most of the first reporters begin the first version."""
        begins: dict[int, list[int]] = {}
        first_day = min((run.start for run in self.runs if run.policies != (NONE,)), default=0)
        for number, run in enumerate(self.runs):
            known = [policy for policy in run.policies if policy != NONE]
            if not known or run.start > first_day + _FIRST_DAYS or (begins and run.reporter in self._begun):
                continue
            self._begun.add(run.reporter)
            after = self._next(number)
            held = min(known, key=lambda p: (after is not None and p in after.policies, p))
            begins.setdefault(held, []).append(run.start)
        if begins:
            policy = min(begins, key=lambda p: (-len(begins[p]), min(begins[p]), p))
            self.course.versions.append(Version(policy, min(begins[policy]), None))
            self._versions_of[policy] = [0]

    def _next(self, number: int) -> Run | None:
        following = number + 1
        if following < len(self.runs) and self.runs[following].reporter == self.runs[number].reporter:
            return self.runs[following]
        return None

    def _enter(self, number: int) -> None:
        run, after = self.runs[number], self._next(number)
        held = self._held(run.reporter)
        # On the day of a change both are there: first what was held, last what goes on to be held.
        order = sorted(
            run.policies,
            key=lambda p: (p != held, after is not None and p in after.policies, self._rank(p), self._known(p), p),
        )
        steps = {policy: self._step(number, policy) for policy in order}
        self.course.versions_of[number] = tuple(steps[policy] for policy in run.policies)

    def _held(self, reporter: int) -> int | None:
        if reporter in self._position:
            return self.course.versions[self._position[reporter]].policy
        return self._unplaced[reporter][0] if reporter in self._unplaced else None

    def _known(self, policy: int) -> int:
        return self._versions_of.get(policy, [-1])[-1]

    def _step(self, number: int, policy: int) -> int:
        """Return which version a policy is that a reporter shows, and move the reporter there."""
        run = self.runs[number]
        reporter, versions = run.reporter, self.course.versions
        if policy == NONE:
            return BEFORE
        same = self._versions_of.get(policy, [])
        if reporter not in self._position:
            return self._first_step(number, policy, same)
        here = self._position[reporter]
        if versions[here].policy == policy:
            return here
        ahead = next((version for version in same if version > here), None)
        if ahead is not None:
            self._position[reporter] = ahead
            return ahead
        if same and not self._is_new_again(number, policy, same[-1], here):
            return same[-1]
        return self._new(number, policy)

    def _first_step(self, number: int, policy: int, same: list[int]) -> int:
        run = self.runs[number]
        reporter = run.reporter
        began = self._unplaced.get(reporter)
        if began is not None and began[0] == policy:
            return UNPLACED
        if same:
            self._position[reporter] = same[-1]
            first = self.course.versions[0]
            if began is not None and same[-1] == 0 and first.before is None:
                # It came from a policy that was there before any that the others show.
                first.before = began[0]
            return same[-1]
        if began is not None:
            return self._new(number, policy)
        self._unplaced[reporter] = (policy, run.start)
        return UNPLACED

    def _new(self, number: int, policy: int) -> int:
        """Return the new version that a reporter is the first to be seen changing to."""
        versions, run = self.course.versions, self.runs[number]
        if len(versions) >= _MOST_VERSIONS:
            return UNPLACED
        began = self._unplaced.pop(run.reporter, None)
        before = versions[-1].policy if began is None else began[0]
        # Others may have begun to report with it before, but not before the cached policy of this reporter could expire.
        earlier = self.runs[number - 1] if number and self.runs[number - 1].reporter == run.reporter else run
        since = max(versions[-1].day, earlier.end - self.ages.get(before, 0))
        begun = [(who, first) for who, (held, first) in self._unplaced.items() if held == policy]
        day = min([run.start, *(first for _, first in begun if first >= since)])
        for who, _ in begun:
            self._position[who] = len(versions)
            del self._unplaced[who]
        # A reporter whose day is not that of UTC may show a change under the day before it.
        versions.append(Version(policy, max(day, versions[-1].day) if versions else day, before))
        newest = len(versions) - 1
        self._versions_of.setdefault(policy, []).append(newest)
        self._position[run.reporter] = newest
        return newest

    def _is_new_again(self, number: int, policy: int, older: int, here: int) -> bool:
        """Return whether a reporter that goes back to a policy of before shows a change, and not an old cache."""
        run = self.runs[number]
        left = self.course.versions[older + 1].day
        keeps = self.ages.get(policy, 0)
        if run.start > left + keeps + 1:
            return True
        after = run if len(run.policies) == 1 else self._next(number)
        if after is None or after.policies != (policy,):
            return False
        newer = self.course.versions[here].policy
        # The newer one may have been there before: who showed it then has not left it now.
        since = self.course.versions[here].day
        had: dict[int, int] = {}
        for who, first, last in self._shows[newer]:
            if last >= since:
                had.setdefault(who, max(first, since))
        if sum(1 for day in had.values() if day <= run.start) == 1:
            return after.reports > 1
        horizon = run.start + keeps + self.ages.get(newer, 0)
        starts = self._alone.get(policy, [])
        for day, reporter in starts[bisect_left(starts, (run.start - 1, -1)) :]:
            if day > horizon:
                return False
            if reporter != run.reporter and had.get(reporter, day + 1) <= day:
                return True
        return False

    def _settle(self) -> None:
        """Give the runs of reporters that began with a version, before it was known to be one, its number."""
        for number, run in enumerate(self.runs):
            versions = self.course.versions_of[number]
            if UNPLACED in versions:
                self.course.versions_of[number] = tuple(
                    self._later(policy, run) if version == UNPLACED else version
                    for policy, version in zip(run.policies, versions, strict=True)
                )
        if self.course.versions and self.course.versions[0].before is None:
            first = self.course.versions[0]
            without = self._first_days.get(NONE, {})
            if any(day < first.day for day in without.values()):
                first.before = NONE

    def _later(self, policy: int, run: Run) -> int:
        versions = self._versions_of.get(policy, [])
        return next((p for p in versions if run.end >= self.course.versions[p].day), UNPLACED)


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
            # Half a policy cannot be distinguished from several whole ones.
            tells &= whole | (policy == NONE)
        runs = _runs(reporter[tells], day[tells], policy[tells])
        yield DomainCourse(int(observed.domain[start]), runs, _follow(runs, ages), last_report)


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
