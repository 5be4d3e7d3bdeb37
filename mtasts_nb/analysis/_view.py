"""How the values of analysis are shown: tables, statements, figures, meanings, a checked fix, a policy history."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import pandas as pd

from ..markup import is_absent, number, one_line, plural, share, when
from ..render import (
    Block,
    Code,
    Document,
    Figures,
    Fold,
    Items,
    Line,
    Paragraph,
    Preformatted,
    Quote,
    Section,
    Strong,
    Terms,
    document,
)
from ..render import Table as Rows
from ._meanings import Meaning, Meanings
from ._table import KeyFigures, Story, Table
from .incidents import FixCheck
from .policy_history import PolicyHistory, spread

# Columns that are given once, in the caption, where every row has the same.
_ONCE: Final = ("policy_domain", "policy_type")
#: Most rows shown; the frame holds all. In HTML, those beyond the first few are folded.
_MOST: Final = 40
_FIRST: Final = 10
#: Latest changes of a policy, and reporters behind, that are shown.
_LATEST: Final = 20
#: A result type with fewer failed sessions than this part of the most frequent one is given one line.
_RARE: Final = 0.01
#: So many kinds of failure are open in HTML; the others are folded.
_OPEN: Final = 2
_WHERE: Final = {
    "mx": "The mail server (MX).",
    "policy-host": "The policy host, a web server. The mail servers are not concerned.",
    "dane": "The DNS data for DANE, or the key of the mail server.",
    "unknown": "The reports do not say.",
}


@document.register
def _(table: Table) -> Document:
    if not len(table):
        return Document((Paragraph(table.nothing),))
    frame = table.frame
    same = [name for name in _ONCE if name in table.headings and frame[name].nunique(dropna=False) == 1]
    columns = {name: heading for name, heading in table.headings.items() if name not in same}
    caption = [table.caption, *(f"{table.headings[name]}: {one_line(frame[name].iloc[0])}." for name in same)]
    if len(frame) > _MOST:
        caption.append(f"The first {_MOST} of {number(len(frame))} rows are shown.")
    rows = [
        {name: _cell(table, name, row[name]) for name in columns}
        for row in frame[list(columns)].head(_MOST).astype(object).to_dict("records")
    ]
    numeric = [name for name in columns if frame[name].dtype.kind in "iuf"]
    return Document((Rows(columns, rows, caption=" ".join(caption), numeric=numeric, first=_FIRST),))


def _cell(table: Table, name: str, value: Any) -> object:
    if is_absent(value):
        return None
    if name in table.shares:
        return share(value, 1)
    return value.date() if isinstance(value, datetime) and name not in table.moments else value


@document.register
def _(story: Story) -> Document:
    return Document([Paragraph(Strong(label), f" {text}", lead=True) for label, text in story.statements])


@document.register
def _(figures: KeyFigures) -> Document:
    return Document((Figures(figures.figures),))


@document.register
def _(meanings: Meanings) -> Document:
    items = meanings.items
    if not items:
        return Document((Paragraph("No failure was reported, so there is nothing to explain."),))
    often = [item for item in items if item.failed >= _RARE * items[0].failed]
    blocks: list[Block] = [_meaning(item, is_open=number < _OPEN) for number, item in enumerate(often)]
    if rare := items[len(often) :]:
        lines: list[Line] = [
            (Code(item.result_type), f" ({_sessions(item.failed)}). {item.text.short} {item.text.fix}") for item in rare
        ]
        blocks.append(Section("Also reported, but rarely", (Items(lines),)))
    return Document(blocks)


def _sessions(count: int) -> str:
    return plural(count, "failed session")


def _meaning(item: Meaning, *, is_open: bool) -> Fold:
    text = item.text
    terms: list[tuple[str, Any]] = [("What to fix", _WHERE[text.where])]
    terms += [(f"Effect on mail{under}", effect) for under, effect in _effects(item)]
    if item.reasons:
        reasons = [
            (Quote(one_line(word, 120)), f" ({_sessions(count)}){'; ' if more else ''}")
            for more, (word, count) in zip(range(len(item.reasons) - 1, -1, -1), item.reasons, strict=True)
        ]
        terms.append(("Reasons given by the senders", tuple(part for pair in reasons for part in pair)))
    terms.append(("Usual causes, the likeliest first", [Items(text.causes)]))
    if commands := text.commands(item.policy_domain, item.mx):
        checks = [block for command in commands for block in (Preformatted(command.shell), Paragraph(command.shows))]
        terms.append(("How to check", checks))
    terms.append(("What to do now", text.fix_for(item.policy_domain)))
    if prevention := text.prevent_for(item.policy_domain):
        terms.append(("How to avoid it next time", prevention))
    if text.myth:
        terms.append(("Many guides say", f"{text.myth} In fact: {text.fact}"))
    terms.append(("Defined in", text.rfc))
    summary = (Strong(text.title), " (", Code(item.result_type), f"): {_sessions(item.failed)}")
    return Fold(summary, (Paragraph(f"{text.short} {text.meaning}"), Terms(terms)), open=is_open)


def _effects(item: Meaning) -> list[tuple[str, str]]:
    """Return under which modes, and what a fault then does to mail."""
    effect = item.text.effect
    if item.text.where == "dane":
        return [("", effect["enforce"])]  # MTA-STS never overrides a failing DANE check (RFC 8461 §2)
    if not item.modes:
        return [(", mode not reported; under enforce", effect["enforce"])]
    texts = dict.fromkeys(effect[mode] for mode in item.modes)
    return [(f", mode {' or '.join(mode for mode in item.modes if effect[mode] == text)}", text) for text in texts]


@document.register
def _(check: FixCheck) -> Document:
    first, *rest = check.sentences
    blocks: list[Block] = [Paragraph(Strong(first), f" {' '.join(rest)}")]
    if len(check.reporters):
        earlier = int((check.reporters["failed_before"] > 0).sum())
        later = len(check.reporters) - earlier
        table = Table(
            check.reporters,
            {
                "organization_name": "Reporter", "state": "State", "failed_before": "Failed before",
                "days_since": "Days since", "failed_since": "Failed since", "would_have_failed": "Expected without the fix",
                "last_report": "Last report",
            },
            caption=f"{plural(earlier, 'reporter')} had these failures before {when(check.since)}"
            f"{f', {number(later)} only after it' if later else ''}. After it, whole days count.",
            nothing="",
        )  # fmt: skip
        blocks += document(table).body
    return Document(blocks)


@document.register
def _(history: PolicyHistory) -> Document:
    first, *rest = history.sentences
    blocks: list[Block] = [Paragraph(Strong(first), f" {' '.join(rest)}" if rest else "")]
    if len(history.events):
        latest = history.events.tail(_LATEST).iloc[::-1]
        spreads = [spread(history.propagation[history.propagation["event"] == event]) for event in latest["event"]]
        older = len(history.events) - _LATEST
        rest_of_it = f" The latest {_LATEST} are shown; {number(older)} more are in `.events`." if older > 0 else ""
        blocks += _rows(
            latest.assign(spread=spreads),
            {
                "day": "First seen",
                "earliest": "Not before",
                "policy_domain": "Policy domain",
                "what": "Change",
                "spread": "Applied",
            },
            f"{plural(len(history.events), 'change')} of the policy, the latest first.{rest_of_it}",
        )
    if len(history.behind):
        blocks += _rows(
            history.behind.head(_LATEST),
            {
                "organization_name": "Reporter", "policy_domain": "Policy domain", "state": "Applies",
                "last_observed": "As of the report about", "cached_until": "Its cached policy expires by",
            },
            f"{plural(len(history.behind), 'reporter')} still with an older policy.",
        )  # fmt: skip
    return Document(blocks)


def _rows(frame: pd.DataFrame, headings: dict[str, str], caption: str) -> tuple[Block, ...]:
    return tuple(document(Table(frame, headings, caption, "")).body)
