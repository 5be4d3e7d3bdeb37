"""Which share of the reported sessions succeeded, day by day, and how many sessions that rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter

from ..markup import number, plural, share, when
from ._alt import set_alt
from ._canvas import empty, lay_out
from ._days import bars, boxes, day_axis, day_of, fill, no_report, no_report_patch, runs
from ._over_time import count_points, not_shown
from ._style import FONT, PANEL, QUIET_INK, TEXT_SIZE, Style, dress
from ._text import width
from ._view import view

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..reports import Source
    from ._days import Floats, Ints
    from ._view import Period, View

__all__ = ["success_share", "wilson"]

_LINE: Final = "#055f9f"
_BAND: Final = Style("#b9d5ec")
_LIMIT: Final = "#4384bd"
_SESSIONS: Final = Style("#7b838d")
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


def success_share(
    source: Source,
    *,
    domain: str | None = None,
    policy_type: str | None = None,
    period: Period | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Return an Axes with the share of reported sessions that succeeded each day, and the sessions it rests on.

    The share axis always goes from 0 to 100 %. A day without a report is a gap, hatched grey. The band is the 95 %
    Wilson interval: wide on a day with few sessions. It takes sessions for independent, which retries are not: the doubt
    is at least that large.

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
        `period` is none.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> sts.plots.alt_text(success_share(sts.Archive()))[:16]
    'An empty figure.'
    """
    shown = view(source, (), domain=domain, policy_type=policy_type, period=period)
    if shown.empty:
        return empty(ax, shown)
    if not shown.sessions.any():
        return empty(ax, shown, f"Reports came, but none counts a session: {shown.about}, {shown.dates} UTC.")
    successes = shown.sessions - shown.failed
    low, high = wilson(successes, shown.sessions)
    entries = [
        (Patch(facecolor=_LINE), "share of reported sessions"),
        (Patch(facecolor=_BAND.colour, edgecolor=_LIMIT, linewidth=0.6), "95 % interval (Wilson)"),
    ]
    if shown.unknown_days:
        entries.append(no_report_patch(shown.unknown_days))
    done, sessions = int(successes.sum()), int(shown.sessions.sum())
    axes = lay_out(
        ax,
        205,
        title=f"{share(done, sessions)} of {plural(sessions, 'reported session')} succeeded, {shown.dates}",
        notes=[f"{shown.about}. {plural(sessions - done, 'failed session')}.", not_shown(shown)],
        entries=entries,
        left=max(count_points(int(shown.sessions.max())), width("100 %", TEXT_SIZE) + 8) + TEXT_SIZE * 1.8,
    )
    no_report(axes, shown.first, shown.known)
    _draw(
        axes,
        shown,
        np.divide(successes, shown.sessions, where=shown.sessions > 0, out=np.full(shown.days, np.nan)),
        low,
        high,
    )
    day_axis(axes, shown.first, shown.days)
    axes.set_ylim(_FLOOR, 1.04)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    axes.set_ylabel("share that succeeded", labelpad=4, y=(0.5 - _FLOOR) / (1.04 - _FLOOR))
    axes.spines["left"].set_bounds(0, 1)
    _strip(axes, shown)
    set_alt(axes, _alt(shown, successes))
    return axes


def _draw(axes: Axes, shown: View, part: Floats, low: Floats, high: Floats) -> None:
    there = ~np.isnan(part)
    at = shown.first + np.flatnonzero(there)
    fill(axes, boxes(at, at + 1, low[there], high[there]), _BAND, zorder=1.5)
    for start, end in runs(there):
        edges = shown.first + np.arange(start, end + 1)
        for limit in (low, high):
            axes.stairs(limit[start:end], edges, baseline=None, color=_LIMIT, linewidth=0.6, zorder=1.6)
        axes.stairs(part[start:end], edges, baseline=None, color=_LINE, linewidth=1.6, zorder=3)


def _strip(axes: Axes, shown: View) -> None:
    """Draw the reported sessions of each day, below the shares."""
    strip = axes.inset_axes((0, 0, 1, _STRIP))
    dress(strip, grid=False)
    strip.patch.set_visible(False)
    fill(strip, bars(shown.first, np.zeros(shown.days), shown.sessions), _SESSIONS)
    most = int(shown.sessions.max())
    strip.set_xlim(axes.get_xlim())
    strip.set_ylim(0, most)
    strip.tick_params(labelbottom=False, bottom=False)
    strip.yaxis.set_major_locator(FixedLocator([0, most]))
    strip.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    strip.text(
        0.005, 1.0, "reported sessions", transform=strip.transAxes, va="bottom", size=TEXT_SIZE - 1, family=FONT,
        color=QUIET_INK, bbox={"facecolor": PANEL, "edgecolor": "none", "pad": 0.5},
    )  # fmt: skip


def _alt(shown: View, successes: Ints) -> str:
    done, sessions = int(successes.sum()), int(shown.sessions.sum())
    there = shown.sessions > 0
    part = np.divide(successes, shown.sessions, where=there, out=np.full(shown.days, 2.0))
    at = int(np.argmin(part))
    few = int((there & (shown.sessions < 30)).sum())
    parts = [
        f"Share of reported sessions that succeeded, per day. {shown.about}, {shown.dates} UTC.",
        f"Over all days {share(done, sessions)} of {plural(sessions, 'reported session')} succeeded.",
        f"The lowest day is {when(day_of(shown.first + at))} with {share(int(successes[at]), int(shown.sessions[at]))} "
        f"of {number(int(shown.sessions[at]))}." if done < sessions else "",
        f"{plural(few, 'day')} with fewer than 30 sessions say little." if few else "",
        shown.unknown_note,
        not_shown(shown),
    ]  # fmt: skip
    return " ".join(part for part in parts if part).replace(r"\$", "$")
