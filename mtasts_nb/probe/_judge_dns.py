"""What is wrong with the records, and with the servers that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ..knowledge import finding
from ..markup import span
from ..policy import validate
from ..vocabulary import Effect, Finding, Severity, Status
from ._evidence import DnsAttempt
from ._judge import lookup_code

if TYPE_CHECKING:
    from ._probe import Probe

__all__ = ["nameserver_findings", "sts_findings", "tlsrpt_findings"]


# Other TXT records at the name are discarded by every sender (RFC 8461 §3.1); the evidence shows them.
_NO_FAULT = frozenset({"sts-record-others", "tlsrpt-record-others"})


def sts_findings(probe: Probe) -> Iterator[Finding]:
    """Yield the findings about the `_mta-sts` record: its look-up, and its text by the rules of `mtasts_nb.policy`."""
    attempt = probe.sts
    about = partial(
        finding,
        subject=attempt.query.name,
        name=attempt.query.name,
        domain=probe.domain,
        id=probe.started.strftime("%Y%m%d%H%M%S"),
    )
    fault = lookup_code(attempt, "sts-record-lookup-failed")
    if fault is not None:
        effect = Effect.DISABLES_PROTECTION
        yield about(fault.code, evidence=fault.evidence, effect=effect)
    if attempt.status is not Status.COMPLETED:
        return
    for one in validate(record=attempt.texts):
        if one.code == "sts-record-missing":
            evidence = " · ".join(attempt.texts) or attempt.detail
            yield about(one.code, variant="domain", evidence=evidence)
        elif one.code not in _NO_FAULT:
            yield one


def tlsrpt_findings(probe: Probe) -> Iterator[Finding]:
    """Yield the findings about the `_smtp._tls` record (RFC 8460 §3).

    Whatever is wrong with it, mail comes in as before.
    """
    attempt = probe.tlsrpt
    about = partial(finding, subject=attempt.query.name, name=attempt.query.name, domain=probe.domain)
    fault = lookup_code(attempt, "tlsrpt-record-lookup-failed")
    if fault is not None:
        severity, effect = Severity.WARNING, Effect.COSMETIC
        yield about(fault.code, evidence=fault.evidence, severity=severity, effect=effect)
    if attempt.status is not Status.COMPLETED:
        return
    for one in validate(tlsrpt_record=attempt.texts):
        if one.code == "tlsrpt-record-missing":
            evidence = " · ".join(attempt.texts) or attempt.detail
            yield about(one.code, variant="domain", evidence=evidence)
        elif one.code not in _NO_FAULT:
            yield replace(one, effect=Effect.COSMETIC)


def nameserver_findings(probe: Probe) -> Iterator[Finding]:
    """Yield where the authoritative servers differ from each other, from the resolver, or do not answer."""
    for attempt in (probe.sts, probe.tlsrpt, probe.mx):
        query = attempt.query
        answers = {
            x.query.server: x
            for x in probe.authoritative
            if x.query.name == query.name and x.query.type == query.type and _is_authoritative(x)
        }
        kinds = {_content(x) for x in answers.values()}
        shown = "; ".join(f"{server}: {_said(x)}" for server, x in sorted(answers.items()))
        if len(kinds) > 1:
            yield finding(
                "nameservers-disagree",
                subject=f"{query.type} {query.name}",
                evidence=shown,
                name=query.name,
                domain=probe.domain,
            )
        elif kinds and attempt.answer is not None and _differs(attempt, next(iter(answers.values()))):
            left = f" (TTL {span(attempt.answer.ttl)})" if attempt.answer.ttl else ""
            yield finding(
                "not-propagated-yet",
                subject=f"{query.type} {query.name}",
                evidence=f"resolver: {_said(attempt)}{left}; {shown}",
                name=query.name,
                domain=probe.domain,
            )
    yield from _silent_servers(probe)


def _said(attempt: DnsAttempt) -> str:
    return " · ".join(attempt.texts) or attempt.detail


def _is_authoritative(attempt: DnsAttempt) -> bool:
    # Without the AA bit it is a referral, or a server that does not hold the zone: no answer to compare.
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
        return alias != resolver_alias  # the target lies in another zone, with other servers
    return (alias, texts) != (resolver_alias, resolver_texts)


def _silent_servers(probe: Probe) -> Iterator[Finding]:
    by_server: dict[str, list[DnsAttempt]] = {}
    for attempt in probe.authoritative:
        if attempt.status is not Status.NOT_OBSERVED:
            by_server.setdefault(attempt.query.server, []).append(attempt)
    faults = {server: fault for server, seen in by_server.items() if (fault := _no_answer_of_its_own(seen))}
    # Where all are like that, something on the way may answer in their place.
    if faults and len(faults) < len(by_server):
        evidence = "; ".join(
            f"{server} {by_server[server][0].query.address}: {x}" for server, x in sorted(faults.items())
        )
        yield finding(
            "nameserver-not-answering",
            subject=", ".join(sorted(faults)),
            evidence=evidence,
            name=probe.domain,
            domain=probe.domain,
        )


def _no_answer_of_its_own(seen: list[DnsAttempt]) -> str:
    """Return how a server does not answer for the zone, or nothing."""
    if all(attempt.answer is None for attempt in seen):
        return seen[0].detail
    # Names below the domain may be delegated to other servers; the domain itself lies in the zone.
    apex = next((attempt for attempt in seen if attempt.query.type == "MX" and attempt.answer is not None), None)
    if apex is None or _is_authoritative(apex):
        return ""
    return apex.detail if apex.status is Status.FAILED else "it answers without authority (AA) for the zone"
