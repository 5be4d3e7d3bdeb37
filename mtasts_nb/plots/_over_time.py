"""Failed sessions per day, stacked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..markup import number, plural, share, when
from ._alt import set_alt
from ._canvas import empty, lay_out
from ._days import bars, day_axis, day_of, fill, no_report, no_report_patch, swatch
from ._series import KEYS, MX, fold
from ._style import FONT, INK, PANEL, TEXT_SIZE
from ._text import width
from ._view import view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from ..reports import Source
    from ._series import Series
    from ._view import Period, View

__all__ = ["failures_over_time"]


def failures_over_time(
    source: Source,
    *,
    by: str = "result_type",
    domain: str | None = None,
    policy_type: str | None = None,
    period: Period | None = None,
    most: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Return an Axes with the failed sessions of each day, stacked by result type, MX or reporter.

    Days without any report are hatched grey: unknown, not zero. The days are those of UTC.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    by : {"result_type", "receiving_mx_hostname", "organization_name"}
        What the stack is made of.
    domain : str, optional
        Only this policy domain; all by default, and the figure says how many.
    policy_type : str, optional
        By default sts if the source has it, else what it has; the figure says what it leaves out. ``"*"`` adds all
        types, and may count a session twice (RFC 8460 §4.4 lets one report list a domain under sts and tlsa).
    period : tuple of two days, optional
        First and last day shown; by default from the first day with a report to the last.
    most : int, optional
        How many series have a name; the rest are folded into "other". By default 13 result types, 8 MX or reporters.
    ax : Axes, optional
        Where to draw; by default on a new figure, which belongs to no pyplot state.

    Returns
    -------
    Axes
        x in days, y in failed sessions per day. A session is a connection attempt, not a message.

    Raises
    ------
    ValueError
        `by` is another key, `most` is below 1, or `period` is none.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> sts.plots.alt_text(failures_over_time(sts.Archive()))
    'An empty figure. No reports in this period. No report is not the same as no failure.'
    """
    if by not in KEYS:
        raise ValueError(f"by is {by!r}: expected any of {', '.join(KEYS)}")
    keys = (by,) if by == MX else (by, MX)
    shown = view(source, keys, domain=domain, policy_type=policy_type, period=period)
    if shown.empty:
        return empty(ax, shown)
    series = fold(shown, by, most)
    axes = lay_out(
        ax,
        180,
        title=f"{failed_at_mx(shown)}, {shown.dates}",
        notes=[f"By {KEYS[by].one}. {shown.about}. {shown.failed_share}.", not_shown(shown)],
        entries=stack_legend(series, shown),
        left=count_points(int(shown.failed.max())) + TEXT_SIZE * 1.8,
    )
    draw_stack(axes, shown, series)
    peak(axes, shown)
    axes.set_ylabel("failed sessions per day", labelpad=4)
    set_alt(axes, _alt(shown, by, series))
    return axes


def draw_stack(ax: Axes, shown: View, series: Sequence[Series]) -> None:
    """Draw series on one another, the days nobody reported behind them, and both axes."""
    no_report(ax, shown.first, shown.known)
    base = np.zeros(shown.days, np.int64)
    for one in series:
        fill(ax, bars(shown.first, base, base + one.values), one.style, seam=0.6 if shown.days <= 120 else 0)
        base = base + one.values
    day_axis(ax, shown.first, shown.days)
    count_axis(ax, int(base.max(initial=0)))


def count_axis(ax: Axes, highest: int, ticks: int = 5) -> None:
    """Make the y axis show whole counts from zero, with room above the highest."""
    ax.set_ylim(0, max(highest * 1.14, 1))
    ax.yaxis.set_major_locator(MaxNLocator(ticks, integer=True, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def count_points(highest: int) -> float:
    """Return the points that the counts of a y axis take beside it."""
    return width(number(highest * 1.14 + 1), TEXT_SIZE) + 8


def stack_legend(series: Sequence[Series], shown: View) -> list[tuple[Patch, str]]:
    """Return sign and words of each series, top of the stack first, and of the days without a report."""
    # The count leads: a name that begins with an underscore would be left out by matplotlib.
    entries = [
        (
            swatch(one.style),
            f"{number(one.total)}  {one.name}",
        )
        for one in reversed(series)
    ]
    if shown.unknown_days:
        entries.append(no_report_patch(shown.unknown_days))
    return entries


def peak(ax: Axes, shown: View) -> None:
    """Name the day with the most failed sessions, at its top."""
    at = int(np.argmax(shown.failed))
    highest = int(shown.failed[at])
    if not highest:
        ax.text(
            0.5, 0.5, "no failed session reported", transform=ax.transAxes, ha="center", va="center", size=TEXT_SIZE,
            family=FONT, color=INK, bbox={"facecolor": PANEL, "edgecolor": "none", "pad": 3},
        )  # fmt: skip
        return
    if shown.days < 3:
        return
    place = (at + 0.5) / shown.days
    side = "left" if place < 0.2 else "right" if place > 0.8 else "center"
    ax.annotate(
        f"{number(highest)} on {when(day_of(shown.first + at))}",
        (shown.first + at + 0.5, highest),
        xytext=(0, 3),
        textcoords="offset points",
        ha=side,
        va="bottom",
        size=TEXT_SIZE - 0.5,
        family=FONT,
        color=INK,
        bbox={"facecolor": PANEL, "edgecolor": "none", "pad": 0.8, "alpha": 0.85},
        zorder=4,
    )


def not_shown(shown: View) -> str:
    """Return what the source has beside the figure, as a sentence; empty where that is nothing."""
    return f"Not shown: {', '.join(shown.left_out)}." if shown.left_out else ""


def mx_named(shown: View) -> tuple[int, int]:
    """Return at how many MX hosts sessions failed, and how many sessions; what failed elsewhere names none."""
    rows = shown.rows[(shown.rows["failed"].to_numpy() > 0) & shown.rows[MX].notna().to_numpy()]
    return int(rows[MX].nunique()), int(rows["failed"].sum())


def at_mx(shown: View) -> str:
    """Return where sessions failed: `at 3 MX`, `(5 at 3 MX)` where some name none, or nothing."""
    hosts, there = mx_named(shown)
    if not hosts:
        return ""
    at = f"at {number(hosts)} MX"
    return at if there == int(shown.failed.sum()) else f"({number(there)} {at})"


def failed_at_mx(shown: View) -> str:
    """Return how many sessions failed, and at how many MX, as words."""
    return f"{plural(int(shown.failed.sum()), 'failed session')} {at_mx(shown)}".strip()


def main_parts(series: Sequence[Series]) -> str:
    """Return the largest series with their shares, as words."""
    total = sum(one.total for one in series)
    largest = sorted((one for one in series if one.total), key=lambda one: -one.total)[:3]
    return ", ".join(f"{one.name} {number(one.total)} ({share(one.total, total)})" for one in largest)


def counted(shown: View) -> str:
    """Return how many of the reported sessions failed, as a sentence."""
    failed, sessions = int(shown.failed.sum()), int(shown.sessions.sum())
    if not failed:
        return f"None of {plural(sessions, 'reported session')} failed."
    return f"{number(failed)} of {plural(sessions, 'reported session')} failed ({share(failed, sessions)})."


def peak_words(shown: View, series: Sequence[Series]) -> str:
    """Return the worst day, as a sentence; empty where nothing failed."""
    at = int(np.argmax(shown.failed))
    highest = int(shown.failed[at])
    if not highest:
        return ""
    main = max(series, key=lambda one: int(one.values[at]))
    return (
        f"The peak is {when(day_of(shown.first + at))} with {plural(highest, 'failed session')}, "
        f"{number(int(main.values[at]))} of them {main.name}."
    )


def _alt(shown: View, by: str, series: Sequence[Series]) -> str:
    hosts, there = mx_named(shown)
    parts = [
        f"Failed sessions per day, stacked by {KEYS[by].one}. {shown.about}, {shown.dates} UTC.",
        counted(shown),
        f"{number(there)} of them failed at {number(hosts)} MX." if hosts else "",
        peak_words(shown, series),
        f"Most are {main_parts(series)}." if series else "",
        shown.unknown_note,
        not_shown(shown),
    ]
    return " ".join(part for part in parts if part).replace(r"\$", "$")
