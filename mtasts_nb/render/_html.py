"""Documents as HTML. Every string is escaped here, also the kit's own."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from importlib import resources
from typing import Final, assert_never

from ..markup import html_text, plural
from ._nodes import (
    Badge,
    Block,
    Cell,
    Code,
    Document,
    Figures,
    Fold,
    Inline,
    Items,
    Line,
    Paragraph,
    Preformatted,
    Quiet,
    Quote,
    Section,
    Steps,
    Strong,
    Table,
    Terms,
    Tone,
    Trend,
    as_blocks,
    as_line,
    cell_text,
)

__all__ = ["NARROW_SVG", "NO_FORMULAS", "PUBLISHING", "style", "to_html"]

#: Set in the kernel of a notebook that is being published: there a figure comes with a second rendering, and a call that
#: would publish that notebook does nothing.
PUBLISHING: Final = "MTASTS_NB_PUBLISHING"
#: The kind of output of a figure as wide as a phone: for a page, and made only while one is published.
NARROW_SVG: Final = "application/vnd.mtasts-nb.narrow-figure"

#: Classes of an element in whose text no formula is looked for, by MathJax 3 and 4 (JupyterLab) and by MathJax 2. Without
#: them a notebook gives a stranger's ``$…$`` to MathJax, whose commands can hide text, and link it to a script.
NO_FORMULAS: Final = "mathjax_ignore tex2jax_ignore"

SIGNS: Final = {Tone.GOOD: "✓", Tone.PARTLY: "◐", Tone.BAD: "✗", Tone.UNKNOWN: "?", Tone.NEUTRAL: "•"}
_CODE = re.compile(r"`([^`]+)`")
#: The longest text of a line, and of something to paste.
_LINE_WIDTH, _PASTE_WIDTH = 2000, 20_000
#: A heading inside an output is below those of the notebook.
_TOP_HEADING: Final = 3
#: A few more rows than `Table.first` are not worth a line that opens.
_SPARE: Final = 3
#: A table has at most so many rows, the first ones: the maker of a table puts what matters first. The rest is counted.
_MOST_ROWS: Final = 500


@cache
def style() -> str:
    """Return the one style sheet of documents, for a page or a style element.

    Everything that is coloured by its meaning takes its colour from the variables at its top.
    """
    return (resources.files(__package__) / "style.css").read_text(encoding="utf-8")


def to_html(content: Document, *, styled: bool = True, level: int = _TOP_HEADING) -> str:
    """Return a document as HTML.

    Parameters
    ----------
    content : Document
        What to show.
    styled : bool
        Whether a style element comes first: an output in a notebook stands alone, a page has the sheet already.
    level : int
        The level of the outermost headings.

    Examples
    --------
    >>> to_html(Document((Paragraph("<b>", Code("x")),)), styled=False)
    '<div class="sts-doc mathjax_ignore tex2jax_ignore"><p>&lt;b&gt;<code>x</code></p></div>'
    """
    sheet = f"<style>{style()}</style>" if styled else ""
    title = f"<h1>{_line(content.title)}</h1>" if content.title else ""
    return f'{sheet}<div class="sts-doc {NO_FORMULAS}">{title}{_blocks(content.body, level)}</div>'


def _blocks(blocks: Iterable[Block], level: int) -> str:
    return "".join(_block(block, level) for block in blocks)


def _block(block: Block, level: int) -> str:
    match block:
        case Paragraph():
            kind = f' class="sts-{block.kind}"' if block.kind else ""
            return f"<p{kind}>{_line(block.parts)}</p>"
        case Preformatted():
            if block.scrolls:
                return f'<pre class="sts-list" tabindex="0">{html_text(block.text)}</pre>'
            return f"<pre><code>{html_text(block.text, _PASTE_WIDTH)}</code></pre>"
        case Section():
            heading = f"h{min(level, 6)}"
            return f"<{heading}>{_line(block.title)}</{heading}>{_blocks(block.body, level + 1)}"
        case Fold():
            opened = " open" if block.open else ""
            body = _blocks(block.body, level)
            return f"<details{opened}><summary>{_line(block.summary)}</summary>{body}</details>"
        case Items():
            kind = "ol" if block.ordered else "ul"
            return f"<{kind}>{''.join(f'<li>{_content(item, level)}</li>' for item in block.items)}</{kind}>"
        case Terms():
            pairs = (f"<dt>{html_text(term)}</dt><dd>{_content(body, level)}</dd>" for term, body in block.items)
            return f'<dl class="sts-terms">{"".join(pairs)}</dl>'
        case Steps():
            items = (
                f"<li>{_inline(status) + ' ' if status else ''}{_content(body, level)}</li>"
                for status, body in block.items
            )
            return f'<ol class="sts-steps">{"".join(items)}</ol>'
        case Figures():
            tiles = (
                f"<li><strong>{html_text(value, 60)}</strong>{html_text(label, 120)}</li>"
                for value, label in block.items
            )
            return f'<ul class="sts-figures">{"".join(tiles)}</ul>'
        case Table():
            return _folded_table(block, level)
    assert_never(block)


def _content(body: Line | Block | Sequence[Block], level: int) -> str:
    """Return a line bare, and blocks as they are."""
    line = as_line(body)
    return _blocks(as_blocks(body), level) if line is None else _line(line)


def _line(parts: Line, width: int = _LINE_WIDTH) -> str:
    return "".join(_inline(part, width) for part in (parts if isinstance(parts, tuple) else (parts,)))


def _inline(part: Inline, width: int = _LINE_WIDTH) -> str:
    match part:
        case str():
            return _CODE.sub(r"<code>\1</code>", html_text(part, width))
        case Badge():
            tone = "" if part.tone is Tone.NEUTRAL else f" sts-{part.tone.value}"
            return f'<span class="sts-badge{tone}">{SIGNS[part.tone]} {html_text(part.text, width)}</span>'
        case Code():
            return f"<code>{html_text(part.text, width)}</code>"
        case Strong():
            return f"<strong>{html_text(part.text, width)}</strong>"
        case Quiet():
            return f'<span class="sts-quiet">{html_text(part.text, width)}</span>'
        case Quote():
            return f"<q>{html_text(part.text, width)}</q>"
        case Trend():
            return f'<img src="{_trend(part)}" alt="{html_text(part.text, width)}">'
    assert_never(part)


def _trend(trend: Trend) -> str:
    """Return a picture of a bar for each day; its colours have a contrast of 3:1 with a light and with a dark page.

    The height goes by the square root: one per cent is still seen. A line below is a day with reports.
    """
    high, wide = 18, 4
    bars, days = [], []
    for number, value in enumerate(trend.values):
        if value is not None:
            left = number * wide
            days.append(f"M{left} {high + 1}h{wide - 1}")
            if value > 0:
                bars.append(f"M{left} {high}v-{max(1.5, high * min(value, 1.0) ** 0.5):.1f}h{wide - 1}V{high}z")
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{len(trend.values) * wide}' height='{high + 2}'>"
        f"<path fill='#b5702a' d='{''.join(bars)}'/><path stroke='#7d8590' d='{''.join(days)}'/></svg>"
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _folded_table(table: Table, level: int) -> str:
    rows = table.rows[:_MOST_ROWS]
    if left_out := len(table.rows) - len(rows):
        left_out_note = f"<p>{plural(left_out, 'more row')} not shown.</p>"
        return _folded_table(replace(table, rows=rows), level) + left_out_note
    if table.first is None or len(rows) <= table.first + _SPARE:
        return _table(table, rows, table.caption, level)
    rest = plural(len(rows) - table.first, "more row")
    opened = _table(table, rows[: table.first], table.caption, level)
    # The folded rows have a caption where the others do: a reader of screens needs to know what they are.
    folded = _table(table, rows[table.first :], rest if table.caption else "", level)
    return f"{opened}<details><summary>{rest}</summary>{folded}</details>"


def _table(table: Table, rows: Sequence[Mapping[str, Cell]], caption: str, level: int) -> str:
    numeric = frozenset(table.numeric)

    def kind(key: str, *, day: bool = False) -> str:
        name = "num" if key in numeric else "sts-day" if day else ""
        return f' class="{name}"' if name else ""

    def cell(key: str, value: Cell) -> str:
        plain = cell_text(value)
        if plain is not None:
            return f"<td{kind(key, day=type(value) is date)}>{html_text(plain, table.width)}</td>"
        line = as_line(value)
        body = _blocks(as_blocks(value), level + 1) if line is None else _line(line, table.width)
        return f"<td{kind(key)}>{body}</td>"

    head = "".join(f'<th scope="col"{kind(key)}>{html_text(text)}</th>' for key, text in table.columns.items())
    body = "".join(f"<tr>{''.join(cell(key, row.get(key)) for key in table.columns)}</tr>" for row in rows)
    title = f"<caption>{html_text(caption, _LINE_WIDTH)}</caption>" if caption else ""
    return f'<table class="sts">{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
