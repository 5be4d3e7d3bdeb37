"""What of the flowchart is drawn: the boxes, the edges, and which of them are on the way taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ..markup import plural

if TYPE_CHECKING:
    from ..diagnosis import Answer, Flowchart, Node, Walk, WalkStep

__all__ = ["Box", "Drawn", "Line", "Passed", "around", "passed", "whole"]

#: Questions that were passed one after the other without trouble become one box from this many on.
_FOLDED_FROM: Final = 3
#: Questions right before the end that are never folded: what led there.
_LAST_SHOWN: Final = 2
_BY: Final = {"evidence": "evidence", "you": "you", "mended": "taken as mended", "jump": "jump"}


@dataclass(frozen=True, slots=True)
class Passed:
    """One place of the way: the answer given there, or how it was left without one, and what an edge says of it."""

    place: str
    answer: Answer | None
    words: str


@dataclass(slots=True)
class Box:
    """One box: its kind (start, question, cause, fold), its text, whether it is on the way, and its badge."""

    kind: str
    text: str
    lit: bool = False
    badge: str = ""


@dataclass(slots=True)
class Line:
    """One edge: what stands beside it, whether it is on the way, and whether it is a leap that the chart has not."""

    words: str
    lit: bool = False
    leap: bool = False


@dataclass(slots=True)
class Drawn:
    """Boxes and edges in the order in which they are to be laid out, and the main way."""

    boxes: dict[str, Box] = field(default_factory=dict)
    lines: dict[tuple[str, str], Line] = field(default_factory=dict)
    spine: list[str] = field(default_factory=list)


def passed(chart: Flowchart, path: Sequence[str] | Walk) -> tuple[str | None, list[Passed], str]:
    """Return the start, the places passed, and the present place (empty where there is no way).

    Raises
    ------
    ValueError
        A place that the chart has not.
    """
    from ..diagnosis import Walk

    if isinstance(path, Walk):
        return path.start, [_passed_in_walk(step) for step in path.steps], path.place
    if isinstance(path, str):
        raise TypeError(f"path is the text {path!r}: expected a sequence of places, or a walk")
    places = list(path)
    for place in places:
        if place not in chart.nodes and place not in chart.leaves:
            raise ValueError(f"the flowchart has no {place!r}: expected names of its nodes, or codes of its causes")
    if not places:
        return None, [], ""
    start = next((name for name, first in chart.starts.items() if first == places[0]), None)
    steps = []
    for place, following in pairwise(places):
        answers = [answer for answer, way in _ways(chart, place) if way == following]
        steps.append(Passed(place, answers[0] if answers else None, answers[0].value if answers else "jump"))
    return start, steps, places[-1]


def _passed_in_walk(step: WalkStep) -> Passed:
    by = _BY.get(step.by, "")
    words = f"{step.answer.value} · {by}" if step.answer is not None else by
    return Passed(step.place, step.answer, words + (", against the evidence" if step.overruled else ""))


def _ways(chart: Flowchart, place: str) -> list[tuple[Answer, str]]:
    node = chart.nodes.get(place)
    return [] if node is None else list(node.ways.items())


def _box(chart: Flowchart, place: str) -> Box:
    return Box("cause" if chart.is_leaf(place) else "question", chart.title(place))


def _clear(node: Node | None, answer: Answer | None) -> bool:
    return node is not None and answer is not None and node.clear is not None and answer == node.clear


def whole(chart: Flowchart, path: Sequence[str] | Walk) -> Drawn:
    """Return every question and cause, with the way lit."""
    start, steps, here = passed(chart, path)
    drawn = Drawn()
    for name, first in chart.starts.items():
        drawn.boxes[f"start {name}"] = Box("start", chart.start_titles[name], lit=name == start)
        drawn.lines[f"start {name}", first] = Line("", lit=name == start)
    for place in (*chart.nodes, *chart.leaves):
        drawn.boxes[place] = _box(chart, place)
    for node in chart.nodes.values():
        for answer, way in node.ways.items():
            _add(drawn, node.id, way, answer.value)
    _light(drawn, steps, here)
    drawn.spine = _all_well(chart)
    return drawn


def _all_well(chart: Flowchart) -> list[str]:
    """Return the longest way on which nothing is wrong: what everything else branches off."""
    longest: list[str] = []
    for name, first in chart.starts.items():
        way, place = [f"start {name}"], first
        while place in chart.nodes and place not in way:
            way.append(place)
            node = chart.nodes[place]
            place = node.way(node.clear) if node.clear is not None else node.no
        if len(way) > len(longest):
            longest = way
    return longest


def around(chart: Flowchart, path: Sequence[str] | Walk, *, fold: bool = True) -> Drawn:
    """Return the way taken, with the ways that were not taken beside it; `fold` puts what went well into one box."""
    start, steps, here = passed(chart, path)
    drawn = Drawn()
    groups = _grouped(chart, steps, fold=fold)
    names: list[str] = []
    if start is not None:
        names.append(f"start {start}")
        drawn.boxes[names[0]] = Box("start", chart.start_titles[start], lit=True)
    before: Line | None = Line("", lit=True)
    number = 0
    for group in groups:
        first = group[0]
        name = first.place if len(group) == 1 else f"fold {first.place}"
        if len(group) > 1:
            text = _folded(chart, group)
            drawn.boxes[name] = Box("fold", text, lit=True, badge=f"{number + 1}–{number + len(group)}")
        elif name in drawn.boxes:  # the way came by here before
            drawn.boxes[name].badge += f", {number + 1}"
        else:
            drawn.boxes[name] = _box(chart, name)
            drawn.boxes[name].lit, drawn.boxes[name].badge = True, str(number + 1)
        number += len(group)
        _join(drawn, names, name, before)
        names.append(name)
        last = group[-1]
        before = Line(last.words if len(group) == 1 else "", lit=True, leap=last.answer is None)
    if here:
        if here not in drawn.boxes:
            drawn.boxes[here] = _box(chart, here)
        drawn.boxes[here].lit = True
        drawn.boxes[here].badge = "here"
        _join(drawn, names, here, before)
        names.append(here)
    _beside(chart, drawn, [name for name in names if name in chart.nodes])
    drawn.spine = list(dict.fromkeys(names))
    return drawn


def _grouped(chart: Flowchart, steps: list[Passed], *, fold: bool) -> list[list[Passed]]:
    """Return the places passed, those that went well one after the other together."""
    groups: list[list[Passed]] = []
    run: list[Passed] = []

    def close() -> None:
        groups.extend([run.copy()] if len(run) >= _FOLDED_FROM else [[one] for one in run])
        run.clear()

    for number, step in enumerate(steps):
        node = chart.nodes.get(step.place)
        quiet = "against" not in step.words and (_clear(node, step.answer) or _left_open(step))
        if fold and quiet and number < len(steps) - _LAST_SHOWN:
            run.append(step)
        else:
            close()
            groups.append([step])
    close()
    return groups


def _left_open(step: Passed) -> bool:
    """Return whether the evidence could not tell, and led on all the same."""
    return step.answer is not None and step.words == f"cannot tell · {_BY['evidence']}"


def _folded(chart: Flowchart, group: list[Passed]) -> str:
    well = sum(_clear(chart.nodes.get(step.place), step.answer) for step in group)
    rest = len(group) - well
    if not rest:
        return f"{plural(well, 'question')} passed, nothing wrong"
    return f"{plural(len(group), 'question')} passed: {well} with nothing wrong, {rest} left open"


def _join(drawn: Drawn, names: list[str], name: str, line: Line | None) -> None:
    if names and names[-1] != name and line is not None:
        drawn.lines.setdefault((names[-1], name), line)


def _beside(chart: Flowchart, drawn: Drawn, places: list[str]) -> None:
    """Add where the other answers of the places would have led to."""
    way = set(drawn.boxes)
    for place in places:
        for answer, other in _ways(chart, place):
            if other in way:
                continue
            if other not in drawn.boxes:
                drawn.boxes[other] = _box(chart, other)
            _add(drawn, place, other, answer.value)


def _add(drawn: Drawn, start: str, end: str, answer: str) -> None:
    line = drawn.lines.get((start, end))
    if line is None:
        drawn.lines[start, end] = Line(answer)
    else:
        line.words += f" / {answer}"


def _light(drawn: Drawn, steps: list[Passed], here: str) -> None:
    ends = [step.place for step in steps[1:]] + [here]
    for number, (step, end) in enumerate(zip(steps, ends, strict=False), start=1):
        box = drawn.boxes[step.place]
        box.lit, box.badge = True, f"{box.badge}, {number}" if box.badge else str(number)
        if step.place == end:
            continue
        line = drawn.lines.get((step.place, end))
        if line is None:
            line = drawn.lines[step.place, end] = Line(step.words, leap=True)
        line.lit = True
    if here:
        drawn.boxes[here].lit, drawn.boxes[here].badge = True, "here"
