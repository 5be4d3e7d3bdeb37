"""Where a figure is drawn: an Axes that shows itself, its headings, its legend, and what an empty one says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from ._alt import set_alt
from ._style import FONT, INK, PANEL, TEXT_SIZE, TITLE_SIZE, WIDTH, dress, ink_around
from ._text import fit, width, wrap

if TYPE_CHECKING:
    from matplotlib.artist import Artist

    from ._view import View

__all__ = ["Legend", "ReportAxes", "empty", "headings", "new_axes", "points_across"]

_LINE = TEXT_SIZE * 1.32
Legend = Sequence[tuple["Artist", str]]


class ReportAxes(Axes):
    """An Axes that a notebook shows as a picture with its alternative text, without pyplot and its open figures."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        from ._show import show

        return show(self)._repr_mimebundle_(include, exclude)


def new_axes(ax: Axes | None, plot_height: float, below: float = 0.0, lines: int = 2) -> Axes:
    """Return the Axes to draw on: the caller's, emptied, or one on a new figure.

    Parameters
    ----------
    ax : Axes or None
        The caller's.
    plot_height : float
        Height of the panel, in inches.
    below : float
        Height of what comes below it, in inches, beside the dates.
    lines : int
        Lines of text above it, beside the title.
    """
    if ax is not None:
        return ax
    height = plot_height + below + 0.75 + (TITLE_SIZE * 1.3 + lines * _LINE) / 72
    figure = Figure(figsize=(WIDTH, height), layout="constrained", facecolor=PANEL)
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)  # type: ignore[union-attr, call-arg]
    return figure.add_subplot(axes_class=ReportAxes)


def points_across(ax: Axes | None) -> float:
    """Return about how wide the panel is, in points; None stands for a new figure."""
    if ax is None:
        return (WIDTH - 0.75) * 72
    figure = ax.get_figure(root=False)
    assert figure is not None
    points: float = ax.get_position().width * figure.bbox.width / figure.dpi * 72
    return max(points, 60.0)


def headings(ax: Axes, title: str, notes: Sequence[str]) -> None:
    """Write the title, and below it, smaller, what else a reader must know; both wrapped to the panel."""
    across = points_across(ax)
    lines = [line for note in notes if note for line in wrap(note, across, TEXT_SIZE)]
    top = 5.0
    if lines:
        ax.annotate(
            "\n".join(lines),
            (0, 1),
            xytext=(0, top),
            xycoords="axes fraction",
            textcoords="offset points",
            va="bottom",
            color=ink_around(ax, quiet=True),
            size=TEXT_SIZE,
            family=FONT,
            linespacing=1.25,
            annotation_clip=False,
        )
        top += len(lines) * _LINE + 3
    wrapped = wrap(title, across, TITLE_SIZE, "bold")
    ax.set_title("\n".join(wrapped), loc="left", pad=top, linespacing=1.15, size=TITLE_SIZE, weight="bold",
                 color=ink_around(ax), family=FONT)


def legend_rows(entries: Legend, across: float) -> tuple[int, int]:
    """Return columns and rows of a legend in a width, in points."""
    if not entries:
        return 1, 0
    widest = max(width(text, TEXT_SIZE) for _, text in entries) + 3.6 * TEXT_SIZE
    # The first row stands beside the name of the x axis, at the right.
    columns = max(1, min(3, int((across - 50) / widest), -(-len(entries) // 3)))
    return columns, -(-len(entries) // columns)


def legend(ax: Axes, entries: Legend, *, dates: bool = True) -> None:
    """Write the legend below the panel and its dates, top of the stack first."""
    if not entries:
        return
    across = points_across(ax)
    columns, _ = legend_rows(entries, across)
    figure = ax.get_figure(root=False)
    assert figure is not None
    drop = ScaledTranslation(0, -(3.6 if dates else 0.6) * TEXT_SIZE / 72, figure.dpi_scale_trans)
    box = ax.legend(
        [artist for artist, _ in entries],
        [fit_legend(text, across) for _, text in entries],
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=ax.transAxes + drop,
        ncols=columns,
        frameon=True,
        facecolor=PANEL,
        edgecolor=PANEL,
        framealpha=1.0,
        borderpad=0.2,
        borderaxespad=0,
        handlelength=1.7,
        handleheight=1.0,
        handletextpad=0.6,
        columnspacing=1.6,
        labelspacing=0.35,
        prop={"family": FONT, "size": TEXT_SIZE},
        labelcolor=INK,
    )
    box.set_zorder(0)


def fit_legend(text: str, across: float) -> str:
    """Return a legend's text clipped to the panel."""
    return text if width(text, TEXT_SIZE) + 3.6 * TEXT_SIZE <= across + 20 else fit(
        text.replace(r"\$", "$"), across + 20 - 3.6 * TEXT_SIZE, TEXT_SIZE
    )


def empty(ax: Axes | None, view: View, told: str = "") -> Axes:
    """Return an Axes that says that there is nothing to show, and why."""
    axes = new_axes(ax, 1.2, lines=0)
    dress(axes, grid=False)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
    about = f" about {view.about}" if view.domains else ""
    period = f", {view.dates} UTC" if view.days > 1 else ""
    said = told or f"No reports{about} in this period{period}."
    axes.text(
        0.5,
        0.5,
        "\n".join(wrap(said, points_across(axes) * 0.95, TEXT_SIZE + 1)),
        transform=axes.transAxes,
        ha="center",
        va="center",
        size=TEXT_SIZE + 1,
        family=FONT,
        color=INK,
    )
    set_alt(axes, f"An empty figure. {said} No report is not the same as no failure.")
    return axes
