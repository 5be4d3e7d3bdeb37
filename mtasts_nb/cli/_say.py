"""What the commands print: on standard output what was asked for, on standard error one line on what went wrong."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

from ..markup import display_width, terminal_text

__all__ = ["complain", "say", "say_paragraph", "say_table", "say_text"]


def say(text: object = "") -> None:
    """Print one line to standard output, without control sequences."""
    _put(sys.stdout, terminal_text(text) if text != "" else "")


def say_text(text: str) -> None:
    """Print lines that are escaped already, as they stand."""
    for line in text.splitlines():
        _put(sys.stdout, line)


def say_paragraph(text: object) -> None:
    """Print text in lines that fit the terminal, at most 100 characters."""
    wide = min(shutil.get_terminal_size(fallback=(100, 24)).columns, 100)
    for line in textwrap.wrap(terminal_text(text, 10_000), max(wide, 20)):
        say(line)


def complain(name: str, what: object) -> int:
    """Print one line to standard error; return the exit status 2, could not run."""
    _put(sys.stderr, f"{name}: {terminal_text(what)}")
    return 2


def _put(stream: object, line: str) -> None:
    # A terminal in the C locale cannot show every letter: better an escape than an error.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream)  # type: ignore[call-overload]


def say_table(
    rows: Iterable[Sequence[str]], *, indent: str = "  ", numeric: Sequence[int] = (), width: int = 60
) -> None:
    """Print rows in columns that line up.

    Parameters
    ----------
    rows : iterable of sequence of str
        Cells; each row of the same length.
    indent : str
        Before each row.
    numeric : sequence of int
        Positions of the columns to align to the right.
    width : int
        Longer cells are clipped to about this; those of the last column, which push nothing aside, at 200.
    """
    cells = [[*(terminal_text(cell, width) for cell in row[:-1]), terminal_text(row[-1], 200)] for row in rows]
    if not cells:
        return
    widths = [max(display_width(row[column]) for row in cells) for column in range(len(cells[0]))]
    for row in cells:
        padded = [
            " " * (wide - display_width(cell)) + cell
            if column in numeric
            else cell + " " * (wide - display_width(cell))
            for column, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ]
        _put(sys.stdout, (indent + "  ".join(padded)).rstrip())
