"""A policy's patterns against the MX hosts (RFC 8461 §4.1): what is not covered, what is not used, and the findings."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ..knowledge import Provider, finding, finding_texts, mail_provider
from ..markup import one_line, plural
from ..vocabulary import Effect, Finding, Mode, Severity
from ._names import ascii_lower, mx_matches, pattern_doubt, pattern_fault
from ._policy import policy_text
from ._policy_fields import PolicyLint

__all__ = ["smallest_covering"]


class Miss(StrEnum):
    """How a pattern fails to match a host that is similar to it."""

    WILDCARD_MISSING = "wildcard-missing"
    WILDCARD_SHORT = "wildcard-short"
    WILDCARD_LONG = "wildcard-long"
    APEX = "apex"
    SIBLING = "sibling"
    TYPO = "typo"

    @property
    def is_mistake(self) -> bool:
        """Whether the pattern was probably meant for that host."""
        return self in (Miss.WILDCARD_MISSING, Miss.WILDCARD_SHORT, Miss.TYPO)


@dataclass(frozen=True, slots=True)
class NearMiss:
    """The pattern that comes closest to a host that is not covered.

    Attributes
    ----------
    host, pattern : str
    kind : Miss
        How it fails.
    labels : int
        How many labels the host has before the domain of the pattern.
    """

    host: str
    pattern: str
    kind: Miss
    labels: int = 0

    @property
    def why(self) -> str:
        """Why the pattern does not match, as a sentence."""
        return finding_texts()["mx-not-covered"].message(
            self.kind,
            host=self.host,
            pattern=self.pattern,
            domain=ascii_lower(self.pattern).removeprefix("*."),
            count={2: "two", 3: "three", 4: "four"}.get(self.labels, str(self.labels)),
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which hosts a list of patterns covers.

    `uncovered` are the hosts that none matches, `unused` the patterns that match none, `broad` the wildcards that
    match exactly one of the hosts, `redundant` the patterns whose hosts another pattern matches as well.
    """

    uncovered: tuple[str, ...]
    unused: tuple[str, ...]
    broad: tuple[tuple[str, str], ...]
    redundant: tuple[tuple[str, str], ...]


def cover(patterns: Sequence[str], hosts: Sequence[str]) -> Coverage:
    """Return which hosts the patterns cover and which patterns do nothing.

    Examples
    --------
    >>> cover(["*.nordwind.example"], ["mx1.nordwind.example", "nordwind.example"]).uncovered
    ('nordwind.example',)
    """
    exact = {ascii_lower(pattern): pattern for pattern in patterns}
    by_pattern: dict[str, list[str]] = {pattern: [] for pattern in exact.values()}
    uncovered = []
    for host in hosts:
        # A host can be matched by its own name and by one wildcard; so there is no need to try every pattern.
        wildcard = "*." + host.partition(".")[2]
        matching = [exact[key] for key in (host, wildcard) if key in exact and mx_matches(exact[key], host)]
        for pattern in matching:
            by_pattern[pattern].append(host)
        if not matching:
            uncovered.append(host)
    wild = {pattern: matched for pattern, matched in by_pattern.items() if pattern.startswith("*.")}
    return Coverage(
        tuple(uncovered),
        tuple(pattern for pattern, matched in by_pattern.items() if not matched),
        tuple((pattern, matched[0]) for pattern, matched in wild.items() if len(matched) == 1),
        tuple(
            (pattern, other)
            for pattern in by_pattern
            if not pattern.startswith("*.")
            and (other := exact.get("*." + ascii_lower(pattern).partition(".")[2])) is not None
        ),
    )


def smallest_covering(hosts: Sequence[str]) -> tuple[str, ...]:
    """Return the fewest patterns that cover every host: a wildcard where it matches two or more, else the host.

    A wildcard directly under a top-level domain is never proposed.

    Examples
    --------
    >>> smallest_covering(["aspmx.l.google.com", "alt1.aspmx.l.google.com", "alt2.aspmx.l.google.com"])
    ('aspmx.l.google.com', '*.aspmx.l.google.com')
    """
    siblings: dict[str, list[str]] = {}
    for host in hosts:
        siblings.setdefault(host.partition(".")[2], []).append(host)
    return tuple(
        dict.fromkeys(
            "*." + parent if "." in parent and len(siblings[parent]) > 1 else host
            for host in hosts
            for parent in (host.partition(".")[2],)
        )
    )


def host_patterns(hosts: Sequence[str]) -> tuple[str, ...]:
    """Return the fewest patterns that cover the hosts with a valid host name."""
    return smallest_covering(
        [host for host in hosts if pattern_fault(host) is None and pattern_doubt(host) is None and host[0] != "*"]
    )


def near_miss(host: str, patterns: Sequence[str]) -> NearMiss | None:
    """Return the pattern that comes closest to a host that is not covered; None where none is similar.

    Examples
    --------
    >>> near_miss("x.mail.protection.outlook.com", ["mail.protection.outlook.com"]).kind.value
    'wildcard-missing'
    >>> near_miss("aspmx.l.google.com", ["*.google.com"]).why
    '`*.google.com` matches one label before `google.com`; `aspmx.l.google.com` has two.'
    """
    misses = [miss for pattern in patterns[:1000] if (miss := _miss(host, pattern))]
    if misses:
        return min(misses, key=lambda miss: miss[0])[1]
    close = difflib.get_close_matches(host, [pattern for pattern in patterns[:50] if len(pattern) < 254], 1, 0.85)
    return NearMiss(host, close[0], Miss.TYPO) if close else None


def _miss(host: str, pattern: str) -> tuple[int, NearMiss] | None:
    """Return how far a pattern is from a host (0 is nearest), and how it fails."""
    low = ascii_lower(pattern)
    domain = low.removeprefix("*.")
    wild = low != domain
    if host.endswith("." + domain):
        labels = host.removesuffix("." + domain).count(".") + 1
        if wild:
            return labels, NearMiss(host, pattern, Miss.WILDCARD_SHORT, labels)
        return labels - 1, NearMiss(host, pattern, Miss.WILDCARD_MISSING, labels)
    if wild and host == domain:
        return 0, NearMiss(host, pattern, Miss.APEX)
    if domain.endswith("." + host):
        return 3, NearMiss(host, pattern, Miss.WILDCARD_LONG)
    if not wild and "." in host.partition(".")[2] and low.partition(".")[2] == host.partition(".")[2]:
        return 4, NearMiss(host, pattern, Miss.SIBLING)
    return None


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
