"""Reports into a store, each once, in commits that are all or nothing.

What a commit adds is decided from one version of the table, and holds only for that version (see `_table`). Files are
written first; a program that is killed before its commit leaves files that nothing names, and the next run, which reads
the same sources again, adds what is missing. A commit holds a few hundred thousand reports at most, so memory is bounded.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from ..reports import Archive, outcomes
from ._days import THREADS, Day, by_day, read_day
from ._layout import BY_DAY, KINDS
from ._piece import Flags, Piece, arrow_column, combined, day_name, joined, month_name, piece_of, select
from ._rollup import Rollup
from ._settle import settle
from ._table import File, Table, retried

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["PART", "Writer"]

#: Reports that are read at a time, and reports in a commit.
PART: Final = 25_000
_BATCH: Final = 250_000
#: Rows that belong to no report, and would be added by each run: those that are there already are left out.
_LOOSE: Final = ("deviations", "rejects")


@dataclass
class _Plan:
    """What a commit is to add, decided from one version of the table."""

    keep: Flags
    counts: Flags
    #: Days of which a stored report does not count any more: what is stored of them, and what takes its place.
    replaced: dict[int, tuple[Piece, Piece]] = field(default_factory=dict)
    loose: dict[str, Any] = field(default_factory=dict)

    def same(self, other: _Plan) -> bool:
        """Whether the files written for the other plan are those of this one."""
        return (
            not self.replaced
            and not other.replaced
            and np.array_equal(self.keep, other.keep)
            and np.array_equal(self.counts, other.counts)
            and all(self.loose[kind].equals(other.loose[kind]) for kind in _LOOSE)
        )


class Writer:
    """Takes archives and adds to the store what is not there yet.

    Parameters
    ----------
    table : Table
        The table under the store.
    now : callable
        The present time: rows without a day of their own are filed under its month.

    Attributes
    ----------
    outcomes : Counter
        Inputs read, by outcome; reports ``added``, and those ``known`` before.
    """

    def __init__(self, table: Table, now: Callable[[], datetime], batch: int = _BATCH) -> None:
        self._table, self._now, self._batch = table, now, batch
        self.outcomes: Counter[str] = Counter()
        self._pieces: list[Piece] = []
        # With the row of its report; -1 where it is about none.
        self._deviations: list[tuple[Any, npt.NDArray[np.int64]]] = []
        self._rejects: list[Any] = []
        self._reports = 0
        # Of each file of reports, which never changes: the keys in it.
        self._keys: dict[str, npt.NDArray[np.bytes_]] = {}

    def add(self, archive: Archive, received: Mapping[str, int] | None = None) -> None:
        """Take the reports of an archive, and when they were received; commit when there are enough."""
        self.outcomes.update(dict(outcomes(archive)))
        reports = archive.reports
        if len(archive.deviations):
            self._add_deviations(archive)
        if len(archive.rejects):
            self._rejects.append(_rows("rejects", archive.rejects))
        if len(reports):
            self._pieces.append(piece_of(archive, received))
            self._reports += len(reports)
        if self._reports >= self._batch:
            self.flush()

    def _add_deviations(self, archive: Archive) -> None:
        """Keep what was assumed in the copies that are stored; of other copies it is left out with them."""
        names = ["source", "member"]
        inputs = archive.inputs[archive.inputs["report_key"].notna()]
        about = pd.MultiIndex.from_frame(archive.deviations[names])
        stored = pd.MultiIndex.from_frame(archive.reports[names]).get_indexer(about)
        keep = (stored >= 0) | ~about.isin(pd.MultiIndex.from_frame(inputs[names]))
        rows = np.where(stored >= 0, stored + self._reports, -1)[keep]
        self._deviations.append((_rows("deviations", archive.deviations[keep]), rows))

    def flush(self) -> None:
        """Commit what was taken so far."""
        if not self._pieces and not self._rejects and not self._deviations:
            return
        if self._pieces:
            piece = combined(self._pieces)
            first = self._outcome(piece)
        else:
            piece, first = piece_of(Archive()), _Plan(np.zeros(0, bool), np.zeros(0, bool))
        written: tuple[_Plan, list[Any]] | None = None

        def attempt() -> _Plan:
            nonlocal written
            plan = self._plan(piece, first)
            if written is None or not plan.same(written[0]):
                if written is not None:
                    self._table.discard(written[1])
                written = plan, self._written(piece, plan)
            if written[1]:
                periods = [day_name(day) for day in plan.replaced]
                self._table.commit(written[1], (BY_DAY, periods) if periods else None)
            return plan

        try:
            plan = retried(self._table, attempt)
        except BaseException:
            if written is not None:
                self._table.discard(written[1])
            raise
        added = int(plan.keep.sum())
        self.outcomes["added"] += added
        self.outcomes["known"] += self._reports - added
        self._pieces, self._deviations, self._rejects, self._reports = [], [], [], 0

    @staticmethod
    def _outcome(piece: Piece) -> _Plan:
        return _Plan(*settle(piece))

    # -- deciding

    def _plan(self, piece: Piece, first: _Plan) -> _Plan:
        """Return what is to be added to the present version of the table."""
        plan = _Plan(first.keep.copy(), first.counts.copy())
        stored = by_day(self._table.files)
        days = piece.days
        contested: dict[int, list[int]] = {}
        for day in np.unique(days).tolist():
            there = stored.get(day_name(day))
            if there:
                rows = np.flatnonzero((days == day) & plan.keep)
                keys = np.concatenate([self._keys_in(group["reports"]) for group in there.values()])
                for row in rows[np.isin(piece.keys[rows], keys)].tolist():
                    contested.setdefault(day, []).append(row)
        for day, own in contested.items():
            self._settle_day(piece, plan, day, own, stored[day_name(day)])
        loose = self._loose_rows()
        plan.loose = {kind: self._unknown(kind, rows) for kind, rows in loose.items()}
        return plan

    def _keys_in(self, file: File) -> npt.NDArray[np.bytes_]:
        if file.path not in self._keys:
            reports = self._table.read(file, ["report_key"])
            self._keys[file.path] = Piece(reports, None, None).keys
        return self._keys[file.path]

    def _settle_day(self, piece: Piece, plan: _Plan, day: int, rows: list[int], there: Day) -> None:
        """Decide on reports of a day whose identity is stored already."""
        known: set[tuple[bytes, bytes]] = set()
        for group in there.values():
            names = Piece(self._table.read(group["reports"], ["report_key", "sha256"]), None, None)
            known.update(zip(names.keys.tolist(), names.digests.tolist(), strict=True))
        own_names = list(zip(piece.keys[rows].tolist(), piece.digests[rows].tolist(), strict=True))
        copies = [row for row, name in zip(rows, own_names, strict=True) if name in known]
        unknown = [row for row, name in zip(rows, own_names, strict=True) if name not in known]
        plan.keep[copies] = plan.counts[copies] = False
        if not unknown:
            return
        stored = read_day(self._table, there)
        chosen = np.zeros(len(piece), bool)
        chosen[unknown] = True
        both = combined([stored, piece.take(chosen, plan.counts)])
        keep, counts = settle(both)
        own = len(stored)
        plan.keep[unknown], plan.counts[unknown] = keep[own:], counts[own:]
        if not (keep[:own].all() and (counts[:own] == stored.counts).all()):
            rest = plan.keep & (piece.days == day) & ~chosen
            plan.replaced[day] = stored, combined([both.take(keep, counts), piece.take(rest, plan.counts)])

    def _loose_rows(self) -> dict[str, Any]:
        deviations = [table.filter(pa.array(rows < 0)) for table, rows in self._deviations]
        return {"deviations": joined("deviations", deviations), "rejects": joined("rejects", self._rejects)}

    def _unknown(self, kind: str, rows: Any) -> Any:
        """Return those rows that are not stored, each once."""
        if not len(rows):
            return rows
        known: set[tuple[object, ...]] = set()
        for file in self._table.files:
            if file.kind == kind:
                known.update(_tuples(self._table.read(file, list(KINDS[kind]))))
        keep = []
        for row in _tuples(rows):
            keep.append(row not in known)
            known.add(row)
        return rows.filter(pa.array(keep, pa.bool_()))

    # -- writing

    def _written(self, piece: Piece, plan: _Plan) -> list[Any]:
        """Write the files of a plan; return what a commit needs to name them."""
        name = uuid.uuid4().hex
        with ThreadPoolExecutor(THREADS, "mtasts-nb write") as pool:
            futures = []
            try:
                for kind, period, rows in self._parts(piece, plan):
                    futures.append(pool.submit(self._table.write, kind, period, name, rows))
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                self._table.discard(
                    future.result() for future in futures if not future.cancelled() and not future.exception()
                )
                raise

    def _parts(self, piece: Piece, plan: _Plan) -> Iterator[tuple[str, str, Any]]:
        """Yield kind, period and rows of each file."""
        rollup = Rollup()
        fresh = plan.keep.copy()
        for day, (before, after) in plan.replaced.items():
            fresh &= piece.days != day
            rollup.add(before, -1)
            rollup.add(after)
            yield from self._day_parts(after)
        rest = piece.take(fresh, plan.counts)
        rollup.add(rest)
        yield from self._day_parts(rest)
        yield from rollup.tables()
        yield from self._deviation_parts(piece, plan)
        for kind in _LOOSE:
            if len(plan.loose[kind]):
                yield kind, f"{self._now():%Y-%m}", plan.loose[kind]

    @staticmethod
    def _day_parts(piece: Piece) -> Iterator[tuple[str, str, Any]]:
        for day, part in piece.by_day():
            for kind in BY_DAY:
                rows = getattr(part, kind)
                if len(rows):
                    yield kind, day_name(day), rows

    def _deviation_parts(self, piece: Piece, plan: _Plan) -> Iterator[tuple[str, str, Any]]:
        tables = [table for table, _ in self._deviations]
        if not tables:
            return
        rows = np.concatenate([rows for _, rows in self._deviations])
        known = rows >= 0
        about = rows[known]
        table = joined("deviations", tables).filter(pa.array(known))
        months = np.array([month_name(day) for day in piece.days.tolist()])[about]
        for month in sorted(set(months[plan.keep[about]])):
            yield "deviations", str(month), table.filter(pa.array((months == month) & plan.keep[about]))


def _rows(kind: str, frame: pd.DataFrame) -> Any:
    return select(kind, {name: arrow_column(frame[name], dtype) for name, dtype in KINDS[kind].items()})


def _tuples(table: Any) -> list[tuple[object, ...]]:
    return list(zip(*(table[name].to_pylist() for name in table.schema.names), strict=True))
