"""New MX hosts under MTA-STS: the policy first, then the MX records."""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ..errors import PolicyError
from ..markup import one_line, span, when
from ..policy import Policy, StsRecord, mx_host_names, mx_matches, parse_sts_record
from ..settings import utc_now
from ..vocabulary import Mode
from ._forecast import Forecast, about, forecast
from ._measured import calibrated
from ._plan import Plan, PlanStep
from ._present import Present, Seconds, check_texts, history_of, next_record, present, seconds
from ._sender_model import SenderModel

if TYPE_CHECKING:
    from ..reports import Source

__all__ = ["MxMigrationPlan", "plan_mx_migration"]

#: Reports about a day have come in, as a rule, two days later.
_WATCH: Final = timedelta(days=2)
_MOST_HOSTS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MxMigrationPlan(Plan):
    """The way to other MX hosts; see `Plan` for what it shares with other plans.

    Attributes
    ----------
    policy, record : str
        To publish first: old and new hosts. Both are empty where the policy permits the new hosts already.
    policy_after, record_after : str
        To publish last: without the hosts that left. Both are empty where nothing changes.
    move_after : datetime
        When no sender holds a policy any more that lacks the new hosts, UTC.
    forecast : Forecast
        How senders that meet the new host too early come back.
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
    earlier: Iterable[tuple[date | datetime | str, Seconds]] = (),
    model: SenderModel | None = None,
    now: Callable[[], datetime] = utc_now,
) -> MxMigrationPlan:
    """Return the way to new MX hosts without mail held back: both in the policy, wait, move the MX, wait, remove the old.

    A sender in enforce does not deliver to a host that the policy it holds does not permit (RFC 8461 §5), and it may hold
    the old policy until its copy runs out.

    Parameters
    ----------
    policy, record, ttl, previous_max_age, source, domain, earlier, model, now
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
        Nothing can be read from the policy, its mode is none, or a new host is no host name.
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
        policy,
        record,
        ttl,
        now=now(),
        domain=domain,
        previous_max_age=previous_max_age,
        earlier=earlier,
        history=history,
    )
    if there.policy.mode is Mode.NONE:
        raise PolicyError(
            "The policy is in mode none: it permits every host, so there is nothing to prepare. Move the MX records, and put "
            "the new hosts into the policy before you leave mode none.",
            reason="policy-mode-none", rfc="RFC 8461 §5", raw=there.policy.raw,
        )  # fmt: skip
    new, stay = _hosts(new_mx, "new_mx"), _hosts(keep, "keep")
    if not new:
        raise ValueError("new_mx names no host: expected the MX hosts that are to come")
    both, final = _patterns(there.policy, new, stay)
    first, first_record = _texts(there, both, there.made, ())
    wait = there.longest if first and there.policy.mode is Mode.ENFORCE else there.ttl if first else 0
    move = there.made + timedelta(seconds=wait)
    gone = move + timedelta(seconds=seconds(mx_ttl, "mx_ttl")) + _WATCH
    used = (parse_sts_record(first_record).id,) if first_record else ()
    last, last_record = _texts(there, final, gone, used, unlike=both)
    chosen = model or SenderModel()
    chosen = calibrated(history, chosen, there.ttl) if history else chosen
    told = forecast(there.ttl, there.longest, there.made, model=chosen)
    texts = [(text, line) for text, line in ((first, first_record), (last, last_record)) if text]
    return MxMigrationPlan(
        title="New MX hosts: the policy first, the MX records after the wait.",
        domain=there.domain,
        made=there.made,
        steps=tuple(
            _steps(there, new, stay, (first, first_record), (last, last_record), move, gone, seconds(mx_ttl, "mx_ttl"))
        ),
        notes=tuple(_notes(there, told, move, bool(first))),
        findings=check_texts(*texts),
        policy=first,
        record=first_record,
        policy_after=last,
        record_after=last_record,
        move_after=move,
        forecast=told,
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


def _patterns(policy: Policy, new: Sequence[str], stay: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the patterns for the time of the move, and those for after it."""
    missing = [host for host in (*new, *stay) if not policy.matches(host)]
    both = (*policy.mx, *missing)
    return both, tuple(pattern for pattern in both if any(mx_matches(pattern, host) for host in (*new, *stay)))


def _texts(
    there: Present, patterns: tuple[str, ...], at: datetime, taken: Sequence[str], unlike: tuple[str, ...] | None = None
) -> tuple[str, str]:
    """Return policy and record with these patterns; empty where the policy has just these."""
    if patterns == (there.policy.mx if unlike is None else unlike):
        return "", ""
    policy = Policy(
        mode=there.policy.mode, max_age=there.policy.max_age, mx=patterns, extensions=there.policy.extensions
    )
    return policy.to_text(), next_record(there.record, at, taken)


def _publish(there: Present, at: datetime, texts: tuple[str, str], what: str, why: str) -> Iterator[PlanStep]:
    text, line = texts
    yield PlanStep(
        when=at, what=what, place=there.url, text=text, check=there.fetch_command,
        expect="these mx lines, from every address of the host", why=why, rfc="RFC 8461 §8.1", not_before=at > there.made,
    )  # fmt: skip
    yield PlanStep(
        when=at, what="Then change the record.", place=f"{there.record_name} (TXT)", text=line, check=there.record_command,
        expect=f"the new id; other resolvers may give the old one for {span(there.ttl)}",
        why="The new id leads senders to the new file.", rfc="RFC 8461 §3.1, §8.1", not_before=at > there.made,
    )  # fmt: skip


def _steps(
    there: Present,
    new: Sequence[str],
    stay: Sequence[str],
    first: tuple[str, str],
    last: tuple[str, str],
    move: datetime,
    gone: datetime,
    mx_ttl: int,
) -> Iterator[PlanStep]:
    name = shlex.quote(new[0])
    others = f"; the same for {', '.join(new[1:])}" if len(new) > 1 else ""
    yield PlanStep(
        when=there.made,
        what=f"See that the new {'host is' if len(new) == 1 else 'hosts are'} ready: STARTTLS, and a certificate "
        "with that name from a CA that senders trust.",
        check=f"openssl s_client -starttls smtp -connect {name}:25 -servername {name} -verify_hostname {name} </dev/null "
        "2>/dev/null | grep -E 'NotAfter|Verif'",
        expect=f"Verify return code: 0 (ok), and a NotAfter in the future{others}",
        why="In enforce a permitted host without a valid certificate is as bad as one that is not permitted.",
        rfc="RFC 8461 §4.2, §5",
    )
    if first[0]:
        yield from _publish(
            there, there.made, first, "Publish the policy file with old and new hosts.",
            "Each sender must hold a policy with the new hosts before it meets one. The file comes first: a sender that sees "
            "the new id fetches at once.",
        )  # fmt: skip
    yield PlanStep(
        when=move,
        what=f"Change the MX records to {', '.join((*stay, *new))}; leave the old server running.",
        place=f"{there.domain} (MX)",
        check=f"dig +short MX {there.domain}",
        expect="the new hosts, at each of your name servers",
        why=_why_move(there, bool(first[0])),
        rfc="RFC 8461 §5, §8.1",
        not_before=True,
    )
    yield PlanStep(
        when=move + timedelta(seconds=mx_ttl),
        what="Stop the old server when nobody comes to it any more.",
        check="the log of the old server: no new sessions",
        expect=f"none once the old MX records have run out of resolvers, {span(mx_ttl)} after the change",
        why="Senders that still have the old MX records go there, and find it permitted: that is why it stays in the policy.",
        rfc="RFC 5321 §5.1",
        not_before=True,
    )
    if last[0]:
        yield from _publish(
            there, gone, last, "Publish the policy file without the old hosts.",
            "A host that is permitted and not in use is a door left open. By then the reports about the move have come in.",
        )  # fmt: skip


def _why_move(there: Present, changed: bool) -> str:
    if not changed:
        return "The policy permits the new hosts already, so every copy of it does. Nothing has to be waited for."
    if there.policy.mode is Mode.TESTING:
        return (
            "In testing nothing is held back; the wait is the TTL of the record, so that most reports show the new policy. "
            "Senders that still hold the old one report validation-failure."
        )
    lasts = there.lasts()
    return (
        f"{lasts[0].upper()}{lasts[1:]}. A sender with such a copy does not deliver to the new hosts; it queues the mail until "
        "it looks for a new policy."
    )


def _notes(there: Present, told: Forecast, move: datetime, changed: bool) -> Iterator[str]:
    yield from there.notes
    if changed and there.policy.mode is Mode.ENFORCE:
        most = timedelta(hours=told.hours_until(0.9))
        yield (
            f"If it cannot wait until {when(move)}: RFC 8461 §8.1 asks only for the TTL of the record ({span(there.ttl)}). Mail "
            "is not lost then, but some of it waits: a sender with an old copy queues it until it looks. About nine in ten "
            f"senders have looked {about(most)} after the change of the record, as forecast."
        )
