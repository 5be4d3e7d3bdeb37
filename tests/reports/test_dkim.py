"""DKIM signatures of report mails (RFC 8460 §3, RFC 6376): the verdict on a mail, and on many of them."""

from __future__ import annotations

import base64
import json
import time
from email import message_from_bytes
from email.message import EmailMessage

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import mtasts_nb as sts
from mtasts_nb.reports.ingest._dkim import FIELD, Signature
from mtasts_nb.reports.ingest._dkim_queue import DkimCheck

REPORT = {
    "organization-name": "Example Post",
    "date-range": {"start-datetime": "2026-02-08T00:00:00Z", "end-datetime": "2026-02-08T23:59:59Z"},
    "contact-info": "tls@post.example",
    "report-id": "1",
    "policies": [
        {
            "policy": {"policy-type": "sts", "policy-domain": "nordwind.example"},
            "summary": {"total-successful-session-count": 3, "total-failure-session-count": 0},
        }
    ],
}


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def mail() -> bytes:
    message = EmailMessage()
    message["From"] = "tls@post.example"
    message["To"] = "tlsrpt@nordwind.example"
    message["Date"] = "Mon, 09 Feb 2026 01:00:00 +0000"
    message["Subject"] = "Report Domain: nordwind.example Submitter: post.example Report-ID: <1>"
    message["TLS-Report-Domain"] = "nordwind.example"
    message["TLS-Report-Submitter"] = "post.example"
    message.set_content("A report.")
    for number in (1, 2):
        text = json.dumps({**REPORT, "report-id": str(number)}).encode()
        message.add_attachment(text, maintype="application", subtype="tlsrpt+json", filename=f"{number}.json")
    return message.as_bytes().replace(b"\n", b"\r\n")


@pytest.fixture(scope="module")
def pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


@pytest.fixture(scope="module")
def signed(mail: bytes, pem: bytes) -> bytes:
    return dkim.sign(mail, b"tls1", b"post.example", pem, canonicalize=(b"relaxed", b"relaxed")) + mail


@pytest.fixture(scope="module")
def record(key: rsa.RSAPrivateKey) -> bytes:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


def verdicts_on(check: DkimCheck, *mails: bytes, day: str = "2026-02-09") -> list[Signature]:
    tickets = [check.take(mail, day) for mail in mails]
    verdicts = check.verdicts()
    return [verdicts[ticket].result for ticket in tickets]


class Dns:
    """Answers every name with one record, and counts."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.names: list[bytes] = []

    def __call__(self, name: bytes, timeout: int = 5) -> bytes | None:
        self.names.append(name)
        return self.answer


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        pytest.param(b"", Signature.VALID, id="RFC 6376 §3.6.1: no service type means every one"),
        pytest.param(b"; s=*", Signature.VALID, id="RFC 8460 §3: *"),
        pytest.param(b"; s=tlsrpt", Signature.VALID, id="RFC 8460 §3: tlsrpt"),
        pytest.param(b"; s=email:tlsrpt", Signature.VALID, id="RFC 6376 §3.6.1: a list"),
        pytest.param(b"; s=email", Signature.OTHER_SERVICE, id="RFC 8460 §3: email alone is not enough"),
    ],
)
def test_service_type(signed: bytes, record: bytes, service: bytes, expected: Signature) -> None:
    check = DkimCheck(Dns(record + service))
    check.take(signed, "")
    [verdict] = check.verdicts()
    assert (verdict.domain, verdict.detail, verdict.result) == (
        "post.example",
        "post.example (selector tls1)",
        expected,
    )
    assert verdict.signed_by == ("post.example" if expected is Signature.VALID else None)


def test_what_is_not_a_valid_signature(signed: bytes, mail: bytes, record: bytes) -> None:
    altered = signed.replace(b"nordwind.example", b"suedwind.example")
    assert verdicts_on(DkimCheck(Dns(record)), altered, mail) == [Signature.INVALID, Signature.UNSIGNED]
    assert verdicts_on(DkimCheck(Dns(None)), signed) == [Signature.NO_KEY]
    assert verdicts_on(DkimCheck(Dns(b"p=" + b"A" * 5000)), signed) == [Signature.NO_KEY]


def test_a_signature_over_a_part_of_the_body_is_none(mail: bytes, pem: bytes, record: bytes) -> None:
    """RFC 8460 §3: l= must not be used; anyone could append a report of their own."""
    short = dkim.sign(mail, b"tls1", b"post.example", pem, canonicalize=(b"relaxed", b"relaxed"), length=True) + mail
    assert b" l=" in short.partition(b"\r\nFrom")[0]
    assert verdicts_on(DkimCheck(Dns(record)), short + b"more\r\n") == [Signature.INVALID]


def test_of_two_signatures_the_one_by_the_authors_domain_counts(mail: bytes, pem: bytes, record: bytes) -> None:
    """Whatever their order: reports are to be signed by the reporting domain (RFC 8460 §3)."""
    own, other = (
        dkim.sign(mail, b"tls1", domain, pem, canonicalize=(b"relaxed", b"relaxed"))
        for domain in (b"post.example", b"a-relay.example")
    )
    for both in (own + other + mail, other + own + mail):
        check = DkimCheck(Dns(record))
        check.take(both, "")
        assert [verdict.signed_by for verdict in check.verdicts()] == ["post.example"]


def test_an_mbox_keeps_no_carriage_returns_and_the_signature_holds(signed: bytes, record: bytes) -> None:
    assert verdicts_on(DkimCheck(Dns(record)), signed.replace(b"\r\n", b"\n")) == [Signature.VALID]


def in_mbox(*mails: bytes) -> bytes:
    separator = b"From a@b Mon Feb  9 01:00:00 2026\n"
    return b"".join(separator + mail.replace(b"\r\n", b"\n") + b"\n" for mail in mails)


def test_load_tells_it_by_report_and_drops_nothing(signed: bytes, mail: bytes, record: bytes) -> None:
    dns = Dns(record)
    box = in_mbox(signed, mail)
    plain = json.dumps({**REPORT, "report-id": "3"}).encode()
    archive = sts.load(box, plain, progress=False, verify_dkim=dns)
    rows = archive.deviations[archive.deviations["field"] == FIELD]
    valid, unsigned = "valid signature, by a key that may sign TLS reports", "no signature"
    assert rows["treatment"].value_counts().to_dict() == {valid: 2, unsigned: 2}
    assert dns.names == [b"tls1._domainkey.post.example."]
    assert len(archive.inputs) == 5
    # Signed or not, it is loaded; and without being asked for, nothing is checked.
    assert archive.inputs["outcome"].value_counts().to_dict() == {"loaded": 3, "duplicate": 2}
    assert archive.reports.set_index("report_id")["signed_by"].dropna().to_dict() == {
        "1": "post.example",
        "2": "post.example",
    }
    assert sts.load(box, progress=False).deviations.empty
    assert sts.load(box, progress=False).reports["signed_by"].isna().all()


def test_require_rejects_what_has_no_valid_signature_and_keeps_the_rest(
    signed: bytes, mail: bytes, record: bytes
) -> None:
    """RFC 8460 §3: reports without a valid signature are to be ignored; not silently."""
    forged = mail.replace(b"Example Post", b"Example Fake").replace(b"nordwind.example", b"ostwind.example")
    forwarded = EmailMessage()
    forwarded["Subject"] = "Fwd"
    forwarded.set_content("See the mail attached.")
    forwarded.add_attachment(message_from_bytes(signed.replace(b"post.example", b"mail.example")))
    plain = json.dumps({**REPORT, "report-id": "3"}).encode()
    box = in_mbox(forged, signed, forwarded.as_bytes())
    archive = sts.load(b"no report", box, plain, progress=False, dkim="require", verify_dkim=Dns(record))
    assert archive.inputs["outcome"].tolist() == [
        "skipped",
        "rejected",
        "rejected",
        "loaded",
        "loaded",
        *["rejected"] * 3,
    ]
    assert archive.inputs["member"].str.partition(" > ")[0].tolist() == [
        "", *["message 1"] * 2, *["message 2"] * 2, *["message 3"] * 2, "",
    ]  # fmt: skip
    assert archive.reports["signed_by"].tolist() == ["post.example"] * 2
    assert archive.sessions["report_key"].isin(archive.reports["report_key"]).all()
    assert archive.rejects["reason"].value_counts().to_dict() == {
        "dkim-unsigned": 2,
        "dkim-forwarded": 2,
        "dkim-no-mail": 1,
    }
    assert set(archive.rejects["stage"]) == {"mail"}
    # The same reports as without those that were refused.
    alone = sts.load(in_mbox(signed), progress=False)
    assert archive.sessions.equals(alone.sessions)


def test_require_may_leave_nothing(mail: bytes, record: bytes) -> None:
    archive = sts.load(mail, progress=False, dkim="require", verify_dkim=Dns(record))
    assert archive.reports.empty
    assert archive.sessions.empty
    assert archive.failures.empty
    assert len(archive.rejects) == 2


def test_an_unknown_choice_is_named() -> None:
    with pytest.raises(ValueError, match="dkim is one of off, check, require, not 'always'"):
        sts.load(b"{}", dkim="always")


def test_a_resolver_that_fails_is_no_verdict_and_no_error(signed: bytes) -> None:
    def broken(name: bytes, timeout: int = 5) -> bytes | None:
        raise RuntimeError("no network")

    check = DkimCheck(broken)
    check.take(signed, "")
    [verdict] = check.verdicts()
    assert verdict.result is Signature.NOT_CHECKED
    assert verdict.detail == "no answer from the DNS for the key of post.example (selector tls1) (RuntimeError)"


# -- strangers spend nothing that honest reports need

JUNK = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed; d=%b; s=%b; h=from; bh=AAAA; b=AAAA\r\nFrom: a@b.example\r\n\r\n%b\r\n"


class SlowDns(Dns):
    """Every answer but post.example's takes a clock's five seconds, and there is none."""

    now = 0.0

    def __call__(self, name: bytes, timeout: int = 5) -> bytes | None:
        super().__call__(name, timeout)
        if name.endswith(b".post.example."):
            return self.answer
        self.now += 5
        raise TimeoutError


def flooded(check: DkimCheck, signed: bytes, junk: list[bytes]) -> tuple[list[Signature], list[Signature]]:
    """Return the verdicts on ten days of a reporter's mails, and on junk of one day that came before them."""
    strangers = [check.take(mail, "2026-02-01") for mail in junk]
    honest = [check.take(signed + b"\r\n" * day, f"2026-02-{day:02}") for day in range(1, 11)]
    verdicts = check.verdicts()
    return [verdicts[at].result for at in honest], [verdicts[at].result for at in strangers]


def test_a_thousand_domains_that_do_not_answer_cost_no_honest_report_its_check(signed: bytes, record: bytes) -> None:
    dns = SlowDns(record)
    junk = [JUNK % (b"a%d.invalid" % number, b"s", b"") for number in range(1000)]
    honest, strangers = flooded(DkimCheck(dns, deadline=50, clock=lambda: dns.now), signed, junk)
    assert honest == [Signature.VALID] * 10
    # What was not checked is never called unsigned.
    assert strangers == [Signature.NOT_CHECKED] * 1000
    assert dns.now < 100


def test_a_thousand_selectors_of_a_reporters_domain_cost_no_honest_report_its_check(
    signed: bytes, record: bytes
) -> None:
    dns = SlowDns(record)
    junk = [JUNK % (b"post.example", b"s%d" % number, b"") for number in range(1000)]
    honest, strangers = flooded(DkimCheck(dns, clock=lambda: dns.now), signed, junk)
    assert honest == [Signature.VALID] * 10
    assert strangers.count(Signature.NOT_CHECKED) > 900
    assert len(dns.names) <= 32


def test_a_flood_with_a_reporters_own_selector_costs_at_most_the_mails_of_its_day(signed: bytes, record: bytes) -> None:
    now = [0.0]
    read: list[bytes] = []

    def clock() -> float:
        now[0] += 0.5  # each check asks twice: a second
        return now[0]

    def ask(name: bytes, timeout: int = 5) -> bytes | None:
        read.append(name)
        return record

    junk = [JUNK % (b"post.example", b"tls1", b"%d" % number) for number in range(200)]
    check = DkimCheck(ask, domain_deadline=10, clock=clock)
    honest, _ = flooded(check, signed, junk)
    assert honest[1:] == [Signature.VALID] * 9
    assert read == [b"tls1._domainkey.post.example."]


def test_the_time_for_all_mails_is_bounded(signed: bytes, record: bytes) -> None:
    now = [0.0]

    def slow(name: bytes, timeout: int = 5) -> bytes | None:
        now[0] += 100
        return record

    check = DkimCheck(slow, deadline=50, clock=lambda: now[0])
    assert verdicts_on(check, signed, signed + b"\r\n") == [Signature.VALID, Signature.NOT_CHECKED]


HOSTILE = {
    "one line folded a hundred thousand times": b"Subject: a\r\n" + b" b\r\n" * 100_000,
    "blanks without end in the body": b"\r\n" + b" " * 2_000_000,
    "a signature of blanks": b"DKIM-Signature: v=1; a=rsa-sha256; b=" + b" " * 60_000 + b"!\r\n",
    "a hundred signatures": b"DKIM-Signature: v=1\r\n" * 100,
    "no header": b"",
    "no line end": b"DKIM-Signature: v=1",
    "not a header": b"\x00\xff\r\nDKIM-Signature: v=1\r\n\r\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mails_take_no_time_and_raise_nothing(name: str, record: bytes) -> None:
    head = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed; d=a; s=b; h=from; bh=AAAA; b=AAAA\r\n"
    began = time.process_time()
    for mail in (HOSTILE[name], head + HOSTILE[name]):
        [verdict] = verdicts_on(DkimCheck(Dns(record)), mail)
        assert verdict in (Signature.UNSIGNED, Signature.INVALID, Signature.NOT_CHECKED, Signature.NO_KEY)
    assert time.process_time() - began < 2


def test_nothing_is_logged(signed: bytes, caplog: pytest.LogCaptureFixture) -> None:
    verdicts_on(DkimCheck(Dns(b"p=nonsense")), signed)
    assert caplog.records == []
    assert FIELD == "dkim"
