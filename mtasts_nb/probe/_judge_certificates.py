"""What is wrong with a certificate as presented."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ..markup import one_line, when
from ._certificates import weakness
from ._evidence import Certificate, TlsSession, Validation, Verdict
from ._judge import Fault

__all__ = ["certificate_faults"]

# Certificates that live 90 days are renewed with 30 left, those that live six days with three: by a quarter of
# the lifetime, and by two weeks at the latest, a renewal that works has worked.
_RENEWED_BY = timedelta(days=14)
_SHARE_LEFT = 0.25

_SELF_SIGNED, _NOT_YET, _EXPIRED, _SELF_SIGNED_IN_CHAIN = 18, 9, 10, 19
_ISSUER_NOT_FOUND = frozenset({2, 20, 21})


def certificate_faults(session: TlsSession | None, prefix: str) -> Iterator[Fault]:
    """Yield what is wrong with the chain of a session; codes begin with `prefix` (``policy`` or ``mx``)."""
    if session is None or session.validation is None:
        return
    leaf, validation = session.chain[0], session.validation
    named = f"{prefix}-certificate"
    dates = _date_fault(session, validation)
    if dates is not None:
        yield Fault(f"{named}-{dates[0]}", dates[1])
    elif (soon := _expires_soon(leaf, validation.at)) is not None:
        yield Fault(f"{named}-expires-soon", soon)
    chain = _chain_fault(session, validation)
    if chain is not None:
        yield Fault(f"{named}-{chain[0]}", chain[1])
    if not validation.name_matches:
        common = any(name.lower() == validation.name for name in leaf.common_names) and not leaf.dns_names
        yield Fault(
            f"{named}-{'common-name-only' if common else 'name-mismatch'}",
            f"{one_line(leaf.subject, 120)}: {validation.name_detail}",
        )
    for certificate in session.chain:
        # A root's own signature is not checked by anybody.
        if not (certificate.self_issued and certificate is not leaf) and (weak := weakness(certificate)):
            yield Fault(f"{named}-weak", f"{one_line(certificate.subject, 120)}: {weak}")
            break


def _date_fault(session: TlsSession, validation: Validation) -> tuple[str, str] | None:
    leaf, at, verdict = session.chain[0], validation.at, validation.verdict
    if leaf.not_after is not None and leaf.not_after < at:
        return "expired", f"expired {when(leaf.not_after)}"
    if leaf.not_before is not None and leaf.not_before > at:
        return "not-yet-valid", f"valid from {when(leaf.not_before)}"
    if verdict.code in (_EXPIRED, _NOT_YET):
        word = "expired" if verdict.code == _EXPIRED else "not-yet-valid"
        return word, f"the certificate at depth {verdict.depth}: {_said(verdict)}"
    return None


def _expires_soon(leaf: Certificate, at: datetime) -> str | None:
    if leaf.not_after is None or leaf.lifetime is None:
        return None
    left = leaf.not_after - at
    if left > min(_RENEWED_BY, leaf.lifetime * _SHARE_LEFT):
        return None
    return f"expires {when(leaf.not_after)}"


def _chain_fault(session: TlsSession, validation: Validation) -> tuple[str, str] | None:
    verdict, completed = validation.verdict, validation.completed_verdict
    leaf = session.chain[0]
    if verdict.code in (0, _EXPIRED, _NOT_YET):
        return None
    if verdict.code == _SELF_SIGNED:
        return "self-signed", f"{one_line(leaf.subject, 120)}: {_said(verdict)}"
    if verdict.code == _SELF_SIGNED_IN_CHAIN:
        return "untrusted", f"root {one_line(session.chain[-1].subject, 120)}: {_said(verdict)}"
    if verdict.code in _ISSUER_NOT_FOUND:
        sent = f"sent {len(session.chain)}, issuer {one_line(leaf.issuer, 120)}: {_said(verdict)}"
        if completed is not None and completed.code not in (*_ISSUER_NOT_FOUND, _SELF_SIGNED_IN_CHAIN):
            return "chain-incomplete", f"{sent}; with the issuer from {validation.fetches[0].url}: {_said(completed)}"
        tried = "; ".join(f"{fetch.url}: {fetch.detail}" for fetch in validation.fetches)
        return "untrusted", f"{sent}; {tried or 'it names no place to fetch its issuer from'}"
    return "invalid", f"depth {verdict.depth}: {_said(verdict)}"


def _said(verdict: Verdict) -> str:
    return f"OpenSSL {verdict.code} ({verdict.text})"
