"""How a fault is weighed: what it does to mail depends on the mode, on the other MX hosts, and on what was observed."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mtasts_nb.knowledge import finding_texts
from mtasts_nb.policy import validate
from mtasts_nb.probe import (
    ChainResult,
    DnsAnswer,
    DnsRecord,
    TlsSession,
    Validation,
    certificate_faults,
    findings,
    symptoms,
)
from mtasts_nb.probe.wire._tls import TrustStore, match_tlsa, read_certificate
from mtasts_nb.vocabulary import Effect, Severity, Status

HOLDS, DISABLES, COSMETIC = Effect.DEFERS_MAIL, Effect.DISABLES_PROTECTION, Effect.COSMETIC
ERROR, WARNING, ADVICE = Severity.ERROR, Severity.WARNING, Severity.ADVICE


def in_mode(seen, mode):
    """The probe as it would be with the policy in another mode."""
    attempts = tuple(
        replace(a, response=replace(a.response, body=a.response.body.replace(b"mode: enforce", mode)))
        for a in seen.policy_host.attempts
    )
    return replace(seen, policy_host=replace(seen.policy_host, attempts=attempts))


def without_record(seen):
    return replace(seen, sts=replace(seen.sts, answer=DnsAnswer(rcode="NOERROR")))


def without_policy(seen):
    return replace(seen, policy_host=replace(seen.policy_host, attempts=()))


@pytest.mark.parametrize(
    ("fault", "change", "code", "severity", "effect"),
    [
        # Every MX host fails: RFC 8461 §5 holds mail back in enforce only.
        ("mx-certificate-expired", None, "mx-certificate-expired", ERROR, HOLDS),
        ("mx-certificate-expired", b"mode: testing", "mx-certificate-expired", ERROR, DISABLES),
        # In mode none nothing is checked (§5); without a policy only senders with a cached one defer (§3.3).
        ("mx-certificate-expired", b"mode: none", "mx-certificate-expired", ADVICE, COSMETIC),
        ("mx-certificate-expired", without_policy, "mx-certificate-expired", ERROR, DISABLES),
        # DANE asks for TLS in every mode (RFC 7672 §2.2), a broken end of the conversation stops every sender.
        ("dane-mismatch", b"mode: testing", "tlsa-mismatch", ERROR, HOLDS),
        ("mx-starttls-silent", None, "mx-timeout", ERROR, HOLDS),
        ("mx-starttls-silent", b"mode: testing", "mx-timeout", ERROR, DISABLES),
        # One host of two: the other takes the mail (RFC 5321 §5.1).
        ("backup-certificate-expired", None, "mx-certificate-expired", WARNING, COSMETIC),
        ("backup-certificate-expired", b"mode: testing", "mx-certificate-expired", WARNING, DISABLES),
        ("backup-no-starttls", None, "mx-starttls-missing", WARNING, COSMETIC),
        ("dane-backup-mismatch", None, "tlsa-mismatch", WARNING, COSMETIC),
        ("mx-timeout", None, "mx-timeout", WARNING, COSMETIC),
        # One address of one host.
        ("address-certificate-expired", None, "mx-certificate-expired", WARNING, COSMETIC),
        ("address-refused", None, "mx-refused", WARNING, COSMETIC),
        # Delivery itself fails: in any mode.
        ("mx-refused", None, "mx-refused", ERROR, HOLDS),
        ("mx-refused", b"mode: testing", "mx-refused", ERROR, HOLDS),
        # The policy host never holds mail back (RFC 8461 §3.3), and chance decides where one address works.
        ("policy-http-404", None, "policy-http-not-found", ERROR, DISABLES),
        ("policy-good-on-one-address", None, "policy-http-not-found", WARNING, DISABLES),
    ],
)
def test_severity_and_effect(fault, change, code, severity, effect, look):
    seen = look(fault)
    seen = in_mode(seen, change) if isinstance(change, bytes) else change(seen) if change else seen
    found = [one for one in seen.findings if one.code == code]
    assert found
    assert {(one.severity, one.effect) for one in found} == {(severity, effect)}


def test_without_mta_sts_a_fault_at_tls_is_a_warning(look):
    """Nobody is asked to enforce anything: mail is delivered, unprotected."""
    seen = without_policy(without_record(look("mx-certificate-self-signed")))
    assert {one.severity for one in seen.findings if one.code == "mx-certificate-self-signed"} == {WARNING}


def of(seen, code, host=None):
    (found,) = (one for one in seen.findings if one.code == code and (host is None or one.subject.startswith(host)))
    return found


class TestWhatASecondHostIsFor:
    """RFC 5321 §5.1, RFC 8461 §8.4: nothing is held back while another takes the mail, and the words say what is lost."""

    @pytest.mark.parametrize(
        ("fault", "code"),
        [("backup-certificate-expired", "mx-certificate-expired"), ("dane-backup-mismatch", "tlsa-mismatch")],
    )
    def test_redundancy(self, fault, code, look):
        message = of(look(fault), code).message
        assert "Redundancy is lost: senders use mx1.nordwind.example" in message

    def test_a_host_that_the_policy_leaves_out(self, look):
        seen = look("policy-file-mx-ip-address")
        found = of(seen, "mx-not-covered")
        assert (found.severity, found.effect) == (WARNING, COSMETIC)
        assert "Redundancy is lost" in found.message

    def test_one_address(self, look):
        assert "Senders try its other addresses." in of(look("address-refused"), "mx-refused").message

    def test_what_is_not_broken_yet_sends_nobody_away(self, healthy):
        later = healthy.started + timedelta(days=55)

        def aged(attempt):
            return replace(attempt, tls=replace(attempt.tls, validation=replace(attempt.tls.validation, at=later)))

        hosts = tuple(replace(mx, attempts=tuple(map(aged, mx.attempts))) for mx in healthy.mx_hosts)
        found = [one for one in replace(healthy, mx_hosts=hosts).findings if one.code == "mx-certificate-expires-soon"]
        assert len(found) == 2
        assert not any("Senders try" in one.message for one in found)

    def test_a_host_that_could_not_be_looked_at_is_named(self, look):
        """That every host fails is not known; what is held back depends on the one that was not seen."""
        seen = look("mx-certificate-expired")
        first, second = seen.mx_hosts
        unseen = tuple(
            replace(a, status=Status.NOT_OBSERVED, stage="connect", reason="no-way-out", tls=None)
            for a in second.attempts
        )
        found = of(replace(seen, mx_hosts=(first, replace(second, attempts=unseen))), "mx-certificate-expired")
        assert (found.severity, found.effect) == (ERROR, HOLDS)
        assert "mx2.nordwind.example could not be checked" in found.message

    def test_an_mx_that_is_an_alias_in_a_circle_takes_no_mail(self, healthy):
        loop = {"status": Status.FAILED, "reason": "cname-loop", "detail": "a → b → a"}
        bare = DnsAnswer(rcode="NOERROR")
        hosts = tuple(
            replace(mx, a=replace(mx.a, answer=bare, **loop), aaaa=replace(mx.aaaa, answer=bare, **loop), attempts=())
            for mx in healthy.mx_hosts
        )
        found = of(replace(healthy, mx_hosts=hosts), "cname-chain-broken", "mx1")
        assert (found.severity, found.effect) == (ERROR, HOLDS)


@pytest.mark.parametrize(
    ("part", "cause"),
    [
        ("sts", "record-alias-broken"),
        ("tlsrpt", "reporting-lookup-fails"),
        ("policy_host", "policy-host-lookup-fails"),
        ("mx_hosts", "mx-lookup-fails"),
        ("mx", "mx-lookup-fails"),
    ],
)
def test_a_broken_alias_has_the_cause_of_the_name_at_which_it_is(part, cause, healthy):
    """RFC 1034 §3.6.2: at any name; only that of the record is about MTA-STS."""

    def loop(attempt):
        return replace(attempt, status=Status.FAILED, reason="cname-loop", detail="a → b → a", answer=None)

    value = getattr(healthy, part)
    if part == "policy_host":
        value = replace(value, a=loop(value.a), aaaa=loop(value.aaaa), attempts=())
    elif part == "mx_hosts":
        value = tuple(replace(mx, a=loop(mx.a), aaaa=loop(mx.aaaa), attempts=()) for mx in value)
    else:
        value = loop(value)
    seen = replace(healthy, **{part: value})
    assert "cname-chain-broken" in seen.findings.codes
    assert cause in {each.concern.code for each in symptoms(seen, seen.findings)}
    assert ("record-alias-broken" in {each.concern.code for each in symptoms(seen, seen.findings)}) is (part == "sts")


@pytest.mark.parametrize(
    ("code", "severity", "effect"),
    [
        ("sts-record-missing", ERROR, DISABLES),
        ("tlsrpt-record-missing", WARNING, COSMETIC),  # RFC 8460 asks no domain to have reporting; mail is as before
    ],
)
def test_a_record_that_is_not_there_weighs_the_same_live_and_on_paper(code, severity, effect, look):
    offline = [one for one in validate(record=[], tlsrpt_record=[]) if one.code == code]
    live = [
        one
        for one in look(code.replace("sts-record", "record").replace("rpt-record", "rpt")).findings
        if one.code == code
    ]
    assert [(one.severity, one.effect) for one in offline + live] == [(severity, effect)] * 2
    assert (finding_texts()[code].severity, finding_texts()[code].effect) == (severity, effect)


def test_a_missing_policy_host_is_no_second_fault_of_a_domain_without_a_record(healthy):
    host = healthy.policy_host
    none = DnsAnswer(rcode="NXDOMAIN")
    bare = replace(host, a=replace(host.a, answer=none), aaaa=replace(host.aaaa, answer=none), attempts=())
    assert replace(without_record(healthy), policy_host=bare).findings.errors.codes == ("sts-record-missing",)
    assert "policy-host-no-address" in replace(healthy, policy_host=bare).findings.codes


def test_what_was_not_observed_is_not_judged(look):
    """The same broken MX hosts, but nobody could look."""
    seen = look("mx-certificate-expired")
    unseen = tuple(
        replace(
            mx,
            attempts=tuple(
                replace(a, status=Status.NOT_OBSERVED, stage="connect", reason="no-way-out", tls=None, starttls=None)
                for a in mx.attempts
            ),
        )
        for mx in seen.mx_hosts
    )
    assert replace(seen, mx_hosts=unseen).findings.codes == ()


def test_a_resolver_with_an_old_answer_is_not_propagated_yet(healthy):
    old = DnsRecord(name="_mta-sts.nordwind.example", type="TXT", ttl=300, text="v=STSv1; id=19990101")
    seen = replace(healthy, sts=replace(healthy.sts, answer=replace(healthy.sts.answer, records=(old,))))
    (found,) = seen.findings
    assert found.code == "not-propagated-yet"
    assert "19990101" in found.evidence


class TestNameServers:
    """RFC 1912 §2.8, RFC 2308 §2: a server of the zone answers for it, with authority."""

    def changed(self, seen, server, **changes):
        return replace(
            seen,
            authoritative=tuple(
                replace(x, **changes) if server in ("every", x.query.server) else x for x in seen.authoritative
            ),
        )

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"status": Status.FAILED, "reason": "timeout", "detail": "no answer in time", "answer": None}, "in time"),
            (
                {
                    "status": Status.FAILED,
                    "detail": "the server answered REFUSED",
                    "answer": DnsAnswer(rcode="REFUSED"),
                },
                "REFUSED",
            ),
            ({"answer": DnsAnswer(rcode="NOERROR")}, "without authority"),  # a referral upwards
        ],
    )
    def test_one_that_does_not(self, changes, told, healthy):
        (found,) = self.changed(healthy, "ns2.nordwind.example", **changes).findings
        assert (found.code, found.subject) == ("nameserver-not-answering", "ns2.nordwind.example")
        assert told in found.evidence
        # Every one of them: something on the way may be answering in their place.
        assert self.changed(healthy, "every", **changes).findings.codes == ()


def test_a_domain_that_does_not_exist_has_one_fault(healthy):
    seen = replace(healthy, mx=replace(healthy.mx, answer=DnsAnswer(rcode="NXDOMAIN")), mx_hosts=())
    assert seen.findings.codes == ("domain-not-found",)


def test_every_live_code_is_emitted_and_every_emitted_code_is_registered():
    """Codes are literal strings where a fault is found, or values of a table: none is put together."""
    files = [*Path(findings.__file__).parent.glob("*.py"), Path(sys.modules["mtasts_nb.probe._compare"].__file__)]
    source = "".join(file.read_text("utf-8") for file in files)
    literals = set(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)+)"', source))
    emitted = set(re.findall(r'(?:Fault|finding)\(\s*"([a-z0-9-]+)"', source))
    live = {code for code, text in finding_texts().items() if text.live}
    assert live - literals == set()
    assert emitted - set(finding_texts()) == set()


class TestCertificates:
    """OpenSSL's verify codes, each to its code (X509_verify_cert_error_string(3))."""

    @pytest.mark.parametrize(
        ("code", "completed", "expected"),
        [
            (0, None, None),
            (10, None, "expired"),
            (9, None, "not-yet-valid"),
            (18, None, "self-signed"),
            (19, None, "untrusted"),
            (20, None, "untrusted"),
            (20, 0, "chain-incomplete"),
            (20, 10, "chain-incomplete"),  # the missing one is proved, and expired
            (21, 20, "untrusted"),  # the issuer that was fetched is by an unknown CA
            (20, 19, "untrusted"),  # what was fetched leads to an unknown root
            (26, None, "invalid"),
            (7, None, "invalid"),
        ],
    )
    def test_verify_codes(self, code, completed, expected, healthy):
        tls = healthy.mx_hosts[0].attempts[0].tls
        fetch = {"fetches": (_fetch(),)} if completed is not None else {}
        validation = replace(
            tls.validation,
            verdict=ChainResult(code=code, text="text", depth=0),
            completed_verdict=None if completed is None else ChainResult(code=completed, text="text"),
            **fetch,
        )
        problems = [problem for problem, _ in certificate_faults(replace(tls, validation=validation))]
        assert problems == ([expected] if expected else [])

    def test_nothing_raises_on_junk(self, healthy):
        store = TrustStore(None, healthy.started)
        for der in (b"", b"junk", healthy.mx_hosts[0].attempts[0].tls.chain[0].der[:-20]):
            certificate = read_certificate(der)
            verdict = store.verdict([certificate])
            assert not verdict.trusted
            validation = Validation(
                name="mx1.nordwind.example", at=healthy.started, verdict=verdict, name_matches=False
            )
            session = TlsSession(version="", cipher="", sni="", chain=(certificate,), validation=validation)
            assert list(certificate_faults(session))


def _fetch():
    from mtasts_nb.probe import IssuerFetch

    return IssuerFetch(url="http://pki.example/x.cer", status=Status.COMPLETED)


@pytest.mark.parametrize(
    ("record", "matches"),
    [
        ("{usage} {selector} 1 {digest}", True),
        ("3 1 1 " + "00" * 32, False),
        ("0 1 1 {spki}", None),  # RFC 7672 §3.1.3: PKIX usages are not for SMTP
        ("1 1 1 {spki}", None),
        ("3 7 1 {spki}", None),
        ("3 1 9 {spki}", None),
        ("3 1 1", None),
        ("3 1 1 zz", None),
        ("", None),
        ("x y z", None),
    ],
)
def test_tlsa(record, matches, healthy):
    tls = healthy.mx_hosts[0].attempts[0].tls
    leaf = tls.chain[0]
    text = record.format(usage=3, selector=1, digest=leaf.spki_sha256, spki=leaf.spki_sha256)
    (match,) = match_tlsa([text], tls)
    assert match.matches is matches


def test_a_trust_anchor_needs_the_name_too(healthy):
    """RFC 7672 §3.1.2: DANE-TA(2) checks names, DANE-EE(3) does not."""
    tls = healthy.mx_hosts[0].attempts[0].tls
    anchor = [f"2 1 1 {tls.chain[1].spki_sha256}"]
    other_name = replace(tls, validation=replace(tls.validation, name_matches=False))
    assert match_tlsa(anchor, tls)[0].matches is True
    assert match_tlsa(anchor, other_name)[0].matches is False
    assert match_tlsa([f"3 1 1 {tls.chain[0].spki_sha256}"], other_name)[0].matches is True
