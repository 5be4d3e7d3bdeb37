"""Upkeep of a store: fewer and larger files, no files that nothing names, no reports past their time, rollups made again.

Each is a commit of its own that excludes other writers, decides again if one came first, and changes no count.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any, Final

import pyarrow as pa

from ._days import by_day, read_day
from ._layout import BY_DAY, KINDS, ROLLUPS
from ._piece import joined
from ._rollup import Rollup
from ._select import day_number
from ._table import File, Table, retried

__all__ = ["compact", "drop_before", "rebuild_rollups"]

#: Days rewritten in one commit: little is lost when another writer comes first.
_DAYS: Final = 16
_DAY_US: Final = 86_400_000_000
_LOOSE: Final = ("deviations", "rejects")

Parts = Iterable[tuple[str, str, Any]]


def compact(table: Table) -> int:
    """Join the files of each day and each month where there are several; return how many files fewer there are."""
    before = len(table.files)
    periods = iter([day for day, files in by_day(table.files).items() if len(files) > 1])
    while chosen := list(islice(periods, _DAYS)):
        _replace(table, BY_DAY, chosen, _compacted_days)
    for kinds, make in ((ROLLUPS, _compacted_rollups), (_LOOSE, _compacted_loose)):
        months = sorted({file.period for file in table.files if file.kind in kinds})
        for month in months:
            if any(len(_of(table, kind, month)) > 1 for kind in kinds):
                _replace(table, kinds, [month], make)
    return before - len(table.files)


def rebuild_rollups(table: Table) -> None:
    """Add up the rollups again from sessions and failures, month by month."""
    for month in sorted({file.period[:7] for file in table.files if file.kind in (*BY_DAY, *ROLLUPS)}):
        _replace(table, ROLLUPS, [month], _rebuilt)


def drop_before(table: Table, first: date) -> int:
    """Drop all days before a day, with what was assumed in reading them; return how many days were dropped."""
    name = first.isoformat()
    dropped = len([day for day in by_day(table.files) if day < name])

    def rest(table: Table, periods: Sequence[str]) -> Parts:
        month = name[:7]
        if month in periods:
            yield from _rollups_of(table, month, day_number(name) * _DAY_US)
            yield from _compacted_loose(table, [month])

    old = sorted({file.period for file in table.files if file.period < name})
    if old:
        _replace(table, tuple(KINDS), old, rest)
    return dropped


def _replace(table: Table, kinds: Sequence[str], periods: Sequence[str], make: Any) -> None:
    """Put what `make` gives in the place of all files of these kinds and periods."""

    def attempt() -> None:
        name, adds = uuid.uuid4().hex, []
        try:
            for kind, period, rows in make(table, periods):
                adds.append(table.write(kind, period, name, rows))
            table.commit(adds, (kinds, periods))
        except BaseException:
            table.discard(adds)
            raise

    retried(table, attempt)


def _of(table: Table, kind: str, period: str) -> list[File]:
    return [file for file in table.files if file.kind == kind and file.period == period]


def _compacted_days(table: Table, periods: Sequence[str]) -> Parts:
    days = by_day(table.files)
    for period in periods:
        if period in days:  # another writer may have dropped it
            for _, piece in read_day(table, days[period]).by_day():
                yield from ((kind, period, getattr(piece, kind)) for kind in BY_DAY if len(getattr(piece, kind)))


def _compacted_rollups(table: Table, periods: Sequence[str]) -> Parts:
    for month in periods:
        yield from _rollups_of(table, month)


def _rollups_of(table: Table, month: str, since: int | None = None) -> Iterator[tuple[str, str, Any]]:
    rollup = Rollup()
    for kind in ROLLUPS:
        for file in _of(table, kind, month):
            rows = table.read(file, list(KINDS[kind]))
            if since is not None:
                rows = rows.filter(pa.array(rows["day"].cast(pa.int64()).to_numpy() >= since))
            rollup.add_table(kind, rows)
    yield from rollup.tables()


def _compacted_loose(table: Table, periods: Sequence[str]) -> Parts:
    for month in periods:
        for kind in _LOOSE:
            if files := _of(table, kind, month):
                yield kind, month, joined(kind, [table.read(file, list(KINDS[kind])) for file in files])


def _rebuilt(table: Table, periods: Sequence[str]) -> Parts:
    rollup = Rollup()
    for period, day in by_day(table.files).items():
        if period[:7] in periods:
            rollup.add(read_day(table, day))
    yield from rollup.tables()
