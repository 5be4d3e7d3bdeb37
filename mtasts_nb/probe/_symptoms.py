"""What the findings of a probe mean: the cause behind each, what was not observed, and the verdict on the domain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ..knowledge import causes, finding_texts
from ..markup import one_line
from ..vocabulary import (
    Area,
    CauseKind,
    Concern,
    Confidence,
    Finding,
    Severity,
    Status,
    Verdict,
    ranked,
    verdict_on,
)
from ._evidence import Evidence, MxHost

__all__ = ["Symptom", "not_observed", "symptoms", "verdict"]

_STAGES_BEFORE_TLS: Final = frozenset({"greeting", "ehlo"})
_STAGES_OF_TLS: Final = frozenset({"starttls", "handshake", "ehlo-after-tls"})


@dataclass(frozen=True, slots=True)
class Symptom:
    """A finding, and the cause behind it.

    Attributes
    ----------
    finding : Finding
    concern : Concern
        The cause; the finding itself where it has no cause of its own.
    """

    finding: Finding
    concern: Concern

    @property
    def text(self) -> str:
        """What was observed, in one line: what the finding says, where, and the evidence."""
        finding = self.finding
        where = finding.subject + "".join(
            f", {address}" for address in finding.addresses if address not in finding.subject
        )
        return one_line(f"{finding.message} ({where}{': ' if finding.evidence else ''}{finding.evidence})", 600)


def symptoms(evidence: Evidence, findings: Iterable[Finding]) -> tuple[Symptom, ...]:
    """Return every finding with its cause."""
    findings = tuple(findings)
    codes = {finding.code for finding in findings}
    hosts = {mx.host for mx in evidence.mx_hosts}
    return tuple(Symptom(finding, _concern(evidence, finding, codes, hosts)) for finding in findings)


def verdict(evidence: Evidence, findings: Iterable[Finding]) -> Verdict:
    """Return the verdict on the domain, from its findings and what was not observed."""
    return verdict_on(
        ranked((0, symptom.concern) for symptom in symptoms(evidence, findings)),
        domain=evidence.domain,
        not_observed=[subject for subject, _ in not_observed(evidence)],
        known=evidence.answered,
    )


def _concern(evidence: Evidence, finding: Finding, codes: set[str], hosts: set[str]) -> Concern:
    code = _cause(evidence, finding, codes)
    mx = (finding.host,) if finding.host in hosts else ()
    if code is None:
        return Concern(
            code=finding.code,
            title=one_line(finding.message.partition(". ")[0], 200).removesuffix("."),
            kind=CauseKind.FAULT if finding.severity is Severity.ERROR else CauseKind.LATENT,
            effect=finding.effect,
            severity=finding.severity,
            policy_domain=evidence.domain,
            mx=mx,
        )
    text = causes()[code]
    return Concern(
        code=code,
        title=text.title,
        # What is only advised is no fault now, whatever the cause is elsewhere: an expired certificate in mode none.
        kind=CauseKind.LATENT if text.kind is CauseKind.FAULT and finding.severity is Severity.ADVICE else text.kind,
        effect=finding.effect,
        severity=finding.severity,
        # Silence has two explanations, which one network cannot distinguish.
        confidence=Confidence.MEDIUM if code == "port-25-no-answer" else Confidence.HIGH,
        policy_domain=evidence.domain,
        mx=mx,
        dane_only=text.area is Area.DANE,
    )


def _cause(evidence: Evidence, finding: Finding, codes: set[str]) -> str | None:
    """Return the cause behind a finding; None where the finding stands for itself."""
    known = finding_texts().get(finding.code)
    code = known.cause if known else ""
    if not code:
        return None
    area = causes()[code].area
    match finding.code:
        case "sts-record-missing" if codes & _evidence_of("record-not-recognised"):
            return "record-not-recognised"
        case "sts-record-missing" if evidence.sts.answer is not None and evidence.sts.answer.cname_chain:
            return "record-alias-broken"
        case "tlsrpt-record-missing" if codes & _evidence_of("reporting-record-invalid"):
            return "reporting-record-invalid"
        case "cname-chain-broken":
            return _alias_cause(evidence, finding.host)
        case "mx-timeout" | "mx-closed":
            return _smtp_step(evidence, finding)
        case "policy-host-timeout" | "policy-host-closed":
            code = _https_step(evidence, finding)
    if code == "record-not-recognised" and "sts-record-missing" not in codes:
        return None  # a typo that senders accept
    if area is Area.POLICY_FILE and causes()[code].kind is CauseKind.FAULT and finding.severity is not Severity.ERROR:
        return None  # senders accept the file
    if area in (Area.POLICY_HOST, Area.POLICY_CERTIFICATE) and finding.addresses:
        return "policy-host-address-differs"  # another address of the policy host works
    return code


def _alias_cause(evidence: Evidence, name: str) -> str:
    """Return the cause of a broken CNAME chain, by the name at which it begins."""
    if name == evidence.sts.query.name:
        return "record-alias-broken"
    if name == evidence.tlsrpt.query.name:
        return "reporting-lookup-fails"
    return "policy-host-lookup-fails" if name == evidence.policy_host.host else "mx-lookup-fails"


def _evidence_of(cause: str) -> frozenset[str]:
    return frozenset(causes()[cause].findings)


def _smtp_step(evidence: Evidence, finding: Finding) -> str:
    """Return the cause by the step of the SMTP conversation that timed out or ended early."""
    timeout = finding.code == "mx-timeout"
    stages = {
        attempt.stage
        for mx in evidence.mx_hosts
        if mx.host == finding.host
        for attempt in mx.attempts
        if attempt.status is Status.FAILED and (not timeout or attempt.reason == "timeout")
    }
    if stages & _STAGES_OF_TLS:
        return "mx-tls-handshake-fails"
    if stages & _STAGES_BEFORE_TLS:
        return "mx-smtp-broken"
    return "mx-unreachable" if timeout else "mx-smtp-broken"


def _https_step(evidence: Evidence, finding: Finding) -> str:
    stages = {attempt.stage for attempt in evidence.policy_host.attempts if attempt.status is Status.FAILED}
    if finding.code == "policy-host-timeout" and "connect" in stages:
        return "policy-host-unreachable"
    tls = "handshake" in stages and "response" not in stages
    return "policy-host-tls-fails" if tls else "policy-response-incomplete"


# -- what was not observed


def not_observed(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Yield what could not be observed, and why: a fault may be hidden there."""
    if not evidence.answered:
        yield "anything", f"no question was answered ({one_line(evidence.mx.detail, 120)})"
        return
    if evidence.dnssec_hidden:
        yield "DNSSEC and TLSA records", "the resolver does not validate"
    if evidence.sts.status is Status.NOT_OBSERVED:
        yield "the _mta-sts record", one_line(evidence.sts.detail, 120)
    yield from _policy_host_not_observed(evidence)
    if evidence.served_policy is None and evidence.mx_hosts:
        yield "whether the policy covers the MX hosts", "there is no valid policy to compare them with"
    if evidence.mx.status is Status.NOT_OBSERVED:
        yield "the MX hosts", one_line(evidence.mx.detail, 120)
    elif evidence.mx.status is Status.FAILED:
        yield "the MX hosts", "their names cannot be looked up"
    if evidence.port_25_closed:
        yield "the MX hosts", "nothing answers on port 25"
        return
    for mx in evidence.mx_hosts:
        yield from _mx_not_observed(mx)


def _policy_host_not_observed(evidence: Evidence) -> Iterator[tuple[str, str]]:
    host, attempts = evidence.policy_host.host, evidence.policy_host.attempts
    if not attempts:
        unknown = evidence.policy_host.addresses_unknown
        yield f"certificate and file of {host}", "its address was not looked up" if unknown else "it has no address"
    elif not any(attempt.session for attempt in attempts):
        yield f"certificate and file of {host}", one_line(f"{attempts[0].stage}: {attempts[0].detail}", 120)
    elif not any(attempt.response and attempt.response.status_code == 200 for attempt in attempts):
        first = attempts[0]
        text = f"status {first.response.status_code}" if first.response else f"{first.stage}: {first.detail}"
        yield f"the policy file at {host}", one_line(text, 120)


def _mx_not_observed(mx: MxHost) -> Iterator[tuple[str, str]]:
    host = one_line(mx.host, 120)
    if mx.problem == "limit":
        yield host, "the domain has more MX hosts than are probed"
    if mx.problem:
        return
    if not mx.attempts:
        yield f"SMTP, TLS and certificate of {host}", "it has no address that can be connected to"
        return
    for attempt in mx.attempts:
        if not attempt.observed:
            yield f"{host} [{attempt.request.address}]", one_line(attempt.detail or attempt.reason, 120)
    observed = [attempt for attempt in mx.attempts if attempt.observed]
    if observed and not any(attempt.session for attempt in observed):
        yield f"certificate of {host}", one_line(f"{observed[0].stage}: {observed[0].detail}", 120)
