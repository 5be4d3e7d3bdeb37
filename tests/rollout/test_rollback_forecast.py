"""The forecast: what the RFC bounds, in what order, and what each assumption does."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.rollout import Forecast, SenderModel, forecast
from mtasts_nb.rollout._forecast import CASES, sum_of_two

NOW = datetime(2026, 2, 8, 18, 0, tzinfo=UTC)
HOUR, DAY = 3600, 86_400
MOST = 31_557_600  # RFC 8461 §3.2


@given(ttl=st.integers(0, 30 * DAY), longest=st.integers(0, MOST), waited=st.integers(0, 10 * DAY))
def test_best_typical_worst_stay_in_order_and_rise_to_all(ttl: int, longest: int, waited: int) -> None:
    frame = forecast(ttl, longest, NOW, waited=waited).frame
    assert list(frame.columns) == ["hours", *CASES]
    assert len(frame) < 1000
    assert frame["hours"].is_monotonic_increasing
    for case in CASES:
        assert frame[case].between(0, 1).all()
        assert (np.diff(frame[case]) >= -1e-9).all()
        assert frame[case].iloc[-1] == 1.0
    assert (frame["best"] >= frame["typical"] - 1e-9).all()
    assert (frame["typical"] >= frame["worst"] - 1e-9).all()


@given(first=st.integers(0, 10**6), other=st.integers(0, 10**6))
def test_two_waits_together_are_over_when_both_are(first: int, other: int) -> None:
    at = np.array([-1.0, 0.0, (first + other) / 2, float(first + other)])
    over = sum_of_two(at, first, other)
    assert over[0] == 0.0
    assert over[-1] == pytest.approx(1.0)
    if first and other:
        assert over[2] == pytest.approx(0.5)  # symmetric about the middle


def test_the_quick_sender_needs_ttl_retry_and_one_fetch() -> None:  # RFC 8461 §5.1, §8.1
    expected = forecast(HOUR, 7 * DAY, NOW)
    assert expected.hours_until(1.0, "best") == pytest.approx((HOUR + 1800 + 60) / HOUR, abs=1 / 12)


def test_most_apply_it_within_a_day_of_the_ttl() -> None:  # RFC 8461 §3.3: refresh once per day
    expected = forecast(300, 30 * DAY, NOW)
    assert 0.75 <= _at(expected, "typical", 25) < 0.8


def test_no_sender_applies_it_before_the_worst_case() -> None:
    expected = forecast(300, 30 * DAY, NOW)
    assert _at(expected, "worst", 7 * 24 + 5.9) == 0
    assert expected.last.total_seconds() == 7 * DAY + 6 * HOUR + 60


def test_mail_that_waited_longer_bounces_sooner() -> None:  # RFC 8461 §5.1
    fresh, old = (forecast(300, 30 * DAY, NOW, waited=waited) for waited in (0, 3 * DAY))
    assert old.hours_until(0.9) < fresh.hours_until(0.9)
    assert old.last == fresh.last  # a sender whose first message came in just now has its whole queue life


def test_an_expired_policy_needs_no_new_id() -> None:  # §5.1: with no policy held, the file is fetched
    assert forecast(7 * DAY, 60, NOW).hours_until(1.0, "worst") == pytest.approx(6 + 2 / 60)


def test_every_assumption_has_a_source() -> None:
    sources = SenderModel().sources
    assert set(sources) == {
        "fetch", "retry_best", "retry", "refresh", "retry_last", "queue_life", "at_each_attempt", "by_refresh", "at_expiry"
    }  # fmt: skip
    assert all(
        "RFC" in source or "assumed" in source or "Postfix" in source or "Exim" in source for source in sources.values()
    )
    assert "RFC 5321 §4.5.4.1" in SenderModel()._repr_html_()


@pytest.mark.parametrize(
    "options",
    [
        {"at_each_attempt": 0.5},
        {"at_expiry": -0.25, "by_refresh": 1.0},
        {"retry_best": 9000},
        {"queue_life": (5 * DAY, 4 * DAY)},
        {"fetch": -1},
    ],
    ids=str,
)
def test_assumptions_that_cannot_be(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"expected|slower"):
        SenderModel(**options)  # type: ignore[arg-type]


def test_a_share_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="best, typical, worst"):
        forecast(300, DAY, NOW).hours_until(1.2)


def _at(expected: Forecast, case: str, hours: float) -> float:
    return float(np.interp(hours, expected.frame["hours"], expected.frame[case]))
