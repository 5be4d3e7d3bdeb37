"""Kill `ingest` at random moments, run it again, and count: `python -m tests.store.kills [TIMES]`.

Each round kills one of: a single process, two writers at once (both, at different moments). After each round the next run
completes what is missing, and sessions, failures and rollups must be those of `load`.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mtasts_nb as sts
from tests.benchmarks.archives import folder
from tests.store.test_ingest import same_counts, same_daily

REPORTS = 900
_RUN = """
import sys
import mtasts_nb as sts
from mtasts_nb.store import _ingest, _writer
_ingest.PART = 200
_writer.Writer.__init__.__defaults__ = (400,)
print("ready", flush=True)
sts.ingest(sys.argv[1], store=sys.argv[2], progress=False)
"""


def main(times: int, seed: int = 14) -> None:
    """Run and kill; fails at the first wrong count."""
    rng = random.Random(seed)
    killed = 0
    with tempfile.TemporaryDirectory(prefix="mtasts-nb-kills-") as home:
        sources = folder(Path(home) / "in", REPORTS)
        expected = sts.load(sources, progress=False)
        began = time.perf_counter()
        sts.ingest(sources, store=f"{home}/first", progress=False)
        longest = time.perf_counter() - began
        store, number = "", 0
        while killed < times:
            if number % 5 == 0:
                store = f"{home}/store-{number}"
            number += 1
            writers = [
                subprocess.Popen([sys.executable, "-c", _RUN, sources, store], stdout=subprocess.PIPE, text=True)
                for _ in range(1 + number % 2)
            ]
            for writer in writers:
                assert writer.stdout is not None
                assert writer.stdout.readline() == "ready\n"
            for writer in writers:
                time.sleep(rng.uniform(0, longest))
                killed += writer.poll() is None
                writer.kill()
                writer.wait()
            if number % 5 == 0 or killed >= times:
                after = sts.ingest(sources, store=store, progress=False)
                same_counts(after.to_archive(), expected)
                same_daily(after, expected)
            print(f"{killed} of {times} killed, {number} runs", flush=True)
    print("every count right")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
