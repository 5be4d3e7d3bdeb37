"""A progress bar for what takes long, and nothing at all for what does not."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Final, Self

__all__ = ["Progress"]

_PATIENCE: Final = 2.0
_EVERY: Final = 200


class Progress:
    """Counts inputs; after two seconds it shows a bar. tqdm is imported only then.

    Examples
    --------
    >>> with Progress(show=True) as progress:
    ...     progress.step()
    """

    __slots__ = ("_bar", "_began", "_count", "_shown", "step")

    def __init__(self, *, show: bool) -> None:
        self._bar: Any = None
        self._began = time.monotonic()
        self._count = self._shown = 0
        self.step = self._step if show else self._nothing

    def _nothing(self) -> None:
        pass

    def _step(self) -> None:
        self._count += 1
        if self._count % _EVERY and time.monotonic() - self._began < _PATIENCE:
            return
        self._refresh()

    def _refresh(self) -> None:
        if self._bar is None:
            if time.monotonic() - self._began < _PATIENCE:
                return
            from tqdm.auto import tqdm

            self._bar = tqdm(unit=" inputs", desc="TLS reports")
        self._bar.update(self._count - self._shown)
        self._shown = self._count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._refresh()
            self._bar.close()
