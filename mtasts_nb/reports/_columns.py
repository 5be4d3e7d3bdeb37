"""Growing columns of numbers and texts, as small as they can be while they grow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .ingest import NeedsLenientReader, bytes_of

__all__ = ["Codes", "IntTable", "Ints", "PlainCodes", "Texts", "text_array"]

Ints = npt.NDArray[np.int64]


class Codes(dict[str | None, int]):
    """Numbers for repeated text, a new one for a new text; a missing text is -1."""

    __slots__ = ("_size",)

    def __init__(self, size: list[int] | None = None) -> None:
        super().__init__({None: -1})
        #: Its one number is how many bytes all texts have, over all that share it.
        self._size = size if size is not None else [0]

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self) - 1
        self._size[0] += bytes_of(text)
        return number

    def texts(self) -> list[str]:
        """Return all texts, in the order of their numbers."""
        return [text for text in self if text is not None]


class PlainCodes(dict[str | None, int]):
    """The numbers of texts that need no remark, for the fast reader; raises `NeedsLenientReader` for others."""

    __slots__ = ("_codes", "_is_plain")

    def __init__(self, codes: Codes, is_plain: Callable[[str], bool]) -> None:
        super().__init__({None: -1})
        self._codes = codes
        self._is_plain = is_plain

    def __missing__(self, text: str) -> int:
        if not self._is_plain(text):
            raise NeedsLenientReader
        number = self[text] = self._codes[text]
        return number


class IntTable:
    """A growing table of whole numbers. `cells` takes the numbers row after row, without brackets."""

    __slots__ = ("_blocks", "_width", "cells")

    def __init__(self, width: int) -> None:
        self._width = width
        self._blocks: list[Ints] = []
        self.cells: list[int] = []

    def flush(self) -> None:
        """Pack what has been added: a Python number takes four times the memory."""
        if self.cells:
            self._blocks.append(np.fromiter(self.cells, np.int64, len(self.cells)))
            self.cells.clear()

    def keep(self, rows: npt.NDArray[np.bool_]) -> Ints:
        """Forget all other rows; return the last column as it was before."""
        flat = np.column_stack(self.columns())
        self._blocks = [flat[rows].ravel()]
        return flat[:, -1]

    def columns(self) -> list[Ints]:
        """Return the columns, and forget the rows."""
        self.flush()
        flat = np.concatenate(self._blocks) if self._blocks else np.empty(0, np.int64)
        self._blocks.clear()
        return list(np.ascontiguousarray(flat.reshape(-1, self._width).T))


class Texts:
    """A growing column of texts that are mostly different."""

    __slots__ = ("_blocks", "rows")

    def __init__(self) -> None:
        self._blocks: list[Any] = []
        self.rows: list[str | None] = []

    def flush(self) -> None:
        """Pack what has been added."""
        if self.rows:
            self._blocks.append(text_array(self.rows))
            self.rows.clear()

    def keep(self, rows: npt.NDArray[np.bool_]) -> None:
        """Forget all other rows."""
        self._blocks = [self.column().filter(pa.array(rows))]

    def column(self) -> Any:
        """Return all as one Arrow array, and forget it."""
        self.flush()
        blocks, self._blocks = self._blocks, []
        return pa.concat_arrays(blocks) if blocks else text_array([])


def text_array(texts: Sequence[str | None]) -> Any:
    """Return texts as an Arrow array; half a surrogate pair, which UTF-8 cannot express, is replaced."""
    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:
        return pa.array([text and text.encode("utf-8", "replace").decode() for text in texts], pa.large_string())
