"""What the evidence of a probe proves to be wrong. Pure: the same evidence, the same findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import PolicyError
from ..knowledge import finding
from ..policy import parse_policy, validate
from ..vocabulary import Effect, Finding, Findings, Severity
from ._closed import anything_answered
from ._evidence import DnsAttempt
from ._judge_dns import nameserver_findings, sts_findings, tlsrpt_findings
from ._judge_mx import mx_findings, mx_names, redundancy_lost, usable_mx
from ._judge_policy_host import policy_bodies, policy_host_findings

if TYPE_CHECKING:
    from ._probe import Probe

__all__ = ["judge"]


def judge(probe: Probe) -> Findings:
    """Return the findings of a probe: the three fundamentals, then the MX hosts, then reporting.

    What was not observed gives no finding, but for the one that says why nothing could be looked at.
    """
    return Findings(_unique(_one_signature(list(_all(probe)), probe.domain)))


def _all(probe: Probe) -> Iterator[Finding]:
    domain = probe.domain
    if not anything_answered(_attempts(probe)):
        yield finding("resolver-unreachable", subject="this machine", evidence=probe.mx.detail, domain=domain)
        return
    if probe.ipv6_closed:
        yield finding("outbound-ipv6-closed", subject="this network", domain=domain)
    if _ran_out(probe):
        yield finding("probe-deadline-reached", subject="this probe", domain=domain)
    if probe.limits_hit:
        evidence = "; ".join(probe.limits_hit)
        yield finding("probe-limit-reached", subject=domain, evidence=evidence, domain=domain)
    if probe.mx.answer is not None and probe.mx.answer.rcode == "NXDOMAIN":
        yield finding("domain-not-found", subject=domain, evidence=probe.mx.detail, domain=domain)
        return
    yield from sts_findings(probe)
    yield from policy_host_findings(probe, deployed=bool(probe.sts.texts) or probe.sts.answer is None)
    yield from _policy_file_findings(probe)
    yield from mx_findings(probe)
    yield from tlsrpt_findings(probe)
    yield from nameserver_findings(probe)


def _policy_file_findings(probe: Probe) -> Iterator[Finding]:
    """Yield what is wrong with each policy file served, by the rules of `mtasts_nb.policy`."""
    names = mx_names(probe) or None
    usable = usable_mx(probe)
    for body in policy_bodies(probe):
        # A file that senders refuse permits and forbids nothing: its patterns wait until it is valid.
        for one in validate(policy=body, mx_hosts=names if _is_valid(body) else None):
            # `validate` knows the names only; here it is known whether another MX host takes the mail.
            if one.effect is Effect.DEFERS_MAIL and usable is not None:
                one = replace(one, effect=Effect.COSMETIC)
                if one.code == "mx-not-covered":
                    message = f"{one.message} {redundancy_lost(usable)}"
                    one = replace(one, severity=Severity.WARNING, message=message)
            yield one


def _is_valid(body: bytes) -> bool:
    try:
        parse_policy(body)
    except PolicyError:
        return False
    return True


def _attempts(probe: Probe) -> Iterator[DnsAttempt]:
    yield from (probe.sts, probe.tlsrpt, probe.mx, probe.policy_host.a, probe.policy_host.aaaa)
    for mx in probe.mx_hosts:
        yield from (attempt for attempt in (mx.a, mx.aaaa, mx.tlsa) if attempt is not None)


def _ran_out(probe: Probe) -> bool:
    reasons = [attempt.reason for attempt in (*_attempts(probe), *probe.authoritative)]
    reasons += [attempt.reason for attempt in probe.policy_host.attempts]
    reasons += [attempt.reason for mx in probe.mx_hosts for attempt in mx.attempts]
    return "deadline" in reasons


def _one_signature(findings: list[Finding], domain: str) -> Iterator[Finding]:
    """Yield the findings; those about broken signatures as one, for it is one zone that has to be signed anew."""
    bogus = [one for one in findings if one.code == "dnssec-bogus"]
    yield from (one for one in findings if one.code != "dnssec-bogus")
    if bogus:
        yield finding(
            "dnssec-bogus",
            subject=", ".join(dict.fromkeys(one.subject for one in bogus)),
            evidence=bogus[0].evidence,
            severity=min((one.severity for one in bogus), key=lambda severity: severity.rank),
            effect=min((one.effect for one in bogus), key=lambda effect: effect.rank),
            name=domain,
            domain=domain,
        )


def _unique(findings: Iterator[Finding]) -> Iterator[Finding]:
    seen: set[Finding] = set()
    for one in findings:
        if one not in seen:
            seen.add(one)
            yield one
