"""Independent steps at the same time: threads inside, a plain call outside."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

__all__ = ["Once", "ThreadGroup", "Throttle"]

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class ThreadGroup:
    """Runs each call in a thread of its own, and can wait for all of them.

    A call may itself start calls and wait for them, which a pool of a fixed size does not allow: all its threads might
    wait for one that is still in the queue. The number of threads is limited by the limits on hosts and addresses.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def start(self, call: Callable[[], T]) -> Future[T]:
        """Begin a call and return its future."""
        future: Future[T] = Future()
        thread = threading.Thread(target=_settle, args=(future, call), name=self._name, daemon=True)
        with self._lock:
            self._threads.append(thread)
        thread.start()
        return future

    def all(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Return the result of each call, in order, once all have ended."""
        if len(calls) == 1:
            return [calls[0]()]
        return [future.result() for future in [self.start(call) for call in calls]]

    def join(self, seconds: float) -> None:
        """Wait until every thread has ended, or the time is over."""
        end = time.monotonic() + seconds
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))


class Once(Generic[K, T]):
    """Results by key, each computed once: by the first thread that needs it, while the others wait."""

    def __init__(self) -> None:
        self._results: dict[K, Future[T]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._results)

    def get(self, key: K, compute: Callable[[], T], *, timeout: float | None = None, most: int | None = None) -> T:
        """Return the result for a key.

        Parameters
        ----------
        key : K
            Of what.
        compute : callable
            Gives the result; called at most once per key.
        timeout : float, optional
            Seconds to wait for another thread; then TimeoutError.
        most : int, optional
            Most keys in all; LookupError for another one.
        """
        with self._lock:
            known = self._results.get(key)
            if known is None:
                if most is not None and len(self._results) >= most:
                    raise LookupError(key)
                own: Future[T] = Future()
                self._results[key] = own
        if known is None:
            _settle(own, compute)
            return own.result()
        return known.result(timeout)


def _settle(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001  (raised again where the result is read)
        future.set_exception(error)


class Throttle:
    """At most so many connections to one server at the same time, over all probes of a run."""

    def __init__(self, per_server: int) -> None:
        self._per_server = per_server
        self._lock = threading.Lock()
        self._servers: dict[tuple[str, int], threading.Semaphore] = {}

    def of(self, address: str, port: int) -> threading.Semaphore:
        """Return the semaphore of a server."""
        with self._lock:
            return self._servers.setdefault((address, port), threading.Semaphore(self._per_server))
