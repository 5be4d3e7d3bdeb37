"""Failed sessions per day, a panel for each MX."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..markup import number, plural, share, when
from ._alt import set_alt
from ._canvas import empty, lay_out, total_points
from ._days import bars, day_axis, day_of, fill, no_report
from ._over_time import count_axis, count_points, counted, failed_at_mx, not_shown, stack_legend
from ._series import KEYS, MX, RESULT_TYPE, Series, fold
from ._style import FONT, INK, PANEL, TEXT_SIZE, dress
from ._text import fit, width
from ._view import view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from ..reports import Source
    from ._view import Period, View

__all__ = ["failures_by_mx"]

_MOST_PANELS = 6
#: Points.
_PANEL_HEIGHT = 74.0
# Beyond this ratio of peaks one scale would hide a small MX: a broken backup hides behind a good primary (RFC 8461 §8.4).
_ONE_SCALE_UP_TO = 5


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
        the figure says so.
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
        `most` is below 1, or `period` is none.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> len(failures_by_mx(sts.Archive()).child_axes)
    0
    """
    shown = view(source, (MX, RESULT_TYPE), domain=domain, policy_type=policy_type, period=period)
    if shown.empty:
        return empty(ax, shown)
    kinds = fold(shown, RESULT_TYPE)
    hosts = fold(shown, MX, _MOST_PANELS if most is None else most)
    if not hosts:
        return empty(
            ax,
            shown,
            f"No session failed in {plural(int(shown.sessions.sum()), 'reported session')}, "
            f"{shown.about}, {shown.dates} UTC. {shown.unknown_note}",
        )
    peaks = [int(host.values.max()) for host in hosts]
    one_scale = max(peaks) <= _ONE_SCALE_UP_TO * min(peaks) if share_y is None else share_y
    scale = "All panels have one scale." if one_scale else "Each panel has a scale of its own: compare the numbers."
    left = count_points(max(peaks))
    frame = lay_out(
        ax,
        _PANEL_HEIGHT * len(hosts),
        title=f"{failed_at_mx(shown)}, {shown.dates}",
        notes=[
            f"Failed sessions per day, by MX and result type. {shown.about}. {shown.failed_share}. "
            + (scale if len(hosts) > 1 else ""),
            not_shown(shown),
        ],
        entries=stack_legend(kinds, shown),
        left=left,
        grid=False,
    )
    frame.set(xticks=[], yticks=[])
    frame.patch.set_visible(False)
    for spine in frame.spines.values():
        spine.set_visible(False)
    _panels(frame, shown, kinds, hosts, max(peaks) if one_scale else None, left)
    set_alt(frame, _alt(shown, hosts))
    return frame


def _panels(
    frame: Axes, shown: View, kinds: Sequence[Series], hosts: Sequence[Series], highest: int | None, left: float
) -> None:
    height = 1 / len(hosts)
    across = total_points(frame) - left
    for place, host in enumerate(hosts):
        panel = frame.inset_axes((0, 1 - (place + 1) * height + height * 0.06, 1, height * 0.72))
        dress(panel)
        no_report(panel, shown.first, shown.known)
        base = np.zeros(shown.days, np.int64)
        for one in _within(shown, kinds, host):
            fill(panel, bars(shown.first, base, base + one.values), one.style, seam=0.6 if shown.days <= 120 else 0)
            base = base + one.values
        last = place == len(hosts) - 1
        day_axis(panel, shown.first, shown.days, name=last)
        panel.tick_params(labelbottom=last)
        count_axis(panel, int(base.max()) if highest is None else highest, ticks=3)
        told = f"  {plural(host.total, 'failed session')} ({share(host.total, int(shown.failed.sum()))})"
        room = across - width(told, TEXT_SIZE)
        if room < TEXT_SIZE * 10:
            told, room = f"  {number(host.total)}", across - width(f"  {number(host.total)}", TEXT_SIZE)
        panel.annotate(
            fit(host.name.replace(r"\$", "$"), max(room, TEXT_SIZE * 3), TEXT_SIZE) + told,
            (0, 1), xytext=(0, 2), xycoords="axes fraction", textcoords="offset points", va="bottom", size=TEXT_SIZE,
            family=FONT, color=INK, bbox={"facecolor": PANEL, "edgecolor": "none", "pad": 0.5}, annotation_clip=False,
        )  # fmt: skip


def _within(shown: View, kinds: Sequence[Series], host: Series) -> list[Series]:
    """Return the series of result types, in one order and folding for all panels, of one MX only."""
    rows = shown.rows[shown.rows["failed"].to_numpy() > 0]
    mine = rows[rows[MX].isin(host.members) if host.members else rows[MX].isna()]
    names = mine[RESULT_TYPE].astype(object)
    names = names.where(names.notna(), KEYS[RESULT_TYPE].unnamed)
    found = []
    for kind in kinds:
        part = mine[names.isin(kind.members).to_numpy()]
        values = np.zeros(shown.days, np.int64)
        np.add.at(values, part["offset"].to_numpy(), part["failed"].to_numpy())
        found.append(Series(kind.name, kind.style, values, kind.members))
    return found


def _alt(shown: View, hosts: Sequence[Series]) -> str:
    total = int(shown.failed.sum())
    told = []
    for host in hosts[:5]:
        at = int(np.argmax(host.values))
        told.append(
            f"{host.name}: {number(host.total)} ({share(host.total, total)}), "
            f"most on {when(day_of(shown.first + at))} ({number(int(host.values[at]))})"
        )
    parts = [
        f"Failed sessions per day, a panel for each MX, stacked by result type. {shown.about}, {shown.dates} UTC.",
        counted(shown),
        "; ".join(told) + ("." if len(hosts) <= 5 else f"; and {plural(len(hosts) - 5, 'more panel')}."),
        shown.unknown_note,
        not_shown(shown),
    ]
    return " ".join(part for part in parts if part).replace(r"\$", "$")
