"""What the commands print: results on standard output, one line about an error on standard error."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

from ..markup import terminal_text
from ..render import Block, Document, Paragraph, Table, to_text

__all__ = ["complain", "say", "say_paragraph", "say_table", "say_text", "show", "write"]


def say(text: object = "") -> None:
    """Print one line to standard output, without control sequences."""
    write(terminal_text(text) if text != "" else "")


def show(*content: Document | Block) -> None:
    """Print documents and blocks, in lines that fit the terminal."""
    blocks = [block for part in content for block in (part.body if isinstance(part, Document) else (part,))]
    write(to_text(Document(blocks), shutil.get_terminal_size(fallback=(100, 24)).columns))


def complain(name: str, what: object) -> int:
    """Print one line to standard error; return the exit status 2, could not run."""
    write(f"{name}: {terminal_text(what)}", sys.stderr)
    return 2


def write(text: str, stream: TextIO | None = None) -> None:
    """Print text that has no control sequences; characters that the terminal's encoding lacks are escaped."""
    stream = stream or sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)


say_text = write


def say_paragraph(text: str) -> None:
    """Print text in lines that fit the terminal."""
    show(Paragraph(text))


def say_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns; the first row is the headings."""
    if rows:
        head, *body = rows
        columns = {str(number): heading for number, heading in enumerate(head)}
        show(Table(columns, [dict(zip(columns, row, strict=True)) for row in body]))
