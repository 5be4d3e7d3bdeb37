"""Independent steps side by side: threads inside, a plain call outside."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

__all__ = ["Crew"]

T = TypeVar("T")


class Crew:
    """Runs calls in threads of their own. A call may itself call `all`: nobody waits for a free thread.

    The number of threads is bounded by what is asked for: hosts, addresses and servers all have their limits.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def start(self, call: Callable[[], T]) -> Future[T]:
        """Begin a call and return its future."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001  (whoever waits for the result gets it)
                future.set_exception(error)

        thread = threading.Thread(target=run, name=self._name, daemon=True)
        with self._lock:
            self._threads.append(thread)
        thread.start()
        return future

    def all(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Return the result of each call, in order, once all have ended."""
        if len(calls) == 1:
            return [calls[0]()]
        return [future.result() for future in [self.start(call) for call in calls]]

    def join(self, seconds: float) -> int:
        """Wait until every thread has ended; return how many have not in that time."""
        end = time.monotonic() + seconds
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return sum(thread.is_alive() for thread in threads)
