"""How far each reporter is with each change, and which policy it applied last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from ...vocabulary import Adoption, PolicyView
from ._applied import NONE
from ._course import BEFORE, DomainCourse, Version
from ._removed import Removal

__all__ = ["adoptions", "last_views", "removal_adoptions"]

#: A reporter with nothing about the policy for longer than this, counted from the last day of any report, is silent: most
#: reports come within two days.
_SILENT_DAYS: Final = 3


@dataclass(frozen=True, slots=True)
class _Adopted:
    """One reporter and one change. Days from 1970-01-01; `at_least` and `at_most` are counted from the change."""

    reporter: int
    state: Adoption
    last_old: int | None = None
    first_new: int | None = None
    at_least: int | None = None
    at_most: int | None = None


def adoptions(domain: DomainCourse, newest: int) -> Iterator[_Adopted]:
    """Yield how far each reporter is with the change that brought the version `newest`."""
    with_runs = set()
    for reporter, part in _by_reporter(domain):
        with_runs.add(reporter)
        yield _adopted(reporter, domain, part, newest)
    for reporter in domain.last_report.keys() - with_runs:
        yield _Adopted(reporter, Adoption.NOT_OBSERVED)


def _by_reporter(domain: DomainCourse) -> Iterator[tuple[int, list[int]]]:
    """Yield each reporter with the numbers of its runs."""
    for reporter, runs in groupby(range(len(domain.runs)), key=lambda number: domain.runs[number].reporter):
        yield reporter, list(runs)


def _adopted(reporter: int, domain: DomainCourse, part: Sequence[int], newest: int) -> _Adopted:
    runs, course = domain.runs, domain.course
    version = course.versions[newest]
    last_old = first_new = last_new = None
    exact = other = left = False
    for number in part:
        run = runs[number]
        for policy, held in zip(run.policies, course.versions_of[number], strict=True):
            if held >= newest:
                first_new = run.start if first_new is None else first_new
                last_new = run.end
                exact |= held == newest
            elif held > BEFORE and policy == version.policy and run.end >= version.day:
                left = True
            # No policy counts as the older one only before the first that the domain has.
            elif (
                held > BEFORE
                or (policy == version.before and policy != NONE)
                or (policy == NONE and newest == 0 and first_new is None)
            ):
                last_old = run.end
            elif policy != NONE:
                other = True
    if first_new is None:
        if left:
            return _Adopted(reporter, Adoption.NEVER_LEFT)
        if last_old is None or _names_no_policy(domain, part):
            return _Adopted(reporter, Adoption.ANOTHER if other else Adoption.NOT_OBSERVED)
        if last_old < version.day:
            return _Adopted(reporter, Adoption.SILENT, last_old)
        if last_old < _heard_from(domain):
            return _Adopted(reporter, Adoption.SILENT, last_old, None, last_old + 1 - version.day)
        return _Adopted(reporter, Adoption.STILL_OLD, last_old, None, last_old + 1 - version.day)
    if last_old is None or last_new is None:
        return _Adopted(reporter, Adoption.BEGAN, None, first_new)
    if last_old >= last_new and last_old >= version.day:
        # The last that it shows of this is both.
        ends = max(runs[number].end for number in part)
        if last_old == ends:
            return _Adopted(reporter, Adoption.PARTLY, last_old, first_new, last_old - version.day)
    done = max(first_new, last_old)
    earliest = last_old if last_old >= first_new else last_old + 1
    state = Adoption.APPLIED if exact else Adoption.SKIPPED
    return _Adopted(reporter, state, last_old, first_new, max(0, earliest - version.day), done - version.day)


def removal_adoptions(domain: DomainCourse, removal: Removal, *, ended: bool = False) -> Iterator[_Adopted]:
    """Yield how far each reporter is with the removal of the policy; with `ended`, with finding one again."""
    day = removal.until if ended and removal.until is not None else removal.day
    with_runs = set()
    for reporter, part in _by_reporter(domain):
        runs = [domain.runs[number] for number in part]
        if ended:
            runs = [run for run in runs if run.end >= removal.day]
        elif removal.until is not None:
            runs = [run for run in runs if run.start < removal.until]
        if not runs:
            continue
        with_runs.add(reporter)
        rest = len(runs)
        while rest and ((runs[rest - 1].policies == (NONE,)) ^ ended):
            rest -= 1
        last_old = runs[rest - 1].end if rest else None
        if last_old is None:
            yield _Adopted(reporter, Adoption.BEGAN, None, runs[0].start)
        elif rest < len(runs):
            first = runs[rest].start
            yield _Adopted(reporter, Adoption.APPLIED, last_old, first, max(0, last_old + 1 - day), max(0, first - day))
        else:
            state = Adoption.SILENT if last_old < _heard_from(domain) else Adoption.STILL_OLD
            yield _Adopted(reporter, state, last_old, None, last_old + 1 - day if last_old >= day else None)
    for reporter in domain.last_report.keys() - with_runs:
        yield _Adopted(reporter, Adoption.NOT_OBSERVED)


def _heard_from(domain: DomainCourse) -> int:
    """Return the day from which on a report says how things are at the end of the reports."""
    return max(domain.last_report.values(), default=0) - _SILENT_DAYS


def _is_removed(domain: DomainCourse) -> bool:
    """Return whether all who reported at the end of the reports, and could tell, found no policy."""
    latest = [run.policies for run in domain.runs if run.end >= _heard_from(domain)]
    return bool(latest) and all(policies == (NONE,) for policies in latest)


def _names_no_policy(domain: DomainCourse, part: Sequence[int]) -> bool:
    """Return whether a reporter has a policy at times, by its reports, but never says which."""
    runs = [domain.runs[number] for number in part]
    return all(run.policies == (NONE,) for run in runs) and domain.last_report.get(runs[0].reporter, -1) > runs[-1].end


@dataclass(frozen=True, slots=True)
class _LastView:
    """Which policies one reporter applied in its last report."""

    reporter: int
    state: PolicyView
    policies: tuple[int, ...]
    last_observed: int | None
    last_report: int


def last_views(domain: DomainCourse) -> Iterator[_LastView]:
    """Yield which policy each reporter applied when it last said so, compared with the newest of the domain."""
    versions = domain.course.versions
    with_runs = set()
    for reporter, part in _by_reporter(domain):
        with_runs.add(reporter)
        last_report = domain.last_report.get(reporter, domain.runs[part[-1]].end)
        run = domain.runs[part[-1]]
        policies = tuple(policy for policy in run.policies if policy != NONE)
        if _names_no_policy(domain, part):
            yield _LastView(reporter, PolicyView.NOT_OBSERVED, (), None, last_report)
        elif not versions or (not policies and run.end >= versions[-1].day):
            yield _LastView(reporter, PolicyView.NO_POLICY, policies, run.end, last_report)
        else:
            state = _compared(policies, versions)
            silent = run.end < _heard_from(domain) and (state is not PolicyView.CURRENT or _is_removed(domain))
            if run.end < versions[-1].day or silent:
                state = PolicyView.SILENT
            yield _LastView(reporter, state, policies, run.end, last_report)
    for reporter in domain.last_report.keys() - with_runs:
        yield _LastView(reporter, PolicyView.NOT_OBSERVED, (), None, domain.last_report[reporter])


def _compared(policies: tuple[int, ...], versions: Sequence[Version]) -> PolicyView:
    newest = versions[-1].policy
    if newest in policies:
        return PolicyView.CURRENT if policies == (newest,) else PolicyView.BOTH
    older = {version.policy for version in versions[:-1]}
    return PolicyView.OLDER if older.issuperset(policies) else PolicyView.ANOTHER
