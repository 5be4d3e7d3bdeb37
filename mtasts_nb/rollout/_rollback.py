"""Enforce defers mail: the plan that stops it, and how long it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from ..analysis import PolicyHistory
from ..errors import PolicyError, RecordError
from ..markup import span, when
from ..policy import Policy, StsRecord, parse_sts_record
from ..probe import Probe
from ..reports import Source
from ..settings import utc_now
from ..vocabulary import Mode
from ._forecast import Forecast, SenderModel, about, forecast, queues
from ._measured import calibrated
from ._plan import Calendar, Plan, PlanStep, calendar, publish_steps
from ._present import Present, Seconds, check_texts, enforcing, history_of, next_record, present, start_of, with_mode

__all__ = ["Bounce", "RollbackPlan", "plan_rollback"]

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """When a known mail server returns its first deferred message to the sender, by default.

    Attributes
    ----------
    product : str
        The mail server.
    after : timedelta
        Its queue life.
    at : datetime or None
        The first bounce, UTC; None where it is not known since when mail is deferred.
    source : str
        The address where the queue life was read.
    """

    product: str
    after: timedelta
    at: datetime | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RollbackPlan(Plan):
    """The way out of an enforce emergency; see `Plan` for what it shares with other plans.

    Attributes
    ----------
    policy : str
        The file to publish first.
    record : str
        The `_mta-sts` record to publish once every server serves that file.
    forecast : Forecast
        When senders apply it.
    calendar : Calendar
        The way back to enforce.
    bounces : tuple of Bounce
        When the first deferred mail bounces, by mail server, the earliest first.
    """

    policy: str
    record: str
    forecast: Forecast
    calendar: Calendar
    bounces: tuple[Bounce, ...]


def plan_rollback(
    policy: str | bytes | Policy,
    record: str | bytes | StsRecord | Iterable[str | bytes] | None,
    ttl: Seconds,
    previous_max_age: Seconds | None = None,
    source: Source | None = None,
    *,
    domain: str | None = None,
    probe: Probe | None = None,
    earlier: Iterable[tuple[date | datetime | str, Seconds]] = (),
    blocked_since: date | datetime | str | None = None,
    fixed_at: date | datetime | str | None = None,
    max_age: int = _DAY,
    new_record: str | None = None,
    model: SenderModel | None = None,
    now: Callable[[], datetime] = utc_now,
) -> RollbackPlan:
    """Return the way back from enforce to testing: what to publish in which order, when senders apply it, and what then.

    The file comes first, then the id (RFC 8461 §8.1). Both texts are checked by `validate`.

    Parameters
    ----------
    policy : str, bytes or Policy
        The policy file as it is served.
    record : str, bytes, StsRecord, list of str or bytes, or None
        The `_mta-sts` record as it is; a list is all TXT records of the name. None: there is none.
    ttl : int, float or timedelta
        Of that record, in seconds.
    previous_max_age : int, float or timedelta, optional
        The longest max_age of the policies before this one, where it is not known when the last of them was served.
    source : Source, optional
        Reports about the domain, an `Archive` or a store. What they show of earlier changes says how its senders check for
        a new policy, and which policies were served before.
    domain : str, optional
        The policy domain; only for names and commands. None: that of the probe.
    probe : Probe, optional
        The domain as it was observed live: it shows a service that hosts the policy, where the file is changed.
    earlier : iterable of (time, max_age)
        Policies served before: when each was last served (UTC; a day counts to its end) and its max_age in seconds.
    blocked_since : date, datetime or str, optional
        Since when mail is deferred: busy senders bounce their first messages, and check the record before that, so much sooner.
    fixed_at : date, datetime or str, optional
        When the cause is or was fixed, for the calendar; None: at once.
    max_age : int
        Of the new policy, in seconds.
    new_record : str, optional
        The new record, where it is chosen or published already; None: its id is the time.
    model : SenderModel, optional
        What is assumed of senders.
    now : callable
        Gives the present time, UTC.

    Returns
    -------
    RollbackPlan
        With `policy` and `record` to paste, `steps`, `forecast` and `calendar`.

    Raises
    ------
    PolicyError
        Nothing can be read from the policy, or its mode is none: then it defers no mail.
    RecordError
        `new_record` is no valid record, or has the id of the present one.
    ValueError
        A length of time, a date or the domain is none, `source` is about several domains and none is named, or the probe
        is of another domain.

    Examples
    --------
    >>> from datetime import UTC
    >>> plan = plan_rollback(
    ...     "version: STSv1\\nmode: enforce\\nmx: mx1.nordwind.example\\nmax_age: 604800\\n",
    ...     "v=STSv1; id=20260201090000;", 3600, domain="nordwind.example", now=lambda: datetime(2026, 2, 8, 18, tzinfo=UTC))
    >>> print(plan.policy, end="")
    version: STSv1
    mode: testing
    mx: mx1.nordwind.example
    max_age: 86400
    >>> plan.record
    'v=STSv1; id=20260208180000;'
    """
    history = history_of(source, domain)
    there = present(
        policy, record, ttl, now=now(), domain=domain, previous_max_age=previous_max_age, earlier=earlier, history=history,
        probe=probe,
    )  # fmt: skip
    if there.policy.mode is Mode.NONE:
        raise PolicyError(
            "The policy is in mode none: senders that have it deliver as if there were no policy, so there is nothing to "
            "roll back. If mail is still deferred, senders have cached an earlier policy; give that one.",
            reason="policy-mode-none", rfc="RFC 8461 §5", raw=there.policy.raw,
        )  # fmt: skip
    text = with_mode(there.policy, Mode.TESTING, max_age)
    line = _chosen(new_record, there) if new_record else next_record(there.record, there.made)
    blocked = None if blocked_since is None else min(start_of(blocked_since), there.made)
    waited = 0 if blocked is None else round((there.made - blocked).total_seconds())
    chosen = model or SenderModel()
    chosen = calibrated(history, chosen, there.ttl) if history else chosen
    expected = forecast(there.ttl, there.longest, there.made, waited=waited, model=chosen)
    return RollbackPlan(
        title="Back from enforce to testing: the file first, then the record.",
        domain=there.domain,
        made=there.made,
        steps=tuple(_steps(there, text, line, expected)),
        notes=tuple(_notes(there, history)),
        findings=check_texts((text, line)),
        policy=text,
        record=line,
        forecast=expected,
        calendar=calendar(
            there.policy, there.record, there.made, first_record=line,
            fixed_at=None if fixed_at is None else start_of(fixed_at),
        ),
        bounces=tuple(_bounces(blocked)),
    )  # fmt: skip


def _bounces(blocked: datetime | None) -> Iterator[Bounce]:
    for sender in queues():
        after = timedelta(hours=sender.queue_life or 0)
        at = None if blocked is None else blocked + after
        yield Bounce(product=sender.product, after=after, at=at, source=sender.queue_source)


def _chosen(text: str, there: Present) -> str:
    given = parse_sts_record(text)
    if there.record and given.id == there.record.id:
        raise RecordError(
            f"new_record has the id {given.id} of the present record: senders with a cached policy would not fetch the new "
            "file.",
            reason="syntax", field="id", actual=given.id, expected="another id", rfc="RFC 8461 §3.1", raw=text,
        )  # fmt: skip
    return text


def _steps(there: Present, text: str, line: str, expected: Forecast) -> Iterator[PlanStep]:
    yield from publish_steps(
        there, there.made, (text, line), "Publish the policy file in mode testing, on every server that serves it.",
        expect="mode: testing (purge a CDN or other cache first)",
        why="A sender that sees the new id fetches the file at once. If it still gets the old file, it keeps that one under "
        "the new id, and does not check again until the next change.",
        rfc="RFC 8461 §8.1",
    )  # fmt: skip
    yield PlanStep(
        when=there.made,
        what="Find and fix the cause, while mail is delivered unprotected.",
        check="sts.find_incidents(source); after the fix sts.verify_fix(source, incident, since)",
        expect="the failures end in the reports of every sender that saw them, over 48 hours",
        why="Testing delivers, and reports what enforce would have deferred. It does not fix anything.",
        rfc="RFC 8461 §5; RFC 8460 §4.3",
    )
    first = expected.hours_until(1.0, "best")
    yield PlanStep(
        when=there.made + timedelta(hours=first),
        what="Check whether mail arrives again.",
        check="your mail log: deliveries from senders that had stopped",
        expect=f"the first within {span(timedelta(hours=first))}, half of the senders after about "
        f"{about(expected.hours_until(0.5))}",
        why=f"If nothing has arrived by then, check both texts as a sender does: mtasts-nb probe {there.domain}",
        rfc="RFC 8461 §5.1",
    )
    last = there.made + expected.last
    yield PlanStep(
        when=last,
        what="Leave record and file published, until then and after.",
        command=there.fetch_command,
        expect="mode: testing, as before",
        why="If you delete them now, senders that still have enforce cached cannot fetch anything newer and keep using it. "
        f"The last sender applies testing on {when(last)} at worst.",
        rfc="RFC 8461 §5.1, §8.3",
    )


def _notes(there: Present, history: PolicyHistory | None) -> Iterator[str]:
    yield from there.notes
    if who := enforcing(history, there.made):
        yield f"By their last reports, these senders may have a policy in enforce cached: {who}. Others never report."
    if there.policy.mode is Mode.TESTING:
        yield (
            "This policy is in testing already and defers no mail. Publishing it again under a new id is still right where "
            "senders have an older one in enforce cached: give its max_age as previous_max_age."
        )
    yield f"Of the policies that senders may have cached, this one lasts longest: {there.lasts()}."
    yield (
        "A sender that writes to you only after the change, with a cached policy, starts its own clock then. Its message "
        "waits until it checks the record, at most until that policy expires or the message bounces."
    )
    yield (
        "A message that waits longer than its sender's queue allows bounces. RFC 8461 §5.1 has the sender check for a new "
        "policy before that, but not every sender does, and the check fails while the record or the policy host is down: "
        "tell users that mail may have bounced."
    )
