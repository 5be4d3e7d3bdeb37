"""What is normal: a rate of failures per session, a weekend factor and an over-dispersion, from re-weighted history.

Many series are fitted at once, one per row. `find_incidents` says what of the method is whose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

__all__ = ["CLUMPS", "Baseline", "fit"]

#: Anscombe residuals above it are weighted down (Noufaily et al. 2012, §3.3).
_OUTLYING: Final = 2.58
#: Failures come in clumps, a message retried or a host restarted, even where no history has shown one yet: the
#: dispersion that is assumed, and as how many days with failures that assumption counts.
CLUMPS: Final = 4.0
_CLUMP_DAYS: Final = 5.0
_WEEKEND_PRIOR: Final = 10.0
_ROUNDS: Final = 4


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
    chance: Bools,
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
    chance : array of bool
        For each row, whether such failures also come by chance, some days in a clump.
    chronic : array
        For each row, the highest rate that is normal.
    around : array, optional
        For each row, a rate that counts as one failure's worth of history.
    """
    known = sessions > 0
    rate = np.minimum(_quiet_rate(failed, sessions, known), chronic)
    factor = np.ones_like(rate)
    prior = (np.full_like(rate, 0.5), np.zeros_like(rate))
    if around is not None:
        prior = (np.ones_like(rate), 1 / around)
    spread = np.full_like(rate, CLUMPS)
    weights = known.astype(np.float64)
    two_thirds = failed ** (2 / 3)
    for _ in range(_ROUNDS):
        mean = np.maximum(rate[:, None] * sessions * np.where(weekend, factor[:, None], 1.0), 1e-12)
        residual = 1.5 * (two_thirds * mean ** (-1 / 6) - np.sqrt(mean)) / np.sqrt(spread)[:, None]
        weights = np.where(known, np.where(residual > _OUTLYING, np.maximum(residual, 1.0) ** -2, 1.0), 0.0)
        of_weekend = weights * weekend
        seen = (of_weekend * failed).sum(axis=1) + _WEEKEND_PRIOR
        factor = np.clip(seen / ((of_weekend * sessions).sum(axis=1) * rate + _WEEKEND_PRIOR), 1 / 3, 3.0)
        exposed = weights * sessions * np.where(weekend, factor[:, None], 1.0)
        free = ((weights * failed).sum(axis=1) + prior[0]) / (exposed.sum(axis=1) + prior[1])
        rate = np.minimum(free, chronic)
        mean = np.maximum(rate[:, None] * sessions * np.where(weekend, factor[:, None], 1.0), 1e-12)
        trust = np.where(_in_a_run(residual > _OUTLYING) | ~chance[:, None], weights**2, known)
        scatter = trust * np.where(known, (failed - mean) ** 2 / mean, 0.0)
        bad = trust * (failed > 0)
        sums = scatter.sum(axis=1), trust.sum(axis=1), bad.sum(axis=1)
        # Counts far above what is ever normal do not tell how normal ones scatter.
        beyond = free > 2 * chronic
        spread = np.where(beyond, CLUMPS, _spread(*sums))
    expected = np.where(known, mean, 0.0)
    # As in Farrington et al. 1996: the variance of a new count is that of the counts and that of the estimated mean.
    information = (weights * mean).sum(axis=1) + prior[0]
    # Each day is held against the scatter of the others: it must not excuse itself.
    others = _spread(sums[0][:, None] - scatter, sums[1][:, None] - trust, sums[2][:, None] - bad)
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
    # By weeks, not by sessions: while mail is held back, its retries make the bad weeks the busy ones.
    there = exposed > 0
    quiet = there & (np.cumsum(there, axis=1) <= (there.sum(axis=1, keepdims=True) + 1) // 2)
    rate: Floats = ((counts * quiet).sum(axis=1) + 0.5) / np.maximum((exposed * quiet).sum(axis=1), 1.0)
    return rate


def _in_a_run(outlying: Bools) -> Bools:
    """Return the outlying days that have another one at most two days before or after.

    A day alone tells how clumped failures are and counts in full for the dispersion. Several together are what is
    looked for: in full they would become their own dispersion, and hide in it.
    """
    near = np.zeros_like(outlying)
    for shift in (1, 2):
        near[:, shift:] |= outlying[:, :-shift]
        near[:, :-shift] |= outlying[:, shift:]
    return outlying & near
