"""`Store`: reports at rest, a source for everything that takes an `Archive`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from ..markup import number, plural, terminal_text
from ..moments import utc_moment
from ..render import Document, Rendered, Section, Terms, document
from ..reports import Archive, domain_name, moments, sum_pieces
from . import _upkeep
from ._days import THREADS, ahead, read_piece
from ._engines import by_codes, by_duckdb, by_rollups, fits_rollups, frames_of, needs_rows
from ._frames import archive_of, keys_as_text, rows_of
from ._layout import BY_DAY, KINDS
from ._piece import Piece, combined, day_name, joined
from ._select import Selection
from ._table import Table

__all__ = ["ENGINES", "Store", "open_store"]

#: How `daily` may compute on a store.
ENGINES: Final = ("rollups", "codes", "duckdb", "dask")
#: Rows that `session_rows` hands out at a time.
_ROWS: Final = 250_000


class Store(Rendered):
    """TLS reports (RFC 8460) at rest, as `ingest` wrote them: a `Source`, in the place of an `Archive`.

    It shows one version of the store: what is ingested later is in what `open_store` gives later. `between` and
    `for_domain` read nothing; they narrow what is read afterwards to files, parts of files and columns.

    Attributes
    ----------
    uri : str
        Where it is.
    version : int
        The number of the commit that is shown.
    outcomes : mapping of str to int
        Of the `ingest` that returned it: inputs read, by outcome, reports ``added``, and those ``known`` before.

    Examples
    --------
    >>> import tempfile, mtasts_nb as sts
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = sts.ingest(sts.sample_dir(), store=f"{folder}/tls", progress=False)
    ...     store.for_domain("nordwind.example").to_archive().sessions["policy_domain"].unique().tolist()
    ['nordwind.example']
    """

    def __init__(
        self, table: Table, selection: Selection | None = None, outcomes: Mapping[str, int] | None = None
    ) -> None:
        self._table = table
        self.outcomes = Counter(outcomes or {})
        self._selection = selection or Selection()

    @property
    def uri(self) -> str:
        """Where it is."""
        return self._table.uri

    @property
    def version(self) -> int:
        """The number of the commit that is shown."""
        return self._table.version

    # -- narrowing

    def between(self, start: str | date | datetime, end: str | date | datetime) -> Store:
        """Return the reports whose period starts at `start` or later and before `end`, as `Archive.between`."""
        first, last = (int(moment.to_datetime64().astype("M8[us]").astype(np.int64)) for moment in moments(start, end))
        own = self._selection
        first = first if own.start is None else max(first, own.start)
        last = last if own.end is None else min(last, own.end)
        return Store(self._table, replace(own, start=first, end=last))

    def for_domain(self, domain: str) -> Store:
        """Return the sessions of one policy domain, as `Archive.for_domain`."""
        name, own = domain_name(domain), self._selection
        if own.domain not in (None, name):
            name = ""  # no report is about two domains at once
        return Store(self._table, replace(own, domain=name))

    # -- reading

    def session_rows(
        self, session_columns: Sequence[str], failure_columns: Sequence[str], *, engine: str | None = None
    ) -> Iterable[tuple[pd.DataFrame, pd.DataFrame]]:
        """Yield sessions and failures in pieces of some hundred thousand rows, as a `Source` does.

        Parameters
        ----------
        session_columns, failure_columns : sequence of str
            Names out of `schema.SCHEMA`; only these are read.
        engine : str, optional
            Any of `ENGINES`: rows are read in the same way for all.
        """
        _check(engine)
        columns = {"sessions": list(session_columns), "failures": list(failure_columns)}
        with ThreadPoolExecutor(THREADS, "mtasts-nb read") as pool:
            yield from self._pieces(pool, columns)

    def _pieces(
        self, pool: ThreadPoolExecutor, columns: dict[str, list[str]]
    ) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
        files = [(day, group) for day, groups in self._selection.days(self._table).items() for group in groups.values()]
        physical = {
            kind: [name for name in names if name in KINDS[kind]] + ["report"] * ("report_key" in names)
            for kind, names in columns.items()
        }
        with_keys = any("report_key" in names for names in columns.values())

        def read(asked: Any) -> tuple[int, dict[str, Any], Any]:
            day, group = asked
            tables = {
                kind: self._selection.read(
                    self._table, group.get(kind) if columns[kind] else None, kind, physical[kind]
                )
                for kind in columns
            }
            keys = None
            if with_keys:
                names = self._table.read(group["reports"], ["report_key", "sha256", "counts"])
                keys = pa.array(keys_as_text(Piece(names, None, None)), pa.large_string())
            return day, tables, keys

        parts: list[tuple[int, dict[str, Any], Any]] = []
        rows, given = 0, False
        for part in ahead(pool, read, files):
            parts.append(part)
            rows += sum(len(table) for table in part[1].values())
            if rows >= _ROWS:
                yield self._frames(parts, columns)
                parts, rows, given = [], 0, True
        if parts or not given:
            yield self._frames(parts, columns)

    @staticmethod
    def _frames(
        parts: list[tuple[int, dict[str, Any], Any]], columns: dict[str, list[str]]
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        frames = []
        for kind, names in columns.items():
            tables = [tables[kind] for _, tables, _ in parts]
            days = np.repeat([day for day, _, _ in parts], [len(table) for table in tables]).astype(np.int64)
            keys = [
                keys.take(table["report"].combine_chunks())
                for table, (_, _, keys) in zip(tables, parts, strict=True)
                if "report_key" in names
            ]
            whole = joined(kind, tables)
            text = pa.concat_arrays([pa.array([], pa.large_string()), *keys])
            frames.append(rows_of(kind, whole, names, days, text))
        return frames[0], frames[1]

    def sums(
        self, session_keys: Sequence[str], failure_keys: Sequence[str], *, engine: str | None = None
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the sums that `daily` asks for, as `reports.sum_pieces` does.

        Parameters
        ----------
        session_keys, failure_keys : sequence of str
            ``day`` and the keys of `daily`.
        engine : str, optional
            ``rollups`` adds up the small tables that `ingest` keeps for the most frequent keys, ``codes`` sessions and
            failures, file by file, ``duckdb`` lets DuckDB do that, ``dask`` the workers of the present
            `dask.distributed` client. All give the same table. None: ``rollups`` where they have the keys, else
            ``codes``.

        Raises
        ------
        ValueError
            The rollups do not have these keys, or there is no such engine.
        """
        _check(engine)
        asked = (self._table, self._selection, session_keys, failure_keys)
        fits = fits_rollups(session_keys, failure_keys, self._selection)
        if engine == "rollups" and not fits:
            raise ValueError('engine="rollups" has no sums by these keys or parts of days; leave the engine out')
        if engine == "rollups" or (engine is None and fits):
            return frames_of(by_rollups(*asked))
        if needs_rows(session_keys, failure_keys):
            return sum_pieces(self, session_keys, failure_keys)
        if engine == "duckdb":
            return frames_of(by_duckdb(*asked))
        if engine == "dask":
            from ._cluster import by_dask

            return frames_of(by_dask(*asked))
        return frames_of(by_codes(*asked, self._selection.days(self._table).items()))

    def to_archive(self) -> Archive:
        """Return all of it in memory, as `load` would: a copy, for questions about single reports.

        Inputs that held no report and further copies of reports are not in a store; all else is.
        """
        selection, table = self._selection, self._table
        files = [group for groups in selection.days(table).values() for group in groups.values()]
        with ThreadPoolExecutor(THREADS, "mtasts-nb read") as pool:
            pieces = list(ahead(pool, self._narrowed, files))
        piece = combined(pieces) if pieces else Piece(*(joined(kind, []) for kind in BY_DAY))
        loose = {
            kind: joined(kind, [table.read(file, list(KINDS[kind])) for file in table.files if file.kind == kind])
            for kind in ("deviations", "rejects")
        }
        archive = archive_of(self.uri, piece, loose["deviations"], loose["rejects"])
        return archive if selection.everything else archive.with_rows(archive.sessions, archive.failures)

    def _narrowed(self, group: Any) -> Piece:
        piece, selection = read_piece(self._table, group), self._selection
        if selection.everything:
            return piece
        moment = piece.reports["start_datetime"].cast(pa.int64()).to_numpy()
        keep = selection.contains(moment)
        if selection.domain is not None:
            tables = [
                table.filter(pa.array(np.asarray(table["policy_domain"].cast(pa.string())) == selection.domain))
                for table in (piece.sessions, piece.failures)
            ]
            piece = Piece(piece.reports, *tables)
            about = np.zeros(len(piece), bool)
            about[piece.sessions["report"].to_numpy()] = True
            keep &= about | ~piece.counts
        return piece.take(keep)

    def as_code(self) -> str:
        """Return Python text that opens the same part of the store, for a notebook that runs elsewhere.

        Examples
        --------
        >>> import tempfile, mtasts_nb as sts
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = sts.ingest(sts.Archive(), store=folder).for_domain("nordwind.example")
        ...     store.as_code().replace(folder, "/srv/tls")
        "__import__('mtasts_nb').open_store('/srv/tls').for_domain('nordwind.example')"
        """
        own = self._selection
        text = f"__import__('mtasts_nb').open_store({self._table.address!r})"
        if own.start is not None or own.end is not None:
            first, last = (str(np.datetime64(moment, "us")) for moment in (own.start or 0, own.end or 0))
            text += f".between({first!r}, {last!r})"
        return text + (f".for_domain({own.domain!r})" if own.domain is not None else "")

    # -- upkeep

    def compact(self) -> int:
        """Join the files of each day and month where there are several; return how many files fewer there are.

        Files that were joined stay until `vacuum`, for readers of an older version.
        """
        return _upkeep.compact(self._table)

    def vacuum(self, hours: float = 168) -> list[str]:
        """Delete files that no version of the last hours names; return their paths.

        Parameters
        ----------
        hours : float, optional
            Longer than any `ingest` or query may take: a file that is written now is named by its commit later.
        """
        return self._table.vacuum(hours)

    def drop_before(self, day: str | date) -> int:
        """Drop all reports of earlier days; return how many days were dropped.

        What was assumed in reading them and rejected inputs are dropped by whole months. The files stay until `vacuum`.
        """
        return _upkeep.drop_before(self._table, utc_moment(day, "day").date())

    def rebuild_rollups(self) -> None:
        """Add up the rollups again, from sessions and failures."""
        _upkeep.rebuild_rollups(self._table)

    def __repr__(self) -> str:
        facts = self.facts()
        return terminal_text(f"<Store {facts['Store']}: {facts['Reports']} reports, {facts['Days (UTC)']}>")

    def facts(self) -> dict[str, str]:
        """Return what is in it, in words: of the log alone, nothing else is read."""
        table, selection = self._table, self._selection
        days = selection.days(table)
        reports = sum(group["reports"].rows for groups in days.values() for group in groups.values())
        span = f"{day_name(min(days))} to {day_name(max(days))}, {plural(len(days), 'day')}" if days else "none"
        return {
            "Store": self.uri,
            "Reports": number(reports) if selection.domain is None else f"some of {number(reports)}",
            "Days (UTC)": span,
            **({"Policy domain": selection.domain} if selection.domain is not None else {}),
            "Files": f"{number(len(table.files))}, {number(sum(file.size for file in table.files))} bytes",
            "Version": number(self.version),
        }


def open_store(uri: str | os.PathLike[str]) -> Store:
    """Return a store that `ingest` has made.

    Parameters
    ----------
    uri : str or path
        A folder, or the address of one in a bucket (``s3://``, ``gs://``, ``az://``); credentials come from the
        environment, as the provider's own tools take them.

    Raises
    ------
    StoreError
        There is none, it cannot be read, a later version of mtasts-nb wrote it, or the extra `scale` is not installed.

    Examples
    --------
    >>> open_store("no such folder")
    Traceback (most recent call last):
    mtasts_nb.errors.StoreError: There is no store at no such folder. Check the address, or make one: mtasts-nb ingest SOURCES --store URI
    """
    return Store(Table.open(uri))


def _check(engine: str | None) -> None:
    if engine is not None and engine not in ENGINES:
        raise ValueError(f"engine is {engine!r}: a store has {', '.join(ENGINES)}")


@document.register
def _(store: Store) -> Document:
    return Document((Section("TLS reports in a store", (Terms(list(store.facts().items())),)),))
