"""Providers recognised from MX names, CNAME chains and response headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .. import knowledge
from ._evidence import MxHost, PolicyHost, Provider

__all__ = ["recognise"]


def _ends_in(name: str, domains: Sequence[str]) -> bool:
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)


def _signs(known: knowledge.Provider, mx: Sequence[MxHost], policy_host: PolicyHost) -> Iterator[tuple[str, str]]:
    for host in mx:
        if _ends_in(host.host, known.mx):
            yield "mx", f"MX {host.host}"
            break
    for name in policy_host.cname_chain:
        if _ends_in(name, known.cname):
            yield "policy host", f"CNAME {name}"
            return
    for attempt in policy_host.attempts:
        for header, wanted in known.headers:
            value = attempt.response.header(header) if attempt.response else ""
            if value and wanted in value.lower():
                yield "policy host", f"header {header}: {value[:80]}"
                return


def recognise(mx: Sequence[MxHost], policy_host: PolicyHost) -> tuple[Provider, ...]:
    """Return the providers that MX names, CNAMEs and headers point to, each role once per provider."""
    found: dict[tuple[str, str], Provider] = {}
    for known in knowledge.providers():
        for role, evidence in _signs(known, mx, policy_host):
            found.setdefault((known.name, role), Provider(name=known.name, role=role, evidence=evidence))
    return tuple(found.values())
