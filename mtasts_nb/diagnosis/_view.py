"""A diagnosis in a notebook, in a terminal, and as a table."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from ..markup import html_table, html_text, number, one_line, plural, terminal_text, when
from ._groups import CHANCE
from ._health import LEVELS

if TYPE_CHECKING:
    import pandas as pd

    from ._diagnose import Cause, Diagnosis, Evidence

__all__ = ["as_frame", "as_html", "as_text"]

COLUMNS: Final = (
    "rank", "code", "title", "confidence", "state", "effect", "policy_domain", "mx", "failed", "for_it", "against_it",
    "fix", "rfc",
)  # fmt: skip
_SIGNS: Final = {"act now": "✗", "act soon": "◐", "watch": "●", "fine": "✓"}
_MARKS: Final = {"act now": "[!!]", "act soon": "[! ]", "watch": "[. ]", "fine": "[ok]"}
_TICKS: Final = {"done": "☑", "not needed": "☑", "to do": "☐", "not known": "?"}
_BOXES: Final = {"done": "[x]", "not needed": "[x]", "to do": "[ ]", "not known": "[?]"}
_SOURCES: Final = {"probe": "Probe", "reports": "Reports", "sender": "Simulation"}
#: Causes and groups shown in full; the frame holds all.
_OPEN, _MOST_CAUSES, _MOST_GROUPS = 2, 12, 15
_WIDTH: Final = 700
_STYLE: Final = (
    "<style>.sts-diagnosis dt{font-weight:600;margin-top:.5em}.sts-diagnosis dd{margin-left:1em}"
    ".sts-diagnosis pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.3em 0}"
    ".sts-diagnosis{overflow-wrap:anywhere}.sts-diagnosis .sts-level{font-size:1.1em}"
    ".sts-diagnosis table{overflow-wrap:break-word}.sts-diagnosis td{vertical-align:top}"
    "@media(max-width:600px){.sts-diagnosis table{overflow-wrap:anywhere}}"
    ".sts-diagnosis summary{cursor:pointer}.sts-diagnosis summary h4{display:inline}"
    ".sts-diagnosis .sts-quiet{opacity:.8}.sts-diagnosis ul.sts-plan{list-style:none;padding-left:0}</style>"
)


def as_frame(diagnosis: Diagnosis) -> pd.DataFrame:
    """Return one row per cause."""
    import pandas as pd

    rows = [
        {
            "rank": rank,
            "code": cause.code,
            "title": cause.title,
            "confidence": cause.confidence,
            "state": cause.state,
            "effect": cause.effect.value,
            "policy_domain": cause.policy_domain,
            "mx": "\n".join(cause.mx),
            "failed": cause.failed,
            "for_it": "\n".join(one.text for one in cause.evidence if one.supports),
            "against_it": "\n".join(one.text for one in cause.evidence if not one.supports),
            "fix": cause.fix,
            "rfc": cause.rfc,
        }
        for rank, cause in enumerate(diagnosis.causes, start=1)
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    counts = dict.fromkeys(("rank", "failed"), "int64")
    return frame.astype({name: counts.get(name, "str") for name in COLUMNS})


# -- HTML


def as_html(diagnosis: Diagnosis) -> str:
    """Return a diagnosis as HTML: health, causes, groups of failures, action plan, what was not observed."""
    health = diagnosis.health
    rules = "".join(f"<li><strong>{html_text(name)}</strong>: {html_text(rule)}</li>" for name, rule in LEVELS.items())
    parts = [
        f'{_STYLE}<div class="sts-diagnosis">',
        (
            f'<p class="sts-level"><strong>{_SIGNS[health.level]} {html_text(health.level)}</strong>. '
            f"{html_text(health.sentence, _WIDTH)}</p>"
        ),
        (
            f"<details><summary>How the level is found</summary><p>This one: {html_text(health.rule)}</p>"
            f"<p>The first that holds decides:</p><ol>{rules}</ol></details>"
        ),
    ]
    shown = diagnosis.causes[:_MOST_CAUSES]
    if shown:
        parts.append(f"<h3>{plural(len(diagnosis.causes), 'cause')}, the most pressing first</h3>")
        parts += [_cause_html(place, cause) for place, cause in enumerate(shown)]
    if len(diagnosis.causes) > len(shown):
        parts.append(f"<p>{len(diagnosis.causes) - len(shown)} more: see <code>to_frame()</code>.</p>")
    parts += [_groups_html(diagnosis), _plan_html(diagnosis), _blind_html(diagnosis), "</div>"]
    return "".join(parts)


def _cause_html(place: int, cause: Cause) -> str:
    where = f" ({html_text(', '.join(cause.mx[:4]), 300)})" if cause.mx else ""
    failed = f", {plural(cause.failed, 'failed session')} reported" if cause.failed else ""
    is_open = " open" if place < _OPEN and cause.present else ""
    parts = [
        (
            f"<details{is_open}><summary><h4>{place + 1}. {html_text(cause.title)}{where}</h4> "
            f'<span class="sts-quiet">{html_text(cause.state)}, confidence {html_text(cause.confidence)}{failed}</span></summary>'
        ),
        f"<p>{html_text(cause.meaning)}</p><dl>",
        f"<dt>What it does to mail</dt><dd>{html_text(cause.effect.value)}. {html_text(cause.mail)}</dd>",
        f"<dt>Evidence</dt><dd><ul>{''.join(_evidence_html(one) for one in cause.evidence)}</ul></dd>",
        f"<dt>What to do</dt><dd>{_lines(cause.fix)}</dd>",
    ]
    if cause.provider:
        parts.append(f"<dt>At your provider</dt><dd>{_lines(cause.provider)}</dd>")
    checks = "".join(
        f"<pre><code>{html_text(one.shell)}</code></pre><p>{html_text(one.shows)}</p>" for one in cause.commands
    )
    parts += [
        f"<dt>How to confirm it</dt><dd>{checks}</dd>",
        f"<dt>How to verify the fix</dt><dd>{html_text(cause.verify)}</dd>",
        f"<dt>Defined in</dt><dd>{html_text(cause.rfc)}</dd></dl></details>",
    ]
    return "".join(parts)


def _lines(text: str) -> str:
    return "<br>".join(html_text(line, 1200) for line in text.splitlines() if line.strip())


def _evidence_html(one: Evidence) -> str:
    sign = "for" if one.supports else "against"
    return f"<li><strong>{sign}</strong>, {_SOURCES[one.source].lower()}: {html_text(one.text, _WIDTH)}</li>"


def _groups_html(diagnosis: Diagnosis) -> str:
    groups = [group for group in diagnosis.groups if group.state != CHANCE]
    if not groups:
        return ""
    rows: list[dict[str, object]] = [
        {
            "what": f"{group.reported.result_type}{f' at {group.reported.mx}' if group.reported.mx else ''}",
            "domain": group.reported.policy_domain,
            "failed": group.reported.failed,
            "days": f"{when(group.reported.first)} to {when(group.reported.last)}",
            "said": f"{group.state}. {group.why}" + (f" To be settled: {group.question}" if group.question else ""),
        }
        for group in groups[:_MOST_GROUPS]
    ]
    headings = {
        "what": "Reported", "domain": "Policy domain", "days": "Days", "failed": "Failed", "said": "What is to be said of it",
    }  # fmt: skip
    if len({row["domain"] for row in rows}) == 1:
        del headings["domain"]
    more = len(groups) - len(rows)
    rest = f"<p>{number(more)} smaller groups are in <code>.groups</code>.</p>" if more > 0 else ""
    table = html_table(
        rows,
        headings,
        caption="Each kind of reported failure, held against what else is known; what is not over first.",
        numeric=("failed",),
        width=_WIDTH,
    )
    return f"<h3>Reported failures</h3>{table}{rest}"


def _plan_html(diagnosis: Diagnosis) -> str:
    items = "".join(
        f"<li>{_TICKS[step.status]} <strong>{html_text(step.step)}</strong> ({html_text(step.status)}): "
        f"{html_text(step.evidence, 400)}</li>"
        for step in diagnosis.plan
    )
    return f'<h3>Action plan</h3><ul class="sts-plan">{items}</ul>'


def _blind_html(diagnosis: Diagnosis) -> str:
    if not diagnosis.not_observed:
        return ""
    items = "".join(
        f"<li>{html_text(what, 200)}: {html_text(why, 300)}</li>" for what, why in diagnosis.not_observed[:_MOST_GROUPS]
    )
    return f"<h3>Not observed</h3><p>Further faults may hide there.</p><ul>{items}</ul>"


# -- terminal


def as_text(diagnosis: Diagnosis) -> str:
    """Return a diagnosis as lines of about 100 characters."""
    health = diagnosis.health
    lines = [f"{_MARKS[health.level]} {health.level}", *_wrapped(health.sentence, "     ")]
    for place, cause in enumerate(diagnosis.causes[:_MOST_CAUSES], start=1):
        where = f" ({terminal_text(', '.join(cause.mx[:4]), 200)})" if cause.mx else ""
        lines += [
            "",
            f"{place:>2}. {cause.title}{where}",
            f"    {cause.state}, confidence {cause.confidence}; {cause.effect.value}",
        ]
        lines += [
            line
            for one in cause.evidence
            for line in _wrapped(f"{'+' if one.supports else '-'} {one.text}", "    ", "      ")
        ]
        first, *rest = [text for text in cause.fix.splitlines() if text.strip()]
        lines += _wrapped(f"→ {first}", "    ", "      ")
        lines += [line for text in rest for line in _wrapped(text, "      ")]
        lines += [f"    $ {one.shell}" for one in cause.commands]
    more = len(diagnosis.causes) - _MOST_CAUSES
    if more > 0:
        lines.append(f"    {more} more: see to_frame().")
    groups = [group for group in diagnosis.groups if group.state != CHANCE][:_MOST_GROUPS]
    if groups:
        lines += ["", "Reported failures"]
        for group in groups:
            lines += _wrapped(
                f"{group.reported.result_type}, {group.reported.policy_domain}: {group.state}. {group.why}",
                "    ",
                "      ",
            )
    lines += ["", "Action plan"]
    for step in diagnosis.plan:
        lines += _wrapped(f"{_BOXES[step.status]} {step.step}: {one_line(step.evidence, 300)}", "    ", "        ")
    if diagnosis.not_observed:
        lines += ["", "Not observed: further faults may hide there"]
        for what, why in diagnosis.not_observed[:_MOST_GROUPS]:
            lines += _wrapped(f"{what}: {why}", "    ", "      ")
    return "\n".join(lines)


def _wrapped(text: str, indent: str, further: str | None = None) -> list[str]:
    shown = terminal_text(text, _WIDTH)
    return textwrap.wrap(shown, 100, initial_indent=indent, subsequent_indent=further or indent, break_on_hyphens=False)
