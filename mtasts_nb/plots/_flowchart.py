"""The flowchart as a picture: one drawing that the package holds, with the path that a walk took marked in it."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from ..diagnosis import flowchart as chart_of_flow
from ..markup import one_line, plural
from ._show import Picture

if TYPE_CHECKING:
    from ..diagnosis import Walk

__all__ = ["flowchart"]

#: Pixels of the part around the current position.
_WIDTH, _HEIGHT = 760, 600
_SIZE: Final = re.compile(r'width="(\d+)" height="(\d+)" viewBox="[^"]*"')
_ELEMENT: Final = re.compile(r'<g class="([^"]*)" id="([^"]*)">')
_LABEL: Final = re.compile(r'(id="([^"]*)">.*?<text (?:class="number" )?x="\d+" y="\d+">)[^<]*(?=</text></g>)')


@cache
def _drawing() -> str:
    """Return the whole chart; `make flowchart` writes it."""
    return (resources.files("mtasts_nb.diagnosis.flowchart") / "flowchart.svg").read_text(encoding="utf-8")


def flowchart(walk: Walk | None = None, *, whole: bool = False) -> Picture:
    """Return the flowchart as SVG, with the path that a walk took.

    Positions that the walk passed have a thick border and a number, the current one says "here"; edges taken are thick.
    In the SVG they have the classes ``done`` and ``here``.

    Parameters
    ----------
    walk : Walk, optional
        Without one, the whole chart, with nothing marked.
    whole : bool
        The whole chart, to scroll in, in place of the part around the current position.

    Returns
    -------
    Picture
        `.svg` is the text of the SVG, `.alt` describes it in sentences. It holds no script and no address, is opaque,
        and follows the reader's choice of light or dark. A notebook shows it.

    Examples
    --------
    >>> from mtasts_nb.diagnosis import Walk
    >>> picture = flowchart(Walk("report"))
    >>> picture.svg[:4], picture.alt[:55]
    ('<svg', 'Part of a flowchart of 101 questions and 93 causes. The')
    """
    if walk is None:
        return Picture(_alt(None, whole=True), svg=_drawing())
    svg = _marked(_drawing(), walk)
    return Picture(_alt(walk, whole=whole), svg=svg if whole else _cropped(svg, walk.position))


def _marked(svg: str, walk: Walk) -> str:
    """Return the chart with classes for the path taken, numbers at its boxes, and only the given answers at its edges."""
    entry = f"{walk.start}--{walk.chart.starts[walk.start]}"
    classes = {walk.start: " done", entry: " done"}
    labels: dict[str, list[str]] = {}
    for start, answer, end in walk.edges:
        classes[f"{start}--{end}"] = " done"
        labels.setdefault(f"{start}--{end}", []).append(answer.value)
    for number, position in enumerate(walk.path[:-1], start=1):
        classes[position] = " done"
        labels.setdefault(position, []).append(str(number))
    classes[walk.position] = " here"
    labels[walk.position] = ["here"]
    svg = _ELEMENT.sub(lambda group: f'<g class="{group[1]}{classes.get(group[2], "")}" id="{group[2]}">', svg)

    def labelled(match: re.Match[str]) -> str:
        own = labels.get(match[2])
        return match[0] if own is None else match[1] + ", ".join(dict.fromkeys(own))

    return _LABEL.sub(labelled, svg)


def _cropped(svg: str, position: str) -> str:
    """Return the part of the chart around a box, in its own size."""
    box = re.search(rf'id="{position}">.*?<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', svg)
    size = _SIZE.search(svg)
    assert box is not None
    assert size is not None
    x, y, width, height = map(int, box.groups())
    wide, high = map(int, size.groups())
    left = min(max(x + width // 2 - _WIDTH // 2, 0), wide - _WIDTH)
    top = min(max(y + height // 2 - _HEIGHT // 2, 0), high - _HEIGHT)
    view = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="{left} {top} {_WIDTH} {_HEIGHT}"'
    return _SIZE.sub(view, svg, count=1)


def _alt(walk: Walk | None, *, whole: bool) -> str:
    chart = chart_of_flow()
    size = f"flowchart of {plural(len(chart.nodes), 'question')} and {plural(len(chart.leaves), 'cause')}"
    if walk is None:
        starts = ", ".join(f"“{title}”" for title in chart.start_titles.values())
        return f"A {size}, from {starts} down to the causes."
    parts = [f"{'A' if whole else 'Part of a'} {size}."]
    start, title = chart.start_titles[walk.start], one_line(chart.title(walk.position), 120)
    parts.append(f"The path taken from “{start}” passes {plural(len(walk.steps), 'position')}.")
    last = [
        f"“{one_line(chart.title(step.position), 120)}”: {step.answer.value if step.answer else step.by.value}"
        for step in walk.steps[-3:]
    ]
    if last:
        parts.append(f"{'The last ones' if len(walk.steps) > len(last) else 'They'} are: {'; '.join(last)}.")
    if walk.node is None:
        parts.append(f"It ends at the cause “{title}”.")
    else:
        ends = [f"{answer.value} to “{one_line(chart.title(end), 80)}”" for answer, end in walk.node.to.items()]
        parts.append(f"The current question is “{title}”; it leads by {', '.join(ends)}.")
    return " ".join(parts)
