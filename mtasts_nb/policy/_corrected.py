"""Texts put right: what a fix proposes to paste. Each is read back before it is proposed."""

from __future__ import annotations

from collections.abc import Sequence

from mtasts_nb.errors import PolicyError, RecordError
from mtasts_nb.vocabulary import Mode

from ._coverage import cover, near_miss, smallest_covering
from ._names import ascii_lower, pattern_doubt, pattern_fault
from ._policy import Policy
from ._policy_lint import PolicyLint
from ._record_lint import RecordLint
from ._sts_record import StsRecord, id_meant
from ._tlsrpt_record import TlsRptRecord

__all__ = ["corrected_policy", "corrected_sts_record", "corrected_tlsrpt_record", "host_patterns", "policy_text"]

# RFC 8461 §3.2 expects weeks; while testing a day makes going back quick (the usual roll-out).
_USUAL_MAX_AGE = {Mode.TESTING: 86_400, Mode.ENFORCE: 604_800, Mode.NONE: 86_400}
_DAY = 86_400
_NAMED_HOSTS = 10


def host_patterns(hosts: Sequence[str]) -> tuple[str, ...]:
    """Return the fewest patterns that permit the hosts which have a host name at all."""
    return smallest_covering(
        [host for host in hosts if pattern_fault(host) is None and pattern_doubt(host) is None and host[0] != "*"]
    )


def _lines_for(hosts: Sequence[str]) -> tuple[str, ...]:
    """Return the patterns to write for hosts: each by its name, which permits no other; many by fewer patterns."""
    named = [host for host in hosts if host_patterns([host])]
    return tuple(named) if len(named) <= _NAMED_HOSTS else host_patterns(named)


def policy_text(lint: PolicyLint, mx: Sequence[str], max_age: int | None = None) -> str | None:
    """Return a policy file with these patterns, all else as understood; None where there is no pattern."""
    mode = lint.mode or Mode.TESTING
    age = lint.max_age if max_age is None else max_age
    if age is None or (age < _DAY and mode is not Mode.NONE):
        age = _USUAL_MAX_AGE[mode]
    if mode is Mode.NONE:
        mx = ()
    elif not mx:
        return None
    unique = {ascii_lower(pattern): pattern for pattern in reversed(mx)}
    extensions: dict[str, str] = {}
    for key, value in lint.extensions:
        if key not in lint.misspelt:
            extensions.setdefault(key, value)
    policy = Policy(
        mode=mode,
        max_age=age,
        mx=tuple(reversed(unique.values())),
        extensions=tuple(extensions.items()),
    )
    try:
        return policy.to_text()
    except PolicyError:  # as when the patterns alone are longer than the cap
        return None


def corrected_policy(lint: PolicyLint, hosts: Sequence[str]) -> str | None:
    """Return the policy file put right, with every host permitted; None where no pattern can be understood.

    Patterns that permit none of the hosts stay, as in a migration, but for those that are a slip for a host.
    """
    if not lint.readable:
        return policy_text(PolicyLint(), _lines_for(hosts))
    patterns = [pattern for pattern in lint.mx if not (fault := pattern_doubt(pattern)) or fault.code not in _USELESS]
    coverage = cover(patterns, hosts)
    added = list(_lines_for(coverage.uncovered))
    # A slip for a host gives way to the host, at its place, so that the two texts compare well side by side.
    meant: dict[str, list[str]] = {}
    for host in coverage.uncovered[:50]:
        if (miss := near_miss(host, coverage.unused)) and miss[1] in ("wildcard-missing", "wildcard-short", "typo"):
            meant.setdefault(miss[0], []).extend([host] if host in added else [])
    placed = [name for pattern in patterns for name in meant.get(pattern, [pattern])]
    return policy_text(lint, [*placed, *(name for name in added if name not in placed)])


_USELESS = frozenset({"pattern-ip-address", "pattern-single-label"})


def _kept_extensions(lint: RecordLint) -> tuple[tuple[str, str], ...]:
    """Return the unknown fields worth keeping: not those of another kind of record, nor a misspelt own key."""
    if f"{lint.kind.prefix}-other-kind" in lint.faults:
        return ()
    first: dict[str, str] = {}
    for key, value in lint.extensions:
        if ascii_lower(key).strip("_-.") != lint.kind.key:
            first.setdefault(key, value)
    return tuple(first.items())


def corrected_sts_record(lint: RecordLint, new_id: str) -> str | None:
    """Return the `_mta-sts` record put right; where its id cannot be understood, with a new one."""
    if not lint.readable:
        return None
    try:
        return StsRecord(id=id_meant(lint.value or "") or new_id, extensions=_kept_extensions(lint)).to_text()
    except RecordError:  # an extension that cannot be written again
        return StsRecord(id=new_id).to_text()


def corrected_tlsrpt_record(lint: RecordLint, usable: Sequence[str]) -> str | None:
    """Return the `_smtp._tls` record put right; None where no address can be understood."""
    if not lint.readable or not usable:
        return None
    try:
        return TlsRptRecord(rua=tuple(dict.fromkeys(usable)), extensions=_kept_extensions(lint)).to_text()
    except RecordError:
        return None
