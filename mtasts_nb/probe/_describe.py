"""The one description of a TLS session: what was presented, and what is wrong with it."""

from __future__ import annotations

from ..markup import one_line, plural, when
from ._attempts import TlsSession

__all__ = ["presented", "problems"]


def presented(session: TlsSession) -> str:
    """Return who the certificate is for, until when, its key, and how many were sent."""
    if not session.chain:
        return "no certificate"
    leaf, count = session.chain[0], plural(len(session.chain), "certificate")
    parts = (one_line(leaf.subject, 120), f"until {when(leaf.not_after)}", leaf.key, leaf.signature, f"{count} sent")
    return ", ".join(part for part in parts if part)


def problems(session: TlsSession) -> tuple[str, ...]:
    """Return what OpenSSL and the name check object to; nothing if the certificate is valid."""
    validation = session.validation
    if validation is None:
        return ()
    verdict = validation.verdict
    chain = () if verdict.trusted else (f"OpenSSL {verdict.code}: {verdict.text}",)
    return (*chain, *(() if validation.name_matches else (f"name: {validation.name_detail}",)))
