"""What a probe shows of causes: each sign with what was seen, and what could not be observed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..knowledge import cause_texts
from ..markup import one_line
from ..vocabulary import Effect, Finding, Severity, Status

if TYPE_CHECKING:
    from ..probe import MxHost, Probe

__all__ = ["Sign", "probe_signs", "unobserved"]

_STAGES_BEFORE_TLS = ("greeting", "ehlo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Something seen that speaks for a cause.

    Attributes
    ----------
    cause : str
        Its code.
    text : str
        What was seen.
    mx : str
        The MX host concerned; empty where it is none.
    severity : Severity
    effect : Effect
        What it does to mail as things are.
    fix : str
        What to do about just this; where it is text to publish, the text itself.
    """

    cause: str
    text: str
    mx: str = ""
    severity: Severity = Severity.ERROR
    effect: Effect = Effect.COSMETIC
    fix: str = ""


@cache
def _by_finding() -> Mapping[str, str]:
    return MappingProxyType({code: text.code for text in cause_texts().values() for code in text.findings})


def probe_signs(probe: Probe, before: Probe | None = None) -> tuple[Sign, ...]:
    """Return what a probe shows, and what only an earlier one beside it does.

    Parameters
    ----------
    probe : Probe
    before : Probe, optional
        An earlier look at the same domain.
    """
    findings = list(probe.findings)
    if before is not None and before.domain == probe.domain:
        from ..probe import compare_probes

        findings += compare_probes(before, probe).findings
    codes = {finding.code for finding in findings}
    hosts = {mx.host for mx in probe.mx_hosts}
    signs = []
    for finding in findings:
        cause = _cause(probe, finding, codes)
        if cause is not None:
            signs.append(_sign(cause, finding, finding.host if finding.host in hosts else ""))
    return tuple(dict.fromkeys(signs))


def _sign(cause: str, finding: Finding, mx: str) -> Sign:
    seen = f"{finding.subject}: {finding.evidence}" if finding.evidence else finding.message
    severity, effect = finding.severity, finding.effect
    if cause == "mx-null":  # meant or not: mail is returned (RFC 7505 §3)
        severity, effect = Severity.ERROR, Effect.DEFERS_MAIL
    return Sign(cause=cause, text=one_line(seen, 400), mx=mx, severity=severity, effect=effect, fix=finding.fix)


def _cause(probe: Probe, finding: Finding, codes: set[str]) -> str | None:
    """Return which cause a finding shows; None where it is none, or another finding says it better."""
    code, area = finding.code, _by_finding().get(finding.code)
    if area is None:
        return None
    text = cause_texts()[area]
    if code == "sts-record-missing":
        if codes & set(cause_texts()["record-not-recognised"].findings):
            return None
        return "record-alias-broken" if probe.sts.answer is not None and probe.sts.answer.cname_chain else area
    if code == "tlsrpt-record-missing" and codes & set(cause_texts()["reporting-record-invalid"].findings):
        return None
    if area == "record-not-recognised" and "sts-record-missing" not in codes:
        return None  # a slip that senders pass over
    if text.area in ("policy-file", "reporting") and text.kind == "fault" and finding.severity is not Severity.ERROR:
        return None
    if code in ("mx-timeout", "mx-closed"):
        return _mx_step(probe, finding)
    if code in ("policy-host-timeout", "policy-host-closed"):
        area = _host_step(probe, finding)
    if cause_texts()[area].area in ("policy-host", "policy-certificate") and finding.addresses:
        return "policy-host-address-differs"  # another address of the policy host is in order
    return area


def _mx_step(probe: Probe, finding: Finding) -> str:
    """Return which step of the conversation a silence or an early end belongs to."""
    reason = {"mx-timeout": "timeout"}.get(finding.code)
    stages = {
        attempt.stage
        for mx in probe.mx_hosts
        if mx.host == finding.host
        for attempt in mx.attempts
        if attempt.status is Status.FAILED and (reason is None or attempt.reason == reason)
    }
    if stages & {"starttls", "handshake", "ehlo-after-tls"}:
        return "mx-tls-handshake-fails"
    if stages & set(_STAGES_BEFORE_TLS):
        return "mx-smtp-broken"
    return "mx-unreachable" if finding.code == "mx-timeout" else "mx-smtp-broken"


def _host_step(probe: Probe, finding: Finding) -> str:
    stages = {attempt.stage for attempt in probe.policy_host.attempts if attempt.status is Status.FAILED}
    if finding.code == "policy-host-timeout" and "connect" in stages:
        return "policy-host-unreachable"
    return (
        "policy-host-tls-fails" if "handshake" in stages and "response" not in stages else "policy-response-incomplete"
    )


# -- what was not observed


def unobserved(probe: Probe) -> Iterator[tuple[str, str]]:
    """Yield what could not be observed, and why: a fault may hide there."""
    if not any(attempt.answer is not None for attempt in (probe.sts, probe.tlsrpt, probe.mx)):
        yield "anything", f"no question was answered ({one_line(probe.mx.detail, 120)})"
        return
    if probe.sts.status is Status.NOT_OBSERVED:
        yield "the _mta-sts record", one_line(probe.sts.detail, 120)
    yield from _unobserved_host(probe)
    if probe.policy is None and probe.served_policy is None and probe.mx_hosts:
        yield "whether the policy covers the MX hosts", "there is no valid policy to hold them against"
    if probe.mx.status is Status.NOT_OBSERVED:
        yield "the MX hosts", one_line(probe.mx.detail, 120)
    elif probe.mx.status is Status.FAILED:
        yield "the MX hosts", "their names cannot be looked up"
    if probe.port_25_closed:
        yield "the MX hosts", "port 25 cannot be reached from here"
        return
    for mx in probe.mx_hosts:
        yield from _unobserved_mx(mx)


def _unobserved_host(probe: Probe) -> Iterator[tuple[str, str]]:
    place = probe.policy_host
    attempts = place.attempts
    if not attempts:
        unknown = Status.NOT_OBSERVED in (place.a.status, place.aaaa.status)
        why = "its address was not looked up" if unknown else "it has no address that could be asked"
        yield f"certificate and file of {place.host}", why
        return
    if not any(attempt.tls or attempt.older_tls for attempt in attempts):
        last = attempts[0]
        yield f"certificate and file of {place.host}", f"{last.stage}: {one_line(last.detail, 120)}"
        return
    if not any(attempt.response and attempt.response.status_code == 200 for attempt in attempts):
        last = attempts[0]
        why = f"status {last.response.status_code}" if last.response else f"{last.stage}: {one_line(last.detail, 120)}"
        yield f"the policy file at {place.host}", why


def _unobserved_mx(mx: MxHost) -> Iterator[tuple[str, str]]:
    host = one_line(mx.host, 120)
    if mx.problem == "limit":
        yield host, "more MX hosts than are visited"
        return
    if mx.problem:
        return
    if not mx.attempts:
        yield f"SMTP, TLS and certificate of {host}", "it has no address that could be asked"
        return
    seen = [attempt for attempt in mx.attempts if attempt.status is not Status.NOT_OBSERVED]
    for attempt in mx.attempts:
        if attempt.status is Status.NOT_OBSERVED:
            yield f"{host} [{attempt.request.address}]", one_line(attempt.detail or attempt.reason, 120)
    if seen and not any(attempt.tls or attempt.older_tls for attempt in seen):
        yield f"certificate of {host}", f"{seen[0].stage}: {one_line(seen[0].detail, 120)}"
