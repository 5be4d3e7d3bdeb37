"""Failed sessions per day: one stack, or a panel for each MX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..markup import number, plural, share, when
from ._canvas import empty, empty_without_reports, lay_out, total_points
from ._days import count_axis, count_points, day_axis, day_tips, draw_stack, name_peak, no_report, stack_entries
from ._series import Series, fold
from ._show import set_alt, set_tips
from ._style import FONT, INK, PANEL, TEXT_SIZE, dress, fit, width, with_defaults
from ._view import KEYS, MX, RESULT_TYPE, day_of, view_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from ..reports import Source
    from ._view import Period, View

__all__ = ["failures_by_mx", "failures_over_time"]

_MOST_PANELS: Final = 6
#: Points.
_PANEL_HEIGHT: Final = 74.0
# Beyond this ratio of peaks one scale would hide a small MX: a broken backup behind a good primary (RFC 8461 §8.4).
_ONE_SCALE_UP_TO: Final = 5


@with_defaults
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
    """Return an Axes with the failed sessions of each day, stacked by result type, MX, reporter or policy domain.

    Days without any report are hatched grey: unknown, not zero. The days are those of UTC.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    by : {"result_type", "receiving_mx_hostname", "organization_name", "policy_domain"}
        What the stack is made of.
    domain : str, optional
        Only this policy domain; all by default, and the figure states how many.
    policy_type : str, optional
        By default sts if the source has it, else what it has; the figure states what it leaves out. ``"*"`` adds all
        types, and may count a session twice (RFC 8460 §4.4 lets one report list a domain under sts and tlsa).
    period : tuple of two days, optional
        First and last day; by default from the first day with a report to the last.
    most : int, optional
        How many series have a name; the rest are folded into "other". By default 13 result types, 8 of the others.
    ax : Axes, optional
        Where to draw; by default on a new figure, which belongs to no pyplot state.

    Returns
    -------
    Axes
        x in days, y in failed sessions per day. A session is a connection attempt, not a message.

    Raises
    ------
    ValueError
        `by` is another key, `most` is below 1, or `period` is impossible.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> sts.plots.alt_text(failures_over_time(sts.Archive()))
    'An empty figure. No reports in this period. No report does not mean no failure.'
    """
    if by not in KEYS:
        raise ValueError(f"by is {by!r}: expected any of {', '.join(KEYS)}")
    keys = (by,) if by == MX else (by, MX)
    view = view_of(source, keys, domain=domain, policy_type=policy_type, period=period)
    if view.empty:
        return empty_without_reports(ax, view.no_reports)
    series = fold(view, by, most)
    if not series:
        return empty(ax, view.no_failures)
    axes = lay_out(
        ax,
        180,
        title=f"{view.failed_title}, {view.dates}",
        notes=[f"By {KEYS[by].singular}. {view.about}. {view.failed_share}.", view.left_out_note],
        entries=stack_entries(series, view.unknown_days),
        left=count_points(int(view.failed.max())) + TEXT_SIZE * 1.8,
    )
    no_report(axes, view.first, view.known)
    height = draw_stack(axes, view, series)
    day_axis(axes, view.first, view.days)
    count_axis(axes, height)
    if view.days >= 3:
        name_peak(axes, view, int(np.argmax(view.failed)))
    axes.set_ylabel("failed sessions per day", labelpad=4)
    set_tips(axes, day_tips(view, series))
    hosts, at_hosts = view.failed_at_mx
    set_alt(
        axes,
        f"Failed sessions per day, stacked by {KEYS[by].singular}. {view.about}, {view.dates} UTC.",
        view.failed_sentence,
        f"{number(at_hosts)} of them failed at {number(hosts)} MX." if hosts else "",
        _peak(view, series),
        _largest(series),
        view.unknown_note,
        view.left_out_note,
    )
    return axes


def _peak(view: View, series: Sequence[Series]) -> str:
    """Return the worst day, as a sentence; empty if nothing failed."""
    day = int(np.argmax(view.failed))
    highest = int(view.failed[day])
    if not highest:
        return ""
    main = max(series, key=lambda each: int(each.values[day]))
    return (
        f"The peak is {when(day_of(view.first + day))} with {plural(highest, 'failed session')}, "
        f"{number(int(main.values[day]))} of them {main.name}."
    )


def _largest(series: Sequence[Series]) -> str:
    """Return the largest series with their shares, as a sentence; empty if there is none."""
    total = sum(each.total for each in series)
    largest = sorted((each for each in series if each.total), key=lambda each: -each.total)[:3]
    parts = (f"{each.name} {number(each.total)} ({share(each.total, total)})" for each in largest)
    return f"Most are {', '.join(parts)}." if series else ""


@with_defaults
def failures_by_mx(
    source: Source,
    *,
    domain: str | None = None,
    policy_type: str | None = None,
    period: Period | None = None,
    most: int | None = None,
    share_y: bool | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Return an Axes that holds one panel for each MX: failed sessions per day, stacked by result type.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    domain, policy_type, period
        As in `failures_over_time`.
    most : int, optional
        How many MX have a panel of their own, those with the most failed sessions; the rest share one. By default 6.
    share_y : bool, optional
        Whether all panels have one scale. By default they do, unless the smallest peak would then be too low to see;
        the figure states which.
    ax : Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    Axes
        The frame around the panels; the panels, from top to bottom, are its ``child_axes``. Failures for which no MX
        is named (most are at the policy host) have the last panel.

    Raises
    ------
    ValueError
        `most` is below 1, or `period` is impossible.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> len(failures_by_mx(sts.Archive()).child_axes)
    0
    """
    view = view_of(source, (MX, RESULT_TYPE), domain=domain, policy_type=policy_type, period=period)
    if view.empty:
        return empty_without_reports(ax, view.no_reports)
    kinds = fold(view, RESULT_TYPE)
    hosts = fold(view, MX, _MOST_PANELS if most is None else most)
    if not hosts:
        return empty(ax, view.no_failures)
    peaks = [int(host.values.max()) for host in hosts]
    one_scale = max(peaks) <= _ONE_SCALE_UP_TO * min(peaks) if share_y is None else share_y
    scale = "All panels have one scale." if one_scale else "Each panel has a scale of its own: compare the numbers."
    left = count_points(max(peaks))
    frame = lay_out(
        ax,
        _PANEL_HEIGHT * len(hosts),
        title=f"{view.failed_title}, {view.dates}",
        notes=[
            f"Failed sessions per day, by MX and result type. {view.about}. {view.failed_share}. "
            + (scale if len(hosts) > 1 else ""),
            view.left_out_note,
        ],
        entries=stack_entries(kinds, view.unknown_days),
        left=left,
        grid=False,
    )
    frame.set(xticks=[], yticks=[])
    frame.patch.set_visible(False)
    for spine in frame.spines.values():
        spine.set_visible(False)
    for number_of_panel, host in enumerate(hosts):
        highest = max(peaks) if one_scale else peaks[number_of_panel]
        _panel(frame, view, kinds, host, (number_of_panel, len(hosts)), highest, total_points(frame) - left)
    total = int(view.failed.sum())
    texts = []
    for host in hosts[:5]:
        day = int(np.argmax(host.values))
        texts.append(
            f"{host.name}: {number(host.total)} ({share(host.total, total)}), "
            f"most on {when(day_of(view.first + day))} ({number(int(host.values[day]))})"
        )
    set_alt(
        frame,
        f"Failed sessions per day, a panel for each MX, stacked by result type. {view.about}, {view.dates} UTC.",
        view.failed_sentence,
        "; ".join(texts) + ("." if len(hosts) <= 5 else f"; and {plural(len(hosts) - 5, 'more panel')}."),
        view.unknown_note,
        view.left_out_note,
    )
    return frame


def _panel(
    frame: Axes, view: View, kinds: Sequence[Series], host: Series, order: tuple[int, int], highest: int, across: float
) -> None:
    """Draw one panel: `order` is its number and how many there are, `highest` the top of its scale."""
    number_of_panel, panels = order
    panel = frame.inset_axes((0, 1 - (number_of_panel + 0.94) / panels, 1, 0.72 / panels))
    dress(panel)
    no_report(panel, view.first, view.known)
    draw_stack(panel, view, _within(view, kinds, host))
    last = number_of_panel == panels - 1
    day_axis(panel, view.first, view.days, name=last)
    panel.tick_params(labelbottom=last)
    count_axis(panel, highest, ticks=3)
    tally = f"  {plural(host.total, 'failed session')} ({share(host.total, int(view.failed.sum()))})"
    if across - width(tally, TEXT_SIZE) < TEXT_SIZE * 10:
        tally = f"  {number(host.total)}"
    room = max(across - width(tally, TEXT_SIZE), TEXT_SIZE * 3)
    panel.annotate(
        fit(host.name.replace(r"\$", "$"), room, TEXT_SIZE) + tally, (0, 1), xytext=(0, 2), xycoords="axes fraction",
        textcoords="offset points", va="bottom", size=TEXT_SIZE, family=FONT, color=INK,
        bbox={"facecolor": PANEL, "edgecolor": "none", "pad": 0.5}, annotation_clip=False,
    )  # fmt: skip


def _within(view: View, kinds: Sequence[Series], host: Series) -> list[Series]:
    """Return the series of result types, in one order and folding for all panels, of one MX only."""
    rows = view.rows[view.rows["failed"].to_numpy() > 0]
    own_rows = rows[rows[MX].isin(host.members) if host.members else rows[MX].isna()]
    names = own_rows[RESULT_TYPE].astype(object)
    names = names.where(names.notna(), KEYS[RESULT_TYPE].unnamed)
    series = []
    for kind in kinds:
        part = own_rows[names.isin(kind.members).to_numpy()]
        values = np.zeros(view.days, np.int64)
        np.add.at(values, part["offset"].to_numpy(), part["failed"].to_numpy())
        series.append(Series(kind.name, kind.style, values, kind.members))
    return series
