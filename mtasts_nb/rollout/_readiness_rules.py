"""What the reports say for and against a step, reason by reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ..analysis._table import listed
from ..analysis.incidents._find import find_incidents
from ..markup import number, one_line, plural, share, when
from ..vocabulary import PolicyType
from ._readiness_phases import Target
from ._readiness_reason import AGAINST, FOR, NOTE, UNKNOWN, Reason
from ._readiness_reports import ALL_FAILED, Cells, OneDomain, held_back, types_of

if TYPE_CHECKING:
    from ..analysis.policy_history._history import PolicyHistory

__all__ = ["Rules", "Window", "report_reasons"]


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds; parameters of `readiness`."""

    coverage: float
    max_failed_share: float
    min_sessions: int
    stale_days: int


@dataclass(frozen=True, slots=True)
class Window:
    """The days that are judged.

    Attributes
    ----------
    first, last : Timestamp
        The first and last day, UTC midnights.
    since : Timestamp
        From when on days count: the first day on which a report shows the present mode.
    known : bool
        Whether `since` is the day of a change that reports show; if not, the mode is as old as that or older.
    """

    first: pd.Timestamp
    last: pd.Timestamp
    since: pd.Timestamp
    known: bool

    @property
    def days(self) -> int:
        """How many days there are to judge."""
        return max((self.last - self.first).days + 1, 0)


def day(moment: pd.Timestamp) -> str:
    """Return a day as text."""
    return when(moment.date())


def names(frame: pd.DataFrame) -> str:
    """Return the reporters of a table as a phrase."""
    return listed([one_line(n, 60) or "one that gives no name" for n in dict.fromkeys(frame["organization_name"])])


def report_reasons(
    source: OneDomain, cells: Cells, window: Window, target: Target, rules: Rules, history: PolicyHistory
) -> Iterator[Reason]:
    """Yield what the reports say."""
    inside = cells.since(window.first)
    sts, tlsa, without = types_of(inside)
    yield from _days(inside, window, target, rules)
    if len(sts.sessions):
        yield from _incidents(find_incidents(source), window, target)
    yield from _failures(sts, target, rules)
    yield from _policy_host(types_of(cells)[0], window)
    yield from _senders(inside, tlsa, without, history)


def _days(inside: Cells, window: Window, target: Target, rules: Rules) -> Iterator[Reason]:
    wanted = target.clean_days
    if not wanted:
        return
    reported = inside.sessions["day"].nunique()
    since = f"since the mode was first seen on {day(window.since)}" if window.known else f"since {day(window.since)}"
    expected = f"{plural(wanted, 'day')}, {share(rules.coverage, 1)} of them with a report"
    found = f"{plural(reported, 'day')} with a report of {plural(window.days, 'day')} {since}"
    if not window.days:
        yield Reason("Days of reports", AGAINST, "No report is about a day since the mode became what it is.", expected)
    elif window.days < wanted:
        enough = window.since + pd.Timedelta(days=wanted)
        yield Reason("Days of reports", AGAINST, f"{found}: too few before {day(enough)}.", expected)
    else:
        found = (
            f"{plural(reported, 'day')} with a report of the last {plural(wanted, 'day')}, up to {day(window.last)}."
        )
        yield Reason("Days of reports", FOR if reported >= rules.coverage * wanted else UNKNOWN, found, expected)
    total = int(inside.of(PolicyType.STS).sessions["sessions"].sum())
    who = inside.of(PolicyType.STS).sessions["organization_name"].nunique()
    yield Reason(
        "Sessions under MTA-STS",
        FOR if total >= rules.min_sessions else UNKNOWN,
        f"{plural(total, 'session')} from {plural(who, 'reporter')} in these days.",
        f"at least {number(rules.min_sessions)}",
    )


def _incidents(found: pd.DataFrame, window: Window, target: Target) -> Iterator[Reason]:
    topic, expected = "Incidents at an MX", "none in these days"
    if not target.clean_days:
        return
    mine = found[(found["policy_type"] == PolicyType.STS) & ~found["result_type"].str.startswith("sts-")]
    mine = mine[(mine["end"] >= window.first) | mine["ongoing"]]
    for row in mine.to_dict("records"):
        host = row["receiving_mx_hostname"]
        place = f" at {one_line(host, 80)}" if isinstance(host, str) and host else ""
        ends = (
            f"from {day(row['start'])}, not known to be over"
            if row["ongoing"]
            else f"{day(row['start'])} to {day(row['end'])}"
        )
        count = plural(int(row["failed_session_count"]), "failed session")
        yield Reason(topic, AGAINST, f"{one_line(row['result_type'], 80)}{place}, {ends}: {count}.", expected)
    if mine.empty:
        yield Reason(topic, FOR, "None stands out.", expected)


def _failures(sts: Cells, target: Target, rules: Rules) -> Iterator[Reason]:
    if not target.clean_days:
        return
    sessions = int(sts.sessions["sessions"].sum())
    failed = int(sts.at_mx["failed"].sum())
    expected = f"at most {share(rules.max_failed_share, 1)} of the sessions"
    if not sessions:
        yield Reason("Failures at the MX hosts", UNKNOWN, "No session is reported.", expected)
        return
    says = FOR if failed <= rules.max_failed_share * sessions else AGAINST
    found = f"{number(failed)} of {plural(sessions, 'session')} failed ({share(failed, sessions)})"
    hosts = sts.at_mx.groupby("receiving_mx_hostname")["failed"].sum().sort_values(ascending=False)
    parts = [f"{one_line(host, 80) or 'no MX named'} {number(count)}" for host, count in hosts.head(3).items()]
    where = (
        f": {', '.join(parts)}"
        + (f" and {len(hosts) - 3} more hosts" if len(hosts) > 4 else " and 1 more host" if len(hosts) == 4 else "")
        if parts
        else ""
    )
    yield Reason("Failures at the MX hosts", says, f"{found}{where}.", expected)
    yield Reason("Held back by enforce", NOTE, _held(held_back(sts)))


def _held(rows: pd.DataFrame) -> str:
    """Return what enforce would hold back of such sessions, in words; sessions, never messages."""
    if rows.empty:
        return "Nothing: no session failed at an MX."
    whole = rows[rows["case"] == ALL_FAILED]
    part = rows[rows["case"] != ALL_FAILED]
    parts = []
    if len(whole):
        parts.append(
            f"Up to {plural(int(whole['failed_session_count'].sum()), 'session')} of {names(whole)}, on "
            f"{plural(whole['day'].nunique(), 'day')} on which every session of that sender failed."
        )
    if len(part):
        parts.append(
            f"{plural(int(part['failed_session_count'].sum()), 'failed session')} of {names(part)} came on days on which "
            "others of that sender went through, at another MX or at another try: they may have held back nothing."
        )
    return " ".join([*parts, "A session is a connection, not a message."])


def _policy_host(sts: Cells, window: Window) -> Iterator[Reason]:
    topic, expected = "Policy host", "reachable: without it senders see neither this change nor a rollback"
    mine = sts.since(window.first).on_policy_host
    if mine.empty:
        if len(sts.since(window.first).sessions):
            yield Reason(topic, FOR, "No failure to get the policy is reported.", expected)
        return
    kinds = listed([one_line(kind, 80) for kind in mine["result_type"].value_counts().index])
    last = mine["day"].max()
    found = f"{plural(int(mine['failed'].sum()), 'failed session')} ({kinds}), by {names(mine)}, last on {day(last)}"
    if last >= window.last - pd.Timedelta(days=1):
        yield Reason(topic, AGAINST, f"{found}: not known to be over.", expected)
    else:
        yield Reason(topic, NOTE, f"{found}. It held nothing back by itself.", expected)


def _senders(inside: Cells, tlsa: Cells, without: Cells, history: PolicyHistory) -> Iterator[Reason]:
    who = inside.sessions["organization_name"].nunique()
    if who:
        alone = " Others may meet what this one does not." if who == 1 else ""
        yield Reason(
            "Senders seen",
            NOTE,
            f"{plural(who, 'reporter')}: {names(inside.sessions)}.{alone} Most senders never report.",
        )
    if len(without.sessions):
        total = int(without.sessions["sessions"].sum())
        yield Reason("Senders without the policy", NOTE,
                     f"{plural(total, 'session')} of {names(without.sessions)} under no-policy-found: neither protected nor held back by enforce.")  # fmt: skip
    failed = int(tlsa.failures["failed"].sum())
    if failed:
        yield Reason("DANE", NOTE,
                     f"{plural(failed, 'failed session')} of {names(tlsa.failures)} under tlsa: held back by DANE, whatever the MTA-STS mode (RFC 8461 §2).")  # fmt: skip
    if len(history.behind):
        yield Reason("Older policy", NOTE, f"By its last report still applied by {names(history.behind)}.")
    if len(history.unobserved):
        yield Reason("Policy not observed", NOTE, f"No policy-string in the reports of {names(history.unobserved)}.")
