"""Intermediates that a server does not send, found among the certificates that the domain's other servers do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .._attempts import Certificate, HttpAttempt, SmtpAttempt, TlsSession
from .._evidence import MxHost, PolicyHost
from ._tls import ISSUER_NOT_FOUND, TrustStore

__all__ = ["completed_chains"]


def completed_chains(
    policy_host: PolicyHost, hosts: tuple[MxHost, ...], store: TrustStore
) -> tuple[PolicyHost, tuple[MxHost, ...]]:
    """Return the hosts; each chain without an issuer that the others' certificates complete is marked as such."""
    attempts: list[HttpAttempt | SmtpAttempt] = list(policy_host.attempts)
    attempts += [attempt for mx in hosts for attempt in mx.attempts]
    sessions = [attempt.tls for attempt in attempts if attempt.tls is not None]
    issuers = {
        certificate.sha256: (certificate, session.sni)
        for session in sessions
        for certificate in session.chain[1:]
        if certificate.is_ca and not certificate.self_issued
    }
    if not issuers:
        return policy_host, hosts

    def of(session: TlsSession | None) -> TlsSession | None:
        return session and _completed(session, list(issuers.values()), store)

    changed = replace(policy_host, attempts=tuple(replace(each, tls=of(each.tls)) for each in policy_host.attempts))
    return changed, tuple(
        replace(mx, attempts=tuple(replace(each, tls=of(each.tls)) for each in mx.attempts)) for mx in hosts
    )


def _completed(session: TlsSession, issuers: Sequence[tuple[Certificate, str]], store: TrustStore) -> TlsSession:
    validation = session.validation
    if validation is None or validation.verdict.code not in ISSUER_NOT_FOUND:
        return session
    if validation.completed_verdict is not None and validation.completed_verdict.code not in ISSUER_NOT_FOUND:
        return session  # what its own URL led to decides
    sent = {certificate.sha256 for certificate in session.chain}
    verdict = store.verdict([*session.chain, *(each for each, _ in issuers if each.sha256 not in sent)])
    if verdict.code in ISSUER_NOT_FOUND:
        return session
    hosts = [host for certificate, host in issuers if certificate.subject == session.chain[-1].issuer]
    validation = replace(validation, completed_verdict=verdict, completed_by=hosts[0] if hosts else issuers[0][1])
    return replace(session, validation=validation)
