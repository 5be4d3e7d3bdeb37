"""From what each reporter applied, day by day, to the policies that a domain has had, one after another.

A report shows what a sender held in its cache, which may be an old policy (RFC 8461 §3.3). So a policy seen today is
not always newer than one seen yesterday: each reporter is followed on its own way through the same sequence.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from ._applied import NONE, NOTHING, Observed
from ._precedence import MOST_VERSIONS, precedence
from ._runs import Run, last_days, runs_of

__all__ = ["BEFORE", "Course", "DomainCourse", "Version", "courses"]

#: In place of the number of a version: no policy was found yet, or a policy to which no reporter was seen to change.
BEFORE, UNPLACED = -1, -2
#: Reporters that begin within so many days of the first are there at the beginning.
_FIRST_DAYS: Final = 7


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
    to a policy of before may show a new version too, or a cache: senders with many machines have many caches. It is a new
    version if it cannot have been in a cache all the time (max_age), if another reporter goes back too, or if the reporter
    showed the newer one alone, then the older one alone, and neither it nor another comes to the newer one after that.
    """
    return _Follower(runs, ages).course


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
        # For each policy the runs with which reporters come to it, or to it alone: first day, number.
        self._comes: dict[int, list[tuple[int, int]]] = {}
        self._index()
        self._first = {policy: min(days.values()) for policy, days in self._first_days.items()}
        self._after = precedence(runs, self._first, ages)
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
        for number, run in enumerate(self.runs):
            late = max((self._after.get(policy, (run.start, 0)) for policy in run.policies), default=(run.start, 0))
            new = [self._rank(policy) for policy in run.policies if self._first[policy] >= run.start - 1] or [0]
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
        for number, (before, run) in enumerate(pairwise(self.runs), 1):
            if before.reporter == run.reporter:
                for policy in run.policies:
                    if policy not in before.policies or len(run.policies) == 1:
                        self._comes.setdefault(policy, []).append((run.start, number))
        for starts in self._comes.values():
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
        steps = {policy: self._step(number, policy, run.start) for policy in order}
        if after is not None and len(order) > 1 and after.policies == (held,):
            # It left its policy and came back to it, by the last of these reports.
            steps[order[0]] = self._step(number, order[0], run.end)
        self.course.versions_of[number] = tuple(steps[policy] for policy in run.policies)

    def _held(self, reporter: int) -> int | None:
        if reporter in self._position:
            return self.course.versions[self._position[reporter]].policy
        return self._unplaced[reporter][0] if reporter in self._unplaced else None

    def _known(self, policy: int) -> int:
        return self._versions_of.get(policy, [-1])[-1]

    def _step(self, number: int, policy: int, day: int) -> int:
        """Return which version a policy is that a reporter shows on a day, and move the reporter there."""
        run = self.runs[number]
        reporter, versions = run.reporter, self.course.versions
        if policy == NONE:
            return BEFORE
        same = self._versions_of.get(policy, [])
        if reporter not in self._position:
            return self._first_step(number, policy, same, day)
        here = self._position[reporter]
        if versions[here].policy == policy:
            return here
        ahead = next((version for version in same if version > here and not self._is_over(version, day)), None)
        if ahead is not None:
            self._position[reporter] = ahead
            return ahead
        if same and not self._is_new_again(number, policy, same[-1], here):
            return same[-1]
        return self._new(number, policy, day)

    def _first_step(self, number: int, policy: int, same: list[int], day: int) -> int:
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
            return self._new(number, policy, day)
        self._unplaced[reporter] = (policy, run.start)
        return UNPLACED

    def _new(self, number: int, policy: int, day: int) -> int:
        """Return the new version that a reporter is the first to be seen changing to, on a day."""
        versions, run = self.course.versions, self.runs[number]
        if len(versions) >= MOST_VERSIONS:
            return UNPLACED
        began = self._unplaced.pop(run.reporter, None)
        before = versions[-1].policy if began is None else began[0]
        # Others may have begun to report with it before, but not before the cached policy of this reporter could expire.
        earlier = self.runs[number - 1] if number and self.runs[number - 1].reporter == run.reporter else run
        since = max(versions[-1].day, earlier.end - self.ages.get(before, 0))
        begun = [(who, first) for who, (held, first) in self._unplaced.items() if held == policy]
        day = min([day, *(first for _, first in begun if first >= since)])
        for who, _ in begun:
            self._position[who] = len(versions)
            del self._unplaced[who]
        # A reporter whose day is not that of UTC may show a change under the day before it.
        versions.append(Version(policy, max(day, versions[-1].day) if versions else day, before))
        newest = len(versions) - 1
        self._versions_of.setdefault(policy, []).append(newest)
        self._position[run.reporter] = newest
        return newest

    def _is_over(self, version: int, day: int) -> bool:
        """Return whether no cache can hold a version on a day: another took its place, and max_age has passed since."""
        versions = self.course.versions
        if version + 1 >= len(versions):
            return False
        return day > versions[version + 1].day + self.ages.get(versions[version].policy, 0) + 1

    def _is_new_again(self, number: int, policy: int, older: int, here: int) -> bool:
        """Return whether a reporter that goes back to a policy of before shows a change, and not an old cache."""
        run, stretch = self.runs[number], self._stretch(number, policy)
        # A cached policy that is held for longer than max_age was fetched again.
        if self._is_over(older, self.runs[stretch[-1]].end):
            return True
        newer = self.course.versions[here].policy
        # The newer one may have been there before: who showed it then has not left it now.
        since = self.course.versions[here].day
        had: dict[int, int] = {}
        for who, first, last in self._shows[newer]:
            if last >= since:
                had.setdefault(who, max(first, since))
        alone = self._alone(stretch, policy)
        if alone and sum(1 for day in had.values() if day <= run.start) == 1:
            return alone > 1
        horizon = run.start + self.ages.get(policy, 0) + self.ages.get(newer, 0)
        comes = self._comes.get(policy, [])
        for day, other in comes[bisect_left(comes, (run.start - 1, -1)) :]:
            if day > horizon:
                break
            who, back = self.runs[other].reporter, self._stretch(other, policy)
            if who == run.reporter or had.get(who, day + 1) > day:
                continue
            if self._alone(back, policy) or self._leaves(back, newer):
                return True
        return (
            alone > 1
            and self._leaves(stretch, newer)
            and self._is_clean(number, policy, newer)
            and not self._is_fetched(newer, stretch)
        )

    def _stretch(self, number: int, policy: int) -> range:
        """Return the runs of one reporter, from one on, that show a policy without a break."""
        end = number
        while (after := self._next(end)) is not None and policy in after.policies:
            end += 1
        return range(number, end + 1)

    def _alone(self, stretch: range, policy: int) -> int:
        """Return how many of a reporter's reports show this policy and no other."""
        return sum(self.runs[number].reports for number in stretch if self.runs[number].policies == (policy,))

    def _leaves(self, stretch: range, newer: int) -> bool:
        """Return whether a reporter does not go on to the newer policy: that one was not published any more."""
        return newer not in (self._next(stretch[-1]) or self.runs[stretch[-1]]).policies

    def _is_clean(self, number: int, policy: int, newer: int) -> bool:
        """Return whether a reporter showed the newer policy alone before: it has one cache, not many."""
        reports, before = 0, number - 1
        while before >= 0 and self.runs[before].reporter == self.runs[number].reporter:
            run = self.runs[before]
            if newer not in run.policies or policy in run.policies:
                break
            reports += run.reports if run.policies == (newer,) else 0
            before -= 1
        return reports > 1

    def _is_fetched(self, newer: int, stretch: range) -> bool:
        """Return whether another reporter comes to the newer policy after one has gone back from it."""
        first, last = self.runs[stretch[0]].start + 1, self.runs[stretch[-1]].end
        comes = self._comes.get(newer, [])
        for day, other in comes[bisect_left(comes, (first, -1)) :]:
            if day > last:
                return False
            before = self.runs[other - 1]
            if other not in stretch and newer not in before.policies and before.end > first:
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
    unfetched : set of (int, int)
        Reporters and days on which they found the record and no policy: their reports have rows of both kinds.
    """

    domain: int
    runs: list[Run]
    course: Course
    last_report: dict[int, int]
    unfetched: frozenset[tuple[int, int]] = frozenset()


def courses(observed: Observed) -> Iterator[DomainCourse]:
    """Yield the course of each domain, in the order of the domains."""
    ages = {number: policy.days for number, policy in enumerate(observed.policies)}
    complete = np.array([policy.complete for policy in observed.policies], bool)
    edges = np.flatnonzero(np.diff(observed.domain, prepend=-1, append=-1))
    for start, stop in pairwise(edges):
        reporter, day, policy = (column[start:stop] for column in (observed.reporter, observed.day, observed.policy))
        last_report = last_days(reporter, day)
        tells = policy != NOTHING
        whole = np.zeros(len(policy), bool)
        whole[policy >= 0] = complete[policy[policy >= 0]]
        if whole.any():
            # Half a policy cannot be distinguished from several whole ones.
            tells &= whole | (policy == NONE)
        runs = runs_of(reporter[tells], day[tells], policy[tells])
        none, nothing = (
            set(zip(reporter[policy == what].tolist(), day[policy == what].tolist(), strict=True))
            for what in (NONE, NOTHING)
        )
        number = int(observed.domain[start])
        yield DomainCourse(number, runs, _follow(runs, ages), last_report, frozenset(none & nothing))
