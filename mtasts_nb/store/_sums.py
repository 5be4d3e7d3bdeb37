"""The aggregate on codes: counts added up by columns of numbers, file by file, with one numbering of texts for all files.

A file numbers its own texts; these few are numbered again for all files, and its rows are added up as one array of
numbers. No text is compared, and memory holds one file and the groups so far.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from ..reports.schema import text_dtype
from ._piece import Ints

__all__ = ["Groups", "times"]

#: A float holds every whole number up to here: below, numpy's fastest sum is exact.
_EXACT: Final = 2**53
_DENSE: Final = 1 << 20
_FEW: Final = 4096
_MOST: Final = 2**62
_DAY_US: Final = 86_400_000_000


class Groups:
    """Counts by keys. A key is a column of text or of numbers; missing values are a group of their own.

    Parameters
    ----------
    keys : sequence of str
        Names of columns.
    counts : int
        How many counts each row has.
    """

    def __init__(self, keys: Sequence[str], counts: int = 1) -> None:
        self.keys = tuple(keys)
        self.counts = counts
        # By key, from a value to its number; 0 is for a missing one.
        self._numbers: dict[str, dict[object, int]] = {key: {None: 0} for key in keys}
        self._parts: list[tuple[list[Ints], list[Ints]]] = []
        self._pending = 0

    def add(self, columns: Mapping[str, Any], counts: Sequence[Ints]) -> None:
        """Add rows.

        Parameters
        ----------
        columns : mapping
            By key an Arrow column, an array of numbers, or one value for all rows.
        counts : sequence of arrays
            The counts of the rows.
        """
        codes = [self._codes(key, columns[key], len(counts[0])) for key in self.keys]
        self._parts.append(_added_up(codes, counts))
        self._pending += len(self._parts[-1][1][0])
        if self._pending > 4 * _DENSE:
            self._gather()

    def _codes(self, key: str, column: Any, rows: int) -> Ints:
        numbers = self._numbers[key]
        if isinstance(column, np.ndarray):
            values, places = np.unique(column, return_inverse=True)
            known = np.array([numbers.setdefault(value, len(numbers)) for value in values.tolist()], np.int64)
            return known[places]
        if not isinstance(column, pa.ChunkedArray | pa.Array):
            return np.full(rows, numbers.setdefault(column, len(numbers)), np.int64)
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        parts = []
        for chunk in chunks:
            encoded = chunk if isinstance(chunk, pa.DictionaryArray) else chunk.dictionary_encode()
            values = encoded.dictionary
            if pa.types.is_timestamp(values.type):
                values = values.cast(pa.int64())
            own_numbers = [numbers.setdefault(value, len(numbers)) for value in values.to_pylist()]
            # The last is for -1, a missing value.
            parts.append(np.array([*own_numbers, 0], np.int64)[encoded.indices.fill_null(-1).to_numpy()])
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def merge(self, values: Mapping[str, Sequence[object]], codes: Sequence[Ints], counts: Sequence[Ints]) -> None:
        """Add what `parts` of other `Groups` with the same keys gave, perhaps in another process."""
        translated = []
        for key, own in zip(self.keys, codes, strict=True):
            numbers = self._numbers[key]
            translated.append(np.array([numbers.setdefault(v, len(numbers)) for v in values[key]], np.int64)[own])
        self._parts.append((translated, list(counts)))

    def parts(self) -> tuple[dict[str, list[object]], list[Ints], list[Ints]]:
        """Return the values of each key by their number, and of each group the numbers and the counts."""
        self._gather()
        codes, counts = self._parts[0]
        return {key: list(numbers) for key, numbers in self._numbers.items()}, codes, counts

    def _gather(self) -> None:
        if not self._parts:
            self._parts = [([np.empty(0, np.int64) for _ in self.keys], [np.empty(0, np.int64)] * self.counts)]
        if len(self._parts) > 1:
            codes = [np.concatenate([part[0][at] for part in self._parts]) for at in range(len(self.keys))]
            counts = [np.concatenate([part[1][at] for part in self._parts]) for at in range(self.counts)]
            self._parts = [_added_up(codes, counts)]
        self._pending = 0

    def frame(self, names: Sequence[str]) -> pd.DataFrame:
        """Return one row per group, sorted by the keys, missing values last, as `reports.sum_groups` does.

        Parameters
        ----------
        names : sequence of str
            Of the counts.
        """
        values, codes, counts = self.parts()
        columns: dict[str, Any] = {}
        ranks = []
        for key, own in zip(self.keys, codes, strict=True):
            known: list[Any] = values[key]
            order = sorted((at for at in np.unique(own).tolist() if at), key=known.__getitem__)
            rank = np.full(len(known), -1, np.int64)
            rank[order] = np.arange(len(order))
            column = rank[own]
            ranks.append(np.where(column < 0, len(order), column))
            columns[key] = _column(key, [known[at] for at in order], column)
        rows = np.lexsort(ranks[::-1]) if ranks else np.arange(len(counts[0]))
        columns |= dict(zip(names, counts, strict=True))
        return pd.DataFrame(columns).take(rows).reset_index(drop=True)


def times(days: Ints) -> pd.DatetimeIndex:
    """Return days from 1970-01-01 as midnights in UTC."""
    return pd.DatetimeIndex((days * _DAY_US).view("M8[us]")).tz_localize("UTC")


def _column(key: str, known: list[Any], ranks: Ints) -> Any:
    if key == "day":
        return pd.DatetimeIndex(np.array(known, np.int64)[ranks].view("M8[us]")).tz_localize("UTC")
    if key == "policy_max_age":
        missing = ranks < 0
        return pd.arrays.IntegerArray(np.array([*known, 0], np.int64)[ranks], missing)
    kind = pd.CategoricalDtype(pd.Index(pd.array(known, dtype=text_dtype())))
    return pd.Categorical.from_codes(ranks, dtype=kind, validate=False)


def _added_up(codes: Sequence[Ints], counts: Sequence[Ints]) -> tuple[list[Ints], list[Ints]]:
    """Return the groups that occur, and their counts."""
    if not codes:
        return [], [np.array([values.sum()], np.int64) for values in counts]
    # Numbers of these rows: few, even where the numbers of all files are many.
    local = [np.unique(column, return_inverse=True) if column.max(initial=0) > _FEW else None for column in codes]
    small = [column if renumbered is None else renumbered[1] for column, renumbered in zip(codes, local, strict=True)]
    sizes = [int(column.max(initial=0)) + 1 for column in small]
    groups, inverse, size = _grouped(small, sizes)
    sums = [_sum(inverse, values, size) for values in counts]
    if len(groups[0]) < size:  # dense: not every number of a group occurs
        present = np.flatnonzero(np.bincount(inverse, minlength=size))
        sums = [values[present] for values in sums]
    return [
        own if renumbered is None else renumbered[0][own] for own, renumbered in zip(groups, local, strict=True)
    ], sums


def _grouped(codes: Sequence[Ints], sizes: Sequence[int]) -> tuple[list[Ints], Ints, int]:
    """Return the codes of the groups that occur, the group of each row, and how many numbers groups may have."""
    rows, total = len(codes[0]), math.prod(sizes)
    if total >= _MOST:
        keys, inverse = np.unique(np.column_stack(codes), axis=0, return_inverse=True)
        return list(np.ascontiguousarray(keys.T)), inverse.reshape(-1), len(keys)
    packed = np.zeros(rows, np.int64)
    for column, radix in zip(codes, sizes, strict=True):
        packed *= radix
        packed += column
    if total <= max(4 * rows, _FEW):
        present, inverse, size = np.flatnonzero(np.bincount(packed, minlength=total)), packed, total
    else:
        present, inverse = np.unique(packed, return_inverse=True)
        size = len(present)
    groups = []
    for radix in sizes[::-1]:
        groups.append(present % radix)
        present = present // radix
    return groups[::-1], inverse, size


def _sum(groups: Ints, counts: Ints, size: int) -> Ints:
    if len(counts) and float(np.abs(counts).sum(dtype=np.float64)) < _EXACT:
        return np.bincount(groups, counts, size).astype(np.int64)
    sums = np.zeros(size, np.int64)
    np.add.at(sums, groups, counts)
    return sums
