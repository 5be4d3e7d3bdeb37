"""How outcomes are shown: the message first, then each host, then known senders that act differently."""

from __future__ import annotations

from dataclasses import replace

from ..markup import plural
from ..render import Badge, Block, Document, Items, Paragraph, Quiet, Section, Steps, Strong, Tone, document
from ._outcomes import Delivery, Outcomes, Row
from ._profiles import topic_texts

__all__: list[str] = []

_LABELS = {
    Delivery.DELIVERED: Badge(Tone.GOOD, "delivered"),
    Delivery.WITHOUT_STS: Badge(Tone.PARTLY, "delivered without MTA-STS"),
    Delivery.DEFERRED: Badge(Tone.BAD, "deferred"),
    Delivery.BOUNCED: Badge(Tone.BAD, "bounced"),
    Delivery.UNKNOWN: Badge(Tone.UNKNOWN, "not known"),
}
#: The same at one address: the sender tries the next one.
_LABELS_HERE = {
    **_LABELS,
    Delivery.DEFERRED: Badge(Tone.BAD, "not delivered here"),
    Delivery.BOUNCED: Badge(Tone.BAD, "permanently not delivered here"),
}
_MOST_ROWS = 60


@document.register
def _(outcomes: Outcomes) -> Document:
    assumed = f" What if {outcomes.what_if}." if outcomes.what_if else ""
    rows = _together(outcomes)
    hosts: list[Block] = [Steps([(None, _row(row, addresses)) for row, addresses in rows[:_MOST_ROWS]])]
    if len(rows) > _MOST_ROWS:
        hosts.append(Paragraph(f"{plural(len(rows) - _MOST_ROWS, 'more row')}: see `to_frame()`."))
    body: list[Block] = [
        Paragraph("Mail to ", Strong(outcomes.domain), ": ", _LABELS[outcomes.delivery], lead=True),
        Paragraph(f"{outcomes.delivery_why}{assumed}"),
        Paragraph(Quiet(_policy(outcomes))),
        Section("What a sender observes and reports (RFC 8460)", hosts),
    ]
    if outcomes.differences:
        items = [(Strong(titles), f": {action}. {why}") for titles, action, why in _differences(outcomes)]
        body.append(Section("Known senders that act differently", (Items(items),)))
    if outcomes.unpublished:
        notes = [
            (Strong(titles), f": nothing is published about {topics}.") for titles, topics in _unpublished(outcomes)
        ]
        body.append(Section("Known senders of which this is not known", (Items(notes),)))
    return Document(body)


def _policy(outcomes: Outcomes) -> str:
    if outcomes.policy is None:
        return outcomes.policy_why
    cache = ", from its cache" if outcomes.policy_source == "cached" else ""
    return f"The sender applies mode {outcomes.policy.mode.value}{cache}. {outcomes.policy_why}"


def _together(outcomes: Outcomes) -> list[tuple[Row, str]]:
    """Return rows, each with the addresses of a host that have the same result."""
    together: dict[Row, list[str]] = {}
    for row in outcomes.rows:
        together.setdefault(replace(row, address=""), []).append(row.address)
    return [(row, ", ".join(filter(None, addresses))) for row, addresses in together.items()]


def _row(row: Row, addresses: str) -> tuple[Block, ...]:
    code = f" ({row.failure_reason_code})" if row.failure_reason_code else ""
    reported = f"{row.result_type.value}{code}" if row.result_type else "no failure"
    return (
        Paragraph(_label(row), " ", Strong(row.mx or "policy host"), f" {addresses}" if addresses else ""),
        Paragraph(row.why),
        Paragraph(Quiet(f"Reports {reported} under {row.policy_type.value}.")),
    )


def _label(row: Row) -> Badge:
    if row.mx:
        return _LABELS_HERE[row.delivery]
    if row.delivery is Delivery.UNKNOWN:
        return _LABELS[Delivery.UNKNOWN]
    if row.result_type is None:
        return Badge(Tone.GOOD, "policy fetched")
    if row.delivery is Delivery.DELIVERED:
        return Badge(Tone.PARTLY, "policy not refreshed")
    return Badge(Tone.BAD, "policy fetch failed")


def _differences(outcomes: Outcomes) -> list[tuple[str, str, str]]:
    """Return titles, action and reason; senders that do the same for the same reason together."""
    together: dict[tuple[str, str], list[str]] = {}
    for other in outcomes.differences:
        types = ", ".join(other.outcomes.result_types) or "no failure"
        together.setdefault((f"{_LABELS[other.delivery].text}, reports {types}", other.why), []).append(other.title)
    return [("; ".join(titles), action, why) for (action, why), titles in together.items()]


def _unpublished(outcomes: Outcomes) -> list[tuple[str, str]]:
    """Return titles and topics; senders that leave the same topics open together."""
    together: dict[tuple[str, ...], list[str]] = {}
    for silent in outcomes.unpublished:
        together.setdefault(silent.topics, []).append(silent.title)
    texts = topic_texts()
    return [("; ".join(titles), "; ".join(texts[topic] for topic in topics)) for topics, titles in together.items()]
