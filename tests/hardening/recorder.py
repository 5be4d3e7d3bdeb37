"""A pytest plugin that writes one JSON line per test: its outcome, its CPU time, and the memory it took over what was in use."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["RECORD", "cpu_seconds", "memory"]

#: The environment variable that names the file.
RECORD = "MTASTS_NB_HARDENING_RECORD"
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def memory(name: str) -> int | None:
    """Return the memory of this process in bytes: `VmRSS` now, `VmHWM` at most; None where the system does not tell."""
    try:
        match = re.search(rf"{name}:\s*(\d+) kB", _STATUS.read_text())
    except OSError:
        return None
    return int(match[1]) * 1024 if match else None


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its children that ended: other processes on the machine do not count."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: Any) -> Iterator[None]:
    with contextlib.suppress(OSError):
        _CLEAR.write_text("5")  # the highest mark begins here
    before, began = memory("VmRSS"), cpu_seconds()
    try:
        return (yield)
    finally:
        item.user_properties.append(("seconds", cpu_seconds() - began))
        most = memory("VmHWM")
        item.user_properties.append(("bytes", None if before is None or most is None else max(0, most - before)))


def pytest_runtest_logreport(report: Any) -> None:
    if report.when == "call" or report.outcome != "passed":
        line = {
            "test": report.nodeid,
            "outcome": report.outcome,
            "seconds": 0.0,
            **dict(report.user_properties),
        }
        with Path(os.environ[RECORD]).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
