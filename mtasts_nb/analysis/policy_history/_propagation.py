"""After a change of the policy: which reporter had taken it over by when, as far as its reports show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ._applied import NONE
from ._course import BEFORE, Run
from ._runs import DomainCourse

__all__ = ["STATES", "Takeover", "standings", "takeovers"]

TAKEN_OVER = "taken over"
PASSED_OVER = "passed over"
PARTLY = "partly"
STILL_OLD = "still old"
SILENT = "no report since"
NEVER_LEFT = "never left it"
BEGAN = "began with it"
ANOTHER = "another policy"
NOT_OBSERVED = "not observed"
#: How a reporter stands to a change; in the first four its reports measure how long it took, or takes.
STATES: Final = (TAKEN_OVER, PASSED_OVER, PARTLY, STILL_OLD, SILENT, NEVER_LEFT, BEGAN, ANOTHER, NOT_OBSERVED)


@dataclass(frozen=True, slots=True)
class Takeover:
    """One reporter and one change. Days from 1970-01-01; `at_least` and `at_most` are counted from the change."""

    reporter: int
    state: str
    last_old: int | None = None
    first_new: int | None = None
    at_least: int | None = None
    at_most: int | None = None


def takeovers(found: DomainCourse, place: int) -> list[Takeover]:
    """Return how each reporter stands to the change that brought the version at `place`."""
    told: list[Takeover] = []
    for reporter, part in _by_reporter(found.runs):
        told.append(_takeover(reporter, found, part, place))
    seen = {one.reporter for one in told}
    told += [Takeover(reporter, NOT_OBSERVED) for reporter in found.last_report if reporter not in seen]
    return told


def _by_reporter(runs: Sequence[Run]) -> list[tuple[int, range]]:
    parts: list[tuple[int, range]] = []
    start = 0
    for number in range(1, len(runs) + 1):
        if number == len(runs) or runs[number].reporter != runs[start].reporter:
            parts.append((runs[start].reporter, range(start, number)))
            start = number
    return parts


def _takeover(reporter: int, found: DomainCourse, part: range, place: int) -> Takeover:
    runs, course = found.runs, found.course
    version = course.versions[place]
    last_old = first_new = last_new = None
    exact = other = left = False
    for number in part:
        run = runs[number]
        for policy, shown in zip(run.policies, course.shown[number], strict=True):
            if shown >= place:
                first_new = run.start if first_new is None else first_new
                last_new = run.end
                exact |= shown == place
            elif shown > BEFORE and policy == version.policy and run.end >= version.day:
                left = True
            # That it found no policy is no older one, but for the first that the domain has.
            elif (
                shown > BEFORE
                or (policy == version.before and policy != NONE)
                or (policy == NONE and place == 0 and first_new is None)
            ):
                last_old = run.end
            elif policy != NONE:
                other = True
    if first_new is None:
        if left:
            return Takeover(reporter, NEVER_LEFT)
        if last_old is None or _tells_no_policy(found, part):
            return Takeover(reporter, ANOTHER if other else NOT_OBSERVED)
        if last_old < version.day:
            return Takeover(reporter, SILENT, last_old)
        return Takeover(reporter, STILL_OLD, last_old, None, last_old + 1 - version.day)
    if last_old is None or last_new is None:
        return Takeover(reporter, BEGAN, None, first_new)
    if last_old >= last_new and last_old >= version.day:
        # The last that it shows of this is both.
        ends = max(runs[number].end for number in part)
        if last_old == ends:
            return Takeover(reporter, PARTLY, last_old, first_new, last_old - version.day)
    done = max(first_new, last_old)
    earliest = last_old if last_old >= first_new else last_old + 1
    state = TAKEN_OVER if exact else PASSED_OVER
    return Takeover(reporter, state, last_old, first_new, max(0, earliest - version.day), done - version.day)


def _tells_no_policy(found: DomainCourse, part: range) -> bool:
    """Return whether a reporter has a policy at times, by its reports, but never says which."""
    runs = found.runs[part.start : part.stop]
    return all(run.policies == (NONE,) for run in runs) and found.last_report[runs[0].reporter] > runs[-1].end


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one reporter stands at its last report: its newest and oldest policy then, and since when it is current."""

    reporter: int
    state: str
    policies: tuple[int, ...]
    last_observed: int | None
    last_report: int


CURRENT, OLDER, BOTH, NO_POLICY = "current policy", "older policy", "both", "no policy found"


def standings(found: DomainCourse) -> list[Standing]:
    """Return which policy each reporter applied when it last said so, beside the newest of the domain."""
    versions = found.course.versions
    told: dict[int, Standing] = {}
    for reporter, part in _by_reporter(found.runs):
        run = found.runs[part[-1]]
        policies = tuple(policy for policy in run.policies if policy != NONE)
        if _tells_no_policy(found, part):
            told[reporter] = Standing(reporter, NOT_OBSERVED, (), None, found.last_report[reporter])
            continue
        if not versions:
            state = NO_POLICY
        elif not policies:
            state = NO_POLICY if run.end >= versions[-1].day else SILENT
        elif run.end < versions[-1].day:
            state = SILENT
        elif policies == (versions[-1].policy,):
            state = CURRENT
        elif versions[-1].policy in policies:
            state = BOTH
        else:
            older = {version.policy for version in versions[:-1]}
            state = OLDER if older.issuperset(policies) else ANOTHER
        told[reporter] = Standing(reporter, state, policies, run.end, found.last_report.get(reporter, run.end))
    for reporter, last in found.last_report.items():
        told.setdefault(reporter, Standing(reporter, NOT_OBSERVED, (), None, last))
    return sorted(told.values(), key=lambda one: one.reporter)
