"""What was asked, how each attempt ended, and what came back: plain frozen data, without any judgement.

Each attempt is *completed*, *failed* (the cause is on the other side) or *not observed* (the cause is on our side: no
route, a private address, our own deadline). Only the first two are evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ..vocabulary import Status

__all__ = [
    "Attempt",
    "Certificate",
    "ChainResult",
    "DnsAnswer",
    "DnsAttempt",
    "DnsQuery",
    "DnsRecord",
    "HttpAttempt",
    "HttpRequest",
    "HttpResponse",
    "IssuerFetch",
    "SmtpAttempt",
    "SmtpReply",
    "SmtpRequest",
    "TlsSession",
    "TlsaMatch",
    "Validation",
]

# A resolver that answers every question like this does not serve us; a single answer may be about that name.
_UNWILLING: Final = frozenset({"REFUSED", "FORMERR", "NOTIMP", "NOTAUTH"})


@dataclass(frozen=True, kw_only=True)
class DnsQuery:
    """A question, and the server asked. An empty `server` means the resolver."""

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
        How many more there were than are kept; `Evidence.limits_hit` lists them too.
    cname_chain : tuple of str
        The targets of the CNAME records, in order.
    ttl : int or None
        The smallest TTL of chain and records, in seconds; without records, the negative TTL of the zone (RFC 2308 §5).
    authenticated : bool
        The AD bit: the resolver has validated the answer (RFC 4035 §3.2.3).
    signed : bool
        Whether there are signatures (RRSIG) in the answer. They say nothing of their being valid: see `authenticated`.
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
    signed: bool = False
    authoritative: bool = False
    extended_errors: tuple[str, ...] = ()
    transport: str = "udp"


@dataclass(frozen=True, kw_only=True)
class DnsAttempt:
    """One question and how it ended.

    `reason` is a code (``timeout``, ``servfail``, ``cname-loop`` …), empty when completed. `unchecked` is the answer to
    the same question with DNSSEC checking disabled, asked only after a SERVFAIL: if it has records, the signatures are
    wrong, and the server works.
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
        """The records of the answer; empty if there was no answer."""
        return self.answer.records if self.answer else ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of each record."""
        return tuple(record.text for record in self.records)

    @property
    def answered(self) -> bool:
        """Whether the resolver answered: NXDOMAIN and SERVFAIL are answers; that it does not serve us is none."""
        return self.answer is not None and self.answer.rcode not in _UNWILLING

    @property
    def secure(self) -> bool:
        """Whether the resolver validated the answer."""
        return self.answer is not None and self.answer.authenticated


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """One certificate as presented. `der` is the whole certificate; the other fields are read from it. Times are UTC.

    `of_public_ca` says whether it has marks that public CAs leave: timestamps of transparency logs (RFC 6962 §3.3), or a
    policy of the CA/Browser Forum. They are not verified.
    """

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
    of_public_ca: bool = False
    problem: str = ""

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return bool(self.subject) and self.subject == self.issuer

    @property
    def lifetime(self) -> timedelta | None:
        """How long it is valid in all."""
        return self.not_after - self.not_before if self.not_before and self.not_after else None


@dataclass(frozen=True, kw_only=True)
class ChainResult:
    """OpenSSL's verification result for a chain: its verify code (0: ok), the text, and the depth of the error."""

    code: int
    text: str
    depth: int = 0

    @property
    def trusted(self) -> bool:
        """Whether OpenSSL accepts the chain."""
        return self.code == 0


@dataclass(frozen=True, kw_only=True)
class IssuerFetch:
    """A certificate that the server did not send, fetched from the URL in the one below it (RFC 5280 §4.2.2.1)."""

    url: str
    status: Status
    reason: str = ""
    detail: str = ""
    certificate: Certificate | None = None


@dataclass(frozen=True, kw_only=True)
class Validation:
    """A presented chain checked against a trust store, a name and a time.

    Attributes
    ----------
    name : str
        The name that the certificate must have as a SAN DNS-ID.
    name_matches : bool
        Whether it has it (RFC 9525 §6.3); the common name does not count.
    name_detail : str
        Why it does not match.
    at : datetime
        The time of the check, UTC.
    verdict : ChainResult
        OpenSSL's, for the chain as presented.
    completed_verdict : ChainResult or None
        OpenSSL's, with the fetched issuers added. If only this one is ok, an intermediate is missing.
    completed_by : str
        The host of the same domain that sends the missing issuer; empty if it was fetched.
    fetches : tuple of IssuerFetch
        The attempts to fetch what is missing.
    days_left : float or None
        Days until the leaf expires, negative if it has expired.
    """

    name: str
    at: datetime
    verdict: ChainResult
    name_matches: bool
    name_detail: str = ""
    completed_verdict: ChainResult | None = None
    completed_by: str = ""
    fetches: tuple[IssuerFetch, ...] = ()
    days_left: float | None = None

    @property
    def valid(self) -> bool:
        """Whether chain, dates and name are all valid as presented."""
        return self.verdict.trusted and self.name_matches


@dataclass(frozen=True, kw_only=True)
class TlsSession:
    """A successful handshake: what was negotiated, and the chain as presented, leaf first.

    `chain_complete` is False if more certificates were presented than are kept.
    """

    version: str
    cipher: str
    sni: str
    chain: tuple[Certificate, ...] = ()
    chain_complete: bool = True
    validation: Validation | None = None

    @property
    def outdated(self) -> bool:
        """Whether the version is older than TLS 1.2, which senders do not use (RFC 8996)."""
        return self.version in ("SSLv3", "TLSv1", "TLSv1.1")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One connection. `stage` is where it ended, ``done`` if it was complete.

    `older_tls` is what the server negotiates if TLS 1.0 and 1.1 are offered too, after a failed handshake. After one that
    succeeded it is what the server negotiates if only those two are offered, tried at one address of each host.
    `older_tls_tried` is whether that was tried; False in a snapshot of a version that did not.
    """

    status: Status
    stage: str
    reason: str = ""
    detail: str = ""
    seconds: float = 0.0
    tls: TlsSession | None = None
    older_tls: TlsSession | None = None
    older_tls_tried: bool = False

    @property
    def observed(self) -> bool:
        """Whether the attempt is evidence."""
        return self.status is not Status.NOT_OBSERVED

    @property
    def private(self) -> bool:
        """Whether the address is private: that is evidence from the DNS, though nothing was connected to."""
        return self.reason == "private-address"

    @property
    def session(self) -> TlsSession | None:
        """The TLS session of any version."""
        return self.tls or self.older_tls

    @property
    def needs_old_tls(self) -> bool:
        """Whether the server supports no version that senders use."""
        return self.tls is None and self.older_tls is not None and self.older_tls.outdated

    @property
    def offers_old_tls(self) -> bool:
        """Whether the server still negotiates a version that senders do not use, beside those that they use."""
        return self.tls is not None and self.older_tls is not None and self.older_tls.outdated

    @property
    def ending(self) -> str:
        """Where and how it ended."""
        return f"{self.stage}: {self.detail}" if self.observed else self.detail


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """A GET for the policy, from one address of the policy host."""

    url: str
    host: str
    address: str
    port: int


@dataclass(frozen=True, kw_only=True)
class HttpResponse:
    """The response; if `truncated`, `body` ends at the size limit."""

    status_code: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    truncated: bool = False

    def header(self, name: str) -> str:
        """Return the first header of that name, empty if there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def is_plain_text(self) -> bool:
        """Whether the media type is ``text/plain``, as RFC 8461 §3.2 requires."""
        return self.header("content-type").partition(";")[0].strip().lower() == "text/plain"


@dataclass(frozen=True, kw_only=True)
class HttpAttempt(Attempt):
    """One GET. Stages: connect, handshake, response, done."""

    request: HttpRequest
    response: HttpResponse | None = None

    @property
    def served(self) -> HttpResponse | None:
        """The response, if it is complete and has status 200."""
        response = self.response
        return response if response and response.status_code == 200 and not response.truncated else None


@dataclass(frozen=True, kw_only=True)
class SmtpRequest:
    """An SMTP conversation with one MX host at one address."""

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
    """A TLSA record compared with the chain: True, False, or None if no sender can use it.

    `name_only` marks a trust anchor that matches while the host name does not.
    """

    record: str
    matches: bool | None
    detail: str = ""
    name_only: bool = False


@dataclass(frozen=True, kw_only=True)
class SmtpAttempt(Attempt):
    """One SMTP conversation. Stages: connect, greeting, ehlo, starttls, handshake, ehlo-after-tls, done.

    `starttls_offered` is None if there was no answer to EHLO. `starttls` may have a reply although STARTTLS was not
    offered: the command is sent anyway, to distinguish a server without TLS from one whose offer is removed in transit.
    """

    request: SmtpRequest
    greeting: SmtpReply | None = None
    ehlo: SmtpReply | None = None
    starttls_offered: bool | None = None
    starttls: SmtpReply | None = None
    ehlo_after_tls: SmtpReply | None = None
    tlsa: tuple[TlsaMatch, ...] = ()
