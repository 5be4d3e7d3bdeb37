"""From the files of a store to the tables of an `Archive`, as `reports.schema` says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from ..reports import Archive, schema
from ..reports.schema import text_dtype
from ._layout import KINDS, TEXTS
from ._piece import Ints, Piece
from ._sums import times

__all__ = ["archive_of", "frame_of", "keys_as_text", "rows_of"]

_SET_ASIDE: Final = "same identity as a report with other content, which counts"


def rows_of(kind: str, table: Any, columns: Sequence[str], days: Ints, keys: Any) -> pd.DataFrame:
    """Return rows of sessions or failures, with the columns asked for.

    Parameters
    ----------
    table : Table
        The rows; without `day` and `report_key`, which no file has.
    days : array
        The day of each row, from 1970-01-01.
    keys : array
        The report key of each row, as text; read only where it is asked for.
    """
    made: dict[str, Any] = {}
    for name in columns:
        if name == "day":
            made[name] = times(days)
        elif name == "report_key":
            made[name] = text_dtype().__from_arrow__(keys)
        else:
            made[name] = _column(table[name], kind, name)
    return pd.DataFrame(made, columns=list(columns), index=pd.RangeIndex(len(days)))


def frame_of(kind: str, table: Any) -> pd.DataFrame:
    """Return a table of deviations or rejects."""
    return pd.DataFrame({name: _column(table[name], kind, name) for name in KINDS[kind]})


def _column(column: Any, kind: str, name: str) -> Any:
    if name in TEXTS[kind]:
        return _category(column)
    if name == "policy_max_age":
        values = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.int64())
        missing = values.is_null().to_numpy(zero_copy_only=False)
        return pd.arrays.IntegerArray(values.fill_null(0).to_numpy(zero_copy_only=False).copy(), missing)
    if pa.types.is_timestamp(column.type):
        return pd.DatetimeIndex(column.cast(pa.int64()).to_numpy().view("M8[us]")).tz_localize("UTC")
    if pa.types.is_string(column.type):
        return text_dtype().__from_arrow__(column.cast(pa.large_string()))
    return column.to_numpy().astype(np.int64 if pa.types.is_integer(column.type) else bool)


def _category(column: Any) -> pd.Categorical[Any]:
    """Return repeated text as a category: sorted, and only what occurs."""
    whole = column.unify_dictionaries()
    texts = whole.chunk(0).dictionary.to_pylist() if whole.num_chunks else []
    parts = [chunk.indices.fill_null(-1).to_numpy() for chunk in whole.chunks]
    codes = np.concatenate(parts) if parts else np.empty(0, np.int64)
    occurs = [at for at in np.unique(codes).tolist() if at >= 0]
    order = sorted(occurs, key=texts.__getitem__)
    rank = np.full(len(texts) + 1, -1, np.int64)
    rank[order] = np.arange(len(order))
    kind = pd.CategoricalDtype(pd.Index(pd.array([texts[at] for at in order], dtype=text_dtype())))
    return pd.Categorical.from_codes(rank[codes], dtype=kind, validate=False)


def keys_as_text(piece: Piece) -> list[str]:
    """Return the report keys as an archive has them: a report that does not count has part of its SHA-256 after it."""
    keys = [key.ljust(12, b"\0").hex() for key in piece.keys.tolist()]
    for at in np.flatnonzero(~piece.counts):
        keys[at] += f"~{bytes(piece.digests[at]).ljust(32, bytes(1)).hex()[:12]}"
    return keys


def archive_of(uri: str, piece: Piece, deviations: Any, rejects: Any) -> Archive:
    """Return an archive of these rows, in the order in which `load` gives them.

    Its `inputs` are those that gave a report or were rejected: of further copies and of what holds no report, a store
    keeps nothing.
    """
    texts = np.array(keys_as_text(piece), object)
    base = np.array([text[:24] for text in texts], object)
    digests = piece.digests
    start = piece.reports["start_datetime"].cast(pa.int64()).to_numpy()
    order = np.lexsort((digests, piece.keys, start))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    counts = piece.counts
    keys, times_listed = np.unique(piece.keys, return_counts=True)
    conflict = times_listed[np.searchsorted(keys, piece.keys)] > 1
    columns = {name: _column(piece.reports[name], "reports", name) for name in KINDS["reports"] if name not in _MADE}
    columns |= {
        "report_key": pd.array(texts, dtype=text_dtype()),
        "sha256": pd.array([digest.ljust(32, b"\0").hex() for digest in digests.tolist()], dtype=text_dtype()),
        "duplicate_of": pd.array(np.where(counts, np.nan, base), dtype=text_dtype()),
        "conflict": conflict,
    }
    reports = pd.DataFrame({name: columns[name] for name in schema.columns("reports")})
    tables = {"reports": reports.take(order).reset_index(drop=True)}
    for kind in ("sessions", "failures"):
        table = getattr(piece, kind)
        rows = table["report"].to_numpy()
        by = np.lexsort((table["policy_index"].to_numpy(), rank[rows]))
        taken = rows[by]
        keys_of_rows = pa.array(texts[taken], pa.large_string())
        tables[kind] = rows_of(kind, table.take(pa.array(by)), schema.columns(kind), piece.days[taken], keys_of_rows)
    tables["deviations"] = frame_of("deviations", deviations)
    tables["rejects"] = frame_of("rejects", rejects)
    tables["inputs"] = _inputs(tables["reports"], tables["rejects"])
    return Archive(sources=[uri], **tables)


_MADE: Final = frozenset({"report_key", "sha256", "counts", "received"})


def _inputs(reports: pd.DataFrame, rejects: pd.DataFrame) -> pd.DataFrame:
    aside = reports["duplicate_of"].notna()
    outcome = [*("duplicate" if flag else "loaded" for flag in aside), *["rejected"] * len(rejects)]
    reason = [*(_SET_ASIDE if flag else None for flag in aside), *rejects["reason"].astype("object")]
    cells = {
        "source": [*reports["source"], *rejects["source"]],
        "member": [*reports["member"], *rejects["member"]],
        "report_key": [*reports["report_key"], *[None] * len(rejects)],
    }
    columns = {name: pd.array(values, dtype=text_dtype()) for name, values in cells.items()}
    for name, values in (("outcome", outcome), ("reason", reason)):
        columns[name] = _category(pa.chunked_array([pa.array(values, pa.string()).dictionary_encode()]))
    return pd.DataFrame({name: columns[name] for name in schema.columns("inputs")})
