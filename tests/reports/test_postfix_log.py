"""The TLSRPT lines of a Postfix log (3.10 and later): one for each handshake with a domain that asks for reports."""

from __future__ import annotations

import pytest

import mtasts_nb as sts

LOG = """\
2026-02-08T00:10:00.123456+01:00 mail postfix/qmgr[4]: 4F: removed
2026-02-08T02:10:00.123456+01:00 mail postfix/smtp[7]: TLSRPT: status=success, domain=nordwind.example, receiving_mx=mx1.nordwind.example[192.0.2.1]
2026-02-08T02:11:00.123456+01:00 mail postfix/smtp[7]: Untrusted TLS connection established to mx1.nordwind.example
2026-02-08T03:10:00.5+01:00 mail postfix/tlsproxy[8]: TLSRPT: status=failure, domain=Nordwind.example, receiving_mx=mx2.nordwind.example[2001:db8::1], failure_type=certificate_expired, failure_reason=certificate has expired, at depth 0
2026-02-08T03:11:00Z mail postfix/smtp[8]: TLSRPT: status=failure, domain=nordwind.example, receiving_mx=mx2.nordwind.example[2001:db8::1], failure_type=certificate_expired, failure_reason=certificate has expired, at depth 0
2026-02-08T03:12:00+0000 mail postfix/smtp[8]: TLSRPT: status=failure, domain=suedwind.example, receiving_mx=(null)[(null)], failure_type=sts_policy_fetch_error
2026-02-09T03:12:00+0000 mail postfix/smtp[8]: TLSRPT: status=success, domain=suedwind.example, receiving_mx=mx.suedwind.example[192.0.2.9]
"""


def test_lines_of_a_day_make_a_report() -> None:
    archive = sts.load(LOG.encode(), progress=False)
    assert archive.inputs[["member", "outcome"]].to_numpy().tolist() == [
        ["2026-02-08 mail", "loaded"],
        ["2026-02-09 mail", "loaded"],
    ]
    sessions = archive.sessions.set_index(["day", "policy_domain"])
    assert sessions["total_successful_session_count"].tolist() == [1, 0, 1]
    assert sessions["total_failure_session_count"].tolist() == [2, 1, 0]
    assert sessions["policy_type"].tolist() == ["unknown"] * 3
    assert archive.sessions["organization_name"].unique().tolist() == ["mail"]
    columns = ["policy_domain", "result_type", "receiving_mx_hostname", "receiving_ip", "failed_session_count"]
    assert archive.failures[columns].astype("str").fillna("").to_numpy().tolist() == [
        ["nordwind.example", "certificate-expired", "mx2.nordwind.example", "2001:db8::1", "2"],
        ["suedwind.example", "sts-policy-fetch-error", "", "", "1"],
    ]
    assert archive.failures["failure_reason_code"].dropna().tolist() == ["certificate has expired, at depth 0"]
    assert archive.deviations["treatment"].str.contains("what that server saw of other domains").all()


def test_two_halves_of_a_day_are_two_reports_and_a_copy_is_a_copy() -> None:
    lines = LOG.encode().splitlines(keepends=True)
    first, second = b"".join(lines[:3]), b"".join(lines[3:5])
    archive = sts.load(first, second, first, progress=False)
    assert archive.inputs["outcome"].tolist() == ["loaded", "loaded", "duplicate"]
    assert not archive.reports["conflict"].any()
    assert archive.sessions["total_failure_session_count"].sum() == 2


def test_without_a_year_it_is_rejected_and_says_what_to_do() -> None:
    log = b"Feb  8 02:10:00 mail postfix/smtp[7]: TLSRPT: status=success, domain=d.example, receiving_mx=a.example[192.0.2.1]\n"
    archive = sts.load(log, progress=False)
    assert archive.rejects["reason"].tolist() == ["no-year"]
    assert "journalctl -u postfix -o short-iso" in archive.rejects["detail"].iloc[0]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"From: a@b.example\nSubject: a log\n\n" + LOG.encode(), id="a mail about a log"),
        pytest.param(
            b"2026-02-08T02:10:00Z mail postfix/smtp[7]: connect to mx.example[192.0.2.1]:25: refused\n",
            id="another log",
        ),
    ],
)
def test_what_is_no_such_log_is_skipped(text: bytes) -> None:
    assert sts.load(text, progress=False).inputs["outcome"].tolist() == ["skipped"]


def test_lines_in_another_form_are_counted() -> None:
    odd = b"2026-02-08T03:12:00Z mail postfix/smtp[8]: TLSRPT: status=other\n"
    archive = sts.load(LOG.encode() + odd, progress=False)
    noted = archive.deviations[archive.deviations["treatment"].str.contains("in another form")]
    assert noted["value"].tolist() == ["1"]
