"""How plans, calendars, forecasts, assumptions and readiness are shown."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta

from ..markup import span, when
from ..render import (
    Badge,
    Block,
    Code,
    Document,
    Fold,
    Items,
    Paragraph,
    Preformatted,
    Quiet,
    Strong,
    Table,
    Tone,
    document,
)
from ..vocabulary import Bearing
from ._forecast import CASES, Forecast, SenderModel, about
from ._plan import Calendar, Plan, PlanStep
from ._readiness import Readiness
from ._removal import RemovalPlan
from ._rollback import RollbackPlan

_TONES = {
    Bearing.AGAINST: Tone.BAD,
    Bearing.CANNOT_TELL: Tone.UNKNOWN,
    Bearing.FOR: Tone.GOOD,
    Bearing.NOTE: Tone.NEUTRAL,
}
_MILESTONES = ((0.5, "half of them"), (0.9, "nine in ten"), (1.0, "all"))


def _plan(plan: Plan, *more: Block) -> Document:
    return Document(
        (
            Paragraph(Strong(plan.title), f" For {plan.domain}, from {when(plan.made)} on."),
            Items([_step(step) for step in plan.steps], ordered=True),
            *more,
            *(Paragraph(note) for note in plan.notes),
        )
    )


def _step(step: PlanStep) -> list[Block]:
    moment = f"{'Not before ' if step.not_before else ''}{when(step.when)}"
    blocks: list[Block] = [Paragraph(Strong(step.what))]
    blocks.append(Paragraph(moment, *((" · ", Code(step.where)) if step.where else ())))
    if step.text:
        blocks.append(Preformatted(step.text.rstrip()))
    if step.why:
        blocks.append(Paragraph(step.why, *((" ", Quiet(step.rfc)) if step.rfc else ())))
    if step.check:
        blocks.append(Paragraph(f"Check: {step.check}"))
    if step.command:
        blocks += [Paragraph("Check:"), Preformatted(step.command)]
    if step.expect:
        blocks.append(Paragraph(f"Expected: {step.expect}"))
    return blocks


@document.register
def _(plan: Plan) -> Document:
    return _plan(plan)


@document.register
def _(plan: RollbackPlan) -> Document:
    ask = Paragraph(Strong("When senders apply it"))
    return _plan(plan, ask, *document(plan.forecast).body, _bounces(plan), *document(plan.calendar).body)


def _bounces(plan: RollbackPlan) -> Table:
    rows = [
        {
            "product": bounce.product,
            "after": span(bounce.after),
            "at": "" if bounce.at is None else when(bounce.at) + (" (already past)" if bounce.at <= plan.made else ""),
        }
        for bounce in plan.bounces
    ]
    headings = {"product": "Mail server", "after": "Bounces after", "at": "First bounce"}
    if plan.bounces and plan.bounces[0].at is None:
        del headings["at"]
    caption = "When a message that is still deferred bounces, by default. Administrators can change it."
    return Table(headings, rows, caption=caption)


@document.register
def _(plan: RemovalPlan) -> Document:
    rows = [
        {
            "name": policy.name,
            "max_age": f"{policy.max_age} ({span(policy.max_age)})",
            "expires": when(policy.expires),
        }
        for policy in plan.served
    ]
    headings = {"name": "Policy", "max_age": "max_age", "expires": "Its last cached copy expires"}
    served = Table(headings, rows, caption="Policies that senders may have cached.")
    return _plan(plan, *([served] if rows else []))


@document.register
def _(calendar: Calendar) -> Document:
    rows = [
        {
            "not_before": phase.not_before.date(),
            "policy": f"{phase.mode.value}, max_age {phase.max_age} ({span(phase.max_age)})",
            "condition": phase.condition,
            "record": Code(phase.record),
        }
        for phase in calendar.phases
    ]
    headings = {"not_before": "Not before", "policy": "Policy", "condition": "When", "record": "Record"}
    caption = (
        f"The way back to enforce, if every day from {when(calendar.clean_from)} on is clean. After a day with failures the "
        "count starts again. Each change: the file first, then the record with its new id."
    )
    return Document((Table(headings, rows, caption=caption),))


@document.register
def _(forecast: Forecast) -> Document:
    first, *rest = forecast.sentences()
    rows = []
    for part, name in _MILESTONES:
        hours = {case: forecast.hours_until(part, case) for case in CASES}
        worst = timedelta(hours=hours["worst"])
        row = {"part": name, "best": about(hours["best"]), "typical": about(hours["typical"]), "worst": span(worst)}
        rows.append({**row, "worst_on": when(forecast.published + worst)})
    headings = {
        "part": "Senders", "best": "Best", "typical": "Typical", "worst": "Worst", "worst_on": "Worst, on"
    }  # fmt: skip
    return Document(
        (
            Paragraph(Strong(first), f" {' '.join(rest)}"),
            Table(headings, rows, caption="How long until senders apply the new policy."),
            Fold("Assumptions about senders", document(forecast.model).body, aside=True),
        )
    )


@document.register
def _(model: SenderModel) -> Document:
    sources = model.sources
    rows = []
    for assumption in fields(model):
        if assumption.name in sources:
            value = getattr(model, assumption.name)
            text = f"{value:.0%}".replace("%", " %") if isinstance(value, float) else ""
            text = text or " to ".join(map(span, value if isinstance(value, tuple) else (value,)))
            rows.append({"parameter": assumption.name, "value": text, "source": sources[assumption.name]})
    headings = {"parameter": "Assumption", "value": "Value", "source": "Source"}
    return Document((Table(headings, rows, caption="Assumptions about senders."),))


@document.register
def _(answer: Readiness) -> Document:
    first, *rest = answer.sentences
    blocks: list[Block] = [Paragraph(Strong(first), f" {' '.join(rest)}" if rest else "")]
    if len(answer.reasons):
        rows = [
            {
                **{str(key): value for key, value in row.items()},
                "says": Badge(_TONES[Bearing(row["says"])], row["says"]),
            }
            for row in answer.reasons.to_dict("records")
        ]
        headings = {"says": "Says", "topic": "Topic", "evidence": "Evidence", "expected": "Expected"}
        blocks.append(Table(headings, rows, caption="What speaks for it and what against it.", width=900))
    return Document(blocks)
