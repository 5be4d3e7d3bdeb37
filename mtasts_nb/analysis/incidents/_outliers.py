"""Which days of which kind of failure exceed the baseline, over all reporters and for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...vocabulary import is_noisy
from ._baseline import LEAST, Floats, Series, fit, tail
from ._blocks import Block, Ints

__all__ = ["FEWEST", "MOST", "Outlook", "dispersion", "outlook", "outlooks"]

#: Fewer failed sessions in all are never an incident (Noufaily et al. 2012 ask for five in four weeks).
FEWEST: Final = 5
#: If this part of the sessions of those who saw it failed on one day, that day alone may be an incident.
MOST: Final = 0.5
# What is held at once: a stranger may invent result types and reporters without end.
_CELLS: Final = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """One kind of failure in one block, day by day.

    Attributes
    ----------
    block : Block
    kind : int
        Which of the block's kinds.
    noisy : bool
        Whether such failures also occur without a fault, on some days in a clump.
    probability : array
        For each day of the block, how likely so many failures are when nothing is wrong: over all reporters, or at the
        reporter where they are least likely, times the number of reporters. 1 on a day without failures.
    rates : array
        For each reporter, the failures per session that are normal.
    expected : array
        For each day, the failures expected over all reporters.
    sparse : bool
        Whether there may be a fault that no single day shows.
    """

    block: Block
    kind: int
    noisy: bool
    probability: Floats
    rates: Floats
    expected: Floats
    sparse: bool

    def failed(self) -> Floats:
        """Return the failed sessions, reporters by days."""
        return self._table(self.block.failed)

    def outside(self) -> Floats:
        """Return those at a host that the policy in the same report does not match, reporters by days."""
        return self._table(self.block.outside)

    def _table(self, counts: Ints) -> Floats:
        block = self.block
        own = block.kind == self.kind
        table = np.zeros(block.sessions.shape)
        # Reporters that count together may have several entries for a day.
        np.add.at(table, (block.reporter[own], block.day[own]), counts[own])
        return table


def outlooks(blocks: Iterable[Block], chronic: float, level: float) -> Iterator[Outlook]:
    """Yield the kinds of failure with at least `FEWEST` failed sessions, and a day as unlikely as `level` or more so."""
    parts: list[_Part] = []
    held = 0
    for block in blocks:
        totals = np.bincount(block.kind, block.failed, minlength=len(block.kinds))
        enough = np.flatnonzero(totals >= FEWEST)
        step = max(1, _CELLS // block.sessions.size)
        for start in range(0, len(enough), step):
            parts.append(_Part(block, enough[start : start + step], chronic))
            held += parts[-1].size
            if held > _CELLS:
                yield from _judged(parts, level)
                parts, held = [], 0
    yield from _judged(parts, level)


def outlook(block: Block, kind: int, chronic: float) -> Outlook:
    """Return one kind of failure of a block, whether or not it exceeds the baseline."""
    return next(_judged([_Part(block, np.array([kind]), chronic)], np.inf))


def dispersion(block: Block, kind: int, chronic: float) -> Floats:
    """Return, for each day of a block, the dispersion of one kind of failure over all reporters."""
    part = _Part(block, np.array([kind]), chronic)
    whole = fit(part.pooled)
    every = whole.quiet_dispersion(0, part.every, part.weekend)
    every[part.cell] = whole.dispersion
    return every


class _Part:
    """Some kinds of one block, as the series that are fitted: over all reporters, and of each that saw enough."""

    def __init__(self, block: Block, kinds: Ints, chronic: float) -> None:
        reporters, days = block.sessions.shape
        self.block, self.kinds, self.size = block, kinds, len(kinds) * days
        self.weekend = (block.days + 3) % 7 >= 5
        self.noisy = np.array([is_noisy(block.kinds[kind][1]) for kind in kinds])
        normal = np.where(self.noisy, chronic, chronic / 10)
        line = np.full(len(block.kinds), -1)
        line[kinds] = np.arange(len(kinds))
        here = line[block.kind] >= 0
        kind, who, day, failed = line[block.kind[here]], block.reporter[here], block.day[here], block.failed[here]
        self.cell, counts = _summed(kind * days + day, failed)
        self.every = block.sessions.sum(axis=0)
        self.pooled = Series.of(
            *np.divmod(self.cell, days),
            counts,
            self.every[None],
            np.zeros(len(kinds), int),
            self.weekend,
            self.noisy,
            normal,
        )
        enough = np.bincount(kind * reporters + who, failed, len(kinds) * reporters) >= FEWEST
        row, own = (np.cumsum(enough) - 1)[kind * reporters + who], enough[kind * reporters + who]
        cell, counts = _summed((row * days + day)[own], failed[own])
        row, day = np.divmod(cell, days)
        self.kind, self.who = np.divmod(np.flatnonzero(enough), reporters)
        self.sparse = np.bincount(block.kind, block.outside, len(block.kinds))[kinds] >= FEWEST
        # A reporter of few sessions most of which fail.
        mostly = np.bincount(row, counts >= MOST * block.sessions[self.who[row], day], len(self.kind))
        self.sparse[self.kind[mostly > 1]] = True
        if reporters == 1:
            # Its baseline is that of all.
            self.kind, self.who, row, day, counts = self.kind[:0], self.who[:0], row[:0], day[:0], counts[:0]
        self.own_cell = self.kind[row] * days + day
        self.own = Series.of(
            row, day, counts, block.sessions, self.who, self.weekend, self.noisy[self.kind], normal[self.kind]
        )


def _summed(cell: Ints, failed: Ints) -> tuple[Ints, Floats]:
    """Return the cells, in order and each once, with their sums."""
    cells, at = np.unique(cell, return_inverse=True)
    return cells, np.bincount(at, failed, len(cells)).astype(np.float64)


def _judged(parts: list[_Part], level: float) -> Iterator[Outlook]:
    """Fit all series at once, and yield the kinds that exceed the baseline anywhere."""
    if not parts:
        return
    lengths = [[len(part.kinds), len(part.kind), part.size] for part in parts]
    rows, owns, starts = np.cumsum([[0, 0, 0], *lengths], axis=0).T
    pooled, own = Series.joined([part.pooled for part in parts]), Series.joined([part.own for part in parts])
    whole = fit(pooled)
    each = fit(own, np.concatenate([whole.rate[part.kind + row] for part, row in zip(parts, rows, strict=False)]))
    normal: list[tuple[Floats, Floats]] = []
    for number, part in enumerate(parts):
        here = slice(rows[number], rows[number + 1])
        rates = np.repeat(whole.rate[here, None], len(part.block.reporters), axis=1)
        expected = rates[:, :1] * part.every * np.where(part.weekend, whole.factor[here, None], 1.0)
        if len(part.kind):
            rates[part.kind, part.who] = each.rate[owns[number] : owns[number + 1]]
            # Where a reporter with more noise than others joins or reports again, all of them together have more.
            expected = np.maximum(expected, rates @ part.block.sessions)
        normal.append((rates, expected))
    mean = np.concatenate([expected.ravel()[part.cell] for part, (_, expected) in zip(parts, normal, strict=True)])
    times = np.repeat([len(part.block.reporters) for part in parts], [len(part.own_cell) for part in parts])
    likely = np.ones(starts[-1])
    for cells, probability in (
        ([part.cell for part in parts], tail(pooled.failed, np.maximum(mean, LEAST), whole.dispersion)),
        (
            [part.own_cell for part in parts],
            tail(own.failed, np.maximum(each.expected, LEAST), each.dispersion) * times,
        ),
    ):
        at = np.concatenate([cell + start for cell, start in zip(cells, starts, strict=False)])
        np.minimum.at(likely, at, probability)
    for part, start, (rates, expected) in zip(parts, starts, normal, strict=False):
        each_day = likely[start : start + part.size].reshape(len(part.kinds), -1)
        for number in np.flatnonzero(part.sparse | (each_day <= level).any(axis=1)).tolist():
            noisy, sparse = bool(part.noisy[number]), bool(part.sparse[number])
            kind = int(part.kinds[number])
            yield Outlook(part.block, kind, noisy, each_day[number], rates[number], expected[number], sparse)
