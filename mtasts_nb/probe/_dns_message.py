"""DNS messages: the question as it is asked, and the answer as it is read.

Pure: no socket, no clock. What a stranger wrote is bounded here: records, CNAMEs, and nothing that a broken message leaves
out is taken for "there is none".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from ..markup import clip, one_line
from ._evidence import DnsAnswer, DnsQuery, DnsRecord
from ._network import StepError

__all__ = [
    "MOST_CNAMES",
    "NO_EDNS",
    "Walk",
    "is_referral",
    "is_useless",
    "parse",
    "question",
    "read_answer",
    "summary",
    "walk",
]

#: Longer chains are followed by nobody; common resolvers stop between 8 and 16.
MOST_CNAMES = 8
#: Most records of one answer that are kept.
MOST_RECORDS = 64
# No text of a record is cut: a message holds 64 KiB at most, and half a record would be judged as another one.
#: Longest summary of an answer, in characters; the records themselves stand beside it.
LONGEST_SUMMARY = 1000

# What fits through every path without fragments (DNS flag day 2020).
_PAYLOAD = 1232
#: How a server from before EDNS answers it (RFC 6891 §7).
NO_EDNS = frozenset({dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS})
# What the answer of a TXT question is looked through for; it must not be cut away by a thousand others.
_TAGS = ("v=STSv1;", "v=TLSRPTv1;")
# What reading a message made by a stranger can raise.
_UNREADABLE = (dns.exception.DNSException, ValueError, IndexError, struct.error, UnicodeError)


@dataclass(frozen=True)
class Walk:
    """Where an answer leads: the last name, the CNAMEs on the way, the records there."""

    end: dns.name.Name
    chain: tuple[str, ...]
    records: tuple[DnsRecord, ...]
    ttls: tuple[int, ...]
    loop: bool
    dropped: int = 0


def question(
    name: dns.name.Name, kind: str, *, recursive: bool, unchecked: bool, edns: bool
) -> dns.message.QueryMessage:
    """Return the question: to a resolver with RD, unchecked with CD, with EDNS and DO where `edns`."""
    if edns:
        message = dns.message.make_query(name, kind, use_edns=0, payload=_PAYLOAD, want_dnssec=True, flags=dns.flags.AD)
    else:
        message = dns.message.make_query(name, kind, flags=dns.flags.AD)
    message.flags |= (dns.flags.RD if recursive else 0) | (dns.flags.CD if unchecked else 0)
    return message


def is_referral(response: dns.message.Message) -> bool:
    """Return whether a resolver passes the question back: a server that does not recurse, and knows nothing itself."""
    recursion = response.flags & (dns.flags.RA | dns.flags.AA)
    return response.rcode() == dns.rcode.NOERROR and not response.answer and not recursion


def is_useless(response: dns.message.Message, *, recursive: bool) -> bool:
    """Return whether another server is worth asking."""
    if response.rcode() in (dns.rcode.SERVFAIL, dns.rcode.REFUSED):
        return True
    return recursive and is_referral(response)


def parse(wire: bytes, message: dns.message.Message) -> dns.message.Message | None:
    """Return the response to a question, None where it is none; `StepError` where its answer cannot be read whole."""
    try:
        response = dns.message.from_wire(wire, ignore_trailing=True, continue_on_error=True)
    except _UNREADABLE:
        return None
    if not message.is_response(response):
        return None
    if response.errors and not response.flags & dns.flags.TC:
        # A fault beside the answer costs nothing; one within it would read as records that are not there.
        try:
            dns.message.from_wire(wire[:8] + bytes(4) + wire[12:], ignore_trailing=True)
        except _UNREADABLE as error:
            raise StepError("malformed", f"the answer cannot be read: {one_line(error, 200)}") from error
    return response


def walk(response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Walk:
    """Follow the CNAMEs within one answer."""
    chain: list[str] = []
    ttls: list[int] = []
    seen = {name}
    while True:
        found = next((rrset for rrset in response.answer if rrset.name == name and rrset.rdtype == kind), None)
        if found is not None:
            records = [
                DnsRecord(name=_plain(name), type=dns.rdatatype.to_text(kind), ttl=found.ttl, text=_text(rdata))
                for rdata in found
            ]
            # What is kept of too many does not depend on the order in which they came.
            kept = sorted(sorted(records, key=_weight)[:MOST_RECORDS], key=_order)
            dropped = len(records) - len(kept)
            return Walk(name, tuple(chain), tuple(kept), (*ttls, found.ttl), loop=False, dropped=dropped)
        alias = next(
            (rrset for rrset in response.answer if rrset.name == name and rrset.rdtype == dns.rdatatype.CNAME), None
        )
        if alias is None or not len(alias):
            return Walk(name, tuple(chain), (), tuple(ttls), loop=False)
        name = alias[0].target
        chain.append(_plain(name))
        ttls.append(alias.ttl)
        if name in seen or len(chain) > MOST_CNAMES:
            return Walk(name, tuple(chain), (), tuple(ttls), loop=True)
        seen.add(name)


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
    if target is not None:
        return _plain(target)
    return str(rdata)


def read_answer(
    response: dns.message.Message, way: Walk, chain: tuple[str, ...], ttls: tuple[int, ...], transport: str
) -> DnsAnswer:
    """Return an answer as evidence; `chain` and `ttls` are those of the whole way, this answer's included."""
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
        records=way.records,
        records_dropped=way.dropped,
        cname_chain=chain[: MOST_CNAMES + 1],
        ttl=min(ttls, default=None),
        authenticated=bool(response.flags & dns.flags.AD),
        authoritative=bool(response.flags & dns.flags.AA),
        extended_errors=tuple(
            option.to_text()[:300] for option in response.options[:8] if isinstance(option, dns.edns.EDEOption)
        ),
        transport=transport,
    )


def summary(query: DnsQuery, answer: DnsAnswer) -> str:
    """Return what an answer says, in short."""
    if answer.records:
        return clip(", ".join(record.text for record in answer.records), LONGEST_SUMMARY)
    return "no such name" if answer.rcode == "NXDOMAIN" else f"no {query.type} record"
