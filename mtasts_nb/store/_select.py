"""Which part of a store is asked for, and the reading of that part: filters reach the files and the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ._days import Day, by_day
from ._layout import empty_table
from ._piece import Ints
from ._table import File, Table

__all__ = ["Selection", "day_number"]

_DAY_US: Final = 86_400_000_000


def day_number(period: str) -> int:
    """Return a day as its number from 1970-01-01.

    Examples
    --------
    >>> day_number("1970-01-03")
    2
    """
    return int(np.datetime64(period, "D").astype(np.int64))


@dataclass(frozen=True)
class Selection:
    """A policy domain, and a first moment and one after the last, in microseconds from 1970-01-01; None: all."""

    domain: str | None = None
    start: int | None = None
    end: int | None = None

    @property
    def whole_days(self) -> bool:
        """Whether it begins and ends at midnight, so that whole files can be taken."""
        return all(moment is None or moment % _DAY_US == 0 for moment in (self.start, self.end))

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Selection()

    def has_day(self, day: int) -> bool:
        """Whether any moment of a day is in it."""
        return (self.start is None or (day + 1) * _DAY_US > self.start) and (
            self.end is None or day * _DAY_US < self.end
        )

    def days(self, table: Table) -> dict[int, Day]:
        """Return the files of its days, in order."""
        return {
            number: files for period, files in by_day(table.files).items() if self.has_day(number := day_number(period))
        }

    def months(self, table: Table, kind: str) -> list[File]:
        """Return the files of a kind of rollup that may have rows of its days."""
        first = None if self.start is None else str(np.datetime64(self.start, "us").astype("M8[M]"))
        last = None if self.end is None else str(np.datetime64(self.end - 1, "us").astype("M8[M]"))
        return [
            file
            for file in table.files
            if file.kind == kind and (first is None or file.period >= first) and (last is None or file.period <= last)
        ]

    def read(
        self, table: Table, file: File | None, kind: str, columns: Sequence[str], moment: str = "start_datetime"
    ) -> Any:
        """Return the rows of a file that are in it, with the columns asked for.

        `moment` is the column with the time of a row.
        """
        if file is None:
            return empty_table(kind).select(list(columns))
        by_time = not self.whole_days or moment == "day"
        more = [
            name
            for name, needed in (("policy_domain", self.domain is not None), (moment, by_time and self._bounded))
            if needed and name not in columns
        ]
        # A row count needs a column.
        rows = table.read(file, [*columns, *more] or ["policy_index"], self.domain)
        if self.domain is not None:
            rows = rows.filter(pc.equal(rows["policy_domain"].cast(pa.string()), self.domain))
        if by_time and self._bounded:
            inside = self.contains(rows[moment].cast(pa.int64()).to_numpy())
            rows = rows.filter(pa.array(inside))
        return rows.select(list(columns)) if more else rows

    @property
    def _bounded(self) -> bool:
        return self.start is not None or self.end is not None

    def contains(self, moments: Ints) -> Any:
        """Return which moments are in it."""
        inside = np.ones(len(moments), bool)
        if self.start is not None:
            inside &= moments >= self.start
        if self.end is not None:
            inside &= moments < self.end
        return inside


Group = Mapping[str, File]
