"""Reads a long list of small files ahead, in processes of their own.

Half the time of loading twenty thousand reports goes into opening, reading and inflating them, in calls so short that
threads would only pass the interpreter's lock to and fro. Another process has no such lock; on a disk or a network
folder that answers slowly, several wait side by side.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from itertools import accumulate, islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, cast

from ._leaf import Input, Passed, Refused

__all__ = ["INFLATED", "RAW", "UNREAD", "ReadAhead", "useful_workers"]

#: What a content is: not read, inflated, or as it is in the file.
UNREAD: Final = 0
INFLATED: Final = 1
RAW: Final = 2

_BATCH: Final = 128
#: Batches on their way at once, per process.
_AHEAD: Final = 4
#: So many inputs are not worth a process.
_FEW: Final = 1500
_MOST_WORKERS: Final = 4
_LENGTH: Final = 2**30 - 1

Item = Input | Refused | Passed
#: Inputs, what the content of each is, and the contents.
Batch = tuple[list[Item], list[int], list[bytes]]


def useful_workers(workers: int | None) -> int:
    """Return how many processes to use, this one included: at most as asked for, or as many as there are cores."""
    if workers is not None:
        return workers
    if hasattr(os, "sched_getaffinity"):
        return min(_MOST_WORKERS, len(os.sched_getaffinity(0)))
    return min(_MOST_WORKERS, os.cpu_count() or 1)


class ReadAhead:
    """Gives inputs with their contents, in order.

    Parameters
    ----------
    workers : int
        How many processes, this one included; 1 starts none.
    few : int, optional
        How many inputs are dealt with before a process is started.

    Examples
    --------
    >>> with ReadAhead(1) as ahead:
    ...     list(ahead.batches(iter([Input("<bytes 1>", None, b"{}")])))
    [([Input(source='<bytes 1>', path=None, stream=b'{}')], [0], [b''])]
    """

    def __init__(self, workers: int, *, few: int = _FEW) -> None:
        self._workers = workers
        self._few = few
        self._readers: list[_Reader] = []

    def batches(self, items: Iterator[Item]) -> Iterator[Batch]:
        """Yield the inputs with what has been read of them; `UNREAD` where the caller has to look for himself."""
        waiting: deque[tuple[_Reader, list[Item]]] = deque()
        seen = turn = 0
        while batch := list(islice(items, _BATCH)):
            seen += len(batch)
            if self._workers == 1 or seen <= self._few:
                yield batch, [UNREAD] * len(batch), [b""] * len(batch)
                continue
            if not self._readers:
                self._readers = [_Reader() for _ in range(self._workers - 1)]
            reader = self._readers[turn % len(self._readers)]
            turn += 1
            reader.ask([item.path for item in batch if isinstance(item, Input) and item.path is not None])
            waiting.append((reader, batch))
            if len(waiting) >= _AHEAD * len(self._readers):
                yield _answered(*waiting.popleft())
        while waiting:
            yield _answered(*waiting.popleft())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reader in self._readers:
            reader.close()
        self._readers = []


def _answered(reader: _Reader, batch: list[Item]) -> Batch:
    on_disk = [isinstance(item, Input) and item.path is not None for item in batch]
    kinds, contents = reader.answer(sum(on_disk))
    if len(kinds) < len(batch):
        # Those in memory, and those that are no inputs, were not asked for.
        answers = iter(zip(kinds, contents, strict=True))
        mixed = [next(answers) if asked else (UNREAD, b"") for asked in on_disk]
        kinds, contents = [kind for kind, _ in mixed], [data for _, data in mixed]
    return batch, kinds, contents


class _Reader:
    """One reading process. If it cannot be started, or dies, all its answers are `UNREAD`: slower, and just as right."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("_reader_process.py")
        self._process: Any = None
        with suppress(OSError, ValueError):
            # -I -S: nothing from the user's environment or site is imported, and so it starts in no time.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own script
                [sys.executable, "-I", "-S", str(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._out: BufferedReader = cast("BufferedReader", self._process.stdout)
            _widen(self._out.fileno())

    def ask(self, paths: list[str | bytes]) -> None:
        """Hand over names."""
        if self._process is None or not paths:
            return
        text = b"\0".join(map(os.fsencode, paths))
        try:
            self._process.stdin.write(len(text).to_bytes(4, "big") + text)
            self._process.stdin.flush()
        except OSError:
            self.close()

    def answer(self, count: int) -> tuple[list[int], list[bytes]]:
        """Return what the next so many names' files are, and their contents."""
        if self._process is not None and count:
            head = self._out.read(4 * (count + 1))
            if len(head) == 4 * (count + 1):
                size, *numbers = struct.unpack(f">{count + 1}I", head)
                together = self._out.read(size)
                if len(together) == size:
                    ends = [*accumulate(number & _LENGTH for number in numbers)]
                    starts = [0, *ends[:-1]]
                    return [number >> 30 for number in numbers], [
                        together[start:end] for start, end in zip(starts, ends, strict=True)
                    ]
            self.close()
        return [UNREAD] * count, [b""] * count

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            with suppress(OSError):
                process.stdin.close()
            process.stdout.close()


def _widen(descriptor: int) -> None:
    """Let the pipe hold a mebibyte where the system can do that, so that neither side waits for the other so often."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, 1024 * 1024)
