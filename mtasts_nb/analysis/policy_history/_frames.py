"""The tables of a policy history, with their columns and types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from ...markup import MISSING
from ._applied import APPLIED, NONE, NONE_FOUND, NOT_OBSERVED, NOTHING, Applied, Observed
from ._propagation import standings, takeovers

if TYPE_CHECKING:
    from ._course import Version
    from ._runs import DomainCourse

__all__ = ["Numbers", "changed", "events_frame", "policies_frame", "reporters_frame", "table_frame"]

_TIME: Final = "datetime64[us, UTC]"
_DTYPES: Final[dict[str, dict[str, str]]] = {
    "policies": {
        "policy_domain": "str", "policy": "int64", "policy_mode": "str", "policy_max_age": "Int64", "mx": "str",
        "first_day": _TIME, "last_day": _TIME, "days": "int64", "reporters": "int64", "sessions": "int64",
    },
    "events": {
        "event": "int64", "policy_domain": "str", "day": _TIME, "changed": "str", "what": "str", "policy_before": "Int64",
        "policy": "int64", "mode_before": "str", "policy_mode": "str", "max_age_before": "Int64", "policy_max_age": "Int64",
        "mx_before": "str", "mx": "str", "seen_first_by": "str", "taken_over": "int64", "still_old": "int64",
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


class Numbers:
    """The number of each policy within its domain: from 1, in the order in which reports first show them."""

    def __init__(self, observed: Observed) -> None:
        policies = max(len(observed.policies), 1)
        shows = observed.policy >= 0
        self.pair = observed.domain[shows] * policies + observed.policy[shows]
        self.shows = shows
        # Sorted by domain, reporter, day: the first day of a pair takes a look at all of its rows.
        self.pairs, self.place = np.unique(self.pair, return_inverse=True)
        day = observed.day[shows]
        self.first_day = np.full(len(self.pairs), np.iinfo(np.int64).max)
        np.minimum.at(self.first_day, self.place, day)
        self.last_day = np.zeros(len(self.pairs), np.int64)
        np.maximum.at(self.last_day, self.place, day)
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
    number[numbers.shows] = numbers.number[numbers.place]
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
            "state": _category(state, (APPLIED, NONE_FOUND, NOT_OBSERVED)),
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
    shows, place = numbers.shows, numbers.place
    sessions = np.zeros(len(numbers.pairs), np.int64)
    np.add.at(sessions, place, observed.sessions[shows])

    def different(values: Any) -> Any:
        low = int(values.min(initial=0))
        both = np.unique(place * (int(values.max(initial=0)) - low + 1) + values - low)
        return np.bincount(both // (int(values.max(initial=0)) - low + 1), minlength=len(numbers.pairs))

    days, reporters = different(observed.day[shows]), different(observed.reporter[shows])
    rows = []
    for at in numbers.order:
        said = observed.policies[numbers.policy[at]]
        rows.append(
            {
                "policy_domain": observed.domains[numbers.domain[at]], "policy": numbers.number[at],
                "policy_mode": said.mode, "policy_max_age": said.max_age, "mx": "\n".join(said.mx),
                "first_day": numbers.first_day[at], "last_day": numbers.last_day[at], "days": days[at],
                "reporters": reporters[at], "sessions": sessions[at],
            }
        )  # fmt: skip
    return _frame("policies", rows)


def changed(before: Applied | None, after: Applied) -> tuple[str, str]:
    """Return which fields differ, and the change in words."""
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


def _said(observed: Observed, policy: int | None) -> Applied | None:
    return None if policy is None or policy == NONE else observed.policies[policy]


def _cached_until(version: Version, observed: Observed) -> int | None:
    """Return the day before which the policy of before may still be in a cache: a day of change, and its max_age."""
    before = _said(observed, version.before)
    return None if before is None or before.max_age is None else version.day + 1 + before.days


def events_frame(observed: Observed, numbers: Numbers, found: list[DomainCourse]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the changes, in the order of time, and how each reporter stands to each."""
    places = [
        (version.day, one.domain, place, one)
        for one in found
        for place, version in enumerate(one.course.versions)
        if version.before is not None
    ]
    places.sort(key=lambda row: row[:3])
    events, propagation = [], []
    for event, (day, domain, place, one) in enumerate(places, 1):
        version = one.course.versions[place]
        before, after = _said(observed, version.before), observed.policies[version.policy]
        told = takeovers(one, place)
        told.sort(key=lambda row: observed.reporters[row.reporter])
        first = [observed.reporters[row.reporter] for row in told if row.first_new == day]
        measured = [row.at_most for row in told if row.at_most is not None]
        fields, words = changed(before, after)
        events.append(
            {
                "event": event, "policy_domain": observed.domains[domain], "day": day, "changed": fields, "what": words,
                "policy_before": numbers(domain, version.before), "policy": numbers(domain, version.policy),
                "mode_before": before.mode if before else None, "policy_mode": after.mode,
                "max_age_before": before.max_age if before else None, "policy_max_age": after.max_age,
                "mx_before": "\n".join(before.mx) if before else None, "mx": "\n".join(after.mx),
                "seen_first_by": "\n".join(first), "taken_over": len(measured),
                "still_old": sum(row.state in ("still old", "partly") for row in told),
                "cannot_tell": sum(row.state in ("no report since", "not observed", "another policy") for row in told),
                "days_to_last": max(measured, default=None), "cached_until": _cached_until(version, observed),
            }
        )  # fmt: skip
        propagation += [
            {
                "event": event, "policy_domain": observed.domains[domain],
                "organization_name": observed.reporters[row.reporter], "state": row.state, "last_old": row.last_old,
                "first_new": row.first_new, "days_at_least": row.at_least, "days_at_most": row.at_most,
            }
            for row in told
        ]  # fmt: skip
    return _frame("events", events), _frame("propagation", propagation)


def reporters_frame(observed: Observed, numbers: Numbers, found: list[DomainCourse]) -> pd.DataFrame:
    """Return where each reporter stands at its last report."""
    rows = []
    for one in found:
        versions = one.course.versions
        for standing in sorted(standings(one), key=lambda row: observed.reporters[row.reporter]):
            older = [policy for policy in standing.policies if not versions or policy != versions[-1].policy]
            until = [
                version.day + 1 + observed.policies[policy].days
                for policy in older
                for version in versions
                if version.before == policy
            ]
            shown = older or list(standing.policies)
            rows.append(
                {
                    "policy_domain": observed.domains[one.domain],
                    "organization_name": observed.reporters[standing.reporter], "state": standing.state,
                    "policy": numbers(one.domain, shown[0]) if shown else None,
                    "last_observed": standing.last_observed, "last_report": standing.last_report,
                    "cached_until": max(until, default=None),
                }
            )  # fmt: skip
    return _frame("reporters", rows)
