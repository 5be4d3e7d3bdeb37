"""A case in sentences: what happened, what it did to mail, whether it is over, and the facts at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..analysis._meanings import reason_codes
from ..analysis._narrow import narrow
from ..analysis._summary import UNDER, KeyFigures, Story, at_mx, scattered, shown_days
from ..analysis._table import as_day, days, listed
from ..analysis.incidents._verify_fix import EARLY, FAILING, FIXED
from ..knowledge import explain
from ..markup import html_text, number, one_line, plural, share, terminal_text
from ..vocabulary import PolicyType
from ._probe import seen_now

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ..analysis._cells import Cells
    from ._case import Case

__all__ = ["Facts", "Heading", "facts", "figures", "heading", "not_checked", "three_sentences"]

_NO_REPORT = "Not known: no report came for {}. That is not the same as no failure."


@dataclass(frozen=True)
class Heading:
    """The title of a document, who wrote it, and what it is about."""

    title: str
    about: str

    def _repr_html_(self) -> str:
        return f'<h1>{html_text(self.title)}</h1><p class="sts-quiet">{shown_days(html_text(self.about))}</p>'

    def __repr__(self) -> str:
        return terminal_text(f"{self.title}. {self.about}")


@dataclass(frozen=True)
class Facts:
    """A few terms, each with what is known of it: `(term, text)`."""

    facts: tuple[tuple[str, str], ...]

    def _repr_html_(self) -> str:
        items = "".join(
            f"<dt>{html_text(term)}</dt><dd>{shown_days(html_text(text))}</dd>" for term, text in self.facts
        )
        return f'<dl class="sts-terms">{items}</dl>'

    def __repr__(self) -> str:
        return "\n".join(terminal_text(f"{term}: {text}") for term, text in self.facts)


def heading(case: Case) -> Heading:
    """Return the title, as given or from the incident, and a line on author and days."""
    title = case.title or _title(case)
    author = f"By {one_line(case.author, 120)}. " if case.author.strip() else ""
    if case.first is None:
        return Heading(one_line(title, 200), f"{author}No report at all.")
    return Heading(one_line(title, 200), f"{author}About {_span(case.first, case.last)}, days in UTC.")


def _title(case: Case) -> str:
    top = case.top
    if top is None:
        if case.seen.sessions.empty:
            return "No TLS reports"
        return "TLS reports without an incident" if len(case.seen.failures) else "TLS reports without a failure"
    cause = case.main_cause
    what = cause.title if cause is not None else explain(str(top["result_type"])).title
    return f"{what}: {top['policy_domain']}"


def three_sentences(case: Case) -> Story:
    """Return what happened, what it did to mail and whether it is over: a sentence each, with its numbers.

    Counts are of reported sessions. A session is a connection and no message (RFC 8460 §4.4 counts nothing else).
    """
    if case.seen.sessions.empty:
        return Story((("What happened.", _NO_REPORT.format(_asked(case))),))
    if case.top is None:
        told = [("What happened.", _nothing(case))]
        if len(case.seen.failures):
            told.append(("What it did to mail.", effect(case.seen)))
        return Story((*told, ("How far that goes.", _reach(case.seen.sessions))))
    return Story(
        (
            ("What happened.", happened(case)),
            ("What it did to mail.", effect(case.of_lead)),
            ("Is it over?", state(case)),
            *besides(case),
        )
    )


def _asked(case: Case) -> str:
    return "this period" if case.first is None else _span(case.first, case.last)


def _span(first: pd.Timestamp | None, last: pd.Timestamp | None) -> str:
    begin, end = as_day(first), as_day(last)
    return begin if begin == end else f"{begin} to {end}" if last is not None else f"the days since {begin}"


def _nothing(case: Case) -> str:
    seen = case.seen
    first, last = as_day(seen.sessions["day"].min()), as_day(seen.sessions["day"].max())
    period = f"On {first}" if first == last else f"Between {first} and {last}"
    if seen.failures.empty:
        return f"{period}, no failure was reported."
    return f"{period}, there was no incident that stands out: {scattered(seen)}."


def _reach(sessions: pd.DataFrame) -> str:
    """Return on how little or how much a statement without an incident rests."""
    totals = sessions.groupby("policy_type")["sessions"].sum()
    counted = " and ".join(
        f"{plural(int(count), 'session')} {UNDER.get(str(kind), f'under {kind}')}" for kind, count in totals.items()
    )
    who = plural(sessions["organization_name"].nunique(), "reporter")
    told = f"{who} reported {counted} on {days(sessions['day'].nunique())}"
    return f"{told}; senders that do not report are not seen."


def _by_type(failures: pd.DataFrame, noun: str) -> str:
    """Return a count of failures; by policy type where there are several, since sts and tlsa may count the same ones."""
    sums = failures.groupby("policy_type")["failed"].sum()
    sums = sums[sums > 0]
    if len(sums) == 1:
        return plural(int(sums.iloc[0]), noun)
    parts = [f"{plural(int(count), noun)} {UNDER.get(str(kind), f'under {kind}')}" for kind, count in sums.items()]
    return " and ".join(parts)


def happened(case: Case) -> str:
    """Return what failed where, from when to when, how much of it, and who saw it."""
    top = case.top or {}
    lead, kind, domain = case.lead, str(top["policy_type"]), str(top["policy_domain"])
    mine = lead[(lead["policy_type"] == kind) & (lead["policy_domain"] == domain)]
    first, last = mine["start"].min(), mine["end"].max()
    sessions = case.of_lead.sessions
    among = sessions[
        (sessions["policy_type"] == kind) & (sessions["policy_domain"] == domain) & sessions["day"].between(first, last)
    ]
    failed, total = int(mine["failed_session_count"].sum()), int(among["sessions"].sum())
    saw = {name for names in mine["organization_name"] for name in str(names).split("\n")}
    who = f"{number(len(saw))} of {plural(max(among['organization_name'].nunique(), len(saw)), 'reporter')}"
    hosts = sorted({str(host) for host in mine["receiving_mx_hostname"].dropna()})
    where = f" at {listed([one_line(host, 80) for host in hosts])}" if hosts else ""
    types = list(dict.fromkeys(mine.sort_values("failed_session_count", ascending=False)["result_type"]))
    named = listed([one_line(name, 60) for name in types])
    begun = f"On {as_day(first)}" if first == last else f"From {as_day(first)} to {as_day(last)}"
    if mine["ongoing"].any():
        begun = f"From {as_day(first)} on"
    text = (
        f"{begun}, {number(failed)} of {plural(total, 'session')} reported {UNDER.get(kind, f'under {kind}')} about "
        f"{one_line(domain, 80)} ({share(failed, total)}) failed{where} with {named}, seen by {who}: "
        f"{_lowered(_in_short(case, str(top['result_type'])))}"
    )
    return text.removesuffix(".") + "."


def _in_short(case: Case, result_type: str) -> str:
    """Return what was wrong: the cause where the evidence has one, else what the result type says."""
    cause = case.main_cause
    return cause.title if cause is not None else explain(result_type).short.split(". ")[0]


def _lowered(sentence: str) -> str:
    """Return a sentence as the rest of another one."""
    return sentence[0].lower() + sentence[1:] if sentence[1:2].islower() or sentence[1:2] == " " else sentence


def besides(case: Case) -> list[tuple[str, str]]:
    """Return a statement on the incidents that the three sentences are not about; none where there are none."""
    rest = case.incidents[~case.incidents["incident"].isin(case.lead["incident"])]
    if rest.empty:
        return []
    named = [
        f"{one_line(row['result_type'], 60)}{at_mx(row['receiving_mx_hostname'])} "
        f"({row['policy_domain']}, {_span(row['start'], row['end'])})"
        for row in rest.sort_values("failed_session_count", ascending=False).to_dict("records")
    ]
    return [("Besides.", f"In the same time there {'was' if len(rest) == 1 else 'were'} {listed(named)}.")]


def effect(found: Cells) -> str:
    """Return what failures did to mail, the worst first, in one sentence (RFC 8461 §5)."""
    parts = []
    for name, clause in _EFFECTS.items():
        mine = found.failures[found.failures["effect"] == name]
        if len(mine):
            parts.append(clause(mine))
    if not parts:
        return "Nothing failed, so nothing was held back."
    text = "; ".join(parts)
    return text[0].upper() + text[1:] + "."


def _held(mine: pd.DataFrame) -> str:
    who, some = plural(mine["organization_name"].nunique(), "reporter"), days(mine["day"].nunique())
    count = _by_type(mine, "failed session")
    return (
        f"mail from {who} was held back on {some}, up to {count}: none of that day's sessions succeeded where enforce or "
        "DANE asks senders to wait and try again"
    )


def _delayed(mine: pd.DataFrame) -> str:
    return f"{_by_type(mine, 'session')} failed where others of the same reporter and day succeeded, so that mail was delayed at most"


def _unprotected(mine: pd.DataFrame) -> str:
    return (
        f"nothing was held back in {_by_type(mine, 'session')} in which the policy could not be used: that mail went under "
        "a cached policy or without protection"
    )


def _harmless(mine: pd.DataFrame) -> str:
    count = _by_type(mine, "failed session")
    return f"{count} held nothing back, since the policy was in testing or none, or the sender saw none"


def _unknown(mine: pd.DataFrame) -> str:
    return f"of {_by_type(mine, 'failed session')} the reports do not say what they did"


_EFFECTS = {
    "held back": _held,
    "perhaps delayed": _delayed,
    "protection lost": _unprotected,
    "reported only": _harmless,
    "not known": _unknown,
}


def state(case: Case) -> str:
    """Return whether it is over, as far as reports and a probe tell."""
    return " ".join(part for part in (_by_reports(case), seen_now(case)) if part)


def _by_reports(case: Case) -> str:
    top, check = case.top or {}, case.fix
    last_day = case.history.sessions["day"].max()
    end, reached = as_day(top["end"]), as_day(last_day)
    if check is None:
        failed = _failed_on(case.of_lead, top, last_day)
        if failed:
            return f"Not over: on {reached}, the last day with reports, {plural(failed, 'session')} failed this way."
        return f"Not known to be over: it was last seen on {end}; reports reach to {reached}."
    if case.fixed_at is not None:
        return check.sentences[0]
    if check.verdict == FIXED:
        clean = check.reporters[check.reporters["state"] == "no more failures"]
        count = plural(int(clean["sessions_since"].sum()), "session")
        failed = int(clean["failed_since"].sum())
        rest = f"{number(failed)} failed this way" if failed else "none failed this way"
        saw = _part(len(clean), len(check.reporters))
        return (
            f"Over, as far as reported: it was last seen on {end}; of {count} that {saw} reported after that, {rest}; "
            f"reports reach to {reached}."
        )
    if check.verdict == FAILING:
        return f"Not over: single failures of the kind go on after {end}; reports reach to {reached}."
    if check.verdict == EARLY:
        silent = check.reporters[check.reporters["state"] == "no report yet"]
        who = (
            f" {number(len(silent))} of {plural(len(check.reporters), 'reporter')} that saw it sent no report since;"
            if len(silent)
            else ""
        )
        return f"Too early to say: it was last seen on {end};{who} reports reach to {reached}."
    return f"Not known to be over: it was last seen on {end}; reports reach to {reached}."


def _part(some: int, every: int) -> str:
    """Return how many of the reporters that saw it, as the subject of a clause."""
    if every == 1:
        return "the reporter that saw it"
    whole = f"the {number(every)} reporters that saw it"
    return whole if some == every else f"{number(some)} of {whole}"


def _failed_on(told: Cells, top: Mapping[str, Any], day: pd.Timestamp) -> int:
    failures = told.failures
    mine = failures[
        (failures["day"] == day)
        & (failures["policy_type"] == top["policy_type"])
        & (failures["policy_domain"] == top["policy_domain"])
    ]
    return int(mine["failed"].sum())


def facts(case: Case) -> Facts:
    """Return what, when, where, who, why and whether it is mended: for somebody who reads no further."""
    top = case.top
    if top is None:
        return Facts(())
    told, lead = case.of_lead, case.lead
    first, last = lead["start"].min(), lead["end"].max()
    length = days((last - first).days + 1)
    going = ", and not known to be over" if lead["ongoing"].any() else ""
    text = explain(str(top["result_type"]))
    return Facts(
        (
            ("What", f"{text.title} ({', '.join(dict.fromkeys(map(str, lead['result_type'])))})"),
            ("When", f"{_span(first, last)} ({length}), worst on {as_day(top['peak'])}{going}"),
            ("Where", _where(case, lead)),
            ("Who saw it", _who(told, lead)),
            ("Why", _why(case, top)),
            ("Mended?", _mended(case)),
        )
    )


def _where(case: Case, lead: pd.DataFrame) -> str:
    hosts = sorted({str(host) for host in lead["receiving_mx_hostname"].dropna()})
    domains = listed([one_line(name, 80) for name in sorted(set(lead["policy_domain"]))])
    places = {explain(str(name)).where for name in lead["result_type"]}
    if not hosts:
        host = "the policy host, a web server" if places == {"policy-host"} else "no MX host named"
        return f"{domains}: {host}"
    named = listed([one_line(host, 80) for host in hosts])
    patterns = {
        line.strip().lower()
        for text in case.archive.sessions.loc[
            case.archive.sessions["policy_domain"].isin(lead["policy_domain"]), "mx_host"
        ].unique()
        for line in str(text).split("\n")
        if line.strip()
    }
    rest = sorted(pattern for pattern in patterns if pattern not in hosts and "*" not in pattern)
    also = f"; the policy also names {listed([one_line(host, 80) for host in rest])}" if rest else ""
    return f"{named}, MX of {domains}{also}"


def _who(told: Cells, lead: pd.DataFrame) -> str:
    kind = lead.sort_values("failed_session_count", ascending=False)["policy_type"].iloc[0]
    failed = told.failures[told.failures["policy_type"] == kind].groupby("organization_name")["failed"].sum()
    total = told.sessions[told.sessions["policy_type"] == kind].groupby("organization_name")["sessions"].sum()
    ordered = sorted(failed.items(), key=lambda item: (-item[1], item[0]))
    names = [
        f"{one_line(name or '(gives no name)', 60)} ({number(count)} of {plural(int(total[name]), 'session')})"
        for name, count in ordered
    ]
    others = len(total) - len(ordered)
    rest = f"; {plural(others, 'more reporter')} did not" if others else ""
    return f"{listed(names)}{rest}"


def _why(case: Case, top: Mapping[str, Any]) -> str:
    text = explain(str(top["result_type"]))
    words = reason_codes(narrow(case.archive, str(top["policy_domain"]))).get(str(top["result_type"]), ())
    quoted = listed([f"“{one_line(word, 80)}”" for word, _ in words])
    own = f" In the reporters' own words: {quoted}." if words else ""
    if (cause := case.main_cause) is not None:
        sure = "" if cause.confidence == "high" else f" (confidence: {cause.confidence})"
        return f"{cause.title}{sure}.{own}"
    usual = text.causes
    likely = f" Most often: {_lowered(usual[0])}" if usual else ""
    return f"{text.short}{likely}{own}"


def _mended(case: Case) -> str:
    top, check = case.top or {}, case.fix
    reached = f"reports reach to {as_day(case.history.sessions['day'].max())}"
    if check is None:
        verdict = f"Not by the reports: last seen on {as_day(top['end'])}, and {reached}."
    else:
        words = {FIXED: "Yes, as far as reported", FAILING: "No", EARLY: "Too early to say"}
        verdict = f"{words.get(check.verdict, 'Not known')}: last seen on {as_day(top['end'])}, {reached}."
    return " ".join(part for part in (verdict, seen_now(case)) if part)


def not_checked(case: Case) -> Facts:
    """Return why the reports cannot bear a fix out, and what a probe met."""
    if case.top is None:
        return Facts((("Reports", "There is no incident, so there is nothing to check."),))
    told = [("Reports", _by_reports(case)), ("Fix", "Nobody has said yet when it was mended.")]
    if now := seen_now(case):
        told.append(("Probe", now))
    return Facts(tuple(told))


def figures(case: Case) -> KeyFigures:
    """Return the figures for the top of the document."""
    found = case.told
    if found.sessions.empty:
        return KeyFigures((("–", "no report came"),))
    count = case.incidents["story"].nunique()
    together = f", in all {number(count)} incidents" if count > 1 else ""
    shown: list[tuple[str, str]] = []
    totals = found.sessions.groupby("policy_type")["sessions"].sum()
    failed = found.failures.groupby("policy_type")["failed"].sum()
    for kind in sorted(
        map(str, totals.index), key=lambda kind: (-int(failed.get(kind, 0)), kind != PolicyType.STS, kind)
    )[:2]:
        bad, every = int(failed.get(kind, 0)), int(totals[kind])
        verb = "session failed" if bad == 1 else "sessions failed"
        shown.append(
            (
                number(bad),
                f"{verb} {UNDER.get(kind, f'under {kind}')}, of {number(every)} reported ({share(bad, every)}){together}",
            )
        )
    held = found.failures.loc[found.failures["effect"] == "held back", "day"].nunique()
    hosts = found.failures.loc[found.failures["receiving_mx_hostname"] != "", "receiving_mx_hostname"].nunique()
    saw = found.failures["organization_name"].nunique()
    every = found.sessions["organization_name"].nunique()
    shown += [
        (f"{number(saw)} of {number(every)}", f"{'reporter' if every == 1 else 'reporters'} saw it"),
        (number(hosts), "MX host failed" if hosts == 1 else "MX hosts failed"),
        (number(held), f"{'day' if held == 1 else 'days'} on which mail was held back"),
    ]
    return KeyFigures(tuple(shown))
