"""Which quirks the fast reader takes itself: frequent ones cost no second reading, and are noted as the lenient reader notes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mtasts_nb.reports._collect import Collector
from mtasts_nb.settings import Limits
from tests.benchmarks.archives import reports
from tests.fuzz import targets

Change = Callable[[dict[str, Any]], object]


def _policy(report: dict[str, Any]) -> dict[str, Any]:
    return report["policies"][0]["policy"]


def _summary(report: dict[str, Any]) -> dict[str, Any]:
    return report["policies"][0]["summary"]


TAKEN: dict[str, tuple[Change, int]] = {
    "none": (lambda report: None, 0),
    "mx-host is a string": (lambda report: _policy(report).update({"mx-host": "*.nordwind.example"}), 1),
    "mx-host-pattern": (lambda report: _policy(report).update({"mx-host-pattern": _policy(report).pop("mx-host")}), 1),
    "a domain in capitals": (lambda report: _policy(report).update({"policy-domain": "Nordwind.EXAMPLE"}), 1),
    "another time zone": (lambda report: report.update({"date-range": _period("+02:00")}), 2),
    "no time zone": (lambda report: report.update({"date-range": _period("")}), 2),
    "no contact": (lambda report: report.pop("contact-info"), 1),
    "a contact that is null": (lambda report: report.update({"contact-info": None}), 1),
    "more failures than details": (lambda report: _summary(report).update({"total-failure-session-count": 10**6}), 1),
    "fewer failures than details": (lambda report: _summary(report).update({"total-failure-session-count": 0}), 1),
}


def _period(zone: str) -> dict[str, str]:
    return {"start-datetime": f"2026-02-08T00:00:00{zone}", "end-datetime": f"2026-02-08T23:59:59{zone}"}


def _report(change: Change) -> bytes:
    report = next(report for report in reports(20) if "failure-details" in report["policies"][0])
    change(report)
    return json.dumps(report).encode()


@pytest.mark.parametrize("name", TAKEN)
def test_a_frequent_quirk_is_read_once(name: str) -> None:
    change, remarks = TAKEN[name]
    data = _report(change)
    collector = Collector(Limits())
    assert collector.add_typed(data, "a")
    assert len(targets.remarks(collector)) == remarks
    targets.report(data)  # both readers agree


@pytest.mark.parametrize(
    "change",
    [
        lambda report: _policy(report).pop("policy-domain"),  # the mail or the file name may name it
        lambda report: report.update({"date-range": _period("?")}),
        lambda report: report.update({"x": 1}),
        lambda report: report.update({"report-id": None, "organization-name": ""}),
    ],
)
def test_what_needs_more_goes_to_the_lenient_reader(change: Change) -> None:
    assert not Collector(Limits()).add_typed(_report(change), "a")
