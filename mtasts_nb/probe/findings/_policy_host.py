"""What is wrong with the policy host: addresses, connection, certificate, response.

A fault at every observed address has the severity of the registry. A fault at some of them, while another serves the
policy, is a warning: which one a sender uses is arbitrary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...knowledge import finding, finding_texts
from ...markup import one_line
from ...vocabulary import Effect, Finding, Severity, Status
from .._attempts import HttpAttempt, HttpResponse
from .._evidence import Evidence
from ._faults import CertificateProblem, Fault, by_code, certificate_faults, joined, lookup_fault, milder

__all__ = ["policy_host_findings"]

_CERTIFICATE_CODES = {
    CertificateProblem.EXPIRED: "policy-certificate-expired",
    CertificateProblem.NOT_YET_VALID: "policy-certificate-not-yet-valid",
    CertificateProblem.EXPIRES_SOON: "policy-certificate-expires-soon",
    CertificateProblem.SELF_SIGNED: "policy-certificate-self-signed",
    CertificateProblem.UNTRUSTED: "policy-certificate-untrusted",
    CertificateProblem.CHAIN_INCOMPLETE: "policy-certificate-chain-incomplete",
    CertificateProblem.INVALID: "policy-certificate-invalid",
    CertificateProblem.COMMON_NAME_ONLY: "policy-certificate-common-name-only",
    CertificateProblem.NAME_MISMATCH: "policy-certificate-name-mismatch",
    CertificateProblem.WEAK: "policy-certificate-weak",
}
_CONNECTION_CODES = {
    "refused": "policy-host-refused",
    "timeout": "policy-host-timeout",
    "unreachable": "policy-host-unreachable",
}


def policy_host_findings(evidence: Evidence, *, deployed: bool) -> Iterator[Finding]:
    """Yield the findings about the policy host; a missing host is none unless MTA-STS is `deployed`."""
    policy_host = evidence.policy_host
    host, lookups = policy_host.host, (policy_host.a, policy_host.aaaa)
    has_address = any(attempt.texts for attempt in lookups)
    failures = [fault for attempt in lookups if (fault := lookup_fault(attempt, "policy-host-lookup-failed"))]
    for fault in failures[:1]:
        severity = finding_texts()[fault.code].severity
        yield finding(
            fault.code, subject=host, host=host, evidence=fault.evidence, effect=Effect.DISABLES_PROTECTION,
            severity=milder(severity) if has_address else severity, name=host, domain=evidence.domain,
        )  # fmt: skip
    if not has_address and not failures and deployed and not policy_host.addresses_unknown:
        observed = f"A: {policy_host.a.detail}; AAAA: {policy_host.aaaa.detail}"
        yield finding(
            "policy-host-no-address", subject=host, host=host, evidence=observed, name=host, domain=evidence.domain
        )
    if has_address:
        yield from _attempt_findings(evidence)


def _attempt_findings(evidence: Evidence) -> Iterator[Finding]:
    host, attempts = evidence.policy_host.host, evidence.policy_host.attempts
    faults = [replace(fault, address=attempt.request.address) for attempt in attempts for fault in _faults(attempt)]
    observed = {attempt.request.address for attempt in attempts if attempt.observed or attempt.private}
    texts = finding_texts()
    broken = {fault.address for fault in faults if texts[fault.code].severity is Severity.ERROR}
    good = sorted(observed - broken)
    for code, matches in by_code(faults).items():
        addresses = tuple(sorted({fault.address for fault in matches}))
        partial = len(addresses) < len(observed)
        severity, note = texts[code].severity, ""
        if good and severity is Severity.ERROR:
            severity, note = milder(severity), f"Only at {', '.join(addresses)}; {', '.join(good)} works."
        yield finding(
            code,
            subject=f"{host} [{', '.join(addresses)}]" if partial else host,
            host=host,
            addresses=addresses if partial else (),
            evidence=joined(matches),
            severity=severity,
            more=note,
            name=host,
            domain=evidence.domain,
        )
    for attempt in attempts:
        if attempt.offers_old_tls and attempt.older_tls is not None:
            text = f"{attempt.request.address}: offered TLS 1.0 and 1.1, it uses {attempt.older_tls.version}"
            yield finding(
                "policy-host-tls-old-offered", subject=host, host=host, evidence=text, name=host, domain=evidence.domain
            )
    files = evidence.policy_host.policy_files
    if len(files) > 1:
        excerpts = "; ".join(f"{', '.join(at)}: {one_line(body[:120])}" for body, at in files.items())
        yield finding(
            "policy-address-differs", subject=host, host=host, evidence=excerpts, name=host, domain=evidence.domain
        )


def _faults(attempt: HttpAttempt) -> Iterator[Fault]:
    for problem, text in certificate_faults(attempt.session):
        yield Fault(_CERTIFICATE_CODES[problem], text)
    response = attempt.response
    if not (attempt.status is Status.FAILED and attempt.stage == "response" and response is not None):
        yield from _connection_faults(attempt)
    if response is None:
        return
    if response.status_code != 200:
        location = response.header("location")
        yield Fault(
            _status_code(response), f"status {response.status_code}{f', Location: {location}' if location else ''}"
        )
        return
    if not response.is_plain_text:
        yield Fault("policy-content-type", f"Content-Type: {response.header('content-type') or '(none)'}")
    if attempt.stage != "done":
        yield from _connection_faults(attempt)
    elif response.truncated:
        yield Fault("policy-too-large", f"more than {len(response.body)} bytes")
    elif not response.body.strip():
        yield Fault("policy-empty", f"{len(response.body)} bytes")


def _connection_faults(attempt: HttpAttempt) -> Iterator[Fault]:
    """Yield why the attempt was not completed."""
    if attempt.private:
        yield Fault("policy-host-address-private", attempt.detail)
    if attempt.status is not Status.FAILED:
        return
    older = attempt.older_tls
    if attempt.reason in _CONNECTION_CODES:
        yield Fault(_CONNECTION_CODES[attempt.reason], attempt.ending)
    elif attempt.stage == "handshake" and older is not None and attempt.needs_old_tls:
        text = f"{attempt.ending}; offered TLS 1.0 and 1.1 too, it uses {older.version}"
        yield Fault("policy-host-tls-version", text)
    elif attempt.stage == "handshake":
        yield Fault("policy-host-tls-failed", attempt.ending)
    elif attempt.reason == "not-http":
        yield Fault("policy-http-invalid", attempt.ending)
    else:
        yield Fault("policy-host-closed", attempt.ending)


def _status_code(response: HttpResponse) -> str:
    status = response.status_code
    if 300 <= status < 400:
        return "policy-http-redirect"
    if status in (404, 410):
        return "policy-http-not-found"
    if status in (401, 403, 451):
        return "policy-http-forbidden"
    return "policy-http-server-error" if status >= 500 else "policy-http-status"
