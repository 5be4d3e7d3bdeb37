"""Rows as whole numbers: each repeated text is stored once, each table is one array of int64.

Twenty thousand reports are read in a fifth of a second; there is no time to make an object per cell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Codes", "IntTable", "Odd", "Texts", "text_array"]

Ints = npt.NDArray[np.int64]


class Odd(Exception):  # noqa: N818 - not an error: the fast reader's word for "let the lenient one look"
    """A value that the fast reader does not judge."""


class Codes:
    """Numbers for repeated text; a missing text is -1.

    `code` takes any text. `plain` is a mapping for the fast reader: it holds only texts that need no remark, and
    raises `Odd` for others.
    """

    __slots__ = ("_all", "plain")

    def __init__(self, is_plain: Callable[[str], bool] | None = None) -> None:
        self._all: dict[str | None, int] = {None: -1}
        self.plain = _Plain(self, is_plain)
        self.plain[None] = -1

    def code(self, text: str | None) -> int:
        """Return the number of a text, a new one if it is new."""
        return self._all.setdefault(text, len(self._all) - 1)

    def texts(self) -> list[str]:
        """Return all texts, in the order of their numbers."""
        return [text for text in self._all if text is not None]


class _Plain(dict[str | None, int]):
    __slots__ = ("_codes", "_is_plain")

    def __init__(self, codes: Codes, is_plain: Callable[[str], bool] | None) -> None:
        super().__init__()
        self._codes = codes
        self._is_plain = is_plain

    def __missing__(self, text: str) -> int:
        if self._is_plain is not None and not self._is_plain(text):
            raise Odd
        number = self[text] = self._codes.code(text)
        return number


class IntTable:
    """A growing table of whole numbers. `cells` takes the numbers row after row, without brackets."""

    __slots__ = ("_blocks", "_width", "cells")

    def __init__(self, width: int) -> None:
        self._width = width
        self._blocks: list[Ints] = []
        self.cells: list[int] = []

    def flush(self) -> None:
        """Turn what has gathered into an array: a Python number takes four times the room."""
        if self.cells:
            self._blocks.append(np.fromiter(self.cells, np.int64, len(self.cells)))
            self.cells.clear()

    def columns(self) -> list[Ints]:
        """Return the columns, and forget the rows."""
        self.flush()
        flat = np.concatenate(self._blocks) if self._blocks else np.empty(0, np.int64)
        self._blocks.clear()
        return list(np.ascontiguousarray(flat.reshape(-1, self._width).T))


def text_array(texts: list[str | None]) -> Any:
    """Return texts as an Arrow array; half a surrogate pair, which UTF-8 cannot hold, is replaced."""
    import pyarrow as pa

    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:
        clean = (text and text.encode("utf-8", "replace").decode() for text in texts)
        return pa.array(list(clean), pa.large_string())


class Texts:
    """A growing column of texts that are mostly different."""

    __slots__ = ("_blocks", "rows")

    def __init__(self) -> None:
        self._blocks: list[Any] = []
        self.rows: list[str | None] = []

    def flush(self) -> None:
        """Turn what has gathered into an Arrow array."""
        if self.rows:
            self._blocks.append(text_array(self.rows))
            self.rows.clear()

    def column(self) -> Any:
        """Return all as one Arrow array, and forget it."""
        import pyarrow as pa

        self.flush()
        blocks, self._blocks = self._blocks, []
        return pa.concat_arrays(blocks) if blocks else pa.array([], pa.large_string())
