"""The lab's name servers: a recursive resolver that reports DNSSEC status, and the zones' own servers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

import dns.dnssec
import dns.dnssectypes
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rdtypes.ANY.DNSKEY
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec

from ._world import RESOLVER, World, Zone

__all__ = ["Datagrams", "NameServer", "Signer", "serve_stream"]

_CHAIN_LIMIT = 16
_SIGNATURE_EXPIRED = 7  # RFC 8914 §4.8
_ALGORITHM = dns.dnssectypes.Algorithm.ECDSAP256SHA256


class Signer:
    """Signs RRsets around one moment, with one key per zone (RFC 4034); there is no chain of trust to the root."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self._keys: dict[dns.name.Name, ec.EllipticCurvePrivateKey] = {}

    def _key(self, zone: Zone) -> tuple[ec.EllipticCurvePrivateKey, dns.rdtypes.ANY.DNSKEY.DNSKEY]:
        if zone.origin not in self._keys:
            self._keys[zone.origin] = ec.generate_private_key(ec.SECP256R1())
        key = self._keys[zone.origin]
        return key, dns.dnssec.make_dnskey(key.public_key(), _ALGORITHM, flags=257)

    def publish(self, zone: Zone, parent: Zone | None) -> None:
        """Put the zone's DNSKEY at its apex and the DS in its parent, if it has one (RFC 4034 §5)."""
        _, dnskey = self._key(zone)
        zone.set("@", "DNSKEY", dnskey.to_text(), ttl=3600)
        if parent is not None:
            ds = dns.dnssec.make_ds(zone.origin, dnskey, dns.dnssectypes.DSDigest.SHA256)
            parent.set(zone.origin.to_text(), "DS", ds.to_text(), ttl=3600)

    def sign(self, zone: Zone, rrset: dns.rrset.RRset) -> dns.rrset.RRset:
        """Return the RRSIG of an RRset; an expired one where the zone says so."""
        key, dnskey = self._key(zone)
        expired = (rrset.name, rrset.rdtype) in zone.expired
        end = self.moment + timedelta(days=-2 if expired else 14)
        start = end - timedelta(days=21)
        signature = dns.dnssec.sign(rrset, key, zone.origin, dnskey, inception=start, expiration=end)
        return dns.rrset.from_rdata(rrset.name, rrset.ttl, signature)


class NameServer:
    """Answers questions as one address of the lab does.

    The resolver at `RESOLVER` follows CNAMEs through every zone, sets RA, and shows what a validating resolver shows:
    AD for an answer from signed zones (RFC 4035 §3.2.3), SERVFAIL for a bogus one unless the question has CD set;
    neither if `World.validating` is off.
    It reaches that verdict from the plan, not by cryptography.
    Any other address is authoritative for the zones, sets AA, and follows nothing out of a zone.
    """

    def __init__(self, world: World, address: str, signer: Signer) -> None:
        self.world = world
        self.address = address
        self.signer = signer
        self.recursive = address == RESOLVER

    def answer(self, wire: bytes, *, stream: bool) -> bytes | None:
        """Return the response to a message, or None to send none."""
        try:
            query = dns.message.from_wire(wire)
        except (dns.exception.DNSException, ValueError):
            return None
        if query.flags & dns.flags.QR or len(query.question) != 1 or self.address in self.world.silent_nameservers:
            return None
        response = dns.message.make_response(query, recursion_available=self.recursive, our_payload=1232)
        if not self._fill(response, query):
            return None
        limit = 65535 if stream else max(512, min(query.payload, 1232)) if query.edns >= 0 else 512
        try:
            return response.to_wire(max_size=limit)
        except dns.exception.TooBig:
            for section in (response.answer, response.authority, response.additional):
                section.clear()
            response.flags |= dns.flags.TC
            return response.to_wire()

    def _fill(self, response: dns.message.Message, query: dns.message.Message) -> bool:
        """Write the answer into the response; False means that none is sent."""
        name, rdtype = query.question[0].name, query.question[0].rdtype
        secure, bogus = True, False
        wants_signatures = bool(query.ednsflags & dns.flags.DO)
        validates = self.recursive and self.world.validating and not query.flags & dns.flags.CD
        for _ in range(_CHAIN_LIMIT):
            override = self.world.overrides.get((name, rdtype)) if self.recursive else None
            if override is not None and override.behaviour != "cached":
                response.set_rcode(dns.rcode.REFUSED if override.behaviour == "refused" else dns.rcode.SERVFAIL)
                return override.behaviour != "drop"
            zone = self._zone_for(name, rdtype)
            if zone is None:
                response.set_rcode(dns.rcode.NXDOMAIN if self.recursive else dns.rcode.REFUSED)
                return True
            if not self.recursive:
                response.flags |= dns.flags.AA
            secure = secure and zone.signed
            rrset = override.records if override else zone.data.get_rrset(name, rdtype)
            alias = None
            if rrset is None and rdtype != dns.rdatatype.CNAME:
                alias = rrset = zone.data.get_rrset(name, dns.rdatatype.CNAME)
            # A denial is as good as the signature of the zone's SOA.
            proof = (zone.origin, dns.rdatatype.SOA) if rrset is None else (rrset.name, rrset.rdtype)
            if proof in zone.expired:
                if validates:
                    _fail_validation(response)
                    return True
                bogus = True
            if rrset is None:
                _deny(response, zone, name)
                break
            if rrset in response.answer:
                return self._end_loop(response)
            response.answer.append(rrset)
            if wants_signatures and zone.signed:
                response.answer.append(self.signer.sign(zone, rrset))
            if alias is None:
                break
            name = alias[0].target
            if not self.recursive and self._zone_for(name, rdtype) is not zone:
                break
        else:
            return self._end_loop(response)
        if (
            self.recursive
            and self.world.validating
            and secure
            and not bogus
            and (wants_signatures or query.flags & dns.flags.AD)
        ):
            response.flags |= dns.flags.AD
        return True

    def _end_loop(self, response: dns.message.Message) -> bool:
        """End at a loop of aliases: a resolver fails, a zone's own server shows them as they are."""
        if self.recursive:
            response.answer.clear()
            response.set_rcode(dns.rcode.SERVFAIL)
        return True

    def _zone_for(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Zone | None:
        """Return the deepest zone that holds a name; a DS record is in the parent zone (RFC 4035 §3.1.4.1)."""
        zones = [
            zone
            for zone in self.world.zones
            if name.is_subdomain(zone.origin)
            and not (rdtype == dns.rdatatype.DS and name == zone.origin)
            and (self.recursive or len(zone.origin) > 2)  # not the root, not `example`
        ]
        zone = max(zones, key=lambda zone: len(zone.origin), default=None)
        own = self.world.nameservers.get(self.address)
        return own if own is not None and zone is not None and own.origin == zone.origin else zone


def _deny(response: dns.message.Message, zone: Zone, name: dns.name.Name) -> None:
    if not zone.exists(name):
        response.set_rcode(dns.rcode.NXDOMAIN)
    soa = zone.data.get_rrset(zone.origin, dns.rdatatype.SOA)
    if soa is not None:
        response.authority.append(soa)


def _fail_validation(response: dns.message.Message) -> None:
    """Make the response what a validating resolver sends for a bogus answer: SERVFAIL and the reason (RFC 8914)."""
    response.answer.clear()
    response.set_rcode(dns.rcode.SERVFAIL)
    if response.edns >= 0:
        reason = dns.edns.EDEOption(dns.edns.EDECode(_SIGNATURE_EXPIRED), "signature expired")
        response.use_edns(0, response.ednsflags, options=[reason])


class Datagrams(asyncio.DatagramProtocol):
    """DNS over UDP, one round trip late."""

    def __init__(self, server: NameServer, latency: float, note: Callable[[str], None]) -> None:
        self.server = server
        self.latency = latency
        self.note = note
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.DatagramTransport, transport)  # Python 3.11 declares the base class only

    def answers(self, data: bytes) -> list[bytes]:
        """Return the datagrams that answer one."""
        answer = self.server.answer(data, stream=False)
        return [] if answer is None else [answer]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question."""
        self.note(_question(data))
        for answer in self.answers(data):
            asyncio.get_running_loop().call_later(self.latency, self._send, answer, addr)

    def _send(self, answer: bytes, addr: tuple[str, int]) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(answer, addr)


async def serve_stream(
    server: NameServer, note: Callable[[str], None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer questions over TCP (RFC 7766) until the client leaves."""
    while True:
        length = int.from_bytes(await reader.readexactly(2), "big")
        wire = await reader.readexactly(length)
        note(_question(wire))
        answer = server.answer(wire, stream=True)
        if answer is not None:
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()


def _question(wire: bytes) -> str:
    try:
        question = dns.message.from_wire(wire, question_only=True).question[0]
    except (dns.exception.DNSException, ValueError, IndexError):
        return "unreadable"
    return f"{question.name} {dns.rdatatype.to_text(question.rdtype)}"
