"""How an explanation of a text is shown: what it says, what becomes of the mail, then each cause with its fix."""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Final

from ..knowledge import finding_texts, fix_of, result_type_texts
from ..markup import one_line
from ..render import (
    Block,
    Code,
    Document,
    Fold,
    Items,
    Line,
    Paragraph,
    Preformatted,
    Quiet,
    Quote,
    Section,
    Strong,
    Terms,
    document,
)
from ..sender import Delivery
from ._explain import ExplainedCause, TextExplanation
from .flowchart import walk_end

_TEXT_WIDTH: Final = 600
_DELIVERY: Final = {
    Delivery.DEFERRED: "Deferred: the sender keeps the message in its queue and tries again; it bounces when its time in "
    "the queue ends.",
    Delivery.BOUNCED: "Bounced: it was returned to its sender, who has to send it again.",
}

_EITHER: Final = (
    "The text does not say whether it is about an MX host or about the policy host. At an MX host it can defer mail; at "
    "the policy host (mta-sts. and the domain) mail flows, and protection is lost."
)


@document.register
def _(explanation: TextExplanation) -> Document:
    blocks = [Terms(list(_facts(explanation)))]
    if not explanation.known:
        lead = Paragraph("This text is not known to the kit, and no cause is guessed from it.", lead=True)
        return Document((lead, *blocks, *_checks(explanation)))
    lead = Paragraph(_lead(explanation), lead=True)
    return Document((lead, *blocks, *_finding(explanation), *_causes(explanation), *_checks(explanation)))


def _lead(explanation: TextExplanation) -> str:
    if explanation.readings:
        return explanation.readings[0].meaning.says
    if explanation.message.result_type:
        return result_type_texts()[explanation.message.result_type].meaning
    if explanation.causes:
        return f"{explanation.causes[0].walk.chart.title(explanation.causes[0].code)}."
    return "A finding of this kit."


def _facts(explanation: TextExplanation) -> Iterator[tuple[str, Line]]:
    message = explanation.message
    yield "Text", Quote(one_line(explanation.text, _TEXT_WIDTH))
    for reading in explanation.readings:
        yield "It says", (f"{reading.meaning.says} ", Quiet(f"(“{reading.wording}”: {reading.source})"))
    if message.result_type:
        text = result_type_texts()[message.result_type]
        yield "Result type", (Code(message.result_type.value), f" {text.short} ", Quiet(text.rfc))
    if message.statuses:
        yield "Status", Code(" ".join(message.statuses))
    if message.delivery in _DELIVERY:
        yield "The message", _DELIVERY[message.delivery]
    if message.domain:
        yield "Policy domain", Code(message.domain)
    if message.mx:
        yield "MX host", Code(", ".join(message.mx))
    if explanation.either_side:
        yield "About", _EITHER


def _finding(explanation: TextExplanation) -> Iterator[Block]:
    if explanation.finding:
        text = finding_texts()[explanation.finding]
        message = string.Formatter().vformat(text.messages[""], (), _Names(rfc=text.rfc))
        yield Section(
            "The finding", (Paragraph(message), *([] if explanation.causes else [Paragraph(fix_of(text.code))]))
        )


class _Names(dict[str, str]):
    """Placeholders for the names in a message that is about no domain."""

    def __missing__(self, key: str) -> str:
        return key.upper()


def _causes(explanation: TextExplanation) -> Iterator[Block]:
    for number, each in enumerate(explanation.causes):
        title, body = each.walk.chart.title(each.code), tuple(_cause(each, whole=number == 0))
        yield Section(title, body) if number == 0 else Fold(f"Or: {title} (confidence: {each.confidence})", body)


def _cause(each: ExplainedCause, *, whole: bool) -> Iterator[Block]:
    chart = each.walk.chart
    yield Paragraph("Confidence: ", Strong(each.confidence.value), Quiet(f" · {each.code}"))
    for block in walk_end(each.walk):
        yield from block.body if isinstance(block, Section) else (block,)
    steps: list[Line] = [(f"{chart.title(node)} ", Strong(answer.value)) for node, answer in each.path]
    if whole:
        title = f"In the flowchart, from “{chart.start_titles[each.walk.start]}”"
        yield Fold(title, (Items(steps, ordered=True),))
    elif steps:
        yield Terms([("In the flowchart", steps[-1])])


def _checks(explanation: TextExplanation) -> Iterator[Block]:
    if not explanation.next_checks:
        return
    body: list[Block] = [
        Paragraph(
            "Find the line of the log or of the bounce that names the host and the reason, and the status code "
            "(5.7.1, 4.4.2 …). A failure of MTA-STS or DANE shows in these checks, too:"
        )
    ]
    for check in explanation.next_checks:
        body += [Preformatted(check.shell), Paragraph(check.shows, quiet=True)]
    body.append(Paragraph("`mtasts-nb probe DOMAIN` does them all."))
    yield Section("What to check next", body)
