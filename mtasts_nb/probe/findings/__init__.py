"""What the evidence of a probe shows to be wrong. Pure: the same evidence, the same findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...errors import PolicyError
from ...knowledge import finding
from ...policy import parse_policy, validate
from ...vocabulary import Effect, Finding, Findings, Mode
from .._evidence import Evidence
from ._faults import CertificateProblem, certificate_faults, milder
from ._mx import faults_at, mx_findings, mx_names, weights
from ._policy_host import policy_host_findings
from ._records import nameserver_findings, sts_findings, tlsrpt_findings
from ._vantage import no_answer_on_port_25, without_ipv6, without_port_25, without_resolver
from ._weight import Weight

__all__ = [
    "CertificateProblem",
    "certificate_faults",
    "faults_at",
    "judge",
    "no_answer_on_port_25",
    "without_ipv6",
    "without_port_25",
    "without_resolver",
]


def judge(evidence: Evidence) -> Findings:
    """Return the findings: the three fundamentals, then the MX hosts, then reporting.

    What was not observed gives no finding, except the one that says why nothing could be observed.
    """
    return Findings(dict.fromkeys(_one_signature(list(_all(evidence)), evidence.domain)))


def _all(evidence: Evidence) -> Iterator[Finding]:
    domain, mx = evidence.domain, evidence.mx
    if not evidence.answered:
        yield finding("resolver-unreachable", subject="this machine", evidence=mx.detail, domain=domain)
        return
    if evidence.ipv6_closed:
        yield finding("outbound-ipv6-closed", subject="this network", domain=domain)
    if evidence.dnssec_hidden:
        known = "" if evidence.signed_name is None else f"SOA {evidence.signed_name.query.name or '.'}: no AD"
        yield finding("resolver-not-validating", subject="this resolver", evidence=known, domain=domain)
    if _deadline_passed(evidence):
        yield finding("probe-deadline-reached", subject="this probe", domain=domain)
    if evidence.limits_hit:
        limits = "; ".join(evidence.limits_hit)
        yield finding("probe-limit-reached", subject=domain, evidence=limits, domain=domain)
    if mx.answer is not None and mx.answer.rcode == "NXDOMAIN":
        yield finding("domain-not-found", subject=domain, host=domain, evidence=mx.detail, domain=domain)
        return
    yield from sts_findings(evidence)
    yield from policy_host_findings(evidence, deployed=bool(evidence.sts.texts) or evidence.sts.answer is None)
    yield from _policy_file_findings(evidence)
    yield from mx_findings(evidence)
    yield from tlsrpt_findings(evidence)
    yield from nameserver_findings(evidence)


def _policy_file_findings(evidence: Evidence) -> Iterator[Finding]:
    """Yield what is wrong with each policy file served, by the rules of `mtasts_nb.policy`."""
    names = mx_names(evidence) or None
    by_domain = weights(evidence)
    for body in evidence.policy_host.policy_files:
        # A file that senders reject covers no host: its patterns are checked once it is valid.
        for result in validate(policy=body, mx_hosts=names if _is_valid(body) else None):
            # The code of an MX host is about that host, all others are about the file.
            if not result.host:
                result = replace(result, host=evidence.policy_host.host)
            # `validate` knows the names only; here it is known what senders see, and whether another host accepts mail.
            if result.effect is Effect.DEFERS_MAIL and evidence.mode is not Mode.ENFORCE:
                result = _weighed(result, by_domain.unenforced(result.severity, everywhere=True))
            elif result.effect is Effect.DEFERS_MAIL and not by_domain.fails:
                note = by_domain.redundancy_lost if result.code == "mx-not-covered" else ""
                severity = milder(result.severity) if note else result.severity
                result = _weighed(result, Weight(severity, Effect.COSMETIC, note))
            yield result


def _weighed(result: Finding, weight: Weight) -> Finding:
    message = f"{result.message} {weight.note}".strip()
    return replace(result, severity=weight.severity, effect=weight.effect, message=message)


def _is_valid(body: bytes) -> bool:
    try:
        parse_policy(body)
    except PolicyError:
        return False
    return True


def _deadline_passed(evidence: Evidence) -> bool:
    reasons = {attempt.reason for attempt in (*evidence.lookups, *evidence.authoritative)}
    reasons |= {attempt.reason for attempt in evidence.policy_host.attempts}
    reasons |= {attempt.reason for mx in evidence.mx_hosts for attempt in mx.attempts}
    return "deadline" in reasons


def _one_signature(findings: list[Finding], domain: str) -> Iterator[Finding]:
    """Yield the findings; those about invalid signatures as one, as it is one zone that must be re-signed."""
    bogus = [result for result in findings if result.code == "dnssec-bogus"]
    yield from (result for result in findings if result.code != "dnssec-bogus")
    if bogus:
        yield finding(
            "dnssec-bogus",
            subject=", ".join(dict.fromkeys(result.subject for result in bogus)),
            host=domain,
            evidence=bogus[0].evidence,
            severity=min((result.severity for result in bogus), key=lambda severity: severity.rank),
            effect=min((result.effect for result in bogus), key=lambda effect: effect.rank),
            name=domain,
            domain=domain,
        )
