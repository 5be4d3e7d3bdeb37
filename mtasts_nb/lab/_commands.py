"""Commands that check a running lab by hand: dig, curl and openssl, with the lab's own ports."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import dns.message
import dns.rdatatype

from ._dns import NameServer, Signer
from ._lab import Lab
from ._web import POLICY_PATH
from ._world import RESOLVER

__all__ = ["Command", "commands", "hosts"]


@dataclass(frozen=True, slots=True)
class Command:
    """What a command checks, and the command for a POSIX shell."""

    checks: str
    text: str


def hosts(lab: Lab) -> list[tuple[str, str, int, str]]:
    """Return host, documentation address, port and loopback port of everything the lab serves, in that order."""
    names = {RESOLVER: "resolver"}
    for zone in lab.world.zones:
        for name, node in zone.data.nodes.items():
            for rdataset in node:
                if rdataset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                    for record in rdataset:
                        names.setdefault(record.address, name.to_text(omit_final_dot=True))
    return [
        (names.get(address, ""), address, port, f"{to[0]}:{to[1]}")
        for (address, port), to in lab.settings.routes.items()
    ]


def commands(lab: Lab) -> list[Command]:
    """Return the commands that check the lab's domain as a sender does, in that order.

    They differ from the commands for a domain on the internet only in where they connect and which root they trust.
    """
    domain, policy_host = lab.domain, lab.world.policy_host
    _, resolver_port = lab.settings.routes[RESOLVER, 53]
    roots = shlex.quote(str(lab.settings.trust_roots))
    ask = f"dig @127.0.0.1 -p {resolver_port} +short"
    listed = [
        Command("the MTA-STS record", f"{ask} TXT _mta-sts.{domain}"),
        Command("the record for TLS reports", f"{ask} TXT _smtp._tls.{domain}"),
    ]
    for address in _addresses(lab, policy_host):
        host, to = lab.settings.routes.get((address, 443), (address, 443))
        fetch = f"curl -sS --cacert {roots} --connect-to {policy_host}:443:{host}:{to}"
        url = f"https://{policy_host}{POLICY_PATH}"
        listed += [
            Command(f"the policy at {address}", f"{fetch} {url}"),
            Command(f"its headers (of a GET, as senders do) at {address}", f"{fetch} -D - -o /dev/null {url}"),
            Command(f"the policy host's certificate at {address}", _handshake(f"{host}:{to}", policy_host, roots)),
            Command(f"{_NAMES} at {address}", _names(f"{host}:{to}", policy_host)),
        ]
    listed.append(Command("the MX hosts", f"{ask} MX {domain}"))
    for (address, port), (host, to) in lab.settings.routes.items():
        if port == 25:
            name = lab.world.mail[address].name
            listed += [
                Command(f"STARTTLS at {name}, {address}", _handshake(f"{host}:{to}", name, roots, "-starttls smtp ")),
                Command(f"{_NAMES} at {name}, {address}", _names(f"{host}:{to}", name, "-starttls smtp ")),
            ]
    return listed


def _addresses(lab: Lab, name: str) -> list[str]:
    """Return the addresses that the lab's resolver gives for a name, through its aliases."""
    resolver = NameServer(lab.world, RESOLVER, Signer(lab.world.moment))
    addresses = []
    for rdtype in ("A", "AAAA"):
        wire = resolver.answer(dns.message.make_query(name, rdtype).to_wire(), stream=True)
        answer = dns.message.from_wire(wire).answer if wire is not None else []
        addresses += [record.to_text() for rrset in answer for record in rrset if rrset.rdtype != dns.rdatatype.CNAME]
    return addresses


_NAMES = "the names in the certificate (SAN only: openssl and curl fall back to the common name, senders do not)"


def _names(where: str, name: str, starttls: str = "") -> str:
    return (
        f"openssl s_client {starttls}-connect {where} -servername {name} </dev/null 2>/dev/null "
        "| openssl x509 -noout -ext subjectAltName"
    )


def _handshake(where: str, name: str, roots: str, starttls: str = "") -> str:
    # A return code of 0 says nothing about the name without -verify_hostname; and without a SAN that falls back to the
    # common name, as curl does: hence the command for the names themselves.
    return (
        f"openssl s_client -brief {starttls}-connect {where} -servername {name} -verify_hostname {name} "
        f"-verify_return_error -CAfile {roots} </dev/null"
    )
