"""What the lab's DNS holds: zones, and what the resolver says instead of them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Literal

import dns.name
import dns.rcode
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone

__all__ = ["Override", "Zone"]

_CLASS = "IN"


@dataclass(frozen=True, slots=True)
class Override:
    """What the resolver answers to one question, in place of what the zone holds.

    Attributes
    ----------
    manner : {"servfail", "refused", "drop", "old"}
        ``drop`` never answers; ``old`` gives `records`, as a cache does.
    records : dns.rrset.RRset or None
        The answer still in the cache, with the time it has left as TTL.
    """

    manner: Literal["servfail", "refused", "drop", "old"]
    records: dns.rrset.RRset | None = None


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
        RRsets whose signature is out of date: a validating resolver treats them as bogus (RFC 4035 §5.5).
    """

    origin: dns.name.Name
    data: dns.zone.Zone
    signed: bool = False
    expired: set[tuple[dns.name.Name, dns.rdatatype.RdataType]] = field(default_factory=set)

    @classmethod
    def parse(cls, origin: str, text: str, *, signed: bool = False) -> Zone:
        """Return a zone from zone file text; names in it are relative to the origin."""
        apex = dns.name.from_text(origin)
        data = dns.zone.from_text(text, origin=apex, relativize=False, check_origin=False)
        return cls(apex, data, signed)

    def name(self, label: str) -> dns.name.Name:
        """Return a name of this zone: `@` is the apex, a name without a final dot is below it."""
        return dns.name.from_text(label, self.origin) if label != "@" else self.origin

    def set(self, label: str, rdtype: str, *records: str, ttl: int = 300) -> None:
        """Put an RRset in place of the one that is there; a CNAME, or data beside one, drives the other out."""
        name = self.name(label)
        if rdtype == "CNAME":
            self.data.delete_node(name)
        else:
            self.data.delete_rdataset(name, "CNAME")
        rdataset = dns.rdataset.from_text_list(_CLASS, rdtype, ttl, records, origin=self.origin, relativize=False)
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
        """Let the signature of an RRset run out."""
        self.expired.add((self.name(label), dns.rdatatype.from_text(rdtype)))

    def expire_all(self) -> None:
        """Let every signature of the zone run out."""
        self.expired.update((name, rdataset.rdtype) for name, node in self.data.nodes.items() for rdataset in node)

    def copy(self) -> Zone:
        """Return an independent copy, for a name server that holds something else."""
        data = dns.zone.Zone(self.origin, relativize=False)
        for name, node in self.data.nodes.items():
            for rdataset in node:
                data.replace_rdataset(name, copy.copy(rdataset))
        return Zone(self.origin, data, self.signed, set(self.expired))
