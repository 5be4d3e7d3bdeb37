"""The RFCs' words, and how findings order and show themselves."""

from __future__ import annotations

import json

import pytest

from mtasts_nb.vocabulary import Effect, Finding, Findings, ResultType, Severity


def finding(code: str, severity: Severity, effect: Effect = Effect.COSMETIC, **text: str) -> Finding:
    return Finding(code=code, severity=severity, effect=effect, subject="mx1.nordwind.example", message="m", **text)


@pytest.mark.parametrize(
    ("result_type", "on_policy_host"),
    # RFC 8460 §4.3.1 (negotiation), §4.3.2.1 (DANE), §4.3.2.2 (MTA-STS)
    [
        ("starttls-not-supported", False),
        ("certificate-host-mismatch", False),
        ("certificate-expired", False),
        ("certificate-not-trusted", False),
        ("validation-failure", False),
        ("tlsa-invalid", False),
        ("dnssec-invalid", False),
        ("dane-required", False),
        ("sts-policy-fetch-error", True),
        ("sts-policy-invalid", True),
        ("sts-webpki-invalid", True),
    ],
)
def test_every_registered_result_type_and_where_its_fault_lies(result_type: str, on_policy_host: bool) -> None:
    assert ResultType(result_type).on_policy_host is on_policy_host
    assert len(ResultType) == 11


def test_the_worst_comes_first_and_equals_keep_their_order() -> None:
    given = [
        finding("a", Severity.ADVICE),
        finding("b", Severity.ERROR, Effect.DISABLES_PROTECTION),
        finding("c", Severity.WARNING),
        finding("d", Severity.ERROR, Effect.DEFERS_MAIL),
        finding("e", Severity.ERROR, Effect.DISABLES_PROTECTION),
    ]
    assert Findings(given).codes == ("d", "b", "e", "c", "a")
    assert Findings(given).errors.codes == ("d", "b", "e")
    assert Findings(given)[1:3].codes == ("b", "e")
    assert (Findings(given[:1]) + Findings(given[1:])) == Findings(given)


def test_what_a_stranger_wrote_is_shown_as_text() -> None:
    hostile = "<script>alert(1)</script>\x1b[2J"
    findings = Findings([finding("x", Severity.ERROR, evidence=hostile)])
    assert "<script" not in findings._repr_html_()
    assert "\x1b" not in findings._repr_html_()
    assert "\x1b" not in str(findings)


def test_a_fix_to_paste_keeps_its_lines() -> None:
    text = str(Findings([finding("x", Severity.ERROR, fix="version: STSv1\nmode: testing")]))
    first, second = (line for line in text.splitlines() if "version: STSv1" in line or "mode: testing" in line)
    assert first.index("version") == second.index("mode")


def test_export_to_json_and_to_a_frame_says_the_same() -> None:
    findings = Findings([finding("x", Severity.WARNING, rfc="RFC 8461 §3.2"), finding("y", Severity.ERROR)])
    rows = json.loads(findings.to_json())
    frame = findings.to_frame()
    assert [row["code"] for row in rows] == ["y", "x"] == frame["code"].tolist()
    assert [{**row, "addresses": "\n".join(row["addresses"])} for row in rows] == frame.to_dict(orient="records")
    assert list(Findings().to_frame().columns) == list(frame.columns)


@pytest.mark.parametrize(
    ("severities", "sentence"),
    [
        ([], "No findings."),
        ([Severity.ERROR], "1 error."),
        ([Severity.ERROR, Severity.ERROR, Severity.WARNING], "2 errors, 1 warning."),
        ([Severity.ADVICE], "1 piece of advice."),
        ([Severity.ADVICE, Severity.ADVICE], "2 pieces of advice."),
    ],
)
def test_the_summary_agrees_with_the_count(severities: list[Severity], sentence: str) -> None:
    assert Findings(finding(str(n), severity) for n, severity in enumerate(severities)).summary() == sentence


def test_a_finding_that_quotes_no_utf_8_can_be_tabled_and_exported():
    """A policy file of odd bytes is quoted as it came, in surrogates, which neither Arrow nor JSON can hold."""
    finding = Finding(
        code="odd", severity=Severity.ERROR, effect=Effect.COSMETIC, subject="line 1", message="Odd.", evidence="\udcff"
    )
    findings = Findings([finding])
    assert findings.to_frame().loc[0, "evidence"] == "\\udcff"
    assert findings.to_json().encode("utf-8")
