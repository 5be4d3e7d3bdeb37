"""The flowchart as a picture: the way taken lit, what was not taken beside it, or all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ..markup import one_line, plural, svg_text
from ._flowchart_way import Box, Drawn, Line, around, passed, whole
from ._layers import Layout, Place, layered
from ._show import Picture
from ._text import width, wrap

if TYPE_CHECKING:
    from ..diagnosis import Flowchart, Walk

__all__ = ["flowchart"]

_SIZE: Final = 13.0
_LINE: Final = 17.0
_PAD: Final = 11.0
_MARGIN: Final = 16.0
_MOST_LINES: Final = 7
#: Text in a box, in pixels: with the way alone there is room for longer lines.
_TEXT_WIDTH: Final = {"way": 172.0, "whole": 158.0}
_GAP: Final = {"way": (22.0, 52.0), "whole": (16.0, 44.0)}
_PREFIX: Final = {"cause": "Cause: "}

# Opaque on any page. Thickness, dashes, badges and words say what colour says too. Light first; dark where the reader's
# system asks for it. All text has a contrast of 4.5:1 or more with its ground (WCAG 2.2, 1.4.3), lines 3:1.
_STYLE: Final = (
    "svg{--ground:#fff;--ink:#1f2328;--quiet:#57606a;--box:#f6f8fa;--line:#7d8590;--lit:#0a58a8;--tint:#e3effb;--cause:#fff3d1;--on:#fff}"
    "@media(prefers-color-scheme:dark){svg{--ground:#14181d;--ink:#e7eaee;--quiet:#a9b4c0;--box:#1d232a;--line:#77828e;"
    "--lit:#8fc1ff;--tint:#17304b;--cause:#3a3013;--on:#14181d}}"
    "text{font:13px system-ui,-apple-system,Segoe UI,Roboto,Noto Sans,DejaVu Sans,sans-serif;fill:var(--ink)}"
    ".g{fill:var(--ground)}.b{fill:var(--box);stroke:var(--line);stroke-width:1}.c{fill:var(--cause)}"
    ".b.l{stroke:var(--lit);stroke-width:3}.q.l{fill:var(--tint)}.f{stroke-dasharray:7 4}"
    ".t{font-weight:600}.e{fill:none;stroke:var(--line);stroke-width:1.3}.e.l{stroke:var(--lit);stroke-width:3}"
    ".e.j{stroke-dasharray:3 5}.a{fill:var(--line)}.a.l{fill:var(--lit)}"
    ".w{font-size:12px;fill:var(--quiet);paint-order:stroke;stroke:var(--ground);stroke-width:5px;stroke-linejoin:round}"
    ".w.l{fill:var(--ink);font-weight:600}.d{fill:var(--lit)}.n{fill:var(--on);font-size:11px;font-weight:700}"
)


def flowchart(
    chart: Flowchart, path: Sequence[str] | Walk = (), *, whole_chart: bool = False, fold: bool = True
) -> Picture:
    """Return the flowchart as SVG, with the way taken lit.

    With a way, only the way and what its questions could have led to are drawn: some 170 boxes cannot be read at the
    width of a page. Places on the way have a thick border and a number, its edges are thick and say who answered.

    Parameters
    ----------
    chart : Flowchart
        Questions and causes.
    path : Walk, or sequence of str
        The way: a walk, or names of nodes and at the end perhaps the code of a cause. Without any, the whole chart.
    whole_chart : bool
        Draw everything all the same: a tall picture to scroll in.
    fold : bool
        Whether questions that were passed without trouble become one box.

    Returns
    -------
    Picture
        `.svg` is the text of the SVG, `.alt` what it shows in sentences. It holds no script and no address, is opaque,
        and follows the reader's choice of light or dark. A notebook shows it.

    Raises
    ------
    ValueError
        The path names a place that the chart has not.

    Examples
    --------
    >>> from mtasts_nb import diagnosis
    >>> chart = diagnosis.flowchart()
    >>> picture = flowchart(chart, chart.path("dane-tlsa-mismatch", "report"))
    >>> picture.svg[:4], picture.alt.endswith("It ends at the cause “The TLSA records do not match the certificate”.")
    ('<svg', True)
    """
    start, steps, here = passed(chart, path)
    everything = whole_chart or not here
    drawn = whole(chart, path) if everything else around(chart, path, fold=fold)
    manner = "whole" if everything else "way"
    texts = {name: _lines(box, _TEXT_WIDTH[manner]) for name, box in drawn.boxes.items()}
    wide = _TEXT_WIDTH[manner] + 2 * _PAD
    sizes = {name: (wide, len(lines) * _LINE + 2 * _PAD - 4) for name, lines in texts.items()}
    laid = layered(sizes, list(drawn.lines), spine=drawn.spine, gap=_GAP[manner])
    alt = _alt(chart, start, [step.words for step in steps], [step.place for step in steps], here)
    return Picture(alt, svg=_svg(drawn, texts, laid, alt))


def _lines(box: Box, points: float) -> list[str]:
    """Return a box's text in lines that fit; a word without an end is cut into pieces."""
    text = _PREFIX.get(box.kind, "") + one_line(box.text, 220)
    weight = "bold" if box.lit else "normal"
    lines: list[str] = []
    for line in wrap(text, points, _SIZE, weight):
        rest = line
        while width(rest, _SIZE, weight) > points:
            keep = max(1, int(len(rest) * points / width(rest, _SIZE, weight)))
            lines.append(rest[:keep])
            rest = rest[keep:]
        lines.append(rest)
    return lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], "…"]


def _alt(chart: Flowchart, start: str | None, words: list[str], places: list[str], here: str) -> str:
    size = f"{plural(len(chart.nodes), 'question')} and {plural(len(chart.leaves), 'cause')}"
    if not here:
        starts = " and ".join(f"“{title}”" for title in chart.start_titles.values())
        return f"A flowchart of {size}, from {starts} down to the causes."
    begun = f" from “{chart.start_titles[start]}”" if start else ""
    parts = [f"A flowchart of {size}. The way taken{begun} passes {plural(len(places), 'place')}."]
    shown = [
        f"“{one_line(chart.title(place), 120)}” {word}" for place, word in list(zip(places, words, strict=True))[-3:]
    ]
    if shown:
        parts.append(f"{'The last of them' if len(places) > len(shown) else 'They are'}: {'; '.join(shown)}.")
    title = one_line(chart.title(here), 120)
    if chart.is_leaf(here):
        parts.append(f"It ends at the cause “{title}”.")
    else:
        ways = ", ".join(
            f"{answer.value} to “{one_line(chart.title(way), 80)}”" for answer, way in chart.nodes[here].ways.items()
        )
        parts.append(f"The present question is “{title}”; it leads by {ways}.")
    return " ".join(parts)


def _svg(drawn: Drawn, texts: dict[str, list[str]], laid: Layout, alt: str) -> str:
    # A label may stand out at the right of the rightmost edge.
    wide, high = laid.width + 2 * _MARGIN + 40, laid.height + 2 * _MARGIN
    arriving = Counter(end for _, end in drawn.lines)
    lines = sorted(drawn.lines.items(), key=lambda item: item[1].lit)  # what is lit lies above
    said = svg_text(alt)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{said}" width="{wide:.0f}" height="{high:.0f}" '
        f'viewBox="0 0 {wide:.0f} {high:.0f}"><title>{said}</title><style>{_STYLE}</style><defs>'
    )
    ground = f'</defs><rect class="g" width="{wide:.0f}" height="{high:.0f}" rx="6"/>'
    parts = [
        head,
        *(_arrow(name, css) for name, css in (("a", "a"), ("al", "a l"))),
        ground,
        f'<g transform="translate({_MARGIN:.0f} {_MARGIN:.0f})">',
        *(_edge(line, laid.routes[edge]) for edge, line in lines),
        *(_box(box, texts[name], laid.places[name]) for name, box in drawn.boxes.items()),
        *(_words(line, laid.routes[edge], at_end=arriving[edge[1]] == 1) for edge, line in lines if line.words),
        "</g></svg>\n",
    ]
    return "".join(parts)


def _arrow(name: str, css: str) -> str:
    return (
        f'<marker id="{name}" markerUnits="userSpaceOnUse" markerWidth="11" markerHeight="11" refX="9" refY="5" orient="auto">'
        f'<path class="{css}" d="M0 0L10 5L0 10z"/></marker>'
    )


def _edge(line: Line, points: tuple[tuple[float, float], ...]) -> str:
    start = points[0]
    path = [f"M{start[0]:.1f} {start[1]:.1f}"]
    for (x, y), (to_x, to_y) in pairwise(points):
        if abs(x - to_x) < 0.5:
            path.append(f"L{to_x:.1f} {to_y:.1f}")
        else:
            half = (y + to_y) / 2
            path.append(f"C{x:.1f} {half:.1f} {to_x:.1f} {half:.1f} {to_x:.1f} {to_y:.1f}")
    css = "e" + (" l" if line.lit else "") + (" j" if line.leap else "")
    return f'<path class="{css}" d="{"".join(path)}" marker-end="url(#{"al" if line.lit else "a"})"/>'


def _words(line: Line, points: tuple[tuple[float, float], ...], *, at_end: bool) -> str:
    """Return an edge's words, beside its end, or beside its beginning where it shares its end with others."""
    css = "w l" if line.lit else "w"
    if at_end:
        x, y = points[-1]
        along = 0.0
    else:
        turn = 1 if len(points) > 2 and points[0][0] == points[1][0] else 0
        x, y = points[turn]
        along = (points[turn + 1][0] - x) * 0.12
    return f'<text class="{css}" x="{x + along + 8:.1f}" y="{y + (-9 if at_end else 16):.1f}">{svg_text(line.words)}</text>'


def _box(box: Box, lines: list[str], place: Place) -> str:
    css = f"b {box.kind[0]}" + (" l" if box.lit else "")
    radius = {"start": place.height / 2, "question": 8.0, "fold": 8.0, "cause": 0.0}[box.kind]
    parts = [
        f'<rect class="{css}" x="{place.x:.1f}" y="{place.y:.1f}" width="{place.width:.1f}" height="{place.height:.1f}" rx="{radius:.0f}"/>'
    ]
    if box.kind == "cause":  # a second line inside: an end, also where no colour is seen
        parts.append(
            f'<rect class="b c" x="{place.x + 4:.1f}" y="{place.y + 4:.1f}" width="{place.width - 8:.1f}" height="{place.height - 8:.1f}"/>'
        )
    middle = place.x + place.width / 2
    top = place.y + (place.height - len(lines) * _LINE) / 2 + _LINE * 0.74
    bold = ' class="t"' if box.lit else ""
    spans = "".join(
        f'<tspan x="{middle:.1f}" y="{top + number * _LINE:.1f}">{svg_text(text)}</tspan>'
        for number, text in enumerate(lines)
    )
    parts.append(f'<text{bold} text-anchor="middle">{spans}</text>')
    if box.badge:
        wide = width(box.badge, 11.0, "bold") + 12
        parts.append(
            f'<rect class="d" x="{place.x - 8:.1f}" y="{place.y - 9:.1f}" width="{wide:.1f}" height="18" rx="9"/>'
            f'<text class="n" x="{place.x - 8 + wide / 2:.1f}" y="{place.y + 4:.1f}" text-anchor="middle">{svg_text(box.badge)}</text>'
        )
    return "".join(parts)
