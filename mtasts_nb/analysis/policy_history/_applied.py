"""Which policy each reporter applied on which day: by what the policy says, not by how it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from ...markup import MISSING, one_line, span
from ...reports import Source, daily, domain_name
from ...vocabulary import Mode, PolicyType
from .._cells import Ints, day_numbers

__all__ = ["NONE", "NOTHING", "Applied", "Observed", "observe"]

#: In place of the number of a policy: the reporter found none, or its report does not say.
NONE, NOTHING = -1, -2

_MX: Final = re.compile(r"\s*mx\s*:\s*([^\s;,]+)", re.IGNORECASE)
# A name is at most 253 octets long; a policy of a thousand is one whose patterns no person compares.
_MOST_PATTERNS: Final = 1000
_DAY: Final = 86_400


class Applied(NamedTuple):
    """What a policy says (RFC 8461 §3.2); None or empty for what a report's policy-string leaves out."""

    mode: str | None
    max_age: int | None
    mx: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is left out that a policy must say."""
        return self.mode is not None and self.max_age is not None and (bool(self.mx) or self.mode == Mode.NONE)

    @property
    def days(self) -> int:
        """How many days a sender may keep it, rounded up; 0 where it does not say."""
        return -(-(self.max_age or 0) // _DAY)

    @property
    def age_text(self) -> str:
        """The max_age as words."""
        return span(self.max_age)

    @property
    def mx_text(self) -> str:
        """The patterns on one line."""
        first = [one_line(pattern, 80) for pattern in self.mx[:4]]
        return ", ".join(first) + (f" and {len(self.mx) - 4} more" if len(self.mx) > 4 else "") or MISSING

    def __str__(self) -> str:
        return f"{self.mode or MISSING}, max_age {self.age_text}, mx {self.mx_text}"


@dataclass(frozen=True, slots=True)
class Observed:
    """Who applied what on which day: arrays of one length, a row for each domain, reporter, day and policy.

    Attributes
    ----------
    policies : tuple of Applied
        The policies; rows give their numbers, `NONE` or `NOTHING`.
    domains, reporters : tuple of str
        The names; rows give their numbers.
    domain, reporter, day, policy : array of int64
        Sorted by them. Days are numbered from 1970-01-01.
    sessions, failed : array of int64
        Sessions under that policy.
    """

    policies: tuple[Applied, ...]
    domains: tuple[str, ...]
    reporters: tuple[str, ...]
    domain: Ints
    reporter: Ints
    day: Ints
    policy: Ints
    sessions: Ints
    failed: Ints


def observe(source: Source, domain: str | None = None) -> Observed:
    """Return what reports say about the policies that their senders applied.

    Two policy-strings are the same policy if mode, max_age and the set of mx patterns are the same: the order of the
    lines, their case and a last dot make no difference. Only rows of type sts can carry one. A row under tlsa only
    shows that a report came.
    """
    rows = daily(source, ("organization_name", "policy_mode", "policy_max_age", "policy_string"))
    if domain is not None:
        rows = rows[rows["policy_domain"].astype("str") == domain_name(domain)]
    domain_of, domains = _numbered(rows["policy_domain"])
    reporter_of, reporters = _numbered(rows["organization_name"])
    kind = rows["policy_type"].astype(object).to_numpy()
    read, policies = _read(rows)
    policy = np.where(kind == PolicyType.NO_POLICY_FOUND, NONE, np.where(kind == PolicyType.STS, read, NOTHING))
    day = day_numbers(rows["day"])
    # What a reporter sends under tlsa adds nothing where it reports on MTA-STS as well.
    tells = np.isin(kind, [PolicyType.STS.value, PolicyType.NO_POLICY_FOUND.value])
    where = np.stack([domain_of, reporter_of, day])
    group = _group_numbers(where)
    covered = np.zeros(int(group.max(initial=-1)) + 1, bool)
    covered[group[tells]] = True
    kept = tells | ~covered[group]
    return _summed(
        policies,
        domains,
        reporters,
        np.stack([*where, policy])[:, kept],
        rows["group_sessions"].to_numpy()[kept],
        rows["failed"].to_numpy()[kept],
    )


def _numbered(column: pd.Series) -> tuple[Ints, tuple[str, ...]]:
    codes, names = pd.factorize(column.astype("str").fillna(""), sort=True)
    return codes.astype(np.int64), tuple(map(str, names))


def _group_numbers(rows: Ints) -> Ints:
    """Return for each column of numbers which of the different columns it is, in their order."""
    number = np.zeros(rows.shape[1], np.int64)
    for line in rows:
        low = int(line.min(initial=0))
        number = number * (int(line.max(initial=0)) - low + 1) + (line - low)
    return np.unique(number, return_inverse=True)[1].astype(np.int64)


def _read(rows: pd.DataFrame) -> tuple[Ints, tuple[Applied, ...]]:
    """Return the number of each row's policy, `NOTHING` where it says nothing, and the policies."""
    text, texts = pd.factorize(rows["policy_string"].astype("str").fillna(""))
    # The same text has one meaning: its first row serves for all.
    _, first = np.unique(text, return_index=True)
    numbers: dict[Applied, int] = {}
    meaning = np.full(len(texts), NOTHING, np.int64)
    modes = rows["policy_mode"].astype(object).to_numpy()[first]
    ages = rows["policy_max_age"].astype(object).to_numpy()[first]
    for position, (policy_string, mode, age) in enumerate(zip(texts, modes, ages, strict=True)):
        policy = Applied(
            None if pd.isna(mode) else str(mode), None if pd.isna(age) else int(age), _patterns(str(policy_string))
        )
        if policy != _SILENT:
            meaning[position] = numbers.setdefault(policy, len(numbers))
    # In the order of what they say: the order of the rows is that of the reporters' names.
    policies = tuple(sorted(numbers, key=lambda policy: (policy.mode or "", policy.max_age or 0, policy.mx)))
    sorted_as = {policy: number for number, policy in enumerate(policies)}
    renumbered = np.array([*(sorted_as[policy] for policy in numbers), NOTHING], np.int64)
    return renumbered[np.where(meaning < 0, -1, meaning)[text]] if len(texts) else np.zeros(0, np.int64), policies


_SILENT: Final = Applied(None, None, ())


def _patterns(policy_string: str) -> tuple[str, ...]:
    matches = (match[1] for line in policy_string.split("\n") if (match := _MX.match(line)))
    names = {name.lower().removesuffix(".") for _, name in zip(range(_MOST_PATTERNS), matches, strict=False)}
    return tuple(sorted(names))


def _summed(
    policies: tuple[Applied, ...],
    domains: tuple[str, ...],
    reporters: tuple[str, ...],
    keys: Ints,
    sessions: Ints,
    failed: Ints,
) -> Observed:
    """Return the rows with equal keys added up."""
    group = _group_numbers(keys)
    _, first = np.unique(group, return_index=True)

    def added(counts: Ints) -> Ints:
        total = np.zeros(len(first), np.int64)
        np.add.at(total, group, counts)
        return total

    domain, reporter, day, policy = (line[first] for line in keys)
    return Observed(policies, domains, reporters, domain, reporter, day, policy, added(sessions), added(failed))
