"""Reports as they really arrive: what becomes of each quirk, and that the reader says so.

Each case changes one correct report (RFC 8460 §4.4) and names the cells that must come out, and the deviations.
"""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb.reports import schema

Change = Callable[[dict[str, Any]], object]

PLAIN: dict[str, Any] = {
    "organization-name": "Example Post",
    "date-range": {"start-datetime": "2026-02-08T00:00:00Z", "end-datetime": "2026-02-08T23:59:59Z"},
    "contact-info": "tls@post.example",
    "report-id": "2026-02-08T00:00:00Z_nordwind.example",
    "policies": [
        {
            "policy": {
                "policy-type": "sts",
                "policy-string": ["version: STSv1", "mode: testing", "mx: *.nordwind.example", "max_age: 86400"],
                "policy-domain": "nordwind.example",
                "mx-host": ["*.nordwind.example"],
            },
            "summary": {"total-successful-session-count": 150, "total-failure-session-count": 5},
            "failure-details": [
                {
                    "result-type": "certificate-expired",
                    "sending-mta-ip": "192.0.2.1",
                    "receiving-mx-hostname": "mx1.nordwind.example",
                    "receiving-ip": "2001:db8::25",
                    "failed-session-count": 5,
                    "failure-reason-code": "X509_V_ERR_CERT_HAS_EXPIRED",
                }
            ],
        }
    ],
}
NAME = "post.example!wanted.example!1770508800!1770595199!17.json.gz"
MISSING = object()


def changed(*changes: Change) -> dict[str, Any]:
    report = copy.deepcopy(PLAIN)
    for change in changes:
        change(report)
    return report


def element(report: dict[str, Any]) -> dict[str, Any]:
    return report["policies"][0]


def policy(**cells: object) -> Change:
    """Set keys of the policy; MISSING takes one out."""
    return lambda report: _set(element(report)["policy"], cells)


def summary(**cells: object) -> Change:
    return lambda report: _set(element(report)["summary"], cells)


def detail(**cells: object) -> Change:
    return lambda report: _set(element(report)["failure-details"][0], cells)


def top(**cells: object) -> Change:
    return lambda report: _set(report, cells)


def period(**cells: object) -> Change:
    return lambda report: _set(report["date-range"], cells)


def details(value: object) -> Change:
    return lambda report: _set(element(report), {"failure_details": value})


def _set(target: dict[str, Any], cells: dict[str, object]) -> None:
    for name, value in cells.items():
        key = name.replace("_", "-")
        if value is MISSING:
            target.pop(key, None)
        else:
            target[key] = value


def loaded(report: object) -> sts.Archive:
    archive = sts.load(json.dumps(report).encode(), progress=False)
    for table in schema.SCHEMA:
        schema.check(table, getattr(archive, table))
    return archive


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


P, S, F = "policies[0].policy", "policies[0].summary", "policies[0].failure-details"
TOTAL = "total-failure-session-count"

# name: (change, {table.column: expected}, {field: the start of its treatment})
CASES: dict[str, tuple[Change, dict[str, object], dict[str, str]]] = {
    "RFC 8460 §4.4: nothing is assumed in a correct report": (lambda r: r, {"sessions.policy_mode": "testing"}, {}),
    # -- mx-host and policy-string
    "RFC 8460 appendix B (erratum 6241): mx-host is a string": (
        policy(mx_host="*.nordwind.example"),
        {"sessions.mx_host": "*.nordwind.example"},
        {f"{P}.mx-host": "one value in place of an array"},
    ),
    "mx-host-pattern": (
        lambda r: _set(element(r)["policy"], {"mx_host": MISSING, "mx_host_pattern": ["*.nordwind.example"]}),
        {"sessions.mx_host": "*.nordwind.example"},
        {f"{P}.mx-host-pattern": "read as mx-host"},
    ),
    "mx: inside mx-host": (
        policy(mx_host=["mx: mx1.nordwind.example", "MX:mx2.nordwind.example"]),
        {"sessions.mx_host": "mx1.nordwind.example\nmx2.nordwind.example"},
        {f"{P}.mx-host": "mx: removed"},
    ),
    "policy-string: one string with line breaks": (
        policy(policy_string="version: STSv1\r\nmode: enforce\r\nmx: a.example\r\nmax_age: 7\r\n"),
        {
            "sessions.policy_string": "version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 7",
            "sessions.policy_mode": "enforce",
            "sessions.policy_max_age": 7,
        },
        {f"{P}.policy-string": "split into lines"},
    ),
    "policy-string: one string without line breaks": (
        policy(policy_string=["version: STSv1 mode: enforce mx: a.example mx: b.example max_age: 604800"]),
        {
            "sessions.policy_string": "version: STSv1\nmode: enforce\nmx: a.example\nmx: b.example\nmax_age: 604800",
            "sessions.policy_max_age": 604800,
        },
        {f"{P}.policy-string": "split into lines"},
    ),
    "policy-string: line breaks escaped twice": (
        policy(policy_string=["version: STSv1\\r\\nmode: none\\r\\nmax_age: 60"]),
        {"sessions.policy_mode": "none", "sessions.policy_max_age": 60},
        {f"{P}.policy-string": "split into lines"},
    ),
    "TLSA records as a JSON array inside one string": (
        policy(policy_type="tlsa", policy_string=['["3 1 1 AB12", "3 1 1 CD34"]']),
        {"sessions.policy_string": "3 1 1 AB12\n3 1 1 CD34", "sessions.policy_mode": None},
        {f"{P}.policy-string": "unpacked"},
    ),
    "policy-string and mx-host absent": (
        policy(policy_string=MISSING, mx_host=MISSING),
        {"sessions.policy_string": "", "sessions.mx_host": "", "sessions.policy_mode": None},
        {},
    ),
    "policy-string and mx-host null": (
        policy(policy_string=None, mx_host=None),
        {"sessions.policy_string": "", "sessions.mx_host": "", "sessions.policy_max_age": None},
        {},
    ),
    "RFC 8461 §3.2: of a repeated key the first counts; an unknown mode is none of the three": (
        policy(policy_string=["mode: Enforce", "mode: none", "max_age: 12", "max_age: 13"]),
        {"sessions.policy_mode": "enforce", "sessions.policy_max_age": 12},
        {},
    ),
    "a mode and a max_age that are none": (
        policy(policy_string=["mode: strict", "max_age: soon"]),
        {"sessions.policy_mode": None, "sessions.policy_max_age": None},
        {},
    ),
    # -- who and what
    "policy-domain absent, in the file name": (
        policy(policy_domain=MISSING),
        {"sessions.policy_domain": "wanted.example", "failures.policy_domain": "wanted.example"},
        {f"{P}.policy-domain": "absent, taken from the file name"},
    ),
    "policy-domain in other case and with a last dot": (
        policy(policy_domain="Nordwind.EXAMPLE."),
        {"sessions.policy_domain": "nordwind.example"},
        {f"{P}.policy-domain": "folded"},
    ),
    "contact-info null": (top(contact_info=None), {"reports.contact_info": ""}, {"contact-info": "absent"}),
    "contact-info absent": (top(contact_info=MISSING), {"reports.contact_info": ""}, {"contact-info": "absent"}),
    "organization-name absent": (
        top(organization_name=MISSING),
        {"reports.organization_name": "", "sessions.organization_name": ""},
        {"organization-name": "absent"},
    ),
    "report-id absent": (top(report_id=MISSING), {"reports.report_id": ""}, {"report-id": "absent"}),
    "report-id a number": (top(report_id=17), {"reports.report_id": "17"}, {"report-id": "taken as text"}),
    "sending-mta-ip and receiving-mx-hostname absent": (
        detail(result_type="sts-policy-fetch-error", sending_mta_ip=MISSING, receiving_mx_hostname=MISSING),
        {"failures.sending_mta_ip": None, "failures.receiving_mx_hostname": None, "failures.failed_session_count": 5},
        {},
    ),
    "IP empty": (
        detail(sending_mta_ip=""),
        {"failures.sending_mta_ip": ""},
        {f"{F}[0].sending-mta-ip": "empty, kept"},
    ),
    "IP malformed": (
        detail(receiving_ip="192.0.2.999"),
        {"failures.receiving_ip": "192.0.2.999"},
        {f"{F}[0].receiving-ip": "not an IP address, kept as text"},
    ),
    "receiving-mx-hostname in other case and with a last dot": (
        detail(receiving_mx_hostname="MX1.Nordwind.Example."),
        {"failures.receiving_mx_hostname": "mx1.nordwind.example"},
        {f"{F}[0].receiving-mx-hostname": "folded"},
    ),
    # -- failure-details
    "failure-details null": (
        details(None),
        {"failures.result_type": "unattributed", "failures.failed_session_count": 5},
        {f"{S}.{TOTAL}": "the difference is one unattributed failure"},
    ),
    "failure-details absent": (
        details(MISSING),
        {"failures.result_type": "unattributed", "sessions.detailed_failure_session_count": 0},
        {f"{S}.{TOTAL}": "the difference is one unattributed failure"},
    ),
    "failure-details {}": (
        details({}),
        {"failures.result_type": "unattributed"},
        {F: "empty", f"{S}.{TOTAL}": "the difference"},
    ),
    "failure-details [{}]": (
        details([{}]),
        {"failures.result_type": "unattributed", "failures.failed_session_count": 5},
        {f"{F}[0]": "empty, ignored", f"{S}.{TOTAL}": "the difference"},
    ),
    "failure-details an object": (
        lambda r: _set(element(r), {"failure_details": element(r)["failure-details"][0]}),
        {"failures.result_type": "certificate-expired", "failures.failed_session_count": 5},
        {F: "an object in place of an array"},
    ),
    "result-type absent": (
        detail(result_type=MISSING),
        {"failures.result_type": "unknown"},
        {f"{F}[0].result-type": "absent, taken as unknown"},
    ),
    "RFC 8460 §6.6: a result-type that is not registered (yet)": (
        detail(result_type="x-quantum-failure"),
        {"failures.result_type": "x-quantum-failure"},
        {},
    ),
    "a result-type that is not registered, in other case": (
        detail(result_type="X-Quantum"),
        {"failures.result_type": "x-quantum"},
        {f"{F}[0].result-type": "folded"},
    ),
    "result-type in other case, with blanks": (
        detail(result_type=" Certificate Expired "),
        {"failures.result_type": "certificate-expired"},
        {f"{F}[0].result-type": "folded"},
    ),
    "policy-type in other case, with blanks": (
        policy(policy_type="STS "),
        {"sessions.policy_type": "sts", "failures.policy_type": "sts"},
        {f"{P}.policy-type": "folded"},
    ),
    "policy-type absent": (
        policy(policy_type=MISSING),
        {"sessions.policy_type": "unknown"},
        {f"{P}.policy-type": "absent, taken as unknown"},
    ),
    "reason codes and a HELO of several lines are kept raw": (
        detail(failure_reason_code="bad https response code: 404", receiving_mx_helo="mx1\r\n250-SIZE 1\r\n250 X"),
        {
            "failures.failure_reason_code": "bad https response code: 404",
            "failures.receiving_mx_helo": "mx1\r\n250-SIZE 1\r\n250 X",
        },
        {},
    ),
    "additional-information is read, by its draft name too": (
        lambda r: _set(element(r)["failure-details"][0], {"additional_info_uri": "https://post.example/7"}),
        {"failures.additional_information": "https://post.example/7"},
        {f"{F}[0].additional-info-uri": "read as additional-information"},
    ),
    "keys with underscores and capitals": (
        lambda r: r.__setitem__("Organization_Name", r.pop("organization-name")),
        {"reports.organization_name": "Example Post"},
        {"Organization_Name": "read as organization-name"},
    ),
    "an unknown key is named": (
        detail(x_extra=7),
        {"failures.failed_session_count": 5},
        {f"{F}[0].x-extra": "not a key of RFC 8460, ignored"},
    ),
    "policies an object": (
        lambda r: r.__setitem__("policies", element(r)),
        {"sessions.total_successful_session_count": 150, "failures.failed_session_count": 5},
        {"policies": "an object in place of an array"},
    ),
    "the keys of policy and summary beside failure-details": (
        lambda r: r.__setitem__(
            "policies",
            [{**element(r)["policy"], **element(r)["summary"], "failure-details": element(r)["failure-details"]}],
        ),
        {"sessions.policy_domain": "nordwind.example", "sessions.total_successful_session_count": 150},
        {"policies[0]": "without policy and summary"},
    ),
    # -- counts
    "count absent": (
        summary(total_successful_session_count=MISSING),
        {"sessions.total_successful_session_count": 0},
        {f"{S}.total-successful-session-count": "absent, taken as 0"},
    ),
    "count a string": (
        summary(total_successful_session_count=" 150 "),
        {"sessions.total_successful_session_count": 150},
        {f"{S}.total-successful-session-count": "number read from text"},
    ),
    "count a whole float": (
        detail(failed_session_count=5.0),
        {"failures.failed_session_count": 5},
        {f"{F}[0].failed-session-count": "whole number read"},
    ),
    "count negative": (
        summary(total_successful_session_count=-3),
        {"sessions.total_successful_session_count": 0},
        {f"{S}.total-successful-session-count": "negative, taken as 0"},
    ),
    "count not a number": (
        summary(total_successful_session_count="many"),
        {"sessions.total_successful_session_count": 0},
        {f"{S}.total-successful-session-count": "not a whole number, taken as 0"},
    ),
    "count a fraction": (
        summary(total_successful_session_count=1.5),
        {"sessions.total_successful_session_count": 0},
        {f"{S}.total-successful-session-count": "not a whole number, taken as 0"},
    ),
    "count true": (
        summary(total_successful_session_count=True),
        {"sessions.total_successful_session_count": 0},
        {f"{S}.total-successful-session-count": "not a whole number, taken as 0"},
    ),
    "count absurd": (
        summary(total_successful_session_count=10**12 + 1),
        {"sessions.total_successful_session_count": 0},
        {f"{S}.total-successful-session-count": "above 10^12, taken as 0"},
    ),
    "count of five hundred digits": (
        summary(total_successful_session_count=int("9" * 500)),
        {"sessions.total_successful_session_count": 0},
        {f"{S}.total-successful-session-count": "above 10^12, taken as 0"},
    ),
    "count at the largest that is believed": (
        summary(total_successful_session_count=10**12),
        {"sessions.total_successful_session_count": 10**12},
        {},
    ),
    "total above the details": (
        summary(total_failure_session_count=7),
        {
            "sessions.total_failure_session_count": 7,
            "sessions.detailed_failure_session_count": 5,
            "failures.result_type": ["certificate-expired", "unattributed"],
            "failures.failed_session_count": [5, 2],
        },
        {f"{S}.{TOTAL}": "the difference is one unattributed failure"},
    ),
    "details above the total": (
        summary(total_failure_session_count=1),
        {
            "sessions.total_failure_session_count": 1,
            "sessions.detailed_failure_session_count": 5,
            "failures.failed_session_count": [5],
        },
        {f"{S}.{TOTAL}": "both are kept, the larger counts"},
    ),
    # -- dates
    "date without a time zone": (
        period(start_datetime="2026-02-08T00:00:00", end_datetime="2026-02-08T23:59:59"),
        {"sessions.start_datetime": utc("2026-02-08"), "sessions.day": utc("2026-02-08")},
        {"date-range.start-datetime": "has no time zone", "date-range.end-datetime": "has no time zone"},
    ),
    "date with an offset: the day is that of UTC": (
        period(start_datetime="2026-02-08T00:00:00+02:00", end_datetime="2026-02-08T23:59:59+02:00"),
        {"sessions.start_datetime": utc("2026-02-07 22:00"), "sessions.day": utc("2026-02-07")},
        {"date-range.start-datetime": "converted to UTC", "date-range.end-datetime": "converted to UTC"},
    ),
    "date with its zone twice, as Go prints it": (
        period(start_datetime="2026-02-08 00:00:00.5 +0200 CEST", end_datetime="2026-02-08 21:59:59 +0000 UTC"),
        {"sessions.start_datetime": utc("2026-02-07 22:00:00.5"), "sessions.day": utc("2026-02-07")},
        {"date-range.start-datetime": "converted to UTC", "date-range.end-datetime": "not in the form of RFC 3339"},
    ),
    "RFC 3339 §4.3: an offset of zero is UTC": (
        period(start_datetime="2026-02-08T00:00:00+00:00"),
        {"sessions.start_datetime": utc("2026-02-08")},
        {},
    ),
    "end is the next midnight": (
        period(end_datetime="2026-02-09T00:00:00Z"),
        {"sessions.end_datetime": utc("2026-02-09"), "sessions.day": utc("2026-02-08")},
        {},
    ),
    "span over many days: by its start, and flagged": (
        period(end_datetime="2026-02-11T00:00:00Z"),
        {"sessions.day": utc("2026-02-08")},
        {"date-range": "spans more than 25 hours"},
    ),
    "ends before it starts": (
        period(end_datetime="2026-02-07T00:00:00Z"),
        {"sessions.day": utc("2026-02-08")},
        {"date-range": "ends before it starts"},
    ),
    "date unparseable, epochs in the file name": (
        period(start_datetime="yesterday", end_datetime=MISSING),
        {"sessions.start_datetime": utc("2026-02-08"), "sessions.end_datetime": utc("2026-02-08 23:59:59")},
        {
            "date-range.start-datetime": "not a date; taken from the file name",
            "date-range.end-datetime": "not a date; taken from the file name",
        },
    ),
    "seconds since 1970": (
        period(start_datetime=1770508800),
        {"sessions.start_datetime": utc("2026-02-08")},
        {"date-range.start-datetime": "taken as seconds since 1970"},
    ),
    "a mail's date": (
        period(start_datetime="Sun, 08 Feb 2026 01:00:00 +0100"),
        {"sessions.start_datetime": utc("2026-02-08")},
        {"date-range.start-datetime": "read as a mail date"},
    ),
    "a report without any policy": (
        lambda r: r.__setitem__("policies", []),
        {"reports.organization_name": "Example Post"},
        {"policies": "empty, the report counts no session"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_quirk(name: str, tmp_path) -> None:
    change, cells, treatments = CASES[name]
    path = tmp_path / NAME
    path.write_bytes(gzip.compress(json.dumps(changed(change)).encode()))

    archive = sts.load(path, progress=False)

    assert archive.inputs["outcome"].tolist() == ["loaded"], archive.rejects.to_dict("records")
    for where, expected in cells.items():
        table, column = where.split(".")
        found = [None if pd.isna(cell) else cell for cell in getattr(archive, table)[column]]
        assert found == (expected if isinstance(expected, list) else [expected]), where
    said = {row.field: row.treatment for row in archive.deviations.itertuples()}
    unsaid = {field: text for field, text in treatments.items() if not said.get(field, "").startswith(text)}
    assert not unsaid, said
    # What else is said is about the same fields: nothing is noted that was not assumed.
    assert all(any(field.startswith(known) for known in treatments) for field in said), said
    for table in schema.SCHEMA:
        schema.check(table, getattr(archive, table))


@pytest.mark.parametrize("name", CASES)
def test_sums_hold(name: str) -> None:
    archive = loaded(changed(CASES[name][0], period(start_datetime="2026-02-08T00:00:00Z")))
    totals = archive.sessions[["total_failure_session_count", "detailed_failure_session_count"]].max(axis=1).sum()
    assert archive.failures["failed_session_count"].sum() == totals


REJECTED: dict[str, tuple[object, str, str]] = {
    "date unparseable": (changed(period(start_datetime="yesterday")), "no-date", "'yesterday'"),
    "date absent": (changed(period(start_datetime=MISSING)), "no-date", "is absent"),
    "date-range absent": (changed(top(date_range=MISSING)), "no-date", "is absent"),
    "the zero value of a date is no date": (
        changed(period(start_datetime="0001-01-01T00:00:00Z")), "no-date", "0001-01-01T00:00:00Z"),
    "1970 is no date": (changed(period(start_datetime=0)), "no-date", "1970"),
    "policies absent": (changed(top(policies=MISSING)), "no-policies", "expected an array"),
    "policies a text": (changed(top(policies="none")), "no-policies", "text"),
}  # fmt: skip


@pytest.mark.parametrize("name", REJECTED)
def test_what_nobody_can_understand_is_rejected_and_the_value_named(name: str) -> None:
    document, reason, named = REJECTED[name]
    archive = sts.load(json.dumps(document).encode(), json.dumps(PLAIN).encode(), progress=False)
    assert archive.inputs["outcome"].tolist() == ["rejected", "loaded"]
    assert archive.rejects[["stage", "reason"]].to_dict("records") == [{"stage": "parse", "reason": reason}]
    assert named in archive.rejects["detail"][0]


TEXT = json.dumps(PLAIN)
ENCODED: dict[str, bytes] = {
    "UTF-8 with a byte order mark": TEXT.encode("utf-8-sig"),
    "UTF-16 with a byte order mark": TEXT.encode("utf-16"),
    "UTF-16 LE without": TEXT.encode("utf-16-le"),
    "UTF-16 BE without": TEXT.encode("utf-16-be"),
    "a trailing NUL": TEXT.encode() + b"\x00",
    "trailing line feeds": TEXT.encode() + b"\r\n\n",
    "not UTF-8": TEXT.replace("Example Post", "Poste d'ét\xe9").encode("latin-1"),
    "a raw line break inside a string": TEXT.replace("CERT_HAS_EXPIRED", "CERT_HAS\nEXPIRED").encode(),
    "half a surrogate pair": TEXT.replace("Example Post", "Post \\ud83d").encode(),
    "an array of reports": b"[" + TEXT.encode() + b"]",
    "NDJSON": TEXT.encode() + b"\n",
    "inside another object": b'{"report": ' + TEXT.encode() + b"}",
}


@pytest.mark.parametrize("name", ENCODED)
def test_encodings_and_packings_are_accepted(name: str) -> None:
    archive = sts.load(ENCODED[name], progress=False)
    assert archive.inputs["outcome"].tolist() == ["loaded"], archive.rejects.to_dict("records")
    assert archive.sessions["total_successful_session_count"].tolist() == [150]
    assert archive.failures["failed_session_count"].tolist() == [5]


def test_repeated_keys_are_accepted_and_named() -> None:
    twice = TEXT.replace('"total-failure-session-count": 5', f'"{TOTAL}": 4, "{TOTAL}": 5')
    archive = sts.load(twice.encode(), progress=False)
    assert archive.sessions["total_failure_session_count"].tolist() == [5]
    assert archive.deviations[["field", "treatment"]].to_dict("records") == [
        {"field": TOTAL, "treatment": "key repeated, the last one counts"}
    ]


def test_the_same_domain_under_sts_and_tlsa_stays_two_rows() -> None:
    report = changed()
    both = copy.deepcopy(element(report))
    both["policy"]["policy-type"] = "tlsa"
    report["policies"].append(both)
    archive = loaded(report)
    assert archive.sessions[["policy_index", "policy_type"]].to_dict("list") == {
        "policy_index": [0, 1],
        "policy_type": ["sts", "tlsa"],
    }
    assert sts.daily(archive)["failed"].tolist() == [5, 5]
    assert sts.daily(archive)["sessions"].tolist() == [155, 155]


def test_a_hostile_report_cannot_fill_the_deviations() -> None:
    report = changed(details([{"failed-session-count": "x"}] * 5000))
    archive = loaded(report)
    assert len(archive.failures) == 5001
    assert len(archive.deviations) == 1001
    assert archive.deviations["treatment"].iloc[-1] == "more deviations of this report are not listed"


def test_deep_nesting_is_refused_by_the_limit() -> None:
    deep = TEXT.replace('"2026-02-08T00:00:00Z_nordwind.example"', "[" * 40 + "]" * 40).encode()
    assert sts.load(deep, progress=False).rejects["reason"].tolist() == ["json-depth"]
    assert sts.load(deep, progress=False, limits=sts.Limits(json_depth=50)).rejects.empty


@pytest.mark.parametrize("end", [MISSING, None, "soon", "0001-01-01T00:00:00Z"])
def test_without_an_end_the_day_of_the_start_is_meant(end: object) -> None:
    archive = loaded(changed(period(end_datetime=end)))
    assert archive.sessions["end_datetime"].tolist() == [utc("2026-02-08 23:59:59")]
    assert archive.deviations["treatment"].tolist() == ["not understood, taken as the end of the day"]


def test_half_a_surrogate_pair_anywhere_is_no_stumbling_block() -> None:
    half = "\ud83d"
    report = changed(
        top(organization_name=half, report_id=half, x_extra=half),
        policy(policy_domain=half, policy_string=[half], mx_host=[half], policy_type=half),
        detail(result_type=half, sending_mta_ip=half, receiving_mx_helo=half, failure_reason_code=half),
    )
    report[half] = {half: half}
    for packed in (report, [report, PLAIN], {half: report}):
        archive = sts.load(json.dumps(packed).encode("utf-16"), progress=False)
        assert "loaded" in set(archive.inputs["outcome"])
        assert archive.failures["failed_session_count"].iloc[0] == 5
