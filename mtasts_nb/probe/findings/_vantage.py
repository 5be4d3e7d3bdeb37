"""What this network does not let out: then nothing was observed, however the single attempts look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from ...vocabulary import Status
from .._attempts import Attempt, DnsAttempt, HttpAttempt, SmtpAttempt
from .._evidence import MxHost, PolicyHost

__all__ = ["no_answer_on_port_25", "without_ipv6", "without_port_25", "without_resolver"]

A = TypeVar("A", HttpAttempt, SmtpAttempt)

# A packet filter drops packets, or rejects them with ICMP "host prohibited". Either filter may be ours or theirs: one
# attempt alone does not show whose.
_NO_PACKET_FROM_HOST = frozenset({"timeout", "unreachable"})


def without_resolver(lookups: tuple[DnsAttempt, ...]) -> tuple[DnsAttempt, ...]:
    """Return the questions to the resolver; as not observed if it answered none of them."""
    if any(lookup.answered for lookup in lookups):
        return lookups
    return tuple(replace(lookup, status=Status.NOT_OBSERVED) for lookup in lookups)


def _is_dropped(attempt: Attempt) -> bool:
    """Return whether a connection was tried in vain: no packet came from the host itself."""
    return attempt.status is Status.FAILED and attempt.stage == "connect" and attempt.reason in _NO_PACKET_FROM_HOST


def _is_ipv6(attempt: HttpAttempt | SmtpAttempt) -> bool:
    return ":" in attempt.request.address


def no_answer_on_port_25(attempts: Iterable[SmtpAttempt]) -> bool:
    """Return whether no attempt got any answer from a host, not even a refusal.

    At least one was dropped, rejected on the way, or did not leave this machine.
    """
    attempts = list(attempts)
    stuck = any(_is_dropped(attempt) or attempt.reason == "no-way-out" for attempt in attempts)
    return stuck and not any(attempt.observed and not _is_dropped(attempt) for attempt in attempts)


def without_port_25(hosts: tuple[MxHost, ...], reference: SmtpAttempt | None) -> tuple[tuple[MxHost, ...], bool]:
    """Return the hosts, and whether nothing was observed at any of them, as nothing answers on port 25.

    If a `reference` elsewhere answers, port 25 is open from here, and the hosts themselves are silent.
    """
    open_here = reference is not None and not no_answer_on_port_25([reference])
    if open_here or not no_answer_on_port_25(attempt for host in hosts for attempt in host.attempts):
        return hosts, False
    detail = "as for every other connection to port 25"
    return tuple(replace(mx, attempts=_unobserved(mx.attempts, "port-25-closed", detail)) for mx in hosts), True


def without_ipv6(policy_host: PolicyHost, hosts: tuple[MxHost, ...]) -> tuple[PolicyHost, tuple[MxHost, ...], bool]:
    """Return policy host and MX hosts, and whether IPv6 is closed from here.

    Closed means: every connection over IPv6, to two hosts at least, was dropped or rejected on the way, while IPv4
    worked.
    """
    attempts: list[tuple[str, HttpAttempt | SmtpAttempt]] = [(policy_host.host, a) for a in policy_host.attempts]
    attempts += [(mx.host, attempt) for mx in hosts for attempt in mx.attempts]
    over_ipv6 = [(host, attempt) for host, attempt in attempts if _is_ipv6(attempt) and attempt.observed]
    ipv4_works = any(not _is_ipv6(a) and a.observed and not _is_dropped(a) for _, a in attempts)
    names = {host for host, _ in over_ipv6}
    if not ipv4_works or len(names) < 2 or not all(_is_dropped(attempt) for _, attempt in over_ipv6):
        return policy_host, hosts, False

    reason, detail = "ipv6-closed", "as for every other connection over IPv6"
    changed = replace(policy_host, attempts=_unobserved(policy_host.attempts, reason, detail, ipv6_only=True))
    mx_hosts = (replace(mx, attempts=_unobserved(mx.attempts, reason, detail, ipv6_only=True)) for mx in hosts)
    return changed, tuple(mx_hosts), True


def _unobserved(attempts: tuple[A, ...], reason: str, detail: str, *, ipv6_only: bool = False) -> tuple[A, ...]:
    return tuple(
        replace(attempt, status=Status.NOT_OBSERVED, reason=reason, detail=f"{attempt.detail}, {detail}")
        if _is_dropped(attempt) and (_is_ipv6(attempt) or not ipv6_only)
        else attempt
        for attempt in attempts
    )
