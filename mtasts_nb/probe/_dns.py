"""DNS as a sender sees it: the resolver's answer, and that of each authoritative server.

Messages are dnspython's; the sockets are ours, so that routes, deadlines and the stop button hold. Every question goes
out with EDNS, DO and AD, so that a validating resolver says whether it has validated (RFC 6840 §5.7).
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver

from ..vocabulary import Status
from ._evidence import DnsAnswer, DnsAttempt, DnsQuery, DnsRecord
from ._network import Deadline, Network, StepError, Stream

__all__ = ["MOST_CNAMES", "Resolver", "system_nameservers"]

#: Longer chains are followed by nobody; common resolvers stop between 8 and 16.
MOST_CNAMES = 8
#: Most records of one answer that are kept.
MOST_RECORDS = 64
#: Longest text of one record that is kept, in characters.
LONGEST_TEXT = 4096
# What fits through every path without fragments (DNS flag day 2020).
_PAYLOAD = 1232
_USELESS = (dns.rcode.SERVFAIL, dns.rcode.REFUSED)


def system_nameservers() -> tuple[str, ...]:
    """Return the addresses of the system's resolvers; none where it has none."""
    try:
        return tuple(str(server) for server in dns.resolver.Resolver(configure=True).nameservers)
    except (dns.exception.DNSException, OSError):
        return ()


@dataclass(frozen=True)
class _Walk:
    """Where an answer leads: the last name, the CNAMEs on the way, the records there."""

    end: dns.name.Name
    chain: tuple[str, ...]
    records: tuple[DnsRecord, ...]
    ttls: tuple[int, ...]
    loop: bool


class Resolver:
    """Asks the resolver, each question once, and other servers when told to. Safe to use from several threads.

    Parameters
    ----------
    network : Network
        The way out.
    nameservers : tuple of str
        Addresses of recursive resolvers, in order of preference.
    """

    def __init__(self, network: Network, nameservers: tuple[str, ...]) -> None:
        self._network = network
        self._nameservers = nameservers[:4]
        self._port = network.settings.dns_port
        self._asked: dict[tuple[str, str], Future[DnsAttempt]] = {}
        self._lock = threading.Lock()

    def ask(self, name: str, kind: str) -> DnsAttempt:
        """Return the resolver's answer; a question asked before is not asked again."""
        key = (name.lower(), kind)
        with self._lock:
            known = self._asked.get(key)
            future = known or self._asked.setdefault(key, Future())
        if known is None:
            try:
                future.set_result(self._resolve(DnsQuery(name=name, type=kind)))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()

    def answered(self) -> bool:
        """Return whether any question got any answer at all."""
        with self._lock:
            done = [future.result() for future in self._asked.values() if future.done() and not future.exception()]
        return any(attempt.answer is not None for attempt in done)

    def ask_server(self, server: str, address: str, name: str, kind: str) -> DnsAttempt:
        """Return what one authoritative server answers, without recursion."""
        query = DnsQuery(name=name, type=kind, server=server, address=address)
        return self._attempt(query, (address,), recursive=False)

    def _resolve(self, query: DnsQuery) -> DnsAttempt:
        if not self._nameservers:
            return DnsAttempt(
                query=query, status=Status.NOT_OBSERVED, reason="no-resolver", detail="this system names no resolver"
            )
        attempt = self._attempt(query, self._nameservers, recursive=True)
        if attempt.reason == "servfail":
            unchecked = self._attempt(query, self._nameservers, recursive=True, unchecked=True)
            if unchecked.status is Status.COMPLETED:
                attempt = replace(attempt, unchecked=unchecked.answer)
            elif chain := self._circle(query.name):
                detail = f"CNAME chain: {' → '.join((query.name, *chain))}"
                attempt = replace(attempt, reason="cname-loop", detail=f"{attempt.detail}; {detail}")
        return attempt

    def _circle(self, name: str) -> tuple[str, ...]:
        """Return the CNAMEs from a name, link by link, where they lead in a circle; nothing where they do not.

        Many resolvers answer such a chain with a bare SERVFAIL.
        """
        chain: list[str] = []
        for _ in range(MOST_CNAMES + 1):
            link = self._attempt(DnsQuery(name=name, type="CNAME"), self._nameservers, recursive=True)
            if not link.texts:
                return ()
            name = link.texts[0]
            if name in chain or len(chain) == MOST_CNAMES:
                return (*chain, name)
            chain.append(name)
        return ()

    def _attempt(
        self, query: DnsQuery, addresses: tuple[str, ...], *, recursive: bool, unchecked: bool = False
    ) -> DnsAttempt:
        begun = time.monotonic()

        def end(status: Status, reason: str = "", detail: str = "", answer: DnsAnswer | None = None) -> DnsAttempt:
            seconds = time.monotonic() - begun
            return DnsAttempt(query=query, status=status, reason=reason, detail=detail, seconds=seconds, answer=answer)

        try:
            name = dns.name.from_text(query.name)
        except (dns.exception.DNSException, UnicodeError) as error:
            return end(Status.NOT_OBSERVED, "invalid-name", f"not a DNS name: {error}")
        deadline = self._network.step()
        chain: tuple[str, ...] = ()
        ttls: tuple[int, ...] = ()
        try:
            while True:
                message = dns.message.make_query(
                    name, query.type, use_edns=0, payload=_PAYLOAD, want_dnssec=True, flags=dns.flags.AD
                )
                message.flags |= (dns.flags.RD if recursive else 0) | (dns.flags.CD if unchecked else 0)
                response, transport = self._exchange(message, addresses, deadline, trusted=recursive)
                walk = _walk(response, name, message.question[0].rdtype)
                chain, ttls = chain + walk.chain, ttls + walk.ttls
                answer = _answer(response, walk, chain, ttls, transport)
                rcode = response.rcode()
                if walk.loop or len(chain) > MOST_CNAMES or len(set(chain)) < len(chain):
                    return end(
                        Status.FAILED, "cname-loop", f"CNAME chain: {' → '.join(chain[: MOST_CNAMES + 1])}", answer
                    )
                if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                    words = "; ".join((answer.rcode, *answer.extended_errors))
                    return end(Status.FAILED, answer.rcode.lower(), f"the server answered {words}", answer)
                if not recursive or walk.records or walk.end == name or rcode == dns.rcode.NXDOMAIN:
                    return end(Status.COMPLETED, "", _summary(query, answer), answer)
                name = walk.end  # the resolver gave the alias without its target
        except StepError as error:
            return end(Status.FAILED if error.observed else Status.NOT_OBSERVED, error.reason, error.detail)

    def _exchange(
        self, message: dns.message.Message, addresses: tuple[str, ...], deadline: Deadline, *, trusted: bool
    ) -> tuple[dns.message.Message, str]:
        """Return the first useful response over UDP, or over TCP where it was cut short."""
        wire = message.to_wire()
        rounds = list(addresses) * (3 if len(addresses) == 1 else 2)
        pace = self._network.settings.timeout / (len(rounds) + 1)
        schedule = _schedule(rounds, pace)
        sockets: dict[str, socket.socket] = {}
        silent = set(addresses)
        useless: dns.message.Message | None = None
        trouble: StepError | None = None
        try:
            while silent and (deadline.left() > 0 or useless is None):
                while schedule and schedule[0][0] <= time.monotonic():
                    address = schedule.popleft()[1]
                    if address not in sockets:
                        sockets[address] = self._network.datagrams(address, self._port, trusted=trusted)
                    # What goes wrong in sending is met again in receiving, or is a lost datagram.
                    with suppress(OSError):
                        sockets[address].send(wire)
                until = schedule[0][0] if schedule else None
                watch = tuple(sockets[address] for address in silent if address in sockets)
                ready = self._network.wait(deadline, "a DNS answer", read=watch, until=until)
                for address in [address for address in silent if address in sockets]:
                    if sockets[address].fileno() not in ready:
                        continue
                    try:
                        response = _receive(sockets[address], message)
                    except StepError as error:
                        response, trouble = None, error
                        silent.discard(address)
                    if response is not None and response.flags & dns.flags.TC:
                        return self._over_tcp(message, wire, address, deadline, trusted=trusted), "tcp"
                    if response is not None and response.rcode() not in _USELESS:
                        return response, "udp"
                    if response is not None:
                        useless = useless or response
                        silent.discard(address)  # perhaps another resolver knows more
                    if address not in silent:
                        schedule = _schedule([later for _, later in schedule if later in silent], pace)
                if deadline.left() <= 0 and useless is None:  # a flood of strays is always ready
                    raise deadline.error("a DNS answer")
        finally:
            for sock in sockets.values():
                self._network.discard(sock)
        if useless is None:
            raise trouble or deadline.error("a DNS answer")
        return useless, "udp"

    def _over_tcp(
        self, message: dns.message.Message, wire: bytes, address: str, deadline: Deadline, *, trusted: bool
    ) -> dns.message.Message:
        stream = self._network.connect(address, self._port, trusted=trusted)
        try:
            stream.send(struct.pack("!H", len(wire)) + wire, deadline, "a DNS query over TCP")
            head = _exactly(stream, 2, deadline)
            body = _exactly(stream, struct.unpack("!H", head)[0], deadline)
        finally:
            stream.close()
        response = _parse(body, message)
        if response is None:
            raise StepError("malformed", "the answer over TCP is not a DNS message for this question")
        return response


def _exactly(stream: Stream, size: int, deadline: Deadline) -> bytes:
    collected = b""
    while len(collected) < size:
        part = stream.receive(size - len(collected), deadline, "a DNS answer over TCP")
        if not part:
            raise StepError("closed", "the connection was closed: a DNS answer over TCP")
        collected += part
    return collected


def _schedule(rounds: list[str], pace: float) -> deque[tuple[float, str]]:
    now = time.monotonic()
    return deque((now + turn * pace, address) for turn, address in enumerate(rounds))


def _receive(sock: socket.socket, message: dns.message.Message) -> dns.message.Message | None:
    """Return an answer to the question, or None for a stray or forged packet."""
    try:
        wire = sock.recv(65535)
    except BlockingIOError:
        return None
    except OSError as error:
        raise StepError("refused", f"the name server does not take queries: {error.strerror or error}") from error
    return _parse(wire, message)


def _parse(wire: bytes, message: dns.message.Message) -> dns.message.Message | None:
    try:
        response = dns.message.from_wire(wire, ignore_trailing=True, continue_on_error=True)
    except (dns.exception.DNSException, ValueError, IndexError, struct.error, UnicodeError):
        return None
    return response if message.is_response(response) else None


def _walk(response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> _Walk:
    """Follow the CNAMEs within one answer."""
    chain: list[str] = []
    ttls: list[int] = []
    seen = {name}
    while True:
        found = next((rrset for rrset in response.answer if rrset.name == name and rrset.rdtype == kind), None)
        if found is not None:
            records = tuple(
                DnsRecord(name=_plain(name), type=dns.rdatatype.to_text(kind), ttl=found.ttl, text=_text(rdata))
                for rdata in list(found)[:MOST_RECORDS]
            )
            return _Walk(name, tuple(chain), tuple(sorted(records, key=_order)), (*ttls, found.ttl), loop=False)
        alias = next(
            (rrset for rrset in response.answer if rrset.name == name and rrset.rdtype == dns.rdatatype.CNAME), None
        )
        if alias is None or not len(alias):
            return _Walk(name, tuple(chain), (), tuple(ttls), loop=False)
        name = alias[0].target
        chain.append(_plain(name))
        ttls.append(alias.ttl)
        if name in seen or len(chain) > MOST_CNAMES:
            return _Walk(name, tuple(chain), (), tuple(ttls), loop=True)
        seen.add(name)


def _order(record: DnsRecord) -> tuple[int, str]:
    head = record.text.split(" ", 1)[0]
    return (int(head) if record.type == "MX" and head.isdigit() else 0, record.text)


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _text(rdata: object) -> str:
    strings = getattr(rdata, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("utf-8", "backslashreplace")[:LONGEST_TEXT]
    exchange = getattr(rdata, "exchange", None)
    if exchange is not None:
        return f"{rdata.preference} {_plain(exchange) or '.'}"  # type: ignore[attr-defined]
    target = getattr(rdata, "target", None)
    if target is not None:
        return _plain(target)
    return str(rdata)[:LONGEST_TEXT]


def _answer(
    response: dns.message.Message, walk: _Walk, chain: tuple[str, ...], ttls: tuple[int, ...], transport: str
) -> DnsAnswer:
    if not ttls:
        # RFC 2308 §5: "there is none" is kept for the smaller of the SOA's TTL and its minimum.
        ttls = tuple(
            min(rrset.ttl, soa.minimum)
            for rrset in response.authority
            if rrset.rdtype == dns.rdatatype.SOA
            for soa in rrset
        )
    return DnsAnswer(
        rcode=dns.rcode.to_text(response.rcode()),
        records=walk.records,
        cname_chain=chain[: MOST_CNAMES + 1],
        ttl=min(ttls, default=None),
        authenticated=bool(response.flags & dns.flags.AD),
        authoritative=bool(response.flags & dns.flags.AA),
        extended_errors=tuple(
            option.to_text()[:300] for option in response.options[:8] if isinstance(option, dns.edns.EDEOption)
        ),
        transport=transport,
    )


def _summary(query: DnsQuery, answer: DnsAnswer) -> str:
    if answer.records:
        return ", ".join(record.text for record in answer.records)
    return "no such name" if answer.rcode == "NXDOMAIN" else f"no {query.type} record"
