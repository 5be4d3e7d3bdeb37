"""Signatures for the lab's signed zones: real keys and real RRSIGs, without a chain to the root."""

from __future__ import annotations

from datetime import datetime, timedelta

import dns.dnssec
import dns.dnssectypes
import dns.name
import dns.rdatatype
import dns.rdtypes.ANY.DNSKEY
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec

from ._zone import Zone

__all__ = ["Signer"]

_ALGORITHM = dns.dnssectypes.Algorithm.ECDSAP256SHA256


class Signer:
    """Signs RRsets around one moment, one key for each zone (RFC 4034)."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self._keys: dict[dns.name.Name, ec.EllipticCurvePrivateKey] = {}

    def _key(self, zone: Zone) -> ec.EllipticCurvePrivateKey:
        if zone.origin not in self._keys:
            self._keys[zone.origin] = ec.generate_private_key(ec.SECP256R1())
        return self._keys[zone.origin]

    def _dnskey(self, zone: Zone) -> dns.rdtypes.ANY.DNSKEY.DNSKEY:
        key = dns.dnssec.make_dnskey(self._key(zone).public_key(), _ALGORITHM, flags=257)
        assert isinstance(key, dns.rdtypes.ANY.DNSKEY.DNSKEY)
        return key

    def publish(self, zone: Zone, parent: Zone | None) -> None:
        """Put the zone's DNSKEY at its apex and the DS in its parent, if it has one (RFC 4034 §5)."""
        key = self._dnskey(zone)
        zone.set("@", "DNSKEY", key.to_text(), ttl=3600)
        if parent is None:
            return
        ds = dns.dnssec.make_ds(zone.origin, key, dns.dnssectypes.DSDigest.SHA256)
        parent.set(zone.origin.to_text(), "DS", ds.to_text(), ttl=3600)

    def sign(self, zone: Zone, rrset: dns.rrset.RRset) -> dns.rrset.RRset:
        """Return the RRSIG of an RRset; out of date where the zone says so."""
        expired = (rrset.name, rrset.rdtype) in zone.expired
        end = self.moment + timedelta(days=-2 if expired else 14)
        signature = dns.dnssec.sign(
            rrset,
            self._key(zone),
            zone.origin,
            self._dnskey(zone),
            inception=end - timedelta(days=21),
            expiration=end,
        )
        return dns.rrset.from_rdata(rrset.name, rrset.ttl, signature)
