"""Draws the flowchart with Graphviz: `make flowchart` writes the picture that the package holds.

Graphviz lays out boxes and edges; the SVG is written here, so that it is small and has a class for everything. Boxes
are measured for DejaVu Sans, which is wider than the fonts that a browser uses instead.
"""

from __future__ import annotations

import json
import subprocess
import textwrap
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from mtasts_nb import diagnosis
from mtasts_nb.diagnosis import Answer, Flowchart

FILE = Path(diagnosis.__file__).parent / "flowchart" / "flowchart.svg"
#: Characters in a line of a box, and its width in inches (72 units of the picture).
WRAP, WIDTH = 24, 2.45
LINE, MARGIN = 16, 16

# Width, dashes, shapes and words say what colour says too. All text has a contrast of 4.5:1 or more with what is
# behind it (WCAG 2.2, 1.4.3), lines 3:1. A page that includes the picture may set the variables.
STYLE = """
.sts-flowchart{--ground:#fff;--ink:#1f2328;--quiet:#57606a;--box:#f6f8fa;--line:#7d8590;--taken:#0a58a8;--tint:#e3effb;\
--cause:#fff3d1;color:var(--ink);font:13px system-ui,-apple-system,Segoe UI,Roboto,Noto Sans,DejaVu Sans,sans-serif}
@media(prefers-color-scheme:dark){.sts-flowchart{--ground:#14181d;--ink:#e7eaee;--quiet:#a9b4c0;--box:#1d232a;\
--line:#77828e;--taken:#8fc1ff;--tint:#17304b;--cause:#3a3013}}
.sts-flowchart text{fill:currentColor;text-anchor:middle}
.sts-flowchart .ground{fill:var(--ground)}
.sts-flowchart rect{fill:var(--box);stroke:var(--line)}
.sts-flowchart .cause rect{fill:var(--cause)}
.sts-flowchart .edge{fill:none;stroke:var(--line);stroke-width:1.3}
.sts-flowchart .edge.cannot-tell{stroke-dasharray:5 4}
.sts-flowchart .tip{fill:var(--line);stroke:none}
.sts-flowchart .edge text{font-size:12px;fill:var(--quiet);stroke:var(--ground);stroke-width:4px;paint-order:stroke}
.sts-flowchart .number{font-weight:700;text-anchor:start;fill:var(--taken);stroke:var(--ground);stroke-width:4px;paint-order:stroke}
.sts-flowchart :is(.done,.here) rect{stroke:var(--taken);stroke-width:3}
.sts-flowchart .question:is(.done,.here) rect{fill:var(--tint)}
.sts-flowchart .edge.done{stroke:var(--taken);stroke-width:3}
.sts-flowchart .edge.done .tip{fill:var(--taken)}
.sts-flowchart .edge.done text{font-weight:600;fill:currentColor}
""".replace("\n", "")


def lines(chart: Flowchart, name: str) -> list[str]:
    """Return the text of a box, in lines."""
    if name in chart.starts:
        text = chart.start_titles[name]
    else:
        text = ("Cause: " if name in chart.leaves else "") + chart.title(name)
    return textwrap.wrap(text, WRAP, break_on_hyphens=False)


def edges(chart: Flowchart) -> dict[tuple[str, str], list[Answer]]:
    """Return the answers that lead from one box to another."""
    answers: dict[tuple[str, str], list[Answer]] = {(name, first): [] for name, first in chart.starts.items()}
    for start, answer, end in chart.edges:
        answers.setdefault((start, end), []).append(answer)
    return answers


def trunk(chart: Flowchart) -> frozenset[str]:
    """Return what is passed where nothing is wrong: one column, from which everything else branches off."""
    name, passed = "deferred", set()
    while name:
        passed.add(name)
        node = chart.nodes.get(name)
        name = chart.starts.get(name, "") if node is None else node.to[node.all_clear]
    return frozenset(passed)


def layout(chart: Flowchart) -> dict[str, Any]:
    """Return where Graphviz places boxes, edges and labels."""
    column = trunk(chart)
    rows = [
        "digraph { nodesep=0.2; ranksep=0.36",
        f'node [shape=box, fontname="DejaVu Sans", fontsize=13, width={WIDTH}, margin="0.08,0.07"]',
        'edge [fontname="DejaVu Sans", fontsize=12]',
    ]
    boxes = {
        name: f"{json.dumps(name)} [label={json.dumps(chr(10).join(lines(chart, name)))}"
        f"{', group=trunk' if name in column else ''}]"
        for name in (*chart.starts, *chart.nodes, *chart.leaves)
    }
    arrows = {
        (
            start,
            end,
        ): f'"{start}" -> "{end}" [label="{" / ".join(answers)}", weight={40 if {start, end} <= column else 1}]'
        for (start, end), answers in edges(chart).items()
    }
    # Graphviz begins with what it reads first: with the starts first, the picture is a third narrower.
    rows += [boxes.pop(name) for name in chart.starts] + [arrows.pop(edge) for edge in chart.starts.items()]
    rows += [*boxes.values(), *arrows.values()]
    source = "\n".join([*rows, "}"])
    done = subprocess.run(["dot", "-Tjson0"], input=source, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def draw(chart: Flowchart) -> str:
    """Return the picture."""
    laid = layout(chart)
    width, height = (round(float(edge)) for edge in laid["bb"].split(",")[2:])

    def points(text: str) -> list[tuple[int, int]]:
        pairs = (pair.split(",") for pair in text.split())
        return [(round(float(x)) + MARGIN, round(height - float(y)) + MARGIN) for x, y in pairs]

    names = {box["_gvid"]: box["name"] for box in laid["objects"]}
    width, total = width + 2 * MARGIN, height + 2 * MARGIN
    title = f"Flowchart of {len(chart.nodes)} questions and {len(chart.leaves)} causes"
    size = f'width="{width}" height="{total}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sts-flowchart" role="img" {size} viewBox="0 0 {width} {total}">',
        f'<title>{title}</title><style>{STYLE}</style><rect class="ground" {size}/>',
    ]
    for edge in laid["edges"]:
        parts += _edge(chart, names[edge["tail"]], names[edge["head"]], edge, points)
    for box in laid["objects"]:
        size = (round(float(box["width"]) * 72), round(float(box["height"]) * 72))
        parts += _box(chart, box["name"], points(box["pos"])[0], size)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _edge(chart: Flowchart, start: str, end: str, edge: dict[str, Any], points: Any) -> Iterator[str]:
    answers = edges(chart)[start, end]
    tip, first, *rest = points(edge["pos"].removeprefix("e,"))
    path = f"M{_pair(first)}C{' '.join(map(_pair, rest))}"
    (x, y), (to_x, to_y) = rest[-1], tip
    side_x, side_y = round((to_y - y) * 0.4), round((x - to_x) * 0.4)
    arrow = f"M{_pair(tip)}L{x + side_x} {y + side_y}L{x - side_x} {y - side_y}z"
    only = " cannot-tell" if answers == [Answer.CANNOT_TELL] else ""
    words = " / ".join(answers)
    title = f"{words}: {chart.title(end)}" if words else chart.title(end)
    label = ""
    if words:
        [(at, down)] = points(edge["lp"])
        label = f'<text x="{at + 4}" y="{down + 4}">{words}</text>'
    yield (
        f'<g class="edge{only}" id="{start}--{end}"><title>{escape(title)}</title><path d="{path}"/>'
        f'<path class="tip" d="{arrow}"/>{label}</g>'
    )


def _box(chart: Flowchart, name: str, middle: tuple[int, int], size: tuple[int, int]) -> Iterable[str]:
    (x, y), (wide, high) = middle, size
    left, top = x - wide // 2, y - high // 2
    kind, round_ = (
        ("start", high // 2) if name in chart.starts else ("question", 8) if name in chart.nodes else ("cause", 0)
    )
    text = lines(chart, name)
    first = y - (len(text) - 1) * LINE / 2 + 4.5
    spans = "".join(
        f'<tspan x="{x}" y="{first + number * LINE:.0f}">{escape(line)}</tspan>' for number, line in enumerate(text)
    )
    yield (
        f'<g class="{kind}" id="{name}"><title>{escape(" ".join(text))}</title>'
        f'<rect x="{left}" y="{top}" width="{wide}" height="{high}" rx="{round_}"/><text>{spans}</text>'
        f'<text class="number" x="{left}" y="{top - 5}"></text></g>'
    )


def _pair(point: tuple[int, int]) -> str:
    return f"{point[0]} {point[1]}"


if __name__ == "__main__":
    FILE.write_text(draw(diagnosis.flowchart()), encoding="utf-8", newline="\n")
