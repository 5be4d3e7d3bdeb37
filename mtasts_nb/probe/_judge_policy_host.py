"""What is wrong with the policy host: addresses, connection, certificate, response.

A fault at every address that could be looked at is what its wording says. A fault at some of them while another gives
the policy is a warning: senders get it or not by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from ..knowledge import finding, finding_texts
from ..markup import one_line
from ..vocabulary import Effect, Finding, Status
from ._evidence import HttpAttempt, HttpResponse
from ._judge import Fault, at_addresses, joined, lookup_code, milder
from ._judge_certificates import certificate_faults

if TYPE_CHECKING:
    from ._probe import Probe

__all__ = ["OLD_TLS", "policy_bodies", "policy_host_findings"]

OLD_TLS = ("SSLv3", "TLSv1", "TLSv1.1")
_CONNECT = {"refused": "refused", "timeout": "timeout", "unreachable": "unreachable"}


def policy_host_findings(probe: Probe, *, deployed: bool) -> Iterator[Finding]:
    """Yield the findings about the policy host; without a record and without a host there is nothing to say."""
    place = probe.policy_host
    about = partial(finding, subject=place.host, host=place.host, domain=probe.domain, name=place.host)
    addresses = [text for attempt in (place.a, place.aaaa) for text in attempt.texts]
    failures = [fault for x in (place.a, place.aaaa) if (fault := lookup_code(x, "policy-host-lookup-failed"))]
    if not addresses:
        unknown = Status.NOT_OBSERVED in (place.a.status, place.aaaa.status)
        if failures:
            yield about(
                failures[0].code,
                evidence=failures[0].evidence,
                effect=Effect.DISABLES_PROTECTION,
            )
        elif deployed and not unknown:
            evidence = f"A: {place.a.detail}; AAAA: {place.aaaa.detail}"
            yield about("policy-host-no-address", evidence=evidence)
        return
    for fault in failures[:1]:
        severity = milder(finding_texts()[fault.code].severity)
        yield about(
            fault.code,
            evidence=fault.evidence,
            severity=severity,
            effect=Effect.DISABLES_PROTECTION,
        )
    yield from _attempt_findings(probe, about)


def _attempt_findings(probe: Probe, about: Callable[..., Finding]) -> Iterator[Finding]:
    host, attempts = probe.policy_host.host, probe.policy_host.attempts
    faults = [(attempt.request.address, fault) for attempt in attempts for fault in _faults(attempt)]
    looked_at = {attempt.request.address for attempt in attempts if _is_evidence(attempt)}
    broken = {address for address, fault in faults if finding_texts()[fault.code].severity.rank == 0}
    good = sorted(looked_at - broken)
    for code, seen in at_addresses(faults).items():
        where = sorted({address for address, _ in seen})
        severity, more = finding_texts()[code].severity, ""
        if good and severity.rank == 0:
            severity = milder(severity)
            more = f"Only at {', '.join(where)}; {', '.join(good)} is in order."
        subject = host if len(where) == len(looked_at) else f"{host} [{', '.join(where)}]"
        yield about(
            code,
            subject=subject,
            addresses=() if subject == host else tuple(where),
            evidence=joined(seen),
            severity=severity,
            more=more,
        )
    bodies = policy_bodies(probe)
    if len(bodies) > 1:
        evidence = "; ".join(f"{', '.join(at)}: {one_line(body[:120])}" for body, at in bodies.items())
        yield about("policy-address-differs", evidence=evidence)


def policy_bodies(probe: Probe) -> dict[bytes, list[str]]:
    """Return each distinct policy file served with status 200, and the addresses that serve it."""
    bodies: dict[bytes, list[str]] = {}
    for attempt in probe.policy_host.attempts:
        response = attempt.response
        if response is not None and response.status_code == 200 and response.body and not response.truncated:
            bodies.setdefault(response.body, []).append(attempt.request.address)
    return bodies


def _is_evidence(attempt: HttpAttempt) -> bool:
    # That an address is private is evidence from the DNS, though nobody connected.
    return attempt.status is not Status.NOT_OBSERVED or attempt.reason == "private-address"


def _faults(attempt: HttpAttempt) -> Iterator[Fault]:
    yield from certificate_faults(attempt.tls or attempt.older_tls, "policy")
    response = attempt.response
    if not (attempt.status is Status.FAILED and attempt.stage == "response" and response is not None):
        yield from _ending(attempt)
    if response is None:
        return
    if response.status_code != 200:
        yield Fault(_status_code(response.status_code), _response_evidence(response))
        return
    kind = response.header("content-type")
    if kind.partition(";")[0].strip().lower() != "text/plain":
        yield Fault("policy-content-type", f"Content-Type: {kind or '(none)'}")
    if attempt.stage != "done":
        yield from _ending(attempt)
    elif response.truncated:
        yield Fault("policy-too-large", f"more than {len(response.body)} bytes")
    elif not response.body.strip():
        yield Fault("policy-empty", f"{len(response.body)} bytes")


def _ending(attempt: HttpAttempt) -> Iterator[Fault]:
    """Yield why the attempt did not come to its end."""
    if attempt.reason == "private-address":
        yield Fault("policy-host-address-private", attempt.detail)
    if attempt.status is not Status.FAILED:
        return
    evidence = f"{attempt.stage}: {attempt.detail}"
    if attempt.reason in _CONNECT:
        yield Fault(f"policy-host-{_CONNECT[attempt.reason]}", evidence)
    elif attempt.stage == "handshake":
        older = attempt.older_tls
        if older is not None and older.version in OLD_TLS:
            yield Fault("policy-host-tls-version", f"{evidence}; offered TLS 1.0 and 1.1 too, it takes {older.version}")
        else:
            yield Fault("policy-host-tls-failed", evidence)
    elif attempt.reason == "not-http":
        yield Fault("policy-http-invalid", evidence)
    else:
        yield Fault("policy-host-closed", evidence)


def _status_code(status: int) -> str:
    if 300 <= status < 400:
        return "policy-http-redirect"
    if status in (404, 410):
        return "policy-http-not-found"
    if status in (401, 403, 451):
        return "policy-http-forbidden"
    return "policy-http-server-error" if status >= 500 else "policy-http-status"


def _response_evidence(response: HttpResponse) -> str:
    place = response.header("location")
    return f"status {response.status_code}{f', Location: {place}' if place else ''}"
