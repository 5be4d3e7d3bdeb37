"""A case in statements: what happened, what it did to mail, whether it is over, and the facts at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..analysis import (
    NO_NAME,
    Story,
    at_mx,
    by_urgency,
    day,
    days,
    effect_statement,
    happened_statement,
    listed,
    lower_first,
    narrow,
    period,
    reason_codes,
    sporadic,
    under,
)
from ..diagnosis import continued_note
from ..knowledge import result_type_text
from ..markup import number, one_line, plural, when
from ..render import Rendered
from ..vocabulary import Confidence, FixStatus, FixView, State, is_on_policy_host
from ._case import Case, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

__all__ = ["Facts", "Heading", "case_title", "facts", "heading", "not_checked", "statements"]

_HAPPENED: Final = "What happened."
_EFFECT: Final = "What it did to mail."
_RESOLVED: Final = {
    FixStatus.FIXED: "Yes, as far as reported",
    FixStatus.FAILING: "No",
    FixStatus.TOO_EARLY: "Too early to say",
    FixStatus.NOT_SEEN_BEFORE: "Not known",
}


@dataclass(frozen=True)
class Heading(Rendered):
    """The title of a document, who wrote it and what it is about."""

    title: str
    about: str


@dataclass(frozen=True)
class Facts(Rendered):
    """A few terms, each with what is known of it: `(term, text)`."""

    facts: tuple[tuple[str, str], ...]


def heading(case: Case, title: str = "") -> Heading:
    """Return the title, as given or from the incident, and a line on author and days."""
    author = f"By {one_line(case.author, 120)}. " if case.author.strip() else ""
    about = "No report at all." if case.first is None else f"About {_span(case.first, case.last)}, days in UTC."
    return Heading(one_line(case.title or title or case_title(case), 200), f"{author}{about}")


def case_title(case: Case) -> str:
    """Return what the incident is, and of which domain; or that there is none."""
    if case.top is not None:
        return f"{_certain_title(case) or result_type_text(str(case.top['result_type'])).title}: {case.domain}"
    if case.all_cells.sessions.empty:
        return "No TLS reports"
    return "TLS reports without an incident" if len(case.all_cells.failures) else "TLS reports without a failure"


def _certain_title(case: Case) -> str:
    """Return the title of the cause; empty where it is not certain."""
    cause = case.main_cause
    return cause.title if cause is not None and cause.confidence is Confidence.HIGH else ""


def statements(case: Case) -> Story:
    """Return what happened, what it did to mail and whether it is over: a sentence or two each, with its numbers.

    Counts are of reported sessions. A session is a connection, not a message (RFC 8460 §4.4 counts nothing else).
    """
    split, sessions = case.all_cells, case.all_cells.sessions
    if sessions.empty:
        asked = "this period" if case.first is None else _span(case.first, case.last)
        return Story(((_HAPPENED, f"Not known: no report came for {asked}. That is not the same as no failure."),))
    if case.top is None:
        reported = period(sessions["day"].min(), sessions["day"].max())
        no_failure = split.failures.empty
        happened = "no failure was reported" if no_failure else f"there was no incident: {sporadic(split)}"
        effect = () if no_failure else ((_EFFECT, effect_statement(split.failures)),)
        return Story(((_HAPPENED, f"{reported}, {happened}."), *effect, ("How much was reported.", _reach(case))))
    lead, top = case.lead, case.top
    rows = lead[(lead["policy_type"] == top["policy_type"]) & (lead["policy_domain"] == top["policy_domain"])]
    return Story(
        (
            (_HAPPENED, happened_statement(case.lead_cells, rows, _certain_title(case))),
            (_EFFECT, effect_statement(case.lead_cells.failures)),
            ("Is it over?", _joined(_state(case, top), _continued(case), _probe_statement(case))),
            *_other_incidents_note(case),
        )
    )


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _span(first: pd.Timestamp | None, last: pd.Timestamp | None) -> str:
    begin, end = day(first), day(last)
    return begin if begin == end else f"{begin} to {end}" if last is not None else f"the days since {begin}"


def _reach(case: Case) -> str:
    """Return on how many sessions a statement without an incident is based."""
    sessions = case.all_cells.sessions
    counted = " and ".join(
        f"{plural(int(count), 'session')} {under(kind)}" for kind, count in case.all_cells.sessions_by_type().items()
    )
    who = plural(sessions["organization_name"].nunique(), "reporter")
    return (
        f"{who} reported {counted} on {days(sessions['day'].nunique())}. Senders that do not report are not included."
    )


def _other_incidents_note(case: Case) -> Iterator[tuple[str, str]]:
    """Yield a statement on the incidents that the others are not about."""
    rest = case.incidents[~case.incidents["incident"].isin(case.lead["incident"])]
    rows = by_urgency(rest, case.all_cells).to_dict("records")
    names = [
        f"{one_line(row['result_type'], 60)}{at_mx(row['receiving_mx_hostname'])} "
        f"({row['policy_domain']}, {_span(row['start'], row['end'])})"
        for row in rows
    ]
    if names:
        yield "Other incidents.", f"At the same time there {'was' if len(names) == 1 else 'were'} {listed(names)}."


def _state(case: Case, top: Mapping[str, Any]) -> str:
    """Return whether it is over, as far as reports show."""
    check, last_day = case.fix, case.history.sessions["day"].max()
    seen, reached = f"last seen on {day(top['end'])}", f"Reports reach to {day(last_day)}."
    if check is None:
        failures = case.lead_cells.of(top["policy_type"]).since(last_day).failures
        failed = int(failures.loc[failures["policy_domain"] == top["policy_domain"], "failed"].sum())
        if failed:
            return (
                f"Not over: on {day(last_day)}, the last day with reports, {plural(failed, 'session')} failed this way."
            )
        return f"Not known to be over: it was {seen}. {reached}"
    if case.fixed_at is not None:
        return check.sentences[0]
    every = plural(len(check.reporters), "affected reporter")
    match case.fix_status:
        case FixStatus.FIXED:
            clean = check.in_state(FixView.CLEAN)
            failed = int(clean["failed_since"].sum())
            return (
                f"Over, as far as reported: it was {seen}. Since then {number(len(clean))} of {every} reported "
                f"{plural(int(clean['sessions_since'].sum()), 'session')}, of which {number(failed) if failed else 'none'} "
                f"failed this way. {reached}"
            )
        case FixStatus.FAILING:
            return f"Not over: single failures of this kind continue after {day(top['end'])}. {reached}"
        case FixStatus.TOO_EARLY:
            silent = len(check.in_state(FixView.SILENT))
            who = f" {number(silent)} of {every} sent no report since." if silent else ""
            return f"Too early to say: it was {seen}.{who} {reached}"
        case FixStatus.NOT_SEEN_BEFORE | None:
            return f"Not known to be over: it was {seen}. {reached}"


def _continued(case: Case) -> str:
    """Return in which other way the fault may go on; empty where none is known."""
    return "" if case.continued is None else continued_note(case.continued)


def _probe_statement(case: Case) -> str:
    """Return what the probe shows of the incident; empty where there is none."""
    probe, check = case.probe, case.probe_check
    if probe is None or check is None:
        return ""
    at = when(probe.started)
    if probe.domain not in set(case.lead["policy_domain"]):
        return f"The probe of {at} is of {one_line(probe.domain, 80)}, another domain."
    if check.state is State.REPRODUCED:
        return f"A probe on {at} still reproduces it: {_kinds(check.again)}."
    if check.state is State.NOT_OBSERVED:
        return f"A probe on {at} could not check this."
    return f"A probe on {at} does not reproduce it{f'; it shows {_kinds(check.other)}' if check.other else ''}."


def _kinds(kinds: tuple[Kind, ...]) -> str:
    return listed([f"{one_line(name, 60)}{at_mx(one_line(host, 80))}" for name, host in kinds])


def facts(case: Case) -> Facts:
    """Return what, when, where, who, why and whether it is resolved: for a reader who reads nothing else."""
    top, lead = case.top, case.lead
    if top is None:
        return Facts(())
    first, last = lead["start"].min(), lead["end"].max()
    ongoing = ", not known to be over" if lead["ongoing"].any() else ""
    what = (
        f"{result_type_text(str(top['result_type'])).title} ({', '.join(dict.fromkeys(map(str, lead['result_type'])))})"
    )
    return Facts(
        (
            ("What", what),
            ("When", f"{_span(first, last)} ({days((last - first).days + 1)}), worst on {day(top['peak'])}{ongoing}"),
            ("Where", _where(case)),
            ("Reported by", _who(case)),
            ("Why", _why(case, top)),
            ("Resolved?", _resolved(case, top)),
        )
    )


def _where(case: Case) -> str:
    lead, sessions = case.lead, case.archive.sessions
    hosts = sorted({str(host) for host in lead["receiving_mx_hostname"].dropna()})
    domains = listed([one_line(name, 80) for name in sorted(set(lead["policy_domain"]))])
    if not hosts:
        on_policy_host = all(map(is_on_policy_host, lead["result_type"]))
        return f"{domains}: {'the policy host, a web server' if on_policy_host else 'no MX host named'}"
    texts = sessions.loc[sessions["policy_domain"].isin(lead["policy_domain"]), "mx_host"].unique()
    patterns = {line.strip().lower() for text in texts for line in str(text).split("\n")}
    rest = [one_line(name, 80) for name in sorted(patterns) if name and name not in hosts and "*" not in name]
    also = f"; the policy also names {listed(rest)}" if rest else ""
    return f"{listed([one_line(host, 80) for host in hosts])}, MX of {domains}{also}"


def _who(case: Case) -> str:
    kind = case.lead.sort_values("failed_session_count", ascending=False)["policy_type"].iloc[0]
    split = case.lead_cells.of(kind)
    failed = split.failures.groupby("organization_name")["failed"].sum()
    total: Any = split.sessions.groupby("organization_name")["sessions"].sum()
    names = [
        f"{one_line(name, 60) or NO_NAME} ({number(count)} of {plural(int(total[name]), 'session')})"
        for name, count in sorted(failed.items(), key=lambda item: (-item[1], item[0]))
    ]
    others = len(total) - len(names)
    rest = f"; {plural(others, 'other reporter')} had no such failure" if others else ""
    return f"{listed(names)}{rest}"


def _why(case: Case, top: Mapping[str, Any]) -> str:
    result_type, domain = str(top["result_type"]), str(top["policy_domain"])
    reasons = reason_codes(narrow(case.archive, domain)).get(result_type, ())
    given = listed([f"“{one_line(reason, 80)}”" for reason, _ in reasons])
    reason = f"Reason given by the senders: {given}." if reasons else ""
    cause = case.main_cause
    if cause is not None:
        return _joined(f"{cause.claim}.", reason)
    text = result_type_text(result_type)
    usual = f"Most often: {lower_first(text.causes[0])}." if text.causes else ""
    return _joined(text.short, usual, reason)


def _resolved(case: Case, top: Mapping[str, Any]) -> str:
    answer = "Not according to the reports" if case.fix_status is None else _RESOLVED[case.fix_status]
    reached = f"reports reach to {day(case.history.sessions['day'].max())}"
    return _joined(f"{answer}: last seen on {day(top['end'])}, {reached}.", _continued(case), _probe_statement(case))


def not_checked(case: Case) -> Facts:
    """Return why the reports cannot confirm a fix, and what a probe shows."""
    if case.top is None:
        return Facts((("Reports", "There is no incident, so there is nothing to check."),))
    probe = _probe_statement(case)
    return Facts(
        (
            ("Reports", _state(case, case.top)),
            ("Fix", "No fix time given."),
            *((("Probe", probe),) if probe else ()),
        )
    )
