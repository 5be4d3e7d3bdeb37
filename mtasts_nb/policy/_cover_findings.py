"""What a comparison of patterns and MX hosts finds, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mtasts_nb.markup import one_line, plural
from mtasts_nb.vocabulary import Effect, Finding, Mode, Severity

from ._corrected import host_patterns, policy_text
from ._coverage import Coverage, cover, near_miss
from ._names import ascii_lower, pattern_fault
from ._policy_lint import PolicyLint
from ._providers import GOOGLE, MICROSOFT, MX_MICROSOFT, MailProvider, mail_provider

__all__ = ["cover_findings"]

_RFC = "RFC 8461 §4.1"
_EACH = 20
_GUIDE_PAIR = frozenset({"*.google.com", "*.googlemail.com"})


def cover_findings(lint: PolicyLint, hosts: Sequence[str], right: str | None) -> list[Finding]:
    """Return the findings about patterns and hosts. In mode none there are none: the patterns mean nothing.

    Parameters
    ----------
    lint : PolicyLint
        The policy, as far as it was understood.
    hosts : sequence of str
        MX host names as `mx_host_names` gives them.
    right : str or None
        The policy file put right, the fix of a host that is not permitted.
    """
    if lint.mode is Mode.NONE or not lint.readable:
        return []
    if not hosts or list(hosts) == ["."]:
        return [_no_hosts(hosts)]
    hosts = [host for host in hosts if host != "."]
    if lint.faults.first_error is None:
        # Senders apply this file as it stands: a pattern behind a misspelt key permits nothing.
        lint = replace(lint, mx=list(lint.applied_mx))
    coverage = cover(lint.mx, hosts)
    return [
        *_uncovered(lint, coverage, hosts, right),
        *_unused(lint, coverage, hosts),
        *_broad(lint, coverage),
        *_redundant(lint, coverage),
    ]


def _no_hosts(hosts: Sequence[str]) -> Finding:
    if hosts:
        return Finding(
            code="policy-null-mx",
            severity=Severity.ADVICE,
            effect=Effect.COSMETIC,
            subject="MX hosts",
            message="The domain has a null MX: it takes no mail, so a policy with patterns protects nothing.",
            evidence=".",
            rfc="RFC 7505 §3",
        )
    return Finding(
        code="policy-mx-not-compared",
        severity=Severity.ADVICE,
        effect=Effect.COSMETIC,
        subject="MX hosts",
        message="No MX host was given, so the patterns were compared with nothing. Where a domain has no MX record, "
        "the domain itself is the MX host, and a pattern must permit it.",
        rfc="RFC 5321 §5.1",
    )


def _uncovered(lint: PolicyLint, coverage: Coverage, hosts: Sequence[str], right: str | None) -> list[Finding]:
    enforce = lint.mode is Mode.ENFORCE
    every = len(coverage.uncovered) == len(hosts)
    if not enforce:
        practice = (
            "In testing mail is still delivered, and each attempt is reported as a failure (validation-failure); in "
            "enforce it would wait in the sender's queue."
        )
    elif every:
        practice = "No MX host is permitted: senders that know this policy hold back all mail and try again later."
    else:
        practice = (
            "Senders that know this policy do not deliver to it; mail waits in their queue when the permitted hosts "
            "cannot be reached."
        )
    if any(fault.is_error for fault in lint.faults):
        practice = f"As soon as the file is valid: {practice[0].lower()}{practice[1:]}"
    smallest = ", ".join(f"`mx: {pattern}`" for pattern in host_patterns(hosts)[:10])
    findings: list[Finding] = []
    told: set[str] = set()
    for host in coverage.uncovered[:_EACH]:
        parts = [f"No pattern of the policy permits the MX host {one_line(host, 253)}."]
        if pattern_fault(host) is not None:
            parts.append("It is no host name, so no pattern ever can: the MX record itself is wrong.")
        elif miss := near_miss(host, lint.mx):
            parts.append(miss[2])
        parts.append(practice)
        provider = mail_provider(host)
        if provider and provider.advice and provider.name not in told:
            told.add(provider.name)
            parts.append(f"{provider.name}: {_advice(provider, lint.mx)}")
        if smallest and len(hosts) > 1 and not findings:
            parts.append(f"The fewest patterns that permit all your MX hosts: {smallest}.")
        findings.append(_not_covered(host, " ".join(parts), lint, right, enforce=enforce))
    if more := coverage.uncovered[_EACH:]:
        message = f"{plural(len(more), 'more MX host is', 'more MX hosts are')} not permitted. {practice}"
        findings.append(_not_covered(", ".join(more[:50]), message, lint, right, enforce=enforce))
    return findings


def _advice(provider: MailProvider, patterns: Sequence[str]) -> str:
    """Return what to know about a provider; what many guides say only where somebody has followed them."""
    low = {ascii_lower(pattern) for pattern in patterns}
    if provider is GOOGLE and low >= _GUIDE_PAIR:
        return f"this pair of patterns is in many guides. {provider.advice}"
    return provider.advice


def _not_covered(host: str, message: str, lint: PolicyLint, right: str | None, *, enforce: bool) -> Finding:
    return Finding(
        code="mx-not-covered",
        severity=Severity.ERROR if enforce else Severity.WARNING,
        effect=Effect.DEFERS_MAIL if enforce else Effect.COSMETIC,
        subject=f"MX host {one_line(host, 253)}",
        host=one_line(host, 253),
        message=message,
        evidence="mx: " + ", ".join(lint.mx[:10]) if lint.mx else "no pattern",
        fix=right or "Give each MX host a line `mx: …` in the policy, or correct the MX record.",
        rfc=_RFC,
    )


def _line_of(lint: PolicyLint, pattern: str) -> str:
    low = ascii_lower(pattern)
    line = next((line for line, written in lint.mx_lines if ascii_lower(written) == low), None)
    return f"policy file, line {line}" if line else "policy file"


def _without(lint: PolicyLint, gone: Sequence[str], more: Sequence[str] = ()) -> str:
    low = {ascii_lower(pattern) for pattern in gone}
    kept = [pattern for pattern in lint.mx if ascii_lower(pattern) not in low]
    return policy_text(lint, [*kept, *more]) or ""


def _unused(lint: PolicyLint, coverage: Coverage, hosts: Sequence[str]) -> list[Finding]:
    covered_all = not coverage.uncovered
    # A pattern that is named as the slip for a host needs no second finding.
    named = {miss[0] for host in coverage.uncovered[:_EACH] if (miss := near_miss(host, lint.mx))}
    findings: list[Finding] = []
    theirs = {provider.name for host in hosts if (provider := mail_provider(host))}
    for pattern in [pattern for pattern in coverage.unused if pattern not in named][:_EACH]:
        provider = mail_provider(pattern)
        left_over = provider is not None and provider.name not in theirs
        if provider in (MICROSOFT, MX_MICROSOFT) and not left_over:
            hint = "Both forms of Microsoft 365 hosts may be wanted while a domain moves from one to the other."
        elif left_over and provider is not None:
            hint = f"It belongs to {provider.name}, where the domain has no MX host (any more)."
        else:
            hint = "It is right only while an MX host is being added or removed."
        findings.append(
            Finding(
                code="pattern-unused",
                severity=Severity.ADVICE,
                effect=Effect.COSMETIC,
                subject=_line_of(lint, pattern),
                message=f"The pattern permits none of the MX hosts. {hint} What it does is to permit hosts that "
                "nobody meant to permit.",
                evidence=f"mx: {pattern}",
                fix=_without(lint, [pattern]) if covered_all else "",
                rfc=_RFC,
            )
        )
    return findings


def _broad(lint: PolicyLint, coverage: Coverage) -> list[Finding]:
    findings: list[Finding] = []
    for pattern, host in coverage.broad[:_EACH]:
        provider = mail_provider(host)
        findings.append(
            Finding(
                code="pattern-broad",
                severity=Severity.ADVICE,
                effect=Effect.COSMETIC,
                subject=_line_of(lint, pattern),
                message=f"The wildcard is wider than needed: of the MX hosts it permits only {host}. "
                + (
                    f"{provider.name}: {provider.advice}"
                    if provider is MICROSOFT
                    else "Any other host of that domain with a valid certificate is permitted as well."
                ),
                evidence=f"mx: {pattern}",
                fix=_without(lint, [pattern], [host]) if not coverage.uncovered else "",
                rfc=_RFC,
            )
        )
    return findings


def _redundant(lint: PolicyLint, coverage: Coverage) -> list[Finding]:
    return [
        Finding(
            code="pattern-redundant",
            severity=Severity.ADVICE,
            effect=Effect.COSMETIC,
            subject=_line_of(lint, pattern),
            message=f"`{wildcard}` permits this host already. Keep the wildcard or the hosts, not both.",
            evidence=f"mx: {pattern}",
            fix=_without(lint, [pattern]) if not coverage.uncovered else "",
            rfc=_RFC,
        )
        for pattern, wildcard in coverage.redundant[:_EACH]
    ]
