"""Loading 20,000 small .json.gz: against the least that can be done, against parsedmarc, with bad ones in between."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from mtasts_nb.reports import Archive, load

from .archives import compressed, folder, reports
from .setting import Figure, Setting, interleaved, timed

COUNT = 20_000
SLOW_COUNT = 2_000


def touched(archive: Archive, count: int) -> None:
    """All tables are there, and all reports in them."""
    assert len(archive.sessions) == len(archive.reports) == count
    assert len(archive.failures) > count // 2


def whole(path: Path, count: int, workers: int | None = None) -> float:
    return timed(lambda: touched(load(path, progress=False, workers=workers), count))


def measure(setting: Setting) -> Iterator[Figure]:
    """Yield the figures."""
    path = folder(setting.folder / "many", COUNT)
    if setting.peer is None:
        best = interleaved({"load": lambda: whole(path, COUNT)})
        yield Figure("load 20,000 small .json.gz", best["load"], "s", beside="no peers: floor and parsedmarc not run")
    else:
        yield from _against_peers(setting, path)
    yield from _bad_ones(setting, path)
    yield from _quirky(setting)
    yield from _cold(path)
    yield from _slow(folder(setting.folder / "slow", SLOW_COUNT))


def _against_peers(setting: Setting, path: Path) -> Iterator[Figure]:
    peer = setting.peer
    assert peer is not None
    best = interleaved({"floor": lambda: peer.seconds("floor", path), "load": lambda: whole(path, COUNT)})
    yield Figure(
        "load 20,000 small .json.gz, against read + sha256 + zlib + orjson.loads in one thread",
        best["load"] / best["floor"],
        "×",
        1.6,
        beside=f"{best['load'] * 1e6 / COUNT:.1f} µs a report, floor {best['floor'] * 1e6 / COUNT:.1f} µs",
    )
    best = interleaved(
        {"parsedmarc": lambda: peer.seconds("parsedmarc files", path), "load": lambda: whole(path, COUNT)}, rounds=3
    )
    yield Figure(
        "load small .json.gz, faster than parsedmarc's parse_report_file",
        best["parsedmarc"] / best["load"],
        "×",
        5,
        at_least=True,
        beside=f"{best['load'] * 1e6 / COUNT:.1f} µs a report, parsedmarc {best['parsedmarc'] * 1e6 / COUNT:.1f} µs",
    )


def _bad_ones(setting: Setting, good: Path) -> Iterator[Figure]:
    """One file in a hundred is cut off, or rubbish, or a web page."""
    path = folder(setting.folder / "bad", COUNT)
    rng = random.Random(5)
    files = sorted(path.rglob("*.gz"))
    for number, file in enumerate(rng.sample(files, COUNT // 100)):
        data = file.read_bytes()
        file.write_bytes((data[: len(data) // 2], rng.randbytes(400), b"<html><body>404</body></html>" * 9)[number % 3])

    def with_bad() -> float:
        def run() -> None:
            archive = load(path, progress=False)
            assert len(archive.reports) == COUNT - COUNT // 100
            assert len(archive.inputs) == COUNT

        return timed(run)

    best = interleaved({"good": lambda: whole(good, COUNT), "bad": with_bad})
    yield Figure(
        "load, with 1 bad file in 100: the time that costs",
        100 * (best["bad"] / best["good"] - 1),
        "%",
        10,
        beside=f"{best['bad']:.3f} s, without {best['good']:.3f} s",
    )


def _quirky(setting: Setting) -> Iterator[Figure]:
    """Every report with one quirk of real reporters, against the same without it."""
    quirks: dict[str, Callable[[dict[str, Any]], object]] = {
        "clean": lambda report: None,
        "mx-host-pattern": lambda report: (
            policy := report["policies"][0]["policy"],
            policy.update({"mx-host-pattern": policy.pop("mx-host")}),
        ),
        "times with +01:00": lambda report: report.update(
            {"date-range": {key: text.replace("Z", "+01:00") for key, text in report["date-range"].items()}}
        ),
        "details above the total": lambda report: report["policies"][0]["summary"].update(
            {"total-failure-session-count": 0}
        ),
        "no contact": lambda report: report.pop("contact-info"),
    }
    runs: dict[str, Callable[[], float]] = {}
    for name, change in quirks.items():
        path = setting.folder / name
        path.mkdir()
        for number, report in enumerate(reports(SLOW_COUNT)):
            change(report)
            (path / f"{number}.json.gz").write_bytes(compressed(report))
        runs[name] = lambda path=path: timed(lambda: load(path, progress=False))
    best = interleaved(runs)
    for name in list(quirks)[1:]:
        yield Figure(
            f"load reports that all have a quirk ({name}), against clean ones", best[name] / best["clean"], "×", 2
        )


def _cold(path: Path) -> Iterator[Figure]:
    """As after a restart: the files' pages are dropped before the run. Not a bar, for the disk decides."""
    if not hasattr(os, "posix_fadvise"):
        return
    os.sync()
    for file in path.rglob("*.gz"):
        descriptor = os.open(file, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
    yield Figure("load 20,000 small .json.gz, cold", whole(path, COUNT), "s")


def _slow(path: Path) -> Iterator[Figure]:
    """A network folder: each file takes a millisecond to open."""
    plain_open = os.open

    def slow_open(*arguments: Any, **keywords: Any) -> int:
        time.sleep(0.001)
        return plain_open(*arguments, **keywords)

    with mock.patch("os.open", slow_open):
        best = interleaved(
            {"one": lambda: whole(path, SLOW_COUNT, workers=1), "load": lambda: whole(path, SLOW_COUNT)}, rounds=2
        )
    yield Figure(
        "load 2,000 small .json.gz from a folder that takes 1 ms a file: faster than file by file",
        best["one"] / best["load"],
        "×",
        1.5,
        at_least=True,
        beside=f"{best['load']:.2f} s, file by file {best['one']:.2f} s",
    )
