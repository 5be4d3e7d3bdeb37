"""A fault as observed, before it is known how much it matters; and what is wrong with a lookup or a certificate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from ...markup import one_line, when
from ...vocabulary import Severity, Status
from .._attempts import Certificate, ChainResult, DnsAttempt, TlsSession, Validation

__all__ = ["Blocks", "CertificateProblem", "Fault", "by_code", "certificate_faults", "joined", "lookup_fault", "milder"]

# Certificates that are valid for 90 days are renewed with 30 left, those for six days with three: with a quarter of the
# lifetime left, or two weeks, a renewal that works has worked.
_RENEWED_BY = timedelta(days=14)
_SHARE_LEFT = 0.25

# OpenSSL's verify codes: X509_verify_cert_error_string(3).
_SELF_SIGNED, _NOT_YET, _EXPIRED, _SELF_SIGNED_IN_CHAIN = 18, 9, 10, 19
_ISSUER_NOT_FOUND = frozenset({2, 20, 21})


class Blocks(Enum):
    """Which senders do not deliver to an MX host for a fault."""

    NONE = "none"
    POLICY = "those that apply a policy in mode enforce"
    DANE = "those that validate DANE, in any mode"
    EVERY = "every sender, in any mode"


@dataclass(frozen=True, slots=True)
class Fault:
    """A code, what was observed, and at which address; an empty address means the host itself."""

    code: str
    evidence: str = ""
    address: str = ""
    blocks: Blocks = Blocks.NONE


class CertificateProblem(StrEnum):
    """What can be wrong with a certificate as presented."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRES_SOON = "expires-soon"
    SELF_SIGNED = "self-signed"
    UNTRUSTED = "untrusted"
    CHAIN_INCOMPLETE = "chain-incomplete"
    INVALID = "invalid"
    COMMON_NAME_ONLY = "common-name-only"
    NAME_MISMATCH = "name-mismatch"
    WEAK = "weak"


def milder(severity: Severity) -> Severity:
    """Return warning for error; the others as they are."""
    return Severity.WARNING if severity is Severity.ERROR else severity


def by_code(faults: Iterable[Fault]) -> dict[str, list[Fault]]:
    """Return the faults by code, each once, in order of appearance."""
    grouped: dict[str, list[Fault]] = {}
    for fault in dict.fromkeys(faults):
        grouped.setdefault(fault.code, []).append(fault)
    return grouped


def joined(faults: Iterable[Fault]) -> str:
    """Return the evidence per address as one text; the same evidence once."""
    texts: dict[str, list[str]] = {}
    for fault in faults:
        texts.setdefault(fault.evidence, []).append(fault.address)
    return "; ".join(
        f"{', '.join(addresses)}: {text}" if text else ", ".join(addresses) for text, addresses in texts.items()
    )


def lookup_fault(attempt: DnsAttempt, code: str) -> Fault | None:
    """Return what is wrong with a lookup, `code` if nothing more specific; None if it was answered or not observed."""
    if attempt.status is not Status.FAILED:
        return None
    if attempt.reason == "cname-loop":
        return Fault("cname-chain-broken", attempt.detail)
    if attempt.unchecked is not None and attempt.unchecked.rcode in ("NOERROR", "NXDOMAIN"):
        return Fault("dnssec-bogus", f"{attempt.detail}; with DNSSEC checking disabled (CD) there is an answer")
    return Fault(code, attempt.detail)


def certificate_faults(session: TlsSession | None) -> Iterator[tuple[CertificateProblem, str]]:
    """Yield what is wrong with the chain of a session, each with the evidence."""
    if session is None or session.validation is None:
        return
    leaf, validation = session.chain[0], session.validation
    dates = _date_fault(session, validation)
    if dates is not None:
        yield dates
    elif _expires_soon(leaf, validation.at):
        yield CertificateProblem.EXPIRES_SOON, f"expires {when(leaf.not_after)}"
    chain = _chain_fault(session, validation)
    if chain is not None:
        yield chain
    if not validation.name_matches:
        common = any(name.lower() == validation.name for name in leaf.common_names) and not leaf.dns_names
        problem = CertificateProblem.COMMON_NAME_ONLY if common else CertificateProblem.NAME_MISMATCH
        yield problem, f"{one_line(leaf.subject, 120)}: {validation.name_detail}"
    for certificate in session.chain:
        # The signature of a root itself is not checked.
        if not (certificate.self_issued and certificate is not leaf) and (weakness := _weakness(certificate)):
            yield CertificateProblem.WEAK, f"{one_line(certificate.subject, 120)}: {weakness}"
            break


def _date_fault(session: TlsSession, validation: Validation) -> tuple[CertificateProblem, str] | None:
    leaf, at, verdict = session.chain[0], validation.at, validation.verdict
    if leaf.not_after is not None and leaf.not_after < at:
        return CertificateProblem.EXPIRED, f"expired {when(leaf.not_after)}"
    if leaf.not_before is not None and leaf.not_before > at:
        return CertificateProblem.NOT_YET_VALID, f"valid from {when(leaf.not_before)}"
    if verdict.code in (_EXPIRED, _NOT_YET):
        problem = CertificateProblem.EXPIRED if verdict.code == _EXPIRED else CertificateProblem.NOT_YET_VALID
        return problem, f"the certificate at depth {verdict.depth}: {_openssl(verdict)}"
    return None


def _expires_soon(leaf: Certificate, at: datetime) -> bool:
    if leaf.not_after is None or leaf.lifetime is None:
        return False
    return leaf.not_after - at <= min(_RENEWED_BY, leaf.lifetime * _SHARE_LEFT)


def _chain_fault(session: TlsSession, validation: Validation) -> tuple[CertificateProblem, str] | None:
    verdict = validation.verdict
    leaf = session.chain[0]
    if verdict.code in (0, _EXPIRED, _NOT_YET):
        return None
    if verdict.code == _SELF_SIGNED:
        return CertificateProblem.SELF_SIGNED, f"{one_line(leaf.subject, 120)}: {_openssl(verdict)}"
    if verdict.code == _SELF_SIGNED_IN_CHAIN:
        root = one_line(session.chain[-1].subject, 120)
        return CertificateProblem.UNTRUSTED, f"root {root}: {_openssl(verdict)}"
    if verdict.code in _ISSUER_NOT_FOUND:
        return _without_issuer(session, validation)
    return CertificateProblem.INVALID, f"depth {verdict.depth}: {_openssl(verdict)}"


def _without_issuer(session: TlsSession, validation: Validation) -> tuple[CertificateProblem, str]:
    """Return whether the server leaves an intermediate out, or its CA is unknown.

    The issuer proves it, fetched from the certificate's own URL or sent by another host of the domain. Without it the shape
    decides: public CAs name that URL or leave other marks, and issue from intermediates; one is missing if it was not sent.
    """
    completed, leaf = validation.completed_verdict, session.chain[0]
    sent = f"sent {len(session.chain)}, issuer {one_line(leaf.issuer, 120)}: {_openssl(validation.verdict)}"
    known = completed is not None and completed.code not in _ISSUER_NOT_FOUND
    if completed is not None and known and completed.code != _SELF_SIGNED_IN_CHAIN:
        source = (
            f"that {validation.completed_by} sends" if validation.completed_by else f"from {validation.fetches[0].url}"
        )
        return CertificateProblem.CHAIN_INCOMPLETE, f"{sent}; with the issuer {source}: {_openssl(completed)}"
    fetches = "; ".join(f"{fetch.url}: {fetch.detail}" for fetch in validation.fetches)
    text = f"{sent}; {fetches or 'it has no URL to fetch its issuer from'}"
    issuer_known = any(each.subject == leaf.issuer for each in session.chain[1:]) or completed is not None
    if (leaf.issuer_urls or leaf.of_public_ca) and not issuer_known:
        return (
            CertificateProblem.CHAIN_INCOMPLETE,
            f"{text}; the issuer was not sent, and the certificate is like those of public CAs",
        )
    return CertificateProblem.UNTRUSTED, text


def _openssl(verdict: ChainResult) -> str:
    return f"OpenSSL {verdict.code} ({verdict.text})"


def _weakness(certificate: Certificate) -> str:
    """Return what is weak about a certificate's key or signature (RFC 9325 §4.5), or nothing."""
    bits, key = certificate.key_bits, certificate.key
    if bits is not None and (
        (key.startswith(("RSA", "DSA")) and bits < 2048) or (key.startswith("EC ") and bits < 224)
    ):
        return f"the key is {key}"
    if any(name in certificate.signature.lower() for name in ("md5", "sha1", "md2")):
        return f"the signature is {certificate.signature}"
    return ""
