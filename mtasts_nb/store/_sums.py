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
        coded = [_coded(columns[key]) for key in self.keys]
        groups, sums = _added_up([codes for codes, _ in coded], [len(values) for _, values in coded], counts)
        # Only the groups that occur are numbered as all files are: they are few, and rows are many.
        groups = [
            self._numbered(key, values)[own] for key, (_, values), own in zip(self.keys, coded, groups, strict=True)
        ]
        self._parts.append((groups, sums))
        self._pending += len(sums[0])
        if self._pending > 4 * _DENSE:
            self._gather()

    def _numbered(self, key: str, values: Sequence[object]) -> Ints:
        numbers = self._numbers[key]
        return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)

    def merge(self, values: Mapping[str, Sequence[object]], codes: Sequence[Ints], counts: Sequence[Ints]) -> None:
        """Add what `parts` of other `Groups` with the same keys gave, perhaps in another process."""
        translated = []
        for key, own in zip(self.keys, codes, strict=True):
            translated.append(self._numbered(key, values[key])[own])
        self._parts.append((translated, list(counts)))

    def parts(self) -> tuple[dict[str, list[object]], list[Ints], list[Ints]]:
        """Return the values of each key by their number, and of each group the numbers and the counts."""
        self._gather()
        codes, counts = self._parts[0]
        return {key: list(numbers) for key, numbers in self._numbers.items()}, codes, counts

    def _gather(self) -> None:
        if not self._parts:
            self._parts = [([np.empty(0, np.int64) for _ in self.keys], [np.empty(0, np.int64)] * self.counts)]
        else:
            codes = [np.concatenate([part[0][at] for part in self._parts]) for at in range(len(self.keys))]
            counts = [np.concatenate([part[1][at] for part in self._parts]) for at in range(self.counts)]
            self._parts = [_added_up(codes, [len(numbers) for numbers in self._numbers.values()], counts)]
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


def _coded(column: Any) -> tuple[Ints | None, Sequence[object]]:
    """Return the number of each row's value, and the values by number; no numbers where all rows have the same."""
    if isinstance(column, np.ndarray):
        values, codes = np.unique(column, return_inverse=True)
        return codes, values.tolist()
    if isinstance(column, pa.ChunkedArray):
        column = column.unify_dictionaries().combine_chunks()
        column = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    elif not isinstance(column, pa.Array):
        return None, [column]
    encoded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
    values = encoded.dictionary
    texts = (values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values).to_pylist()
    codes = encoded.indices
    if codes.null_count:
        codes = codes.fill_null(len(texts))
        texts.append(None)
    return codes.to_numpy(), texts


def _added_up(
    codes: Sequence[Ints | None], sizes: Sequence[int], counts: Sequence[Ints]
) -> tuple[list[Ints], list[Ints]]:
    """Return the groups that occur, and their counts."""
    rows = len(counts[0])
    varied = [at for at, size in enumerate(sizes) if size > 1 and codes[at] is not None]
    if not varied or not rows:
        most = min(rows, 1)
        return [np.zeros(most, np.int64)] * len(codes), [np.array([values.sum()], np.int64)[:most] for values in counts]
    # Numbers of these rows: few, even where the values of all files are many.
    own = [np.asarray(codes[at]) for at in varied]
    local = [
        np.unique(column, return_inverse=True) if sizes[at] > _FEW else None
        for at, column in zip(varied, own, strict=True)
    ]
    small = [column if renumbered is None else renumbered[1] for column, renumbered in zip(own, local, strict=True)]
    few = [
        sizes[at] if renumbered is None else len(renumbered[0]) for at, renumbered in zip(varied, local, strict=True)
    ]
    present, places, occurring = _grouped(small, few)
    sums = [_sum(places, values)[occurring] for values in counts]
    groups = [np.zeros(len(present[0]), np.int64)] * len(codes)
    for at, column, renumbered in zip(varied, present, local, strict=True):
        groups[at] = column if renumbered is None else renumbered[0][column]
    return groups, sums


def _grouped(codes: Sequence[Ints], sizes: Sequence[int]) -> tuple[list[Ints], Ints, Ints]:
    """Return the codes of the groups that occur, the place of each row's sum, and which places are of these groups."""
    rows, total = len(codes[0]), math.prod(sizes)
    if total >= _MOST:
        keys, places = np.unique(np.column_stack(codes), axis=0, return_inverse=True)
        return list(np.ascontiguousarray(keys.T)), places.reshape(-1), np.arange(len(keys))
    packed = codes[0].astype(np.int64)
    for column, radix in zip(codes[1:], sizes[1:], strict=True):
        packed *= radix
        packed += column
    if total <= max(4 * rows, _FEW):
        present = occurring = np.flatnonzero(np.bincount(packed))
    else:
        present, packed = np.unique(packed, return_inverse=True)
        occurring = np.arange(len(present))
    groups = []
    for radix in sizes[::-1]:
        groups.append(present % radix)
        present = present // radix
    return groups[::-1], packed, occurring


def _sum(places: Ints, counts: Ints) -> Ints:
    if float(np.abs(counts).sum(dtype=np.float64)) < _EXACT:
        return np.bincount(places, counts).astype(np.int64)
    sums = np.zeros(int(places.max()) + 1, np.int64)
    np.add.at(sums, places, counts)
    return sums
