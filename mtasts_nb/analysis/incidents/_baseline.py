"""What is normal: a rate of failures per session, a weekend factor and an over-dispersion, from re-weighted history.

Many series are fitted at once, one per row. `find_incidents` says what of the method is whose.

A count with mean m and dispersion d has variance d·m: Poisson where d is 1. The negative binomial with that variance has
``p(0) = d ** (-m / (d - 1))`` and ``p(k + 1) = p(k) · (m + k·(d - 1)) / (d·(k + 1))`` (N. L. Johnson, A. W. Kemp,
S. Kotz, "Univariate Discrete Distributions", 3rd ed., 2005, §5.1; d - 1 going to 0 gives the Poisson recursion).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

__all__ = ["CLUMPS", "Baseline", "fit", "tail", "upper_bound"]

#: Anscombe residuals above it are weighted down (Noufaily et al. 2012, §3.3).
_OUTLYING: Final = 2.58
#: Failures come in clumps, a message retried or a host restarted, even where no history has shown one yet: the
#: dispersion that is assumed, and as how many days with failures that assumption counts.
CLUMPS: Final = 4.0
_CLUMP_DAYS: Final = 5.0
_WEEKEND_PRIOR: Final = 10.0
_ROUNDS: Final = 4
#: Beyond, the counts are so large that the 2/3-power of a count is as good as normal.
_LONGEST: Final = 1000
#: p(0) smaller than exp(-600) would vanish in floating point.
_SMALLEST: Final = 600.0


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is expected of each series on each day.

    Attributes
    ----------
    rate : array
        Failures per session on working days, by series.
    expected : array
        Expected failures, by series and day; 0 on a day without sessions.
    dispersion : array
        Variance over mean of a new count about `expected`, by series and day: that of the counts, and what is not
        known of the mean.
    """

    rate: Floats
    expected: Floats
    dispersion: Floats


def fit(
    failed: Floats,
    sessions: Floats,
    weekend: Bools,
    noisy: Bools,
    chronic: Floats,
    around: Floats | None = None,
) -> Baseline:
    """Return the baseline of each row.

    Parameters
    ----------
    failed, sessions : array, series by days
        Days in the order of time. No sessions: nothing was reported, and the day says nothing.
    weekend : array of bool
        Which days are Saturdays and Sundays.
    noisy : array of bool
        For each row, whether such failures also occur without a fault, on some days in a clump.
    chronic : array
        For each row, the highest rate that is normal.
    around : array, optional
        For each row, a rate that counts as one failure's worth of history.
    """
    series, days = failed.shape
    known = sessions > 0
    rate = np.minimum(_quiet_rate(failed, sessions, known), chronic)
    factor = np.ones_like(rate)
    prior = (np.full_like(rate, 0.5), np.zeros_like(rate))
    if around is not None:
        prior = (np.ones_like(rate), 1 / around)
    spread = np.full_like(rate, CLUMPS)
    # A day without failures has a weight of 1 whatever the rate: only the others are worked on one by one.
    row, day = np.nonzero(failed)
    there = known[row, day]
    counts, of_day, on_weekend = failed[row, day], sessions[row, day], weekend[day]
    two_thirds = counts ** (2 / 3)
    of_weekend = sessions @ weekend.astype(np.float64)
    of_week = sessions.sum(axis=1) - of_weekend
    known_days = known.sum(axis=1).astype(np.float64)

    def added(values: Floats) -> Floats:
        return np.bincount(row, values, minlength=series).astype(np.float64)

    for _ in range(_ROUNDS):
        mean = np.maximum(rate[row] * of_day * np.where(on_weekend, factor[row], 1.0), 1e-12)
        residual = 1.5 * (two_thirds * mean ** (-1 / 6) - np.sqrt(mean)) / np.sqrt(spread)[row]
        outlying = residual > _OUTLYING
        weights = np.where(there, np.where(outlying, np.maximum(residual, 1.0) ** -2, 1.0), 0.0)
        exposed_weekend = of_weekend - added((1 - weights) * of_day * on_weekend)
        exposed_week = of_week - added((1 - weights) * of_day * ~on_weekend)
        seen = added(weights * counts * on_weekend) + _WEEKEND_PRIOR
        factor = np.clip(seen / (exposed_weekend * rate + _WEEKEND_PRIOR), 1 / 3, 3.0)
        free = (added(weights * counts) + prior[0]) / (exposed_week + exposed_weekend * factor + prior[1])
        rate = np.minimum(free, chronic)
        mean = np.maximum(rate[row] * of_day * np.where(on_weekend, factor[row], 1.0), 1e-12)
        means = rate * (of_week + factor * of_weekend)
        trust = np.where(_in_a_run(outlying, row * (days + 2) + day) | ~noisy[row], weights**2, there)
        scatter = trust * (counts - mean) ** 2 / mean
        # A day without failures scatters by its mean.
        sums = means + added(scatter - there * mean), known_days - added(there - trust), added(trust)
        # Counts far above what is ever normal do not show how normal ones scatter.
        beyond = free > 2 * chronic
        spread = np.where(beyond, CLUMPS, _spread(*sums))
    expected = rate[:, None] * sessions * np.where(weekend, factor[:, None], 1.0)
    # As in Farrington et al. 1996: the variance of a new count is that of the counts and that of the estimated mean.
    information = means - added((there - weights) * mean) + prior[0]
    # Each day is held against the scatter of the others: it must not excuse itself.
    others = _spread(sums[0][:, None] - expected, sums[1][:, None] - known, sums[2][:, None])
    others[row, day] = _spread(sums[0][row] - scatter, sums[1][row] - trust, sums[2][row] - trust)
    others = np.where(beyond[:, None], CLUMPS, others)
    return Baseline(rate, expected, others * (1 + expected / information[:, None]))


def _spread(scatter: Floats, days: Floats, bad: Floats) -> Floats:
    """Return the dispersion of counts: Pearson's, drawn towards `CLUMPS` while few days had failures."""
    pearson = np.maximum(scatter, 0.0) / np.maximum(days - 1, 1.0)
    bad = np.maximum(bad, 0.0)
    spread: Floats = np.maximum((bad * pearson + _CLUMP_DAYS * CLUMPS) / (bad + _CLUMP_DAYS), 1.0)
    return spread


def _quiet_rate(failed: Floats, sessions: Floats, known: Bools) -> Floats:
    """Return the rate of each row over the quieter half of its weeks: where the re-weighting starts.

    From all days, a fault that filled a third of a short history would be its own baseline.
    """
    days = failed.shape[1]
    length = max(1, min(7, days // 6))
    starts = np.arange(0, days, length)
    counts = np.add.reduceat(failed, starts, axis=1)
    exposed = np.add.reduceat(np.where(known, sessions, 0.0), starts, axis=1)
    rates = np.where(exposed > 0, counts / np.maximum(exposed, 1.0), np.inf)
    order = np.argsort(rates, axis=1, kind="stable")
    counts, exposed = np.take_along_axis(counts, order, axis=1), np.take_along_axis(exposed, order, axis=1)
    # By weeks, not by sessions: while mail is deferred, its retries make the bad weeks the busy ones.
    there = exposed > 0
    quiet = there & (np.cumsum(there, axis=1) <= (there.sum(axis=1, keepdims=True) + 1) // 2)
    rate: Floats = ((counts * quiet).sum(axis=1) + 0.5) / np.maximum((exposed * quiet).sum(axis=1), 1.0)
    return rate


def _in_a_run(outlying: Bools, positions: npt.NDArray[np.int64]) -> Bools:
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
