"""The store: ingest against load, reopen and `daily`, sums against DuckDB on the same files, disk, memory.

Ingest takes 200,000 reports, as its bars do: with fewer, files of a day are too small to be typical. The sums take a tenth
of the 10^7 failure rows of their bars, so that `make bench` ends; MTASTS_NB_BENCH_SCALE=10 takes all.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd

import mtasts_nb as sts
from mtasts_nb.reports import Archive, schema
from mtasts_nb.store import Store

from .archives import folder
from .setting import Figure, Setting, interleaved, timed

SCALE = float(os.environ.get("MTASTS_NB_BENCH_SCALE", "1"))
REPORTS = 200_000
FAILURES = int(1_000_000 * SCALE)
_DAYS = 400
_BY = ("result_type", "receiving_mx_hostname")
_MEMORY = """
import resource, sys
import mtasts_nb as sts
sts.ingest(sys.argv[1], store=sys.argv[2], progress=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measure(setting: Setting) -> Iterator[Figure]:
    """Yield the figures."""
    yield from _ingest(setting)
    yield from _sums(setting)


def _ingest(setting: Setting) -> Iterator[Figure]:
    path, stores = folder(setting.folder / "many", REPORTS), iter(range(100))

    def cpu(run: Any) -> float:
        before = process_time()
        run()
        return process_time() - before

    def ingest() -> Store:
        return sts.ingest(path, store=setting.folder / f"store-{next(stores)}", progress=False)

    best = interleaved({"load": lambda: cpu(lambda: sts.load(path, progress=False)), "ingest": lambda: cpu(ingest)}, 1)
    yield Figure(
        f"ingest of {REPORTS:,} reports, against load, CPU time",
        best["ingest"] / best["load"],
        "×",
        1.5,
        beside=f"{best['ingest'] * 1e6 / REPORTS:.0f} µs a report, load {best['load'] * 1e6 / REPORTS:.0f} µs",
    )
    store = ingest()
    again = interleaved({"again": lambda: cpu(lambda: sts.ingest(path, store=store.uri, progress=False))}, 1)
    yield Figure("the same reports again", again["again"] * 1e6 / REPORTS, "µs", beside="a report, CPU time")
    best = interleaved({"daily": lambda: timed(lambda: sts.daily(sts.open_store(store.uri)))}, 5)
    yield Figure(f"reopen and daily over {REPORTS:,} reports", best["daily"], "s", 0.3)
    gz = sum(file.stat().st_size for file in path.rglob("*.gz"))
    # A folder of its own for each day and kind is no content: its size is the file system's.
    size = sum(file.stat().st_size for file in Path(store.uri).rglob("*") if file.is_file())
    yield Figure(
        "disk, against the .json.gz files", 100 * size / gz, "%", 25, beside=f"{size / REPORTS:.0f} bytes a report"
    )
    if sys.platform == "linux":
        command = [sys.executable, "-c", _MEMORY, str(path), str(setting.folder / "memory")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        yield Figure(f"ingest of {REPORTS:,} reports: peak of memory", int(done.stdout) / 1024, "MB", 1000)


def failures(count: int, seed: int = 3) -> Archive:
    """Return an archive of one report per day and reporter, with so many failures, spread over 400 days."""
    rng = np.random.default_rng(seed)
    per_report = 250
    reports = max(_DAYS, count // per_report)
    begin = np.sort(rng.integers(0, _DAYS, reports)) * 86_400_000_000 + 1_735_689_600_000_000
    start = pd.DatetimeIndex(begin.view("M8[us]")).tz_localize("UTC")
    keys = pd.Series([f"{number:024x}" for number in range(reports)], dtype="str")
    domain = rng.integers(0, 40, reports)
    names = pd.Index([f"d{number:02}.example" for number in range(40)], dtype="str")
    reporter = pd.Categorical.from_codes(rng.integers(0, 8, reports), pd.Index(list("ABCDEFGH"), dtype="str"))

    def words(codes: Any, values: list[str]) -> Any:
        return pd.Categorical.from_codes(codes, pd.Index(values, dtype="str"))

    rows = np.repeat(np.arange(reports), per_report)[:count]
    total = len(rows)
    common = {"organization_name": reporter, "start_datetime": start, "day": start.floor("D")}
    policy = {
        "policy_type": words(np.zeros(reports, int), ["sts"]),
        "policy_domain": words(domain, list(names)),
        "policy_mode": words(np.zeros(reports, int), ["enforce"]),
    }
    counts = rng.integers(1, 20, total)
    failed = np.bincount(rows, counts, reports).astype(np.int64)
    sessions = pd.DataFrame(common | policy | {"report_key": keys, "policy_index": np.zeros(reports, np.int64)})
    sessions = sessions.assign(
        end_datetime=start + pd.Timedelta(hours=23),
        policy_max_age=pd.array([86400] * reports, dtype="Int64"),
        policy_string=words(np.zeros(reports, int), ["version: STSv1"]),
        mx_host=words(np.zeros(reports, int), ["*.example"]),
        total_successful_session_count=np.full(reports, 1000),
        total_failure_session_count=failed,
        detailed_failure_session_count=failed,
    )
    details = sessions[list(common) + list(policy) + ["report_key", "policy_index"]].iloc[rows].reset_index(drop=True)
    mx = sorted(f"mx{number}.{name}" for name in names for number in range(3))
    at_mx = np.array([mx.index(f"mx{number}.{name}") for name in names for number in range(3)])
    details = details.assign(
        result_type=words(
            rng.integers(0, 4, total),
            ["certificate-expired", "starttls-not-supported", "sts-policy-fetch-error", "validation-failure"],
        ),
        sending_mta_ip=words(rng.integers(0, 256, total), sorted(f"192.0.2.{number}" for number in range(256))),
        receiving_mx_hostname=words(at_mx[domain[rows] * 3 + rng.integers(0, 3, total)], mx),
        receiving_mx_helo=words(np.full(total, -1), [""]),
        receiving_ip=words(rng.integers(0, 9, total), [f"198.51.100.{number}" for number in range(9)]),
        failed_session_count=counts,
        failure_reason_code=words(np.zeros(total, int), ["certificate has expired"]),
        additional_information=words(np.full(total, -1), [""]),
    )
    table = sessions.assign(
        contact_info=words(np.zeros(reports, int), ["tls@reporter.example"]),
        report_id=keys,
        source=keys,
        member=pd.Series([""] * reports, dtype="str"),
        sha256=pd.Series([f"{number:064x}" for number in range(reports)], dtype="str"),
        size=np.full(reports, 500),
        duplicate_of=pd.Series([None] * reports, dtype="str"),
        conflict=np.zeros(reports, bool),
        signed_by=words(np.full(reports, -1), [""]),
    )
    tables = {"reports": table, "sessions": sessions, "failures": details}
    return Archive(sources=(), **{name: frame[schema.columns(name)] for name, frame in tables.items()})


def _sums(setting: Setting) -> Iterator[Figure]:
    archive = failures(FAILURES)
    store = sts.ingest(archive, store=setting.folder / "failures", progress=False)
    days = f"{_DAYS} files of {FAILURES // _DAYS:,} rows"
    runs = {
        engine: (lambda engine=engine: timed(lambda: sts.daily(store, _BY, engine=engine)))
        for engine in ("rollups", "codes", "duckdb")
    }
    best = interleaved(runs, 3)
    yield Figure(
        f"day × result type × MX over {FAILURES:,} failure rows on codes, against DuckDB on the same files",
        best["codes"] / best["duckdb"],
        "×",
        0.5,
        beside=f"{best['codes']:.2f} s, DuckDB {best['duckdb']:.2f} s, rollups {best['rollups']:.2f} s; {days}",
    )
    yield Figure(
        f"the same as asked without an engine, against DuckDB on the files of failures of {FAILURES:,} rows",
        best["rollups"] / best["duckdb"],
        "×",
        0.5,
    )
    part = store.for_domain("d07.example").between("2025-03-01", "2025-03-31")
    runs = {
        engine: (lambda engine=engine: timed(lambda: sts.daily(part, "receiving_ip", engine=engine)))
        for engine in ("codes", "duckdb")
    }
    best = interleaved(runs, 5)
    yield Figure(
        f"one domain × one month of {FAILURES:,} failure rows",
        min(best.values()),
        "s",
        0.2,
        beside=f"codes {best['codes']:.3f} s, DuckDB {best['duckdb']:.3f} s",
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Figure("the same, peak of this process, the archive in memory included", peak, "MB")


def speed_up(path: Path, home: Path) -> dict[int, float]:
    """Return the seconds of an ingest by one and by two workers; not in `measure`: it needs two idle processors."""
    from distributed import Client, LocalCluster

    seconds = {}
    for workers in (1, 2):
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            began = perf_counter()
            sts.ingest(path, store=home / f"by-{workers}", client=client, progress=False)
            seconds[workers] = perf_counter() - began
    return seconds
