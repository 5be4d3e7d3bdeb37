"""What benches share: the figures they give, the peers they are held against, and how runs are interleaved."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter


@dataclass(frozen=True)
class Figure:
    """One measured figure. `bar` is what it may at most be, or, with `at_least`, must at least be; None: no bar."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    at_least: bool = False
    beside: str = ""

    @property
    def missed(self) -> bool:
        """Whether it is on the wrong side of its bar."""
        if self.bar is None:
            return False
        return self.value < self.bar if self.at_least else self.value > self.bar


class Peer:
    """The peers, in a process of the Python that has them; it does one task at a time and says how long that took."""

    def __init__(self, python: str) -> None:
        self.python = python
        self._process = subprocess.Popen(
            [python, str(Path(__file__).with_name("peer.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def seconds(self, task: str, path: Path) -> float:
        """Return how long a task takes; fails if the peer did not find all reports."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"task": task, "path": str(path)}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return float(answer["seconds"])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


@dataclass
class Setting:
    """A folder of the bench's own, and the peers, if there are any."""

    folder: Path
    peer: Peer | None


@contextmanager
def peers(python: str | None) -> Iterator[Peer | None]:
    """Give the peers for as long as they are needed."""
    peer = Peer(python) if python else None
    try:
        yield peer
    finally:
        if peer is not None:
            peer.close()


def timed(run: Callable[[], object]) -> float:
    """Return how long one run takes, in seconds."""
    start = perf_counter()
    run()
    return perf_counter() - start


def interleaved(runs: dict[str, Callable[[], float]], rounds: int = 7) -> dict[str, float]:
    """Return the shortest of several rounds of each, in seconds.

    Each round runs all, one after another, so that what disturbs the machine disturbs all; and what disturbs a run only
    makes it longer. The first round only warms up.
    """
    best: dict[str, float] = {}
    for number in range(rounds + 1):
        for name, run in runs.items():
            seconds = run()
            if number:
                best[name] = min(seconds, best.get(name, seconds))
    return best


def peak_kib() -> int:
    """Return the most memory that this process has had, in KiB, as Linux counts it since the program was started.

    Not `resource.getrusage`: its figure is inherited from the process that started this one, however large that was.
    """
    with Path("/proc/self/status").open() as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
