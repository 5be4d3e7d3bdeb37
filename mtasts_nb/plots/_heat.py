"""Which MX failed in which way: a table of counts, shaded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.collections import PolyCollection

from ..markup import number, plural, share
from ._canvas import empty, empty_without_reports, lay_out, total_points
from ._series import fold
from ._show import set_alt
from ._style import FONT, FRAME, PANEL, SHADES, TEXT_SIZE, compact, fit, ink_around, ink_on, width, with_defaults
from ._view import KEYS, MX, RESULT_TYPE, view_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from ..reports import Source
    from ._series import Series
    from ._view import Ints, Period, View

__all__ = ["mx_by_result"]

_MOST_ROWS: Final = 12
#: Points.
_WIDEST_CELL: Final = 110.0


@with_defaults
def mx_by_result(
    source: Source,
    *,
    domain: str | None = None,
    policy_type: str | None = None,
    period: Period | None = None,
    most: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Return an Axes with failed sessions as a table of MX and result type; the more, the darker.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    domain, policy_type, period
        As in `failures_over_time`.
    most : int, optional
        How many MX have a row of their own; the rest share one. By default 12.
    ax : Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    Axes
        Columns are result types, rows MX; the last row is for failures that name no MX. Each cell holds its
        count; an empty cell: no failed session reported. Shades go by the logarithm of the count.

    Raises
    ------
    ValueError
        `most` is below 1, or `period` is impossible.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> sts.plots.alt_text(mx_by_result(sts.Archive()))[:16]
    'An empty figure.'
    """
    view = view_of(source, (MX, RESULT_TYPE), domain=domain, policy_type=policy_type, period=period)
    if view.empty:
        return empty_without_reports(ax, view.no_reports)
    hosts = fold(view, MX, _MOST_ROWS if most is None else most)
    kinds = fold(view, RESULT_TYPE)
    if not hosts:
        return empty(ax, view.no_failures)
    table = _table(view, hosts, kinds)
    total = total_points(ax)
    names = [fit(host.name.replace(r"\$", "$"), total * 0.38, TEXT_SIZE) for host in hosts]
    heads = [fit(kind.name.replace(r"\$", "$"), 130, TEXT_SIZE) for kind in kinds]
    side = max(width(name, TEXT_SIZE) for name in names) + 8
    cell = (total - side) / len(kinds)
    longest = max(width(head, TEXT_SIZE) for head in heads)
    steep = 35 if cell >= TEXT_SIZE * 2.2 else 90
    axes = lay_out(
        ax,
        25.0 * len(hosts),
        title=f"{plural(int(view.failed.sum()), 'failed session')} by MX and result type, {view.dates}",
        notes=[
            f"{view.about}. {view.failed_share}{_where(view)}.",
            f"Darker is more (logarithmic); empty is none reported. {view.unknown_note}",
            view.left_out_note,
        ],
        # The first slanted name reaches out to the left of its cell.
        left=max(side, longest * math.cos(math.radians(steep)) - cell / 2),
        right=max(0.0, total - side - _WIDEST_CELL * len(kinds)),
        below=longest * math.sin(math.radians(steep)) + TEXT_SIZE * 1.6,
        grid=False,
    )
    _cells(axes, table, cell)
    axes.set_yticks(np.arange(len(hosts)) + 0.5, names)
    axes.set_xticks(
        np.arange(len(kinds)) + 0.5, heads, rotation=steep, ha="right", va="center" if steep == 90 else "top",
        rotation_mode="anchor",
    )  # fmt: skip
    axes.tick_params(length=0)
    set_alt(
        axes,
        f"A table of failed sessions by MX and result type. {view.about}, {view.dates} UTC.",
        view.failed_sentence,
        f"{plural(len(hosts), 'row')}, {plural(len(kinds), 'result type')}; the largest: {_largest(hosts, kinds, table)}.",
        view.unknown_note,
        view.left_out_note,
    )
    return axes


def _where(view: View) -> str:
    """Return at how many MX sessions failed, to follow other text; empty if none is named."""
    hosts, at_hosts = view.failed_at_mx
    some = "" if at_hosts == int(view.failed.sum()) else f"{number(at_hosts)} "
    return f", {some}at {number(hosts)} MX" if hosts else ""


def _table(view: View, hosts: Sequence[Series], kinds: Sequence[Series]) -> Ints:
    """Return failed sessions, a row for each of `hosts` and a column for each of `kinds`."""
    rows = view.rows[view.rows["failed"].to_numpy() > 0]
    result_types = rows[RESULT_TYPE].astype(object)
    result_types = result_types.where(result_types.notna(), KEYS[RESULT_TYPE].unnamed)
    column_of = {member: column for column, kind in enumerate(kinds) for member in kind.members}
    row_of = {member: row for row, host in enumerate(hosts) for member in host.members}
    unnamed = len(hosts) - 1
    table = np.zeros((len(hosts), len(kinds)), np.int64)
    row = rows[MX].astype(object).map(lambda name: row_of.get(name, unnamed))
    np.add.at(table, (row.to_numpy(int), result_types.map(column_of).to_numpy(int)), rows["failed"].to_numpy())
    return table


def _number_size(table: Ints, points: float) -> float:
    """Return the largest size at which every count fits its cell in full, or, smaller, rounded."""
    counts = [int(count) for count in table[table > 0]]
    for room, sizes in ((math.inf, (TEXT_SIZE, TEXT_SIZE - 1.5)), (points, (TEXT_SIZE - 1, TEXT_SIZE - 2))):
        for size in sizes:
            if all(width(compact(count, room, size), size) <= points for count in counts):
                return size
    return TEXT_SIZE - 3


def _cells(axes: Axes, table: Ints, cell_points: float) -> None:
    height, across = table.shape
    shade = np.log1p(table) / np.log1p(max(int(table.max()), 1))
    size = _number_size(table, cell_points - 3)
    corners, colours = [], []
    for (y, x), count in np.ndenumerate(table):
        corners.append([(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)])
        colour = SHADES(float(shade[y, x])) if count else PANEL
        colours.append(colour)
        if count:
            axes.text(
                x + 0.5, y + 0.5, compact(int(count), cell_points - 3, size), ha="center", va="center",
                size=size, family=FONT, color=ink_on(colour),
            )  # fmt: skip
    axes.add_artist(PolyCollection(corners, facecolors=colours, edgecolors=FRAME, linewidths=0.4, zorder=1))
    axes.set_xlim(0, across)
    axes.set_ylim(height, 0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(labelcolor=ink_around(axes))


def _largest(hosts: Sequence[Series], kinds: Sequence[Series], table: Ints) -> str:
    total, texts = int(table.sum()), []
    for cell in np.argsort(table, axis=None, kind="stable")[::-1][:3]:
        y, x = np.unravel_index(cell, table.shape)
        if count := int(table[y, x]):
            texts.append(f"{kinds[x].name} at {hosts[y].name} with {number(count)} ({share(count, total)})")
    return ", ".join(texts)
