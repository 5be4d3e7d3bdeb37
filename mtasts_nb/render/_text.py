"""Documents as text for a terminal: no control characters, no line wider than asked for where words allow it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, assert_never

from ..markup import display_width, plural, terminal_text
from ._nodes import (
    Badge,
    Block,
    Cell,
    Document,
    Figures,
    Fold,
    Items,
    Line,
    Paragraph,
    Preformatted,
    Section,
    Steps,
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
#: A column of sentences in a table is not wrapped to less than this.
_NARROW_COLUMN: Final = 18
#: A cell of a table is one line of at most so many characters.
_CELL: Final = 60


def to_text(content: Document, width: int | None = None) -> str:
    """Return a document as text.

    Parameters
    ----------
    content : Document
        What to show.
    width : int, optional
        Columns of the terminal; commands and texts to paste are never wrapped.

    Examples
    --------
    >>> print(to_text(Document((Table({"mx": "MX host", "failed": "Failed"}, [{"mx": "mx1", "failed": 12}], numeric=["failed"]),))))
    MX host  Failed
    mx1          12
    """
    wide = max(width or WIDTH, _NARROWEST)
    title = [*_wrapped(_line(content.title), wide), ""] if content.title else []
    return "\n".join([*title, *_blocks(content.body, wide)])


def _blocks(blocks: Iterable[Block], width: int) -> list[str]:
    """Return the lines of blocks, an empty one between two of them; consecutive short paragraphs stay together."""
    lines: list[str] = []
    before: Block | None = None
    for block in blocks:
        own = _block(block, width)
        if own and lines and not (isinstance(block, Paragraph) and isinstance(before, Paragraph)):
            lines.append("")
        lines += own
        before = block
    return lines


def _block(block: Block, width: int) -> list[str]:
    match block:
        case Paragraph():
            return _wrapped(_line(block.parts), width)
        case Preformatted():
            return [terminal_text(line, 4000) if line else "" for line in block.text.splitlines()]
        case Section():
            return [*_wrapped(_line(block.title), width), "", *_blocks(block.body, width)]
        case Fold():
            if block.aside:
                return []
            return [*_wrapped(_line(block.summary), width), *_indented(block.body, width, "  ")]
        case Items():
            return _items(
                [("- " if not block.ordered else f"{n}. ", item) for n, item in enumerate(block.items, 1)], width
            )
        case Terms():
            return _terms(block.items, width)
        case Steps():
            heads = [_badge(status) + " " if status else f"{n}. " for n, (status, _) in enumerate(block.items, 1)]
            return _items([(head, body) for head, (_, body) in zip(heads, block.items, strict=True)], width)
        case Figures():
            return [f"{terminal_text(value, 60)} {terminal_text(label, 120)}" for value, label in block.items]
        case Table():
            return _table(block, width)
    assert_never(block)


def _badge(badge: Badge) -> str:
    return MARKS[badge.tone]


def _line(parts: Line) -> str:
    texts = []
    for part in parts if isinstance(parts, tuple) else (parts,):
        if isinstance(part, Badge):
            # A tone that is neutral adds nothing to its word.
            mark = "" if part.tone is Tone.NEUTRAL else f"{_badge(part)} "
            texts.append(f"{mark}{part.text}")
        else:
            texts.append(part if isinstance(part, str) else part.text)
    return terminal_text("".join(texts)) if any(texts) else ""


def _wrapped(text: str, width: int, further: str = "") -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=further, break_on_hyphens=False, break_long_words=False)


def _content(body: Line | Block | Sequence[Block], width: int) -> list[str]:
    line = as_line(body)
    return _blocks(as_blocks(body), width) if line is None else _wrapped(_line(line), width)


def _indented(body: Line | Block | Sequence[Block], width: int, indent: str) -> list[str]:
    return [f"{indent}{line}" if line else "" for line in _content(body, max(width - len(indent), _NARROWEST // 2))]


def _items(items: Sequence[tuple[str, Line | Sequence[Block]]], width: int) -> list[str]:
    lines: list[str] = []
    for head, body in items:
        own = _indented(body, width, " " * len(head)) or [""]
        lines += [head + own[0].lstrip(), *own[1:]]
    return lines


def _terms(items: Sequence[tuple[str, Line | Sequence[Block]]], width: int) -> list[str]:
    heads = [terminal_text(term, 60) for term, _ in items]
    column = min(max(map(display_width, heads), default=0), width // 3) + 2
    lines: list[str] = []
    for head, (_, body) in zip(heads, items, strict=True):
        own = _indented(body, width, " " * column)
        if display_width(head) + 2 > column or not own:
            lines += [head, *own]
        else:
            lines += [head + own[0][display_width(head) :], *own[1:]]
    return lines


def _table(table: Table, width: int) -> list[str]:
    title = _wrapped(terminal_text(table.caption), width) if table.caption else []
    rows = table.rows if table.first is None else table.rows[: max(table.first * 4, 40)]
    more = [plural(len(table.rows) - len(rows), "more row")] if len(table.rows) > len(rows) else []
    cells = [{key: _cell(row.get(key), table.width) for key in table.columns} for row in rows]
    if all(text is not None for row in cells for text in row.values()):
        plain = [{key: text or "" for key, text in row.items()} for row in cells]
        columns = _in_columns(table, plain, width)
        if columns is not None:
            return [*title, *columns, *more]
    return [*title, *_stacked(table, rows, width), *more]


def _cell(value: Cell, clip: int) -> str | None:
    """Return a cell as one line; None where it holds blocks."""
    plain = cell_text(value)
    if plain is not None:
        return plain
    line = as_line(value)
    return None if line is None else terminal_text(_line(line), min(clip, 4 * _CELL))


def _in_columns(table: Table, cells: Sequence[Mapping[str, str]], width: int) -> list[str] | None:
    """Return the rows in columns, long texts wrapped within their column; None where they do not fit."""
    heads = {key: terminal_text(text, _CELL) for key, text in table.columns.items()}
    wide = {key: max(display_width(row[key]) for row in (heads, *cells)) for key in heads}
    least = {key: _least(key, heads, cells, table) for key in heads}
    while sum(wide.values()) + 2 * (len(wide) - 1) > width:
        key = max((key for key in wide if wide[key] > least[key]), key=wide.__getitem__, default=None)
        if key is None:
            return None
        wide[key] -= 1
    lines = []
    for row in (heads, *cells):
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
            lines.append("  ".join(parts).rstrip())
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


def _stacked(table: Table, rows: Sequence[Mapping[str, Cell]], width: int) -> list[str]:
    """Return each row as its headings and values, one below the other."""
    lines: list[str] = []
    for row in rows:
        terms: list[tuple[str, Line | Sequence[Block]]] = []
        for key, heading in table.columns.items():
            value = row.get(key)
            plain = cell_text(value)
            terms.append((heading, plain if plain is not None else value))  # type: ignore[arg-type]
        lines += [*([""] if lines else []), *_terms(terms, width)]
    return lines
