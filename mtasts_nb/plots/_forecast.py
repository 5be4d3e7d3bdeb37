"""How senders pick up a new policy: best, typical and worst case, and what reports show."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter

from ..markup import share, span, when
from ..rollout import Forecast, about
from ._canvas import lay_out
from ._show import set_alt
from ._style import (
    BLUE,
    FONT,
    FORECAST_BAND,
    GREY,
    INK,
    MEASURED_BAND,
    ORANGE,
    PANEL,
    TEAL,
    TEXT_SIZE,
    WINE,
    width,
    with_defaults,
)  # fmt: skip

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from ..rollout import MxMigrationPlan, RollbackPlan

__all__ = ["forecast"]

#: Hours between two marks of the axis: the first that gives eight at most.
_STEPS: Final = (1, 2, 4, 6, 12, 24, 48, 72, 120, 168, 336, 720, 1440, 2880)
_MARKS: Final = 8
_MEASURES: Final = ("hours", "share_at_least", "share_at_most")


@with_defaults
def forecast(
    plan: Forecast | RollbackPlan | MxMigrationPlan,
    *,
    measured: pd.DataFrame | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Return an Axes with the share of senders that apply the new policy, hour by hour after it was published.

    The band lies between the best and the worst case. A dashed line marks the old max_age, for which many guides say to
    wait, if it is within the time axis.

    Parameters
    ----------
    plan : Forecast, RollbackPlan or MxMigrationPlan
        What was forecast.
    measured : DataFrame, optional
        What reports show about such a change: ``hours``, ``share_at_least`` and ``share_at_most`` (0 to 1); reports tell the
        day, so that the truth lies between the two.
    ax : Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    Axes
        x in hours since the new record was published, marked in hours or days; y as a share from 0 to 1.

    Raises
    ------
    KeyError
        `measured` lacks a column.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> import mtasts_nb as sts
    >>> plan = sts.plan_rollback(
    ...     "version: STSv1\\nmode: enforce\\nmx: mx1.nordwind.example\\nmax_age: 604800\\n", "v=STSv1; id=1;", 3600,
    ...     now=lambda: datetime(2026, 2, 8, 18, tzinfo=UTC))
    >>> sts.plots.alt_text(forecast(plan))[:41]
    'Forecast of how senders come back, from 2'
    """
    prediction = plan if isinstance(plan, Forecast) else plan.forecast
    hours = prediction.frame["hours"].to_numpy()
    end = float(hours[-1])
    if measured is not None:
        end = max(end, min(float(measured["hours"].max()), 2 * end)) if len(measured) else end
    old = prediction.longest / 3600
    inside = old <= end
    entries: list[tuple[Artist, str]] = [
        (Line2D([], [], color=BLUE, linewidth=2.2), "typical"),
        (Line2D([], [], color=TEAL, linewidth=1.4, linestyle=(0, (5, 2))), "best: each checks at each attempt"),
        (Line2D([], [], color=WINE, linewidth=1.4, linestyle=(0, (1, 1))), "worst: each does the minimum"),
    ]
    if measured is not None:
        entries.append((Patch(facecolor=MEASURED_BAND, edgecolor=ORANGE, hatch="////"), "measured, by the day"))
    if inside:
        entries.append(
            (Line2D([], [], color=GREY, linewidth=1.2, linestyle="--"), f"old max_age: {span(prediction.longest)}")
        )
    half, most = (timedelta(hours=prediction.hours_until(part)) for part in (0.5, 0.9))
    axes = lay_out(
        ax,
        185,
        title=f"Half of the senders back after about {about(half)}, all after {span(prediction.last)} at worst",
        notes=[
            f"Senders with mail waiting, from {when(prediction.published)} on: the new record published, the file before it.",
            ""
            if inside
            else f"The old max_age, {span(prediction.longest)}, is beyond the right edge: no mail waits that long.",
        ],
        entries=entries,
        left=width("100 %", TEXT_SIZE) + 8 + TEXT_SIZE * 1.8,
    )
    # After the forecast all are back; the measurement may take longer.
    curves = {case: np.append(prediction.frame[case].to_numpy(), 1.0) for case in ("best", "typical", "worst")}
    hours = np.append(hours, end)
    axes.fill_between(hours, curves["worst"], curves["best"], color=FORECAST_BAND, linewidth=0, zorder=0.6)
    if measured is not None:
        _draw_measured(axes, measured, end)
    axes.plot(hours, curves["best"], color=TEAL, linewidth=1.4, linestyle=(0, (5, 2)), zorder=2.4)
    axes.step(hours, curves["worst"], where="post", color=WINE, linewidth=1.4, linestyle=(0, (1, 1)), zorder=2.5)
    axes.plot(hours, curves["typical"], color=BLUE, linewidth=2.2, zorder=3)
    if inside:
        axes.axvline(old, color=GREY, linewidth=1.2, linestyle="--", zorder=1.5)
    _mark(axes, half.total_seconds() / 3600, 0.5, end)
    _mark(axes, most.total_seconds() / 3600, 0.9, end)
    _axes(axes, end)
    set_alt(axes, *_sentences(prediction, measured, half, most))
    return axes


def _draw_measured(axes: Axes, measured: pd.DataFrame, end: float) -> None:
    hours, low, high = (measured[name].to_numpy(np.float64) for name in _MEASURES)
    if not len(hours):
        return
    # The last known value applies up to the edge.
    hours, low, high = np.append(hours, end), np.append(low, low[-1]), np.append(high, high[-1])
    axes.fill_between(
        hours, low, high, step="post", facecolor=MEASURED_BAND, edgecolor=ORANGE, hatch="////", linewidth=0.6, zorder=1
    )
    for edge in (low, high):
        axes.step(hours, edge, where="post", color=ORANGE, linewidth=1.0, zorder=2)


def _mark(axes: Axes, at: float, part: float, end: float) -> None:
    axes.plot([at], [part], marker="o", markersize=5, color=BLUE, markeredgecolor=PANEL, zorder=4)
    right = at < 0.6 * end
    axes.annotate(
        f"{100 * part:.0f} % after {about(at)}", (at, part), xytext=(7 if right else -7, -9),
        textcoords="offset points", ha="left" if right else "right", va="center", size=TEXT_SIZE, family=FONT, color=INK,
        bbox={"facecolor": PANEL, "edgecolor": "none", "pad": 0.8, "alpha": 0.85}, zorder=5,
    )  # fmt: skip


def _axes(axes: Axes, end: float) -> None:
    step = next((step for step in _STEPS if end / step <= _MARKS), _STEPS[-1])
    marks = np.arange(0, end + 1e-9, step)
    in_days = step >= 24
    axes.set_xlim(0, end)
    axes.xaxis.set_major_locator(FixedLocator(marks.tolist()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda hour, _: f"{hour / 24 if in_days else hour:.0f}"))
    axes.set_xlabel(f"{'days' if in_days else 'hours'} since the new record", loc="right", labelpad=1)
    axes.set_ylim(0, 1.04)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    axes.set_ylabel("senders back", labelpad=4)


def _sentences(prediction: Forecast, measured: pd.DataFrame | None, half: timedelta, most: timedelta) -> list[str]:
    best = timedelta(hours=prediction.hours_until(1.0, "best"))
    parts = [
        f"Forecast of how senders come back, from {when(prediction.published)} on.",
        f"Typical: half are back after about {about(half)}, nine in ten after about {about(most)}.",
        f"Best: all after {span(best)}. Worst: none before, and all after, {span(prediction.last)}.",
        f"The old max_age is {span(prediction.longest)}.",
    ]
    if measured is not None and len(measured):
        last = measured.iloc[-1]
        low, high = (share(float(last[name]), 1) for name in _MEASURES[1:])
        known = low if low == high else f"{low} to {high}"
        parts.append(f"Measured: {known} back after {span(timedelta(hours=float(last['hours'])))}.")
    return parts
