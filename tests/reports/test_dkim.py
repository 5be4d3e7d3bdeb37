"""DKIM signatures of report mails (RFC 8460 §3, RFC 6376): told, never acted upon."""

from __future__ import annotations

import base64
import json
import time
from email.message import EmailMessage

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import mtasts_nb as sts
from mtasts_nb.reports.ingest._dkim import (
    FIELD,
    INVALID,
    NO_KEY,
    NOT_CHECKED,
    OTHER_SERVICE,
    UNSIGNED,
    VALID,
    DkimCheck,
)

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
def signed(mail: bytes, key: rsa.RSAPrivateKey) -> bytes:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return dkim.sign(mail, b"tls1", b"post.example", pem, canonicalize=(b"relaxed", b"relaxed")) + mail


@pytest.fixture(scope="module")
def record(key: rsa.RSAPrivateKey) -> bytes:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


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
        pytest.param(b"", VALID, id="RFC 6376 §3.6.1: no service type means every one"),
        pytest.param(b"; s=*", VALID, id="RFC 8460 §3: *"),
        pytest.param(b"; s=tlsrpt", VALID, id="RFC 8460 §3: tlsrpt"),
        pytest.param(b"; s=email:tlsrpt", VALID, id="RFC 6376 §3.6.1: a list"),
        pytest.param(b"; s=email", OTHER_SERVICE, id="RFC 8460 §3: email alone is not enough"),
    ],
)
def test_service_type(signed: bytes, record: bytes, service: bytes, expected: str) -> None:
    verdict = DkimCheck(Dns(record + service)).verify(signed)
    assert (verdict.value, verdict.treatment) == ("post.example (selector tls1)", expected)


def test_what_is_not_a_valid_signature(signed: bytes, mail: bytes, record: bytes) -> None:
    altered = signed.replace(b"nordwind.example", b"suedwind.example")
    assert DkimCheck(Dns(record)).verify(altered).treatment == INVALID
    assert DkimCheck(Dns(record)).verify(mail).treatment == UNSIGNED
    assert DkimCheck(Dns(None)).verify(signed).treatment == NO_KEY
    assert DkimCheck(Dns(b"p=" + b"A" * 5000)).verify(signed).treatment == NO_KEY


def test_an_mbox_keeps_no_carriage_returns_and_the_signature_holds(signed: bytes, record: bytes) -> None:
    assert DkimCheck(Dns(record)).verify(signed.replace(b"\r\n", b"\n")).treatment == VALID


def test_load_tells_it_by_mail_and_drops_nothing(signed: bytes, mail: bytes, record: bytes) -> None:
    dns = Dns(record)
    other = mail.replace(b'"report-id": "', b'"report-id": "0').replace(b"base64", b"base64")
    box = b"".join(
        b"From a@b Mon Feb  9 01:00:00 2026\n" + one.replace(b"\r\n", b"\n") + b"\n" for one in (signed, other)
    )
    plain = json.dumps({**REPORT, "report-id": "3"}).encode()
    archive = sts.load(box, plain, progress=False, verify_dkim=dns)
    rows = archive.deviations[archive.deviations["field"] == "dkim"]
    assert rows["treatment"].value_counts().to_dict() == {VALID: 2, UNSIGNED: 2}
    assert dns.names == [b"tls1._domainkey.post.example."]
    assert len(archive.inputs) == 5
    # Signed or not, it is loaded; and without being asked for, nothing is checked.
    assert archive.inputs["outcome"].value_counts().to_dict() == {"loaded": 3, "duplicate": 2}
    assert sts.load(box, progress=False).deviations.empty


def test_a_resolver_that_fails_is_no_verdict_and_no_error(signed: bytes) -> None:
    def broken(name: bytes, timeout: int = 5) -> bytes | None:
        raise RuntimeError("no network")

    assert DkimCheck(broken).verify(signed).treatment == NO_KEY


def test_the_time_for_all_mails_is_bounded(signed: bytes, record: bytes) -> None:
    now = [0.0]

    def slow(name: bytes, timeout: int = 5) -> bytes | None:
        now[0] += 100
        return record

    check = DkimCheck(slow, deadline=50, clock=lambda: now[0])
    assert check.verify(signed).treatment == VALID
    assert check.verify(signed + b"\r\n").treatment == NOT_CHECKED


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
        assert DkimCheck(Dns(record)).verify(mail).treatment in (UNSIGNED, INVALID, NOT_CHECKED, NO_KEY)
    assert time.process_time() - began < 2


def test_nothing_is_logged(signed: bytes, caplog: pytest.LogCaptureFixture) -> None:
    DkimCheck(Dns(b"p=nonsense")).verify(signed)
    assert caplog.records == []
    assert FIELD == "dkim"
