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


# A packet filter drops, or has the sender told that there is no way (ICMP "host prohibited", the default of many). Either
# may be ours or theirs: one alone says nothing about whose.
_NO_WORD_FROM_THE_HOST = frozenset({"timeout", "unreachable"})


def _dropped(attempt: HttpAttempt | SmtpAttempt) -> bool:
    """Return whether a connection was tried in vain: no word came from the host itself."""
    return attempt.status is Status.FAILED and attempt.stage == "connect" and attempt.reason in _NO_WORD_FROM_THE_HOST


def _unobserved(attempt: Attempt, reason: str, detail: str) -> Attempt:
    if not _dropped(attempt):
        return attempt
    return replace(attempt, status=Status.NOT_OBSERVED, reason=reason, detail=f"{attempt.detail}, {detail}")


def without_port_25(hosts: tuple[MxHost, ...]) -> tuple[tuple[MxHost, ...], bool]:
    """Return the hosts, and whether port 25 is closed from here: then nothing was observed at any of them.

    Closed means: at least one connection was dropped, turned back on the way, or did not leave this machine, and none got
    any answer from the host, not even a refusal.
    """
    attempts = [attempt for host in hosts for attempt in host.attempts]
    stuck = [attempt for attempt in attempts if _dropped(attempt) or attempt.reason == "no-way-out"]
    answered = [attempt for attempt in attempts if attempt.status is not Status.NOT_OBSERVED and not _dropped(attempt)]
    if not stuck or answered:
        return hosts, False
    detail = "as for every other connection to port 25"
    return _each(hosts, "port-25-closed", detail, ipv6_only=False), True


def without_ipv6(policy_host: PolicyHost, hosts: tuple[MxHost, ...]) -> tuple[PolicyHost, tuple[MxHost, ...], bool]:
    """Return policy host and MX hosts, and whether IPv6 is closed from here.

    Closed means: every connection over IPv6, to two hosts at least, was dropped or turned back on the way, while IPv4
    got answers.
    """
    tried = [(attempt.request.host, attempt) for attempt in policy_host.attempts]
    both: list[tuple[str, HttpAttempt | SmtpAttempt]] = [*tried, *((mx.host, a) for mx in hosts for a in mx.attempts)]
    over_ipv6 = [(host, a) for host, a in both if ":" in a.request.address and a.status is not Status.NOT_OBSERVED]
    answered = any(
        ":" not in a.request.address and a.status is not Status.NOT_OBSERVED and not _dropped(a) for _, a in both
    )
    if not answered or len({host for host, _ in over_ipv6}) < 2 or not all(_dropped(a) for _, a in over_ipv6):
        return policy_host, hosts, False
    reason, detail = "ipv6-closed", "as for every other connection over IPv6"
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
