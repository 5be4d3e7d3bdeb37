"""Try what a hostile sender or server does, with the tests' own cases, and print what held: ``python -m tests.hardening``.

Exit status 1 where one case did not hold.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.hardening.recorder import RECORD

__all__ = ["CLASSES", "main"]

#: Each class of attack, and the tests that try it, as pytest takes them.
CLASSES = {
    "reader bombs": ["tests/reports/test_bombs.py", "tests/reports/test_containers_hostile.py", "tests/reports/test_isolation.py"],
    "hostile servers": ["tests/probe/test_hostile_servers.py"],
    "forged reports": ["tests/reports/test_forgery.py"],
    "SSRF": ["tests/probe/test_issuers.py", "tests/probe/test_time_and_stop.py::test_a_private_address_is_not_contacted"],
    "patterns": [
        "tests/knowledge/test_reason_codes.py::test_a_hostile_text_is_read_in_linear_time",
        "tests/publish/test_redact_text.py::test_a_long_text_takes_time_by_its_length",
        "tests/reports/test_containers_hostile.py::test_the_header_of_a_mail_costs_time_in_proportion",
        "tests/reports/test_dkim.py::test_hostile_mails_take_no_time_and_raise_nothing",
    ],
    "redaction canaries": ["tests/publish/test_redact_canaries.py", "tests/publish/test_redact_check.py"],
    "writers": ["tests/test_files.py"],
    "output walk": ["tests/hardening/test_output_walk.py", "tests/hardening/test_command_walk.py", "tests/render/test_formulas.py"],
}  # fmt: skip
_RUNS = 200


def main() -> int:
    """Print the table; return the exit status."""
    print(f"{'class':<20} {'tried':>6} {'held':>6} {'worst CPU':>11} {'worst memory over':>18}", flush=True)
    failed: list[str] = []
    for name, tests in CLASSES.items():
        rows = _tried(tests)
        held = [row for row in rows if row["outcome"] == "passed"]
        lost = [row["test"] for row in rows if row["outcome"] == "failed"] or ([] if held else [f"{name}: nothing ran"])
        memory = [row["bytes"] for row in rows if row.get("bytes") is not None]
        _line(name, len(rows), len(held), max((row["seconds"] for row in rows), default=0.0), max(memory, default=None))
        failed += _named(lost)  # at once: a run takes minutes, and may be stopped
    failed += _named(_soaked())
    return 1 if failed else 0


def _named(lost: list[str]) -> list[str]:
    for each in lost:
        print(f"  did not hold: {each}", flush=True)
    return lost


def _line(name: str, tried: int, held: int, seconds: float, memory: int | None) -> None:
    amount = "–" if memory is None else f"{memory / 1e6:,.0f} MB"
    print(f"{name:<20} {tried:>6,} {held:>6,} {seconds:>9.1f} s {amount:>18}", flush=True)


def _tried(tests: list[str]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "tests.hardening.recorder",
            *tests,
        ]
        done = subprocess.run(command, env={**os.environ, RECORD: str(record)}, capture_output=True, text=True)
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        if done.returncode not in (0, 1):
            print(done.stdout[-2000:], done.stderr[-2000:], file=sys.stderr)
    rows = [json.loads(line) for line in lines]
    return [row for row in rows if row["outcome"] != "skipped"]


def _soaked() -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.hardening.soak", str(_RUNS)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        _line("one process", _RUNS, 0, 0.0, None)
        return [f"one process: {(done.stderr.strip().splitlines() or ['no output'])[-1]}"]
    runs, seconds, worst, growth, threads, descriptors, held = done.stdout.split()
    _line("one process", int(runs), int(runs) if held == "1" else 0, float(worst), int(growth))
    print(
        f"  {runs} loads, probes and pages in {seconds} s: {int(threads):+} threads, {int(descriptors):+} descriptors"
    )
    return [] if held == "1" else ["one process: memory, threads or descriptors have grown"]


if __name__ == "__main__":
    sys.exit(main())
