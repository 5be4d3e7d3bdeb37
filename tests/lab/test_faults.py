"""Every fault of the lab, seen by clients that know nothing of the lab: dnspython, ssl and smtplib.

`seen.toml` says, fault by fault, what such clients see otherwise than on the healthy domain; all else must be as it was.
"""

from __future__ import annotations

import difflib
import hashlib
import http.client
import re
import smtplib
import socket
import ssl
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mtasts_nb.lab import FAULTS, VARIANTS, Lab

SEEN = tomllib.loads(Path(__file__).with_name("seen.toml").read_text("utf-8"))
DOMAIN = "nordwind.example"
WAIT = 1.0  # long enough for loopback on a busy machine; what takes longer here takes for ever
NS1, NS2 = "192.0.2.54", "198.51.100.54"
QUESTIONS = [
    ("@", "MX"),
    ("@", "A"),
    ("@", "TXT"),
    ("_mta-sts", "TXT"),
    ("_smtp._tls", "TXT"),
    ("mta-sts", "A"),
    ("mta-sts", "AAAA"),
    ("mx1", "A"),
    ("mx1", "AAAA"),
    ("mx2", "A"),
    ("mx2", "AAAA"),
]


def see_dns(lab, server, label, rdtype):
    """What a resolver library gets for a question: the code if it is an error, AD, and the records."""
    name = dns.name.from_text(label, dns.name.from_text(DOMAIN)) if label != "@" else dns.name.from_text(DOMAIN)
    query = dns.message.make_query(name, rdtype, want_dnssec=True)
    host, port = lab.settings.routes[server, 53]
    try:
        response, _ = dns.query.udp_with_fallback(query, host, timeout=WAIT, port=port)
    except dns.exception.Timeout:
        return "timeout"
    parts = [] if response.rcode() == dns.rcode.NOERROR else [dns.rcode.to_text(response.rcode())]
    parts += [f"EDE {int(option.code)}" for option in response.options if hasattr(option, "code")]
    parts += ["AD"] if response.flags & dns.flags.AD else []
    for rrset in response.answer:
        if rrset.rdtype != dns.rdatatype.RRSIG:
            kind = "" if rrset.rdtype == dns.rdatatype.from_text(rdtype) else dns.rdatatype.to_text(rrset.rdtype) + " "
            parts += [kind + record.to_text() for record in sorted(rrset)]
    return " | ".join(parts) or "none"


def see_tlsa(lab, label):
    """What a resolver library gets for the TLSA records of a host, the digest compared with the host's key."""
    seen = see_dns(lab, "192.0.2.53", f"_25._tcp.{label}", "TLSA")
    if " 1 1 " not in seen:
        return seen
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    address = {"mx1": "192.0.2.25", "mx2": "198.51.100.25"}[label]
    with smtplib.SMTP(*lab.settings.routes[address, 25], "sender.example", WAIT) as client:
        client.starttls(context=context)
        der = client.sock.getpeercert(binary_form=True)
    key = x509.load_der_x509_certificate(der).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = hashlib.sha256(key).hexdigest()
    named = re.sub("[0-9a-f]{64}", lambda match: "its key" if match.group() == digest else "another key", seen)
    # The records are sorted by what they are, not by their digests.
    return " | ".join(sorted(named.split(" | "), key=lambda part: (part[:1].isdigit(), part)))


def trusting(lab):
    context = ssl.create_default_context(cafile=lab.settings.trust_roots)
    context.hostname_checks_common_name = False
    context.set_ciphers("DEFAULT:@SECLEVEL=2")
    return context


def days_left(sock):
    """Return a remark on a certificate that ends within two weeks."""
    days = (ssl.cert_time_to_seconds(sock.getpeercert()["notAfter"]) - time.time()) / 86400
    return f" ({days:.0f} days left)" if days < 14 else ""


def trouble(error):
    """Return an error in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate: " + re.sub(r"'.*?'", "…", error.verify_message).rstrip(".")
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return f"tls: {error.reason}"
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return "timeout"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"smtp: {error.smtp_code}"
    if isinstance(error, ConnectionError | ssl.SSLError | smtplib.SMTPServerDisconnected):
        return "closed"
    if isinstance(error, http.client.HTTPException | smtplib.SMTPException):
        return type(error).__name__
    raise error


class Address(http.client.HTTPSConnection):
    """An HTTPS connection to one address, for the policy host by name."""

    def __init__(self, lab, endpoint):
        super().__init__(f"mta-sts.{DOMAIN}", timeout=WAIT)
        self._lab, self._endpoint = lab, endpoint

    def connect(self):
        plain = socket.create_connection(self._endpoint, WAIT)
        try:
            self.sock = trusting(self._lab).wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def see_https(lab, address):
    connection = Address(lab, lab.settings.routes[address, 443])
    try:
        connection.request("GET", "/.well-known/mta-sts.txt")
        soon = days_left(connection.sock)
        response = connection.getresponse()
        body = bytearray()
        while len(body) <= 64 * 1024 and (chunk := response.read(4096)):
            body += chunk
        kind = (response.getheader("Content-Type") or "no type").partition(";")[0]
        where = f" to {response.getheader('Location')}" if response.getheader("Location") else ""
        size = "more than 64 KiB" if len(body) > 64 * 1024 else body.decode("ascii", "backslashreplace")
        cut = " (cut)" if response.length and len(body) <= 64 * 1024 else ""
    except (OSError, http.client.HTTPException) as error:
        return trouble(error)
    else:
        return f"{response.status}{where} {kind}{soon}{cut}: {size}"
    finally:
        connection.close()


def see_smtp(lab, address, name):
    try:
        with smtplib.SMTP(timeout=WAIT, local_hostname="sender.example") as client:
            code, _ = client.connect(*lab.settings.routes[address, 25])
            if code != 220:
                return f"greeting {code}"
            code, text = client.ehlo()
            if code != 250:
                return f"EHLO {code}"
            if not client.has_extn("starttls"):
                return "no STARTTLS" + (" but XXXXXXXA" if b"XXXXXXXA" in text else "")
            client._host = name
            client.starttls(context=trusting(lab))
            return f"{client.sock.version()}, EHLO {client.ehlo()[0]}{days_left(client.sock)}"
    except (OSError, smtplib.SMTPException) as error:
        return trouble(error)


def see_greeting(lab, address, _name):
    """What a client that stops at 256 KiB sees of a greeting; smtplib would read on until its memory is full."""
    with socket.create_connection(lab.settings.routes[address, 25], WAIT) as connection:
        size = 0
        while size < 256 * 1024 and (chunk := connection.recv(65536)):
            size += len(chunk)
    return "a greeting without an end" if size >= 256 * 1024 else "closed"


def look(lab):
    """Return all that clients see of the domain."""
    see_mail = see_greeting if lab.fault is not None and lab.fault.name == "mx-greeting-endless" else see_smtp
    looks = {f"{label} {rdtype}": (see_dns, "192.0.2.53", label, rdtype) for label, rdtype in QUESTIONS}
    looks |= {f"_25._tcp.{label} TLSA": (see_tlsa, label) for label in ("mx1", "mx2")}
    for server, where in ((NS1, "ns1"), (NS2, "ns2")):
        looks[f"_mta-sts TXT at {where}"] = (see_dns, server, "_mta-sts", "TXT")
    names = {"192.0.2.25": "mx1", "2001:db8::25": "mx1", "198.51.100.25": "mx2", "2001:db8:1::25": "mx2"}
    names |= {"203.0.113.25": "mx3", "2001:db8:2::25": "mx3"}
    for address, port in lab.settings.routes:
        if port == 443 and address in ("192.0.2.80", "2001:db8::80"):
            looks[f"https {address}"] = (see_https, address)
        elif port == 25:
            name = f"{names[address]}.{DOMAIN}" if address in names else DOMAIN
            looks[f"smtp {address}"] = (see_mail, address, name)
    with ThreadPoolExecutor(len(looks)) as pool:
        waiting = {key: pool.submit(function, lab, *arguments) for key, (function, *arguments) in looks.items()}
        return {key: future.result() for key, future in waiting.items()}


@cache
def healthy(variant):
    with Lab(variant=variant) as lab:
        seen = look(lab)
    assert lab.troubles == []
    return seen


HEALTHY = "200 text/plain: "


def told(before, after):
    """Return how an observation differs; of a policy that is served as ever, only the lines that do."""
    if after is None:
        return "gone"
    if before is not None and before.startswith(HEALTHY) and after.startswith(HEALTHY) and len(after) > len(HEALTHY):
        lines = difflib.ndiff(before.removeprefix(HEALTHY).split("\r\n"), after.removeprefix(HEALTHY).split("\r\n"))
        return "policy: " + " | ".join(line.replace("  ", " ") for line in lines if line[0] in "+-")
    return after


def gathered(seen):
    """Return the observations with those that are the same everywhere told once."""
    for everywhere, keys in {
        "https": [key for key in seen if key.startswith("https ")],
        "smtp mx2": ["smtp 198.51.100.25", "smtp 2001:db8:1::25"],
        "smtp mx1": ["smtp 192.0.2.25", "smtp 2001:db8::25"],
        "smtp": ["smtp mx1", "smtp mx2"],
        "_mta-sts TXT everywhere": ["_mta-sts TXT", "_mta-sts TXT at ns1", "_mta-sts TXT at ns2"],
    }.items():
        if len(keys) > 1 and len({seen.get(key) for key in keys}) == 1 and keys[0] in seen:
            seen[everywhere] = seen[keys[0]]
            for key in keys:
                del seen[key]
    return dict(sorted(seen.items()))


def differences(fault):
    with Lab(fault.name) as lab:
        if fault.later is not None:
            lab.advance()
        seen = look(lab)
    assert lab.troubles == []
    before = healthy(fault.variant)
    return gathered(
        {key: told(before.get(key), seen.get(key)) for key in {**before, **seen} if seen.get(key) != before.get(key)}
    )


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_clients_see_the_fault_and_nothing_else(fault):
    assert differences(fault) == SEEN[fault.name]


@pytest.mark.parametrize("variant", VARIANTS)
def test_clients_see_nothing_wrong_in_a_healthy_variant(variant):
    seen = healthy(variant)
    assert seen["_mta-sts TXT"].count("v=STSv1") == 1
    for key, what in seen.items():
        if key.startswith("https "):
            assert what.startswith("200 text/plain: "), key
        if key.startswith("smtp "):
            assert what == "TLSv1.3, EHLO 250", key


def test_every_fault_is_in_the_table():
    assert set(SEEN) == set(FAULTS)
