"""Failed sessions by day and reporter, one block for each policy domain and policy type, as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd

from ...reports import Source, daily
from ...vocabulary import PolicyType
from .._cells import Ints, day_numbers, far_off_days
from .._outside import outside_policy
from .._witnesses import signers
from ._baseline import Floats

__all__ = ["Block", "Ints", "blocks"]

# Reporters × days that are held as a table: a stranger may invent reporters without end.
_CELLS: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Block:
    """What was reported about one policy domain under one policy type.

    Attributes
    ----------
    policy_domain, policy_type : str
        Empty where a report gives none.
    days : array of int
        The days for which any report came, in days since 1970-01-01 (UTC), in order.
    reporters : list of str
        Their `organization_name`; empty where a report has none.
    sessions : array, reporters by days
        0 where that reporter sent nothing for that day.
    kinds : list of (str, str)
        MX host and result type of each kind of failure; the host is empty where the report names none.
    kind, reporter, day, failed : array of int
        One entry per kind, reporter and day with failures; the first three are positions.
    outside : array of int
        How many of `failed` are at a host that the policy in the same report does not match.
    signed_by : list of str
        Of each reporter, the domain that signed its mails; empty where that is not known.
    """

    policy_domain: str
    policy_type: str
    days: Ints
    reporters: list[str]
    sessions: Floats
    kinds: list[tuple[str, str]]
    kind: Ints
    reporter: Ints
    day: Ints
    failed: Ints
    outside: Ints
    signed_by: list[str]


def blocks(source: Source, policy_type: str | None = None) -> Iterator[Block]:
    """Yield the blocks of a source, by policy domain and policy type."""
    table = daily(source, by=("organization_name", "receiving_mx_hostname", "result_type"), policy_type=policy_type)
    table = table[~far_off_days(table["day"])].reset_index(drop=True)
    domain, domains = _codes(table["policy_domain"])
    kind, kinds = _codes(table["policy_type"])
    reporter, reporters = _codes(table["organization_name"])
    mx, hosts = _codes(table["receiving_mx_hostname"])
    result, results = _codes(table["result_type"])
    day, failed = day_numbers(table["day"]), table["failed"].to_numpy()
    outside = _outside(source, table)
    signed_by = signers(source)
    sessions = table["group_sessions"].to_numpy().astype(np.float64)
    block = domain * len(kinds) + kind
    order = np.argsort(block, kind="stable")
    edges = np.flatnonzero(np.diff(block[order], prepend=-1, append=-1))
    for start, end in pairwise(edges):
        rows = order[start:end]
        days, at_day = np.unique(day[rows], return_inverse=True)
        who, at_who = np.unique(reporter[rows], return_inverse=True)
        names = [reporters[code] for code in who]
        if len(who) * len(days) > _CELLS:
            at_who, names = _folded(at_who, failed[rows], names, _CELLS // len(days))
        # A reporter's sessions are repeated in each row of a day: one of each counts.
        _, first = np.unique(reporter[rows] * len(days) + at_day, return_index=True)
        seen = np.zeros((len(names), len(days)))
        np.add.at(seen, (at_who[first], at_day[first]), sessions[rows[first]])
        bad = failed[rows] > 0
        of_kind = mx[rows][bad] * len(results) + result[rows][bad]
        codes, at_kind = np.unique(of_kind, return_inverse=True)
        yield Block(
            policy_domain=domains[domain[rows[0]]],
            policy_type=kinds[kind[rows[0]]],
            days=days,
            reporters=names,
            sessions=seen,
            kinds=[(hosts[code // len(results)], results[code % len(results)]) for code in codes],
            kind=at_kind,
            reporter=at_who[bad],
            day=at_day[bad],
            failed=failed[rows][bad],
            outside=outside[rows][bad],
            signed_by=[signed_by.get(name, "") for name in names],
        )


def _outside(source: Source, table: pd.DataFrame) -> Ints:
    """Return, row by row, the failures at a host that the policy in the same report does not match."""
    outside = outside_policy(source)
    if outside.empty:
        return np.zeros(len(table), np.int64)
    outside = outside.rename(columns={"failed": "outside"}).assign(policy_type=PolicyType.STS.value)
    keys = [name for name in outside if name != "outside"]
    texts = [name for name in keys if name != "day"]
    joined = table[keys].astype(dict.fromkeys(texts, "str")).merge(outside, on=keys, how="left", validate="m:1")
    return joined["outside"].fillna(0).to_numpy(np.int64)


def _folded(at_who: Ints, failed: Ints, names: list[str], most: int) -> tuple[Ints, list[str]]:
    """Return the reporters' positions and names with all but those that failed most made one, without a name."""
    order = np.argsort(-np.bincount(at_who, failed, minlength=len(names)), kind="stable")
    kept = np.sort(order[: max(1, most - 1)])
    line = np.full(len(names), len(kept))
    line[kept] = np.arange(len(kept))
    return line[at_who], [*(names[number] for number in kept), ""]


def _codes(column: pd.Series) -> tuple[Ints, list[str]]:
    """Return a column as positions in a list of texts; a missing value is the empty text."""
    categories: Any = column.array
    values: list[str] = [*map(str, categories.categories), ""]
    codes = categories.codes.astype(np.int64)
    return np.where(codes < 0, len(values) - 1, codes), values
