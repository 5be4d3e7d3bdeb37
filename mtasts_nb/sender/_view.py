"""Outcomes in a notebook and in a terminal."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

from ..markup import html_text, terminal_text
from ._outcomes import Delivery, Row

if TYPE_CHECKING:
    from ._outcomes import Outcomes

__all__ = ["as_html", "as_text"]

#: A sign and words for each fate: never colour alone.
_SIGNS = {
    Delivery.DELIVERED: "✓",
    Delivery.WITHOUT_STS: "◐",
    Delivery.DEFERRED: "✗",
    Delivery.BOUNCED: "✗",
    Delivery.UNKNOWN: "?",
}
_WORDS = {
    Delivery.DELIVERED: "delivered",
    Delivery.WITHOUT_STS: "delivered without MTA-STS",
    Delivery.DEFERRED: "deferred",
    Delivery.BOUNCED: "bounced",
    Delivery.UNKNOWN: "not known",
}
#: What a row says of one address: the sender goes on from there.
_HERE = {**_WORDS, Delivery.DEFERRED: "not delivered here", Delivery.BOUNCED: "not delivered here, for good"}
_MARKS = {
    Delivery.DELIVERED: "[ok]",
    Delivery.WITHOUT_STS: "[open]",
    Delivery.DEFERRED: "[NO]",
    Delivery.BOUNCED: "[NO]",
    Delivery.UNKNOWN: "[?]",
}
_CLASSES = {
    Delivery.DELIVERED: "sts-good",
    Delivery.WITHOUT_STS: "sts-quiet",
    Delivery.DEFERRED: "sts-bad",
    Delivery.BOUNCED: "sts-bad",
    Delivery.UNKNOWN: "sts-quiet",
}
# Colour in the notebook only: the published page has its own sheet, and takes this one out.
_STYLE = (
    "<style>.sts-outcomes .sts-good{color:#1a7f37}.sts-outcomes .sts-bad{color:#c0282d;font-weight:600}"
    ".sts-outcomes .sts-quiet{opacity:.8}.sts-outcomes table{margin:.4em 0}"
    ".sts-outcomes td,.sts-outcomes th{text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    ".sts-outcomes caption{text-align:left}.sts-outcomes td:first-child{min-width:9em}"
    "@media(prefers-color-scheme:dark){.sts-outcomes .sts-good{color:#56d364}.sts-outcomes .sts-bad{color:#ff7b72}}</style>"
)
_MOST_ROWS = 60


def _policy_line(outcomes: Outcomes) -> str:
    if outcomes.policy is None:
        return outcomes.policy_why
    origin = ", from its cache" if outcomes.policy_source == "cached" else ""
    return f"The sender applies mode {outcomes.policy.mode.value}{origin}. {outcomes.policy_why}"


def _folded(outcomes: Outcomes) -> list[tuple[Row, str]]:
    """Return rows, and the addresses of a host at which the same was met."""
    folded: dict[Row, list[str]] = {}
    for row in outcomes.rows:
        folded.setdefault(replace(row, address=""), []).append(row.address)
    return [(row, ", ".join(address for address in addresses if address)) for row, addresses in folded.items()]


def _otherwise(outcomes: Outcomes) -> list[tuple[str, str, str]]:
    """Return who would act otherwise, what they do and why; those that do the same for the same reason together."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for other in outcomes.otherwise:
        does = f"{_WORDS[other.delivery]}{_reports(other.outcomes)}"
        grouped.setdefault((does, other.why), []).append(other.title)
    return [("; ".join(titles), does, why) for (does, why), titles in grouped.items()]


def as_html(outcomes: Outcomes) -> str:
    """Return outcomes as HTML: the message's fate, then each address, then who would act otherwise."""
    fate = outcomes.delivery
    assumed = f" What if {html_text(outcomes.what_if, 300)}." if outcomes.what_if else ""
    first = (
        f'<p>Mail to <strong>{html_text(outcomes.domain, 253)}</strong>: <strong class="{_CLASSES[fate]}">'
        f"{_SIGNS[fate]} {html_text(_WORDS[fate])}</strong>. {html_text(outcomes.delivery_why, 600)}{assumed}</p>"
    )
    parts = [
        first,
        f'<p class="sts-quiet">{html_text(_policy_line(outcomes), 700)}</p>',
        _table(outcomes),
    ]
    if outcomes.otherwise:
        items = "".join(
            f"<li><strong>{html_text(titles, 300)}</strong>: {html_text(does)}. {html_text(why, 900)}</li>"
            for titles, does, why in _otherwise(outcomes)
        )
        parts.append(f"<p>Known senders that would act otherwise:</p><ul>{items}</ul>")
    return f'{_STYLE}<div class="sts-outcomes">{"".join(parts)}</div>'


def _reports(outcomes: Outcomes) -> str:
    return f", reports {', '.join(outcomes.result_types)}" if outcomes.result_types else ", reports no failure"


def _table(outcomes: Outcomes) -> str:
    head = "".join(f'<th scope="col">{text}</th>' for text in ("Host", "What becomes of the message there"))
    rows = _folded(outcomes)
    body = ""
    for row, addresses in rows[:_MOST_ROWS]:
        there = f"<br>{html_text(addresses, 300)}" if addresses else ""
        if row.mx:
            word, sign, style = _HERE[row.delivery], _SIGNS[row.delivery], _CLASSES[row.delivery]
        else:
            word, sign, style = _policy_words(row)
        body += (
            f"<tr><td><strong>{html_text(row.mx or 'policy host', 253)}</strong>{there}</td>"
            f'<td><strong class="{style}">{sign} {html_text(word)}</strong><br>{html_text(row.why, 700)}'
            f"<br>{_reported(row)}</td></tr>"
        )
    more = len(rows) - _MOST_ROWS
    rest = f"<p>{more} more rows: see <code>to_frame()</code>.</p>" if more > 0 else ""
    caption = "<caption>What a sender meets, and what it reports (RFC 8460).</caption>"
    return f'<table class="sts">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}'


def _reported(row: Row) -> str:
    under = f"under {html_text(row.policy_type.value)}"
    if row.result_type is None:
        return f'<span class="sts-quiet">Reports no failure {under}.</span>'
    code = f" ({html_text(row.failure_reason_code, 120)})" if row.failure_reason_code else ""
    return f"Reports <strong>{html_text(row.result_type.value)}</strong>{code} {under}."


def _policy_words(row: Row) -> tuple[str, str, str]:
    if row.delivery is Delivery.UNKNOWN:
        return "not known", "?", "sts-quiet"
    if row.result_type is None:
        return "the policy is had", "✓", "sts-good"
    if row.delivery is Delivery.DELIVERED:
        return "the policy is not had anew", "◐", "sts-bad"
    return "no policy is had", "✗", "sts-bad"


def as_text(outcomes: Outcomes) -> str:
    """Return outcomes as lines of at most about 100 characters."""
    fate = outcomes.delivery
    lines = [f"{outcomes.domain}: {_WORDS[fate]}"]
    if outcomes.what_if:
        lines += _wrapped(f"What if {outcomes.what_if}.", "  ")
    lines += [*_wrapped(outcomes.delivery_why, "  "), *_wrapped(_policy_line(outcomes), "  "), ""]
    rows = _folded(outcomes)
    for row, addresses in rows[:_MOST_ROWS]:
        mark = _MARKS[row.delivery] if row.mx else f"[{_policy_words(row)[1]}]"
        code = f" ({terminal_text(row.failure_reason_code, 80)})" if row.failure_reason_code else ""
        reported = f"  → {row.result_type.value}{code}" if row.result_type else ""
        lines.append(f"{mark:<8}{terminal_text(row.mx or 'policy host', 253)}  [{row.policy_type.value}]{reported}")
        if addresses:
            lines += _wrapped(addresses, " " * 10)
        lines += _wrapped(row.why, " " * 10)
    if len(rows) > _MOST_ROWS:
        lines.append(f"{len(rows) - _MOST_ROWS} more rows: see to_frame().")
    if outcomes.otherwise:
        lines += ["", "Known senders that would act otherwise:"]
        for titles, does, why in _otherwise(outcomes):
            lines += [*_wrapped(f"{titles}: {does}", "  "), *_wrapped(why, " " * 6)]
    return "\n".join(lines)


def _wrapped(text: str, indent: str) -> list[str]:
    shown = terminal_text(text, 900)
    return textwrap.wrap(shown, 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
