"""How a walk is rendered: every step with who answered it, then the cause, or the question that is open."""

from __future__ import annotations

from typing import Final

from ...knowledge import CauseText
from ...render import Block, Document, Items, Line, Paragraph, Preformatted, Quiet, Section, Strong, Terms, document
from ._walk import AnsweredBy, Walk, WalkStep

__all__ = ["walk_end"]

_BY: Final = {
    AnsweredBy.EVIDENCE: "from evidence",
    AnsweredBy.YOU: "answered by you",
    AnsweredBy.FIXED: "taken as fixed",
    AnsweredBy.JUMP: "left by a jump",
}


@document.register
def _(walk: Walk) -> Document:
    return Document((*_steps(walk), *walk_end(walk)))


def _steps(walk: Walk) -> tuple[Block, ...]:
    """Return the start and the steps of a walk."""
    start = Paragraph(walk.chart.start_titles[walk.start], strong=True)
    return (start, Items([_step(walk, step) for step in walk.steps], ordered=True)) if walk.steps else (start,)


def _step(walk: Walk, step: WalkStep) -> Line | tuple[Block, ...]:
    line = (f"{walk.chart.title(step.position)} ", Strong(_answered(step)))
    return (Paragraph(*line), Paragraph(step.observation, quiet=True)) if step.observation else line


def _answered(step: WalkStep) -> str:
    if step.answer is None:
        return _BY[step.by]
    against = f"; evidence: {step.evidence_answer.value}" if step.overruled else ""
    return f"{step.answer.value}, {_BY[step.by]}{against}"


def walk_end(walk: Walk) -> tuple[Block, ...]:
    """Return the cause with its fix, or the question that is open."""
    node, cause = walk.node, walk.cause
    if cause is not None:
        return (Section(cause.title, _cause(walk, cause)),)
    if node is None:
        return ()
    needed = Paragraph("Not answered from evidence. To answer it, check: ", Quiet(node.evidence))
    return (Section(node.question, (Paragraph(node.help), needed)),)


def _cause(walk: Walk, cause: CauseText) -> tuple[Block, ...]:
    domain, mx = walk.evidence.domain, walk.evidence.mx
    items: list[tuple[str, Line | tuple[Block, ...]]] = []
    if observation := walk.observation():
        items.append(("Evidence", observation))
    for text in dict.fromkeys(cause.effect.values()):
        modes = " or ".join(mode for mode, effect in cause.effect.items() if effect == text)
        items.append((f"Effect on mail, mode {modes}", text))
    checks: list[Block] = []
    for command in cause.commands(domain or None, mx or None):
        checks += [Preformatted(command.shell), Paragraph(command.shows)]
    items.append(("How to confirm it", tuple(checks)))
    items.append(("What to do now", cause.fix(domain)))
    if prevention := cause.prevent(domain):
        items.append(("How to avoid it next time", prevention))
    items += [(f"At {provider}", note) for provider, note in walk.provider_notes().items()]
    items.append(("How to verify the fix", cause.verify(domain)))
    if cause.myth:
        items.append(("Many guides say", f"{cause.myth} In fact: {cause.fact}"))
    items.append(("Defined in", cause.rfc))
    return (Paragraph(cause.meaning(domain)), Terms(items))
