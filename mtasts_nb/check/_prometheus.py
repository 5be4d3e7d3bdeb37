"""The metrics of a check as a text file, for the textfile collector of Prometheus' node exporter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, time

from ..markup import visible
from ..vocabulary import Level
from ._values import Kind, Observed, State

__all__ = ["prometheus"]


def prometheus(state: State, observed: Observed, now: datetime) -> str:
    """Return the metrics in Prometheus' text format (version 0.0.4).

    Examples
    --------
    >>> print(prometheus(State(), Observed(), datetime(2026, 2, 8, tzinfo=UTC)).splitlines()[2])
    mtasts_nb_check_timestamp_seconds 1770508800
    """
    counts: dict[tuple[Kind, Level], int] = {
        (kind, level): 0 for kind in Kind if kind is not Kind.POLICY for level in Level if level.rank < 3
    }
    for problem in state.open:
        counts[problem.kind, problem.level] = counts.get((problem.kind, problem.level), 0) + 1
    by_domain: dict[str, int] = {}
    for problem in state.open:
        for domain in problem.domains:
            by_domain[domain] = by_domain.get(domain, 0) + 1
    lines = [
        *_metric("check_timestamp_seconds", "When the check ran last.", [({}, int(now.timestamp()))]),
        *_metric(
            "open_problems",
            "Problems that are not over, by kind and level.",
            [({"kind": str(kind), "level": str(level)}, count) for (kind, level), count in counts.items()],
        ),
        *_metric(
            "open_problems_of_domain",
            "Problems of a policy domain that are not over.",
            [({"domain": domain}, count) for domain, count in sorted(by_domain.items())],
        ),
        *_metric(
            "certificate_not_after_seconds",
            "When the certificate of a host expires.",
            [({"host": host}, int(end.timestamp())) for host, end in observed.certificates.items()],
        ),
    ]
    if observed.last_report is not None:
        day = datetime.combine(observed.last_report, time(tzinfo=UTC))
        lines += _metric("last_report_day_seconds", "The last day with a report.", [({}, int(day.timestamp()))])
    return "\n".join(lines) + "\n"


def _metric(name: str, text: str, samples: Iterable[tuple[Mapping[str, str], int]]) -> Iterator[str]:
    yield f"# HELP mtasts_nb_{name} {text}"
    yield f"# TYPE mtasts_nb_{name} gauge"
    for labels, value in samples:
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"mtasts_nb_{name}{f'{{{inside}}}' if inside else ''} {value}"


def _escaped(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
