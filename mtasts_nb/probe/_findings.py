"""What the evidence of a probe proves to be wrong. Pure: the same evidence, the same findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..policy import validate
from ..vocabulary import Finding, Findings
from ._evidence import DnsAttempt
from ._judge import finding
from ._judge_dns import nameserver_findings, record_findings, sts_text, tlsrpt_findings
from ._judge_mx import mx_findings, mx_names
from ._judge_policy_host import policy_bodies, policy_host_findings

if TYPE_CHECKING:
    from ._probe import Probe

__all__ = ["judge"]


def judge(probe: Probe) -> Findings:
    """Return the findings of a probe: the three fundamentals, then the MX hosts, then reporting.

    What was not observed gives no finding, but for the one that says why nothing could be looked at.
    """
    return Findings(_unique(_all(probe)))


def _all(probe: Probe) -> Iterator[Finding]:
    domain = probe.domain
    if not _anything_answered(probe):
        yield finding(
            "resolver-unreachable", subject="this machine", evidence=probe.mx.detail, names={"domain": domain}
        )
        return
    if _ran_out(probe):
        yield finding("probe-deadline-reached", subject="this probe", names={"domain": domain})
    if probe.limits_hit:
        evidence = "; ".join(probe.limits_hit)
        yield finding("probe-limit-reached", subject=domain, evidence=evidence, names={"domain": domain})
    if probe.mx.answer is not None and probe.mx.answer.rcode == "NXDOMAIN":
        yield finding("domain-not-found", subject=domain, evidence=probe.mx.detail, names={"domain": domain})
        return
    text = sts_text(probe)
    yield from record_findings(probe)
    yield from policy_host_findings(probe, deployed=bool(probe.sts.texts) or probe.sts.answer is None)
    yield from _text_findings(probe, text)
    yield from mx_findings(probe)
    yield from tlsrpt_findings(probe)
    yield from nameserver_findings(probe)


def _text_findings(probe: Probe, text: str | None) -> Iterator[Finding]:
    """Yield what is wrong with the texts themselves, by the rules of `mtasts_nb.policy`."""
    bodies = list(policy_bodies(probe))
    names = mx_names(probe) or None
    if not bodies:
        yield from validate(record=text)
    for number, body in enumerate(bodies):
        yield from validate(record=text if number == 0 else None, policy=body, mx_hosts=names)


def _attempts(probe: Probe) -> Iterator[DnsAttempt]:
    yield from (probe.sts, probe.tlsrpt, probe.mx, probe.policy_host.a, probe.policy_host.aaaa)
    for mx in probe.mx_hosts:
        yield from (attempt for attempt in (mx.a, mx.aaaa, mx.tlsa) if attempt is not None)


def _anything_answered(probe: Probe) -> bool:
    return any(attempt.answer is not None for attempt in _attempts(probe))


def _ran_out(probe: Probe) -> bool:
    reasons = [attempt.reason for attempt in (*_attempts(probe), *probe.authoritative)]
    reasons += [attempt.reason for attempt in probe.policy_host.attempts]
    reasons += [attempt.reason for mx in probe.mx_hosts for attempt in mx.attempts]
    return "deadline" in reasons


def _unique(findings: Iterator[Finding]) -> Iterator[Finding]:
    seen: set[Finding] = set()
    for one in findings:
        if one not in seen:
            seen.add(one)
            yield one
