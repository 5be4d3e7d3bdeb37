"""What was asked, how the attempt ended, and what came back: plain frozen data, nothing judged.

Each attempt is *completed* (we got to its end), *failed* (the other side kept us from it) or *not observed* (something
on our side kept us from it: no route, a private address, our own deadline). Only the first two are evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..vocabulary import Status

__all__ = [
    "Certificate",
    "DnsAnswer",
    "DnsAttempt",
    "DnsQuery",
    "DnsRecord",
    "HttpAttempt",
    "HttpRequest",
    "HttpResponse",
    "IssuerFetch",
    "MxHost",
    "PolicyHost",
    "Provider",
    "SmtpAttempt",
    "SmtpReply",
    "SmtpRequest",
    "TlsSession",
    "TlsaMatch",
    "Validation",
    "Vantage",
    "Verdict",
]


@dataclass(frozen=True, kw_only=True)
class DnsQuery:
    """A question, and to whom. An empty `server` means the resolver."""

    name: str
    type: str
    server: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class DnsRecord:
    """One record of an answer. The strings of a TXT record are joined (RFC 8461 §3.1); bytes outside UTF-8 as ``\\xNN``."""

    name: str
    type: str
    ttl: int
    text: str


@dataclass(frozen=True, kw_only=True)
class DnsAnswer:
    """What a server answered.

    Attributes
    ----------
    rcode : str
        ``NOERROR``, ``NXDOMAIN``, ``SERVFAIL`` …
    records : tuple of DnsRecord
        Those of the type asked for, at the end of the CNAME chain.
    records_dropped : int
        How many more there were than are kept; `Probe.limits_hit` says so too.
    cname_chain : tuple of str
        The names the chain leads through, without the one asked for.
    ttl : int or None
        The smallest TTL of chain and records, in seconds; for "there is none" the negative TTL of the zone (RFC 2308 §5).
    authenticated : bool
        The AD bit: the resolver says that it has validated the answer (RFC 4035 §3.2.3).
    authoritative : bool
        The AA bit.
    extended_errors : tuple of str
        RFC 8914.
    transport : str
        ``udp`` or ``tcp``.
    """

    rcode: str
    records: tuple[DnsRecord, ...] = ()
    records_dropped: int = 0
    cname_chain: tuple[str, ...] = ()
    ttl: int | None = None
    authenticated: bool = False
    authoritative: bool = False
    extended_errors: tuple[str, ...] = ()
    transport: str = "udp"


@dataclass(frozen=True, kw_only=True)
class DnsAttempt:
    """One question and how it ended.

    `reason` is a code (``timeout``, ``servfail``, ``cname-loop`` …), empty when completed. `unchecked` is the answer to
    the same question with DNSSEC checking turned off, asked only after a SERVFAIL: where it holds records, the
    signatures are at fault and not the server.
    """

    query: DnsQuery
    status: Status
    reason: str = ""
    detail: str = ""
    seconds: float = 0.0
    answer: DnsAnswer | None = None
    unchecked: DnsAnswer | None = None

    @property
    def records(self) -> tuple[DnsRecord, ...]:
        """The records that came; empty also where no answer came."""
        return self.answer.records if self.answer else ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of each record."""
        return tuple(record.text for record in self.records)

    @property
    def secure(self) -> bool:
        """Whether the resolver validated the answer."""
        return self.answer is not None and self.answer.authenticated


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """One certificate as it was presented. `der` is the whole; the rest is read from it. Times are UTC."""

    der: bytes
    sha256: str
    subject: str = ""
    issuer: str = ""
    serial: str = ""
    common_names: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None
    key: str = ""
    key_bits: int | None = None
    signature: str = ""
    spki_sha256: str = ""
    is_ca: bool = False
    issuer_urls: tuple[str, ...] = ()
    problem: str = ""

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return bool(self.subject) and self.subject == self.issuer

    @property
    def lifetime(self) -> timedelta | None:
        """From the first to the last moment at which it is valid."""
        return self.not_after - self.not_before if self.not_before and self.not_after else None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """OpenSSL's word on a chain: its verify code (0 is good), the text, and the depth at which it arose."""

    code: int
    text: str
    depth: int = 0

    @property
    def trusted(self) -> bool:
        """Whether OpenSSL found nothing to object to."""
        return self.code == 0


@dataclass(frozen=True, kw_only=True)
class IssuerFetch:
    """A certificate that the server did not send, fetched from where its child says (RFC 5280 §4.2.2.1)."""

    url: str
    status: Status
    reason: str = ""
    detail: str = ""
    certificate: Certificate | None = None


@dataclass(frozen=True, kw_only=True)
class Validation:
    """A presented chain held against a trust store, a name and a moment.

    Attributes
    ----------
    name : str
        The name that the certificate has to carry as a SAN DNS-ID.
    name_matches : bool
        Whether it does (RFC 9525 §6.3); the common name does not count.
    name_detail : str
        Why it does not.
    at : datetime
        The moment of the check, UTC.
    verdict : Verdict
        OpenSSL's, on the chain as presented.
    completed_verdict : Verdict or None
        OpenSSL's, with the fetched issuers added. Good here and not above proves that an intermediate is missing.
    fetches : tuple of IssuerFetch
        The attempts to fetch what is missing.
    days_left : float or None
        Days until the leaf expires, negative when it has.
    """

    name: str
    at: datetime
    verdict: Verdict
    name_matches: bool
    name_detail: str = ""
    completed_verdict: Verdict | None = None
    fetches: tuple[IssuerFetch, ...] = ()
    days_left: float | None = None

    @property
    def valid(self) -> bool:
        """Whether chain, dates and name are all good as presented."""
        return self.verdict.trusted and self.name_matches


@dataclass(frozen=True, kw_only=True)
class TlsSession:
    """A handshake that succeeded: what was agreed, and the chain as presented, leaf first.

    `chain_complete` is False where more certificates came than a chain may have, and the rest was dropped.
    """

    version: str
    cipher: str
    sni: str
    chain: tuple[Certificate, ...] = ()
    chain_complete: bool = True
    validation: Validation | None = None


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """A GET for the policy, at one address of the policy host."""

    url: str
    host: str
    address: str
    port: int


@dataclass(frozen=True, kw_only=True)
class HttpResponse:
    """The response; `body` is cut at the cap, `truncated` says so."""

    status_code: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    truncated: bool = False

    def header(self, name: str) -> str:
        """Return the first header of that name, empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True, kw_only=True)
class HttpAttempt:
    """One GET. `stage` is where it ended: connect, handshake, response, done.

    `older_tls` is what the server agreed to when TLS 1.0 and 1.1 were offered too, tried only after a failed handshake.
    """

    request: HttpRequest
    status: Status
    stage: str
    reason: str = ""
    detail: str = ""
    seconds: float = 0.0
    tls: TlsSession | None = None
    older_tls: TlsSession | None = None
    response: HttpResponse | None = None


@dataclass(frozen=True, kw_only=True)
class SmtpRequest:
    """A conversation with one MX host at one address."""

    mx: str
    address: str
    port: int


@dataclass(frozen=True, kw_only=True)
class SmtpReply:
    """One reply, its lines without the code."""

    code: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.code} {' / '.join(self.lines)}"


@dataclass(frozen=True, kw_only=True)
class TlsaMatch:
    """A TLSA record held against the chain: True, False, or None where no sender can use it."""

    record: str
    matches: bool | None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class SmtpAttempt:
    """One conversation. `stage` is where it ended: connect, greeting, ehlo, starttls, handshake, ehlo-after-tls, done.

    `starttls_offered` is None where no EHLO answer came. `starttls` may hold a reply although STARTTLS was not offered:
    it is asked for all the same, to tell a server without TLS from one whose offer is hidden on the way.
    """

    request: SmtpRequest
    status: Status
    stage: str
    reason: str = ""
    detail: str = ""
    seconds: float = 0.0
    greeting: SmtpReply | None = None
    ehlo: SmtpReply | None = None
    starttls_offered: bool | None = None
    starttls: SmtpReply | None = None
    tls: TlsSession | None = None
    older_tls: TlsSession | None = None
    ehlo_after_tls: SmtpReply | None = None
    tlsa: tuple[TlsaMatch, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PolicyHost:
    """The policy host `mta-sts.` + domain: its addresses, and one GET from each."""

    host: str
    a: DnsAttempt
    aaaa: DnsAttempt
    attempts: tuple[HttpAttempt, ...] = ()

    @property
    def cname_chain(self) -> tuple[str, ...]:
        """Where the name leads to."""
        return next((x.answer.cname_chain for x in (self.a, self.aaaa) if x.answer and x.answer.cname_chain), ())


@dataclass(frozen=True, kw_only=True)
class MxHost:
    """One MX host.

    `problem` is empty, or why nothing was looked up: ``null``, ``ip-literal``, ``invalid-name``, ``limit``. `implicit`
    marks the domain itself, standing in where there is no MX record (RFC 5321 §5.1).
    """

    host: str
    preference: int
    implicit: bool = False
    problem: str = ""
    a: DnsAttempt | None = None
    aaaa: DnsAttempt | None = None
    tlsa: DnsAttempt | None = None
    attempts: tuple[SmtpAttempt, ...] = ()

    @property
    def cname_chain(self) -> tuple[str, ...]:
        """Where the name leads to; an MX host should not lead anywhere."""
        return next((x.answer.cname_chain for x in (self.a, self.aaaa) if x and x.answer and x.answer.cname_chain), ())


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A provider recognised, what it does for the domain (``mx`` or ``policy host``), and by what."""

    name: str
    role: str
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Vantage:
    """From where, with what, and how long we looked: what somebody needs to doubt or repeat the probe."""

    nameservers: tuple[str, ...] = ()
    trust_store: str = ""
    trust_store_sha256: str = ""
    helo_name: str = ""
    ipv4: bool = True
    ipv6: bool = True
    dns_port: int = 53
    https_port: int = 443
    smtp_port: int = 25
    timeout: float = 10.0
    deadline: float = 60.0
    allow_private: bool = False
    routed: bool = False
    versions: tuple[str, ...] = field(default=())
