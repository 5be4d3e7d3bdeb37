"""Which share of the reported sessions failed or succeeded, day by day, and how many sessions there were."""

from __future__ import annotations

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
    low, high = wilson(successes, view.sessions)
    entries = [
        (Patch(facecolor=BLUE), "share of reported sessions"),
        (Patch(facecolor=INTERVAL, edgecolor=INTERVAL_LIMIT, linewidth=0.6), "95 % interval (Wilson)"),
    ]
    if view.unknown_days:
        entries.append(no_report_entry(view.unknown_days))
    done, sessions = int(successes.sum()), int(view.sessions.sum())
    axes = lay_out(
        ax,
        205,
        title=f"{share(done, sessions)} of {plural(sessions, 'reported session')} succeeded, {view.dates}",
        notes=[f"{view.about}. {plural(sessions - done, 'failed session')}.", view.left_out_note],
        entries=entries,
        left=max(count_points(int(view.sessions.max())), width("100 %", TEXT_SIZE) + 8) + TEXT_SIZE * 1.8,
    )
    no_report(axes, view.first, view.known)
    part = np.divide(successes, view.sessions, where=view.sessions > 0, out=np.full(view.days, np.nan))
    _draw(axes, view, part, low, high, BLUE)
    day_axis(axes, view.first, view.days)
    axes.set_ylim(_FLOOR, 1.04)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    axes.set_ylabel("share that succeeded", labelpad=4, y=(0.5 - _FLOOR) / (1.04 - _FLOOR))
    axes.spines["left"].set_bounds(0, 1)
    _strip(axes, view)
    there = view.sessions > 0
    day, few = int(np.argmin(np.where(there, part, 2.0))), int((there & (view.sessions < 30)).sum())
    lowest = f"{share(int(successes[day]), int(view.sessions[day]))} of {number(int(view.sessions[day]))}"
    set_alt(
        axes,
        f"Share of reported sessions that succeeded, per day. {view.about}, {view.dates} UTC.",
        f"Over all days {share(done, sessions)} of {plural(sessions, 'reported session')} succeeded.",
        f"The lowest day is {when(day_of(view.first + day))} with {lowest}." if done < sessions else "",
        f"{plural(few, 'day')} with fewer than 30 sessions say little." if few else "",
        view.unknown_note,
        view.left_out_note,
    )
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
    low, high = wilson(view.failed, view.sessions)
    entries = [
        (Patch(facecolor=RATE), "share that failed"),
        (Patch(facecolor=INTERVAL, edgecolor=INTERVAL_LIMIT, linewidth=0.6), "95 % interval (Wilson)"),
    ]
    if view.unknown_days:
        entries.append(no_report_entry(view.unknown_days))
    failed, sessions = int(view.failed.sum()), int(view.sessions.sum())
    part = np.divide(view.failed, view.sessions, where=view.sessions > 0, out=np.full(view.days, np.nan))
    day = int(np.nanargmax(part))
    top = min(float(part[day]) * 1.2, 1.0)
    axes = lay_out(
        ax,
        180,
        title=f"{share(failed, sessions)} of {plural(sessions, 'reported session')} failed, {view.dates}",
        notes=[f"{view.about}. {plural(failed, 'failed session')}.", view.left_out_note],
        entries=entries,
        left=max(count_points(int(view.sessions.max())), width("0.25 %", TEXT_SIZE) + 8) + TEXT_SIZE * 1.8,
    )
    no_report(axes, view.first, view.known)
    _draw(axes, view, part, low, np.minimum(high, top * 1.04), RATE)
    day_axis(axes, view.first, view.days)
    axes.set_ylim(_FLOOR * top, 1.04 * top)
    ticks = [tick for tick in MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(0, top) if 0 <= tick <= 1.04 * top]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g} %"))
    axes.set_ylabel("share that failed", labelpad=4, y=(0.5 - _FLOOR) / (1.04 - _FLOOR))
    axes.spines["left"].set_bounds(0, top)
    _strip(axes, view)
    set_tips(axes, _tips(view))
    worst = f"{share(int(view.failed[day]), int(view.sessions[day]))} of {number(int(view.sessions[day]))}"
    few = int(((view.sessions > 0) & (view.sessions < 30)).sum())
    set_alt(
        axes,
        f"Share of reported sessions that failed, per day. {view.about}, {view.dates} UTC.",
        f"Over all days {share(failed, sessions)} of {plural(sessions, 'reported session')} failed.",
        f"The worst day is {when(day_of(view.first + day))} with {worst}.",
        f"{plural(few, 'day')} with fewer than 30 sessions say little." if few else "",
        view.unknown_note,
        view.left_out_note,
    )
    return axes


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
