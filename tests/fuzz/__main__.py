"""Fuzz every target for its share of the time, and print how often each was executed; exit 1 where one failed."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from .mutations import mutated
from .targets import TARGETS, Target, seeds

_COUNT = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


@dataclass(frozen=True)
class Outcome:
    """How often a target was executed in how many seconds; the fault that ended it, if any."""

    target: Target
    executions: int
    seconds: float
    fault: str = ""


def by_atheris(target: Target, seconds: int, found: Path, executions: int | None = None) -> Outcome:
    """Return the outcome of libFuzzer's engine: half the time guided by coverage, half at full speed.

    With a number of `executions`, a tenth of them are guided, and the time is as long as they take. New seeds and failing
    inputs are kept in the folder `found`.
    """
    corpus = found / "corpus" / target.name
    corpus.mkdir(parents=True, exist_ok=True)
    largest = 100_000 if target.name == "snapshot" else 4096
    # Without coverage libFuzzer drops every seed but one and tries a few bytes: millions of executions that reach nothing.
    options = [
        "-keep_seed=1",
        "-len_control=0",
        "-print_final_stats=1",
        "-timeout=20",
        "-rss_limit_mb=2048",
        f"-max_len={largest}",
    ]
    began, counted = time.monotonic(), 0
    for way in ("guided", "blind"):
        if executions is None:
            end = f"-max_total_time={max(1, seconds // 2)}"
        else:
            end = f"-runs={executions // 10 if way == 'guided' else executions - counted}"
        command = [sys.executable, "-m", "tests.fuzz.one", way, target.name, *options, end]
        done = subprocess.run(
            [*command, f"-artifact_prefix={found}/{target.name}-", str(corpus)],
            capture_output=True,
            text=True,
            errors="replace",
        )
        count = _COUNT.search(done.stderr)
        counted += int(count[1]) if count else 0
        if done.returncode:
            return Outcome(target, counted, time.monotonic() - began, _fault(done.stdout + done.stderr))
    return Outcome(target, counted, time.monotonic() - began)


def _fault(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if "Uncaught Python exception" in line:
            return " ".join(lines[number + 1 : number + 2])
    telling = [line for line in lines if "ERROR:" in line or "SUMMARY:" in line]
    return (telling or lines or ["no output"])[-1]


def by_hypothesis(target: Target, seconds: int, executions: int | None = None) -> Outcome:
    """Return the outcome of hypothesis's mutations of the seeds, without guidance, for as long or as often as asked."""
    began, counted = time.monotonic(), 0

    @settings(
        max_examples=2000,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(mutated(seeds(target)))
    def execute(data: bytes) -> None:
        nonlocal counted
        counted += 1
        target.run(data)

    try:
        while time.monotonic() - began < seconds if executions is None else counted < executions:
            execute()
    except Exception as error:  # noqa: BLE001 - a fault is the outcome
        return Outcome(target, counted, time.monotonic() - began, f"{type(error).__name__}: {error}"[:300])
    return Outcome(target, counted, time.monotonic() - began)


def main() -> int:
    """Fuzz what is asked for; return how many targets failed, as an exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"which: {', '.join(TARGETS)}; all")
    parser.add_argument("--seconds", type=int, default=340, help="for all targets together")
    parser.add_argument("--executions", type=int, help="of each target, however long they take; --seconds is not used")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--found", type=Path, default=Path(".fuzz"), help="folder for new seeds and failing inputs")
    asked = parser.parse_args()
    if unknown := set(asked.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    targets = [TARGETS[name] for name in asked.targets or TARGETS]
    guided = importlib.util.find_spec("atheris") is not None
    each = max(1, asked.seconds * asked.jobs // len(targets))
    print(
        "engine: "
        + ("atheris (libFuzzer), guided by coverage" if guided else "hypothesis; atheris is not installed here")
    )
    share = f"{each} s" if asked.executions is None else f"{asked.executions:,} executions"
    print(f"{len(targets)} targets, {share} each, {asked.jobs} at a time", flush=True)
    failed = 0
    with ThreadPoolExecutor(asked.jobs if guided else 1) as pool:
        jobs = [
            pool.submit(by_atheris, target, each, asked.found, asked.executions)
            if guided
            else pool.submit(by_hypothesis, target, each, asked.executions)
            for target in targets
        ]
        for job in jobs:
            outcome = job.result()
            failed += bool(outcome.fault)
            kind = "container" if outcome.target.container else "text"
            print(
                f"{outcome.target.name:<10} {kind:<9} {outcome.executions:>10,} executions {outcome.seconds:7.0f} s  "
                + (outcome.fault or "no fault"),
                flush=True,
            )
    print(f"{failed} targets failed; their inputs are in {asked.found}" if failed else "No target failed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
