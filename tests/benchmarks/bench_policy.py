"""The cost of judging hostile text: 100 KB of any one byte, and the densest 64 KiB, in under 50 ms each.

A stranger chooses what a probe or a report brings; the time to judge it must follow from its size alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import mtasts_nb as sts

BAR_SECONDS = 0.050
_ROUNDS = 5
_CAP = 64 * 1024

_ENTRANCES: dict[str, Callable[[bytes], object]] = {
    "validate(record=…)": lambda data: sts.validate(record=data),
    "validate(policy=…)": lambda data: sts.validate(policy=data),
    "validate(tlsrpt_record=…)": lambda data: sts.validate(tlsrpt_record=data),
    "mx_matches(…)": lambda data: sts.mx_matches(data.decode("latin-1"), data.decode("latin-1")),
}


def _least(run: Callable[[], object]) -> float:
    """Return the shortest of several runs, in seconds: what disturbs a run only makes it longer."""
    best = float("inf")
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
        if best < BAR_SECONDS / 10:
            break
    return best


def measure() -> Iterator[tuple[str, float, float]]:
    """Yield, for each entrance and size, what was measured: its name, the worst of all 256 bytes, and the bar."""
    for name, run in _ENTRANCES.items():
        # At 100 KB the cap decides; just below it the text is read to its end.
        for size in (100_000, _CAP):
            worst, byte = max(
                (_least(lambda data=bytes([byte]) * size, run=run: run(data)), byte) for byte in range(256)
            )
            yield f"{name}, {size:,} times one byte (worst: 0x{byte:02x})", worst, BAR_SECONDS


def main() -> int:
    """Print each figure beside its bar; 1 where one is missed."""
    missed = 0
    for name, seconds, bar in measure():
        missed += seconds > bar
        print(f"{'ok  ' if seconds <= bar else 'MISS'}  {seconds * 1000:7.2f} ms  bar {bar * 1000:.0f} ms  {name}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
