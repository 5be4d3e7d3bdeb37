"""The canvas of a figure: an Axes that shows itself, and the headings and the legend around its panel.

All sizes around the panel are known in points beforehand, so that nothing has to be drawn twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import LayoutEngine
from matplotlib.patches import Patch
from matplotlib.transforms import ScaledTranslation

from ._show import set_alt, set_empty, show
from ._style import (
    FIGURE_WIDTH,
    FONT,
    HATCH_WIDTH,
    INK,
    PANEL,
    ROW,
    TEXT_SIZE,
    TITLE_SIZE,
    dress,
    fit,
    ink_around,
    width,
    wrap,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist

__all__ = ["DATES", "Legend", "ReportAxes", "empty", "empty_without_reports", "lay_out", "name_rows", "total_points"]

Legend = Sequence[tuple["Artist", str]]

#: Points that dates take below a panel: two lines, and the name of the axis.
DATES: Final = TEXT_SIZE * 4.3
_EDGE: Final = 7.0
_LINE: Final = TEXT_SIZE * 1.34
_TITLE_LINE: Final = TITLE_SIZE * 1.3
_KEY: Final = TEXT_SIZE * 2.4
_KEY_ROW: Final = TEXT_SIZE * 1.52
_KEY_GAP: Final = TEXT_SIZE * 1.8
_AXIS_NAME: Final = 52.0


class ReportAxes(Axes):
    """An Axes that a notebook shows as a picture with its alternative text, without pyplot and its open figures."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        return show(self)._repr_mimebundle_(include, exclude)


class _Margins(LayoutEngine):
    """Margins in points around the one panel, whatever size the figure is given later."""

    _adjust_compatible = False
    _colorbar_gridspec = True

    def __init__(self, axes: Axes, left: float, right: float, bottom: float, top: float) -> None:
        super().__init__()
        self._axes, self._edges = axes, (left, right, bottom, top)

    def execute(self, fig: Figure) -> None:
        """Place the panel."""
        left, right, bottom, top = self._edges
        across, up = (72 * inches for inches in fig.get_size_inches())
        if self._axes.figure is fig:
            self._axes.set_position(
                (left / across, bottom / up, max(across - left - right, 9) / across, max(up - bottom - top, 9) / up)
            )


def total_points(ax: Axes | None) -> float:
    """Return about how wide panel and labels together may be, in points; None stands for a new figure."""
    if ax is None:
        return FIGURE_WIDTH.get() * 72 - 2 * _EDGE
    figure = ax.get_figure(root=False)
    assert figure is not None
    points: float = figure.bbox.width / figure.get_figure(root=True).dpi * 72
    slot = ax.get_subplotspec()
    root = figure.get_figure(root=True)
    if root.get_layout_engine() is not None and slot is not None:
        return max(points * len(slot.colspan) / slot.get_gridspec().ncols - 2 * _EDGE, 60.0)
    from_left, _, across, _ = ax.get_position().bounds
    return max(points * float(across + min(from_left, 0.09)), 60.0)


def lay_out(
    ax: Axes | None,
    height: float,
    *,
    title: str,
    notes: Sequence[str] = (),
    entries: Legend = (),
    left: float = 0.0,
    right: float = 0.0,
    below: float = DATES,
    grid: bool = True,
) -> Axes:
    """Return the Axes to draw on, the caller's or one on a new figure, with its headings and its legend.

    Parameters
    ----------
    ax : Axes or None
        The caller's.
    height : float
        Of the panel on a new figure, in points.
    title : str
        What the figure shows, with numbers.
    notes : sequence of str
        What else a reader must know, smaller; each starts a line.
    entries : sequence of (artist, str)
        The legend, below the panel and its labels.
    left, right, below : float
        Points that labels take around the panel.
    grid : bool
        Whether to draw lines across.
    """
    total = total_points(ax)
    title_lines = wrap(title, total, TITLE_SIZE, "bold")
    note_lines = [line for note in notes if note.strip() for line in wrap(note.strip(), total, TEXT_SIZE)]
    columns, rows, beside = _arrange(entries, total, named_axis=below == DATES)
    if ax is None:
        top = 8 + len(title_lines) * _TITLE_LINE + (len(note_lines) * _LINE + 5 if note_lines else 0)
        bottom = below + max(0.0, rows * _KEY_ROW + 4 - (_LINE if beside else 0)) + 3
        figure = Figure(figsize=(FIGURE_WIDTH.get(), (height + top + bottom + _EDGE) / 72), facecolor=PANEL)
        ax = figure.add_axes((0.1, 0.1, 0.8, 0.8), axes_class=ReportAxes)
        figure.set_layout_engine(_Margins(ax, left + _EDGE, right + _EDGE, bottom, top + _EDGE / 2))
        figure.get_layout_engine().execute(figure)  # type: ignore[union-attr]
    dress(ax, grid=grid)
    _headings(ax, title_lines, note_lines, left)
    if entries:
        _legend(ax, [(artist, _fit_key(text, total)) for artist, text in entries], columns,
                left, below - (_LINE if beside else 0) + 4)  # fmt: skip
    return ax


def _headings(ax: Axes, title: Sequence[str], notes: Sequence[str], left: float) -> None:
    gap = 5.0
    if notes:
        ax.annotate(
            "\n".join(notes), (0, 1), xytext=(-left, gap), xycoords="axes fraction", textcoords="offset points",
            va="bottom", color=ink_around(ax, quiet=True), size=TEXT_SIZE, family=FONT, linespacing=1.25,
            annotation_clip=False,
        )  # fmt: skip
        gap += len(notes) * _LINE + 3
    text = ax.set_title(
        "\n".join(title), loc="left", pad=gap, linespacing=1.15, size=TITLE_SIZE, weight="bold", family=FONT,
        color=ink_around(ax),
    )  # fmt: skip
    text.set_transform(text.get_transform() + _shift(ax, -left, 0))


def _shift(ax: Axes, right: float, up: float) -> ScaledTranslation:
    figure = ax.get_figure(root=False)
    assert figure is not None
    return ScaledTranslation(right / 72, up / 72, figure.dpi_scale_trans)


def _arrange(entries: Legend, total: float, *, named_axis: bool) -> tuple[int, int, bool]:
    """Return columns and rows of a legend, and whether it fits on the line of the axis's name, at the right."""
    if not entries:
        return 1, 0, False
    widest = max(width(text, TEXT_SIZE) for _, text in entries) + _KEY + _KEY_GAP
    columns = max(1, min(3, int((total + _KEY_GAP) / widest), len(entries)))
    if len(entries) > 3:  # fewer columns read better from the top of the stack down
        columns = min(columns, -(-len(entries) // 3))
    return columns, -(-len(entries) // columns), named_axis and columns * widest - _KEY_GAP <= total - _AXIS_NAME


def _legend(ax: Axes, entries: Legend, columns: int, left: float, below: float) -> None:
    box = ax.legend(
        [artist for artist, _ in entries], [text for _, text in entries], loc="upper left", bbox_to_anchor=(0, 0),
        bbox_transform=ax.transAxes + _shift(ax, -left, -below), ncols=columns, frameon=ink_around(ax) != INK,
        facecolor=PANEL, edgecolor=PANEL, framealpha=1.0, borderpad=0.0, borderaxespad=0, handlelength=1.7,
        handleheight=1.0, handletextpad=0.7, columnspacing=1.8, labelspacing=0.35, labelcolor=INK,
        prop={"family": FONT, "size": TEXT_SIZE},
    )  # fmt: skip
    box.set_zorder(0)
    for handle in box.legend_handles:
        if isinstance(handle, Patch):  # matplotlib copies the hatch, but not its width
            handle.set_hatch_linewidth(HATCH_WIDTH)


def _fit_key(text: str, total: float) -> str:
    if width(text, TEXT_SIZE) + _KEY <= total:
        return text
    return fit(text.replace(r"\$", "$"), total - _KEY, TEXT_SIZE)


def empty(ax: Axes | None, text: str, note: str = "") -> Axes:
    """Return an Axes with the reason why there is nothing to show; the note is only in its alternative text."""
    text = text.strip()
    axes = lay_out(ax, 80, title="", below=0, grid=False)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.text(
        0.5, 0.5, "\n".join(wrap(text, total_points(axes) * 0.9, TEXT_SIZE + 1)), transform=axes.transAxes, ha="center",
        va="center", size=TEXT_SIZE + 1, family=FONT, color=INK,
    )  # fmt: skip
    set_alt(axes, f"An empty figure. {text}", note)
    set_empty(axes, f"{text} {note}")
    return axes


def empty_without_reports(ax: Axes | None, text: str) -> Axes:
    """Return an empty Axes with the sentence that no report came."""
    return empty(ax, text, "No report does not mean no failure.")


def name_rows(ax: Axes, names: Sequence[str], above: float = 0.0) -> None:
    """Make the y axis show a row for each name, from top to bottom, with some room above the first."""
    for row in range(len(names)):
        ax.axhspan(row + 0.08, row + 0.92, color=ROW, linewidth=0, zorder=0.3)
    ax.set_ylim(len(names), -above)
    ax.set_yticks([row + 0.5 for row in range(len(names))], list(names))
    ax.tick_params(axis="y", length=0)
