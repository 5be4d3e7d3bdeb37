"""Away with MTA-STS, without mail held back by what senders still hold (RFC 8461 §8.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ..markup import html_table, span, when
from ..policy import Policy, StsRecord
from ..settings import utc_now
from ..vocabulary import Mode
from ._plan import Plan, PlanStep
from ._present import Present, Seconds, Served, check_texts, history_of, next_record, present, with_mode

if TYPE_CHECKING:
    from ..reports import Source

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
        When the last copy of every policy served has run out, UTC.
    served : tuple of Served
        The policies that this rests on, the one that lasts longest first.
    """

    policy: str
    record: str
    delete_after: datetime
    served: tuple[Served, ...]

    def _more(self) -> Iterator[str]:
        yield from ("", "Policies that senders may still hold:")
        for one in self.served:
            yield f"  until {when(one.expires)}: max_age {one.max_age} ({span(one.max_age)}), {one.known}"

    def _more_html(self) -> str:
        rows = (
            {"known": one.known, "max_age": f"{one.max_age} ({span(one.max_age)})", "expires": when(one.expires)}
            for one in self.served
        )
        headings = {"known": "Policy", "max_age": "max_age", "expires": "Its last copy runs out"}
        return html_table(rows, headings, caption="Policies that senders may still hold.")


def plan_removal(
    policy: str | bytes | Policy,
    record: str | bytes | StsRecord | Iterable[str | bytes] | None,
    ttl: Seconds,
    previous_max_age: Seconds | None = None,
    source: Source | None = None,
    *,
    domain: str | None = None,
    earlier: Iterable[tuple[date | datetime | str, Seconds]] = (),
    max_age: int = _DAY,
    now: Callable[[], datetime] = utc_now,
) -> RemovalPlan:
    """Return the way to take MTA-STS off a domain: mode none first, then wait, then delete (RFC 8461 §8.3).

    The wait is over when every policy that was ever served has run out: for each the time it was last served and its
    max_age. An earlier one with a longer max_age may outlast the present one.

    Parameters
    ----------
    policy, record, ttl, previous_max_age, source, domain, earlier, now
        As in `plan_rollback`.
    max_age : int
        Of the policy in mode none, in seconds; nobody need wait for that one.

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
        policy,
        record,
        ttl,
        now=now(),
        domain=domain,
        previous_max_age=previous_max_age,
        earlier=earlier,
        history=history,
    )
    text = with_mode(there.policy, Mode.NONE, max_age)
    line = next_record(there.record, there.made)
    # One in mode none holds nothing back, whoever has it.
    binding = tuple(one for one in there.served if there.policy.mode is not Mode.NONE or one.known != _NOW)
    after = binding[0].expires if binding else there.made
    return RemovalPlan(
        title="Away with MTA-STS: mode none, wait, then delete.",
        domain=there.domain,
        made=there.made,
        steps=tuple(_steps(there, text, line, after, binding)),
        notes=(*there.notes, _earlier_note(there)),
        findings=check_texts((text, line)),
        policy=text,
        record=line,
        delete_after=after,
        served=binding,
    )


_NOW: Final = "the policy served now"


def _earlier_note(there: Present) -> str:
    known = len(there.served) > 1
    return (
        "Copies of longer policies served before are counted in only as far as they were given. "
        + ("Were there others? " if known else "Was there ever a longer max_age than the present one? ")
        + "Give each as earlier=[(last served, max_age)]."
    )


def _steps(there: Present, text: str, line: str, after: datetime, binding: tuple[Served, ...]) -> Iterator[PlanStep]:
    yield PlanStep(
        when=there.made,
        what="Publish the policy file in mode none.",
        place=there.url,
        text=text,
        check=there.fetch_command,
        expect="mode: none, from every address of the host",
        why="A sender takes “none” as “deliver as if there were no policy”. A file that is merely gone tells it nothing: it "
        "goes on with the copy it holds.",
        rfc="RFC 8461 §5, §8.3",
    )
    yield PlanStep(
        when=there.made,
        what="Then change the record.",
        place=f"{there.record_name} (TXT)",
        text=line,
        check=there.record_command,
        expect=f"the new id; other resolvers may give the old one for {span(there.ttl)}",
        why="The new id leads senders to the new file.",
        rfc="RFC 8461 §8.1, §8.3",
    )
    longest = binding[0] if binding else None
    yield PlanStep(
        when=there.made,
        what=f"Wait until {when(after)}, and keep the policy host's certificate valid until then.",
        check=f"openssl s_client -connect mta-sts.{there.domain}:443 -servername mta-sts.{there.domain} "
        f"-verify_hostname mta-sts.{there.domain} </dev/null 2>/dev/null | grep -E 'NotAfter|Verif'",
        expect=f"Verify return code: 0 (ok), and a NotAfter later than {when(after.date())}; in the reports fewer and fewer "
        "sessions under an old policy",
        why=f"The copy that lasts longest is of {longest.known} with max_age {longest.max_age} ({span(longest.max_age)}). "
        "A sender that cannot fetch the file holds on to its old copy."
        if longest
        else "The policy served was in mode none already; nobody holds another, as far as was said.",
        rfc="RFC 8461 §8.3",
    )
    yield PlanStep(
        when=after,
        what="Delete the record.",
        place=f"{there.record_name} (TXT)",
        check=there.record_command,
        expect="nothing",
        why="The record goes first: while it is there, senders fetch the file, and report that they cannot.",
        rfc="RFC 8461 §8.3",
        not_before=True,
    )
    yield PlanStep(
        when=after + timedelta(seconds=there.ttl),
        what=f"Delete the file, then the host name mta-sts.{there.domain} and its certificate.",
        place=there.url,
        check=there.fetch_command,
        expect="an error: no such host",
        why="Resolvers may still give the record for its TTL. A CNAME left behind to a hosting service can be taken over by "
        "a stranger: delete the name before the hosting.",
        rfc="RFC 8461 §8.3",
        not_before=True,
    )
    yield PlanStep(
        when=after + timedelta(seconds=there.ttl),
        what="Keep the record that asks for reports, or delete it too.",
        place=f"_smtp._tls.{there.domain} (TXT)",
        check=f"dig +short TXT _smtp._tls.{there.domain}",
        expect="as you decided",
        why="With it senders go on reporting, under no-policy-found or, with TLSA records, under tlsa.",
        rfc="RFC 8460 §3, §4.4",
        not_before=True,
    )
