"""What this network does not let out: then nothing was observed, whatever the attempts look like one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from ..vocabulary import Status
from ._evidence import DnsAttempt, HttpAttempt, MxHost, PolicyHost, SmtpAttempt

__all__ = ["anything_answered", "without_ipv6", "without_port_25", "without_resolver"]

Attempt = TypeVar("Attempt", HttpAttempt, SmtpAttempt)

# A resolver that answers every question so refuses us; where it is a single name, it says something about that name.
_UNWILLING = frozenset({"REFUSED", "FORMERR", "NOTIMP", "NOTAUTH"})


def anything_answered(attempts: Iterable[DnsAttempt]) -> bool:
    """Return whether the resolver answered any question at all."""
    return any(one.answer is not None and one.answer.rcode not in _UNWILLING for one in attempts)


def without_resolver(attempts: tuple[DnsAttempt, ...]) -> tuple[DnsAttempt, ...]:
    """Return the questions to the resolver; where it answered none of them, as not observed."""
    if anything_answered(attempts):
        return attempts
    return tuple(replace(one, status=Status.NOT_OBSERVED) for one in attempts)


def _dropped(attempt: HttpAttempt | SmtpAttempt) -> bool:
    """Return whether a connection was tried in vain until the end of its time."""
    return attempt.status is Status.FAILED and attempt.stage == "connect" and attempt.reason == "timeout"


def _unobserved(attempt: Attempt, reason: str, detail: str) -> Attempt:
    return replace(attempt, status=Status.NOT_OBSERVED, reason=reason, detail=detail) if _dropped(attempt) else attempt


def without_port_25(hosts: tuple[MxHost, ...]) -> tuple[tuple[MxHost, ...], bool]:
    """Return the hosts, and whether port 25 is closed from here: then nothing was observed at any of them.

    Closed means: at least one connection was silently dropped, and none got any answer at all, not even a refusal.
    """
    attempts = [attempt for host in hosts for attempt in host.attempts]
    dropped = [attempt for attempt in attempts if _dropped(attempt)]
    answered = [attempt for attempt in attempts if attempt.status is not Status.NOT_OBSERVED and not _dropped(attempt)]
    if not dropped or answered:
        return hosts, False
    detail = "the connection was silently dropped, as every other to port 25"
    return _each(hosts, "port-25-closed", detail, ipv6_only=False), True


def without_ipv6(policy_host: PolicyHost, hosts: tuple[MxHost, ...]) -> tuple[PolicyHost, tuple[MxHost, ...], bool]:
    """Return policy host and MX hosts, and whether IPv6 is closed from here.

    Closed means: every connection over IPv6, to two hosts at least, was silently dropped, while IPv4 got answers.
    """
    tried = [(attempt.request.host, attempt) for attempt in policy_host.attempts]
    both: list[tuple[str, HttpAttempt | SmtpAttempt]] = [*tried, *((mx.host, a) for mx in hosts for a in mx.attempts)]
    over_ipv6 = [(host, a) for host, a in both if ":" in a.request.address and a.status is not Status.NOT_OBSERVED]
    answered = any(
        ":" not in a.request.address and a.status is not Status.NOT_OBSERVED and not _dropped(a) for _, a in both
    )
    if not answered or len({host for host, _ in over_ipv6}) < 2 or not all(_dropped(a) for _, a in over_ipv6):
        return policy_host, hosts, False
    reason, detail = "ipv6-closed", "the connection was silently dropped, as every other over IPv6"
    seen = tuple(_unobserved(a, reason, detail) if ":" in a.request.address else a for a in policy_host.attempts)
    return replace(policy_host, attempts=seen), _each(hosts, reason, detail, ipv6_only=True), True


def _each(hosts: tuple[MxHost, ...], reason: str, detail: str, *, ipv6_only: bool) -> tuple[MxHost, ...]:
    return tuple(
        replace(
            host,
            attempts=tuple(
                a if ipv6_only and ":" not in a.request.address else _unobserved(a, reason, detail)
                for a in host.attempts
            ),
        )
        for host in hosts
    )
