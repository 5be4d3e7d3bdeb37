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
from dataclasses import replace

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver

from ..vocabulary import Status
from ._dns_message import (
    MOST_CNAMES,
    NO_EDNS,
    is_referral,
    is_useless,
    parse,
    question,
    read_answer,
    summary,
    walk,
)
from ._evidence import DnsAnswer, DnsAttempt, DnsQuery
from ._network import Deadline, Network, StepError, Stream

__all__ = ["Resolver", "system_nameservers"]


def system_nameservers() -> tuple[str, ...]:
    """Return the addresses of the system's resolvers; none where it has none."""
    try:
        return tuple(str(server) for server in dns.resolver.Resolver(configure=True).nameservers)
    except (dns.exception.DNSException, OSError):
        return ()


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
        edns = True
        try:
            while True:
                message = question(name, query.type, recursive=recursive, unchecked=unchecked, edns=edns)
                response, transport = self._exchange(message, addresses, deadline, recursive=recursive)
                if edns and response.rcode() in NO_EDNS:
                    edns = False  # a server from before EDNS (RFC 6891 §7)
                    continue
                if recursive and is_referral(response):
                    detail = "the resolver does not look names up: it points elsewhere instead of answering"
                    return end(Status.NOT_OBSERVED, "no-recursion", detail)
                way = walk(response, name, message.question[0].rdtype)
                chain, ttls = chain + way.chain, ttls + way.ttls
                answer = read_answer(response, way, chain, ttls, transport)
                rcode = response.rcode()
                if way.loop or len(chain) > MOST_CNAMES or len(set(chain)) < len(chain):
                    return end(
                        Status.FAILED, "cname-loop", f"CNAME chain: {' → '.join(chain[: MOST_CNAMES + 1])}", answer
                    )
                if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                    words = "; ".join((answer.rcode, *answer.extended_errors))
                    return end(Status.FAILED, answer.rcode.lower(), f"the server answered {words}", answer)
                if not recursive or way.records or way.end == name or rcode == dns.rcode.NXDOMAIN:
                    return end(Status.COMPLETED, "", summary(query, answer), answer)
                name = way.end  # the resolver gave the alias without its target
        except StepError as error:
            return end(Status.FAILED if error.observed else Status.NOT_OBSERVED, error.reason, error.detail)

    def _exchange(
        self, message: dns.message.Message, addresses: tuple[str, ...], deadline: Deadline, *, recursive: bool
    ) -> tuple[dns.message.Message, str]:
        """Return the first useful response over UDP, or over TCP where it was cut short."""
        trusted = recursive  # the user named the resolver; a zone's servers are named by strangers
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
                    if response is not None and not is_useless(response, recursive=recursive):
                        return response, "udp"
                    if response is not None:
                        # Perhaps another resolver knows more; of two failures a SERVFAIL says the more.
                        if useless is None or response.rcode() == dns.rcode.SERVFAIL:
                            useless = response
                        silent.discard(address)
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
        response = parse(body, message)
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
    return parse(wire, message)
