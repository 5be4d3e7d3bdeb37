"""Reports held against a probe: what is said of each group of reported failures."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

import mtasts_nb as sts
from mtasts_nb.diagnosis import STATES, diagnose

MX = ("mx1.nordwind.example", "mx2.nordwind.example")
REPORTERS = ("Aster Post", "Birke Mail", "Clematis Net", "Distel Post", "Erle Mail")


def report(day, reporter, good, failed, *, mx=MX, host=MX[0], kind="sts", reason=None, mode="enforce"):
    """One report of one day: successes, and failures by result type."""
    policy = {"policy-type": kind, "policy-domain": "nordwind.example"}
    if kind == "sts":
        lines = [f"mx: {name}" for name in mx]
        policy["policy-string"] = ["version: STSv1", f"mode: {mode}", *lines, "max_age: 604800"]
    details = []
    for result_type, count in failed.items():
        detail = {"result-type": result_type, "failed-session-count": count}
        if not result_type.startswith("sts-"):
            detail["receiving-mx-hostname"] = host
        if reason:
            detail["failure-reason-code"] = reason
        details.append(detail)
    counts = {
        "total-successful-session-count": good,
        "total-failure-session-count": sum(failed.values()),
    }
    return json.dumps(
        {
            "organization-name": reporter,
            "contact-info": "tls@post.example",
            "report-id": f"{day}-{reporter}-{kind}-{host}",
            "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"},
            "policies": [{"policy": policy, "summary": counts, "failure-details": details}],
        }
    ).encode()


def archive(probe, days, row):
    """Reports of the days before a probe: `row` gives successes, failures and options by day and reporter."""
    today = probe.started.date()
    blobs = []
    for ago in days:
        for number, reporter in enumerate(REPORTERS):
            good, failed, *options = row(ago, number)
            day = (today - timedelta(days=ago)).isoformat()
            blobs.append(report(day, reporter, good, failed, **(options[0] if options else {})))
    return sts.load(*blobs, progress=False)


def one_group(found):
    (group,) = found.groups
    assert group.state in STATES
    return group


def test_reproduced_now(look):
    seen = look("mx-certificate-expired")
    found = diagnose(seen, archive(seen, range(1, 4), lambda *_: (0, {"certificate-expired": 98})))
    assert one_group(found).state == "reproduced now"
    first = found.causes[0]
    assert (first.code, first.state, first.failed) == ("mx-certificate-expired", "seen now", 3 * 5 * 98)
    assert {one.source for one in first.evidence if one.supports} == {"probe", "reports", "sender"}


def test_fixed_since_where_later_reports_bear_it_out(healthy_probe):
    kept = archive(
        healthy_probe, range(1, 15), lambda ago, _: (100, {}) if ago < 5 else (20, {"certificate-expired": 80})
    )
    found = diagnose(healthy_probe, kept)
    assert one_group(found).state == "fixed since"
    assert (healthy_probe.started.date() - timedelta(days=5)).isoformat() in one_group(found).why
    assert [(cause.code, cause.present) for cause in found.causes] == [("mx-certificate-expired", False)]
    assert found.present == ()
    assert found.verdict.level == "fine"
    assert {step.step: step.status for step in found.plan}["Watch reports for 48 hours after the fix"] == "done"
    assert found.walk().cause.code == "fixed-since"


def test_fixed_this_morning_is_said_with_the_caveat(healthy_probe):
    kept = archive(healthy_probe, range(1, 5), lambda *_: (2, {"certificate-expired": 98}))
    found = diagnose(healthy_probe, kept)
    assert one_group(found).state == "fixed since"
    assert "no report about a later day" in one_group(found).why
    assert {step.step: step.status for step in found.plan}["Watch reports for 48 hours after the fix"] == "to do"


def test_a_part_that_still_fails_is_not_called_fixed_by_one_good_look(healthy_probe):
    kept = archive(healthy_probe, range(1, 5), lambda *_: (60, {"certificate-expired": 40}))
    found = diagnose(healthy_probe, kept)
    assert one_group(found).state == "not reproducible from here"
    assert found.causes[0].confidence == "low"
    assert any(not one.supports and one.source == "probe" for one in found.causes[0].evidence)
    assert "not-reproducible" in {cause.code for cause in found.causes}
    assert found.walk().cause.code == "not-reproducible"


@pytest.mark.parametrize("with_probe", [True, False])
def test_only_these_senders(healthy_probe, with_probe):
    kept = archive(
        healthy_probe,
        range(1, 8),
        lambda _, number: (10, {"starttls-not-supported": 90}) if number == 0 else (100, {}),
    )
    found = diagnose(healthy_probe if with_probe else None, kept)
    group = one_group(found)
    assert group.state == "only these senders"
    assert group.reported.reporters == (REPORTERS[0],)
    assert set(group.reported.spared) == set(REPORTERS[1:])
    assert "sender-path" in {cause.code for cause in found.causes}
    assert found.walk().cause.code == "sender-path"
    if with_probe:
        assert found.causes[0].code == "sender-path"
    else:  # stripped on the way is what fits best where only some see it
        assert found.causes[0].code == "mx-starttls-stripped"


def test_what_most_of_the_senders_see_is_not_only_theirs(healthy_probe):
    kept = archive(
        healthy_probe, range(1, 5), lambda _, number: (60, {"certificate-expired": 40}) if number < 3 else (100, {})
    )
    group = one_group(diagnose(healthy_probe, kept))
    assert len(group.reported.spared) == 2
    assert group.state == "not reproducible from here"


def test_others_with_too_few_sessions_tell_nothing(healthy_probe):
    kept = archive(
        healthy_probe, range(1, 3), lambda _, number: (98, {"certificate-expired": 2}) if number == 0 else (2, {})
    )
    assert one_group(diagnose(archive=kept)).reported.spared == ()


def test_a_sender_that_holds_an_old_policy(healthy_probe):
    old = {"mx": ("old.nordwind.example",), "reason": "mx-mismatch"}
    kept = archive(healthy_probe, range(1, 4), lambda *_: (0, {"validation-failure": 98}, old))
    found = diagnose(healthy_probe, kept)
    assert one_group(found).state == "sender uses a cached policy"
    assert "old.nordwind.example" in one_group(found).why
    assert [cause.code for cause in found.causes] == ["sender-old-policy"]
    assert found.verdict.level == "act now"
    assert found.walk().cause.code == "sender-old-policy"


def test_what_the_probe_could_not_look_at_is_not_called_fixed(look):
    seen = look("port-25-closed")
    found = diagnose(seen, archive(seen, range(1, 4), lambda *_: (0, {"certificate-expired": 98})))
    assert one_group(found).state == "not observed now"
    assert {cause.code for cause in found.causes} == {"mx-certificate-expired", "port-25-no-answer"}


def test_a_fault_that_hides_another_is_said_to(look):
    """No STARTTLS, no certificate: that it was renewed is not to be seen."""
    seen = look("mx-starttls-454")
    found = diagnose(seen, archive(seen, range(1, 4), lambda *_: (0, {"certificate-expired": 98})))
    group = one_group(found)
    assert group.state == "not observed now"
    assert "no certificate was observed" in group.why
    assert {cause.code for cause in found.causes} == {"mx-certificate-expired", "mx-starttls-refused"}


def test_an_mx_that_is_none_any_more(healthy_probe):
    gone = {"host": "mx9.nordwind.example"}
    kept = archive(healthy_probe, range(1, 4), lambda *_: (0, {"certificate-expired": 98}, gone))
    group = one_group(diagnose(healthy_probe, kept))
    assert group.state == "fixed since"
    assert "no longer an MX of the domain" in group.why


def test_reports_that_tell_of_nothing_are_said_beside_a_fault(look):
    seen = look("mx-certificate-expired")
    kept = archive(seen, range(1, 9), lambda ago, _: (50, {"sts-policy-fetch-error": 3} if ago > 6 else {}))
    first = diagnose(seen, kept).causes[0]
    assert first.code == "mx-certificate-expired"
    assert any(not one.supports and "do not show it" in one.text for one in first.evidence)


def test_beside_a_probe_only_its_domain_counts(healthy_probe):
    other = report("2026-01-05", "Aster Post", 0, {"certificate-expired": 9}).replace(b"nordwind", b"suedwind")
    found = diagnose(healthy_probe, sts.load(other, progress=False))
    assert found.groups == ()
    assert found.days is None


def test_several_causes_at_once_are_several(look):
    seen = look("policy-http-404")
    kept = archive(seen, range(1, 4), lambda *_: (0, {"certificate-expired": 98, "sts-policy-fetch-error": 5}))
    found = diagnose(seen, kept)
    states = {group.reported.result_type: group.state for group in found.groups}
    assert states == {"sts-policy-fetch-error": "reproduced now", "certificate-expired": "fixed since"}
    assert {cause.code for cause in found.causes} == {"policy-http-not-found", "mx-certificate-expired"}


def test_one_report_is_enough_for_a_type_that_does_not_come_by_chance():
    found = diagnose(
        archive=sts.load(report("2026-02-08", "Aster Post", 150, {"certificate-host-mismatch": 2}), progress=False)
    )
    assert [cause.code for cause in found.causes] == ["mx-certificate-name"]
    assert found.domain == "nordwind.example"


@pytest.mark.parametrize("result_type", ["x-own", "unattributed"])
def test_what_no_cause_explains_is_not_called_fine(result_type):
    blob = report("2026-02-08", "Aster Post", 8, {"x-own": 2})
    if result_type == "unattributed":
        told = json.loads(blob)
        told["policies"][0]["failure-details"] = []
        blob = json.dumps(told).encode()
    found = diagnose(archive=sts.load(blob, progress=False))
    assert found.causes == ()
    assert found.verdict.level == "watch"
    assert result_type in str(found.verdict)
    assert one_group(found).question == ""


# the words of senders (RFC 8460 §4.4 leaves failure-reason-code to them)
@pytest.mark.parametrize(
    ("result_type", "reason", "cause", "confidence"),
    [
        ("sts-policy-fetch-error", "bad https response code: 404", "policy-http-not-found", "high"),
        ("sts-policy-fetch-error", "HTTP status 301", "policy-http-redirect", "high"),
        ("sts-policy-fetch-error", "connection refused", "policy-host-unreachable", "high"),
        ("sts-policy-fetch-error", "lookup mta-sts.nordwind.example: NXDOMAIN", "policy-host-no-address", "high"),
        ("sts-policy-fetch-error", "503 Service Unavailable", "policy-http-error", "high"),
        # Of several words the longest decides: it is no time-out of ours.
        ("sts-policy-fetch-error", "bad gateway (timeout)", "policy-http-error", "high"),
        (
            "sts-webpki-invalid",
            "certificate verify failed: certificate has expired (_ssl.c:1006)",
            "policy-certificate-expired",
            "high",
        ),
        ("sts-webpki-invalid", "self-signed certificate", "policy-certificate-untrusted", "high"),
        ("sts-webpki-invalid", "hostname mismatch", "policy-certificate-name", "high"),
        ("validation-failure", "MX_HOSTS_MISMATCH", "mx-not-in-policy", "high"),
        ("validation-failure", "mtasts-policy-mx-mismatch", "mx-not-in-policy", "high"),
        ("validation-failure", "SSL_connect error: unsupported protocol", "mx-tls-version", "high"),
        ("validation-failure", "SSL_connect error: Connection reset by peer", "mx-tls-handshake-fails", "high"),
        # An unknown CA gives the same words, so the reports alone do not decide it.
        (
            "certificate-not-trusted",
            "unable to get local issuer certificate",
            "mx-certificate-chain-incomplete",
            "medium",
        ),
        (
            "certificate-not-trusted",
            "unable to verify the first certificate",
            "mx-certificate-chain-incomplete",
            "high",
        ),
        # Go has one text for both, and says the time only sometimes.
        (
            "certificate-not-trusted",
            "x509: certificate has expired or is not yet valid: ",
            "mx-certificate-expired",
            "medium",
        ),
        (
            "validation-failure",
            "x509: certificate has expired or is not yet valid: current time 2026-02-08T10:00:00Z is before 2026-02-09",
            "mx-certificate-not-yet-valid",
            "high",
        ),
        ("validation-failure", "X509_V_ERR_HOSTNAME_MISMATCH", "mx-certificate-name", "high"),
        ("validation-failure", "The target principal name is incorrect. (0x80090322)", "mx-certificate-name", "high"),
        ("validation-failure", "RemoteCertificateNameMismatch", "mx-certificate-name", "high"),
        (
            "certificate-not-trusted",
            "x509: certificate signed by unknown authority",
            "mx-certificate-chain-incomplete",
            "medium",
        ),
        (
            "certificate-not-trusted",
            "invalid peer certificate: UnknownIssuer",
            "mx-certificate-chain-incomplete",
            "medium",
        ),
        # The type is the sender's, and another one than usual.
        ("x-own-type", "certificate has expired", "mx-certificate-expired", "high"),
        ("validation-failure", "STARTTLS is not advertised: starttls-not-offered", "mx-starttls-missing", "high"),
        (
            "sts-policy-fetch-error",
            "dial tcp: lookup mta-sts.nordwind.example on 192.0.2.53:53: no such host",
            "policy-host-no-address",
            "high",
        ),
        ("sts-policy-fetch-error", "http: request body too large", "policy-too-large", "high"),
        ("sts-policy-fetch-error", "curl: (63) Maximum file size exceeded", "policy-too-large", "high"),
        ("certificate-not-trusted", "self signed certificate", "mx-certificate-untrusted", "high"),
        ("starttls-not-supported", "454 4.7.0 TLS not available due to local problem", "mx-starttls-refused", "high"),
        ("tlsa-invalid", "dane-no-match", "dane-tlsa-mismatch", "high"),
    ],
)
def test_reason_codes_decide(result_type, reason, cause, confidence):
    kind = "tlsa" if result_type == "tlsa-invalid" else "sts"
    options = {"reason": reason, "kind": kind}
    if cause == "mx-not-in-policy":
        options["mx"] = ("old.nordwind.example",)
    blob = report("2026-02-08", "Aster Post", 5, {result_type: 95}, **options)
    first = diagnose(archive=sts.load(blob, progress=False)).causes[0]
    assert first.code == cause
    assert first.confidence == confidence


@pytest.mark.parametrize(
    ("result_type", "first_two"),
    [
        ("certificate-not-trusted", ("mx-certificate-chain-incomplete", "mx-certificate-untrusted")),
        ("starttls-not-supported", ("mx-starttls-missing", "mx-starttls-stripped")),
        # The policy in the report permits the host: that is ruled out.
        ("validation-failure", ("mx-tls-handshake-fails", "mx-tls-version")),
        ("sts-webpki-invalid", ("policy-certificate-expired", "policy-certificate-chain-incomplete")),
    ],
)
def test_where_reports_cannot_tell_the_question_is_given(result_type, first_two):
    blob = report("2026-02-08", "Aster Post", 5, {result_type: 95})
    found = diagnose(archive=sts.load(blob, progress=False))
    group = one_group(found)
    assert tuple(candidate.code for candidate in group.causes[:2]) == first_two
    assert group.causes[0].confidence != "high"
    assert group.question.endswith("?")
    assert group.question in found._repr_html_().replace("&#x27;", "'")


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("nordwind-example.mail.protection.outlook.com", "Microsoft 365: Microsoft renews"),
        ("aspmx.l.google.com", "Google Workspace: Google renews"),
        ("mx1.nordwind.example", ""),
        ("evilmail.protection.outlook.com", ""),
    ],
)
def test_the_provider_is_told_by_the_mx_host_in_reports(host, said):
    blob = report("2026-02-08", "Aster Post", 5, {"certificate-expired": 95}, host=host)
    provider = diagnose(archive=sts.load(blob, progress=False)).causes[0].provider
    assert provider.startswith(said)
    assert bool(provider) == bool(said)


def test_what_strangers_wrote_is_shown_as_text():
    bad = "<script>alert(1)</script>\x1b[31m"
    blob = report("2026-02-08", bad, 5, {"certificate-expired": 95, bad: 2}, reason=bad, host="$(id)")
    found = diagnose(archive=sts.load(blob, progress=False))
    assert "<script" not in found._repr_html_()
    assert "\x1b" not in str(found)
    assert all("$(id)" not in command.shell for cause in found.causes for command in cause.commands)


@pytest.fixture
def healthy_probe(look):
    return look()
