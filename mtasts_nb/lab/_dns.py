"""The lab's name servers: a recursive resolver that reports DNSSEC status, and the zones' own servers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from ._dnssec import Signer
from ._fuzz import Fuzz, fuzz_datagrams
from ._world import RESOLVER, World
from ._zone import Zone

__all__ = ["Datagrams", "NameServer", "serve_stream"]

_CHAIN = 16
_SIGNATURE_EXPIRED = 7  # RFC 8914 §4.8


class NameServer:
    """Answers questions as one address of the lab does.

    The resolver at `RESOLVER` follows CNAMEs through every zone, sets RA, and shows what a validating resolver shows:
    AD for an answer from signed zones (RFC 4035 §3.2.3), SERVFAIL for a bogus one unless the question has CD set.
    It reaches that verdict from the plan, not by cryptography: there is no chain of trust to a root key here.
    Any other address is authoritative for the zones, sets AA, and follows nothing out of a zone.
    """

    def __init__(self, world: World, address: str, signer: Signer) -> None:
        self.world = world
        self.address = address
        self.signer = signer
        self.recursive = address == RESOLVER

    def answer(self, wire: bytes, *, stream: bool) -> bytes | None:
        """Return the response to a message, or None to stay silent."""
        try:
            query = dns.message.from_wire(wire)
        except (dns.exception.DNSException, ValueError):
            return None
        if query.flags & dns.flags.QR or len(query.question) != 1:
            return None
        question = query.question[0]
        response = dns.message.make_response(query, recursion_available=self.recursive, our_payload=1232)
        if self.address in self.world.silent_nameservers:
            return None
        if not self._fill(response, query, question.name, question.rdtype):
            return None
        limit = 65535 if stream else max(512, min(query.payload, 1232)) if query.edns >= 0 else 512
        try:
            return response.to_wire(max_size=limit)
        except dns.exception.TooBig:
            for section in (response.answer, response.authority, response.additional):
                section.clear()
            response.flags |= dns.flags.TC
            return response.to_wire()

    def _fill(
        self,
        response: dns.message.Message,
        query: dns.message.Message,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
    ) -> bool:
        """Write the answer into the response; False means that none is sent."""
        secure, bogus = True, False
        wants_signatures = bool(query.ednsflags & dns.flags.DO)
        checking = self.recursive and not query.flags & dns.flags.CD
        for _ in range(_CHAIN):
            override = self.world.answers.get((name, rdtype)) if self.recursive else None
            if override is not None and override.manner != "old":
                response.set_rcode(dns.rcode.REFUSED if override.manner == "refused" else dns.rcode.SERVFAIL)
                return override.manner != "drop"
            zone = self._zone_for(name, rdtype)
            if zone is None:
                response.set_rcode(dns.rcode.NXDOMAIN if self.recursive else dns.rcode.REFUSED)
                return True
            if not self.recursive:
                response.flags |= dns.flags.AA
            secure = secure and zone.signed
            found = override.records if override else zone.data.get_rrset(name, rdtype)
            alias = None
            if found is None and rdtype != dns.rdatatype.CNAME:
                alias = found = zone.data.get_rrset(name, dns.rdatatype.CNAME)
            # A denial is as good as the signature under the zone's SOA.
            proof = (zone.origin, dns.rdatatype.SOA) if found is None else (found.name, found.rdtype)
            if checking and proof in zone.expired:
                _fail_validation(response)
                return True
            bogus = bogus or proof in zone.expired
            if found is None:
                self._deny(response, zone, name)
                break
            if found in response.answer:
                return self._give_up(response)
            response.answer.append(found)
            if wants_signatures and zone.signed:
                response.answer.append(self.signer.sign(zone, found))
            if alias is None:
                break
            name = alias[0].target
            if not self.recursive and self._zone_for(name, rdtype) is not zone:
                break
        else:
            return self._give_up(response)
        asked = wants_signatures or query.flags & dns.flags.AD
        if self.recursive and secure and asked and not bogus:
            response.flags |= dns.flags.AD
        return True

    def _give_up(self, response: dns.message.Message) -> bool:
        """End at a loop of aliases: a resolver fails, a zone's own server shows them as they are."""
        if self.recursive:
            response.answer.clear()
            response.set_rcode(dns.rcode.SERVFAIL)
        return True

    def _deny(self, response: dns.message.Message, zone: Zone, name: dns.name.Name) -> None:
        if not zone.exists(name):
            response.set_rcode(dns.rcode.NXDOMAIN)
        soa = zone.data.get_rrset(zone.origin, dns.rdatatype.SOA)
        if soa is not None:
            response.authority.append(soa)

    def _zone_for(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Zone | None:
        """Return the deepest zone that holds a name; a DS record lies with the parent (RFC 4035 §3.1.4.1)."""
        zones = [
            zone
            for zone in self.world.zones
            if name.is_subdomain(zone.origin) and not (rdtype == dns.rdatatype.DS and name == zone.origin)
        ]
        if not self.recursive:
            zones = [zone for zone in zones if len(zone.origin) > 2]  # not the root, not `example`
        zone = max(zones, key=lambda zone: len(zone.origin), default=None)
        own = self.world.nameservers.get(self.address)
        return own if own is not None and zone is not None and own.origin == zone.origin else zone


def _fail_validation(response: dns.message.Message) -> None:
    """Make the response what a validating resolver says of a bogus answer: SERVFAIL, and why (RFC 8914)."""
    response.answer.clear()
    response.set_rcode(dns.rcode.SERVFAIL)
    if response.edns >= 0:
        reason = dns.edns.EDEOption(dns.edns.EDECode(_SIGNATURE_EXPIRED), "signature expired")
        response.use_edns(0, response.ednsflags, options=[reason])


class Datagrams(asyncio.DatagramProtocol):
    """DNS over UDP, one round trip late."""

    def __init__(
        self, server: NameServer, latency: float, note: Callable[[str], None], fuzz: Fuzz | None = None
    ) -> None:
        self.server = server
        self.fuzz = fuzz
        self.latency = latency
        self.note = note
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.DatagramTransport, transport)  # in Python 3.11 it does not say so itself

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question."""
        self.note(_question(data))
        answer = self.server.answer(data, stream=False)
        answers = [answer] if answer is not None else []
        if self.fuzz is not None:
            answers = fuzz_datagrams(self.fuzz, data, answer)
        for wire in answers:
            asyncio.get_running_loop().call_later(self.latency, self._send, wire, addr)

    def _send(self, answer: bytes, addr: tuple[str, int]) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(answer, addr)


async def serve_stream(
    server: NameServer,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    note: Callable[[str], None],
) -> None:
    """Answer questions over TCP (RFC 7766) until the client goes."""
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
