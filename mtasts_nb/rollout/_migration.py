"""New MX hosts under MTA-STS: the policy first, then the MX records."""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from ..errors import PolicyError
from ..markup import one_line, span, when
from ..policy import Policy, StsRecord, mx_host_names, mx_matches, parse_sts_record
from ..probe import Probe
from ..reports import Source
from ..settings import utc_now
from ..vocabulary import Mode
from ._forecast import Forecast, SenderModel, about, forecast, queue_ends
from ._measured import calibrated
from ._plan import Plan, PlanStep, publish_steps
from ._present import Present, Seconds, Served, check_texts, history_of, next_record, present, seconds

__all__ = ["MxMigrationPlan", "plan_mx_migration"]

#: Reports about a day have arrived, as a rule, two days later.
_WATCH: Final = timedelta(days=2)
_MOST_HOSTS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MxMigrationPlan(Plan):
    """The way to other MX hosts; see `Plan` for what it shares with other plans.

    Attributes
    ----------
    policy, record : str
        To publish first: old and new hosts. Both are empty where the policy covers the new hosts already.
    policy_after, record_after : str
        To publish last: without the hosts that left. Both are empty where nothing changes.
    move_after : datetime
        When no sender has a policy in enforce cached any more that lacks the new hosts, UTC; as far as the policies are
        known.
    forecast : Forecast
        When senders that try the new host too early apply the new policy.
    """

    policy: str
    record: str
    policy_after: str
    record_after: str
    move_after: datetime
    forecast: Forecast


def plan_mx_migration(
    policy: str | bytes | Policy,
    record: str | bytes | StsRecord | Iterable[str | bytes] | None,
    ttl: Seconds,
    new_mx: Iterable[str] | str,
    previous_max_age: Seconds | None = None,
    source: Source | None = None,
    *,
    keep: Iterable[str] | str = (),
    mx_ttl: Seconds = 3600,
    domain: str | None = None,
    probe: Probe | None = None,
    earlier: Iterable[tuple[date | datetime | str, Seconds]] = (),
    model: SenderModel | None = None,
    now: Callable[[], datetime] = utc_now,
) -> MxMigrationPlan:
    """Return the way to new MX hosts without deferred mail: both in the policy, wait, move the MX, wait, remove the old.

    A sender in enforce does not deliver to a host that its cached policy does not cover (RFC 8461 §5), and it may use
    that policy until it expires. So the wait is for every policy that was served, not only the last: one in testing that
    was published yesterday leaves the copies of the one in enforce before it (§8.3).

    Parameters
    ----------
    policy, record, ttl, previous_max_age, source, domain, probe, earlier, model, now
        As in `plan_rollback`.
    new_mx : iterable of str, or str with one host per line
        The new MX hosts; lines of ``dig +short MX`` will do.
    keep : iterable of str, or str with one host per line
        The present MX hosts that stay. All others leave.
    mx_ttl : int, float or timedelta
        Of the MX records, in seconds.

    Returns
    -------
    MxMigrationPlan
        With the texts for both changes, and `move_after`.

    Raises
    ------
    PolicyError
        Nothing can be read from the policy, a new host is no host name, or the mode is none and no earlier policy counts.
    ValueError
        There is no new host, or a length of time, a date or the domain is none.

    Examples
    --------
    >>> from datetime import UTC
    >>> plan = plan_mx_migration(
    ...     "version: STSv1\\nmode: enforce\\nmx: mx1.suedwind.example\\nmax_age: 604800\\n", "v=STSv1; id=1;", 3600,
    ...     ["mx1.nordwind.example"], now=lambda: datetime(2026, 2, 8, 18, tzinfo=UTC))
    >>> print(plan.policy, end="")
    version: STSv1
    mode: enforce
    mx: mx1.suedwind.example
    mx: mx1.nordwind.example
    max_age: 604800
    >>> plan.move_after.isoformat()
    '2026-02-15T18:00:00+00:00'
    """
    history = history_of(source, domain)
    there = present(
        policy, record, ttl, now=now(), domain=domain, previous_max_age=previous_max_age, earlier=earlier, history=history,
        probe=probe,
    )  # fmt: skip
    new, stay = _hosts(new_mx, "new_mx"), _hosts(keep, "keep")
    if not new:
        raise ValueError("new_mx names no host: expected the new MX hosts")
    hosts = (*new, *stay)
    blocking = tuple(policy for policy in there.deferring if not all(map(policy.matches, new)))
    both = final = there.policy.mx
    if there.policy.mode is not Mode.NONE:
        both = (*both, *(host for host in hosts if not there.policy.matches(host)))
        final = tuple(pattern for pattern in both if any(mx_matches(pattern, host) for host in hosts))
    elif not blocking:
        raise PolicyError(
            "The policy is in mode none: it allows every host, so there is nothing to prepare, unless an earlier policy in "
            "enforce is still cached; give it as earlier. Move the MX records, and put the new hosts into the policy before "
            "you leave mode none.",
            reason="policy-mode-none", rfc="RFC 8461 §5", raw=there.policy.raw,
        )  # fmt: skip
    first = _texts(there, both, there.made, replacing=there.policy.mx)
    move = there.made + timedelta(seconds=there.ttl if first[0] else 0)
    if blocking:
        move = max(move, blocking[0].expires)
    gone = move + timedelta(seconds=seconds(mx_ttl, "mx_ttl")) + _WATCH
    used = (parse_sts_record(first[1]).id,) if first[1] else ()
    last = _texts(there, final, gone, replacing=both, used=used)
    chosen = model or SenderModel()
    chosen = calibrated(history, chosen, there.ttl) if history else chosen
    expected = forecast(there.ttl, there.longest, there.made, model=chosen)
    return MxMigrationPlan(
        title="New MX hosts: the policy first, the MX records after the wait.",
        domain=there.domain,
        made=there.made,
        steps=tuple(_steps(there, new, stay, first, last, move, gone, seconds(mx_ttl, "mx_ttl"), blocking)),
        notes=tuple(_notes(there, expected, move, blocking, is_changed=bool(first[0]))),
        findings=check_texts(*(texts for texts in (first, last) if texts[0])),
        policy=first[0],
        record=first[1],
        policy_after=last[0],
        record_after=last[1],
        move_after=move,
        forecast=expected,
    )


def _hosts(given: Iterable[str] | str, name: str) -> list[str]:
    hosts = mx_host_names(given)
    if len(hosts) > _MOST_HOSTS:
        raise ValueError(f"{name} has {len(hosts)} hosts: expected at most {_MOST_HOSTS}")
    for host in hosts:
        if not mx_matches(host, host) or _is_address(host):
            raise PolicyError(
                f"{one_line(host, 100)} in {name} is not a host name. Write it as the MX record does, without the preference.",
                reason="mx-not-a-host", field="mx", actual=host, rfc="RFC 8461 §3.2",
            )  # fmt: skip
    return hosts


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _texts(
    there: Present, patterns: tuple[str, ...], at: datetime, *, replacing: tuple[str, ...], used: Sequence[str] = ()
) -> tuple[str, str]:
    """Return policy and record with these patterns; empty where they are those to be replaced."""
    if patterns == replacing:
        return "", ""
    policy = Policy(
        mode=there.policy.mode, max_age=there.policy.max_age, mx=patterns, extensions=there.policy.extensions
    )
    return policy.to_text(), next_record(there.record, at, used)


def _steps(
    there: Present,
    new: Sequence[str],
    stay: Sequence[str],
    first: tuple[str, str],
    last: tuple[str, str],
    move: datetime,
    gone: datetime,
    mx_ttl: int,
    blocking: tuple[Served, ...],
) -> Iterator[PlanStep]:
    name = shlex.quote(new[0])
    others = f"; the same for {', '.join(new[1:])}" if len(new) > 1 else ""
    yield PlanStep(
        when=there.made,
        what=f"Check that the new {'host is' if len(new) == 1 else 'hosts are'} ready: STARTTLS, and a certificate "
        "with that name from a CA that senders trust.",
        command=f"openssl s_client -starttls smtp -connect {name}:25 -servername {name} -verify_hostname {name} </dev/null "
        "2>/dev/null | grep -E 'NotAfter|Verif'",
        expect=f"Verify return code: 0 (ok), and a NotAfter in the future{others}",
        why="In enforce a host without a valid certificate is as bad as one that the policy does not cover.",
        rfc="RFC 8461 §4.2, §5",
    )
    if first[0]:
        yield from publish_steps(
            there, there.made, first, "Publish the policy file with old and new hosts.", expect="these mx lines",
            why="Each sender must have a policy with the new hosts before it connects to one. The file comes first: a sender "
            "that sees the new id fetches at once.",
            rfc="RFC 8461 §8.1",
        )  # fmt: skip
    yield PlanStep(
        when=move,
        what=f"Change the MX records to {', '.join((*stay, *new))}; leave the old server running.",
        where=f"{there.domain} (MX)",
        command=f"dig +short MX {there.domain}",
        expect="the new hosts, from each of your name servers",
        why=_why_move(there, blocking, is_changed=bool(first[0])),
        rfc="RFC 8461 §5, §8.1",
        not_before=True,
    )
    yield PlanStep(
        when=move + timedelta(seconds=mx_ttl),
        what="Stop the old server when no more senders connect to it.",
        check="the log of the old server: no new sessions",
        expect=f"none once the old MX records have expired in resolvers, {span(mx_ttl)} after the change",
        why="Senders that still have the old MX records connect there. That is why the old host stays in the policy.",
        rfc="RFC 5321 §5.1",
        not_before=True,
    )
    if last[0]:
        yield from publish_steps(
            there, gone, last, "Publish the policy file without the old hosts.", expect="these mx lines",
            why="A host that is in the policy and not in use is an unnecessary risk. By then the reports about the move have "
            "arrived.",
            rfc="RFC 8461 §8.1",
        )  # fmt: skip


def _why_move(there: Present, blocking: tuple[Served, ...], *, is_changed: bool) -> str:
    if blocking:
        lasts = there.lasts(blocking[0])
        known = blocking[0].mode is not None
        which = "" if known else " Its mode and hosts are not known, so it may be in enforce without the new hosts."
        return (
            f"{lasts[0].upper()}{lasts[1:]}.{which} A sender that has it cached in enforce does not deliver to hosts that it "
            "does not cover; it queues the mail until it checks for a new policy."
        )
    if not is_changed:
        return "The policy covers the new hosts already, and so does every cached policy. There is no need to wait."
    return (
        "In testing no mail is deferred; the wait is the TTL of the record, so that most reports show the new policy. "
        "Senders that still have the old one report validation-failure."
    )


def _notes(
    there: Present, expected: Forecast, move: datetime, blocking: tuple[Served, ...], *, is_changed: bool
) -> Iterator[str]:
    yield from there.notes
    if len(there.served) == 1:
        yield (
            "Earlier policies count only if you give them: one in enforce that is still cached defers mail to the new hosts. "
            "Give each as earlier=[(last served, max_age)], or reports as source."
        )
    if is_changed and blocking:
        most = timedelta(hours=expected.hours_until(0.9))
        yield (
            f"If you cannot wait until {when(move)}: RFC 8461 §8.1 requires only the TTL of the record ({span(there.ttl)}). "
            "Then some mail waits: a sender with the old policy cached queues it until it checks again. About nine in ten "
            f"senders have done so {about(most)} after the change of the record, as forecast. Mail that waits longer than "
            f"the sender's queue allows bounces: {queue_ends()}."
        )
