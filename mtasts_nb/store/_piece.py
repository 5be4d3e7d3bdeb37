"""Reports with their sessions and failures as Arrow tables, in the columns of the files of a store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from ..reports import Archive
from ._layout import KINDS, empty_table, file_schema

__all__ = ["Ints", "Piece", "combined", "day_name", "joined", "month_name", "piece_of", "select"]

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_DAY: Final = 86_400_000_000
_EPOCH: Final = date(1970, 1, 1)


def day_name(day: int) -> str:
    """Return the period of a day, counted from 1970-01-01.

    Examples
    --------
    >>> day_name(0), month_name(31)
    ('1970-01-01', '1970-02')
    """
    return (_EPOCH + timedelta(days=day)).isoformat()


def month_name(day: int) -> str:
    """Return the period of the month of a day, counted from 1970-01-01."""
    return day_name(day)[:7]


@dataclass(frozen=True, eq=False)
class Piece:
    """Reports, and their sessions and failures, which name their report by its row (`report`)."""

    reports: Any
    sessions: Any
    failures: Any

    def __len__(self) -> int:
        return len(self.reports)

    @property
    def keys(self) -> npt.NDArray[np.bytes_]:
        """The identity of each report, 12 bytes."""
        return _fixed(self.reports["report_key"], 12)

    @property
    def digests(self) -> npt.NDArray[np.bytes_]:
        """The SHA-256 of each report, 32 bytes."""
        return _fixed(self.reports["sha256"], 32)

    @property
    def counts(self) -> Flags:
        """Whether a report counts; else another of its identity does."""
        flags: Flags = np.asarray(self.reports["counts"].to_numpy(zero_copy_only=False), bool)
        return flags

    @property
    def days(self) -> Ints:
        """The UTC day of each report, from 1970-01-01."""
        days: Ints = self.reports["start_datetime"].cast(pa.int64()).to_numpy() // _DAY
        return days

    @property
    def sizes(self) -> tuple[Ints, Ints]:
        """Sessions and failed sessions of each report."""
        sessions = {name: self.sessions[name].to_numpy() for name in KINDS["sessions"] if name.endswith("_count")}
        failed = np.maximum(sessions["total_failure_session_count"], sessions["detailed_failure_session_count"])
        every, bad = np.zeros(len(self), np.int64), np.zeros(len(self), np.int64)
        rows = self.sessions["report"].to_numpy()
        np.add.at(bad, rows, failed)
        np.add.at(every, rows, failed + sessions["total_successful_session_count"])
        return every, bad

    def content(self, at: int) -> object:
        """Return what a report says, in a form that is equal for equal content: the order of policies is irrelevant."""
        tables = []
        for table in (self.sessions, self.failures):
            rows = table.filter(pa.array(table["report"].to_numpy() == at)).drop_columns(["report"]).to_pylist()
            tables.append(rows)
        of_policy: dict[int, list[str]] = {}
        for row in tables[1]:
            of_policy.setdefault(row.pop("policy_index"), []).append(repr(sorted(row.items())))
        sessions = []
        for row in tables[0]:
            index = row.pop("policy_index")
            sessions.append((repr(sorted(row.items())), tuple(sorted(of_policy.get(index, ())))))
        return self.reports["contact_info"][at].as_py(), tuple(sorted(sessions))

    def take(self, keep: Flags, counts: Flags | None = None) -> Piece:
        """Return some of the reports; of those that do not count (any more) no sessions and failures."""
        counts = self.counts if counts is None else counts
        if keep.all() and (counts == self.counts).all():
            return self
        new_row = np.cumsum(keep) - 1
        tables = []
        for table in (self.sessions, self.failures):
            rows = table["report"].to_numpy()
            inside = (keep & counts)[rows]
            tables.append(_with_rows(table.filter(pa.array(inside)), new_row[rows[inside]]))
        at = self.reports.schema.get_field_index("counts")
        reports = self.reports.set_column(at, "counts", pa.array(counts)).filter(pa.array(keep))
        return Piece(reports, *tables)

    def by_day(self) -> Iterator[tuple[int, Piece]]:
        """Yield the piece of each day, in order; in it, the domains are together."""
        if not len(self):
            return
        days = self.days
        first, domain = self.sessions["report"].to_numpy(), _ranks(self.sessions["policy_domain"])
        of_report = np.full(len(self), -1, np.int64)
        of_report[first[::-1]] = domain[::-1]
        order = np.lexsort((self.keys, of_report, days))
        new_row = np.empty(len(order), np.int64)
        new_row[order] = np.arange(len(order))
        sorted_days = days[order]
        starts = np.flatnonzero(np.concatenate([[True], sorted_days[1:] != sorted_days[:-1]]))
        ends = np.append(starts[1:], len(order))
        base = np.repeat(starts, ends - starts)
        reports = self.reports.take(pa.array(order))
        parts: list[tuple[Any, Ints]] = []
        for table in (self.sessions, self.failures):
            rows = new_row[table["report"].to_numpy()]
            # Stable: the failures of a session stay in the order of the report.
            by = np.lexsort((rows, _ranks(table["policy_domain"]), base[rows]))
            moved = _with_rows(table.take(pa.array(by)), rows[by] - base[rows[by]])
            parts.append((moved, np.searchsorted(base[rows[by]], np.append(starts, len(order)))))
        for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
            tables = [table.slice(at[number], at[number + 1] - at[number]) for table, at in parts]
            yield int(sorted_days[start]), Piece(reports.slice(start, end - start), *tables)


def combined(pieces: Sequence[Piece]) -> Piece:
    """Return several pieces as one; the rows of the first come first."""
    if len(pieces) == 1:
        return pieces[0]
    before = np.cumsum([0, *(len(piece) for piece in pieces)])
    return Piece(
        joined("reports", [piece.reports for piece in pieces]),
        *(
            joined(
                kind,
                [
                    _with_rows(table, table["report"].to_numpy() + offset)
                    for table, offset in zip((getattr(piece, kind) for piece in pieces), before, strict=False)
                ],
            )
            for kind in ("sessions", "failures")
        ),
    )


def joined(kind: str, tables: Iterable[Any]) -> Any:
    """Return tables of one kind as one, each column in one chunk, so that its texts have one numbering."""
    parts = list(tables)
    if not parts:
        return empty_table(kind)
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()


def piece_of(archive: Archive, received: Mapping[str, int] | None = None) -> Piece:
    """Return the reports of an archive; with `received`, as `reports.Part.received` gives it."""
    reports = archive.reports
    keys = reports["report_key"]
    rows = pd.Index(keys)
    tables = {
        "reports": {
            **_columns("reports", reports),
            "report_key": _binary(keys.str.slice(0, 24), 12),
            "sha256": _binary(reports["sha256"], 32),
            "counts": pa.array(reports["duplicate_of"].isna().to_numpy()),
            "received": pa.array([received.get(key) for key in keys] if received else [None] * len(keys), pa.int64()),
        }
    }
    for kind in ("sessions", "failures"):
        frame: pd.DataFrame = getattr(archive, kind)
        places = rows.get_indexer(pd.Index(frame["report_key"])).astype(np.int32)
        tables[kind] = {**_columns(kind, frame), "report": pa.array(places)}
    return Piece(*(select(kind, columns) for kind, columns in tables.items()))


def select(kind: str, columns: Mapping[str, Any]) -> Any:
    """Return columns as a table of a kind."""
    schema = file_schema(kind)
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _columns(kind: str, frame: pd.DataFrame) -> dict[str, Any]:
    return {name: arrow_column(frame[name], dtype) for name, dtype in KINDS[kind].items() if name in frame}


def arrow_column(values: pd.Series, dtype: Any) -> Any:
    """Return a column of an archive as an Arrow array of a type of the layout."""
    if pa.types.is_dictionary(dtype):
        codes = values.cat.codes.to_numpy()
        texts = pa.array(values.cat.categories, pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=codes < 0), texts)
    if pa.types.is_fixed_size_binary(dtype) or pa.types.is_boolean(dtype):
        return None  # made by `piece_of`
    column = pa.array(values, from_pandas=True)
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return column.cast(dtype)


def _binary(texts: pd.Series, width: int) -> Any:
    raw = bytes.fromhex("".join(pa.array(texts).to_pylist()))
    return pa.Array.from_buffers(pa.binary(width), len(texts), [None, pa.py_buffer(raw)])


def _fixed(column: Any, width: int) -> npt.NDArray[np.bytes_]:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], pa.binary(width))
    start = array.offset * width
    raw = array.buffers()[1]
    if raw is None or not len(array):
        return np.empty(0, f"S{width}")
    return np.frombuffer(raw, f"S{width}", len(array), start)


def _with_rows(table: Any, rows: Ints) -> Any:
    at = table.schema.get_field_index("report")
    return table.set_column(at, table.schema.field(at), pa.array(rows.astype(np.int32)))


def _ranks(column: Any) -> Ints:
    """Return the rank of each value in the sorted order of all."""
    if isinstance(column, pa.ChunkedArray):
        column = column.unify_dictionaries().combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks else pa.array([], KINDS["sessions"]["policy_domain"])
    texts = column.dictionary.to_pylist()
    rank = np.empty(len(texts) + 1, np.int64)
    rank[np.array(sorted(range(len(texts)), key=texts.__getitem__), np.int64)] = np.arange(len(texts))
    rank[-1] = len(texts)
    ranks: Ints = rank[column.indices.fill_null(-1).to_numpy()]
    return ranks
