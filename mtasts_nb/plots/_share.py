"""Which share of the reported sessions failed or succeeded, day by day, and how many sessions there were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from ..markup import number, plural, share, when
from ._canvas import empty, empty_without_reports, lay_out
from ._days import bars, boxes, count_points, day_axis, fill, no_report, no_report_entry, runs
from ._show import Tip, set_alt, set_tips
from ._style import (
    BLUE,
    FONT,
    INTERVAL,
    INTERVAL_LIMIT,
    PANEL,
    QUIET_INK,
    RATE,
    SESSIONS,
    TEXT_SIZE,
    Style,
    dress,
    width,
    with_defaults,
)  # fmt: skip
from ._view import day_of, view_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

    from ..reports import Source
    from ._view import Floats, Ints, Period, View

__all__ = ["failure_share", "success_share"]

#: The panel below 0 % holds the sessions per day.
_FLOOR: Final = -0.48
_STRIP: Final = 0.2


def wilson(successes: Ints, sessions: Ints) -> tuple[Floats, Floats]:
    """Return the 95 % Wilson score interval of a share; NaN where there were no sessions.

    Unlike the usual interval it is honest for few sessions and for shares near 0 or 1 (E. B. Wilson, 1927).

    Examples
    --------
    >>> low, high = wilson(np.array([5]), np.array([5]))
    >>> round(float(low[0]), 3), float(high[0])
    (0.566, 1.0)
    """
    z = 1.959964
    n = np.where(sessions > 0, sessions, np.nan).astype(float)
    p = successes / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # The interval holds the share itself, whatever rounding says.
    return np.minimum(np.maximum(middle - half, 0), p), np.maximum(np.minimum(middle + half, 1), p)


@with_defaults
def success_share(
    source: Source,
    *,
    domain: str | None = None,
    policy_type: str | None = None,
    period: Period | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Return an Axes with the share of reported sessions that succeeded each day, and how many sessions there were.

    The share axis always goes from 0 to 100 %. A day without a report is a gap, hatched grey. The band is the 95 %
    Wilson interval: wide on a day with few sessions. It treats sessions as independent, which retries are not: the
    uncertainty is at least that large.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    domain, policy_type, period
        As in `failures_over_time`.
    ax : Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    Axes
        x in days, y as a share from 0 to 1. The sessions per day are below, in its only ``child_axes``.

    Raises
    ------
    ValueError
        `period` is impossible.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> sts.plots.alt_text(success_share(sts.Archive()))[:16]
    'An empty figure.'
    """
    view = view_of(source, (), domain=domain, policy_type=policy_type, period=period)
    if view.empty:
        return empty_without_reports(ax, view.no_reports)
    if not view.sessions.any():
        return empty(ax, f"The reports count no session: {view.about}, {view.dates} UTC.")
    successes = view.sessions - view.failed
    axes, part = _drawn(ax, view, _SUCCEEDED, successes, 1.0, [0, 0.25, 0.5, 0.75, 1])
    day = int(np.nanargmin(part))
    lowest = f"The lowest day is {_one_day(view, successes, day)}." if view.failed.any() else ""
    _describe(axes, view, _SUCCEEDED, successes, lowest)
    return axes


@with_defaults
def failure_share(
    source: Source,
    *,
    domain: str | None = None,
    policy_type: str | None = None,
    period: Period | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Return an Axes with the share of reported sessions that failed each day, and how many sessions there were.

    The share axis goes from 0 to a little above the worst day: a day at 1 % is seen beside days at 0.1 %, which a line
    near 100 % of successes would hide. A day without a report is a gap, hatched grey. The band is the 95 % Wilson
    interval, cut off at the top of the axis.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    domain, policy_type, period
        As in `failures_over_time`.
    ax : Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    Axes
        x in days, y as a share from 0 to 1. The sessions per day are below, in its only ``child_axes``.

    Raises
    ------
    ValueError
        `period` is impossible.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> sts.plots.alt_text(failure_share(sts.Archive()))[:16]
    'An empty figure.'
    """
    view = view_of(source, (), domain=domain, policy_type=policy_type, period=period)
    if view.empty:
        return empty_without_reports(ax, view.no_reports)
    if not view.failed.any():
        return empty(ax, view.no_failures)
    day = int(np.nanargmax(_part(view, view.failed)))
    top = min(int(view.failed[day]) / int(view.sessions[day]) * 1.2, 1.0)
    ticks = [tick for tick in MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(0, top) if 0 <= tick <= 1.04 * top]
    axes, _ = _drawn(ax, view, _FAILED, view.failed, top, ticks)
    set_tips(axes, _tips(view))
    _describe(axes, view, _FAILED, view.failed, f"The worst day is {_one_day(view, view.failed, day)}.")
    return axes


@dataclass(frozen=True, slots=True)
class _Side:
    """How one side of the sessions is drawn: those that succeeded, or those that failed."""

    word: str
    entry: str
    colour: str
    height: int
    tick: str
    widest_tick: str


_SUCCEEDED: Final = _Side("succeeded", "share of reported sessions", BLUE, 205, ".0f", "100 %")
_FAILED: Final = _Side("failed", "share that failed", RATE, 180, ".4g", "0.25 %")


def _drawn(
    ax: Axes | None, view: View, side: _Side, counted: Ints, top: float, ticks: list[float]
) -> tuple[Axes, Floats]:
    """Draw the share of the counted sessions on an axis from 0 to `top`; return the Axes and the share by day."""
    low, high = wilson(counted, view.sessions)
    entries = [
        (Patch(facecolor=side.colour), side.entry),
        (Patch(facecolor=INTERVAL, edgecolor=INTERVAL_LIMIT, linewidth=0.6), "95 % interval (Wilson)"),
    ]
    if view.unknown_days:
        entries.append(no_report_entry(view.unknown_days))
    axes = lay_out(
        ax,
        side.height,
        title=f"{_over_all_days(view, counted)} {side.word}, {view.dates}",
        notes=[f"{view.about}. {plural(int(view.failed.sum()), 'failed session')}.", view.left_out_note],
        entries=entries,
        left=max(count_points(int(view.sessions.max())), width(side.widest_tick, TEXT_SIZE) + 8) + TEXT_SIZE * 1.8,
    )
    no_report(axes, view.first, view.known)
    part = _part(view, counted)
    _draw(axes, view, part, low, np.minimum(high, top * 1.04), side.colour)
    day_axis(axes, view.first, view.days)
    axes.set_ylim(_FLOOR * top, 1.04 * top)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:{side.tick}} %"))
    axes.set_ylabel(f"share that {side.word}", labelpad=4, y=(0.5 - _FLOOR) / (1.04 - _FLOOR))
    axes.spines["left"].set_bounds(0, top)
    _strip(axes, view)
    return axes, part


def _describe(axes: Axes, view: View, side: _Side, counted: Ints, extreme: str) -> None:
    few = int(((view.sessions > 0) & (view.sessions < 30)).sum())
    set_alt(
        axes,
        f"Share of reported sessions that {side.word}, per day. {view.about}, {view.dates} UTC.",
        f"Over all days {_over_all_days(view, counted)} {side.word}.",
        extreme,
        f"{plural(few, 'day')} with fewer than 30 sessions say little." if few else "",
        view.unknown_note,
        view.left_out_note,
    )


def _part(view: View, counted: Ints) -> Floats:
    """Return the share by day; NaN where there were no sessions."""
    part: Floats = np.divide(counted, view.sessions, where=view.sessions > 0, out=np.full(view.days, np.nan))
    return part


def _over_all_days(view: View, counted: Ints) -> str:
    sessions = int(view.sessions.sum())
    return f"{share(int(counted.sum()), sessions)} of {plural(sessions, 'reported session')}"


def _one_day(view: View, counted: Ints, day: int) -> str:
    sessions = int(view.sessions[day])
    return f"{when(day_of(view.first + day))} with {share(int(counted[day]), sessions)} of {number(sessions)}"


def _tips(view: View) -> Iterator[Tip]:
    for day in np.flatnonzero(view.sessions):
        failed, sessions, left = int(view.failed[day]), int(view.sessions[day]), view.first + int(day)
        yield Tip(
            left, left + 1, f"{when(day_of(left))}: {share(failed, sessions)} of {plural(sessions, 'session')} failed"
        )


def _draw(axes: Axes, view: View, part: Floats, low: Floats, high: Floats, colour: str) -> None:
    there = ~np.isnan(part)
    at = view.first + np.flatnonzero(there)
    fill(axes, boxes(at, at + 1, low[there], high[there]), Style(INTERVAL), zorder=1.5)
    for start, end in runs(there):
        edges = view.first + np.arange(start, end + 1)
        for limit in (low, high):
            axes.stairs(limit[start:end], edges, baseline=None, color=INTERVAL_LIMIT, linewidth=0.6, zorder=1.6)
        axes.stairs(part[start:end], edges, baseline=None, color=colour, linewidth=1.6, zorder=3)


def _strip(axes: Axes, view: View) -> None:
    """Draw the reported sessions of each day, below the shares."""
    strip = axes.inset_axes((0, 0, 1, _STRIP))
    dress(strip, grid=False)
    strip.patch.set_visible(False)
    fill(strip, bars(view.first, np.zeros(view.days), view.sessions), SESSIONS)
    most = int(view.sessions.max())
    strip.set_xlim(axes.get_xlim())
    strip.set_ylim(0, most)
    strip.tick_params(labelbottom=False, bottom=False)
    strip.yaxis.set_major_locator(FixedLocator([0, most]))
    strip.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    strip.text(
        0.005, 1.0, "reported sessions", transform=strip.transAxes, va="bottom", size=TEXT_SIZE - 1, family=FONT,
        color=QUIET_INK, bbox={"facecolor": PANEL, "edgecolor": "none", "pad": 0.5},
    )  # fmt: skip
