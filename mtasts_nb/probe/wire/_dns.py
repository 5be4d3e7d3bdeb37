"""DNS as a sender sees it: the resolver's answer, and that of each authoritative server.

Messages are dnspython's; the sockets are ours, so that routes, deadlines and the stop button apply. Every question has
EDNS, DO and AD, so that a validating resolver says whether it has validated (RFC 6840 §5.7). What strangers wrote is
limited here: records, CNAMEs; and nothing that a malformed message lacks is taken for "no such record".
"""

from __future__ import annotations

import socket
import struct
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver

from ...markup import clip, one_line
from ...vocabulary import Status
from .._attempts import DnsAnswer, DnsAttempt, DnsQuery, DnsRecord
from ._network import Deadline, Network, StepError, Stream
from ._threads import Once

__all__ = ["MOST_RECORDS", "Resolver", "Section", "follow", "parse", "question", "read_answer", "system_nameservers"]

#: Longer chains are followed by nobody; common resolvers stop between 8 and 16.
MOST_CNAMES = 8
#: Most records of one answer that are kept. No text of a record is cut: half a record would be judged as another one.
MOST_RECORDS = 64
#: Longest summary of an answer, in characters; the records themselves are beside it.
LONGEST_SUMMARY = 1000

# What fits through every path without fragments (DNS flag day 2020).
_PAYLOAD = 1232
# How a server from before EDNS answers it (RFC 6891 §7).
_NO_EDNS = frozenset({dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS})
# The records that matter in a TXT answer; they must not be dropped because of a thousand others.
_TAGS = ("v=STSv1;", "v=TLSRPTv1;")
# Exceptions that reading a stranger's message can raise.
_UNREADABLE = (dns.exception.DNSException, ValueError, IndexError, struct.error, UnicodeError)


def system_nameservers() -> tuple[str, ...]:
    """Return the addresses of the system's resolvers; none if it has none."""
    try:
        return tuple(str(server) for server in dns.resolver.Resolver(configure=True).nameservers)
    except (dns.exception.DNSException, OSError):
        return ()


def question(
    name: dns.name.Name, kind: str, *, recursive: bool, unchecked: bool, edns: bool
) -> dns.message.QueryMessage:
    """Return the question: to a resolver with RD, unchecked with CD, with EDNS and DO if `edns`."""
    if edns:
        message = dns.message.make_query(name, kind, use_edns=0, payload=_PAYLOAD, want_dnssec=True, flags=dns.flags.AD)
    else:
        message = dns.message.make_query(name, kind, flags=dns.flags.AD)
    message.flags |= (dns.flags.RD if recursive else 0) | (dns.flags.CD if unchecked else 0)
    return message


def parse(wire: bytes, message: dns.message.Message) -> dns.message.Message | None:
    """Return the response to a question, None if it is none; `StepError` if its answer cannot be read completely."""
    try:
        response = dns.message.from_wire(wire, ignore_trailing=True, continue_on_error=True)
    except _UNREADABLE:
        return None
    if not message.is_response(response):
        return None
    if response.errors and not response.flags & dns.flags.TC:
        # An error beside the answer does no harm; one within it would read as records that do not exist.
        try:
            dns.message.from_wire(wire[:8] + bytes(4) + wire[12:], ignore_trailing=True)
        except _UNREADABLE as error:
            raise StepError("malformed", f"the answer cannot be read: {one_line(error, 200)}") from error
    return response


@dataclass(frozen=True)
class Section:
    """The answer section of one response: the last name, the CNAMEs to it, the records there."""

    end: dns.name.Name | None
    chain: tuple[str, ...] = ()
    records: tuple[DnsRecord, ...] = ()
    ttls: tuple[int, ...] = ()
    loop: bool = False
    dropped: int = 0


def follow(response: dns.message.Message) -> Section:
    """Return the records of an answer section, at the end of its CNAMEs."""
    if not response.question or not isinstance(response, dns.message.QueryMessage):
        return Section(None)  # an error message without the question
    try:
        result = response.resolve_chaining()
    except dns.message.AnswerForNXDOMAIN:
        # The code is about the name at the end of the chain (RFC 2308 §2.1): it does not exist, whatever is beside it.
        return Section(None)
    except dns.message.ChainTooLong:
        aliases = [rrset for rrset in response.answer if rrset.rdtype == dns.rdatatype.CNAME]
        return Section(None, tuple(_plain(rrset[0].target) for rrset in aliases), loop=True)
    except dns.exception.DNSException as error:
        raise StepError("malformed", f"the answer contradicts itself: {one_line(error, 200)}") from error
    chain = tuple(_plain(rrset[0].target) for rrset in result.cnames)
    ttls = tuple(rrset.ttl for rrset in result.cnames)
    answer = result.answer
    if answer is None:
        return Section(result.canonical_name, chain, ttls=ttls)
    name, kind = _plain(result.canonical_name), dns.rdatatype.to_text(answer.rdtype)
    records = [DnsRecord(name=name, type=kind, ttl=answer.ttl, text=_text(rdata)) for rdata in answer]
    # Which of too many records are kept does not depend on their order in the message.
    kept = sorted(sorted(records, key=_weight)[:MOST_RECORDS], key=_order)
    return Section(result.canonical_name, chain, tuple(kept), (*ttls, answer.ttl), dropped=len(records) - len(kept))


def _order(record: DnsRecord) -> tuple[int, str]:
    head = record.text.split(" ", 1)[0]
    return (int(head) if record.type == "MX" and head.isdigit() else 0, record.text)


def _weight(record: DnsRecord) -> tuple[bool, int, str]:
    return (not record.text.startswith(_TAGS), *_order(record))


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _text(rdata: object) -> str:
    strings = getattr(rdata, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("utf-8", "backslashreplace")
    exchange = getattr(rdata, "exchange", None)
    if exchange is not None:
        return f"{rdata.preference} {_plain(exchange) or '.'}"  # type: ignore[attr-defined]
    target = getattr(rdata, "target", None)
    return str(rdata) if target is None else _plain(target)


def read_answer(
    response: dns.message.Message, section: Section, chain: tuple[str, ...], ttls: tuple[int, ...], transport: str
) -> DnsAnswer:
    """Return an answer as evidence; `chain` and `ttls` include those of earlier responses to the same question."""
    if not ttls:
        # RFC 2308 §5: "no such record" is cached for the smaller of the SOA's TTL and its minimum.
        soas = [rrset for rrset in response.authority if rrset.rdtype == dns.rdatatype.SOA]
        ttls = tuple(min(rrset.ttl, soa.minimum) for rrset in soas for soa in rrset)
    return DnsAnswer(
        rcode=dns.rcode.to_text(response.rcode()),
        records=section.records,
        records_dropped=section.dropped,
        cname_chain=chain[: MOST_CNAMES + 1],
        ttl=min(ttls, default=None),
        authenticated=bool(response.flags & dns.flags.AD),
        signed=any(rrset.rdtype == dns.rdatatype.RRSIG for rrset in (*response.answer, *response.authority)),
        authoritative=bool(response.flags & dns.flags.AA),
        extended_errors=tuple(
            option.to_text()[:300] for option in response.options[:8] if isinstance(option, dns.edns.EDEOption)
        ),
        transport=transport,
    )


def _summary(query: DnsQuery, answer: DnsAnswer) -> str:
    if answer.records:
        return clip(", ".join(record.text for record in answer.records), LONGEST_SUMMARY)
    return "no such name" if answer.rcode == "NXDOMAIN" else f"no {query.type} record"


def _is_referral(response: dns.message.Message) -> bool:
    """Return whether a resolver refers to others: it does not recurse, and has no answer itself."""
    recursion = response.flags & (dns.flags.RA | dns.flags.AA)
    return response.rcode() == dns.rcode.NOERROR and not response.answer and not recursion


def _try_others(response: dns.message.Message, *, recursive: bool) -> bool:
    """Return whether another server may have a better answer."""
    return response.rcode() in (dns.rcode.SERVFAIL, dns.rcode.REFUSED) or (recursive and _is_referral(response))


class Resolver:
    """Asks the resolver, each question once, and other servers on request. Safe to use from several threads.

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
        self._answers: Once[tuple[str, str], DnsAttempt] = Once()

    def ask(self, name: str, kind: str) -> DnsAttempt:
        """Return the resolver's answer; the same question is asked once."""
        return self._answers.get((name.lower(), kind), partial(self._resolve, DnsQuery(name=name, type=kind)))

    def ask_server(self, server: str, address: str, name: str, kind: str) -> DnsAttempt:
        """Return what one authoritative server answers, without recursion."""
        query = DnsQuery(name=name, type=kind, server=server, address=address)
        return self._attempt(query, (address,), recursive=False)

    def _resolve(self, query: DnsQuery) -> DnsAttempt:
        if not self._nameservers:
            detail = "this system has no resolver configured"
            return DnsAttempt(query=query, status=Status.NOT_OBSERVED, reason="no-resolver", detail=detail)
        attempt = self._attempt(query, self._nameservers, recursive=True)
        if attempt.reason == "servfail":
            unchecked = self._attempt(query, self._nameservers, recursive=True, unchecked=True)
            if unchecked.status is Status.COMPLETED:
                attempt = replace(attempt, unchecked=unchecked.answer)
            elif chain := self._loop(query.name):
                detail = f"CNAME chain: {' → '.join((query.name, *chain))}"
                attempt = replace(attempt, reason="cname-loop", detail=f"{attempt.detail}; {detail}")
        return attempt

    def _loop(self, name: str) -> tuple[str, ...]:
        """Return the CNAMEs from a name, one question each, if they form a loop; else nothing.

        Many resolvers answer such a chain with SERVFAIL alone.
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
        answer: DnsAnswer | None = None
        try:
            answer, detail = self._answer(query, addresses, recursive=recursive, unchecked=unchecked)
            status, reason = Status.COMPLETED, ""
        except _AnswerError as error:
            status, reason, detail, answer = error.status, error.reason, error.detail, error.answer
        except StepError as error:
            status, reason, detail = error.status, error.reason, error.detail
        seconds = time.monotonic() - begun
        return DnsAttempt(query=query, status=status, reason=reason, detail=detail, seconds=seconds, answer=answer)

    def _answer(
        self, query: DnsQuery, addresses: tuple[str, ...], *, recursive: bool, unchecked: bool
    ) -> tuple[DnsAnswer, str]:
        """Return the answer and a summary of it."""
        try:
            name = dns.name.from_text(query.name)
        except (dns.exception.DNSException, UnicodeError) as error:
            raise StepError("invalid-name", f"not a DNS name: {error}", observed=False) from error
        deadline = self._network.step()
        chain: tuple[str, ...] = ()
        ttls: tuple[int, ...] = ()
        edns = True
        while True:
            message = question(name, query.type, recursive=recursive, unchecked=unchecked, edns=edns)
            response, transport = self._exchange(message, addresses, deadline, recursive=recursive)
            rcode = response.rcode()
            if edns and rcode in _NO_EDNS:
                edns = False  # a server from before EDNS (RFC 6891 §7)
                continue
            if recursive and _is_referral(response):
                detail = "the resolver refers to other servers instead of answering: it does not recurse"
                raise StepError("no-recursion", detail, observed=False)
            section = follow(response)
            chain, ttls = chain + section.chain, ttls + section.ttls
            answer = read_answer(response, section, chain, ttls, transport)
            if section.loop or len(chain) > MOST_CNAMES or len(set(chain)) < len(chain):
                raise _AnswerError("cname-loop", f"CNAME chain: {' → '.join(chain[: MOST_CNAMES + 1])}", answer)
            if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                text = "; ".join((answer.rcode, *answer.extended_errors))
                raise _AnswerError(answer.rcode.lower(), f"the server answered {text}", answer)
            end = section.end
            if not recursive or section.records or end in (None, name) or rcode == dns.rcode.NXDOMAIN:
                return answer, _summary(query, answer)
            name = end or name  # the resolver returned the alias without its target

    def _exchange(
        self, message: dns.message.Message, addresses: tuple[str, ...], deadline: Deadline, *, recursive: bool
    ) -> tuple[dns.message.Message, str]:
        """Return the first useful response over UDP, or over TCP if it was truncated."""
        trusted = recursive  # the user chose the resolver; the servers of a zone are chosen by strangers
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
                    # An error in sending shows again in receiving, or is a lost datagram.
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
                    if response is not None and not _try_others(response, recursive=recursive):
                        return response, "udp"
                    if response is not None:
                        # Of two failures a SERVFAIL says more.
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


class _AnswerError(StepError):
    """An answer that helps no sender, but is evidence."""

    def __init__(self, reason: str, detail: str, answer: DnsAnswer) -> None:
        super().__init__(reason, detail)
        self.answer = answer


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
    """Return an answer to the question, or None for a packet that does not belong to it."""
    try:
        wire = sock.recv(65535)
    except BlockingIOError:
        return None
    except OSError as error:
        raise StepError("refused", f"the name server accepts no queries: {error.strerror or error}") from error
    return parse(wire, message)
