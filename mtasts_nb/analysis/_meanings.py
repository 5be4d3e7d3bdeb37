"""What the result types in a source mean: cause, check and fix for each, with the names filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..knowledge import ResultTypeText, explain
from ..markup import html_text, one_line, plural, terminal_text
from ..reports import daily
from ._cells import Cells, cells

if TYPE_CHECKING:
    from ..reports import Source

__all__ = ["Meaning", "Meanings", "meanings"]

#: A result type with fewer failed sessions than this part of the most frequent one is told in a line.
RARE = 0.01
#: So many kinds of failure are open in HTML; the others open at a touch.
_OPEN = 2
_PLACE = {
    "mx": "The mail server (MX).",
    "policy-host": "The policy host, a web server. The mail servers are not concerned.",
    "dane": "The DNS data for DANE, or the key of the mail server.",
    "unknown": "The reports do not say.",
}


@dataclass(frozen=True)
class Meaning:
    """One result type as it occurred.

    Attributes
    ----------
    result_type : str
        As reported.
    failed : int
        Failed sessions; sts and tlsa may count the same ones, so the larger of the two is given.
    modes : tuple of str
        The policy modes under which it came, as far as known.
    policy_domain, mx : str or None
        Where most of it came.
    reasons : tuple of (str, int)
        The reporters' own words (failure-reason-code) with their failed sessions, the most frequent three.
    text : ResultTypeText
        What it means.
    """

    result_type: str
    failed: int
    modes: tuple[str, ...]
    policy_domain: str | None
    mx: str | None
    reasons: tuple[tuple[str, int], ...]
    text: ResultTypeText


@dataclass(frozen=True)
class Meanings:
    """The result types of a source, the most frequent first; shows itself in a notebook."""

    items: tuple[Meaning, ...]

    def _repr_html_(self) -> str:
        if not self.items:
            return "<p>No failure was reported, so there is nothing to explain.</p>"
        largest = self.items[0].failed
        often = [item for item in self.items if item.failed >= RARE * largest]
        rare = [item for item in self.items if item.failed < RARE * largest]
        parts = [_html(item, opened=number < _OPEN) for number, item in enumerate(often)]
        if rare:
            lines = "".join(
                f"<li><code>{html_text(item.result_type, 80)}</code> ({plural(item.failed, 'failed session')}). "
                f"{html_text(item.text.short)} {html_text(item.text.fix)}</li>"
                for item in rare
            )
            parts.append(f"<h3>Also reported, but rarely</h3><ul>{lines}</ul>")
        return "\n".join(parts)

    def __repr__(self) -> str:
        if not self.items:
            return "No failure was reported, so there is nothing to explain."
        return "\n".join(
            terminal_text(
                f"{item.result_type} ({plural(item.failed, 'failed session')}): {item.text.short} {item.text.fix}"
            )
            for item in self.items
        )


def meanings(source: Source, found: Cells | None = None) -> Meanings:
    """Return what each result type in a source means, does to mail, and how to check and mend it.

    `found` narrows this to some of its failures.
    """
    failures = (cells(source) if found is None else found).failures
    reasons = reason_codes(source)
    items = []
    for name, part in failures.groupby("result_type", sort=True):
        largest = part.groupby(["policy_domain", "receiving_mx_hostname"])["failed"].sum().idxmax()
        domain, mx = (str(value) or None for value in largest)  # type: ignore[attr-defined]
        modes = tuple(mode for mode in ("enforce", "testing", "none") if (part["policy_mode"] == mode).any())
        failed = int(part.groupby("policy_type")["failed"].sum().max())
        items.append(Meaning(str(name), failed, modes, domain, mx, reasons.get(str(name), ())[:3], explain(str(name))))
    return Meanings(tuple(sorted(items, key=lambda item: (-item.failed, item.result_type))))


def reason_codes(source: Source) -> dict[str, tuple[tuple[str, int], ...]]:
    """Return for each result type the reporters' own words for the fault, with their failed sessions, most first."""
    table = daily(source, by=("result_type", "failure_reason_code")).dropna(
        subset=["result_type", "failure_reason_code"]
    )
    table = table.astype({"result_type": "str", "failure_reason_code": "str"})
    table = table[table["failure_reason_code"] != ""]
    sums = table.groupby(["result_type", "failure_reason_code"])["failed"].sum().reset_index()
    sums = sums.sort_values(["failed", "failure_reason_code"], ascending=[False, True])
    return {
        str(kind): tuple(zip(part["failure_reason_code"], map(int, part["failed"]), strict=True))
        for kind, part in sums.groupby("result_type")
    }


def _html(item: Meaning, *, opened: bool) -> str:
    text = item.text
    # JupyterLab would set the heading below its marker; a page has its own style sheet, and drops this one.
    head = f'<h3 style="display: inline">{html_text(text.title)} (<code>{html_text(item.result_type, 80)}</code>)</h3>'
    parts = [
        f"<details{' open' if opened else ''}><summary>{head} {plural(item.failed, 'failed session')}</summary>",
        f"<p>{html_text(text.short)} {html_text(text.meaning)}</p>",
        '<dl class="sts-terms">',
        f"<dt>What to mend</dt><dd>{html_text(_PLACE[text.where])}</dd>",
    ]
    parts += [
        f"<dt>Effect on mail{html_text(under)}</dt><dd>{html_text(effect)}</dd>" for under, effect in _effects(item)
    ]
    if item.reasons:
        words = "; ".join(
            f"<q>{html_text(one_line(word, 120))}</q> ({plural(count, 'failed session')})"
            for word, count in item.reasons
        )
        parts.append(f"<dt>The reporters' own words</dt><dd>{words}</dd>")
    causes = "".join(f"<li>{html_text(cause)}</li>" for cause in text.causes)
    parts.append(f"<dt>Usual causes, the likeliest first</dt><dd><ul>{causes}</ul></dd>")
    checks = "".join(
        f"<pre><code>{html_text(command.shell)}</code></pre><p>{html_text(command.shows)}</p>"
        for command in text.commands(item.policy_domain, item.mx)
    )
    if checks:
        parts.append(f"<dt>How to check</dt><dd>{checks}</dd>")
    parts.append(f"<dt>What to do</dt><dd>{html_text(text.fix_for(item.policy_domain))}</dd>")
    if text.myth:
        parts.append(f"<dt>Many guides say</dt><dd>{html_text(text.myth)} In fact: {html_text(text.fact)}</dd>")
    parts.append(f"<dt>Defined in</dt><dd>{html_text(text.rfc)}</dd></dl></details>")
    return "\n".join(parts)


def _effects(item: Meaning) -> list[tuple[str, str]]:
    """Return under which modes, and what a fault then does to mail."""
    effect = item.text.effect
    if item.text.where == "dane":
        return [("", effect["enforce"])]  # MTA-STS never overrides a failing DANE check (RFC 8461 §2)
    if not item.modes:
        return [(", mode not reported; under enforce", effect["enforce"])]
    texts = dict.fromkeys(effect[mode] for mode in item.modes)
    return [(f", mode {' or '.join(mode for mode in item.modes if effect[mode] == text)}", text) for text in texts]
