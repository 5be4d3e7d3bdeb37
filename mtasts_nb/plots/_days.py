"""Days on the x axis: dates that never overlap, bars a day wide, stacks of them, and the days without a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.ticker import Formatter, FuncFormatter, Locator, MaxNLocator

from ..markup import number, plural, when
from ._show import Tip
from ._style import FONT, HATCH_WIDTH, INK, NO_REPORT, NO_REPORT_HATCH, PANEL, TEXT_SIZE, Style, width
from ._view import day_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ._series import Series
    from ._view import Bools, View

__all__ = [
    "DayFormatter",
    "DayLocator",
    "bars",
    "boxes",
    "count_axis",
    "count_points",
    "day_axis",
    "day_tips",
    "draw_stack",
    "fill",
    "name_peak",
    "no_report",
    "no_report_entry",
    "runs",
    "stack_entries",
    "swatch",
]

# English, whatever the machine's locale is: the rest of the figure is English too.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Points that a date takes on the axis, with the space to the next one.
_DATE_POINTS = TEXT_SIZE * 4.6
#: Up to so many days, each is a bar of its own with a gap; beyond, a step.
_GAPS_UP_TO = 45
#: Up to so many days, a white line is drawn around each bar.
_SEAMS_UP_TO = 120


class DayLocator(Locator):
    """Ticks in the middle of days, as many as the axis has room for at any width and zoom.

    `matplotlib.dates.AutoDateLocator` counts ticks; it does not measure them, and puts them at midnight.

    Parameters
    ----------
    first, last : int
        The days that there are, as day numbers.
    """

    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last

    def __call__(self) -> Sequence[float]:
        """Return the ticks for the current limits and size of the axis."""
        assert self.axis is not None
        low, high = sorted(self.axis.get_view_interval())
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Return the middles of the days to name between two day numbers."""
        panel = cast("Axes", self.axis.axes)  # type: ignore[union-attr]
        figure = panel.get_figure(root=True)
        assert figure is not None
        per_day = max(panel.bbox.width / figure.dpi * 72, 1.0) / max(vmax - vmin, 1e-6)
        # Half a date must fit between its tick and the end of the axis, but for the margin of the figure.
        spare = (_DATE_POINTS / 2 - 10) / per_day
        first = max(int(np.ceil(vmin + spare - 0.5)), self._first)
        last = min(int(np.floor(vmax - spare - 0.5)), self._last)
        if last < first:
            return []
        step = next((step for step in (1, 2, 7, 14) if step * per_day >= _DATE_POINTS), None)
        # Weeks begin on Monday; day 4 of the epoch was one.
        start = first if step in (None, 1, 2) else first + (4 - first) % 7
        days = _months(first, last, per_day) if step is None else list(range(start, last + 1, step))
        return [day + 0.5 for day in days or [first]]


def _months(first: int, last: int, per_day: float) -> list[int]:
    """Return the first days of every so many months, as far apart as dates need."""
    steps = (step for step in (1, 2, 3, 6, 12) if 28 * step * per_day >= _DATE_POINTS)
    step = next(steps, 12 * int(np.ceil(_DATE_POINTS / 365 / per_day)))
    low, high = (int(np.datetime64(day, "D").astype("datetime64[M]").astype(int)) for day in (first, last))
    months = np.arange(low + -low % step, high + 1, step).astype("datetime64[M]")
    return [int(day) for day in months.astype("datetime64[D]").astype(int) if first <= day <= last]


class DayFormatter(Formatter):
    """Dates as `4 Jul`, with the year below where it is new."""

    def __call__(self, x: float, pos: int | None = None) -> str:  # noqa: ARG002 - matplotlib gives it
        """Return one date, as under the pointer."""
        return day_of(int(np.floor(x))).isoformat()

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the dates of all ticks of an axis."""
        texts, year = [], None
        for value in values:
            day = day_of(int(np.floor(value)))
            texts.append(f"{day.day} {_MONTHS[day.month - 1]}" + (f"\n{day.year}" if day.year != year else ""))
            year = day.year
        return texts


def day_axis(ax: Axes, first: int, days: int, *, name: bool = True) -> None:
    """Make the x axis show `days` days from the day number `first` on."""
    # A datetime that a caller draws later (a mark for a fix) is drawn at the right day.
    ax.xaxis.axis_date("UTC")
    ax.xaxis.set_major_locator(DayLocator(first, first + days - 1))
    ax.xaxis.set_major_formatter(DayFormatter())
    # A single day would be a wall from side to side.
    spare = max(0.0, (5 - days) / 2)
    ax.set_xlim(first - spare, first + days + spare)
    if name:
        ax.set_xlabel("day (UTC)", loc="right", labelpad=1)


def runs(flags: Bools) -> list[tuple[int, int]]:
    """Return start and end (exclusive) of each run of true.

    Examples
    --------
    >>> runs(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def boxes(left: npt.ArrayLike, right: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> Path:
    """Return many rectangles as one path: one path draws, and is written, far faster than many."""
    x0, x1, y0, y1 = np.broadcast_arrays(*(np.asarray(edge, float) for edge in (left, right, low, high)))
    corners = np.stack([x0, y0, x0, y1, x1, y1, x1, y0, x0, y0], axis=-1).reshape(-1, 2)
    codes = np.tile([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], len(corners) // 5)
    return Path(corners, codes.astype(Path.code_type))


def bars(first: int, low: npt.ArrayLike, high: npt.ArrayLike) -> Path:
    """Return one path that fills each day from `low` to `high`; a day where they are equal takes no point.

    Few days are bars with a gap between them; many are one step beside the other.
    """
    bottom, top = np.asarray(low, float), np.asarray(high, float)
    days = len(top)
    drawn = top > bottom
    if days <= _GAPS_UP_TO:
        gap = 0.08
        at = first + np.flatnonzero(drawn)
        return boxes(at + gap, at + 1 - gap, bottom[drawn], top[drawn])
    pieces, codes = [], []
    for start, end in runs(drawn):
        across = np.repeat(np.arange(start, end + 1), 2)[1:-1] + float(first)
        outline = np.concatenate(
            [
                np.stack([across, np.repeat(top[start:end], 2)], axis=1),
                np.stack([across, np.repeat(bottom[start:end], 2)], axis=1)[::-1],
            ]
        )
        # Points in the middle of a level line only make the file longer.
        level = np.zeros(len(outline), bool)
        level[1:-1] = (outline[1:-1, 1] == outline[:-2, 1]) & (outline[1:-1, 1] == outline[2:, 1])
        outline = outline[~level]
        pieces.append(np.concatenate([outline, outline[:1]]))
        code = np.full(len(outline) + 1, Path.LINETO, Path.code_type)
        code[0], code[-1] = Path.MOVETO, Path.CLOSEPOLY
        codes.append(code)
    if not pieces:
        return Path(np.empty((0, 2)), np.empty(0, Path.code_type))
    return Path(np.concatenate(pieces), np.concatenate(codes))


def fill(ax: Axes, path: Path, style: Style, *, zorder: float = 2.0, seam: float = 0.0, **more: Any) -> PathPatch:
    """Draw a path filled in a style; `seam` is the width of a white line around it."""
    patch = PathPatch(
        path, **{"facecolor": style.colour, "edgecolor": "white", "hatch": style.hatch or None, "linewidth": seam,
                 "zorder": zorder, **more},
    )  # fmt: skip
    # add_artist, not add_patch: the caller sets the limits, so that matplotlib need not walk every point.
    patch.set_hatch_linewidth(HATCH_WIDTH)
    ax.add_artist(patch)
    return patch


def no_report(ax: Axes, first: int, known: Bools) -> None:
    """Mark the days without a report, over the whole height: unknown, which is not zero."""
    gaps = runs(~known)
    if gaps:
        start, end = np.array(gaps).T
        path, across = boxes(first + start, first + end, 0, 1), ax.get_xaxis_transform()
        fill(ax, path, NO_REPORT, zorder=0.6, edgecolor=NO_REPORT_HATCH, transform=across)


def day_tips(view: View, series: Sequence[Series]) -> Iterator[Tip]:
    """Yield what each day with failures shows under the pointer: the date, and how many failed of which."""
    for day in range(view.days):
        parts = [(int(each.values[day]), each.name) for each in reversed(series) if each.values[day]]
        if parts:
            failed = f"{plural(sum(count for count, _ in parts), 'failed session')}"
            listed = "; ".join(f"{number(count)} {name}" for count, name in parts)
            left = view.first + day
            yield Tip(left, left + 1, f"{when(day_of(left))}: {failed} of {number(int(view.sessions[day]))} ({listed})")


def swatch(style: Style, edge: str = "white") -> Patch:
    """Return the patch that shows a style in a legend."""
    patch = Patch(facecolor=style.colour, edgecolor=edge, hatch=style.hatch or None, linewidth=0)
    patch.set_hatch_linewidth(HATCH_WIDTH)
    return patch


def no_report_entry(days: int) -> tuple[Patch, str]:
    """Return the legend's entry for days without a report."""
    return swatch(NO_REPORT, NO_REPORT_HATCH), f"{plural(days, 'day')} without any report: unknown"


def draw_stack(ax: Axes, view: View, series: Sequence[Series]) -> int:
    """Draw series on top of each other; return the height of the stack."""
    base = np.zeros(view.days, np.int64)
    for each in series:
        path = bars(view.first, base, base + each.values)
        fill(ax, path, each.style, seam=0.6 if view.days <= _SEAMS_UP_TO else 0)
        base = base + each.values
    return int(base.max(initial=0))


def stack_entries(series: Sequence[Series], unknown_days: int = 0) -> list[tuple[Patch, str]]:
    """Return the legend's entry of each series, top of the stack first, and of the days without a report."""
    # The count leads: a name that begins with an underscore would be left out by matplotlib.
    entries = [(swatch(each.style), f"{number(each.total)}  {each.name}") for each in reversed(series)]
    return [*entries, no_report_entry(unknown_days)] if unknown_days else entries


def count_axis(ax: Axes, highest: int, ticks: int = 5) -> None:
    """Make the y axis show whole counts from zero, with room above the highest."""
    ax.set_ylim(0, max(highest * 1.14, 1))
    ax.yaxis.set_major_locator(MaxNLocator(ticks, integer=True, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def count_points(highest: int) -> float:
    """Return the points that the counts of a y axis take next to it."""
    return width(number(highest * 1.14 + 1), TEXT_SIZE) + 8


def name_peak(ax: Axes, view: View, day: int, prefix: str = "") -> None:
    """Write the count and the date of a day at its top."""
    highest, part = int(view.failed[day]), (day + 0.5) / view.days
    ax.annotate(
        f"{prefix}{number(highest)} on {when(day_of(view.first + day))}", (view.first + day + 0.5, highest),
        xytext=(0, 3), textcoords="offset points", ha="left" if part < 0.2 else "right" if part > 0.8 else "center",
        va="bottom", size=TEXT_SIZE - 0.5, family=FONT, color=INK, zorder=4,
        bbox={"facecolor": PANEL, "edgecolor": "none", "pad": 0.8, "alpha": 0.85},
    )  # fmt: skip
