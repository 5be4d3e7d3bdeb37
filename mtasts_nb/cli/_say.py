"""What the commands print: results on standard output, one line about an error on standard error."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from typing import TextIO

from ..markup import terminal_text
from ..render import Block, Document, Paragraph, Table, to_text

__all__ = [
    "allow_colours",
    "columns",
    "complain",
    "say",
    "say_paragraph",
    "say_table",
    "say_text",
    "show",
    "show_json",
    "write",
]

_COLOURS: ContextVar[bool] = ContextVar("colours", default=True)


def say(text: object = "") -> None:
    """Print one line to standard output, without control sequences."""
    write(terminal_text(text) if text != "" else "")


def show(*content: Document | Block) -> None:
    """Print documents and blocks, in lines that fit the terminal."""
    blocks = [block for part in content for block in (part.body if isinstance(part, Document) else (part,))]
    write(to_text(Document(blocks), columns(), colour=_in_colour(sys.stdout)))


def columns() -> int:
    """Return the width of the terminal; 100 where there is none."""
    return shutil.get_terminal_size(fallback=(100, 24)).columns


def show_json(value: object) -> None:
    """Print a value as JSON.

    In ASCII, so that a terminal in the C locale shows it, and no control sequence of a stranger has any effect.
    """
    write(json.dumps(value, indent=2))


def allow_colours(allowed: bool, /) -> None:
    """Say whether colours may be printed from now on."""
    _COLOURS.set(allowed)


def _in_colour(stream: TextIO) -> bool:
    """Return whether to use colours: on a terminal that has them, unless the user says no (https://no-color.org)."""
    if not _COLOURS.get() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return False
    # The console of old Windows versions shows control sequences as they are.
    return os.name != "nt" or "WT_SESSION" in os.environ


def complain(name: str, what: object) -> int:
    """Print one line to standard error; return the exit status 2, could not run."""
    write(f"{name}: {terminal_text(what)}", sys.stderr)
    return 2


def write(text: str, stream: TextIO | None = None) -> None:
    """Print text that has no control sequences of strangers; characters that the terminal's encoding lacks are escaped."""
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
        keys = {str(number): heading for number, heading in enumerate(head)}
        show(Table(keys, [dict(zip(keys, row, strict=True)) for row in body]))
