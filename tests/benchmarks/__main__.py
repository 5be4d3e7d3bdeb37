"""Run every bench, print each figure beside its bar; exit 1 where a bar is missed."""

from __future__ import annotations

import argparse
import importlib
import inspect
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .setting import Figure, Peer, Setting, peers


def _figures(name: str, peer: Peer | None) -> Iterator[Figure]:
    measure: Any = importlib.import_module(f"{__package__}.{name}").measure
    with tempfile.TemporaryDirectory(prefix="mtasts-nb-bench-") as folder:
        wants_setting = bool(inspect.signature(measure).parameters)
        for found in measure(Setting(Path(folder), peer)) if wants_setting else measure():
            yield found if isinstance(found, Figure) else Figure(found[0], found[1] * 1000, "ms", found[2] * 1000)


def _line(figure: Figure) -> str:
    sign = "    " if figure.bar is None else "MISS" if figure.missed else "ok  "
    bar = "" if figure.bar is None else f"{'at least' if figure.at_least else 'at most'} {figure.bar:g} {figure.unit}"
    beside = f"\n{'':42}{figure.beside}" if figure.beside else ""
    return f"{sign} {figure.value:10.3g} {figure.unit:<3} {bar:<20} {figure.name}{beside}"


def main() -> int:
    """Run what is asked for; return how many bars were missed, as an exit status."""
    there = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=f"which: {', '.join(n[6:] for n in there)}; all")
    parser.add_argument("--peers", help="a Python that has the peers; without it, what needs them is not run")
    asked = parser.parse_args()
    names = [f"bench_{name.removeprefix('bench_')}" for name in asked.benches] or there
    unknown = [name for name in names if name not in there]
    if unknown:
        parser.error(f"no such bench: {', '.join(unknown)}")
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}")
    missed = 0
    with peers(asked.peers) as peer:
        for name in names:
            print(f"\n{name.removeprefix('bench_')}", flush=True)
            for figure in _figures(name, peer):
                missed += figure.missed
                print(_line(figure), flush=True)
    print(f"\n{missed} of the bars missed" if missed else "\nEvery bar is kept.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
