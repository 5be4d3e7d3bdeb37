"""Hostile loads, probes and pages, one after the other in one process: memory, threads and descriptors stay flat."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat

import mtasts_nb as sts
from mtasts_nb.publish._page import About, page
from mtasts_nb.render import document as document_of
from mtasts_nb.render import to_html
from tests.fuzz.targets import TARGETS, seeds
from tests.hardening.hostile import archive_with, turned
from tests.hardening.recorder import cpu_seconds, memory

__all__ = ["Flat", "soak"]

_FAULTS = ("dane-mismatch", "mx-certificate-expired", None)
#: What caches and allocators may still take after a fifth of the run.
MOST_GROWTH = 48 * 1024 * 1024


@dataclass(frozen=True)
class Flat:
    """What a run left behind, from after its first fifth to its end; `worst` is the CPU time of the dearest job."""

    runs: int
    seconds: float
    worst: float
    growth: int
    threads: int
    descriptors: int

    @property
    def held(self) -> bool:
        """Whether nothing has grown."""
        return self.growth <= MOST_GROWTH and self.threads <= 0 and self.descriptors <= 0


def soak(runs: int) -> Flat:
    """Load, probe and lay out a page in turn, so many times in all."""
    jobs: tuple[Callable[[int], None], ...] = (_load, _probe, _page)
    began, worst = time.monotonic(), 0.0
    before = _state()
    for number in range(runs):
        start = cpu_seconds()
        jobs[number % len(jobs)](number // len(jobs))
        worst = max(worst, cpu_seconds() - start)
        if number == runs // 5:
            before = _state()
    after = _state()
    growth, threads, descriptors = (now - then for now, then in zip(after, before, strict=True))
    return Flat(runs, time.monotonic() - began, worst, growth, threads, descriptors)


def _state() -> tuple[int, int, int]:
    gc.collect()
    folder = Path("/proc/self/fd")
    return memory("VmRSS") or 0, threading.active_count(), len([*folder.iterdir()]) if folder.is_dir() else 0


def _load(number: int) -> None:
    texts = turned(number % len(turned(0)))
    names = [name for name in TARGETS if TARGETS[name].container]
    cut = [seed[: max(1, len(seed) - number % 7)] for name in names for seed in seeds(TARGETS[name])]
    archive = archive_with(texts)
    assert len(archive.rejects) == len(texts)
    sts.load(*cut, progress=False)


def _probe(number: int) -> None:
    with sts.lab.Lab(_FAULTS[number % len(_FAULTS)], timeout=10.0) as lab:
        assert sts.probe("nordwind.example", lab.settings).checks is not None


def _page(number: int) -> None:
    archive = archive_with(turned(number % len(turned(0))))
    html = to_html(document_of(archive))
    output = nbformat.v4.new_output("display_data", data={"text/html": html, "text/plain": repr(archive)})
    cell = nbformat.v4.new_code_cell("archive", outputs=[output])
    about = About("x", "0" * 64, "now", "now", {"mtasts-nb": "1", "Python": "3"}, {}, "x", "x")
    assert len(page(nbformat.v4.new_notebook(cells=[cell]), about)) < 2_000_000


if __name__ == "__main__":
    result = soak(int(sys.argv[1]))
    print(
        result.runs,
        f"{result.seconds:.1f}",
        f"{result.worst:.2f}",
        result.growth,
        result.threads,
        result.descriptors,
        int(result.held),
    )
