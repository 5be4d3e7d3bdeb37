"""Providers recognised from MX names, CNAME chains and response headers."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

from ._evidence import MxHost, PolicyHost, Provider

__all__ = ["recognise"]


@lru_cache(maxsize=1)
def _known() -> tuple[Mapping[str, Any], ...]:
    text = (resources.files("mtasts_nb.probe") / "providers.toml").read_text("utf-8")
    return tuple(tomllib.loads(text)["provider"])


def _ends_in(name: str, ends: Sequence[str]) -> bool:
    return any(name == end.removeprefix(".") or name.endswith(end if end[0] == "." else f".{end}") for end in ends)


def _signs(entry: Mapping[str, Any], mx: Sequence[MxHost], policy_host: PolicyHost) -> Iterator[tuple[str, str]]:
    for host in mx:
        if _ends_in(host.host, entry.get("mx", ())):
            yield "mx", f"MX {host.host}"
            break
    for name in policy_host.cname_chain:
        if _ends_in(name, entry.get("cname", ())):
            yield "policy host", f"CNAME {name}"
            return
    for attempt in policy_host.attempts:
        for wanted in entry.get("header", ()):
            value = attempt.response.header(wanted["name"]) if attempt.response else ""
            if value and wanted["value"].lower() in value.lower():
                yield "policy host", f"header {wanted['name']}: {value[:80]}"
                return


def recognise(mx: Sequence[MxHost], policy_host: PolicyHost) -> tuple[Provider, ...]:
    """Return the providers that MX names, CNAMEs and headers point to, each role once per provider."""
    return tuple(
        Provider(name=entry["name"], role=role, evidence=evidence)
        for entry in _known()
        for role, evidence in _signs(entry, mx, policy_host)
    )
