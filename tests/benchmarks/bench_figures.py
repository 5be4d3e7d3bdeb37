"""A figure of 400 days and 11 result types: aggregate, build and draw in at most 0.2 s, as PNG and as SVG."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from time import perf_counter
from typing import Any

from matplotlib.figure import Figure as Canvas

import mtasts_nb as sts
from mtasts_nb import plots
from mtasts_nb.reports import Archive, daily
from mtasts_nb.vocabulary import ResultType

from .setting import Figure

BAR_MS = 200.0
_ROUNDS = 7
_DAYS = 400
_REPORTERS = 4


def _report(day: date, reporter: int, chance: random.Random) -> dict[str, Any]:
    details = [
        {
            "result-type": kind.value,
            "failed-session-count": chance.randint(1, 500),
            **({} if kind.on_policy_host else {"receiving-mx-hostname": f"mx{chance.randint(1, 3)}.nordwind.example"}),
        }
        for kind in ResultType
    ]
    return {
        "organization-name": f"Reporter {reporter}",
        "contact-info": "tlsrpt@reporter.example",
        "report-id": f"{day}-{reporter}",
        "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"},
        "policies": [
            {
                "policy": {"policy-type": "sts", "policy-domain": "nordwind.example"},
                "summary": {
                    "total-successful-session-count": 5000,
                    "total-failure-session-count": sum(detail["failed-session-count"] for detail in details),
                },
                "failure-details": details,
            }
        ],
    }


def _archive() -> Archive:
    chance = random.Random(8460)
    days = [date(2025, 9, 1) + timedelta(days=number) for number in range(_DAYS)]
    lines = [json.dumps(_report(day, number, chance)) for day in days for number in range(_REPORTERS)]
    return sts.load("\n".join(lines).encode(), progress=False)


def _least(run: Callable[[], object], rounds: int = _ROUNDS) -> float:
    """Return the shortest of several runs, in ms: what disturbs a run only makes it longer."""
    times = []
    for _ in range(rounds):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return 1000 * min(times)


def _by_pandas(archive: Archive) -> None:
    table = daily(archive).pivot_table(index="day", columns="result_type", values="failed", observed=True)
    canvas = Canvas((plots._style.WIDTH, 4))
    table.plot.bar(stacked=True, ax=canvas.add_subplot())
    plots.to_png(canvas, dpi=100)


def measure() -> Iterator[Figure]:
    """Yield, for each figure and each format, the time from the archive to the bytes."""
    archive = _archive()
    sessions, kinds = len(archive.sessions), archive.failures["result_type"].nunique()
    assert (sessions, kinds) == (_DAYS * _REPORTERS, 11), (sessions, kinds)
    beside = f"of it daily(): {_least(lambda: daily(archive, ('result_type', 'receiving_mx_hostname'))):.3g} ms"
    beside += f"; pandas plot.bar of the same table: {_least(lambda: _by_pandas(archive), 1):.3g} ms"
    for draw in (
        plots.failures_over_time, plots.failures_by_mx, plots.success_share, plots.mx_by_result,
        plots.reporter_coverage,
    ):  # fmt: skip
        for kind, write in (("PNG", lambda ax: plots.to_png(ax, dpi=100)), ("SVG", plots.to_svg)):
            name = f"{draw.__name__}, {_DAYS} days × {kinds} types, to {kind}"
            # Only the stacked figure has a bar; the others are printed to see what they cost.
            bar = BAR_MS if draw is plots.failures_over_time else None
            value = _least(lambda draw=draw, write=write: write(draw(archive)))
            yield Figure(name, value, "ms", bar, beside=beside if bar else "")
            beside = f"{len(write(draw(archive))):,} bytes" if bar else ""
