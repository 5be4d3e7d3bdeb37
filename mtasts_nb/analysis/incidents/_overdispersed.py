"""Tails and bounds of over-dispersed counts: the negative binomial, in numpy alone.

A count with mean m and dispersion d has variance d·m: Poisson where d is 1. The negative binomial with that variance has
``p(0) = d ** (-m / (d - 1))`` and ``p(k + 1) = p(k) · (m + k·(d - 1)) / (d·(k + 1))`` (N. L. Johnson, A. W. Kemp,
S. Kotz, "Univariate Discrete Distributions", 3rd ed., 2005, §5.1; d - 1 going to 0 gives the Poisson recursion).
"""

from __future__ import annotations

from math import erfc, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["tail", "upper_bound"]

#: Beyond, the counts are so large that the 2/3-power of a count is as good as normal.
_LONGEST: Final = 1000
#: p(0) smaller than exp(-600) would vanish in floating point.
_SMALLEST: Final = 600.0


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
    y, m, d = np.broadcast_arrays(*(np.asarray(one, np.float64) for one in (counts, mean, dispersion)))
    start = _minus_log_zero(m, d)
    out = np.ones(y.shape)
    far = (y > _LONGEST) | (start > _SMALLEST)
    if far.any():
        z = 1.5 * ((y[far] / m[far]) ** (2 / 3) - 1) / np.sqrt(d[far] / m[far])
        out[far] = [erfc(one / sqrt(2)) / 2 for one in z]
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
