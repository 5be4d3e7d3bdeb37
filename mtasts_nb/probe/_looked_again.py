"""Whether a later probe got as far as the place of an earlier finding: only then has it gone, and not just out of sight."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..vocabulary import Finding, Status
from ._evidence import DnsAttempt, HttpAttempt, MxHost, SmtpAttempt
from ._judge_policy_host import policy_bodies

if TYPE_CHECKING:
    from ._probe import Probe

__all__ = ["looked_again"]

_AT = re.compile(r"\[([^\]]*)\]")
_OURS = ("resolver-", "outbound-", "probe-")
_UNDER_TLS = ("mx-certificate-", "mx-ehlo-after-tls-", "tlsa-mismatch")
_AFTER_STARTTLS = ("mx-starttls-", "mx-tls-")


def looked_again(one: Finding, later: Probe) -> bool:
    """Return whether a probe looked at what an earlier finding is about, and as far into it."""
    code, subject = one.code, one.subject
    if code.startswith(_OURS):
        return True
    if "_smtp._tls" in subject:
        return _answered(later.tlsrpt)
    if "_mta-sts" in subject:
        return _answered(later.sts)
    if subject.startswith("policy file"):
        return bool(policy_bodies(later))
    if subject.startswith("MX host "):  # one that the policy does not permit
        return bool(policy_bodies(later)) and _answered(later.mx)
    if subject.startswith(later.policy_host.host):
        return _policy_host(one, later)
    if code.startswith(("mx-", "tlsa-")) and not subject.startswith("MX "):
        return _mx_host(one, later)
    return all(_answered(attempt) for attempt in (later.sts, later.mx, later.tlsrpt))


def _answered(*attempts: DnsAttempt | None) -> bool:
    return all(attempt is not None and attempt.status is Status.COMPLETED for attempt in attempts)


def _addresses(one: Finding) -> set[str]:
    """Return the addresses that a finding is limited to; none where it is about all of them."""
    found = _AT.search(one.subject)
    return set(found.group(1).split(", ")) if found else set()


def _policy_host(one: Finding, later: Probe) -> bool:
    place = later.policy_host
    where = _addresses(one)
    attempts = [attempt for attempt in place.attempts if not where or attempt.request.address in where]
    if not attempts:
        return _answered(place.a, place.aaaa)  # the address is no more
    return all(_reached_http(attempt, one.code) for attempt in attempts)


def _reached_http(attempt: HttpAttempt, code: str) -> bool:
    if code.startswith("policy-certificate-"):
        return attempt.tls is not None
    if code.startswith("policy-host-"):
        return attempt.status is not Status.NOT_OBSERVED
    return attempt.response is not None


def _mx_host(one: Finding, later: Probe) -> bool:
    host = one.subject.partition(" ")[0]
    mx = next((mx for mx in later.mx_hosts if mx.host == host), None)
    if mx is None:
        return _answered(later.mx)  # the host is no more
    if one.code.startswith("tlsa-") and one.code != "tlsa-mismatch":
        return _answered(mx.tlsa)
    where = _addresses(one)
    attempts = [attempt for attempt in mx.attempts if not where or attempt.request.address in where]
    if not attempts:
        return _gone(mx)
    return all(_reached_smtp(attempt, one.code) for attempt in attempts)


def _gone(mx: MxHost) -> bool:
    return mx.problem != "limit" and _answered(mx.a, mx.aaaa)


def _reached_smtp(attempt: SmtpAttempt, code: str) -> bool:
    if code.startswith(_UNDER_TLS):
        return attempt.tls is not None
    if code.startswith(_AFTER_STARTTLS):
        return attempt.starttls is not None
    return attempt.status is not Status.NOT_OBSERVED
