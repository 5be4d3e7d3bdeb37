"""What benches measure with can fail."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
from tests.benchmarks.setting import peak_kib
before = peak_kib()
block = bytearray(int({size}))
block[::4096] = b"x" * len(block[::4096])
print(before, peak_kib() - before)
"""
LARGE = 300 * 1024 * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is measured as Linux reports it")
def test_the_peak_of_memory_is_of_the_process_itself_and_grows_with_what_it_uses() -> None:
    block = bytearray(LARGE)
    block[::4096] = b"x" * len(block[::4096])  # what this process has does not count in the other

    def run(size: int) -> list[int]:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(size=size)], capture_output=True, text=True, check=True
        )
        return [int(figure) for figure in done.stdout.split()]

    before, grown = run(1024)
    assert before < LARGE // 1024 // 2
    assert grown < 20 * 1024
    _, grown = run(LARGE // 2)
    assert grown > LARGE // 2 // 1024 * 0.9
