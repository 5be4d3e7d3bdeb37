"""What a sender says of a certificate (RFC 8461 §3.3 for the policy host, §4.2 for an MX host)."""

from __future__ import annotations

from dataclasses import dataclass

from ..probe import TlsSession, certificate_faults
from ..vocabulary import ResultType

__all__ = ["Objection", "objection"]

_TYPES = {
    "expired": ResultType.CERTIFICATE_EXPIRED,
    # RFC 8460 §4.3 has no result type for it; this is its catch-all.
    "not-yet-valid": ResultType.VALIDATION_FAILURE,
    "self-signed": ResultType.CERTIFICATE_NOT_TRUSTED,
    "untrusted": ResultType.CERTIFICATE_NOT_TRUSTED,
    "chain-incomplete": ResultType.CERTIFICATE_NOT_TRUSTED,
    "invalid": ResultType.CERTIFICATE_NOT_TRUSTED,
    "name-mismatch": ResultType.CERTIFICATE_HOST_MISMATCH,
    "common-name-only": ResultType.CERTIFICATE_HOST_MISMATCH,
}
_WORDS = {
    "expired": "the certificate has expired",
    "not-yet-valid": "the certificate is not valid yet",
    "self-signed": "the certificate is self-signed",
    "untrusted": "the certificate comes from an unknown CA",
    "chain-incomplete": "an intermediate certificate is missing",
    "invalid": "the chain does not validate",
    "name-mismatch": "the certificate names another host",
    "common-name-only": "the name stands in the common name only, which does not count",
    "weak": "the key or the signature is too weak for the web's certificates",
}


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a sender does not take a certificate: the first reason decides what is reported."""

    result_type: ResultType
    code: str
    why: str


def objection(session: TlsSession, *, web: bool = False, common_name: bool = False) -> Objection | None:
    """Return why a sender refuses the certificate of a session; None where it takes it.

    Parameters
    ----------
    session : TlsSession
        A handshake that succeeded.
    web : bool
        Hold it to the rules of the web too, as libraries that fetch over HTTPS do: no weak keys. SMTP clients, at
        OpenSSL's security level 1, take them.
    common_name : bool
        Take the common name where there is no SAN.
    """
    if session.validation is None:
        return Objection(ResultType.CERTIFICATE_NOT_TRUSTED, "no-certificate", "no certificate was presented")
    prefix = "policy" if web else "mx"
    found = [
        (fault.code.removeprefix(f"{prefix}-certificate-"), fault.evidence)
        for fault in certificate_faults(session, prefix)
    ]
    refused = [(code, evidence) for code, evidence in found if code in _TYPES or (web and code == "weak")]
    if common_name:
        refused = [(code, evidence) for code, evidence in refused if code != "common-name-only"]
    if not refused:
        return None
    why = "; ".join(f"{_WORDS[code]} ({evidence})" for code, evidence in refused)
    first = refused[0][0]
    return Objection(_TYPES.get(first, ResultType.CERTIFICATE_NOT_TRUSTED), first, why)
