"""What is wrong with the records, and with the servers that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import RecordError
from ..markup import span
from ..policy import find_sts_record, find_tlsrpt_record, validate
from ..vocabulary import Effect, Finding, Severity, Status
from ._evidence import DnsAttempt
from ._judge import finding, lookup_code

if TYPE_CHECKING:
    from ._probe import Probe

__all__ = ["nameserver_findings", "record_findings", "sts_text", "tlsrpt_findings"]


def sts_text(probe: Probe) -> str | None:
    """Return the text that is, or was surely meant to be, the one `_mta-sts` record; None where there is none."""
    return _meant(probe.sts, "v=STSv1;", "sts")


def _meant(attempt: DnsAttempt, tag: str, slip: str) -> str | None:
    exact = [text for text in attempt.texts if text.startswith(tag)]
    if len(exact) == 1:
        return exact[0]
    # A slip in the version ("v=STS1", quotes left in): named as what it is rather than as a missing record.
    near = [text for text in attempt.texts if slip in text.lower()]
    return near[0] if not exact and near else None


def record_findings(probe: Probe) -> Iterator[Finding]:
    """Yield the findings about the `_mta-sts` record that its text alone does not show (RFC 8461 §3.1)."""
    attempt = probe.sts
    names = {"name": attempt.query.name, "domain": probe.domain, "id": probe.started.strftime("%Y%m%d%H%M%S")}
    fault = lookup_code(attempt, "sts-record-lookup-failed")
    if fault is not None:
        effect = Effect.DISABLES_PROTECTION
        yield finding(fault.code, subject=attempt.query.name, evidence=fault.evidence, effect=effect, names=names)
    if attempt.status is not Status.COMPLETED:
        return
    try:
        find_sts_record(attempt.texts)
    except RecordError as error:
        evidence = " · ".join(attempt.texts) or attempt.detail
        if error.reason == "multiple":
            yield finding("sts-record-multiple", subject=attempt.query.name, evidence=evidence, names=names)
        elif sts_text(probe) is None:
            yield finding("sts-record-missing", subject=attempt.query.name, evidence=evidence, names=names)


def tlsrpt_findings(probe: Probe) -> Iterator[Finding]:
    """Yield the findings about the `_smtp._tls` record (RFC 8460 §3)."""
    attempt = probe.tlsrpt
    names = {"name": attempt.query.name, "domain": probe.domain}
    fault = lookup_code(attempt, "tlsrpt-record-lookup-failed")
    if fault is not None:
        severity, effect = Severity.WARNING, Effect.COSMETIC
        yield finding(
            fault.code,
            subject=attempt.query.name,
            evidence=fault.evidence,
            severity=severity,
            effect=effect,
            names=names,
        )
    if attempt.status is not Status.COMPLETED:
        return
    text = _meant(attempt, "v=TLSRPTv1;", "tlsrpt")
    try:
        find_tlsrpt_record(attempt.texts)
    except RecordError as error:
        evidence = " · ".join(attempt.texts) or attempt.detail
        if error.reason == "multiple":
            yield finding("tlsrpt-record-multiple", subject=attempt.query.name, evidence=evidence, names=names)
        elif text is None:
            yield finding("tlsrpt-record-missing", subject=attempt.query.name, evidence=evidence, names=names)
    if text is not None:
        yield from validate(tlsrpt_record=text)


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
        shown = "; ".join(f"{server}: {x.detail}" for server, x in sorted(answers.items()))
        if len(kinds) > 1:
            yield finding(
                "nameservers-disagree", subject=f"{query.type} {query.name}", evidence=shown, names={"name": query.name}
            )
        elif kinds and attempt.answer is not None and _differs(attempt, next(iter(answers.values()))):
            left = f" (TTL {span(attempt.answer.ttl)})" if attempt.answer.ttl else ""
            yield finding(
                "not-propagated-yet",
                subject=f"{query.type} {query.name}",
                evidence=f"resolver: {attempt.detail}{left}; {shown}",
                names={"name": query.name},
            )
    yield from _silent_servers(probe)


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
    silent = {server: x for server, x in by_server.items() if all(one.answer is None for one in x)}
    if silent and len(silent) < len(by_server):
        evidence = "; ".join(f"{server} {x[0].query.address}: {x[0].detail}" for server, x in sorted(silent.items()))
        yield finding(
            "nameserver-not-answering",
            subject=", ".join(sorted(silent)),
            evidence=evidence,
            names={"name": probe.domain},
        )
