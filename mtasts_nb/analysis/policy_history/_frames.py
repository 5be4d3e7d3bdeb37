"""The tables of a policy history: what was applied, what changed, and how far each reporter is with each change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np
import pandas as pd

from ...markup import MISSING
from ...vocabulary import Adoption, PolicyState, PolicyView
from ._applied import NONE, NOTHING, Applied, Observed
from ._course import BEFORE, DomainCourse, Version

__all__ = ["Numbers", "events_frame", "policies_frame", "reporters_frame", "table_frame"]

_TIME: Final = "datetime64[us, UTC]"
_DTYPES: Final[dict[str, dict[str, str]]] = {
    "policies": {
        "policy_domain": "str", "policy": "int64", "policy_mode": "str", "policy_max_age": "Int64", "mx": "str",
        "first_day": _TIME, "last_day": _TIME, "days": "int64", "reporters": "int64", "sessions": "int64",
    },
    "events": {
        "event": "int64", "policy_domain": "str", "day": _TIME, "changed": "str", "what": "str", "policy_before": "Int64",
        "policy": "int64", "mode_before": "str", "policy_mode": "str", "max_age_before": "Int64", "policy_max_age": "Int64",
        "mx_before": "str", "mx": "str", "seen_first_by": "str", "applied": "int64", "still_old": "int64",
        "cannot_tell": "int64", "days_to_last": "Int64", "cached_until": _TIME,
    },
    "propagation": {
        "event": "int64", "policy_domain": "str", "organization_name": "str", "state": "str", "last_old": _TIME,
        "first_new": _TIME, "days_at_least": "Int64", "days_at_most": "Int64",
    },
    "reporters": {
        "policy_domain": "str", "organization_name": "str", "state": "str", "policy": "Int64", "last_observed": _TIME,
        "last_report": _TIME, "cached_until": _TIME,
    },
}  # fmt: skip
#: A reporter with nothing about the policy for longer than this, counted from the last day of any report, is silent: most
#: reports come within two days.
_SILENT_DAYS: Final = 3
_UNKNOWN: Final = (Adoption.SILENT, Adoption.NOT_OBSERVED, Adoption.ANOTHER)


class Numbers:
    """The number of each policy within its domain: from 1, in the order in which reports first show them."""

    def __init__(self, observed: Observed) -> None:
        policies = max(len(observed.policies), 1)
        shows = observed.policy >= 0
        self.pair = observed.domain[shows] * policies + observed.policy[shows]
        self.shows = shows
        self.pairs, self.at = np.unique(self.pair, return_inverse=True)
        day = observed.day[shows]
        self.first_day = np.full(len(self.pairs), np.iinfo(np.int64).max)
        np.minimum.at(self.first_day, self.at, day)
        self.last_day = np.zeros(len(self.pairs), np.int64)
        np.maximum.at(self.last_day, self.at, day)
        self.domain, self.policy = self.pairs // policies, self.pairs % policies
        text = np.array([str(policy) for policy in observed.policies], object)[self.policy]
        order = np.lexsort((text.astype(str), self.first_day, self.domain)) if len(self.pairs) else np.zeros(0, int)
        self.order = order
        begins = np.searchsorted(self.domain[order], self.domain[order])
        self.number = np.zeros(len(self.pairs), np.int64)
        self.number[order] = np.arange(len(order)) - begins + 1
        self._of = {(int(d), int(p)): int(n) for d, p, n in zip(self.domain, self.policy, self.number, strict=True)}

    def __call__(self, domain: int, policy: int | None) -> int | None:
        """Return the number of a policy of a domain; None for none."""
        return None if policy is None else self._of.get((domain, policy))


def _frame(kind: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame: Any = pd.DataFrame(rows, columns=list(_DTYPES[kind]))
    for name, dtype in _DTYPES[kind].items():
        frame[name] = _times(frame[name]) if dtype == _TIME else frame[name].astype(dtype)
    table: pd.DataFrame = frame
    return table


def _times(days: Any) -> Any:
    """Return day numbers as midnights in UTC."""
    numbers = pd.to_numeric(pd.Series(days, dtype="object")).astype("Float64").astype("Int64")
    return pd.to_datetime(numbers, unit="D", utc=True).dt.as_unit("us")


def _midnights(days: Any) -> Any:
    return pd.DatetimeIndex(np.asarray(days).astype("datetime64[D]").astype("datetime64[us]")).tz_localize("UTC")


def _category(codes: Any, names: Sequence[str]) -> Any:
    return pd.Categorical.from_codes(codes, categories=pd.Index(list(names), dtype="str"))


def table_frame(observed: Observed, numbers: Numbers) -> pd.DataFrame:
    """Return day, reporter, policy: one row for each policy of each reporter and day."""
    number = np.zeros(len(observed.day), np.int64)
    number[numbers.shows] = numbers.number[numbers.at]
    state = np.where(observed.policy == NOTHING, 2, np.where(observed.policy == NONE, 1, 0))
    modes = sorted({policy.mode for policy in observed.policies if policy.mode is not None})
    mode_of = np.array([modes.index(p.mode) if p.mode is not None else -1 for p in observed.policies] or [-1])
    age_of = pd.array([p.max_age for p in observed.policies] or [None], dtype="Int64")
    mx_texts = sorted({"\n".join(p.mx) for p in observed.policies})
    mx_of = np.array([mx_texts.index("\n".join(p.mx)) for p in observed.policies] or [-1])
    shows = numbers.shows
    policy = np.where(shows, observed.policy, 0)
    return pd.DataFrame(
        {
            "day": _midnights(observed.day),
            "organization_name": _category(observed.reporter, observed.reporters),
            "policy_domain": _category(observed.domain, observed.domains),
            "state": _category(state, [state.value for state in PolicyState]),
            "policy": pd.array(np.where(shows, number, -1), dtype="Int64"),
            "policy_mode": _category(np.where(shows, mode_of[policy], -1), modes),
            "policy_max_age": age_of.take(np.where(shows, policy, -1), allow_fill=True),
            "mx": _category(np.where(shows, mx_of[policy], -1), mx_texts),
            "sessions": observed.sessions,
            "failed": observed.failed,
        }
    ).assign(policy=lambda frame: frame["policy"].where(frame["policy"] >= 0))


def policies_frame(observed: Observed, numbers: Numbers) -> pd.DataFrame:
    """Return one row per policy of a domain, in the order of their numbers."""
    shows, pair = numbers.shows, numbers.at
    sessions = np.zeros(len(numbers.pairs), np.int64)
    np.add.at(sessions, pair, observed.sessions[shows])

    def different(values: Any) -> Any:
        low = int(values.min(initial=0))
        both = np.unique(pair * (int(values.max(initial=0)) - low + 1) + values - low)
        return np.bincount(both // (int(values.max(initial=0)) - low + 1), minlength=len(numbers.pairs))

    days, reporters = different(observed.day[shows]), different(observed.reporter[shows])
    rows = []
    for at in numbers.order:
        policy = observed.policies[numbers.policy[at]]
        rows.append(
            {
                "policy_domain": observed.domains[numbers.domain[at]], "policy": numbers.number[at],
                "policy_mode": policy.mode, "policy_max_age": policy.max_age, "mx": "\n".join(policy.mx),
                "first_day": numbers.first_day[at], "last_day": numbers.last_day[at], "days": days[at],
                "reporters": reporters[at], "sessions": sessions[at],
            }
        )  # fmt: skip
    return _frame("policies", rows)


def _change(before: Applied | None, after: Applied) -> tuple[str, str]:
    """Return which fields differ, and the change as text."""
    if before is None:
        return "policy", f"first policy: {after}"
    fields, words = [], []
    if before.mode != after.mode:
        fields.append("mode")
        words.append(f"mode {before.mode or MISSING} → {after.mode or MISSING}")
    if before.mx != after.mx:
        fields.append("mx")
        words.append(f"mx {before.mx_text} → {after.mx_text}")
    if before.max_age != after.max_age:
        fields.append("max_age")
        words.append(f"max_age {before.age_text} → {after.age_text}")
    return ", ".join(fields), "; ".join(words)


def _policy(observed: Observed, policy: int | None) -> Applied | None:
    return None if policy is None or policy == NONE else observed.policies[policy]


def _cached_until(version: Version, observed: Observed) -> int | None:
    """Return the day before which the earlier policy may still be cached: a day of change, and its max_age."""
    before = _policy(observed, version.before)
    return None if before is None or before.max_age is None else version.day + 1 + before.days


def events_frame(
    observed: Observed, numbers: Numbers, domains: list[DomainCourse]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the changes, in the order of time, and how far each reporter is with each."""
    changes = [
        (version.day, domain.domain, number, domain)
        for domain in domains
        for number, version in enumerate(domain.course.versions)
        if version.before is not None
    ]
    changes.sort(key=lambda row: row[:3])
    events, propagation = [], []
    for event, (day, domain, newest, of_domain) in enumerate(changes, 1):
        version = of_domain.course.versions[newest]
        before, after = _policy(observed, version.before), observed.policies[version.policy]
        steps = sorted(_adoptions(of_domain, newest), key=lambda row: observed.reporters[row.reporter])
        first = [observed.reporters[row.reporter] for row in steps if row.first_new == day]
        measured = [row.at_most for row in steps if row.at_most is not None]
        fields, what = _change(before, after)
        events.append(
            {
                "event": event, "policy_domain": observed.domains[domain], "day": day, "changed": fields, "what": what,
                "policy_before": numbers(domain, version.before), "policy": numbers(domain, version.policy),
                "mode_before": before.mode if before else None, "policy_mode": after.mode,
                "max_age_before": before.max_age if before else None, "policy_max_age": after.max_age,
                "mx_before": "\n".join(before.mx) if before else None, "mx": "\n".join(after.mx),
                "seen_first_by": "\n".join(first), "applied": len(measured),
                "still_old": sum(row.state in (Adoption.STILL_OLD, Adoption.PARTLY) for row in steps),
                "cannot_tell": sum(row.state in _UNKNOWN for row in steps),
                "days_to_last": max(measured, default=None), "cached_until": _cached_until(version, observed),
            }
        )  # fmt: skip
        propagation += [
            {
                "event": event, "policy_domain": observed.domains[domain],
                "organization_name": observed.reporters[row.reporter], "state": row.state, "last_old": row.last_old,
                "first_new": row.first_new, "days_at_least": row.at_least, "days_at_most": row.at_most,
            }
            for row in steps
        ]  # fmt: skip
    return _frame("events", events), _frame("propagation", propagation)


def reporters_frame(observed: Observed, numbers: Numbers, domains: list[DomainCourse]) -> pd.DataFrame:
    """Return which policy each reporter applied in its last report."""
    rows = []
    for domain in domains:
        versions = domain.course.versions
        for view in sorted(_last_views(domain), key=lambda row: observed.reporters[row.reporter]):
            older = [policy for policy in view.policies if not versions or policy != versions[-1].policy]
            until = [
                version.day + 1 + observed.policies[policy].days
                for policy in older
                for version in versions
                if version.before == policy
            ]
            named = older or list(view.policies)
            rows.append(
                {
                    "policy_domain": observed.domains[domain.domain],
                    "organization_name": observed.reporters[view.reporter], "state": view.state,
                    "policy": numbers(domain.domain, named[0]) if named else None,
                    "last_observed": view.last_observed, "last_report": view.last_report,
                    "cached_until": max(until, default=None),
                }
            )  # fmt: skip
    return _frame("reporters", rows)


@dataclass(frozen=True, slots=True)
class _Adopted:
    """One reporter and one change. Days from 1970-01-01; `at_least` and `at_most` are counted from the change."""

    reporter: int
    state: Adoption
    last_old: int | None = None
    first_new: int | None = None
    at_least: int | None = None
    at_most: int | None = None


def _adoptions(domain: DomainCourse, newest: int) -> Iterator[_Adopted]:
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


def _last_views(domain: DomainCourse) -> Iterator[_LastView]:
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
