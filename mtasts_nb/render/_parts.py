"""Values that may be a line or blocks, as one of the two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

from ._nodes import (
    Badge,
    Block,
    Code,
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
)

__all__ = ["as_blocks", "as_line", "plain_line"]

_INLINE = (str, Badge, Code, Strong, Quiet, Quote)
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
