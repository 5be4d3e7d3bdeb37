"""What really happened, counted from the reports as they were written: `truth.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from .pack import WrittenReport
from .world import INCIDENTS, Timeline

__all__ = ["TRUTH_COLUMNS", "truth_csv", "truth_rows"]

#: The columns of truth.csv.
TRUTH_COLUMNS = (
    "incident", "start", "end", "policy_domain", "policy_type", "receiving_mx_hostname", "result_type", "reporters",
    "failed_session_count", "held_back", "story",
)  # fmt: skip


@dataclass(slots=True)
class _Seen:
    keys: set[tuple[str, str, str, str]] = field(default_factory=set)
    days: set[int] = field(default_factory=set)
    held: int = 0


def _details(written: WrittenReport) -> Iterable[tuple[tuple[str, str, str, str], int]]:
    """Yield the group (domain, policy type, MX, result type) and count of each failure detail, from the JSON."""
    for entry in written.report["policies"]:
        policy_type = entry["policy"]["policy-type"].lower()
        details = entry.get("failure-details") or []
        for detail in [details] if isinstance(details, dict) else details:
            key = (
                written.sender_day.domain,
                policy_type,
                detail.get("receiving-mx-hostname", ""),
                detail.get("result-type", ""),
            )
            yield key, int(detail["failed-session-count"])


def _still_wrong(timeline: Timeline, last_day: int, incident: str) -> bool:
    """Return whether the state of the world at the end of the last day still has the fault."""
    state = timeline.states[timeline.index((last_day + 1) * 86_400 - 1)]
    faults = (*state.mx_faults, *state.dane_faults, *((state.fetch_fault,) if state.fetch_fault else ()))
    return state.moved == incident or any(fault.incident == incident for fault in faults)


def _day(day: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%d")


def truth_rows(
    reports: Iterable[WrittenReport], timelines: Mapping[str, Timeline], last_day: int, stories: Mapping[str, str]
) -> list[dict[str, str | int]]:
    """Return what happened, one row with `TRUTH_COLUMNS` per incident and group, in the order of time.

    Parameters
    ----------
    reports : iterable of WrittenReport
        Every report that can be read, each once.
    timelines : mapping
        The world, by policy domain.
    last_day : int
        The last day of the archive (days since 1970-01-01): an incident whose fault is still there then has no end.
    stories : mapping
        Each incident in words.

    Notes
    -----
    `start` and `end` are the first and last UTC day on which a report shows the incident. `failed_session_count` is
    the sum of the failure details of that policy domain, policy type, MX and result type within the span, as the
    reports give it: background failures of the same kind, which nobody could tell apart, are in it.
    """
    written = list(reports)
    seen: dict[str, _Seen] = {}
    for report in written:
        sender_day = report.sender_day
        for row in sender_day.rows.values():
            for failure in row.failures:
                if failure.incident:
                    found = seen.setdefault(failure.incident, _Seen())
                    found.keys.add((sender_day.domain, row.policy_type, failure.host, failure.result_type))
                    found.days.add(sender_day.day)
        for incident, count in sender_day.held.items():
            seen.setdefault(incident, _Seen()).held += count
    counts: dict[tuple[tuple[str, str, str, str], int], dict[str, int]] = {}
    for report in written:
        for key, count in _details(report):
            by_name = counts.setdefault((key, report.sender_day.day), {})
            by_name[report.sender_day.sender.name] = by_name.get(report.sender_day.sender.name, 0) + count
    tagged = {
        (failure.incident, report.sender_day.sender.name)
        for report in written
        for row in report.sender_day.rows.values()
        for failure in row.failures
        if failure.incident
    }
    rows: list[dict[str, str | int]] = []
    for incident, found in sorted(seen.items(), key=lambda item: (min(item[1].days), item[0])):
        first, last = min(found.days), max(found.days)
        for key in sorted(found.keys):
            total = sum(sum(counts.get((key, day), {}).values()) for day in range(first, last + 1))
            domain, policy_type, host, result_type = key
            values: tuple[str | int, ...] = (
                incident,
                _day(first),
                "" if _still_wrong(timelines[domain], last_day, incident) else _day(last),
                domain,
                policy_type,
                host,
                result_type,
                "; ".join(sorted(name for tag, name in tagged if tag == incident)),
                total,
                "true" if found.held else "false",
                stories[incident],
            )
            rows.append(dict(zip(TRUTH_COLUMNS, values, strict=True)))
    return rows


def truth_csv(
    reports: Iterable[WrittenReport],
    timelines: Mapping[str, Timeline],
    last_day: int,
    stories: Mapping[str, str] = INCIDENTS,
) -> str:
    """Return truth.csv: the rows of `truth_rows`."""
    out = io.StringIO()
    table = csv.DictWriter(out, TRUTH_COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(truth_rows(reports, timelines, last_day, stories))
    return out.getvalue()
