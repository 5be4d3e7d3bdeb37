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
from ._states import MailEffect
from ._terms import Confidence, Effect, Level, Severity
from ._verdict import Verdict

__all__ = ["cause_clause", "mail_clause", "verdict_badge", "verdict_reason", "verdict_sentence"]

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
#: How a cause is named that is not certain.
_CAUSES: Final[dict[Confidence | None, str]] = {
    Confidence.MEDIUM: "probable cause",
    Confidence.LOW: "possible cause",
}
#: What failures do to mail, while they occur and afterwards.
_DONE_TO_MAIL: Final = {
    MailEffect.DEFERRED: ("mail is deferred", "mail was deferred"),
    MailEffect.POSSIBLY_DELAYED: ("mail is delayed at most", "mail was delayed at most"),
    MailEffect.UNPROTECTED: (
        "mail is delivered, without this protection or under a cached policy",
        "mail was delivered, without this protection or under a cached policy",
    ),
    MailEffect.NO_EFFECT: ("mail is delivered", "mail was delivered"),
    MailEffect.NOT_KNOWN: (
        "the reports do not show what it does to mail",
        "the reports do not show what it did to mail",
    ),
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
    'No problems found with nordwind.example; reports show no failure.'
    """
    name = one_line(verdict.domain, 253) or "these domains"
    reason = verdict_reason(verdict)
    if verdict.level is Level.NOT_KNOWN:
        return f"Nothing is known about {name}: {reason}."
    if verdict.title:
        link = "; " if verdict.confidence in _CAUSES else ": "
        return f"{_mail(verdict)} ({name}){link}{reason}."
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
        return f"{cause_clause(one_line(verdict.title, 300).removesuffix('.'), verdict.confidence)}{where}{more}"
    if verdict.level is Level.NOT_KNOWN:
        return "nothing was observed" if hidden else "there are no recent reports"
    if verdict.level is Level.WATCH:
        return f"{hidden or 'a part'} could not be observed"
    if verdict.over:
        return f"{plural(verdict.over, 'earlier problem')} {'is' if verdict.over == 1 else 'are'} over"
    if not verdict.reported:
        return ""
    return "reports show only background noise" if verdict.failures else "reports show no failure"


def cause_clause(title: str, confidence: Confidence | None) -> str:
    """Return the title of a cause, with what it lacks in certainty: no text claims more than the evidence.

    Examples
    --------
    >>> cause_clause("The policy file is missing", Confidence.MEDIUM)
    'probable cause: The policy file is missing'
    """
    return f"{_CAUSES[confidence]}: {title}" if confidence in _CAUSES else title


def mail_clause(effect: MailEffect, *, over: bool) -> str:
    """Return what failures do to mail, or did.

    Examples
    --------
    >>> mail_clause(MailEffect.POSSIBLY_DELAYED, over=True)
    'mail was delayed at most'
    """
    return _DONE_TO_MAIL[effect][over]


def _mail(verdict: Verdict) -> str:
    if verdict.effect is None:
        return _MAIL_NOT_KNOWN
    if verdict.level is Level.ACT_SOON and verdict.effect is Effect.DISABLES_PROTECTION:
        return "No mail is deferred, but protection is lost"
    if verdict.level is Level.ACT_NOW and verdict.dane_only:
        return "Mail from senders that validate DANE is deferred or bounced"
    return _MAIL[verdict.level]


@document.register
def _(verdict: Verdict) -> Document:
    return Document((Paragraph(verdict_badge(verdict.level), " ", verdict_sentence(verdict), lead=True),))
