"""What a page says it rests on: refusals and assumptions, none hidden behind another, long lists folded."""

from __future__ import annotations

import json

import mtasts_nb as sts
from mtasts_nb.publish import evidence


def report(number: int, policies: int, count: object = "1") -> bytes:
    element = {
        "policy": {"policy-type": "sts", "policy-domain": "nordwind.example"},
        "summary": {"total-successful-session-count": count, "total-failure-session-count": 0},
    }
    period = {"start-datetime": "2026-02-08T00:00:00Z", "end-datetime": "2026-02-08T23:59:59Z"}
    top = {
        "organization-name": "Post",
        "contact-info": "a@post.example",
        "report-id": str(number),
        "date-range": period,
    }
    return json.dumps({**top, "policies": [element] * policies}).encode()


def test_the_same_slip_in_each_policy_is_one_line() -> None:
    html = evidence(sts.load(report(1, 3), report(2, 2), progress=False))._repr_html_()
    assert "5 times a report did not follow RFC 8460" in html
    assert html.count("number read from text") == 1
    assert "policies[].summary.total-successful-session-count" in html


def test_a_long_list_of_refusals_is_folded_and_whole() -> None:
    archive = sts.load(*(b'{"policies": 7}' for _ in range(20)), progress=False)
    html = evidence(archive)._repr_html_()
    assert "<summary>15 more rows</summary>" in html
    assert all(f"&lt;bytes {number}&gt;" in html for number in range(1, 21))
