"""Remove MTA-STS without mail deferred by cached policies (RFC 8461 §8.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from ..markup import span, when
from ..policy import Policy, StsRecord
from ..probe import Probe
from ..reports import Source
from ..settings import utc_now
from ..vocabulary import Mode
from ._plan import Plan, PlanStep, publish_steps
from ._present import Present, Seconds, Served, check_texts, enforcing, history_of, next_record, present, with_mode

__all__ = ["RemovalPlan", "plan_removal"]

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RemovalPlan(Plan):
    """The way to a domain without MTA-STS; see `Plan` for what it shares with other plans.

    Attributes
    ----------
    policy, record : str
        The file in mode none, and the record with its new id.
    delete_after : datetime
        When every policy served has expired in every cache, UTC.
    served : tuple of Served
        The policies that this is based on, the one that lasts longest first.
    """

    policy: str
    record: str
    delete_after: datetime
    served: tuple[Served, ...]


def plan_removal(
    policy: str | bytes | Policy,
    record: str | bytes | StsRecord | Iterable[str | bytes] | None,
    ttl: Seconds,
    previous_max_age: Seconds | None = None,
    source: Source | None = None,
    *,
    domain: str | None = None,
    probe: Probe | None = None,
    earlier: Iterable[tuple[date | datetime | str, Seconds]] = (),
    max_age: int = _DAY,
    now: Callable[[], datetime] = utc_now,
) -> RemovalPlan:
    """Return the way to take MTA-STS off a domain: mode none first, then wait, then delete (RFC 8461 §8.3).

    The wait is over when every policy that was ever served has expired: for each the time it was last served and its
    max_age. An earlier one with a longer max_age may outlast the present one.

    Parameters
    ----------
    policy, record, ttl, previous_max_age, source, domain, probe, earlier, now
        As in `plan_rollback`.
    max_age : int
        Of the policy in mode none, in seconds; there is no need to wait for that one.

    Returns
    -------
    RemovalPlan
        With `policy` and `record` to paste, `delete_after`, and `served`.

    Raises
    ------
    PolicyError
        Nothing can be read from the policy.
    ValueError
        A length of time, a date or the domain is none.

    Examples
    --------
    >>> from datetime import UTC
    >>> plan = plan_removal(
    ...     "version: STSv1\\nmode: enforce\\nmx: mx1.nordwind.example\\nmax_age: 604800\\n", "v=STSv1; id=1;", 3600,
    ...     earlier=[("2026-02-01", 2592000)], now=lambda: datetime(2026, 2, 8, 18, tzinfo=UTC))
    >>> plan.delete_after.isoformat()
    '2026-03-04T00:00:00+00:00'
    """
    history = history_of(source, domain)
    there = present(
        policy, record, ttl, now=now(), domain=domain, previous_max_age=previous_max_age, earlier=earlier, history=history,
        probe=probe,
    )  # fmt: skip
    text = with_mode(there.policy, Mode.NONE, max_age)
    line = next_record(there.record, there.made)
    # A policy in mode none defers no mail.
    binding = tuple(policy for policy in there.served if policy.mode is not Mode.NONE)
    after = binding[0].expires if binding else there.made
    more = "Were there others?" if len(there.served) > 1 else "Was there ever a longer max_age than the present one?"
    note = (
        f"Earlier policies count only if you give them. {more} Give each as earlier=[(last served, max_age)], or reports as "
        "source."
    )
    who = enforcing(history, there.made)
    senders = f"By their last reports, these senders may have a policy in enforce cached: {who}. Others never report."
    return RemovalPlan(
        title="Remove MTA-STS: mode none, wait, then delete.",
        domain=there.domain,
        made=there.made,
        steps=tuple(_steps(there, (text, line), after, binding)),
        notes=(*there.notes, *([senders] if who else []), note),
        findings=check_texts((text, line)),
        policy=text,
        record=line,
        delete_after=after,
        served=binding,
    )


def _steps(there: Present, texts: tuple[str, str], after: datetime, binding: tuple[Served, ...]) -> Iterator[PlanStep]:
    host = f"mta-sts.{there.domain}"
    yield from publish_steps(
        there, there.made, texts, "Publish the policy file in mode none.", expect="mode: none",
        why="“none” tells senders to deliver as if there were no policy. If the file is only deleted, they keep using the "
        "policy they have cached.",
        rfc="RFC 8461 §5, §8.3",
    )  # fmt: skip
    why = "The policy served was in mode none already; no sender has another one cached, as far as known."
    if binding:
        last = binding[0]
        why = (
            f"The policy that lasts longest is {last.name}, with max_age {last.max_age} ({span(last.max_age)}). A sender "
            "that cannot fetch the file keeps using its cached policy."
        )
    yield PlanStep(
        when=there.made,
        what=f"Wait until {when(after)}, and keep the policy host's certificate valid until then.",
        command=f"openssl s_client -connect {host}:443 -servername {host} -verify_hostname {host} </dev/null 2>/dev/null | "
        "grep -E 'NotAfter|Verif'",
        expect=f"Verify return code: 0 (ok), and a NotAfter later than {when(after.date())}; in the reports fewer and fewer "
        "sessions under an older policy",
        why=why,
        rfc="RFC 8461 §8.3",
    )
    yield PlanStep(
        when=after,
        what="Delete the record.",
        where=f"{there.record_name} (TXT)",
        command=there.record_command,
        expect="nothing",
        why="Delete the record first: while it is published, senders fetch the file, and report that they cannot.",
        rfc="RFC 8461 §8.3",
        not_before=True,
    )
    later = after + timedelta(seconds=there.ttl)
    yield PlanStep(
        when=later,
        what=f"Delete the file, then the host name {host} and its certificate.",
        where=there.file_place,
        command=there.fetch_command,
        expect="an error: no such host",
        why="Resolvers may cache the record for its TTL. A CNAME that still refers to a hosting service can be hijacked by a "
        "stranger: delete the name before the hosting.",
        rfc="RFC 8461 §8.3",
        not_before=True,
    )
    yield PlanStep(
        when=later,
        what="Keep the record that asks for reports, or delete it too.",
        where=f"_smtp._tls.{there.domain} (TXT)",
        command=f"dig +short TXT _smtp._tls.{there.domain}",
        expect="as you decided",
        why="With it senders continue to report, under no-policy-found or, with TLSA records, under tlsa.",
        rfc="RFC 8460 §3, §4.4",
        not_before=True,
    )
