"""Documents as text for a terminal: no line wider than asked for where words allow it.

No control character of a stranger is in it; with `colour`, those that this module writes for its own marks are.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple, assert_never

from ..markup import display_width, plural, terminal_text, visible
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
    Section,
    Steps,
    Strong,
    Table,
    Terms,
    Tone,
    as_blocks,
    as_line,
    cell_text,
)

__all__ = ["to_text"]

#: The width where the terminal's is not known.
WIDTH: Final = 100
MARKS: Final = {
    Tone.GOOD: "[ok]", Tone.PARTLY: "[part]", Tone.BAD: "[FAULT]", Tone.UNKNOWN: "[?]", Tone.NEUTRAL: "[-]",
}  # fmt: skip
_NARROWEST: Final = 24
#: Select Graphic Rendition (ECMA-48 §8.3.117): the sixteen colours that every terminal has, as its user chose them.
_BOLD, _DIM, _PLAIN = "1", "2", ""
_TONES: Final = {
    Tone.GOOD: "32", Tone.PARTLY: "33", Tone.BAD: "1;31", Tone.UNKNOWN: "36", Tone.NEUTRAL: _BOLD,
}  # fmt: skip
#: A column of sentences in a table is not wrapped to less than this.
_NARROW_COLUMN: Final = 18
#: A cell of a table is one line of at most so many characters.
_CELL: Final = 60


class _Page(NamedTuple):
    """What the lines must fit."""

    width: int
    colour: bool = False

    def narrowed(self, by: int) -> _Page:
        return self._replace(width=max(self.width - by, _NARROWEST // 2))


def to_text(content: Document, width: int | None = None, *, colour: bool = False) -> str:
    """Return a document as text.

    Parameters
    ----------
    content : Document
        What to show.
    width : int, optional
        Columns of the terminal; commands and texts to paste are never wrapped.
    colour : bool
        Write headings, states and code in colours; only for a terminal.

    Examples
    --------
    >>> print(to_text(Document((Table({"mx": "MX host", "failed": "Failed"}, [{"mx": "mx1", "failed": 12}], numeric=["failed"]),))))
    MX host  Failed
    mx1          12
    """
    page = _Page(max(width or WIDTH, _NARROWEST), colour)
    title = [*_flow(content.title, page, _BOLD), ""] if content.title else []
    return "\n".join([*title, *_blocks(content.body, page)])


def _blocks(blocks: Iterable[Block], page: _Page) -> list[str]:
    """Return the lines of blocks, an empty one between two of them; consecutive short paragraphs stay together."""
    lines: list[str] = []
    before: Block | None = None
    for block in blocks:
        own = _block(block, page)
        if own and lines and not (isinstance(block, Paragraph) and isinstance(before, Paragraph)):
            lines.append("")
        lines += own
        before = block
    return lines


def _block(block: Block, page: _Page) -> list[str]:
    match block:
        case Paragraph():
            return _flow(block.parts, page, _BOLD if block.kind == "strong" else _PLAIN)
        case Preformatted():
            return [terminal_text(line, 4000) if line else "" for line in block.text.splitlines()]
        case Section():
            return [*_flow(block.title, page, _BOLD), "", *_blocks(block.body, page)]
        case Fold():
            if block.aside:
                return []
            return [*_flow(block.summary, page), *_indented(block.body, page, "  ")]
        case Items():
            return _items(
                [("- " if not block.ordered else f"{n}. ", item) for n, item in enumerate(block.items, 1)], page
            )
        case Terms():
            return _terms(block.items, page)
        case Steps():
            heads = [_badge(status) + " " if status else f"{n}. " for n, (status, _) in enumerate(block.items, 1)]
            return _items([(head, body) for head, (_, body) in zip(heads, block.items, strict=True)], page)
        case Figures():
            return [
                line
                for value, label in block.items
                for line in _flow((Strong(terminal_text(value, 60)), f" {terminal_text(label, 120)}"), page)
            ]
        case Table():
            return _table(block, page)
    assert_never(block)


def _badge(badge: Badge) -> str:
    return MARKS[badge.tone]


def _line(parts: Line) -> str:
    texts = [text for text, _ in _pieces(parts)]
    return terminal_text("".join(texts)) if any(texts) else ""


def _pieces(parts: Line) -> list[tuple[str, str]]:
    """Return the texts of a line, each with its colour."""
    return [_piece(part) for part in (parts if isinstance(parts, tuple) else (parts,))]


def _piece(part: Inline) -> tuple[str, str]:
    match part:
        case str():
            return part, _PLAIN
        case Badge():
            # A tone that is neutral adds nothing to its word.
            return f"{'' if part.tone is Tone.NEUTRAL else f'{_badge(part)} '}{part.text}", _TONES[part.tone]
        case Strong():
            return part.text, _BOLD
        case Code():
            return part.text, "36"
        case Quiet():
            return part.text, _DIM
        case _:
            return part.text, _PLAIN


def _flow(parts: Line, page: _Page, colour: str = _PLAIN) -> list[str]:
    """Return a line of a document as lines that fit the page; `colour` is of the parts that have none of their own."""
    lines = _wrapped(_line(parts), page.width)
    if not page.colour:
        return lines
    # Wrapping moves blanks alone: the other characters keep their order, and so their colours.
    colours = [own or colour for text, own in _pieces(parts) for char in visible(text) if not char.isspace()]
    if len(colours) != sum(not char.isspace() for line in lines for char in line):
        return lines  # clipped
    order = iter(colours)
    return [_painted([(char, None if char.isspace() else next(order)) for char in line]) for line in lines]


def _painted(characters: Sequence[tuple[str, str | None]]) -> str:
    """Return characters in their colours; a blank, with None, has that of what comes before it."""
    now, runs = _PLAIN, []
    for char, own in characters:
        now = now if own is None else own
        runs.append((now, char))
    return "".join(
        _coloured("".join(char for _, char in run), colour) for colour, run in groupby(runs, key=lambda run: run[0])
    )


def _coloured(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if colour and text else text


def _wrapped(text: str, width: int, further: str = "") -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=further, break_on_hyphens=False, break_long_words=False)


def _content(body: Line | Block | Sequence[Block], page: _Page) -> list[str]:
    line = as_line(body)
    return _blocks(as_blocks(body), page) if line is None else _flow(line, page)


def _indented(body: Line | Block | Sequence[Block], page: _Page, indent: str) -> list[str]:
    return [f"{indent}{line}" if line else "" for line in _content(body, page.narrowed(len(indent)))]


def _items(items: Sequence[tuple[str, Line | Sequence[Block]]], page: _Page) -> list[str]:
    lines: list[str] = []
    for head, body in items:
        own = _indented(body, page, " " * len(head)) or [""]
        lines += [head + own[0].lstrip(), *own[1:]]
    return lines


def _terms(items: Sequence[tuple[str, Line | Sequence[Block]]], page: _Page) -> list[str]:
    heads = [terminal_text(term, 60) for term, _ in items]
    column = min(max(map(display_width, heads), default=0), page.width // 3) + 2
    lines: list[str] = []
    for head, (_, body) in zip(heads, items, strict=True):
        own = _indented(body, page, " " * column)
        if display_width(head) + 2 > column or not own:
            lines += [_bold(head, page), *own]
        else:
            lines += [_bold(head, page) + own[0][display_width(head) :], *own[1:]]
    return lines


def _bold(text: str, page: _Page) -> str:
    return _coloured(text, _BOLD if page.colour else _PLAIN)


def _table(table: Table, page: _Page) -> list[str]:
    title = _flow(table.caption, page, _BOLD) if table.caption else []
    rows = table.rows if table.first is None else table.rows[: max(table.first * 4, 40)]
    more = [plural(len(table.rows) - len(rows), "more row")] if len(table.rows) > len(rows) else []
    cells = [{key: _cell(row.get(key), table.width) for key in table.columns} for row in rows]
    if all(text is not None for row in cells for text in row.values()):
        plain = [{key: text or "" for key, text in row.items()} for row in cells]
        columns = _in_columns(table, plain, page)
        if columns is not None:
            return [*title, *columns, *more]
    return [*title, *_stacked(table, rows, page), *more]


def _cell(value: Cell, clip: int) -> str | None:
    """Return a cell as one line; None where it holds blocks."""
    plain = cell_text(value)
    if plain is not None:
        return plain
    line = as_line(value)
    return None if line is None else terminal_text(_line(line), min(clip, 4 * _CELL))


def _in_columns(table: Table, cells: Sequence[Mapping[str, str]], page: _Page) -> list[str] | None:
    """Return the rows in columns, long texts wrapped within their column; None where they do not fit."""
    heads = {key: terminal_text(text, _CELL) for key, text in table.columns.items()}
    wide = {key: max(display_width(row[key]) for row in (heads, *cells)) for key in heads}
    least = {key: _least(key, heads, cells, table) for key in heads}
    while sum(wide.values()) + 2 * (len(wide) - 1) > page.width:
        key = max((key for key in wide if wide[key] > least[key]), key=wide.__getitem__, default=None)
        if key is None:
            return None
        wide[key] -= 1
    lines = []
    for position, row in enumerate((heads, *cells)):
        # A further line of the first column is indented: no stranger's text can pass for a row.
        columns = {
            key: _wrapped(row[key], wide[key], further="" if number else "  ") or [""]
            for number, key in enumerate(heads)
        }
        for number in range(max(map(len, columns.values()))):
            parts = (
                _aligned(own[number] if number < len(own) else "", wide[key], right=key in table.numeric)
                for key, own in columns.items()
            )
            line = "  ".join(parts).rstrip()
            lines.append(line if position else _bold(line, page))
    return lines


def _least(key: str, heads: Mapping[str, str], cells: Sequence[Mapping[str, str]], table: Table) -> int:
    """Return the least width of a column: words and numbers are not broken, and other texts not below a few words."""
    texts = [heads[key].split(), *([row[key]] if key in table.numeric else row[key].split() for row in cells)]
    longest = max((display_width(part) for parts in texts for part in parts), default=1)
    sentences = any(len(row[key].split()) > 4 for row in cells)
    indent = 2 if key == next(iter(heads)) and any(len(parts) > 1 for parts in texts) else 0
    return max(longest + indent, _NARROW_COLUMN if sentences else 1)


def _aligned(text: str, width: int, *, right: bool) -> str:
    pad = " " * (width - display_width(text))
    return pad + text if right else text + pad


def _stacked(table: Table, rows: Sequence[Mapping[str, Cell]], page: _Page) -> list[str]:
    """Return each row as its headings and values, one below the other."""
    lines: list[str] = []
    for row in rows:
        terms: list[tuple[str, Line | Sequence[Block]]] = []
        for key, heading in table.columns.items():
            value = row.get(key)
            plain = cell_text(value)
            terms.append((heading, plain if plain is not None else value))  # type: ignore[arg-type]
        lines += [*([""] if lines else []), *_terms(terms, page)]
    return lines
