"""Small archives from a few words: what each reporter counted on which day."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

import mtasts_nb as sts
from mtasts_nb.reports import Archive

ArchiveOf = Callable[..., Archive]
FIRST = date(2026, 3, 1)


def report_of(
    day: int,
    reporter: str,
    good: int,
    failed: Mapping[str, int],
    options: Mapping[str, Any] | None = None,
) -> bytes:
    """Return one report, from what `archive_of` takes."""
    return _report(day, reporter, good, failed, **(options or {}))


def _report(
    day: int,
    reporter: str,
    good: int,
    failed: Mapping[str, int],
    *,
    domain: str = "nordwind.example",
    kind: str = "sts",
    mode: str | None = "enforce",
    mx: str | None = "mx1.nordwind.example",
    policy_mx: str | None = None,
    reason: str | None = None,
    summary: int | None = None,
) -> bytes:
    when = (FIRST + timedelta(days=day)).isoformat()
    policy: dict[str, object] = {"policy-type": kind, "policy-domain": domain}
    if mode and kind == "sts":
        policy["policy-string"] = ["version: STSv1", f"mode: {mode}", f"mx: {policy_mx or mx}", "max_age: 86400"]
    details = []
    for result_type, count in failed.items():
        detail: dict[str, object] = {"result-type": result_type, "failed-session-count": count}
        if mx and not result_type.startswith("sts-"):
            detail["receiving-mx-hostname"] = mx
        if reason:
            detail["failure-reason-code"] = reason
        details.append(detail)
    counts = {
        "total-successful-session-count": good,
        "total-failure-session-count": sum(failed.values()) if summary is None else summary,
    }
    return json.dumps(
        {
            "organization-name": reporter,
            "contact-info": "tls@post.example",
            "report-id": f"{when}-{reporter}-{domain}-{kind}-{mx}",
            "date-range": {"start-datetime": f"{when}T00:00:00Z", "end-datetime": f"{when}T23:59:59Z"},
            "policies": [{"policy": policy, "summary": counts, "failure-details": details}],
        }
    ).encode()


@pytest.fixture(scope="session")
def archive_of() -> ArchiveOf:
    """Makes an archive: one tuple per report, (day from 2026-03-01, reporter, successes, {result type: failures}, options)."""

    def make(*rows: Sequence[object]) -> Archive:
        blobs = [report_of(*row) for row in rows]
        if not blobs:
            return Archive()
        return sts.load(*blobs, progress=False)

    return make


@pytest.fixture(scope="session")
def sample() -> Archive:
    """The bundled sample."""
    return sts.load(sts.sample_dir(), progress=False)
