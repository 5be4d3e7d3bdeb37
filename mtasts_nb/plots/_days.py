"""Days on the x axis: dates that never overlap, bars a day wide, and the days that nobody reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.ticker import Formatter, Locator

from ..markup import plural
from ._style import HATCH_WIDTH, NO_REPORT, NO_REPORT_HATCH, TEXT_SIZE, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "DayFormatter",
    "DayLocator",
    "bars",
    "boxes",
    "day_axis",
    "day_of",
    "no_report",
    "no_report_patch",
    "runs",
    "swatch",
]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_EPOCH = date(1970, 1, 1)
# English, whatever the machine's locale says: the rest of the figure is English too.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Points that a date takes on the axis, with the space to the next one.
_DATE_POINTS = TEXT_SIZE * 4.6
#: Up to so many days, each is a bar of its own with a gap; beyond, a step.
_GAPS_UP_TO = 45


def day_of(number: int) -> date:
    """Return the date of a day number.

    Examples
    --------
    >>> day_of(20000).isoformat()
    '2024-10-04'
    """
    return _EPOCH + timedelta(days=number)


class DayLocator(Locator):
    """Ticks in the middle of days, as many as the width of the axis has room for, whatever the zoom.

    Parameters
    ----------
    first, last : int
        The days that there are, as day numbers.
    """

    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last

    def __call__(self) -> Sequence[float]:
        """Return where the ticks are, for the limits and the size that the axis has now."""
        assert self.axis is not None
        low, high = sorted(self.axis.get_view_interval())
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Return the middles of the days to name between two day numbers."""
        panel = cast("Axes", self.axis.axes)  # type: ignore[union-attr]
        figure = panel.get_figure(root=True)
        assert figure is not None
        points = panel.bbox.width / figure.dpi * 72
        per_day = max(points, 1.0) / max(vmax - vmin, 1e-6)
        # Half a date must fit between its tick and the end of the axis, but for the margin of the figure.
        spare = (_DATE_POINTS / 2 - 10) / per_day
        first = max(int(np.ceil(vmin + spare - 0.5)), self._first)
        last = min(int(np.floor(vmax - spare - 0.5)), self._last)
        if last < first:
            return []
        step = next((step for step in (1, 2, 7, 14) if step * per_day >= _DATE_POINTS), None)
        if step is None:
            days = self._months(first, last, per_day)
        else:
            # Weeks begin on Monday; day 4 of the epoch was one.
            days = [*range(first if step < 7 else first + (4 - first) % 7, last + 1, step)]
        return [day + 0.5 for day in days or [first]]

    @staticmethod
    def _months(first: int, last: int, per_day: float) -> list[int]:
        steps = (step for step in (1, 2, 3, 6, 12) if 28 * step * per_day >= _DATE_POINTS)
        step = next(steps, 12 * int(np.ceil(_DATE_POINTS / 365 / per_day)))
        return [day for day in _firsts(day_of(first), step) if first <= day <= last]


def _firsts(start: date, step: int) -> list[int]:
    """Return the day numbers of the first of every `step`-th month, for 300 months at most."""
    month = start.year * 12 + start.month - 1
    month += -month % step
    months = range(month, min(month + 300 * step, 9999 * 12 + 12), step)
    return [(date(number // 12, number % 12 + 1, 1) - _EPOCH).days for number in months]


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
    # A datetime that a caller draws later (a mark for a fix) lands where it should.
    ax.xaxis.axis_date("UTC")
    ax.xaxis.set_major_locator(DayLocator(first, first + days - 1))
    ax.xaxis.set_major_formatter(DayFormatter())
    # One day alone would be a wall from side to side.
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
        path,
        facecolor=style.colour,
        edgecolor="white",
        hatch=style.hatch or None,
        linewidth=seam,
        zorder=zorder,
        **more,
    )
    # add_artist, not add_patch: the limits are set by who knows them, not by walking every point.
    patch.set_hatch_linewidth(HATCH_WIDTH)
    ax.add_artist(patch)
    return patch


def no_report(ax: Axes, first: int, known: Bools) -> None:
    """Mark the days for which no report came, over the whole height: unknown, which is not zero."""
    gaps = runs(~known)
    if gaps:
        start, end = np.array(gaps).T
        patch = PathPatch(
            boxes(first + start, first + end, 0, 1),
            facecolor=NO_REPORT.colour,
            edgecolor=NO_REPORT_HATCH,
            hatch=NO_REPORT.hatch,
            linewidth=0,
            zorder=0.6,
            transform=ax.get_xaxis_transform(),
        )
        patch.set_hatch_linewidth(HATCH_WIDTH)
        ax.add_artist(patch)


def swatch(style: Style, edge: str = "white") -> Patch:
    """Return the sign of a style for a legend."""
    patch = Patch(facecolor=style.colour, edgecolor=edge, hatch=style.hatch or None, linewidth=0)
    patch.set_hatch_linewidth(HATCH_WIDTH)
    return patch


def no_report_patch(days: int) -> tuple[Patch, str]:
    """Return the legend's sign and words for days without a report."""
    return swatch(NO_REPORT, NO_REPORT_HATCH), f"{plural(days, 'day')} without any report: unknown"
