"""A policy's patterns against the MX hosts there are (RFC 8461 §4.1): what is not permitted, what is permitted idly."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from ._names import ascii_lower, mx_matches

__all__ = ["Coverage", "cover", "near_miss", "smallest_covering"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which hosts a list of patterns permits.

    `uncovered` are the hosts that none permits, `unused` the patterns that permit none, `broad` the wildcards that
    permit exactly one of the hosts, `redundant` the patterns whose hosts another pattern permits as well.
    """

    uncovered: tuple[str, ...]
    unused: tuple[str, ...]
    broad: tuple[tuple[str, str], ...]
    redundant: tuple[tuple[str, str], ...]


def cover(patterns: Sequence[str], hosts: Sequence[str]) -> Coverage:
    """Return which hosts the patterns permit and which patterns do nothing.

    Examples
    --------
    >>> cover(["*.nordwind.example"], ["mx1.nordwind.example", "nordwind.example"]).uncovered
    ('nordwind.example',)
    """
    exact = {ascii_lower(pattern): pattern for pattern in patterns}
    by_pattern: dict[str, list[str]] = {pattern: [] for pattern in exact.values()}
    uncovered = []
    for host in hosts:
        # A host can be permitted by itself and by one wildcard; so there is no need to try every pattern.
        wildcard = "*." + host.partition(".")[2]
        found = [exact[key] for key in (host, wildcard) if key in exact and mx_matches(exact[key], host)]
        for pattern in found:
            by_pattern[pattern].append(host)
        if not found:
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
    """Return the fewest patterns that permit every host: a wildcard where it stands for two or more, else the host.

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


def near_miss(host: str, patterns: Sequence[str]) -> tuple[str, str, str] | None:
    """Return the pattern that comes closest to a host that is not permitted, its kind, and why it fails.

    The kind is ``wildcard-missing``, ``apex``, ``wildcard-short``, ``wildcard-long``, ``sibling`` or ``typo``.

    Examples
    --------
    >>> near_miss("x.mail.protection.outlook.com", ["mail.protection.outlook.com"])[1]
    'wildcard-missing'
    >>> near_miss("aspmx.l.google.com", ["*.google.com"])[1:]
    ('wildcard-short', '`*.google.com` permits one label before `google.com`; `aspmx.l.google.com` has two.')
    """
    best: tuple[int, tuple[str, str, str]] | None = None
    for pattern in patterns[:1000]:
        miss = _miss(host, pattern)
        if miss and (best is None or miss[0] < best[0]):
            best = (miss[0], (pattern, miss[1], miss[2]))
    if best:
        return best[1]
    close = difflib.get_close_matches(host, [pattern for pattern in patterns[:50] if len(pattern) < 254], 1, 0.85)
    if close:
        return close[0], "typo", f"`{close[0]}` is spelt almost like it: compare letter by letter."
    return None


def _miss(host: str, pattern: str) -> tuple[int, str, str] | None:
    """Return how near (0 is nearest), the kind, and the reason."""
    low = ascii_lower(pattern)
    domain = low.removeprefix("*.")
    wild = low != domain
    if host.endswith("." + domain):
        labels = host.removesuffix("." + domain).count(".") + 1
        if not wild:
            return (
                labels - 1,
                "wildcard-missing",
                f"`{pattern}` has no wildcard and permits only the host of that very name.",
            )
        count = {2: "two", 3: "three", 4: "four"}.get(labels, str(labels))
        return labels, "wildcard-short", f"`{pattern}` permits one label before `{domain}`; `{host}` has {count}."
    if wild and host == domain:
        return 0, "apex", f"`{pattern}` permits hosts below `{domain}`, not `{domain}` itself."
    if domain.endswith("." + host):
        return 3, "wildcard-long", f"`{pattern}` is below `{host}`; the host itself needs a line of its own."
    if not wild and "." in host.partition(".")[2] and low.partition(".")[2] == host.partition(".")[2]:
        return 4, "sibling", f"`{pattern}` is another host of the same domain."
    return None
