"""The negative binomial against sums of its probabilities written down another way."""

from __future__ import annotations

from math import exp, lgamma, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtasts_nb.analysis.incidents._baseline import tail, upper_bound


def probability(count: int, mean: float, dispersion: float) -> float:
    """By the gamma function: size r = mean / (dispersion - 1), p = 1 / dispersion."""
    if dispersion == 1:
        return exp(count * log(mean) - mean - lgamma(count + 1))
    size = mean / (dispersion - 1)
    log_p, log_q = -log(dispersion), log(1 - 1 / dispersion)
    return exp(lgamma(count + size) - lgamma(size) - lgamma(count + 1) + size * log_p + count * log_q)


MEANS = st.floats(0.001, 80)
DISPERSIONS = st.one_of(st.just(1.0), st.floats(1.01, 40))


@given(st.integers(0, 200), MEANS, DISPERSIONS)
def test_the_tail_is_one_less_the_sum_below(count, mean, dispersion) -> None:
    below = sum(probability(k, mean, dispersion) for k in range(count))
    assert tail([count], [mean], [dispersion])[0] == pytest.approx(max(0.0, 1 - below), abs=1e-9)


@given(MEANS, DISPERSIONS, st.sampled_from([0.9, 0.99, 0.998]))
def test_the_bound_is_the_smallest_that_holds(mean, dispersion, level) -> None:
    bound = int(upper_bound([mean], [dispersion], level)[0])
    total = sum(probability(k, mean, dispersion) for k in range(bound))
    assert total < level + 1e-9
    assert total + probability(bound, mean, dispersion) >= level - 1e-9


@settings(max_examples=20, deadline=None)
@given(st.floats(100, 900), st.floats(1, 3))
def test_large_counts_go_over_into_the_power_without_a_step(mean, dispersion) -> None:
    counts = np.array([1000, 1001])
    exact, power = tail(counts, [mean, mean], [dispersion, dispersion])
    assert power == pytest.approx(exact, abs=0.02)


def test_many_at_once_are_as_each_alone() -> None:
    rng = np.random.default_rng(1)
    counts, means, dispersions = rng.integers(0, 2000, 300), rng.uniform(0.01, 900, 300), rng.uniform(1, 30, 300)
    alone = [tail([c], [m], [d])[0] for c, m, d in zip(counts, means, dispersions, strict=True)]
    assert tail(counts, means, dispersions).tolist() == pytest.approx(alone)
    assert tail([], [], []).shape == (0,)


@pytest.mark.parametrize(
    ("mean", "expected"), [(5000.0, 5000 + 2.88 * np.sqrt(8 * 5000)), (1e12, 1e12 + 2.88 * np.sqrt(8e12))]
)
def test_a_large_bound_is_nearly_normal(mean, expected) -> None:
    assert upper_bound([mean], [8.0], 0.998)[0] == pytest.approx(expected, rel=0.01)
