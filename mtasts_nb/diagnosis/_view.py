"""How a diagnosis is shown: verdict, causes, reported failures, action plan, and what was not observed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..markup import number, one_line, plural, when
from ..render import (
    Badge,
    Block,
    Document,
    Fold,
    Inline,
    Items,
    Paragraph,
    Preformatted,
    Quiet,
    Section,
    Steps,
    Strong,
    Table,
    Terms,
    Tone,
    document,
)
from ..vocabulary import LEVEL_RULES, State, StepStatus
from ._values import Cause, Causes, Diagnosis, Evidence, Group

__all__: list[str] = []

_TONES: Final = {
    StepStatus.DONE: Tone.GOOD,
    StepStatus.NOT_NEEDED: Tone.GOOD,
    StepStatus.TO_DO: Tone.BAD,
    StepStatus.NOT_KNOWN: Tone.UNKNOWN,
}
_SOURCES: Final = {"probe": "probe", "reports": "reports", "sender": "simulation"}
#: Causes that are open at first, and the most causes, groups and other entries shown; the frame and `groups` hold all.
_OPEN, _MOST_CAUSES, _MOST_GROUPS = 2, 12, 15


@document.register
def _(diagnosis: Diagnosis) -> Document:
    rules = Items([(Strong(level.value), f": {rule}") for level, rule in LEVEL_RULES.items()], ordered=True)
    body: list[Block] = [
        *document(diagnosis.verdict).body,
        Fold(
            "How the level is determined",
            (Paragraph(f"This one: {diagnosis.verdict.rule}"), Paragraph("The first matching rule applies:"), rules),
            aside=True,
        ),
    ]
    causes = diagnosis.causes[:_MOST_CAUSES]
    if causes:
        folds: list[Block] = [_cause(position, cause) for position, cause in enumerate(causes)]
        if more := len(diagnosis.causes) - len(causes):
            folds.append(Paragraph(f"{number(more)} more: see `to_frame()`."))
        body.append(Section(f"{plural(len(diagnosis.causes), 'cause')}, the most pressing first", folds))
    body += _groups(diagnosis)
    steps = [
        (Badge(_TONES[step.status], step.status.value), (Strong(step.step), f": {one_line(step.evidence, 400)}"))
        for step in diagnosis.plan
    ]
    body.append(Section("Action plan", (Steps(steps),)))
    if diagnosis.not_observed:
        body.append(Section("Not observed", _not_observed(diagnosis.not_observed)))
    return Document(body)


@document.register
def _(named: Causes) -> Document:
    body: list[Block] = []
    for position, cause in enumerate(named.causes[:_MOST_CAUSES]):
        body.append(Paragraph(*_title(position, cause)))
        body.append(Paragraph(_meaning(cause)))
        body.append(Fold("Evidence, how to confirm it and how to fix it", (Terms(list(_terms(cause))),)))
    if (more := len(named.causes) - _MOST_CAUSES) > 0:
        body.append(Paragraph(f"{number(more)} more: notebook 04 has them all."))
    if named.not_observed:
        body.append(Fold(f"{plural(len(named.not_observed), 'part')} not observed", _not_observed(named.not_observed)))
    return Document(body)


def _not_observed(parts: Sequence[tuple[str, str]]) -> tuple[Block, ...]:
    items = [f"{one_line(what, 200)}: {one_line(why, 300)}" for what, why in parts[:_MOST_GROUPS]]
    return Paragraph("Further faults may be hidden there."), Items(items)


def _title(position: int, cause: Cause) -> tuple[Inline, ...]:
    where = f" ({one_line(', '.join(cause.mx[:4]), 300)})" if cause.mx else ""
    failed = f", {plural(cause.failed, 'failed session')} reported" if cause.failed else ""
    state = Quiet(f" {cause.state.value}, confidence {cause.confidence.value}{failed}")
    return Strong(f"{position + 1}. {cause.claim if cause.present else f'Over: {cause.title}'}{where}"), state


def _cause(position: int, cause: Cause) -> Fold:
    return Fold(
        _title(position, cause),
        (Paragraph(_meaning(cause)), Terms(list(_terms(cause)))),
        open=position < _OPEN and cause.present,
    )


def _terms(cause: Cause) -> Iterator[tuple[str, str | tuple[Block, ...]]]:
    yield ("Effect on mail" if cause.present else "What it did to mail"), _mail(cause)
    yield "Evidence", (Items([_evidence(each) for each in cause.evidence]),)
    if not cause.present:
        yield "This fault in general", cause.meaning
    yield ("What to do now" if cause.present else "What fixes it"), _lines(cause.fix)
    if cause.prevent:
        yield "How to avoid it next time", cause.prevent
    if cause.provider:
        yield "At your provider", _lines(cause.provider)
    if cause.commands:
        shells = [block for each in cause.commands for block in (Preformatted(each.shell), Paragraph(each.shows))]
        yield "How to confirm it", tuple(shells)
    if cause.verify:
        yield "How to verify the fix", cause.verify
    yield "Defined in", cause.rfc


def _mail(cause: Cause) -> str:
    """Return what it does to mail, in a word and in words; of one that is over, what it did."""
    if not cause.present:
        return cause.mail
    label = cause.effect.label if cause.effect else "not known"
    return " ".join(filter(None, (f"{label[0].upper()}{label[1:]}.", cause.mail)))


def _meaning(cause: Cause) -> str:
    """Return what is wrong; of what is over, that it is."""
    return cause.meaning if cause.present else "This is over, as far as known."


def _lines(text: str) -> tuple[Block, ...]:
    return tuple(Paragraph(line) for line in text.splitlines() if line.strip())


def _evidence(evidence: Evidence) -> tuple[Strong, str]:
    return Strong("for" if evidence.supports else "against"), f", {_SOURCES[evidence.source]}: {evidence.text}"


def _groups(diagnosis: Diagnosis) -> Iterator[Block]:
    groups = [group for group in diagnosis.groups if group.state is not State.NOISE]
    if not groups:
        return
    columns = {"what": "Reported", "domain": "Policy domain", "days": "Days", "failed": "Failed", "text": "Assessment"}
    if len({group.reported.policy_domain for group in groups}) == 1:
        del columns["domain"]
    table = Table(
        columns,
        [_group(group) for group in groups[:_MOST_GROUPS]],
        caption="Each kind of reported failure, compared with what else is known; what is not over first.",
        numeric=("failed",),
    )
    body: list[Block] = [table]
    if len(groups) > _MOST_GROUPS:
        body.append(Paragraph(f"{number(len(groups) - _MOST_GROUPS)} smaller groups are in `.groups`."))
    yield Section("Reported failures", body)


def _group(group: Group) -> dict[str, object]:
    reported = group.reported
    question = f" To confirm, check: {group.question}" if group.question else ""
    return {
        "what": f"{reported.result_type}{f' at {reported.mx}' if reported.mx else ''}",
        "domain": reported.policy_domain,
        "failed": reported.failed,
        "days": f"{when(reported.first)} to {when(reported.last)}",
        "text": f"{group.state.value}. {group.why}{question}",
    }
