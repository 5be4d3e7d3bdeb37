"""The tables of a policy history: what was applied, what changed, and how far each reporter is with each change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from ...markup import MISSING
from ...vocabulary import Adoption, PolicyState
from ._adoption import adoptions, last_views, removal_adoptions
from ._applied import NONE, NOTHING, Applied, Observed
from ._course import DomainCourse
from ._removed import Removal, removals

__all__ = ["Numbers", "events_frame", "policies_frame", "reporters_frame", "table_frame"]

_TIME: Final = "datetime64[us, UTC]"
_DTYPES: Final[dict[str, dict[str, str]]] = {
    "policies": {
        "policy_domain": "str", "policy": "int64", "policy_mode": "str", "policy_max_age": "Int64", "mx": "str",
        "first_day": _TIME, "last_day": _TIME, "days": "int64", "reporters": "int64", "sessions": "int64",
    },
    "events": {
        "event": "int64", "policy_domain": "str", "day": _TIME, "earliest": _TIME, "changed": "str", "what": "str", "policy_before": "Int64",
        "policy": "Int64", "mode_before": "str", "policy_mode": "str", "max_age_before": "Int64", "policy_max_age": "Int64",
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


class _Change(NamedTuple):
    """One change of a domain: the version that it brought, or the removal that it is, or with `ended` the end of it."""

    day: int
    domain: int
    number: int
    before: int | None
    after: int
    of: DomainCourse
    version: int | None = None
    removal: Removal | None = None
    ended: bool = False


def _changes(observed: Observed, of: DomainCourse) -> Iterator[_Change]:
    versions = of.course.versions
    ages = {number: policy.days for number, policy in enumerate(observed.policies)}
    ends = set()
    for removal in removals(of.runs, ages, of.unfetched):
        yield _Change(removal.day, of.domain, len(versions), removal.before, NONE, of, removal=removal)
        if removal.until is not None and removal.after is not None:
            late = removal.until + 1
            later = [n for n, version in enumerate(versions) if n and removal.day < version.day <= late]
            ends |= set(later[:1])
            if not later:
                yield _Change(
                    removal.until, of.domain, 0, NONE, removal.after, of, removal=removal, ended=True
                )  # fmt: skip
    for number, version in enumerate(versions):
        if version.before is not None:
            before = NONE if number in ends else version.before
            yield _Change(version.day, of.domain, number, before, version.policy, of, number, ended=number in ends)


def _text_of(before: Applied | None, after: Applied | None, *, again: bool) -> tuple[str, str]:
    """Return which fields differ, and the change as text."""
    if after is None:
        return "policy", f"no policy found any more (before: {before or MISSING})"
    if before is None:
        return "policy", f"{'a policy again' if again else 'first policy'}: {after}"
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


def _earliest(of: DomainCourse, observed: Observed) -> Mapping[int, int]:
    """Return for each version, and for NONE, the day before which it was surely not published.

    Who leaves one policy for another had fetched the first within its max_age (RFC 8461 §3.3), and after the last report
    that shows one before it. The other was published after that.
    """
    earliest: dict[int, int] = {}
    fetched: dict[int, int] = {}
    for (before, run), numbers in zip(pairwise(of.runs), of.course.versions_of[1:], strict=False):
        if before.reporter != run.reporter:
            fetched = {}
            continue
        held = [policy for policy in before.policies if policy != NONE and policy not in run.policies]
        since = [max(before.end - observed.policies[policy].days, fetched.get(policy, 0)) for policy in held]
        for policy, version in zip(run.policies, numbers, strict=True):
            if policy in before.policies:
                continue
            if policy != NONE:
                fetched[policy] = before.end
            if since:
                key = NONE if policy == NONE else version
                earliest[key] = max(earliest.get(key, 0), *since)
    return earliest


def events_frame(
    observed: Observed, numbers: Numbers, domains: list[DomainCourse]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the changes, in the order of time, and how far each reporter is with each."""
    changes = [change for of in domains for change in _changes(observed, of)]
    changes.sort(key=lambda change: change[:3])
    earliest = {of.domain: _earliest(of, observed) for of in domains}
    events, propagation = [], []
    for event, change in enumerate(changes, 1):
        day, domain = change.day, change.domain
        before, after = _policy(observed, change.before), _policy(observed, change.after)
        if change.version is not None:
            followed = adoptions(change.of, change.version)
        else:
            assert change.removal is not None
            followed = removal_adoptions(change.of, change.removal, ended=change.ended)
        steps = sorted(followed, key=lambda row: observed.reporters[row.reporter])
        first = [observed.reporters[row.reporter] for row in steps if row.first_new == day]
        measured = [row.at_most for row in steps if row.at_most is not None]
        fields, what = _text_of(before, after, again=change.ended)
        since = earliest[domain].get(NONE if change.version is None else change.version)
        events.append(
            {
                "event": event, "policy_domain": observed.domains[domain], "day": day,
                "earliest": None if since is None or change.ended else min(since, day), "changed": fields, "what": what,
                "policy_before": numbers(domain, change.before), "policy": numbers(domain, change.after),
                "mode_before": before.mode if before else None, "policy_mode": after.mode if after else None,
                "max_age_before": before.max_age if before else None, "policy_max_age": after.max_age if after else None,
                "mx_before": "\n".join(before.mx) if before else None, "mx": "\n".join(after.mx) if after else None,
                "seen_first_by": "\n".join(first), "applied": len(measured),
                "still_old": sum(row.state in (Adoption.STILL_OLD, Adoption.PARTLY) for row in steps),
                "cannot_tell": sum(row.state in _UNKNOWN for row in steps),
                # A change's own day, and the max_age of a copy that was fetched on it.
                "days_to_last": max(measured, default=None),
                "cached_until": day + 1 + before.days if before and before.max_age is not None else None,
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
        for view in sorted(last_views(domain), key=lambda row: observed.reporters[row.reporter]):
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
