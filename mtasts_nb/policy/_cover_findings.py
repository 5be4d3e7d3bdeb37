"""The findings of a comparison of patterns and MX hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..knowledge import Provider, finding, finding_texts, mail_provider
from ..markup import one_line, plural
from ..vocabulary import Effect, Finding, Mode, Severity
from ._coverage import Coverage, cover, host_patterns, near_miss
from ._names import ascii_lower
from ._patterns import pattern_fault
from ._policy import policy_text
from ._policy_fields import PolicyLint

__all__ = ["cover_findings"]

_EACH = 20
# Many guides give this pair for Google Workspace.
_GUIDE_PAIR = frozenset({"*.google.com", "*.googlemail.com"})
_GOOGLE, _MICROSOFT = "Google Workspace", "Microsoft 365"


def cover_findings(lint: PolicyLint, hosts: Sequence[str], corrected: str | None) -> list[Finding]:
    """Return the findings about patterns and hosts. In mode none there are none: the patterns mean nothing.

    Parameters
    ----------
    lint : PolicyLint
        The policy, as far as it was understood.
    hosts : sequence of str
        MX host names as `mx_host_names` gives them.
    corrected : str or None
        The corrected policy file, the fix of a host that is not covered.
    """
    if lint.mode is Mode.NONE or not lint.readable:
        return []
    if not hosts:
        return [finding("policy-mx-not-compared", subject="MX hosts")]
    if list(hosts) == ["."]:
        return [finding("policy-null-mx", subject="MX hosts", evidence=".")]
    hosts = [host for host in hosts if host != "."]
    if lint.faults.first_error is None:
        # Senders apply this file as it is: a pattern behind a misspelt key matches nothing.
        lint = replace(lint, mx=list(lint.applied_mx))
    coverage = cover(lint.mx, hosts)
    return [
        *_uncovered(lint, coverage, hosts, corrected),
        *_unused(lint, coverage, hosts),
        *_broad(lint, coverage),
        *_redundant(lint, coverage),
    ]


def _uncovered(lint: PolicyLint, coverage: Coverage, hosts: Sequence[str], corrected: str | None) -> list[Finding]:
    message = finding_texts()["mx-not-covered"].message
    enforce = lint.mode is Mode.ENFORCE
    every = len(coverage.uncovered) == len(hosts)
    practice = message("testing" if not enforce else "enforce-all" if every else "enforce-some")
    if any(fault.is_error for fault in lint.faults):
        practice = f"{practice} {message('once-valid')}"
    smallest = ", ".join(f"`mx: {pattern}`" for pattern in host_patterns(hosts)[:10])
    evidence = "mx: " + ", ".join(lint.mx[:10]) if lint.mx else "no pattern"
    severity = None if enforce else Severity.WARNING
    effect = None if enforce else Effect.COSMETIC
    findings: list[Finding] = []
    advised: set[str] = set()
    for host in coverage.uncovered[:_EACH]:
        parts = []
        if pattern_fault(host) is not None:
            parts.append(message("invalid"))
        elif miss := near_miss(host, lint.mx):
            parts.append(miss.why)
        parts.append(practice)
        provider = mail_provider(host)
        if provider and provider.advice and provider.label not in advised:
            advised.add(provider.label)
            parts.append(f"{provider.label}: {_advice(provider, lint.mx)}")
        if smallest and len(hosts) > 1 and not findings:
            parts.append(message("smallest", text=smallest))
        findings.append(
            finding(
                "mx-not-covered",
                subject=f"MX host {one_line(host, 253)}",
                host=host,
                evidence=evidence,
                fix=corrected,
                severity=severity,
                effect=effect,
                more=" ".join(parts),
            )
        )
    if more := coverage.uncovered[_EACH:]:
        findings.append(
            finding(
                "mx-not-covered",
                subject=f"MX host {one_line(', '.join(more[:50]), 253)}",
                evidence=evidence,
                fix=corrected,
                severity=severity,
                effect=effect,
                variant="more",
                more=practice,
                text=plural(len(more), "more MX host", "more MX hosts"),
            )
        )
    return findings


def _advice(provider: Provider, patterns: Sequence[str]) -> str:
    """Return what to know about a provider; that guides are wrong only where their pair of patterns is used."""
    low = {ascii_lower(pattern) for pattern in patterns}
    if provider.name == _GOOGLE and low >= _GUIDE_PAIR:
        return f"this pair of patterns is in many guides. {provider.advice}"
    return provider.advice


def _line_of(lint: PolicyLint, pattern: str) -> str:
    low = ascii_lower(pattern)
    line = next((line for line, written in lint.mx_lines if ascii_lower(written) == low), None)
    return f"policy file, line {line}" if line else "policy file"


def _without(lint: PolicyLint, coverage: Coverage, removed: str, added: Sequence[str] = ()) -> str | None:
    """Return the policy file with one pattern replaced; None where it would not cover every host anyway."""
    if coverage.uncovered:
        return None
    kept = [pattern for pattern in lint.mx if ascii_lower(pattern) != ascii_lower(removed)]
    return policy_text(lint, [*kept, *added])


def _unused(lint: PolicyLint, coverage: Coverage, hosts: Sequence[str]) -> list[Finding]:
    # A pattern that is named as the near miss for a host needs no second finding.
    named = {miss.pattern for host in coverage.uncovered[:_EACH] if (miss := near_miss(host, lint.mx))}
    findings: list[Finding] = []
    in_use = {provider.label for host in hosts if (provider := mail_provider(host))}
    for pattern in [pattern for pattern in coverage.unused if pattern not in named][:_EACH]:
        provider = mail_provider(ascii_lower(pattern))
        variant, label = "", provider.label if provider else ""
        if provider and label not in in_use:
            variant = "provider"
        elif provider and provider.name == _MICROSOFT:
            variant = "microsoft"
        findings.append(
            finding(
                "pattern-unused",
                subject=_line_of(lint, pattern),
                evidence=f"mx: {pattern}",
                fix=_without(lint, coverage, pattern),
                variant=variant,
                provider=label,
            )
        )
    return findings


def _broad(lint: PolicyLint, coverage: Coverage) -> list[Finding]:
    findings: list[Finding] = []
    for pattern, host in coverage.broad[:_EACH]:
        provider = mail_provider(host)
        advised = provider is not None and provider.name == _MICROSOFT and not provider.form
        findings.append(
            finding(
                "pattern-broad",
                subject=_line_of(lint, pattern),
                evidence=f"mx: {pattern}",
                host=host,
                fix=_without(lint, coverage, pattern, [host]),
                variant="provider" if advised else "",
                more=f"{provider.label}: {provider.advice}" if provider and advised else "",
            )
        )
    return findings


def _redundant(lint: PolicyLint, coverage: Coverage) -> list[Finding]:
    return [
        finding(
            "pattern-redundant",
            subject=_line_of(lint, pattern),
            evidence=f"mx: {pattern}",
            fix=_without(lint, coverage, pattern),
            wildcard=wildcard,
        )
        for pattern, wildcard in coverage.redundant[:_EACH]
    ]
