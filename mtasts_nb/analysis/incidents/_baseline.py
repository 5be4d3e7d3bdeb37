"""What is normal: a rate of failures per session, a weekend factor and an over-dispersion, from re-weighted history.

Many series of many blocks are fitted at once, one per row: a step costs the same for one as for thousands. `find_incidents` says what of the method is whose.

A count with mean m and dispersion d has variance d·m: Poisson where d is 1. The negative binomial with that variance has
``p(0) = d ** (-m / (d - 1))`` and ``p(k + 1) = p(k) · (m + k·(d - 1)) / (d·(k + 1))`` (N. L. Johnson, A. W. Kemp,
S. Kotz, "Univariate Discrete Distributions", 3rd ed., 2005, §5.1; d - 1 going to 0 gives the Poisson recursion).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import erfc, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from .._cells import Ints

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

__all__ = ["CLUMPS", "LEAST", "Baseline", "Series", "fit", "tail", "upper_bound"]

#: Anscombe residuals above it are weighted down (Noufaily et al. 2012, §3.3).
_OUTLYING: Final = 2.58
#: Failures come in clumps, a message retried or a host restarted, even where no history has shown one yet: the
#: dispersion that is assumed, and as how many days with failures that assumption counts.
CLUMPS: Final = 4.0
_CLUMP_DAYS: Final = 5.0
_WEEKEND_PRIOR: Final = 10.0
_ROUNDS: Final = 4
#: A day without sessions expects next to nothing, not nothing: it is divided by.
LEAST: Final = 1e-12
#: Beyond, the counts are so large that the 2/3-power of a count is as good as normal.
_LONGEST: Final = 1000
#: p(0) smaller than exp(-600) would vanish in floating point.
_SMALLEST: Final = 600.0


@dataclass(frozen=True, slots=True)
class Series:
    """Kinds of failure to fit, one per row, and a cell for each day on which one of them failed.

    A day without failures has a weight of 1 whatever the rate, so of those only sums are held.

    Attributes
    ----------
    quiet : array
        For each row, the rate of its quieter weeks: where the re-weighting starts.
    week, weekend, days : array
        For each row, the sessions of working days, those of weekends, and the days with any.
    noisy : array of bool
        For each row, whether such failures also occur without a fault, on some days in a clump.
    chronic : array
        For each row, the highest rate that is normal.
    row : array of int
        For each cell, its row; in order.
    position : array of int
        For each cell, a number that grows by one each day of one row, and by more than two from one row to the next.
    failed, sessions : array
        For each cell. No sessions: nothing was reported, and the day says nothing.
    saturday : array of bool
        For each cell, whether it is a Saturday or Sunday.
    """

    quiet: Floats
    week: Floats
    weekend: Floats
    days: Floats
    noisy: Bools
    chronic: Floats
    row: Ints
    position: Ints
    failed: Floats
    sessions: Floats
    saturday: Bools

    @classmethod
    def of(
        cls,
        row: Ints,
        day: Ints,
        failed: Floats,
        sessions: Floats,
        whose: Ints,
        weekend: Bools,
        noisy: Bools,
        chronic: Floats,
    ) -> Series:
        """Return the series of one block.

        Parameters
        ----------
        row, day, failed : array
            Of each cell, in the order of row and day.
        sessions : array, reporters by days
            Days in the order of time.
        whose : array of int
            For each row, its line in `sessions`.
        weekend : array of bool
            Which days are Saturdays and Sundays.
        noisy, chronic : array
            For each row.
        """
        of_weekend = sessions @ weekend.astype(np.float64)
        return cls(
            quiet=_quiet_rate(row, day, failed, sessions, whose),
            week=(sessions.sum(axis=1) - of_weekend)[whose],
            weekend=of_weekend[whose],
            days=(sessions > 0).sum(axis=1).astype(np.float64)[whose],
            noisy=noisy,
            chronic=chronic,
            row=row,
            position=row * (sessions.shape[1] + 2) + day,
            failed=failed,
            sessions=sessions[whose[row], day],
            saturday=weekend[day],
        )

    @classmethod
    def joined(cls, parts: Sequence[Series]) -> Series:
        """Return several as one, their rows one after the other."""
        rows, positions = 0, 0
        renumbered = []
        for part in parts:
            renumbered.append(replace(part, row=part.row + rows, position=part.position + positions))
            rows += len(part.quiet)
            positions += int(part.position.max(initial=0)) + 3
        columns = ([getattr(part, field.name) for part in renumbered] for field in fields(cls))
        return cls(*(np.concatenate(column) for column in columns))


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is expected of each row of a `Series`.

    Attributes
    ----------
    rate, factor : array
        For each row, the failures per session on working days, and by how much more on weekends.
    expected : array
        For each cell, the expected failures.
    dispersion : array
        For each cell, variance over mean of a new count about `expected`: that of the counts, and what is not known of the
        mean.
    """

    rate: Floats
    factor: Floats
    expected: Floats
    dispersion: Floats
    _sums: tuple[Floats, Floats, Floats]
    _beyond: Bools
    _information: Floats

    def quiet_dispersion(self, row: int, sessions: Floats, weekend: Bools) -> Floats:
        """Return the dispersion of one row on any days without failures."""
        expected = self.rate[row] * sessions * np.where(weekend, self.factor[row], 1.0)
        scatter, days, bad = (part[row] for part in self._sums)
        others = _spread(scatter - expected, days - (sessions > 0), np.full(len(sessions), bad))
        quiet: Floats = np.where(self._beyond[row], CLUMPS, others) * (1 + expected / self._information[row])
        return quiet


def fit(series: Series, around: Floats | None = None) -> Baseline:
    """Return the baseline of each row; `around` is, for each, a rate that counts as one failure's worth of history."""
    row, there, saturday = series.row, series.sessions > 0, series.saturday
    rate = np.minimum(series.quiet, series.chronic)
    factor = np.ones_like(rate)
    prior = (np.full_like(rate, 0.5), np.zeros_like(rate))
    if around is not None:
        prior = (np.ones_like(rate), 1 / around)
    spread = np.full_like(rate, CLUMPS)
    two_thirds = series.failed ** (2 / 3)

    def added(values: Floats) -> Floats:
        return np.bincount(row, values, minlength=len(rate)).astype(np.float64)

    for _ in range(_ROUNDS):
        mean = np.maximum(rate[row] * series.sessions * np.where(saturday, factor[row], 1.0), LEAST)
        residual = 1.5 * (two_thirds * mean ** (-1 / 6) - np.sqrt(mean)) / np.sqrt(spread)[row]
        outlying = residual > _OUTLYING
        weights = np.where(there, np.where(outlying, np.maximum(residual, 1.0) ** -2, 1.0), 0.0)
        exposed_weekend = series.weekend - added((1 - weights) * series.sessions * saturday)
        exposed_week = series.week - added((1 - weights) * series.sessions * ~saturday)
        seen = added(weights * series.failed * saturday) + _WEEKEND_PRIOR
        factor = np.clip(seen / (exposed_weekend * rate + _WEEKEND_PRIOR), 1 / 3, 3.0)
        free = (added(weights * series.failed) + prior[0]) / (exposed_week + exposed_weekend * factor + prior[1])
        rate = np.minimum(free, series.chronic)
        mean = np.maximum(rate[row] * series.sessions * np.where(saturday, factor[row], 1.0), LEAST)
        means = rate * (series.week + factor * series.weekend)
        trust = np.where(_in_a_run(outlying, series.position) | ~series.noisy[row], weights**2, there)
        scatter = trust * (series.failed - mean) ** 2 / mean
        # A day without failures scatters by its mean.
        sums = means + added(scatter - there * mean), series.days - added(there - trust), added(trust)
        # Counts far above what is ever normal do not show how normal ones scatter.
        beyond = free > 2 * series.chronic
        spread = np.where(beyond, CLUMPS, _spread(*sums))
    # As in Farrington et al. 1996: the variance of a new count is that of the counts and that of the estimated mean.
    information = means - added((there - weights) * mean) + prior[0]
    expected = rate[row] * series.sessions * np.where(saturday, factor[row], 1.0)
    # Each day is held against the scatter of the others: it must not excuse itself.
    others = _spread(sums[0][row] - scatter, sums[1][row] - trust, sums[2][row] - trust)
    others = np.where(beyond[row], CLUMPS, others)
    return Baseline(rate, factor, expected, others * (1 + expected / information[row]), sums, beyond, information)


def _spread(scatter: Floats, days: Floats, bad: Floats) -> Floats:
    """Return the dispersion of counts: Pearson's, drawn towards `CLUMPS` while few days had failures."""
    pearson = np.maximum(scatter, 0.0) / np.maximum(days - 1, 1.0)
    bad = np.maximum(bad, 0.0)
    spread: Floats = np.maximum((bad * pearson + _CLUMP_DAYS * CLUMPS) / (bad + _CLUMP_DAYS), 1.0)
    return spread


def _quiet_rate(row: Ints, day: Ints, failed: Floats, sessions: Floats, whose: Ints) -> Floats:
    """Return the rate of each row over the quieter half of its weeks: where the re-weighting starts.

    From all days, a fault that filled a third of a short history would be its own baseline.
    """
    days = sessions.shape[1]
    length = max(1, min(7, days // 6))
    weeks = -(-days // length)
    counts = np.bincount(row * weeks + day // length, failed, minlength=len(whose) * weeks).reshape(len(whose), weeks)
    exposed = np.add.reduceat(sessions, np.arange(0, days, length), axis=1)[whose]
    rates = np.where(exposed > 0, counts / np.maximum(exposed, 1.0), np.inf)
    order = np.argsort(rates, axis=1, kind="stable")
    counts, exposed = np.take_along_axis(counts, order, axis=1), np.take_along_axis(exposed, order, axis=1)
    # By weeks, not by sessions: while mail is deferred, its retries make the bad weeks the busy ones.
    there = exposed > 0
    quiet = there & (np.cumsum(there, axis=1) <= (there.sum(axis=1, keepdims=True) + 1) // 2)
    rate: Floats = ((counts * quiet).sum(axis=1) + 0.5) / np.maximum((exposed * quiet).sum(axis=1), 1.0)
    return rate


def _in_a_run(outlying: Bools, positions: Ints) -> Bools:
    """Return which days are outlying and have another such day at most two days before or after.

    A day alone shows how clumped failures are and counts in full for the dispersion. Several together are what is
    searched for: in full they would become their own dispersion, and hide in it.
    """
    near = np.diff(positions[outlying]) <= 2
    run = np.zeros_like(outlying)
    run[outlying] = np.append(near, False) | np.append(False, near) if outlying.any() else False
    return run


def _minus_log_zero(mean: Floats, dispersion: Floats) -> Floats:
    """Return -log p(0)."""
    over = dispersion - 1
    minus_log: Floats = mean * np.where(over > 1e-9, np.log1p(over) / np.where(over > 1e-9, over, 1), 1.0)
    return minus_log


def tail(counts: npt.ArrayLike, mean: npt.ArrayLike, dispersion: npt.ArrayLike) -> Floats:
    """Return the probability of so many or more.

    Parameters
    ----------
    counts, mean, dispersion : array
        Whole numbers, means above 0, and dispersions of at least 1, of one shape.

    Examples
    --------
    >>> round(float(tail([2], [1.0], [1.0])[0]), 6)  # Poisson: 1 - 2/e
    0.264241
    """
    y, m, d = np.broadcast_arrays(*(np.asarray(values, np.float64) for values in (counts, mean, dispersion)))
    start = _minus_log_zero(m, d)
    out = np.ones(y.shape)
    far = (y > _LONGEST) | (start > _SMALLEST)
    if far.any():
        z = 1.5 * ((y[far] / m[far]) ** (2 / 3) - 1) / np.sqrt(d[far] / m[far])
        out[far] = [erfc(value / sqrt(2)) / 2 for value in z]
    near = np.flatnonzero(~far & (y > 0))
    # The largest counts first, so that those still going on are always a slice.
    near = near[np.argsort(-y[near], kind="stable")]
    left = y[near]
    point = np.exp(-start[near])
    below = point.copy()
    base, step = m[near] / d[near], 1 - 1 / d[near]
    for k in range(int(left.max(initial=1)) - 1):
        going = int(np.searchsorted(-left, -(k + 1), side="left"))
        point = point[:going] * (base[:going] + k * step[:going]) / (k + 1)
        below[:going] += point
    out[near] = np.clip(1 - below, 0, 1)
    return out


def upper_bound(mean: npt.ArrayLike, dispersion: npt.ArrayLike, level: float) -> Floats:
    """Return the smallest count that is exceeded with a probability of at most 1 - level.

    Where the counts are large, the bound on the 2/3-power of the count (C. P. Farrington et al., "A statistical algorithm
    for the early detection of outbreaks of infectious disease", J. R. Stat. Soc. A 159, 1996).

    Examples
    --------
    >>> upper_bound([0.0, 1.0, 1.0], [1.0, 1.0, 8.0], 0.995).tolist()
    [0.0, 4.0, 18.0]
    """
    m, d = np.broadcast_arrays(np.asarray(mean, np.float64), np.asarray(dispersion, np.float64))
    start = _minus_log_zero(m, d)
    z = NormalDist().inv_cdf(level)
    out: Floats = m * (1 + (2 / 3) * z * np.sqrt(d / np.maximum(m, 1e-300))) ** 1.5
    near = np.flatnonzero((start <= _SMALLEST) & (out < _LONGEST / 2))
    point = np.exp(-start[near])
    below, bound = point.copy(), np.zeros(len(near))
    going = np.flatnonzero(below < level)
    for k in range(_LONGEST):
        if not len(going):
            break
        at = near[going]
        point[going] *= (m[at] / d[at] + k * (1 - 1 / d[at])) / (k + 1)
        below[going] += point[going]
        bound[going] = k + 1
        going = going[below[going] < level]
    out[near] = bound
    return out
