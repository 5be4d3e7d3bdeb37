"""A walk through the flowchart as data, HTML and text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from ...markup import html_text, one_line, terminal_text

if TYPE_CHECKING:
    from ...knowledge import CauseText
    from ._walk import Walk, WalkStep

__all__ = ["STYLE", "as_data", "as_html", "as_text", "end_html"]

_BY = {
    "evidence": "by the evidence",
    "you": "by hand",
    "mended": "taken as mended, to go on",
    "jump": "left by a jump",
}
_WIDTH = 600
#: For a notebook; a published page has its own sheet.
STYLE = (
    "<style>.sts-walk{overflow-wrap:anywhere}.sts-walk pre{white-space:pre-wrap;margin:.3em 0}"
    ".sts-walk dt{font-weight:600;margin-top:.5em}.sts-walk dd{margin-left:1em}</style>"
)


def as_data(walk: Walk) -> dict[str, Any]:
    """Return the walk as plain data."""
    chart, cause = walk.chart, walk.cause
    data: dict[str, Any] = {
        "start": walk.start,
        "start_title": chart.start_titles[walk.start],
        "domain": walk.clues.domain,
        "result_type": walk.clues.result_type,
        "steps": [
            {
                "place": step.place,
                "question": chart.title(step.place),
                "answer": None if step.answer is None else step.answer.value,
                "by": step.by,
                "evidence_says": step.settled.value,
                "overruled": step.overruled,
                "evidence": step.evidence,
            }
            for step in walk.steps
        ],
        "place": walk.place,
        "title": chart.title(walk.place),
        "ended": cause is not None,
    }
    if cause is not None:
        data["cause"] = {
            "code": cause.code,
            "title": cause.title,
            "meaning": cause.meaning(walk.clues.domain),
            "evidence": walk.evidence(),
            "effect": dict(cause.effect),
            "commands": [{"shell": one.shell, "shows": one.shows} for one in _commands(walk, cause)],
            "fix": cause.fix(walk.clues.domain),
            "providers": dict(_at_providers(walk, cause)),
            "verify": cause.verify(walk.clues.domain),
            "rfc": cause.rfc,
        }
    return data


def _commands(walk: Walk, cause: CauseText) -> tuple[Any, ...]:
    return cause.commands(walk.clues.domain or None, walk.clues.mx or None)


def _at_providers(walk: Walk, cause: CauseText) -> list[tuple[str, str]]:
    told = [(name, cause.at_provider(name, walk.clues.domain)) for name in walk.clues.providers]
    return [(name, text) for name, text in told if text]


def _answered(step: WalkStep) -> str:
    if step.answer is None:
        return _BY[step.by]
    over = f"; the evidence says {step.settled.value}" if step.overruled else ""
    return f"{step.answer.value}, {_BY[step.by]}{over}"


def as_html(walk: Walk) -> str:
    """Return the walk as static HTML."""
    chart = walk.chart
    items = "".join(
        f"<li>{html_text(chart.title(step.place))} <strong>{html_text(_answered(step))}</strong>"
        + (f"<br><small>{html_text(step.evidence, _WIDTH)}</small>" if step.evidence else "")
        + "</li>"
        for step in walk.steps
    )
    head = f"<p><strong>{html_text(chart.start_titles[walk.start])}</strong></p>"
    return f'<div class="sts-walk">{head}<ol>{items}</ol>{end_html(walk)}</div>'


def end_html(walk: Walk) -> str:
    """Return the cause with all that belongs to it, or the question that is open, as static HTML."""
    node, cause = walk.node, walk.cause
    if cause is not None:
        return _cause_html(walk, cause)
    if node is None:
        return ""
    return (
        f"<h3>{html_text(node.question)}</h3><p>{html_text(node.help)}</p>"
        f"<p>The evidence cannot tell. It would need: {html_text(node.evidence)}</p>"
    )


def _cause_html(walk: Walk, cause: CauseText) -> str:
    domain = walk.clues.domain
    seen = walk.evidence()
    parts = [f"<h3>{html_text(cause.title)}</h3><p>{html_text(cause.meaning(domain))}</p>", '<dl class="sts-terms">']
    if seen:
        parts.append(f"<dt>What was seen</dt><dd>{html_text(seen, _WIDTH)}</dd>")
    effects = dict.fromkeys(cause.effect.values())
    for text in effects:
        modes = " or ".join(mode for mode, told in cause.effect.items() if told == text)
        parts.append(f"<dt>Effect on mail, mode {html_text(modes)}</dt><dd>{html_text(text)}</dd>")
    checks = "".join(
        f"<pre><code>{html_text(one.shell)}</code></pre><p>{html_text(one.shows)}</p>" for one in _commands(walk, cause)
    )
    parts.append(f"<dt>How to confirm it</dt><dd>{checks}</dd>")
    parts.append(f"<dt>What to do</dt><dd>{html_text(cause.fix(domain))}</dd>")
    parts += [
        f"<dt>At {html_text(name, 80)}</dt><dd>{html_text(text)}</dd>" for name, text in _at_providers(walk, cause)
    ]
    parts.append(f"<dt>How to verify it</dt><dd>{html_text(cause.verify(domain))}</dd>")
    if cause.myth:
        parts.append(f"<dt>Many guides say</dt><dd>{html_text(cause.myth)} In fact: {html_text(cause.fact)}</dd>")
    parts.append(f"<dt>Defined in</dt><dd>{html_text(cause.rfc)}</dd></dl>")
    return "".join(parts)


def _wrapped(text: str, indent: str = "    ") -> list[str]:
    shown = terminal_text(one_line(text, _WIDTH))
    return textwrap.wrap(shown, 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def as_text(walk: Walk) -> str:
    """Return the walk as lines for a terminal."""
    chart = walk.chart
    lines = [chart.start_titles[walk.start]]
    for number, step in enumerate(walk.steps, start=1):
        lines.append(f"{number:>3}. {chart.title(step.place)}  → {_answered(step)}")
        if step.evidence:
            lines += _wrapped(step.evidence, " " * 7)
    node, cause = walk.node, walk.cause
    if node is not None:
        lines += ["", f"?  {node.question}", *_wrapped(node.help)]
    elif cause is not None:
        domain = walk.clues.domain
        lines += ["", f"=> {cause.title}", *_wrapped(cause.meaning(domain)), "   What to do:"]
        lines += _wrapped(cause.fix(domain))
        lines += [f"    $ {one.shell}" for one in _commands(walk, cause)]
    return "\n".join(lines)
