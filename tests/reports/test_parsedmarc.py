"""What parsedmarc exports gives the same sums as the reports that it was made from (shape of version 11.1)."""

from __future__ import annotations

import csv
import io
import json
import time
from typing import Any

import pandas as pd
import pytest

import mtasts_nb as sts

STS = ["version: STSv1", "mode: enforce", "mx: mx1.nordwind.example", "max_age: 86400"]
COLUMNS = [
    "organization_name",
    "begin_date",
    "end_date",
    "report_id",
    "result_type",
    "successful_session_count",
    "failed_session_count",
    "policy_domain",
    "policy_type",
    "policy_strings",
    "mx_host_patterns",
    "sending_mta_ip",
    "receiving_ip",
    "receiving_mx_hostname",
    "receiving_mx_helo",
    "additional_info_uri",
    "failure_reason_code",
]


def element(
    kind: str, domain: str, good: int, failed: dict[str, int], lines: list[str], total: int = -1
) -> dict[str, Any]:
    """Return an element of `policies` as parsedmarc keeps it."""
    details = [
        {
            "result_type": result_type,
            "failed_session_count": count,
            "sending_mta_ip": "192.0.2.7",
            "receiving_mx_hostname": f"mx1.{domain}",
            "additional_info_uri": "https://post.example/1",
            "failure_reason_code": "=SUM(A1) | x, y",
        }
        for result_type, count in failed.items()
    ]
    strings = {"policy_strings": lines} if lines else {}
    counts = {"successful_session_count": good, "failed_session_count": sum(failed.values()) if total < 0 else total}
    return {"policy_domain": domain, "policy_type": kind, **strings, **counts, "failure_details": details}


def parsed(day: int, *policies: dict[str, Any]) -> dict[str, Any]:
    return {
        "organization_name": "Example Post",
        "begin_date": f"2026-02-{day:02}T00:00:00Z",
        "end_date": f"2026-02-{day:02}T23:59:59Z",
        "contact_info": "tls@post.example",
        "report_id": f"-{day}",
        "policies": list(policies),
    }


REPORTS = [
    parsed(
        1,
        element("sts", "nordwind.example", 10, {"certificate-expired": 2, "validation-failure": 1}, STS),
        element("no-policy-found", "nordwind.example", 5, {}, []),
    ),
    parsed(
        2,
        element("sts", "nordwind.example", 7, {"certificate-expired": 4}, STS, total=6),
        element("tlsa", "nordwind.example", 7, {"tlsa-invalid": 1}, ["3 1 1 " + "A" * 64]),
        element("sts", "suedwind.example", 1, {}, STS),
    ),
    parsed(3, element("sts", "nordwind.example", 3, {"x-new": 2}, STS)),
]


def original(report: dict[str, Any]) -> bytes:
    """Return the report of RFC 8460 §4.4 that parsedmarc would have read."""
    policies = []
    for policy in report["policies"]:
        names = {"policy-type": "policy_type", "policy-domain": "policy_domain", "policy-string": "policy_strings"}
        details = [
            {("additional-information" if key == "additional_info_uri" else key.replace("_", "-")): value
             for key, value in detail.items()}
            for detail in policy["failure_details"]
        ]  # fmt: skip
        policies.append(
            {
                "policy": {name: policy[key] for name, key in names.items() if key in policy},
                "summary": {
                    "total-successful-session-count": policy["successful_session_count"],
                    "total-failure-session-count": policy["failed_session_count"],
                },
                "failure-details": details,
            }
        )
    period = {"start-datetime": report["begin_date"], "end-datetime": report["end_date"]}
    names = {"organization-name": "organization_name", "contact-info": "contact_info", "report-id": "report_id"}
    head = {name: report[key] for name, key in names.items()}
    return json.dumps({**head, "date-range": period, "policies": policies}).encode()


def as_csv(reports: list[dict[str, Any]]) -> bytes:
    """Return the rows that parsedmarc writes: policies and their details in turn, a policy's strings kept for the next."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for report in reports:
        row = {key: report[key] for key in COLUMNS[:4]}
        for policy in report["policies"]:
            if "policy_strings" in policy:
                row["policy_strings"] = "|".join(policy["policy_strings"])
            own = ("policy_domain", "policy_type", "successful_session_count", "failed_session_count")
            for more in ({key: policy[key] for key in own}, *policy["failure_details"]):
                cells = {**row, **more}
                writer.writerow({key: f"'{text}" if str(text)[:1] in "=-" else text for key, text in cells.items()})
    return out.getvalue().encode()


def as_document(report: dict[str, Any]) -> dict[str, Any]:
    """Return the document that parsedmarc stores in Elasticsearch, as a dump of the index has it."""
    policies = []
    for policy in report["policies"]:
        details = [{**detail, "receiving_ip": None, "ip_address": None} for detail in policy["failure_details"]]
        for detail in details:
            detail["additional_information_uri"] = detail.pop("additional_info_uri")
        stored = {**policy, "policy_string": policy.get("policy_strings"), "mx_host_patterns": None}
        stored.pop("policy_strings", None)
        policies.append({**stored, "failure_details": details})
    begin, end = report["begin_date"].rstrip("Z"), report["end_date"].rstrip("Z")
    body = {
        "org_name": report["organization_name"],
        "date_range": [begin, end],
        "date_begin": begin,
        "date_end": end,
        "contact_info": report["contact_info"],
        "report_id": report["report_id"],
        "policies": policies,
        "policies_combined": ["nordwind.example / sts"],
        "failure_details_combined": [],
    }
    return {"_index": "smtp_tls-2026-02-01", "_type": "_doc", "_id": "x", "_score": 1, "_source": body}


WHOLE = {"aggregate_reports": [], "failure_reports": [], "smtp_tls_reports": REPORTS}
EXPORTS = {
    "smtp_tls.json": json.dumps(REPORTS, indent=2).encode(),
    "what it prints": json.dumps(WHOLE, indent=2).encode(),
    "one a line": b"\n".join(json.dumps(report).encode() for report in REPORTS),
    "smtp_tls.csv": as_csv(REPORTS),
    "smtp_tls.csv with BOM and CRLF": b"\xef\xbb\xbf" + as_csv(REPORTS).replace(b"\n", b"\r\n").replace(b"\r\r", b"\r"),
    "smtp_tls.csv, each report twice": as_csv([report for report in REPORTS for _ in (1, 2)]),
    "smtp_tls.csv, appended again": as_csv(REPORTS) + as_csv(REPORTS).split(b"\n", 1)[1],
    "Elasticsearch dump": b"\n".join(json.dumps(as_document(report)).encode() for report in REPORTS),
}


def sums(archive: sts.Archive) -> tuple[pd.DataFrame, pd.DataFrame]:
    sessions = archive.sessions.drop(columns=["report_key", "policy_index", "mx_host"]).astype(str)
    failures = archive.failures.drop(columns=["report_key", "policy_index"]).astype(str)
    return tuple(frame.sort_values([*frame]).reset_index(drop=True) for frame in (sessions, failures))


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_and_its_original_reports_give_the_same_tables(name: str) -> None:
    expected = sts.load(*map(original, REPORTS), progress=False)
    archive = sts.load(EXPORTS[name], progress=False)
    for mine, theirs in zip(sums(archive), sums(expected), strict=True):
        pd.testing.assert_frame_equal(mine, theirs)
    assert archive.rejects.empty
    assert archive.reports["report_id"].tolist() == ["-1", "-2", "-3"]
    # What the export leaves out is said of each report.
    said = archive.deviations["treatment"].astype(str)
    assert said.str.contains("which leaves out").sum() == len(archive.inputs)


def test_rows_that_cannot_be_a_report_cost_no_others() -> None:
    text = as_csv(REPORTS)
    lines = text.split(b"\r\n")
    broken = [lines[0], b"Example Post,never,,9,,1,0,nordwind.example,sts", b"short,row", *lines[1:]]
    archive = sts.load(b"\r\n".join(broken), progress=False)
    assert archive.inputs["outcome"].value_counts().to_dict() == {"loaded": 3, "rejected": 2}
    assert archive.rejects["member"].tolist() == ["line 2", "line 3"]
    assert archive.rejects["reason"].tolist() == ["no-date", "damaged"]


def test_a_csv_without_end_is_refused_in_a_moment() -> None:
    began = time.process_time()
    flood = b",".join(COLUMN.encode() for COLUMN in COLUMNS) + b"\n" + b"a,2026-02-01,,1,x\n" * 400_000
    archive = sts.load(flood + as_csv(REPORTS).split(b"\n", 1)[1], progress=False)
    assert "json-values" in archive.rejects["reason"].tolist() or "cpu-seconds" in archive.rejects["reason"].tolist()
    assert len(archive.failures) < 100
    assert time.process_time() - began < 5
