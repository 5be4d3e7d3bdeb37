"""Enforce holds mail back: the plan that stops it, and how long it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ..errors import PolicyError, RecordError
from ..markup import html_text, span, when
from ..policy import Policy, StsRecord, parse_sts_record
from ..settings import utc_now
from ..vocabulary import Mode
from ._calendar import Calendar, calendar
from ._forecast import Forecast, about, forecast
from ._measured import calibrated
from ._plan import Plan, PlanStep, wrapped
from ._present import Present, Seconds, check_texts, history_of, moment, next_record, present, with_mode
from ._sender_model import SenderModel

if TYPE_CHECKING:
    from ..reports import Source

__all__ = ["RollbackPlan", "plan_rollback"]

_DAY: Final = 86_400


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
        How senders come back.
    calendar : Calendar
        The way back to enforce.
    """

    policy: str
    record: str
    forecast: Forecast
    calendar: Calendar

    def _more(self) -> Iterator[str]:
        yield ""
        yield from wrapped(" ".join(self.forecast.sentences()))
        yield from ("", str(self.forecast), "", str(self.calendar))

    def _more_html(self) -> str:
        ask = html_text("How senders come back")
        return f"<p><strong>{ask}</strong></p>{self.forecast._repr_html_()}{self.calendar._repr_html_()}"


def plan_rollback(
    policy: str | bytes | Policy,
    record: str | bytes | StsRecord | Iterable[str | bytes] | None,
    ttl: Seconds,
    previous_max_age: Seconds | None = None,
    source: Source | None = None,
    *,
    domain: str | None = None,
    earlier: Iterable[tuple[date | datetime | str, Seconds]] = (),
    blocked_since: date | datetime | str | None = None,
    mended: date | datetime | str | None = None,
    max_age: int = _DAY,
    new_record: str | None = None,
    model: SenderModel | None = None,
    now: Callable[[], datetime] = utc_now,
) -> RollbackPlan:
    """Return the way back from enforce to testing: what to publish in which order, how senders come back, and what then.

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
        Reports about the domain, an `Archive` or a store. What they show of earlier changes says how its senders look for
        a new policy, and which policies were served before.
    domain : str, optional
        The policy domain; only for names and commands.
    earlier : iterable of (time, max_age)
        Policies served before: when each was last served (UTC; a day counts to its end) and its max_age in seconds.
    blocked_since : date, datetime or str, optional
        Since when mail is held back: busy senders give their first messages up, and look before that, so much the sooner.
    mended : date, datetime or str, optional
        When the cause is or was mended, for the calendar; None: at once.
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
        Nothing can be read from the policy, or its mode is none: then it holds nothing back.
    RecordError
        `new_record` is no valid record, or has the id of the present one.
    ValueError
        A length of time, a date or the domain is none, or `source` is about several domains and none is named.

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
        policy, record, ttl, now=now(), domain=domain, previous_max_age=previous_max_age, earlier=earlier, history=history
    )  # fmt: skip
    if there.policy.mode is Mode.NONE:
        raise PolicyError(
            "The policy is in mode none: senders that hold it deliver as if there were none, so there is nothing to roll "
            "back. If mail is held back all the same, senders hold an earlier policy; give that one.",
            reason="policy-mode-none", rfc="RFC 8461 §5", raw=there.policy.raw,
        )  # fmt: skip
    text = with_mode(there.policy, Mode.TESTING, max_age)
    line = _chosen(new_record, there) if new_record else next_record(there.record, there.made)
    waited = 0
    if blocked_since is not None:
        waited = max(0, round((there.made - _start(blocked_since)).total_seconds()))
    chosen = model or SenderModel()
    chosen = calibrated(history, chosen, there.ttl) if history else chosen
    told = forecast(there.ttl, there.longest, there.made, waited=waited, model=chosen)
    return RollbackPlan(
        title="Back from enforce to testing: the file first, then the record.",
        domain=there.domain,
        made=there.made,
        steps=tuple(_steps(there, text, line, told)),
        notes=tuple(_notes(there)),
        findings=check_texts((text, line)),
        policy=text,
        record=line,
        forecast=told,
        calendar=calendar(
            there.policy, there.record, there.made, first_record=line,
            mended=None if mended is None else _start(mended),
        ),
    )  # fmt: skip


def _start(value: date | datetime | str) -> datetime:
    """Return a moment; a day alone is its beginning."""
    if isinstance(value, str) and len(value.strip()) <= 10:
        value = date.fromisoformat(value.strip())
    if not isinstance(value, datetime) and isinstance(value, date):
        return moment(value) - timedelta(days=1)
    return moment(value)


def _chosen(text: str, there: Present) -> str:
    given = parse_sts_record(text)
    if there.record and given.id == there.record.id:
        raise RecordError(
            f"new_record has the id {given.id} of the present record: senders that hold a copy would not look at the new file.",
            reason="syntax", field="id", actual=given.id, expected="another id", rfc="RFC 8461 §3.1", raw=text,
        )  # fmt: skip
    return text


def _steps(there: Present, text: str, line: str, told: Forecast) -> Iterator[PlanStep]:
    yield PlanStep(
        when=there.made,
        what="Publish the policy file in mode testing, on every server that serves it.",
        place=there.url,
        text=text,
        check=there.fetch_command,
        expect="mode: testing, from every address of the host; where a cache or CDN lies before it, empty that first",
        why="A sender that sees the new id fetches the file at once. Were the old file still there, it would keep that one "
        "under the new id, and not look again until the next change.",
        rfc="RFC 8461 §8.1",
    )
    yield PlanStep(
        when=there.made,
        what="Then change the record, and only then.",
        place=f"{there.record_name} (TXT)",
        text=line,
        check=there.record_command,
        expect=f"the new id, at each of your name servers; other resolvers may give the old one for {span(there.ttl)}",
        why="Senders compare ids. With the old id, a sender that holds a copy does not fetch the new file until the copy "
        "runs out.",
        rfc="RFC 8461 §3.1, §5.1",
    )
    yield PlanStep(
        when=there.made,
        what="Find and mend the cause, while mail goes through unprotected.",
        check="sts.find_incidents(source); after the repair sts.verify_fix(source, incident, since)",
        expect="the failures end in the reports of every sender that saw them, over 48 hours",
        why="Testing delivers, and reports what enforce would have held back. It mends nothing.",
        rfc="RFC 8461 §5; RFC 8460 §4.3",
    )
    first = told.hours_until(1.0, "best")
    yield PlanStep(
        when=there.made + timedelta(hours=first),
        what="Look whether mail comes in again.",
        check="your mail log: deliveries from senders that had stopped",
        expect=f"the first within {span(timedelta(hours=first))}, half of the senders after about "
        f"{about(told.hours_until(0.5))}",
        why=f"If nothing comes by then, look at both texts again as a sender does: mtasts-nb probe {there.domain}",
        rfc="RFC 8461 §5.1",
    )
    yield PlanStep(
        when=there.made + told.last,
        what="Leave record and file in place, until then and after.",
        check=there.fetch_command,
        expect="mode: testing, as before",
        why="Whoever deletes them now shuts out the senders that still hold enforce: they find nothing newer, and go on with "
        f"what they have. The last one is back on {when(there.made + told.last)} at worst.",
        rfc="RFC 8461 §5.1, §8.3",
    )


def _notes(there: Present) -> Iterator[str]:
    yield from there.notes
    if there.policy.mode is Mode.TESTING:
        yield (
            "The policy given is in testing already, which holds nothing back. Publishing it again under a new id is still "
            "right where senders hold an older one in enforce: give its max_age as previous_max_age."
        )
    yield f"Of the policies that senders may still hold, this one lasts longest: {there.lasts()}."
    yield (
        "A sender that writes to you only after the change, with an old copy, starts its own clock then: its message waits "
        "until it looks, at most until that copy runs out or the message would be given up. No conformant sender returns a "
        "message without having looked for a new policy (RFC 8461 §5.1)."
    )
