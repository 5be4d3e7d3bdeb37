"""What a document consists of. Plain data: no markup, no widths, no colours.

A *line* is text with a few marked parts; a *block* is a paragraph or more. Strings may come from strangers: the renderers
escape them all. In the kit's own texts, backticks mark code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from numbers import Real
from typing import TypeAlias, TypeGuard

from ..markup import MISSING, is_absent, number, when

__all__ = [
    "Badge",
    "Block",
    "Cell",
    "Code",
    "Document",
    "Figures",
    "Fold",
    "Inline",
    "Items",
    "Line",
    "Paragraph",
    "Preformatted",
    "Quiet",
    "Quote",
    "Section",
    "Steps",
    "Strong",
    "Table",
    "Terms",
    "Tone",
    "Trend",
]


class Tone(StrEnum):
    """What a badge says besides its word; drawn as a sign, and only then as a colour."""

    GOOD = "good"
    PARTLY = "partly"
    BAD = "bad"
    UNKNOWN = "unknown"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Badge:
    """A state in a word, with its tone."""

    tone: Tone
    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """A name, value or command within a line, verbatim."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """A part of a line that matters most."""

    text: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """A part of a line that matters least."""

    text: str


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody else's words."""

    text: str


@dataclass(frozen=True, slots=True)
class Trend:
    """Shares by day as a small picture within a line: from 0 to 1, None for a day that is not known.

    `text` says the same in a few words.
    """

    values: tuple[float | None, ...]
    text: str


Inline: TypeAlias = str | Badge | Code | Strong | Quiet | Quote | Trend
Line: TypeAlias = Inline | tuple[Inline, ...]


class Paragraph:
    """One or a few sentences.

    Parameters
    ----------
    *parts : Inline
        The text and its marked parts.
    lead, note, quiet, strong, status, step : bool
        Said first and larger; an important remark; in the background; in bold; the state of a whole document; what to do
        next.
    """

    __slots__ = ("kind", "parts")

    def __init__(
        self,
        *parts: Inline,
        lead: bool = False,
        note: bool = False,
        quiet: bool = False,
        strong: bool = False,
        status: bool = False,
        step: bool = False,
    ) -> None:
        kinds = {"lead": lead, "note": note, "quiet": quiet, "strong": strong, "status": status, "step": step}
        self.parts = parts
        self.kind = next((kind for kind, is_so in kinds.items() if is_so), "")


@dataclass(frozen=True, slots=True)
class Preformatted:
    """A text to paste, or a shell command: its lines are kept. A long list `scrolls` in a frame."""

    text: str
    scrolls: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A title and what it is about."""

    title: Line
    body: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Fold:
    """Details behind a line that opens; a terminal shows them indented, unless they are `aside`."""

    summary: Line
    body: Sequence[Block]
    open: bool = False
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list; each item a line or blocks."""

    items: Sequence[Line | Sequence[Block]]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms, each with what it means or holds."""

    items: Sequence[tuple[str, Line | Sequence[Block]]]


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps in order, each with its status: None for a step that has none."""

    items: Sequence[tuple[Badge | None, Line | Sequence[Block]]]


@dataclass(frozen=True, slots=True)
class Figures:
    """A few numbers that matter, each with what it counts: (value, label)."""

    items: Sequence[tuple[str, str]]


Cell: TypeAlias = object


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings.

    Attributes
    ----------
    columns : mapping of str to str
        Keys in order, each with its heading.
    rows : sequence of mapping
        A cell is a line, a block or blocks, a number, a date, a truth value, or None for what is not known.
    caption : str
        What the table shows, in one sentence.
    numeric : sequence of str
        Columns aligned to the right.
    first : int or None
        So many rows are shown; further ones are folded. HTML has the first 500 rows, and a line that counts the rest.
    width : int
        Longer texts in cells are clipped to about so many characters.
    """

    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Cell]]
    caption: str = ""
    numeric: Sequence[str] = ()
    first: int | None = None
    width: int = 600


Block: TypeAlias = Paragraph | Preformatted | Section | Fold | Items | Terms | Steps | Figures | Table


@dataclass(frozen=True, slots=True)
class Document:
    """Blocks, from top to bottom; with a title where it is a whole document.

    Only such a title is a heading of the first level.
    """

    body: Sequence[Block]
    title: Line = ""


_INLINE = (str, Badge, Code, Strong, Quiet, Quote, Trend)
_BLOCK = (Paragraph, Preformatted, Section, Fold, Items, Terms, Steps, Figures, Table)


def _is_line(value: object) -> TypeGuard[Line]:
    return isinstance(value, _INLINE) or (isinstance(value, tuple) and all(isinstance(part, _INLINE) for part in value))


def as_line(value: object) -> Line | None:
    """Return the value where it is a line, else None."""
    return value if _is_line(value) else None


def as_blocks(value: object) -> tuple[Block, ...]:
    """Return a block, or a sequence of blocks, as a tuple.

    Raises
    ------
    TypeError
        It is neither.
    """
    blocks = (value,) if isinstance(value, _BLOCK) else tuple(value) if isinstance(value, Sequence) else (value,)
    for block in blocks:
        if not isinstance(block, _BLOCK):
            raise TypeError(f"a document cannot hold a {type(block).__name__}")
    return blocks


def plain_line(line: Line) -> str:
    """Return the words of a line, its marks left out."""
    parts: tuple[Inline, ...] = line if isinstance(line, tuple) else (line,)
    return "".join(part if isinstance(part, str) else part.text for part in parts)


def cell_text(value: object) -> str | None:
    """Return a plain value as text; None for a line or blocks.

    Examples
    --------
    >>> cell_text(1234), cell_text(True), cell_text(None), cell_text(date(2026, 2, 8)), cell_text("mx1")
    ('1,234', 'yes', '–', '2026-02-08', None)
    """
    if isinstance(value, str | tuple | list):
        return MISSING if value in ("", (), []) else None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_absent(value):
        return MISSING
    if isinstance(value, Real):  # numpy's integers too
        return number(float(value))
    if isinstance(value, datetime | date):
        return when(value)
    return None
