"""What happened, in a few sentences with numbers, and the figures to put on top of a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..markup import html_text, number, one_line, plural, share, terminal_text
from ..vocabulary import PolicyType
from ._cells import Cells, cells
from ._meanings import reason_codes
from ._table import as_day, days, listed
from .incidents._find import CHRONIC, find_incidents

if TYPE_CHECKING:
    import pandas as pd

    from ..reports import Source

__all__ = ["UNDER", "KeyFigures", "Story", "key_figures", "scope", "story"]

#: How the policy types are said.
UNDER = {
    PolicyType.STS.value: "under MTA-STS",
    PolicyType.TLSA.value: "under DANE",
    PolicyType.NO_POLICY_FOUND.value: "where the sender found no policy",
}
#: On fewer days with reports, what fails all the time may pass for normal.
FEW_DAYS = 7
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")


def shown_days(html: str) -> str:
    """Return HTML text with every day in a piece that no line break parts."""
    return _DAY.sub(r'<span class="sts-day">\g<0></span>', html)


@dataclass(frozen=True)
class Story:
    """A few labelled statements: `(label, text)` each."""

    statements: tuple[tuple[str, str], ...]

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><strong>{html_text(label)}</strong> {shown_days(html_text(text))}</li>"
            for label, text in self.statements
        )
        return f'<ul class="sts-lead">{items}</ul>'

    def __repr__(self) -> str:
        return "\n".join(terminal_text(f"{label} {text}") for label, text in self.statements)


@dataclass(frozen=True)
class KeyFigures:
    """Figures with a word on each: `(figure, words)`."""

    figures: tuple[tuple[str, str], ...]

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><strong>{html_text(figure)}</strong> {html_text(words)}</li>" for figure, words in self.figures
        )
        return f'<ul class="sts-figures">{items}</ul>'

    def __repr__(self) -> str:
        return "\n".join(terminal_text(f"{figure}  {words}") for figure, words in self.figures)


def story(source: Source) -> Story:
    """Return what happened, what it did to mail, and where it stands: a sentence each, with its numbers.

    Every number is of sessions that somebody reported; `scope` says of how many.
    """
    found = cells(source)
    if found.sessions.empty:
        return Story(
            (("What happened.", "Not known: no report came for this period. That is not the same as no failure."),)
        )
    if found.failures.empty:
        return Story((("What happened.", f"{_period(found.sessions)}, no failure was reported."),))
    incidents = find_incidents(source)
    return Story(
        (
            ("What happened.", _happened(found, incidents, reason_codes(source))),
            ("What it did to mail.", _effect(found)),
            ("Where it stands.", _state(incidents, found)),
        )
    )


def scope(source: Source) -> Story:
    """Return of how many sessions, reporters and days the numbers are, and what must not be added up.

    Sessions under sts and under tlsa are never added together: a reporter may list the same ones under both
    (RFC 8460 §4.4).
    """
    found = cells(source)
    if found.sessions.empty:
        return Story((("The numbers.", "No report came."),))
    return Story((("The numbers.", _scope(found)), *((("Apart from that.", text),) if (text := _rest(found)) else ())))


def _period(sessions: pd.DataFrame) -> str:
    first, last = as_day(sessions["day"].min()), as_day(sessions["day"].max())
    return f"On {first}" if first == last else f"Between {first} and {last}"


def _scope(found: Cells) -> str:
    seen, failed = found.sessions, found.failures.groupby("policy_type")["failed"].sum()
    totals = seen.groupby("policy_type")["sessions"].sum()
    parts = []
    for kind in _order(totals):
        count, bad = int(totals[kind]), int(failed.get(kind, 0))
        every = plural(count, "session")
        told = f"{number(bad)} of {every} failed ({share(bad, count)})" if bad else f"none of {every} failed"
        parts.append(f"{UNDER.get(kind, 'under ' + kind)} {told}")
    domains = sorted(seen["policy_domain"].unique())
    both = {PolicyType.STS, PolicyType.TLSA} <= set(totals.index)
    same = " Sessions under MTA-STS and DANE may be the same ones, so they are not added up." if both else ""
    return (
        f"{_period(seen)}, {plural(seen['organization_name'].nunique(), 'reporter')} sent figures about {listed(domains)}: "
        f"{'; '.join(parts)}.{same}"
    )


def _order(totals: pd.Series) -> list[str]:
    """Return the policy types, MTA-STS first, then by sessions."""
    return sorted(map(str, totals.index), key=lambda kind: (kind != PolicyType.STS, -totals[kind], kind))


def _happened(found: Cells, incidents: pd.DataFrame, reasons: Mapping[str, tuple[tuple[str, int], ...]]) -> str:
    period = _period(found.sessions)
    if incidents.empty:
        return f"{period}, {scattered(found)}."
    top = incidents.sort_values(["failed_session_count", "start"], ascending=[False, True]).iloc[0]
    first, last = as_day(top["start"]), as_day(top["end"])
    length = f"on {first}" if first == last else f"from {first} to {last}"
    words = reasons.get(str(top["result_type"]), ())
    quoted = f" ({one_line(words[0][0], 60)})" if words else ""
    seen_by = f"{number(int(top['reporters']))} of {plural(found.sessions['organization_name'].nunique(), 'reporter')}"
    count = plural(int(top["failed_session_count"]), "failed session")
    kind = f"{top['result_type']}{quoted}{at_mx(top['receiving_mx_hostname'])}"
    what = f"{kind}, for {top['policy_domain']}: {count} {length}, seen by {seen_by}"
    if len(incidents) == 1:
        return f"{period}, one kind of failure stood out: {what}."
    return f"{period}, failures stood out {number(len(incidents))} times, most of all {what}."


def _under(kind: str) -> str:
    return UNDER.get(kind, f"under {kind}")


def scattered(found: Cells) -> str:
    """Return what failed outside any incident, as a clause; by policy type, for sts and tlsa may count the same ones."""
    sums = found.failures.groupby("policy_type")["failed"].sum()
    failed = {str(kind): int(count) for kind, count in sums.items() if count}
    sessions = found.sessions.groupby("policy_type")["sessions"].sum()
    seen = {kind: int(sessions[kind]) for kind in failed}
    few = found.sessions["day"].nunique()
    if few < FEW_DAYS and any(failed[kind] > CHRONIC * seen[kind] for kind in failed):
        counted = " and ".join(
            f"{number(bad)} of {plural(seen[kind], 'session')} {_under(kind)} failed ({share(bad, seen[kind])})"
            for kind, bad in failed.items()
        )
        about = "a report about a single day is" if few == 1 else f"reports about {days(few)} are"
        return f"{counted}, and {about} too little to tell what is normal"
    counted = " and ".join(
        plural(bad, "failed session") + ("" if len(failed) == 1 else f" {_under(kind)}") for kind, bad in failed.items()
    )
    return f"{counted} came scattered, too few on any day to stand out"


def at_mx(host: object) -> str:
    """Return where, as the rest of a phrase; empty where no MX host is named."""
    return f" at {host}" if isinstance(host, str) and host else ""


def _effect(found: Cells) -> str:
    amount = found.failures.groupby("effect")["failed"].sum()
    held = found.failures[found.failures["effect"] == "held back"]
    if len(held):
        who, some = held["organization_name"].nunique(), days(held["day"].nunique())
        return (
            f"Mail of {plural(who, 'reporter')} was held back, on {some} in all: none of that day's sessions succeeded "
            f"where enforce or DANE asks senders to wait ({plural(int(held['failed'].sum()), 'failed session')})."
        )
    if "perhaps delayed" in amount:
        return (
            "Mail was delayed at most: no reporter failed in all its sessions of a day under enforce or DANE, "
            f"{plural(int(amount['perhaps delayed']), 'session')} failed while others succeeded."
        )
    return "Nothing in the reports says that mail was held back."


def _rest(found: Cells) -> str:
    """Return what the failures that held nothing back, or about which that is not known, amount to."""
    amount = found.failures.groupby("effect")["failed"].sum()
    told = []
    if "protection lost" in amount:
        count = plural(int(amount["protection lost"]), "session")
        told.append(
            f"{count} met a policy that could not be used: that mail went through, under a cached policy or unprotected."
        )
    if "reported only" in amount:
        count = plural(int(amount["reported only"]), "failed session")
        told.append(f"{count} had no effect, since no policy in force asked senders to wait.")
    if "not known" in amount:
        told.append(f"For {plural(int(amount['not known']), 'failed session')} the reports do not say enough to tell.")
    return " ".join(told)


def _state(incidents: pd.DataFrame, found: Cells) -> str:
    last_day = as_day(found.last_day)
    going_on = incidents[incidents["ongoing"]].sort_values("failed_session_count", ascending=False)
    if len(going_on):
        what = [f"{row['result_type']}{at_mx(row['receiving_mx_hostname'])}" for row in going_on.to_dict("records")]
        return f"Not over: on {last_day}, the last day with reports, this had not gone quiet: {listed(what)}."
    if incidents.empty:
        return f"Nothing stands out on the last day with reports, {last_day}."
    end = incidents["end"].max()
    ago = (found.last_day - end).days if found.last_day is not None else 0
    return (
        f"Over, as far as reported: the last day with failures in numbers was {as_day(end)}, and reports came for "
        f"{days(ago)} after it, until {last_day}. A sender that does not report is not seen here."
    )


def key_figures(source: Source) -> KeyFigures:
    """Return the figures for the top of a page; those under sts and tlsa are apart."""
    found = cells(source)
    seen, failures = found.sessions, found.failures
    if seen.empty:
        return KeyFigures((("–", "no report came"),))
    figures = []
    totals, failed = seen.groupby("policy_type")["sessions"].sum(), failures.groupby("policy_type")["failed"].sum()
    for kind in _order(totals)[:2]:
        bad, count = int(failed.get(kind, 0)), int(totals[kind])
        words = f"of {plural(count, 'session')} failed {UNDER.get(kind, 'under ' + kind)}"
        figures.append((share(bad, count), words))
    held = failures.loc[failures["effect"] == "held back", "day"].nunique()
    reporters = seen["organization_name"].nunique()
    span_days, reported = (seen["day"].max() - seen["day"].min()).days + 1, seen["day"].nunique()
    figures += [
        (number(held), f"{_agreed(held, 'day')} on which mail was held back"),
        (number(reporters), f"{_agreed(reporters, 'reporter')} sent figures"),
        (f"{number(reported)} of {number(span_days)}", f"{_agreed(span_days, 'day')} with a report"),
    ]
    return KeyFigures(tuple(figures))


def _agreed(count: int, noun: str) -> str:
    return noun if count == 1 else noun + "s"
