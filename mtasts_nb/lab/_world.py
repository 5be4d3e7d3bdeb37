"""The lab's plan: which hosts there are and how each behaves. A fault edits the plan before the servers start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import dns.name
import dns.rdatatype
import dns.rrset

from ._authority import Authority, Credential, TlsVersion
from ._zone import Override, Zone

__all__ = ["ADDRESSES", "RESOLVER", "MailServer", "Reach", "Response", "Site", "WebServer", "World"]

#: Whether a port answers: `refused` sends RST, `dropped` lets the connection time out.
Reach = Literal["open", "refused", "dropped"]

#: Documentation addresses (RFC 5737, RFC 3849) of every lab host, IPv4 and IPv6.
ADDRESSES = {
    "mx1": ("192.0.2.25", "2001:db8::25"),
    "mx2": ("198.51.100.25", "2001:db8:1::25"),
    "mx3": ("203.0.113.25", "2001:db8:2::25"),
    "apex": ("192.0.2.10", "2001:db8::10"),
    "mta-sts": ("192.0.2.80", "2001:db8::80"),
    "ns1": ("192.0.2.54", "2001:db8::54"),
    "ns2": ("198.51.100.54", "2001:db8:1::54"),
    "hosting": ("203.0.113.80", "2001:db8:2::80"),
    "pki": ("203.0.113.81", "2001:db8:2::81"),
}
#: The recursive resolver.
RESOLVER = "192.0.2.53"


@dataclass(frozen=True, slots=True)
class Response:
    """What a web server answers to a GET.

    Attributes
    ----------
    status : int
        HTTP status.
    headers : tuple of (str, str)
        Beside Content-Length and Connection.
    body : bytes
        The content.
    manner : {"whole", "endless", "drip", "silent", "cut"}
        ``endless`` repeats the body without an end, ``drip`` sends a byte a second, ``silent`` answers nothing,
        ``cut`` closes in the middle of the body.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/plain; charset=utf-8"),)
    body: bytes = b""
    manner: Literal["whole", "endless", "drip", "silent", "cut"] = "whole"


@dataclass(slots=True)
class Site:
    """One host name on a web server, chosen by SNI (RFC 6066 §3)."""

    credential: Credential
    response: Response


@dataclass(slots=True)
class WebServer:
    """What answers on port 443 of one address.

    Attributes
    ----------
    sites : dict
        By host name.
    default : Site
        Without SNI, or for a name that has no site: a certificate for another name, as on shared hosting.
    handshake : {"normal", "close"}
        ``close`` ends the connection after the client's hello.
    """

    sites: dict[str, Site]
    default: Site
    reach: Reach = "open"
    handshake: Literal["normal", "close"] = "normal"
    tls: TlsVersion = "modern"


@dataclass(slots=True)
class MailServer:
    """What answers on port 25 of one address.

    Attributes
    ----------
    name : str
        How it names itself in its greeting.
    manner : str
        ``well-behaved``, or the step at which it goes wrong; `_smtp_faulty` has what each does.
    """

    name: str
    credential: Credential
    reach: Reach = "open"
    tls: TlsVersion = "modern"
    manner: Literal[
        "well-behaved",
        "silent",
        "greeting-554",
        "greeting-421",
        "closes-before-greeting",
        "ehlo-refused",
        "drops-after-ehlo",
        "no-starttls",
        "starttls-stripped",
        "starttls-454",
        "starttls-silent",
        "closes-in-handshake",
        "garbage-in-handshake",
        "endless-greeting",
    ] = "well-behaved"


@dataclass(slots=True)
class World:
    """All that the lab serves, around one policy domain.

    Attributes
    ----------
    domain : str
        The policy domain that faults are about.
    zones : list of Zone
        What is authoritative, and what the resolver finds.
    answers : dict
        What the resolver says instead, by name and type.
    nameservers : dict
        By address, a zone in which that authoritative server differs from `zones`.
    silent_nameservers : set of str
        Authoritative servers that answer nothing.
    web : dict
        Port 443, by address.
    mail : dict
        Port 25, by address.
    body : bytes
        The policy file, as the healthy policy host serves it.
    """

    domain: str
    moment: datetime
    authority: Authority
    zones: list[Zone] = field(default_factory=list)
    answers: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], Override] = field(default_factory=dict)
    nameservers: dict[str, Zone] = field(default_factory=dict)
    silent_nameservers: set[str] = field(default_factory=set)
    web: dict[str, WebServer] = field(default_factory=dict)
    mail: dict[str, MailServer] = field(default_factory=dict)

    @property
    def zone(self) -> Zone:
        """The zone of the policy domain."""
        return next(zone for zone in self.zones if zone.origin == dns.name.from_text(self.domain))

    @property
    def policy_host(self) -> str:
        """The policy host's name (RFC 8461 §3.3)."""
        return f"mta-sts.{self.domain}"

    def sites(self, *addresses: str) -> Iterator[Site]:
        """Yield the policy host's site on each of its addresses, or on those named."""
        for address, server in self.web.items():
            if self.policy_host in server.sites and (not addresses or address in addresses):
                yield server.sites[self.policy_host]

    def webs(self, *addresses: str) -> Iterator[WebServer]:
        """Yield the web servers that carry the policy host."""
        for address, server in self.web.items():
            if self.policy_host in server.sites and (not addresses or address in addresses):
                yield server

    def mails(self, *labels: str) -> Iterator[MailServer]:
        """Yield the mail servers of the domain's hosts `mx1`, `mx2` …, all of them or those named."""
        for server in self.mail.values():
            if not labels or server.name.partition(".")[0] in labels:
                yield server

    def respond(self, *addresses: str, **changes: object) -> None:
        """Change the policy host's response: status, headers, body or manner."""
        for site in self.sites(*addresses):
            site.response = replace(site.response, **changes)  # type: ignore[arg-type]

    def override(self, label: str, rdtype: str, manner: Literal["servfail", "refused", "drop"]) -> None:
        """Let the resolver fail for one question."""
        self.answers[self.zone.name(label), dns.rdatatype.from_text(rdtype)] = Override(manner)

    def old_answer(self, label: str, rdtype: str, *records: str, ttl: int) -> None:
        """Let the resolver still give an old answer from its cache."""
        name = self.zone.name(label)
        rrset = dns.rrset.from_text_list(name, ttl, "IN", rdtype, records)
        self.answers[name, dns.rdatatype.from_text(rdtype)] = Override("old", rrset)
