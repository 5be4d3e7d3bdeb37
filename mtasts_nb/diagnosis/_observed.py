"""What a probe observed, in the words that the flowchart asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..markup import one_line, plural
from ..vocabulary import Mode, Status

if TYPE_CHECKING:
    from ..probe import Probe

__all__ = ["observed"]


def observed(probe: Probe, before: Probe | None = None) -> Mapping[str, str]:
    """Return what was observed, by the words of `Node.needs`, each with what was seen. What is missing was not."""
    seen: dict[str, str] = {}
    if probe.sts.status is not Status.NOT_OBSERVED:
        texts = " · ".join(probe.sts.texts)
        seen["record"] = one_line(f"TXT {probe.sts.query.name}: {texts or probe.sts.detail}", 200)
    _policy_host(probe, seen)
    if probe.mx.status is not Status.NOT_OBSERVED:
        names = ", ".join(mx.host for mx in probe.mx_hosts)
        seen["mx"] = one_line(f"MX {probe.domain}: {names or probe.mx.detail}", 200)
        _coverage(probe, seen)
    _smtp(probe, seen)
    asked = [mx.tlsa for mx in probe.mx_hosts if mx.tlsa is not None]
    if all(attempt.status is not Status.NOT_OBSERVED for attempt in asked):
        count = sum(len(attempt.texts) for attempt in asked)
        seen["tlsa"] = f"{plural(count, 'TLSA record')} at {plural(len(asked), 'MX host')}."
    if probe.tlsrpt.status is not Status.NOT_OBSERVED:
        texts = " · ".join(probe.tlsrpt.texts)
        seen["reporting"] = one_line(f"TXT {probe.tlsrpt.query.name}: {texts or probe.tlsrpt.detail}", 200)
    if before is not None and before.domain == probe.domain:
        seen["before"] = "An earlier look is at hand."
    return seen


def _policy_host(probe: Probe, seen: dict[str, str]) -> None:
    place = probe.policy_host
    if Status.NOT_OBSERVED in (place.a.status, place.aaaa.status) and not place.attempts:
        return
    told = [attempt for attempt in place.attempts if attempt.status is not Status.NOT_OBSERVED]
    if place.attempts and not told:
        return
    where = ", ".join(f"{attempt.request.address}: {one_line(attempt.detail, 80) or attempt.stage}" for attempt in told)
    seen["policy-host"] = one_line(f"{place.host} {where or 'has no address'}", 240)
    if any(attempt.response and attempt.response.status_code == 200 for attempt in told):
        policy = probe.served_policy
        seen["policy-file"] = f"A file, mode {policy.mode.value}." if policy else "A file that is no valid policy."


def _coverage(probe: Probe, seen: dict[str, str]) -> None:
    policy = probe.policy or probe.served_policy
    if policy is not None:
        patterns = ", ".join(policy.mx) or "none"
        none = ", in mode none, where nothing is compared" if policy.mode is Mode.NONE else ""
        seen["mx-coverage"] = one_line(f"The policy permits {patterns}{none}.", 240)


def _smtp(probe: Probe, seen: dict[str, str]) -> None:
    hosts = [mx for mx in probe.mx_hosts if not mx.problem]
    visited = [[a for a in mx.attempts if a.status is not Status.NOT_OBSERVED] for mx in hosts]
    # Of a host whose every address was left out, nothing is known.
    if probe.port_25_closed or probe.mx.status is Status.NOT_OBSERVED:
        return
    if any(mx.attempts and not told for mx, told in zip(hosts, visited, strict=True)):
        return
    count = sum(map(len, visited))
    seen["smtp"] = f"{plural(count, 'address', 'addresses')} of {plural(len(hosts), 'MX host')} spoken to."
