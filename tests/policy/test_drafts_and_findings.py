"""Text ready to publish, and how findings about texts show themselves."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

import mtasts_nb as sts

OWN = ["mx1.nordwind.example", "mx2.nordwind.example"]
BAD = "version: STSv1\nmode: Enforce\nmx: mx1.nordwind.example:25\nmax_age: 604800\n"


@pytest.mark.parametrize("mode", ["enforce", "testing", "none"])
@pytest.mark.parametrize("max_age", [0, 86400, 604800, 31557600])
def test_a_drafted_policy_validates(mode: str, max_age: int) -> None:
    text = sts.draft_policy(OWN, mode, max_age)
    policy = sts.parse_policy(text)
    assert (policy.mode, policy.max_age, policy.mx) == (mode, max_age, () if mode == "none" else tuple(OWN))
    assert not sts.validate(policy=text, mx_hosts=OWN).errors


@pytest.mark.parametrize(
    ("hosts", "mode", "max_age", "reason"),
    [
        ([], "enforce", 604800, "policy-mx-missing"),
        (["mx1.nordwind.example:25"], "enforce", 604800, "pattern-port"),
        (["."], "testing", 86400, "pattern-leading-dot"),
        (OWN, "enforced", 604800, "policy-mode-unknown"),
        (OWN, "enforce", 31557601, "policy-max-age-range"),
        (OWN, "enforce", -1, "policy-max-age-negative"),
    ],
)
def test_what_cannot_be_a_policy_is_not_drafted(hosts: list[str], mode: str, max_age: int, reason: str) -> None:
    with pytest.raises(sts.PolicyError) as caught:
        sts.draft_policy(hosts, mode, max_age)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("now", "id_"),
    [
        (datetime(2026, 2, 8, 18, 0, 5, tzinfo=UTC), "20260208180005"),
        (datetime(2026, 2, 8, 18, 0, 5), "20260208180005"),  # noqa: DTZ001 - a time without a zone is the case
        (datetime(2026, 2, 8, 1, 0, tzinfo=timezone(timedelta(hours=2))), "20260207230000"),
        (datetime(900, 1, 1, tzinfo=UTC), "09000101000000"),
    ],
)
def test_a_drafted_record_validates(now: datetime, id_: str) -> None:
    text = sts.draft_record(now)
    assert sts.parse_sts_record(text).id == id_
    assert not sts.validate(record=text)


def test_nothing_given_nothing_found() -> None:
    assert not sts.validate()
    assert sts.validate().corrected == {}


def test_parsed_values_are_taken_as_well_as_text() -> None:
    policy = sts.Policy(mode="testing", max_age=86400, mx=tuple(OWN))
    record = sts.StsRecord(id="1")
    reports = sts.TlsRptRecord(rua=("mailto:tlsrpt@nordwind.example",))
    assert not sts.validate(record, policy, OWN, reports)


def test_a_text_to_paste_is_shown_once() -> None:
    findings = sts.validate(policy=BAD)
    assert len(findings) == 2
    right = findings.corrected["policy"]
    assert {finding.fix for finding in findings} == {right}
    for shown in (str(findings), findings._repr_html_()):
        assert shown.count("version: STSv1") == 1
        assert right.strip() in shown
    assert findings[:1].corrected == findings.errors.corrected == {"policy": right}
    assert (findings + sts.validate(record="v=STSv1")).corrected.keys() == {"policy", "record"}


def test_table_and_json_hold_the_same() -> None:
    findings = sts.validate(policy=BAD)
    frame = findings.to_frame()
    assert list(frame.columns) == [
        "code",
        "severity",
        "effect",
        "subject",
        "message",
        "evidence",
        "fix",
        "rfc",
        "host",
        "addresses",
    ]
    rows = [{**row, "addresses": "\n".join(row["addresses"])} for row in json.loads(findings.to_json())]
    assert rows == frame.to_dict(orient="records")


def test_what_a_stranger_wrote_is_shown_as_text() -> None:
    hostile = "<script>alert(1)</script>\x1b[2J\u202e`<img src=x>`"
    findings = sts.validate(f"v=STSv1; id={hostile}", f"mode: {hostile}\nmx: {hostile}", [hostile], f"v={hostile}")
    html, text = findings._repr_html_(), str(findings)
    assert "<script" not in html
    assert "<img" not in html
    assert not {"\x1b", "\u202e"} & set(html + text)


def test_a_table_in_html_names_severity_effect_place_and_source() -> None:
    html = sts.validate(policy=BAD)._repr_html_()
    for part in (
        "error",
        "disables protection",
        "policy file, line 2",
        "policy-mode-unknown",
        "RFC 8461 §3.2",
        "<pre>",
    ):
        assert part in html
