"""A policy's patterns against the MX hosts (RFC 8461 §4.1): which hosts are not covered, which patterns match nothing."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..knowledge import finding_texts
from ._names import ascii_lower
from ._patterns import mx_matches, pattern_doubt, pattern_fault

__all__ = ["Coverage", "Miss", "NearMiss", "cover", "host_patterns", "near_miss", "smallest_covering"]


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
