"""What is wrong with the TXT records, and with the servers of the zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...knowledge import finding
from ...markup import span
from ...policy import validate
from ...vocabulary import Effect, Finding, Severity, Status
from .._attempts import DnsAttempt
from .._evidence import Evidence
from ._faults import lookup_fault

__all__ = ["nameserver_findings", "sts_findings", "tlsrpt_findings"]

# Every sender discards other TXT records at the name (RFC 8461 §3.1); the evidence shows them.
_NO_FAULT = frozenset({"sts-record-others", "tlsrpt-record-others"})


def sts_findings(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the `_mta-sts` record: its lookup, and its text by the rules of `mtasts_nb.policy`."""
    attempt = evidence.sts
    name = attempt.query.name
    if (fault := lookup_fault(attempt, "sts-record-lookup-failed")) is not None:
        yield finding(
            fault.code, subject=name, host=name, evidence=fault.evidence, effect=Effect.DISABLES_PROTECTION, name=name,
            domain=evidence.domain,
        )  # fmt: skip
    if attempt.status is not Status.COMPLETED:
        return
    for result in validate(record=attempt.texts):
        if result.code == "sts-record-missing":
            yield finding(
                "sts-record-missing", variant="domain", subject=name, host=name, evidence=" · ".join(attempt.texts) or attempt.detail,
                name=name, domain=evidence.domain, id=f"{evidence.started:%Y%m%d%H%M%S}",
            )  # fmt: skip
        elif result.code not in _NO_FAULT:
            yield replace(result, host=name)


def tlsrpt_findings(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the `_smtp._tls` record (RFC 8460 §3).

    Whatever is wrong with it, mail arrives as before.
    """
    attempt = evidence.tlsrpt
    name = attempt.query.name
    if (fault := lookup_fault(attempt, "tlsrpt-record-lookup-failed")) is not None:
        yield finding(
            fault.code, subject=name, host=name, evidence=fault.evidence, severity=Severity.WARNING,
            effect=Effect.COSMETIC, name=name, domain=evidence.domain,
        )  # fmt: skip
    if attempt.status is not Status.COMPLETED:
        return
    for result in validate(tlsrpt_record=attempt.texts):
        if result.code == "tlsrpt-record-missing":
            yield finding(
                "tlsrpt-record-missing", variant="domain", subject=name, host=name, evidence=" · ".join(attempt.texts) or attempt.detail,
                name=name, domain=evidence.domain,
            )  # fmt: skip
        elif result.code not in _NO_FAULT:
            yield replace(result, host=name, effect=Effect.COSMETIC)


def nameserver_findings(evidence: Evidence) -> Iterator[Finding]:
    """Yield where the authoritative servers differ from each other or from the resolver, or do not answer."""
    for attempt in (evidence.sts, evidence.tlsrpt, evidence.mx):
        query = attempt.query
        subject = f"{query.type} {query.name}"
        answers = {
            other.query.server: other
            for other in evidence.authoritative
            if other.query.name == query.name and other.query.type == query.type and _is_authoritative(other)
        }
        contents = {_content(answer) for answer in answers.values()}
        observed = "; ".join(f"{server}: {_text(answer)}" for server, answer in sorted(answers.items()))
        if len(contents) > 1:
            yield finding("nameservers-disagree", subject=subject, host=query.name, evidence=observed, name=query.name)
        elif contents and attempt.answer is not None and _differs(attempt, next(iter(answers.values()))):
            ttl = f" (TTL {span(attempt.answer.ttl)})" if attempt.answer.ttl else ""
            yield finding(
                "not-propagated-yet", subject=subject, host=query.name, name=query.name, domain=evidence.domain,
                evidence=f"resolver: {_text(attempt)}{ttl}; {observed}",
            )  # fmt: skip
    yield from _silent_servers(evidence)


def _text(attempt: DnsAttempt) -> str:
    return " · ".join(attempt.texts) or attempt.detail


def _is_authoritative(attempt: DnsAttempt) -> bool:
    # Without the AA bit it is a referral, or a server that does not have the zone: no answer to compare.
    return attempt.status is Status.COMPLETED and attempt.answer is not None and attempt.answer.authoritative


def _content(attempt: DnsAttempt) -> tuple[tuple[str, ...], frozenset[str]]:
    answer = attempt.answer
    return (answer.cname_chain[:1] if answer else (), frozenset(attempt.texts))


def _differs(resolver: DnsAttempt, server: DnsAttempt) -> bool:
    if resolver.status is not Status.COMPLETED:
        return False
    alias, texts = _content(server)
    resolver_alias, resolver_texts = _content(resolver)
    if alias and not texts:
        return alias != resolver_alias  # the target is in another zone, with other servers
    return (alias, texts) != (resolver_alias, resolver_texts)


def _silent_servers(evidence: Evidence) -> Iterator[Finding]:
    by_server: dict[str, list[DnsAttempt]] = {}
    for attempt in evidence.authoritative:
        if attempt.status is not Status.NOT_OBSERVED:
            by_server.setdefault(attempt.query.server, []).append(attempt)
    faults = {server: text for server, attempts in sorted(by_server.items()) if (text := _no_own_answer(attempts))}
    # If all are like that, something on the way may answer in their place.
    if faults and len(faults) < len(by_server):
        addresses = {server: by_server[server][0].query.address for server in faults}
        yield finding(
            "nameserver-not-answering",
            subject=", ".join(faults),
            host=next(iter(faults)),
            addresses=tuple(filter(None, addresses.values())),
            evidence="; ".join(f"{server} {addresses[server]}: {text}" for server, text in faults.items()),
            name=evidence.domain,
            domain=evidence.domain,
        )


def _no_own_answer(attempts: list[DnsAttempt]) -> str:
    """Return how a server fails to answer for the zone, or nothing."""
    if all(attempt.answer is None for attempt in attempts):
        return attempts[0].detail
    # Names below the domain may be delegated to other servers; the domain itself is in the zone.
    apex = next((attempt for attempt in attempts if attempt.query.type == "MX" and attempt.answer is not None), None)
    if apex is None or _is_authoritative(apex):
        return ""
    return apex.detail if apex.status is Status.FAILED else "it answers without authority (AA) for the zone"
