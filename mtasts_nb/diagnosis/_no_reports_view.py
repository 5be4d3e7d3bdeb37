"""How the reasons for missing reports are shown."""

from __future__ import annotations

from typing import Final

from ..markup import one_line, plural, when
from ..render import Badge, Block, Document, Fold, Paragraph, Quiet, Strong, Table, Terms, Tone, document
from ..vocabulary import ReasonState
from ._no_reports_values import NoReports, NoReportsReason

__all__: list[str] = []

_TONES: Final = {
    ReasonState.CONFIRMED: Tone.BAD,
    ReasonState.POSSIBLE: Tone.NEUTRAL,
    ReasonState.NOT_OBSERVED: Tone.UNKNOWN,
    ReasonState.RULED_OUT: Tone.GOOD,
}
_MOST: Final = 12


@document.register
def _(answer: NoReports) -> Document:
    body: list[Block] = [Paragraph(Strong(_headline(answer)), f" {_arrived(answer)}")]
    confirmed = answer.in_state(ReasonState.CONFIRMED)
    body += [_reason(answer, reason, is_open=True) for reason in confirmed]
    body += [_reason(answer, reason) for reason in answer.in_state(ReasonState.POSSIBLE)]
    rest = [*answer.in_state(ReasonState.NOT_OBSERVED), *answer.in_state(ReasonState.RULED_OUT)]
    if rest:
        rows = [
            {"state": Badge(_TONES[each.state], each.state.value), "title": each.cause.title, "evidence": each.evidence}
            for each in rest
        ]
        headings = {"state": "State", "title": "Reason", "evidence": "Evidence"}
        body.append(Table(headings, rows, caption="What was not observed, and what is ruled out."))
    if answer.silent:
        rows = [
            {"name": one_line(each.organization_name, 100), "last": when(each.last), "days": each.days}
            for each in answer.silent[:_MOST]
        ]
        headings = {"name": "Reporter", "last": "Last report about", "days": "Days reported"}
        body.append(
            Table(headings, rows, caption=f"{plural(len(answer.silent), 'reporter')} stopped.", numeric=("days",))
        )
    return Document(body)


def _headline(answer: NoReports) -> str:
    if answer.arriving:
        return f"Reports about {answer.domain} arrive; the last is about {when(answer.last)}."
    if answer.last is not None:
        return f"Reports about {answer.domain} have stopped: the last is about {when(answer.last)}."
    return f"No reports about {answer.domain}."


def _arrived(answer: NoReports) -> str:
    texts = []
    if not answer.arriving:
        texts.append("Whether mail is delivered is not known: no report does not mean no failure.")
    counts = answer.inputs
    if answer.last is None and counts:
        parts = ", ".join(f"{count} {name}" for name, count in counts.items())
        texts.append(f"The source has inputs without a report: {parts}. See `inputs` and `rejects` of the archive.")
    return " ".join(texts)


def _reason(answer: NoReports, reason: NoReportsReason, *, is_open: bool = False) -> Fold:
    cause = reason.cause
    terms = [
        ("Evidence", reason.evidence),
        ("What to do now", cause.fix(answer.domain)),
        ("How to verify the fix", cause.verify(answer.domain)),
        ("Defined in", cause.rfc),
    ]
    return Fold(
        (Badge(_TONES[reason.state], reason.state.value), " ", Strong(cause.title), Quiet(f" {reason.code}")),
        (Paragraph(cause.meaning(answer.domain)), Terms(terms)),
        open=is_open,
    )
