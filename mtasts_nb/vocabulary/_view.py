"""How findings are shown (the worst first, each with what to do; a corrected text once, below all), and a verdict."""

from __future__ import annotations

from typing import Final

from ..markup import one_line, plural
from ..render import (
    Badge,
    Block,
    Code,
    Document,
    Paragraph,
    Preformatted,
    Quiet,
    Section,
    Table,
    Tone,
    document,
)
from ._finding import Finding, Findings
from ._terms import Level, Severity
from ._verdict import Verdict

__all__ = ["verdict_badge", "verdict_reason", "verdict_sentence"]

_TEXTS: Final = {
    "record": "corrected _mta-sts record",
    "policy": "corrected policy file",
    "tlsrpt_record": "corrected _smtp._tls record",
}
_TONES: Final = {Severity.ERROR: Tone.BAD, Severity.WARNING: Tone.PARTLY, Severity.ADVICE: Tone.NEUTRAL}
_LEVEL_TONES: Final = {
    Level.ACT_NOW: Tone.BAD,
    Level.ACT_SOON: Tone.PARTLY,
    Level.WATCH: Tone.NEUTRAL,
    Level.NOT_KNOWN: Tone.UNKNOWN,
    Level.FINE: Tone.GOOD,
}
#: What happens to mail, by level, where a concern decides.
_MAIL: Final = {
    Level.ACT_NOW: "Mail is deferred or bounced",
    Level.ACT_SOON: "No mail is deferred, but something is broken",
    Level.WATCH: "Mail flows now; it may fail later, or for some senders",
}
_MAIL_NOT_KNOWN: Final = "Something is broken; the reports do not show whether mail is deferred"


@document.register
def _(findings: Findings) -> Document:
    if not findings:
        return Document((Paragraph("No findings."),))
    rows = [{"wrong": _wrong(finding), "fix": _fix(finding, findings)} for finding in findings]
    table = Table({"wrong": "Finding", "fix": "What to do"}, rows, caption=findings.summary())
    return Document((table, *_below(findings)))


def _wrong(finding: Finding) -> tuple[Block, ...]:
    state = Badge(_TONES[finding.severity], finding.severity.value)
    lines: list[Block] = [Paragraph(state, " · ", finding.effect.label), Paragraph(finding.subject, strong=True)]
    lines.append(Paragraph(finding.message))
    if finding.evidence:
        lines.append(Paragraph("Observed: ", Code(finding.evidence)))
    lines.append(Paragraph(Quiet(" · ".join(filter(None, (finding.code, finding.rfc))))))
    return tuple(lines)


def _fix(finding: Finding, findings: Findings) -> Block:
    kind = _kind_of(finding, findings)
    if kind is not None:
        return Paragraph(f"Paste the {_TEXTS.get(kind, kind)} below.")
    if "\n" in finding.fix.strip() or finding.fix.startswith(("v=", "version:")):
        return Preformatted(finding.fix.strip())
    return Paragraph(finding.fix)


def _kind_of(finding: Finding, findings: Findings) -> str | None:
    """Return which of the corrected texts is the fix of this finding."""
    return next((kind for kind, text in findings.corrected.items() if text == finding.fix), None)


def _below(findings: Findings) -> list[Block]:
    fixes = {finding.fix for finding in findings}
    return [
        Section(f"The {_TEXTS.get(kind, kind)}", (Preformatted(text),))
        for kind, text in findings.corrected.items()
        if text in fixes
    ]


def verdict_badge(level: Level) -> Badge:
    """Return a level as a badge."""
    return Badge(_LEVEL_TONES[level], level.value)


def verdict_sentence(verdict: Verdict) -> str:
    """Return what the level means for mail, and why it applies, in one sentence.

    Examples
    --------
    >>> verdict_sentence(Verdict(level=Level.FINE, effect=None, domain="nordwind.example", reported=True))
    'No problems found with nordwind.example; reports show only background noise.'
    """
    name = one_line(verdict.domain, 253) or "these domains"
    reason = verdict_reason(verdict)
    if verdict.level is Level.NOT_KNOWN:
        return f"Nothing is known about {name}: {reason}."
    if verdict.title:
        return f"{_MAIL[verdict.level] if verdict.effect else _MAIL_NOT_KNOWN} ({name}): {reason}."
    link = ", but " if verdict.level is Level.WATCH else "; " if reason else ""
    return f"No problems found with {name}{link}{reason}."


def verdict_reason(verdict: Verdict) -> str:
    """Return why the level applies, as a clause; empty where there is nothing to add.

    Examples
    --------
    >>> verdict_reason(Verdict(level=Level.NOT_KNOWN, effect=None))
    'there are no recent reports'
    """
    hidden = one_line(verdict.not_observed[0], 200) if verdict.not_observed else ""
    if verdict.title:
        where = f" ({', '.join(one_line(host, 120) for host in verdict.mx[:3])})" if verdict.mx else ""
        more = f"; {plural(verdict.others, 'more cause')} of this level" if verdict.others else ""
        return f"{one_line(verdict.title, 300).removesuffix('.')}{where}{more}"
    if verdict.level is Level.NOT_KNOWN:
        return "nothing was observed" if hidden else "there are no recent reports"
    if verdict.level is Level.WATCH:
        return f"{hidden or 'a part'} could not be observed"
    if verdict.over:
        return f"{plural(verdict.over, 'earlier problem')} {'is' if verdict.over == 1 else 'are'} over"
    return "reports show only background noise" if verdict.reported else ""


@document.register
def _(verdict: Verdict) -> Document:
    return Document((Paragraph(verdict_badge(verdict.level), " ", verdict_sentence(verdict), lead=True),))
