"""Which days of which kind of failure exceed the baseline, over all reporters and for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...vocabulary import is_noisy
from ._baseline import Floats, fit, tail
from ._blocks import Block, Ints

__all__ = ["FEWEST", "MOST", "Outlook", "outlook", "outlooks"]

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
    expected, dispersion : array
        For each day, the failures expected over all reporters, and the dispersion about them.
    sparse : bool
        Whether there may be a fault that no single day shows.
    """

    block: Block
    kind: int
    noisy: bool
    probability: Floats
    rates: Floats
    expected: Floats
    dispersion: Floats
    sparse: bool

    def failed(self) -> Floats:
        """Return the failed sessions, reporters by days."""
        return self._table(self.block.failed)

    def outside(self) -> Floats:
        """Return those at a host that the policy in the same report does not match, reporters by days."""
        return self._table(self.block.outside)

    def _table(self, counts: Ints) -> Floats:
        block = self.block
        table = np.zeros(block.sessions.shape)
        own = block.kind == self.kind
        table[block.reporter[own], block.day[own]] = counts[own]
        return table


def outlooks(blocks: Iterable[Block], chronic: float, level: float) -> Iterator[Outlook]:
    """Yield the kinds of failure with at least `FEWEST` failed sessions, and a day as unlikely as `level` or more so."""
    gathered = _Gathered()
    for block in blocks:
        totals = np.bincount(block.kind, block.failed, minlength=len(block.kinds))
        enough = np.flatnonzero(totals >= FEWEST)
        step = max(1, _CELLS // block.sessions.size)
        for start in range(0, len(enough), step):
            gathered.fit(block, enough[start : start + step], chronic)
            if gathered.size > _CELLS:
                yield from gathered.flush(level)
    yield from gathered.flush(level)


def outlook(block: Block, kind: int, chronic: float) -> Outlook:
    """Return one kind of failure of a block, whether or not it exceeds the baseline."""
    gathered = _Gathered()
    gathered.fit(block, np.array([kind]), chronic)
    return next(gathered.flush(np.inf))


class _Gathered:
    """Kinds whose days are judged together: a step of the recursion in `tail` costs the same for one as for thousands."""

    def __init__(self) -> None:
        self._views: list[Outlook] = []
        self._cells: list[tuple[Ints, Floats, Floats, Floats, Floats]] = []
        self.size = 0

    def fit(self, block: Block, kinds: Ints, chronic: float) -> None:
        """Fit the baselines of some kinds, and keep the counts of the days on which they failed."""
        days, reporters = len(block.days), len(block.reporters)
        line = np.full(len(block.kinds), -1)
        line[kinds] = np.arange(len(kinds))
        here = line[block.kind] >= 0
        failed = np.zeros((len(kinds), reporters, days))
        failed[line[block.kind[here]], block.reporter[here], block.day[here]] = block.failed[here]
        weekend = (block.days + 3) % 7 >= 5
        pooled = failed.sum(axis=1)
        noisy = np.array([is_noisy(block.kinds[kind][1]) for kind in kinds])
        normal = np.where(noisy, chronic, chronic / 10)
        every = np.broadcast_to(block.sessions.sum(axis=0), pooled.shape)
        whole = fit(pooled, every, weekend, noisy, normal)
        rates = np.repeat(whole.rate[:, None], reporters, axis=1)
        expected = whole.expected
        sparse = np.bincount(block.kind, block.outside, minlength=len(block.kinds))[kinds] >= FEWEST
        kind, who = np.nonzero(failed.sum(axis=2) >= FEWEST)
        # A reporter of few sessions most of which fail.
        mostly = (failed[kind, who] > 0) & (failed[kind, who] >= MOST * block.sessions[who])
        sparse[kind[mostly.sum(axis=1) > 1]] = True
        if reporters > 1 and len(kind):
            each = fit(failed[kind, who], block.sessions[who], weekend, noisy[kind], normal[kind], whole.rate[kind])
            rates[kind, who] = each.rate
            self._keep(failed[kind, who], each.expected, each.dispersion, kind, days, reporters)
            # Where a reporter with more noise than others joins or reports again, all of them together have more.
            expected = np.maximum(expected, rates @ block.sessions)
        self._keep(pooled, expected, whole.dispersion, np.arange(len(kinds)), days, 1)
        for number, of_kind in enumerate(kinds):
            view = Outlook(
                block,
                int(of_kind),
                bool(noisy[number]),
                np.ones(days),
                rates[number],
                expected[number],
                whole.dispersion[number],
                bool(sparse[number]),
            )
            self._views.append(view)
        self.size += len(kinds) * days

    def _keep(self, failed: Floats, expected: Floats, dispersion: Floats, kind: Ints, days: int, times: int) -> None:
        at, on = np.nonzero(failed)
        mean = np.maximum(expected[at, on], 1e-12)
        position = self.size + kind[at] * days + on
        self._cells.append((position, failed[at, on], mean, dispersion[at, on], np.full(len(at), float(times))))

    def flush(self, level: float) -> Iterator[Outlook]:
        """Judge what was gathered, yield what exceeds the baseline anywhere, and forget the rest."""
        views, cells, size = self._views, self._cells, self.size
        self._views, self._cells, self.size = [], [], 0
        if not views:
            return
        position, counts, mean, dispersion, times = (np.concatenate(column) for column in zip(*cells, strict=True))
        every = np.ones(size)
        np.minimum.at(every, position, tail(counts, mean, dispersion) * times)
        start = 0
        for view in views:
            view.probability[:] = every[start : start + len(view.probability)]
            start += len(view.probability)
            if view.sparse or (view.probability <= level).any():
                yield view
