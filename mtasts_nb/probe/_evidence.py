"""All that was observed of one domain at one time: frozen, and what follows from it by parsing alone."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import idna

from ..errors import PolicyError, RecordError
from ..markup import one_line
from ..policy import Policy, StsRecord, TlsRptRecord, find_sts_record, find_tlsrpt_record, parse_policy
from ..vocabulary import Mode, Status
from ._attempts import DnsAttempt, HttpAttempt, SmtpAttempt

__all__ = ["Evidence", "MxHost", "PolicyHost", "Provider", "Vantage", "is_host_name", "policy_domain"]

# Underscores are not allowed in host names (RFC 1123 §2.1) but occur, and are harmless in a question.
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


@dataclass(frozen=True, kw_only=True)
class PolicyHost:
    """The policy host `mta-sts.` + domain: its addresses, and one GET from each."""

    host: str
    a: DnsAttempt
    aaaa: DnsAttempt
    attempts: tuple[HttpAttempt, ...] = ()

    @property
    def cname_chain(self) -> tuple[str, ...]:
        """The targets of its CNAME records, in order."""
        return _cname_chain(self.a, self.aaaa)

    @property
    def addresses_unknown(self) -> bool:
        """Whether a lookup of its addresses was not observed."""
        return Status.NOT_OBSERVED in (self.a.status, self.aaaa.status)

    @property
    def policy_files(self) -> dict[bytes, list[str]]:
        """Each distinct policy file served with status 200, with the addresses that serve it."""
        files: dict[bytes, list[str]] = {}
        for attempt in self.attempts:
            if (response := attempt.served) and response.body:
                files.setdefault(response.body, []).append(attempt.request.address)
        return files


@dataclass(frozen=True, kw_only=True)
class MxHost:
    """One MX host.

    `problem` is empty, or why it was not probed: ``null``, ``ip-literal``, ``invalid-name``, ``limit``. `implicit` marks
    the domain itself, used if there is no MX record (RFC 5321 §5.1).
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
    def lookups(self) -> tuple[DnsAttempt, ...]:
        """The lookups of its addresses."""
        return tuple(attempt for attempt in (self.a, self.aaaa) if attempt is not None)

    @property
    def cname_chain(self) -> tuple[str, ...]:
        """The targets of its CNAME records, in order; an MX host should have none."""
        return _cname_chain(*self.lookups)


def _cname_chain(*lookups: DnsAttempt) -> tuple[str, ...]:
    return next((lookup.answer.cname_chain for lookup in lookups if lookup.answer and lookup.answer.cname_chain), ())


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A recognised provider, its role for the domain (``mx`` or ``policy host``), and the evidence."""

    name: str
    role: str
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Vantage:
    """From where and with what the domain was probed: what is needed to repeat the probe, or to doubt it."""

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
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, repr=False)
class Evidence:
    """All that was observed of one domain at one time.

    Attributes
    ----------
    domain : str
        The policy domain, in A-labels.
    started : datetime
        When the probe began, by `settings.now`, UTC; certificate dates are checked at this time.
    seconds : float
        How long it took.
    vantage : Vantage
        From where and with what it was probed.
    sts, tlsrpt, mx : DnsAttempt
        The resolver's answers: TXT at `_mta-sts.`, TXT at `_smtp._tls.`, MX.
    authoritative : tuple of DnsAttempt
        The same questions sent to each authoritative server; `query.server` names it.
    policy_host : PolicyHost
        Addresses of the policy host, and a GET from each.
    mx_hosts : tuple of MxHost
        Each MX host, by preference, with an SMTP conversation at each of its addresses.
    port_25_closed : bool
        Whether no connection to port 25 got any answer: every one was dropped or rejected on the way, or could not leave
        this machine. Then nothing was observed at the MX hosts; `reference` may show whose fault it is.
    ipv6_closed : bool
        Whether every connection over IPv6 was dropped or rejected on the way while IPv4 worked.
    limits_hit : tuple of str
        What was left out because the domain has too many records.
    providers : tuple of Provider
        Who seems to run the MX hosts and the policy host.
    reference : SmtpAttempt or None
        The conversation with `ProbeSettings.reference_mx`; only held if no connection to port 25 got any answer.
    signed_name : DnsAttempt or None
        The lookup of a name that is known to be signed (`ProbeSettings.signed_name`); only made if there are TLSA records
        or signatures and the resolver validated none of them.
    """

    domain: str
    started: datetime
    seconds: float
    vantage: Vantage
    sts: DnsAttempt
    tlsrpt: DnsAttempt
    mx: DnsAttempt
    authoritative: tuple[DnsAttempt, ...]
    policy_host: PolicyHost
    mx_hosts: tuple[MxHost, ...]
    port_25_closed: bool = False
    ipv6_closed: bool = False
    limits_hit: tuple[str, ...] = ()
    providers: tuple[Provider, ...] = ()
    reference: SmtpAttempt | None = None
    signed_name: DnsAttempt | None = None

    @property
    def lookups(self) -> Iterator[DnsAttempt]:
        """Every question to the resolver."""
        yield from (self.sts, self.tlsrpt, self.mx, self.policy_host.a, self.policy_host.aaaa)
        for mx in self.mx_hosts:
            yield from (*mx.lookups, *((mx.tlsa,) if mx.tlsa is not None else ()))

    @property
    def answered(self) -> bool:
        """Whether the resolver answered any question: if not, nothing was observed."""
        return any(lookup.answered for lookup in self.lookups)

    @cached_property
    def validates(self) -> bool | None:
        """Whether the resolver validates DNSSEC signatures; None if it was not observed.

        Without validation a zone that is not signed, one with valid and one with wrong signatures look the same.
        """
        if any(attempt.secure for attempt in self.lookups):
            return True
        known = self.signed_name
        return None if known is None or known.status is not Status.COMPLETED else known.secure

    @property
    def dnssec_hidden(self) -> bool:
        """Whether there are TLSA records or signatures, and nothing is known of their validity."""
        traces = (attempt for attempt in self.lookups if attempt.answer is not None)
        return not self.validates and any(
            a.answer.signed or (a.query.type == "TLSA" and a.texts) for a in traces if a.answer
        )

    @cached_property
    def record(self) -> StsRecord | None:
        """The one valid `_mta-sts` record; None if there is none (RFC 8461 §3.1)."""
        try:
            return find_sts_record(self.sts.texts)
        except RecordError:
            return None

    @cached_property
    def tlsrpt_record(self) -> TlsRptRecord | None:
        """The one valid `_smtp._tls` record; None if there is none (RFC 8460 §3)."""
        try:
            return find_tlsrpt_record(self.tlsrpt.texts)
        except RecordError:
            return None

    @cached_property
    def policy(self) -> Policy | None:
        """The policy of the first address from which a sender gets a valid one; None if there is none."""
        for attempt in self.policy_host.attempts:
            validation = attempt.tls.validation if attempt.tls else None
            if attempt.served and validation and validation.valid and (policy := _parsed(attempt.served.body)):
                return policy
        return None

    @cached_property
    def served_policy(self) -> Policy | None:
        """The first valid policy file served with status 200, even if its certificate is invalid.

        Senders apply it only if the certificate is valid too: see `policy`.
        """
        return next((policy for body in self.policy_host.policy_files if (policy := _parsed(body))), None)

    @property
    def mode(self) -> Mode | None:
        """The mode of the policy published now; None if senders find no policy."""
        return Mode(self.policy.mode) if self.record and self.policy else None


def _parsed(body: bytes) -> Policy | None:
    try:
        return parse_policy(body)
    except PolicyError:
        return None


def is_host_name(name: str) -> bool:
    """Return whether a name can be that of a host: letters, digits and hyphens, not an address.

    Examples
    --------
    >>> is_host_name("mx1.nordwind.example"), is_host_name("192.0.2.1"), is_host_name("a..b")
    (True, False, False)
    """
    labels = name.lower().split(".")
    return len(name) <= 253 and all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()


def policy_domain(text: str) -> str:
    """Return the domain that was typed, in A-labels: lower case, no trailing dot (RFC 5890 §2.3.2.1).

    Raises
    ------
    ValueError
        It is not a domain; the message says what is expected.

    Examples
    --------
    >>> policy_domain("Nordwind.Example."), policy_domain("müller.example")
    ('nordwind.example', 'xn--mller-kva.example')
    """
    typed = repr(one_line(text, 80))
    hint = "Give the part after the @ of a mail address, for example nordwind.example."
    name = text.strip().removesuffix(".").lower()
    if not name:
        raise ValueError(f"No domain given. {hint}")
    if "@" in name or "/" in name:
        raise ValueError(f"{typed} is an address or a URL, not a domain. {hint}")
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        pass
    else:
        raise ValueError(f"{typed} is an IP address; MTA-STS is about domains. {hint}")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise ValueError(f"{typed} is not a domain name: {one_line(error, 120)}. {hint}") from error
    if not is_host_name(name):
        raise ValueError(f"{typed} is not a domain name. {hint}")
    # The longest name to be queried has `mta-sts.` or `_smtp._tls.` before it.
    if len(f"_smtp._tls.{name}") > 253:
        raise ValueError(f"{typed} is too long: there is no room for _smtp._tls. before it.")
    return name
