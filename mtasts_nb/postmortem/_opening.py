"""How a document begins: a status, one sentence, four figures and the next step, for a reader who reads no further."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..analysis import KeyFigures, at_mx, day, deferred_figure, listed, period, sporadic, under
from ..markup import number, one_line, plural, share, when
from ..render import Rendered
from ..vocabulary import Confidence, FixStatus, Level, MailEffect, State, Verdict, mail_clause

if TYPE_CHECKING:
    from ..analysis import Cells
    from ._case import Case

__all__ = ["Opening", "figures", "opening"]

_NOT_OVER: Final = "ongoing"
_OPENNESS: Final = {
    FixStatus.FIXED: "over",
    FixStatus.FAILING: "not over",
    FixStatus.TOO_EARLY: "too early to say if it is over",
    FixStatus.NOT_SEEN_BEFORE: "not known to be over",
}


@dataclass(frozen=True)
class Opening(Rendered):
    """What a reader must know first.

    Attributes
    ----------
    title : str
        What the incident is, where the document is about more; else empty.
    level : Level
        How urgent the domains are now.
    openness : str
        Whether the incident is over, in a word or a few; empty without one.
    sentence : str
        What fails where since when, what it does to mail, and whether it goes on.
    verdict : Verdict or None
        Where the level has another reason than the incident.
    figures : KeyFigures
    step : str
        What to do next.
    """

    title: str
    level: Level
    openness: str
    sentence: str
    verdict: Verdict | None
    figures: KeyFigures
    step: str


def opening(case: Case, step: str, title: str) -> Opening:
    """Return how the document of a case begins; `step` is the most urgent of what is left to do."""
    verdict, cause = case.verdict, case.main_cause
    nothing = case.all_cells.sessions.empty
    # The title names a cause only where it is certain.
    certain = cause is None or cause.confidence is Confidence.HIGH
    same = verdict.level is Level.FINE or (certain and verdict.cause == (cause.code if cause is not None else ""))
    return Opening(
        title=title,
        level=Level.NOT_KNOWN if nothing else verdict.level,
        openness=_openness(case),
        sentence=_sentence(case),
        verdict=None if same or nothing else verdict,
        figures=figures(case),
        step=step,
    )


def _openness(case: Case) -> str:
    if case.top is None:
        return ""
    if case.probe_check is not None and case.probe_check.state is State.REPRODUCED:
        return _NOT_OVER
    return _NOT_OVER if case.fix_status is None else _OPENNESS[case.fix_status]


def _sentence(case: Case) -> str:
    split, top = case.all_cells, case.top
    if split.sessions.empty:
        asked = "" if case.first is None else f" for the days from {day(case.first)} on"
        return f"No report came{asked}: nothing is known, which is not the same as no failure."
    if top is None:
        reported = period(split.sessions["day"].min(), split.sessions["day"].max())
        happened = "no failure was reported" if split.failures.empty else f"there was no incident: {sporadic(split)}"
        return f"{reported}, {happened}."
    lead, now = case.lead, _openness(case) == _NOT_OVER
    first, last = lead["start"].min(), lead["end"].max()
    if now:
        since = f"Since {day(first)}" if first == last else f"From {day(first)} on (last on {day(last)})"
    else:
        since = f"On {day(first)}" if first == last else f"From {day(first)} to {day(last)}"
    hosts = listed(
        [one_line(host, 80) for host in sorted({str(host) for host in lead["receiving_mx_hostname"].dropna()})]
    )
    types = listed([one_line(name, 60) for name in dict.fromkeys(lead["result_type"])])
    domains = listed([one_line(name, 80) for name in sorted(set(lead["policy_domain"]))])
    effects = case.lead_cells.failures["effect"]
    worst = min(map(MailEffect, effects.unique()), key=lambda effect: effect.rank, default=None)
    mail = "" if worst is None else mail_clause(worst, over=not now)
    return (
        f"{since}, senders {'report' if now else 'reported'} {types} for {domains}"
        f"{at_mx(hosts) if lead['receiving_mx_hostname'].notna().any() else ''}"
        f"{f'; {mail}' if mail else ''}{_afterwards(case, now=now)}."
    )


def _afterwards(case: Case, *, now: bool) -> str:
    """Return what a probe shows of it, to end a sentence."""
    check, probe = case.probe_check, case.probe
    if probe is None or check is None or check.state is not (State.REPRODUCED if now else State.FIXED):
        return ""
    return f"; a probe on {when(probe.started)} {'still reproduces it' if now else 'does not reproduce it'}"


def figures(case: Case) -> KeyFigures:
    """Return the four figures for the top of the document: of the incident, or of all reports where there is none."""
    split = case.all_cells if case.top is None else case.lead_cells
    if split.sessions.empty:
        return KeyFigures((("–", "no report came"),))
    totals, failed = split.sessions_by_type(), split.failed_by_type()
    # Sessions under sts and tlsa may be the same ones: the figures are of the type with the most failures.
    kind = max(map(str, totals.index), key=lambda name: (int(failed.get(name, 0)), int(totals[name]), name))
    bad, every = int(failed.get(kind, 0)), int(totals[kind])
    return KeyFigures(
        (
            (number(bad), f"{'session' if bad == 1 else 'sessions'} failed {under(kind)}"),
            (share(bad, every), f"of {plural(every, 'reported session')}"),
            *_who_and_when(case, split),
        )
    )


def _who_and_when(case: Case, split: Cells) -> tuple[tuple[str, str], tuple[str, str]]:
    sessions = split.sessions
    every = sessions["organization_name"].nunique()
    if case.top is not None:
        affected = split.failures["organization_name"].nunique()
        who = (f"{number(affected)} of {number(every)}", f"{'reporter' if every == 1 else 'reporters'} affected")
        return who, deferred_figure(split)
    span, reported = (sessions["day"].max() - sessions["day"].min()).days + 1, sessions["day"].nunique()
    return (
        (number(every), f"{'reporter' if every == 1 else 'reporters'} sent figures"),
        (f"{number(reported)} of {number(span)}", f"{'day' if span == 1 else 'days'} with a report"),
    )
