"""What the tests of the probe share: servers that say what they are told to, and a watch on what is left behind."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mtasts_nb.lab import Lab
from mtasts_nb.probe import Probe, probe

DOMAIN = "nordwind.example"
SHORT = 1.2


@pytest.fixture(scope="session")
def healthy(look: Callable[..., Probe]) -> Probe:
    """A probe of the healthy lab."""
    return look()


class Speaker:
    """A TCP server on loopback that hands each connection to one function, in a thread of its own."""

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.endpoint: tuple[str, int] = self._listener.getsockname()[:2]
        self.connections = 0
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            self._talk(connection)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in (self._accepting, *self._threads):
            thread.join(5)


@pytest.fixture
def speaker() -> Iterator[Callable[[Callable[[socket.socket], None]], Speaker]]:
    """Starts a `Speaker`; all are closed after the test."""
    started: list[Speaker] = []

    def start(talk: Callable[[socket.socket], None]) -> Speaker:
        started.append(Speaker(talk))
        return started[-1]

    yield start
    for one in started:
        one.close()


def open_files() -> int:
    """How many files this process has open; 0 where the system does not say."""
    gc.collect()
    listing = Path("/proc/self/fd")
    return sum(1 for _ in listing.iterdir()) if listing.exists() else 0


@pytest.fixture(scope="session")
def first_probe() -> None:
    """Probe once: what a first probe leaves in caches is no leak."""
    with Lab(timeout=SHORT) as lab:
        probe(DOMAIN, lab.settings)


@pytest.fixture
def nothing_left(first_probe: None) -> Iterator[None]:
    """Fails the test where a thread of the probe or a file is left behind, once lab and servers have closed."""
    threads, files = set(threading.enumerate()), open_files()
    yield
    assert [thread.name for thread in threading.enumerate() if thread not in threads] == []
    assert open_files() <= files
