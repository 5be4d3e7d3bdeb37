"""The lab when nothing is wrong: a domain with two MX hosts, a policy in mode enforce, a record for TLS reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ._authority import ISSUER_HOST, Authority
from ._world import ADDRESSES, MailServer, Response, Site, WebServer, World
from ._zone import Zone

__all__ = ["HOSTING", "RECORD", "address_records", "healthy_world", "policy_text"]

#: Where a delegated policy host lives.
HOSTING = "hosting.example"
#: The `_mta-sts` record of the healthy domain (RFC 8461 §3.1).
RECORD = "v=STSv1; id=20260208120000;"


def policy_text(mx: Sequence[str], mode: str = "enforce", max_age: int = 604800) -> bytes:
    """Return a policy file (RFC 8461 §3.2)."""
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {host}" for host in mx), f"max_age: {max_age}"]
    return "".join(f"{line}\r\n" for line in lines).encode()


def address_records(label: str, name: str) -> str:
    """Return zone file lines that give a name the addresses of a lab host."""
    ipv4, ipv6 = ADDRESSES[label]
    return f"{name} 300 IN A {ipv4}\n{name} 300 IN AAAA {ipv6}\n"


def _head(origin: str, nameservers: str) -> str:
    return (
        f"@ 3600 IN SOA ns1.{nameservers}. hostmaster.{origin}. 2026020801 7200 3600 1209600 300\n"
        f"@ 3600 IN NS ns1.{nameservers}.\n@ 3600 IN NS ns2.{nameservers}.\n"
    )


def _domain_zone(origin: str, domain: str) -> Zone:
    """Return the zone of a domain whose mail and DNS are at the hosts of `domain`."""
    text = (
        _head(origin, domain)
        + (
            f"@ 300 IN MX 10 mx1.{domain}.\n@ 300 IN MX 20 mx2.{domain}.\n"
            '@ 300 IN TXT "v=spf1 mx -all"\n'
            f'_mta-sts 300 IN TXT "{RECORD}"\n'
            f'_smtp._tls 300 IN TXT "v=TLSRPTv1; rua=mailto:tls-reports@{origin}"\n'
        )
        + address_records("mta-sts", "mta-sts")
    )
    if origin == domain:
        text += "".join(address_records(label, label) for label in ("ns1", "ns2", "mx1", "mx2"))
    return Zone.parse(origin, text)


def healthy_world(domain: str, others: Sequence[str], moment: datetime, authority: Authority) -> World:
    """Return a world in which nothing is wrong.

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
    world.zones = [
        Zone.parse(".", _head("invalid", domain)),
        Zone.parse("example", _head("example", domain) + delegations),
        *(_domain_zone(name, domain) for name in domains),
        Zone.parse(HOSTING, _head(HOSTING, domain) + address_records("hosting", "mta-sts")),
        Zone.parse(ISSUER_HOST, _head(ISSUER_HOST, domain) + address_records("pki", "@")),
    ]
    mx = [f"mx1.{domain}", f"mx2.{domain}"]
    text = Response(body=policy_text(mx))
    for host, names in (("mta-sts", domains), ("hosting", [domain])):
        own = f"mta-sts.{HOSTING}" if host == "hosting" else f"www.{domain}"
        credentials = {name: authority.issue(f"mta-sts.{name}") for name in names}
        default = authority.issue(own)
        for address in ADDRESSES[host]:
            sites = {f"mta-sts.{name}": Site(credential, text) for name, credential in credentials.items()}
            page = Response(404, (("Content-Type", "text/plain"),), b"No such site.\n")
            world.web[address] = WebServer(sites, Site(default, page))
    for label, name in zip(("mx1", "mx2"), mx, strict=True):
        credential = authority.issue(name)
        for address in ADDRESSES[label]:
            world.mail[address] = MailServer(name, credential)
    return world
