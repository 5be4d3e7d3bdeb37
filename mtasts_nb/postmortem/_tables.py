"""A case in tables: the evidence for the cause, what was done when, and what is left to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..analysis._breakdown import NO_MX
from ..analysis._meanings import Meanings, meanings
from ..analysis._table import Table, as_count, as_day, listed
from ..analysis._timeline import incident_table
from ..analysis.incidents._verify_fix import EARLY, FIXED
from ..knowledge import explain
from ..markup import html_table, one_line, plural, terminal_text, when
from ..reports import daily
from ..vocabulary import PolicyType

if TYPE_CHECKING:
    from ._case import Case

__all__ = ["Actions", "actions", "evidence", "happenings", "meanings_told", "other_incidents"]

_AROUND: Final = 10
#: A line to write on, as wide as a name; a cell that is empty looks like one that was forgotten.
_WAY_BACK: Final = (
    "Decide on a way back: serve the policy with mode testing and max_age 86400, then change the id in the TXT record."
)
_BLANK: Final = "\u00a0" * 14


@dataclass(frozen=True)
class Actions:
    """What is left to do: `(step, why)` each, with an owner and a date to fill in by hand."""

    steps: tuple[tuple[str, str], ...]

    def _repr_html_(self) -> str:
        rows: list[dict[str, object]] = [
            {"number": str(place), "step": step, "why": why, "owner": _BLANK, "due": _BLANK}
            for place, (step, why) in enumerate(self.steps, 1)
        ]
        headings = {"number": "#", "step": "What to do", "why": "Why", "owner": "Owner", "due": "Date"}
        return html_table(rows, headings, caption="What to do next, the most urgent first.", width=600)

    def __repr__(self) -> str:
        return "\n".join(terminal_text(f"{place}. {step} {why}") for place, (step, why) in enumerate(self.steps, 1))


def other_incidents(case: Case) -> Table:
    """Return the incidents that the document does not tell."""
    import dataclasses

    found = case.seen
    table = incident_table(
        case.others,
        dataclasses.replace(found, failures=found.failures.iloc[:0]),
        caption=f"{plural(len(case.others), 'other incident')} in the same reports, not told here.",
    )
    return dataclasses.replace(table, nothing="There is no other incident in these reports.")


def happenings(case: Case) -> Table:
    """Return the events of the days told and those around them."""
    import pandas as pd

    events, first, last = case.events, case.first, case.last
    if first is not None and last is not None and len(events):
        around = pd.Timedelta(days=_AROUND)
        moments = pd.to_datetime(events["time"], utc=True, format="ISO8601")
        inside = (moments >= first - around) & (moments < last + around + pd.Timedelta(days=1))
        shown = events.assign(time=moments)[inside].sort_values(["time", "text"], ignore_index=True)
    else:
        shown = events.iloc[:0]
    outside = len(events) - len(shown)
    rest = f" {plural(outside, 'other')} further off." if outside else ""
    return Table(
        shown,
        {"time": "When", "text": "What was done"},
        caption=f"{plural(len(shown), 'event')} around these days, as given by hand.{rest}",
        nothing="No events were given: changes and deployments would stand here and on the timeline."
        if not len(events)
        else f"None of the {plural(len(events), 'event')} given lies around these days.",
        formats={"time": lambda moment: when(moment)},  # type: ignore[arg-type]
    )


def evidence(case: Case) -> Table:
    """Return the failures of the incidents by what reports say of the cause, the most first."""
    keys = ["result_type", "receiving_mx_hostname", "receiving_ip", "failure_reason_code"]
    table = daily(case.archive, by=("organization_name", *keys))
    table = table[table["failed"] > 0]
    texts = [*keys, "organization_name", "policy_domain", "policy_type"]
    table = table.astype(dict.fromkeys(texts, "str")).fillna(dict.fromkeys(texts, ""))
    if len(case.incidents):
        table = case.only(table)
    frame = (
        table.groupby([*keys, "policy_domain", "policy_type"], sort=True)
        .agg(
            failed=("failed", "sum"),
            reporters=("organization_name", "nunique"),
            first=("day", "min"),
            last=("day", "max"),
        )
        .reset_index()
        .sort_values(["failed", *keys], ascending=[False, *[True] * len(keys)], ignore_index=True)
    )
    frame["receiving_mx_hostname"] = frame["receiving_mx_hostname"].replace("", NO_MX)
    return Table(
        frame,
        {
            "result_type": "Result type", "failure_reason_code": "Reporters' own words", "receiving_mx_hostname": "MX host",
            "receiving_ip": "Its address", "policy_domain": "Policy domain", "policy_type": "Policy type",
            "failed": "Failed sessions", "reporters": "Reporters", "first": "First", "last": "Last",
        },
        caption="What reporters gave as the cause, the most frequent first. Not every reporter gives an address or a reason.",
        nothing="No failure was reported." if len(case.seen.sessions) else "No report came: nothing is known.",
        formats={"failed": as_count, "reporters": as_count, "first": as_day, "last": as_day},
    )  # fmt: skip


def meanings_told(case: Case) -> Meanings:
    """Return what the result types told mean."""
    return meanings(case.archive, case.told)


def actions(case: Case) -> Actions:
    """Return the steps that follow from the incidents, or from there being none."""
    if case.top is None:
        return Actions(_without_incident(case))
    steps: list[tuple[str, str]] = []
    check = case.fix
    over = check is not None and check.verdict in (FIXED, EARLY)
    held = (case.told.failures["effect"] == "held back").any()
    enforced = case.told.failures[case.told.failures["policy_type"] == PolicyType.STS]
    if not over and (enforced["effect"] == "held back").any():
        steps.append((_WAY_BACK, "Mail is being held back now. In that order (RFC 8461 §8.1)."))
    for result_type in dict.fromkeys(case.lead.sort_values("failed_session_count", ascending=False)["result_type"]):
        steps += _for_type(case, str(result_type), over=over)
    if over:
        steps.append(
            ("Write down what the fault was, and when and how it was mended.", "Reports show effects, not causes.")
        )
    if check is None or check.verdict != FIXED:
        until = f" until {when(check.watch_until)}" if check is not None else ""
        steps.append(
            (
                f"Watch the reports of 48 hours after the fix{until}, and make this document again.",
                "A report is about a whole day and comes on the next one, from some senders later.",
            )
        )
    if held:
        steps.append(
            (
                "Tell those who waited for mail from these senders that it may come late, or was returned.",
                "Senders keep trying for some days, often four or five, and then return the mail.",
            )
        )
    return Actions((*steps, *_prevention(case)))


def _for_type(case: Case, result_type: str, *, over: bool) -> list[tuple[str, str]]:
    text = explain(result_type)
    rows = case.lead[case.lead["result_type"] == result_type]
    hosts = sorted({str(host) for host in rows["receiving_mx_hostname"].dropna()})
    domain = str(rows["policy_domain"].iloc[0])
    where = f" at {listed([one_line(host, 80) for host in hosts])}" if hosts else ""
    cause = case.main_cause if case.top is not None and case.top["result_type"] == result_type else None
    if not over:
        return [(text.fix if cause is None else cause.fix, f"{text.title if cause is None else cause.title}{where}.")]
    commands = text.commands(domain, hosts[0] if hosts else None)
    how = f": {commands[0].shell}" if commands else "."
    return [(f"Check by hand that it is mended for good{how}", f"{text.title}{where}; the reports have gone quiet.")]


_PREVENTION: Final = {
    "mx": ("Watch the certificate and STARTTLS of every MX host, the backup included, from outside.", "A fault at a backup hides behind a good primary."),
    "policy-host": ("Watch the policy file and the certificate of its web server from outside, and after each deployment.", "Mail flows on without the protection, so nobody complains."),
    "dane": ("Publish the TLSA record of the next key before the key is changed, and wait for the TTL.", "Certificates that renew themselves may change the key (RFC 7671 §8.1)."),
}  # fmt: skip


def _prevention(case: Case) -> list[tuple[str, str]]:
    places = dict.fromkeys(explain(str(name)).where for name in case.incidents["result_type"])
    return [_PREVENTION[place] for place in places if place in _PREVENTION]


def _without_incident(case: Case) -> tuple[tuple[str, str], ...]:
    if case.seen.sessions.empty:
        return (
            (
                "Check that the _smtp._tls record names an address at which reports arrive, and that the period is right.",
                "No report came: nothing is known.",
            ),
        )
    return (("Nothing, as far as reports tell.", "Single failures are normal: time-outs, a sender's restart."),)
