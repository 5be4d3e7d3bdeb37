"""The lab's plan: its zones, its hosts and how each behaves. A fault edits the plan before the servers start."""

from __future__ import annotations

import copy
import functools
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import dns.name
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ._smtp import MailServer
from ._tls import ISSUER_HOST, Authority, Credential
from ._web import Response, Site, WebServer

__all__ = ["ADDRESSES", "HOSTING", "RECORD", "RESOLVER", "World", "Zone", "healthy_world", "policy_text"]

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
#: The provider of a delegated policy host.
HOSTING = "hosting.example"
#: The `_mta-sts` record of the healthy domain (RFC 8461 §3.1).
RECORD = "v=STSv1; id=20260208120000;"

_Question = tuple[dns.name.Name, dns.rdatatype.RdataType]


@dataclass(slots=True)
class Zone:
    """One zone's records, written as in a zone file.

    Attributes
    ----------
    origin : dns.name.Name
        Its apex.
    data : dns.zone.Zone
        The records, by absolute name.
    signed : bool
        Whether the zone has DNSKEYs and signatures (RFC 4035).
    expired : set of (dns.name.Name, dns.rdatatype.RdataType)
        RRsets whose signature has expired: a validating resolver treats them as bogus (RFC 4035 §5.5).
    """

    origin: dns.name.Name
    data: dns.zone.Zone
    signed: bool = False
    expired: set[_Question] = field(default_factory=set)

    @classmethod
    def parse(cls, origin: str, text: str) -> Zone:
        """Return a zone from zone file text; names in it are relative to the origin."""
        return _parsed(dns.name.from_text(origin), text).copy()

    def copy(self) -> Zone:
        """Return an independent copy."""
        data = dns.zone.Zone(self.origin, relativize=False)
        for name, node in self.data.nodes.items():
            for rdataset in node:
                data.replace_rdataset(name, copy.copy(rdataset))
        return Zone(self.origin, data, self.signed, set(self.expired))

    def name(self, label: str) -> dns.name.Name:
        """Return a name of this zone: `@` is the apex, a name without a final dot is below it."""
        return dns.name.from_text(label, self.origin) if label != "@" else self.origin

    def set(self, label: str, rdtype: str, *records: str, ttl: int = 300) -> None:
        """Replace an RRset; a CNAME replaces all other data of the name, and other data a CNAME."""
        name = self.name(label)
        if rdtype == "CNAME":
            self.data.delete_node(name)
        else:
            self.data.delete_rdataset(name, "CNAME")
        rdataset = dns.rdataset.from_text_list("IN", rdtype, ttl, records, origin=self.origin, relativize=False)
        self.data.replace_rdataset(name, rdataset)

    def remove(self, label: str, rdtype: str | None = None) -> None:
        """Remove an RRset, or with no type all that the name has."""
        if rdtype is None:
            self.data.delete_node(self.name(label))
        else:
            self.data.delete_rdataset(self.name(label), rdtype)

    def get(self, label: str, rdtype: str) -> dns.rrset.RRset | None:
        """Return the RRset of a name and type, or None."""
        return self.data.get_rrset(self.name(label), rdtype)

    def exists(self, name: dns.name.Name) -> bool:
        """Return whether a name exists: it has records, or a name below it has (RFC 8020)."""
        return any(node.is_subdomain(name) for node in self.data.nodes)

    def expire(self, label: str, rdtype: str) -> None:
        """Let the signature of an RRset expire."""
        self.expired.add((self.name(label), dns.rdatatype.from_text(rdtype)))

    def expire_all(self) -> None:
        """Let every signature of the zone expire."""
        self.expired.update((name, rdataset.rdtype) for name, node in self.data.nodes.items() for rdataset in node)


@functools.lru_cache(maxsize=64)
def _parsed(origin: dns.name.Name, text: str) -> Zone:
    """Return a zone to copy: parsing takes longer than all else of a lab's start."""
    return Zone(origin, dns.zone.from_text(text, origin=origin, relativize=False, check_origin=False))


@dataclass(frozen=True, slots=True)
class Override:
    """What the resolver answers to one question, instead of what the zone holds.

    Attributes
    ----------
    behaviour : {"servfail", "refused", "drop", "cached"}
        ``drop`` never answers; ``cached`` gives `records`, with the time they have left as TTL.
    """

    behaviour: Literal["servfail", "refused", "drop", "cached"]
    records: dns.rrset.RRset | None = None


@dataclass(slots=True)
class World:
    """All that the lab serves, around one policy domain.

    Attributes
    ----------
    domain : str
        The policy domain that faults are about.
    moment : datetime
        The lab's present, in UTC.
    authority : Authority
        Issues the certificates.
    zones : list of Zone
        What is authoritative, and what the resolver finds.
    overrides : dict
        What the resolver answers instead, by name and type.
    nameservers : dict
        By address, a zone in which that authoritative server differs from `zones`.
    silent_nameservers : set of str
        Authoritative servers that never answer.
    validating : bool
        Whether the resolver validates signatures (RFC 4035 §4.9.3).
    web, mail : dict
        Ports 443 and 25, by address.
    """

    domain: str
    moment: datetime
    authority: Authority
    zones: list[Zone] = field(default_factory=list)
    overrides: dict[_Question, Override] = field(default_factory=dict)
    nameservers: dict[str, Zone] = field(default_factory=dict)
    silent_nameservers: set[str] = field(default_factory=set)
    validating: bool = True
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

    def web_servers(self, *addresses: str) -> Iterator[WebServer]:
        """Yield the web servers of the policy host, all or those at these addresses."""
        for address, server in self.web.items():
            if self.policy_host in server.sites and (not addresses or address in addresses):
                yield server

    def sites(self, *addresses: str) -> Iterator[Site]:
        """Yield the policy host's site on each of its addresses, or on those named."""
        for server in self.web_servers(*addresses):
            yield server.sites[self.policy_host]

    def mail_servers(self, *labels: str, addresses: Sequence[str] = ()) -> Iterator[MailServer]:
        """Yield the mail servers of the domain's hosts `mx1`, `mx2` …, all or those named, at these addresses."""
        for address, server in self.mail.items():
            if labels and server.name.partition(".")[0] not in labels:
                continue
            if not addresses or address in addresses:
                yield server

    def respond(self, *addresses: str, **changes: object) -> None:
        """Change the policy host's response: status, headers, body or behaviour."""
        for site in self.sites(*addresses):
            site.response = replace(site.response, **changes)  # type: ignore[arg-type]

    def set_policy(self, *mx: str, mode: str = "enforce") -> None:
        """Let the policy host serve a policy with these patterns, or with the two MX hosts."""
        self.respond(body=policy_text(mx or (f"mx1.{self.domain}", f"mx2.{self.domain}"), mode))

    def edit_policy(self, edit: Callable[[bytes], bytes]) -> None:
        """Change the policy file as it is by now: another fault may have edited it before."""
        self.respond(body=edit(next(self.sites()).response.body))

    def add_mail_host(self, label: str, name: str, addresses: str) -> None:
        """Serve one more MX host `name`, under `label` in the zone, at the lab host's `addresses`."""
        credential = self.authority.issue(name)
        for rdtype, address in zip(("A", "AAAA"), ADDRESSES[addresses], strict=True):
            self.zone.set(label, rdtype, address)
            self.mail[address] = MailServer(name, credential)

    def publish_tlsa(
        self, label: str, credential: Credential, usage: int = 3, *, following: Credential | None = None
    ) -> None:
        """Publish the digests of a key, and of the `following` one, for an MX host (RFC 7672 §3.1: usage 3, selector 1)."""
        keys = [
            each.leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            for each in (credential, following)
            if each is not None
        ]
        records = [f"{usage} 1 1 {hashlib.sha256(key).hexdigest()}" for key in keys]
        self.zone.set(f"_25._tcp.{label}", "TLSA", *records)

    def override(self, label: str, rdtype: str, behaviour: Literal["servfail", "refused", "drop"]) -> None:
        """Let the resolver fail for one question."""
        self.overrides[self.zone.name(label), dns.rdatatype.from_text(rdtype)] = Override(behaviour)

    def cached_answer(self, label: str, rdtype: str, *records: str, ttl: int) -> None:
        """Let the resolver still give an earlier answer from its cache."""
        name = self.zone.name(label)
        rrset = dns.rrset.from_text_list(name, ttl, "IN", rdtype, records)
        self.overrides[name, dns.rdatatype.from_text(rdtype)] = Override("cached", rrset)

    def differing_zone(self, *addresses: str) -> Zone:
        """Return a copy of the domain's zone, which these authoritative servers have instead."""
        zone = self.zone.copy()
        self.nameservers |= dict.fromkeys(addresses, zone)
        return zone


def policy_text(mx: Sequence[str], mode: str = "enforce") -> bytes:
    """Return a policy file (RFC 8461 §3.2)."""
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {host}" for host in mx), "max_age: 604800"]
    return "".join(f"{line}\r\n" for line in lines).encode()


def _addresses(host: str, name: str) -> str:
    """Return zone file lines that give a name the addresses of a lab host."""
    ipv4, ipv6 = ADDRESSES[host]
    return f"{name} 300 IN A {ipv4}\n{name} 300 IN AAAA {ipv6}\n"


def _head(origin: str, domain: str) -> str:
    """Return the SOA and NS records of a zone that the domain's name servers serve."""
    return (
        f"@ 3600 IN SOA ns1.{domain}. hostmaster.{origin}. 2026020801 7200 3600 1209600 300\n"
        f"@ 3600 IN NS ns1.{domain}.\n@ 3600 IN NS ns2.{domain}.\n"
    )


def _domain_zone(origin: str, domain: str) -> Zone:
    """Return the zone of a domain whose mail and DNS are at the hosts of `domain`."""
    text = _head(origin, domain) + (
        f"@ 300 IN MX 10 mx1.{domain}.\n@ 300 IN MX 20 mx2.{domain}.\n"
        '@ 300 IN TXT "v=spf1 mx -all"\n'
        f'_mta-sts 300 IN TXT "{RECORD}"\n'
        f'_smtp._tls 300 IN TXT "v=TLSRPTv1; rua=mailto:tls-reports@{origin}"\n'
    )
    hosts = ("mta-sts", "ns1", "ns2", "mx1", "mx2") if origin == domain else ("mta-sts",)
    return Zone.parse(origin, text + "".join(_addresses(host, host) for host in hosts))


def healthy_world(domain: str, others: Sequence[str], moment: datetime, authority: Authority) -> World:
    """Return a world in which nothing is wrong: two MX hosts, a policy in mode enforce, a record for TLS reports.

    Parameters
    ----------
    domain : str
        The policy domain, directly under `example`.
    others : sequence of str
        Further healthy domains at the same hosts, as at one provider.
    moment : datetime
        The lab's present, in UTC.
    authority : Authority
        Issues the certificates.
    """
    world = World(domain, moment, authority)
    domains = [domain, *others]
    delegations = "".join(f"{name}. 3600 IN NS ns1.{domain}.\n" for name in [*domains, HOSTING, ISSUER_HOST])
    root = Zone.parse(".", _head("invalid", domain))
    root.signed = True  # as on the internet, whether the zones below it are or not
    world.zones = [
        root,
        Zone.parse("example", _head("example", domain) + delegations),
        *(_domain_zone(name, domain) for name in domains),
        Zone.parse(HOSTING, _head(HOSTING, domain) + _addresses("hosting", "mta-sts")),
        Zone.parse(ISSUER_HOST, _head(ISSUER_HOST, domain) + _addresses("pki", "@")),
    ]
    mx = [f"mx1.{domain}", f"mx2.{domain}"]
    policy = Response(body=policy_text(mx))
    no_site = Response(404, (("Content-Type", "text/plain"),), b"No such site.\n")
    for host, names, default_name in (
        ("mta-sts", domains, f"www.{domain}"),
        ("hosting", [domain], f"mta-sts.{HOSTING}"),
    ):
        credentials = {f"mta-sts.{name}": authority.issue(f"mta-sts.{name}") for name in names}
        default = authority.issue(default_name)
        for address in ADDRESSES[host]:
            sites = {name: Site(credential, policy) for name, credential in credentials.items()}
            world.web[address] = WebServer(sites, Site(default, no_site))
    for label, name in zip(("mx1", "mx2"), mx, strict=True):
        credential = authority.issue(name)
        for address in ADDRESSES[label]:
            world.mail[address] = MailServer(name, credential)
    return world
