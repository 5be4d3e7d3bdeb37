"""What happened, in a few sentences with numbers: of all reports, or of the incidents that a document is about.

Each statement about an incident is made here once; a document of one incident uses the same ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from ..knowledge import result_type_text
from ..markup import number, one_line, plural, share
from ..vocabulary import MailEffect, PolicyType
from ._cells import Cells, cells
from ._table import NO_MX, KeyFigures, Story, Table, at_mx, day, days, listed, period, under
from ._urgency import by_urgency
from ._verdicts import NOBODYS_POLICY, without_policy
from .incidents import CHRONIC, find_incidents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..reports import Source

__all__ = [
    "by_type",
    "deferred_figure",
    "effect_statement",
    "happened_statement",
    "incident_table",
    "key_figures",
    "lower_first",
    "scope",
    "sporadic",
    "story",
    "timeline",
]

#: On fewer days with reports, what fails all the time may be taken for normal.
_FEW_DAYS: Final = 7
#: More policy domains are counted, not named.
_NAMED: Final = 3
_HAPPENED, _EFFECT, _STATE = "What happened.", "What it did to mail.", "Is it over?"


def story(source: Source) -> Story:
    """Return what happened, what it did to mail, and whether it is over: a sentence each, with its numbers.

    Every number is of reported sessions; `scope` gives of how many.
    """
    split = cells(source)
    if split.sessions.empty:
        text = "Not known: no report came for this period. That is not the same as no failure."
        return Story(((_HAPPENED, text),))
    reported = period(split.sessions["day"].min(), split.sessions["day"].max())
    unprotected = tuple(_unprotected(split))
    if split.failures.empty:
        return Story(((_HAPPENED, f"{reported}, no failure was reported."), *unprotected))
    incidents = find_incidents(source)
    if incidents.empty:
        happened = f"{reported}, {sporadic(split)}."
    else:
        incidents = by_urgency(incidents, split)
        count = "was one incident." if len(incidents) == 1 else f"were {len(incidents)} incidents. The most urgent:"
        happened = f"{reported}, there {count} {happened_statement(split, incidents.head(1))}"
    return Story(
        (
            (_HAPPENED, happened),
            (_EFFECT, effect_statement(split.failures)),
            *unprotected,
            (_STATE, _state(incidents, split)),
        )
    )


def _unprotected(split: Cells) -> Iterator[tuple[str, str]]:
    """Yield a statement on the domains for which no sender finds a policy."""
    blind = without_policy(split).items()
    domains = [one_line(domain, 80) for domain, (concern, _) in blind if concern.code == NOBODYS_POLICY]
    if domains:
        text = f"Senders find no policy for {listed(sorted(domains))}, so mail to {'it' if len(domains) == 1 else 'them'} is not protected."
        yield "Without a policy.", text


def happened_statement(split: Cells, incidents: pd.DataFrame, summary: str = "") -> str:
    """Return what failed where, from when to when, how much of it, and who reported it.

    Parameters
    ----------
    split : Cells
        The sessions among which they were reported.
    incidents : DataFrame
        Rows of `find_incidents` about one policy domain and policy type.
    summary : str
        What was wrong, in one sentence; empty: what the result type of the largest says.
    """
    rows = incidents.sort_values("failed_session_count", ascending=False)
    domain, kind = str(rows["policy_domain"].iloc[0]), str(rows["policy_type"].iloc[0])
    first, last, sessions = rows["start"].min(), rows["end"].max(), split.sessions
    among = sessions[
        (sessions["policy_type"] == kind) & (sessions["policy_domain"] == domain) & sessions["day"].between(first, last)
    ]
    failed, total = int(rows["failed_session_count"].sum()), int(among["sessions"].sum())
    reporters = {name for names in rows["organization_name"] for name in str(names).split("\n")}
    all_reporters = max(among["organization_name"].nunique(), len(reporters))
    hosts = sorted({one_line(host, 80) for host in rows["receiving_mx_hostname"].dropna()})
    where = f" at {listed(hosts)}" if hosts else ""
    types = listed([one_line(name, 60) for name in dict.fromkeys(rows["result_type"])])
    when = f"On {day(first)}" if first == last else f"From {day(first)} to {day(last)}"
    if rows["ongoing"].any():
        when = f"From {day(first)} on"
    what = summary or result_type_text(str(rows["result_type"].iloc[0])).short.split(". ")[0]
    return (
        f"{when}, {number(failed)} of {plural(total, 'session')} {under(kind)} for {one_line(domain, 80)} "
        f"({share(failed, total)}) failed{where} with {types}, reported by {number(len(reporters))} of "
        f"{plural(all_reporters, 'reporter')}: {lower_first(what).removesuffix('.')}."
    )


def lower_first(sentence: str) -> str:
    """Return a sentence as the rest of another one."""
    return sentence[0].lower() + sentence[1:] if sentence[1:2].islower() or sentence[1:2] == " " else sentence


def sporadic(split: Cells) -> str:
    """Return what failed outside any incident, as a clause; by policy type, for sts and tlsa may count the same ones."""
    failed = {str(kind): int(count) for kind, count in split.failed_by_type().items() if count}
    sessions = split.sessions_by_type()
    few = split.sessions["day"].nunique()
    if few < _FEW_DAYS and any(bad > CHRONIC * sessions[kind] for kind, bad in failed.items()):
        counted = " and ".join(
            f"{number(bad)} of {plural(int(sessions[kind]), 'session')} {under(kind)} failed ({share(bad, sessions[kind])})"
            for kind, bad in failed.items()
        )
        about = "a report about a single day is" if few == 1 else f"reports about {days(few)} are"
        return f"{counted}, and {about} not enough to know what is normal"
    return f"{by_type(split.failures, 'sporadic failed session')}, too few on any day for an incident"


def by_type(failures: pd.DataFrame, noun: str) -> str:
    """Return a count of failures; by policy type where there are several, since sts and tlsa may count the same ones."""
    sums = failures.groupby("policy_type")["failed"].sum()
    sums = sums[sums > 0]
    if len(sums) == 1:
        return plural(int(sums.iloc[0]), noun)
    return " and ".join(f"{plural(int(count), noun)} {under(kind)}" for kind, count in sums.items())


def effect_statement(failures: pd.DataFrame) -> str:
    """Return what failures did to mail, the worst first: one sentence for each effect (RFC 8461 §5)."""
    sentences = []
    for effect in MailEffect:
        rows = failures[failures["effect"] == effect]
        if rows.empty:
            continue
        count = by_type(rows, "failed session")
        sentences.append(
            {
                MailEffect.DEFERRED: f"Mail from {plural(rows['organization_name'].nunique(), 'reporter')} was deferred "
                f"on {days(rows['day'].nunique())}, up to {count}: none of that day's sessions succeeded, and enforce or "
                "DANE makes senders queue the mail and try again.",
                MailEffect.POSSIBLY_DELAYED: f"Mail of {count} was delayed at most: other sessions of the same reporter "
                "and day succeeded.",
                MailEffect.UNPROTECTED: f"No mail was deferred by {count} in which the policy could not be used: it was "
                "delivered under a cached policy or without protection.",
                MailEffect.NO_EFFECT: f"{count[0].upper()}{count[1:]} had no effect on delivery: the policy was in testing "
                "or none, or the sender found none.",
                MailEffect.NOT_KNOWN: f"For {count} the reports do not show the effect.",
            }[effect]
        )
    return " ".join(sentences) or "Nothing failed, so no mail was deferred."


def _state(incidents: pd.DataFrame, split: Cells) -> str:
    last_day = day(split.last_day)
    if incidents.empty:
        return f"There is no incident on the last day with reports, {last_day}."
    ongoing = incidents[incidents["ongoing"]]
    if len(ongoing):
        what = [f"{row['result_type']}{at_mx(row['receiving_mx_hostname'])}" for row in ongoing.to_dict("records")]
        return f"Not over: on {last_day}, the last day with reports, this was still occurring: {listed(what)}."
    end = incidents["end"].max()
    return (
        f"Over, as far as reported: the last day with significant failures was {day(end)}. Reports came for "
        f"{days((split.last_day - end).days)} after it, until {last_day}. Senders that do not report are not included."
    )


def scope(source: Source) -> Story:
    """Return of how many sessions, reporters and days the numbers are, and what must not be added up.

    Sessions under sts and under tlsa are never added together: a reporter may list the same ones under both
    (RFC 8460 §4.4).
    """
    split = cells(source)
    if split.sessions.empty:
        return Story((("The numbers.", "No report came."),))
    failed, totals = split.failed_by_type(), split.sessions_by_type()
    parts = []
    for kind in _order(totals):
        count, bad = int(totals[kind]), int(failed.get(kind, 0))
        every = plural(count, "session")
        result = f"{number(bad)} of {every} failed ({share(bad, count)})" if bad else f"none of {every} failed"
        parts.append(f"{under(kind)} {result}")
    seen = split.sessions
    both = {PolicyType.STS, PolicyType.TLSA} <= set(totals.index)
    same = " Sessions under MTA-STS and DANE may be the same ones, so they are not added up." if both else ""
    domains = sorted(map(str, seen["policy_domain"].unique()))
    about = listed(domains) if len(domains) <= _NAMED else plural(len(domains), "policy domain")
    text = (
        f"{period(seen['day'].min(), seen['day'].max())}, {plural(seen['organization_name'].nunique(), 'reporter')} sent "
        f"figures about {about}: {'; '.join(parts)}.{same}"
    )
    return Story((("The numbers.", text),))


def _order(totals: pd.Series) -> list[str]:
    """Return the policy types, MTA-STS first, then by sessions."""
    return sorted(map(str, totals.index), key=lambda kind: (kind != PolicyType.STS, -totals[kind], kind))


def key_figures(source: Source) -> KeyFigures:
    """Return the figures for the top of a page; those under sts and tlsa are separate."""
    split = cells(source)
    seen = split.sessions
    if seen.empty:
        return KeyFigures((("–", "no report came"),))
    totals, failed = split.sessions_by_type(), split.failed_by_type()
    figures = [
        (share(failed.get(kind, 0), totals[kind]), f"of {plural(int(totals[kind]), 'session')} failed {under(kind)}")
        for kind in _order(totals)[:2]
    ]
    reporters = seen["organization_name"].nunique()
    span_days, reported = (seen["day"].max() - seen["day"].min()).days + 1, seen["day"].nunique()
    figures += [
        deferred_figure(split),
        (number(reporters), f"{'reporter' if reporters == 1 else 'reporters'} sent figures"),
        (f"{number(reported)} of {number(span_days)}", f"{'day' if span_days == 1 else 'days'} with a report"),
    ]
    return KeyFigures(tuple(figures))


def deferred_figure(split: Cells) -> tuple[str, str]:
    """Return on how many days mail was deferred, with its label."""
    count = split.failures.loc[split.failures["effect"] == MailEffect.DEFERRED, "day"].nunique()
    return number(count), f"{'day' if count == 1 else 'days'} on which mail was deferred"


def timeline(source: Source) -> Table:
    """Return the incidents of a source by their first day, and how many failed sessions are in none.

    Returns
    -------
    Table
        The columns of `find_incidents`, with ``(none named)`` for a missing MX host, and ``state``.
    """
    return incident_table(find_incidents(source), cells(source))


def incident_table(incidents: pd.DataFrame, split: Cells, caption: str = "", nothing: str = "") -> Table:
    """Return rows of `find_incidents` as a table; without a caption of its own, it counts what is in no incident."""
    frame = incidents.assign(
        receiving_mx_hostname=incidents["receiving_mx_hostname"].fillna(NO_MX),
        state=incidents["ongoing"].map({True: "ongoing", False: "over"}).astype("str"),
    )
    if not caption:
        rest = _outside(incidents, split)
        caption = f"{plural(len(frame), 'incident')}: days on which failures exceed their own baseline."
        caption += f" {by_type(rest, 'sporadic failed session')} outside of them." if len(rest) else ""
    if not nothing:
        nothing = "No failure was reported." if split.failures.empty else f"No incident: {sporadic(split)}."
        nothing = "No report came: nothing is known." if split.sessions.empty else nothing
    headings = {
        "start": "First day", "end": "Last day", "state": "State", "result_type": "Result type",
        "receiving_mx_hostname": "MX host", "policy_domain": "Policy domain", "policy_type": "Policy type",
        "failed_session_count": "Failed sessions", "share": "Share of sessions", "reporters": "Reporters",
        "confidence": "Certainty",
    }  # fmt: skip
    return Table(frame, headings, caption, nothing)


def _outside(incidents: pd.DataFrame, split: Cells) -> pd.DataFrame:
    """Return the failed sessions that are in no incident, by policy type."""
    inside, failed = incidents.groupby("policy_type")["failed_session_count"].sum(), split.failed_by_type()
    rest = (failed - inside.reindex(failed.index, fill_value=0)).clip(lower=0)
    return rest[rest > 0].rename("failed").reset_index()
