"""A case in tables: the evidence for the cause, what was done when, and what is left to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pandas as pd

from ..analysis import NO_MX, Table, at_mx, incident_table, listed
from ..knowledge import result_type_text
from ..markup import one_line, plural, when
from ..render import Rendered
from ..reports import daily
from ..rollout import queue_ends
from ..vocabulary import FixStatus, MailEffect, PolicyType
from ._case import Case

__all__ = ["Actions", "actions", "evidence", "nearby_events", "other_incidents"]

_AROUND: Final = pd.Timedelta(days=10)
Step = tuple[str, str]
_PREVENTION: Final[dict[str, Step]] = {
    "mx": (
        "Monitor the certificate and STARTTLS of every MX host, the backup included, from outside.",
        "A good primary hides a fault at the backup.",
    ),
    "policy-host": (
        "Monitor the policy file and the certificate of its web server from outside, and after each deployment.",
        "Mail is still delivered without the protection, so there are no complaints.",
    ),
}


@dataclass(frozen=True)
class Actions(Rendered):
    """What is left to do: `(step, why)` each, with an owner and a date to fill in."""

    steps: tuple[Step, ...]


def other_incidents(case: Case) -> Table:
    """Return the incidents that the document is not about."""
    return incident_table(
        case.others,
        case.all_cells,
        caption=f"{plural(len(case.others), 'other incident')} in the same reports, not covered here.",
        nothing="There is no other incident in these reports.",
    )


def nearby_events(case: Case) -> Table:
    """Return the events of the days of the document and those around them."""
    events, first, last = case.events, case.first, case.last
    rows = events.iloc[:0]
    if first is not None and last is not None and len(events):
        moments = pd.to_datetime(events["time"], utc=True, format="ISO8601")
        inside = (moments >= first - _AROUND) & (moments < last + _AROUND + pd.Timedelta(days=1))
        rows = events.assign(time=moments)[inside].sort_values(["time", "text"], ignore_index=True)
    outside = len(events) - len(rows)
    rest = f" {plural(outside, 'other event')} on other days." if outside else ""
    return Table(
        rows,
        {"time": "When", "text": "What was done"},
        caption=f"{plural(len(rows), 'event')} around these days, from the events file.{rest}",
        nothing=f"None of the {plural(len(events), 'event')} in the events file is around these days."
        if len(events)
        else "No events file given. It would show changes and deployments here and on the timeline.",
        moments=["time"],
    )


def evidence(case: Case) -> Table:
    """Return the failures of the incidents by what reports say of the cause, the most first."""
    keys = ["result_type", "receiving_mx_hostname", "receiving_ip", "failure_reason_code"]
    table = daily(case.archive, by=("organization_name", *keys))
    texts = [*keys, "organization_name", "policy_domain", "policy_type"]
    table = table[table["failed"] > 0].astype(dict.fromkeys(texts, "str")).fillna(dict.fromkeys(texts, ""))
    if len(case.incidents):
        table = case.failures_of_incidents(table)
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
            "result_type": "Result type", "failure_reason_code": "Reason given by the sender",
            "receiving_mx_hostname": "MX host", "receiving_ip": "Its address", "policy_domain": "Policy domain",
            "policy_type": "Policy type", "failed": "Failed sessions", "reporters": "Reporters", "first": "First",
            "last": "Last",
        },
        caption="What reporters gave as the cause, the most frequent first. Not every reporter gives an address or a reason.",
        nothing="No failure was reported." if len(case.all_cells.sessions) else "No report came: nothing is known.",
    )  # fmt: skip


def actions(case: Case) -> Actions:
    """Return the steps that follow from the incidents, or from there being none."""
    return Actions(tuple(_steps(case)))


def _steps(case: Case) -> Iterator[Step]:
    if case.top is None:
        if case.all_cells.sessions.empty:
            yield (
                "Check that the _smtp._tls record names an address that receives the reports, and that the period is right.",
                "No report came: nothing is known.",
            )
        elif (cause := case.pressing_cause) is not None:
            yield (
                cause.fix,
                f"{cause.claim}{at_mx(listed([one_line(host, 80) for host in cause.mx]) if cause.mx else '')}.",
            )
        else:
            yield "Nothing, according to the reports.", "Single failures are normal: time-outs, a sender's restart."
        return
    check, failures = case.fix, case.own_cells.failures
    over = check is not None and check.verdict in (FixStatus.FIXED, FixStatus.TOO_EARLY)
    deferred = failures[failures["effect"] == MailEffect.DEFERRED]
    if not over and (deferred["policy_type"] == PolicyType.STS).any():
        yield (
            "Consider a rollback: serve the policy with mode testing and max_age 86400, then change the id in the TXT record.",
            "Mail is being deferred now. The order matters (RFC 8461 §8.1).",
        )
    for result_type in dict.fromkeys(case.lead.sort_values("failed_session_count", ascending=False)["result_type"]):
        yield _for_type(case, str(result_type), over=over)
    if over:
        yield (
            "Write down what the fault was, and when and how it was fixed.",
            "Reports show effects, not causes.",
        )
    if check is None or check.verdict is not FixStatus.FIXED:
        until = f", until {when(check.watch_until)}" if check is not None else ""
        yield (
            f"Watch reports for 48 hours after the fix{until}, and create this document again.",
            "A report covers a whole day and arrives on the next one, from some senders later.",
        )
    if len(deferred):
        yield (
            "Tell affected users that mail from these senders may arrive late or have bounced.",
            f"Senders try again until their queue life ends: {queue_ends()}.",
        )
    yield from _prevention(case)


def _prevention(case: Case) -> Iterator[Step]:
    """Yield how to avoid it next time: as the cause says, and by what monitoring."""
    cause, result_types = case.main_cause, dict.fromkeys(map(str, case.incidents["result_type"]))
    texts = [cause.prevent] if cause is not None else [result_type_text(name).prevent_for() for name in result_types]
    yield from ((text, "So that it does not happen again.") for text in dict.fromkeys(texts) if text)
    for where in dict.fromkeys(result_type_text(name).where for name in result_types):
        if where in _PREVENTION:
            yield _PREVENTION[where]


def _for_type(case: Case, result_type: str, *, over: bool) -> Step:
    text, cause = result_type_text(result_type), case.main_cause
    rows = case.lead[case.lead["result_type"] == result_type]
    hosts = sorted({str(host) for host in rows["receiving_mx_hostname"].dropna()})
    domain = str(rows["policy_domain"].iloc[0])
    where = at_mx(listed([one_line(host, 80) for host in hosts]) if hosts else "")
    if over:
        commands = text.commands(domain, hosts[0] if hosts else None)
        how = f": {commands[0].shell}" if commands else "."
        return f"Check yourself that it is permanently fixed{how}", f"{text.title}{where}; no more reports of it."
    if cause is not None and case.top is not None and case.top["result_type"] == result_type:
        return cause.fix, f"{cause.claim}{where}."
    return text.fix_for(domain), f"{text.title}{where}."
