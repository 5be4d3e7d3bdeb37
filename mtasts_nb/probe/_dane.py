"""TLSA records held against what an MX host presents (RFC 6698, RFC 7671, RFC 7672)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ._evidence import Certificate, TlsaMatch, TlsSession

__all__ = ["match_tlsa"]

_HASHES = {1: hashlib.sha256, 2: hashlib.sha512}


def match_tlsa(records: Sequence[str], session: TlsSession) -> tuple[TlsaMatch, ...]:
    """Return each TLSA record with whether the presented chain matches it.

    DANE-EE(3) looks at the leaf only, neither at names nor at dates; DANE-TA(2) wants a certificate of the chain above
    the leaf, and the name too (RFC 7672 §3.1). PKIX-TA(0) and PKIX-EE(1) are not usable for SMTP (§3.1.3).
    """
    return tuple(_match(text, session) for text in records)


def _match(text: str, session: TlsSession) -> TlsaMatch:
    parts = text.split()
    try:
        usage, selector, matching = (int(part) for part in parts[:3])
        expected = bytes.fromhex("".join(parts[3:]))
    except ValueError:
        return TlsaMatch(record=text, matches=None, detail="not a TLSA record")
    if usage not in (2, 3):
        return TlsaMatch(record=text, matches=None, detail=f"usage {usage} is not for SMTP")
    if selector not in (0, 1) or matching not in (0, 1, 2) or not expected:
        return TlsaMatch(record=text, matches=None, detail="unknown selector or matching type")
    candidates = session.chain[:1] if usage == 3 else session.chain[1:]
    for depth, certificate in enumerate(candidates, start=0 if usage == 3 else 1):
        if _association(certificate, selector, matching) == expected:
            if usage == 2 and session.validation is not None and not session.validation.name_matches:
                return TlsaMatch(record=text, matches=False, detail="the trust anchor matches, the name does not")
            return TlsaMatch(record=text, matches=True, detail=f"matches the certificate at depth {depth}")
    seen = ", ".join(_association(c, selector, 1 if matching == 0 else matching).hex()[:16] for c in candidates)
    return TlsaMatch(record=text, matches=False, detail=f"presented: {seen or 'nothing at that depth'}")


def _association(certificate: Certificate, selector: int, matching: int) -> bytes:
    content = certificate.der if selector == 0 else _public_key(certificate)
    return _HASHES[matching](content).digest() if matching else content


def _public_key(certificate: Certificate) -> bytes:
    try:
        key = x509.load_der_x509_certificate(certificate.der).public_key()
    except (ValueError, TypeError, OverflowError):
        return b""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
