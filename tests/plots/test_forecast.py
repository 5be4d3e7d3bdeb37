"""The forecast as a figure: what it shows, what it says, and where the old max_age is."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb import plots

NOW = datetime(2026, 2, 8, 18, 0, tzinfo=UTC)
POLICY = "version: STSv1\nmode: enforce\nmx: mx1.nordwind.example\nmax_age: {}\n"
DAY = 86_400


def plan(max_age: int = 30 * DAY, ttl: int = 3600):
    return sts.plan_rollback(POLICY.format(max_age), "v=STSv1; id=1;", ttl, now=lambda: NOW)


def labels(ax) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def notes(ax) -> str:
    return " ".join(text.get_text() for text in ax.texts).replace("\n", " ")


def test_three_cases_and_what_they_mean() -> None:
    ax = plots.forecast(plan())
    assert labels(ax) == ["typical", "best: each checks at each attempt", "worst: each does the minimum"]
    assert ax.get_xlabel() == "days since the new record"
    assert (
        ax.get_title(loc="left").replace("\n", " ")
        == "Half of the senders back after about 13 hours, all after 7 days 6 hours at worst"
    )
    assert plots.alt_text(ax) == (
        "Forecast of how senders come back, from 2026-02-08 18:00 UTC on. Typical: half are back after about 13 hours, nine in "
        "ten after about 4 days. Best: all after 1 hour 30 minutes. Worst: none before, and all after, 7 days 6 hours. The old "
        "max_age is 30 days."
    )


@pytest.mark.parametrize(
    ("max_age", "inside"), [(30 * DAY, False), (7 * DAY, True), (3 * DAY, True), (3600, True), (0, True)]
)
def test_the_old_max_age_is_marked_or_told(max_age: int, inside: bool) -> None:
    ax = plots.forecast(plan(max_age))
    assert any(text.startswith("old max_age") for text in labels(ax)) == inside
    assert ("beyond the right edge" in notes(ax)) != inside
    assert plots.to_png(ax).startswith(b"\x89PNG")


def test_what_reports_show_lies_beside_it() -> None:
    measured = pd.DataFrame(
        {"hours": [0.0, 6.0, 30.0], "share_at_least": [0.0, 0.25, 0.75], "share_at_most": [0.5, 0.75, 1.0]}
    )
    ax = plots.forecast(plan(), measured=measured)
    assert "measured, by the day" in labels(ax)
    assert "Measured: 75.0 % to 100 % back after 1 day 6 hours." in plots.alt_text(ax)
    assert "Measured" not in plots.alt_text(plots.forecast(plan(), measured=measured.head(0)))


def test_a_forecast_and_its_plan_give_the_same_figure() -> None:
    made = plan()
    assert plots.to_svg(plots.forecast(made)) == plots.to_svg(plots.forecast(made.forecast))


def test_it_draws_where_it_is_told() -> None:
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert plots.forecast(plan(), ax=ax) is ax
