"""Every figure in every situation: it is drawn, without a warning, and can be read."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axis import Tick
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from mtasts_nb import plots
from mtasts_nb.plots._days import DayFormatter, DayLocator, day_axis
from mtasts_nb.reports import Archive

FUNCTIONS = {
    "over time by result type": plots.failures_over_time,
    "over time by MX": lambda source, **asked: plots.failures_over_time(source, by="receiving_mx_hostname", **asked),
    "over time by reporter": lambda source, **asked: plots.failures_over_time(source, by="organization_name", **asked),
    "by MX": plots.failures_by_mx,
    "success share": plots.success_share,
    "MX by result": plots.mx_by_result,
    "reporter coverage": plots.reporter_coverage,
    "policy history": plots.policy_history,
}
Case = tuple[str, Archive, dict[str, object]]


def texts(figure: Figure) -> Iterator[tuple[Text, Bbox]]:
    """What is written in a figure, and where, after it was drawn."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    unused = _unused_tick_labels(figure)
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and id(text) not in unused:
            yield text, text.get_window_extent(renderer)


def _unused_tick_labels(figure: Figure) -> set[int]:
    """Labels of ticks beyond the limits: matplotlib keeps them, and does not draw them."""
    axes = [one for ax in figure.axes for one in (ax, *ax.child_axes)]
    both = [axis for ax in axes for axis in (ax.xaxis, ax.yaxis)]

    def labels(ticks: Iterable[Tick]) -> set[int]:
        return {id(label) for tick in ticks for label in (tick.label1, tick.label2)}

    return {one for axis in both for one in labels(axis.majorTicks) - labels(axis._update_ticks())}


@pytest.fixture(scope="session")
def drawn(situation: Case) -> dict[str, Figure]:
    """Each figure of a situation."""
    _, source, asked = situation
    return {name: draw(source, **asked).figure for name, draw in FUNCTIONS.items()}


def test_can_be_read(situation: Case, drawn: dict[str, Figure]) -> None:
    for name, figure in drawn.items():
        written = list(texts(figure))
        edge = Bbox.from_bounds(-1, -1, figure.bbox.width + 2, figure.bbox.height + 2)
        outside = [
            t.get_text() for t, box in written if not (edge.contains(box.x0, box.y0) and edge.contains(box.x1, box.y1))
        ]
        assert outside == [], name
        # Of a slanted text the box says nothing.
        upright = [(t.get_text(), box) for t, box in written if t.get_rotation() in (0, 90)]
        meeting = [(a, b) for (a, one), (b, other) in itertools.combinations(upright, 2) if _meet(one, other)]
        assert meeting == [], name


def _meet(one: Bbox, other: Bbox) -> bool:
    both = Bbox.intersection(one, other)
    return both is not None and both.width > 1.5 and both.height > 1.5


def test_no_text_is_read_as_mathematics_or_hides_characters(drawn: dict[str, Figure]) -> None:
    for figure in drawn.values():
        for text in figure.findobj(Text):
            shown, mathematics = text._preprocess_math(text.get_text())
            assert mathematics is False
            assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs") for char in shown.replace("\n", ""))
            assert len(shown) < 600


def test_alt_text_says_something_and_nothing_hidden(drawn: dict[str, Figure]) -> None:
    for figure in drawn.values():
        told = plots.alt_text(figure)
        assert told.endswith(".")
        assert 20 < len(told) < 2500
        assert told.isprintable()


def test_dates_do_not_overlap_on_a_callers_axes_as_narrow_as_a_phone(situation: Case) -> None:
    name, source, asked = situation
    for draw in FUNCTIONS.values():
        figure = Figure((3.8, 6), layout="constrained")
        ax = figure.add_subplot()
        assert draw(source, **asked, ax=ax) is ax
        assert figure.axes == [ax]
        FigureCanvasAgg(figure)
        figure.draw_without_rendering()
        for axes in (ax, *ax.child_axes):
            if isinstance(axes.xaxis.get_major_formatter(), DayFormatter):
                labels = [tick.label1 for tick in axes.xaxis._update_ticks() if tick.label1.get_visible()]
                dates = sorted((one.get_window_extent() for one in labels if one.get_text()), key=lambda box: box.x0)
                assert all(one.x1 < other.x0 for one, other in itertools.pairwise(dates)), name


@settings(max_examples=60)
@given(inches=st.floats(1.5, 30), first=st.integers(-700_000, 2_900_000), days=st.integers(1, 4000))
def test_dates_keep_their_distance_at_any_width(inches: float, first: int, days: int) -> None:
    figure = Figure((inches, 2))
    ax = figure.add_axes((0.1, 0.3, 0.8, 0.6))
    day_axis(ax, first, days)
    low, high = ax.get_xlim()
    ticks = DayLocator.__call__(ax.xaxis.get_major_locator())
    per_day = inches * 0.8 * 72 / (high - low)
    assert all(first < tick < first + days for tick in ticks)
    # The widest date, 30 Sep, takes 27 points at our size.
    assert all((later - earlier) * per_day > 30 for earlier, later in itertools.pairwise(ticks))
    assert ticks or inches < 2.5
    for text in ax.xaxis.get_major_formatter().format_ticks(ticks):
        assert re.fullmatch(r"\d{1,2} [A-Z][a-z]{2}(\n\d{1,4})?", text)
