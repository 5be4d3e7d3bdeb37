"""How findings are shown: the worst first, each with what to do; a corrected text once, below all of them."""

from __future__ import annotations

from typing import Final

from ..render import Badge, Block, Code, Document, Paragraph, Preformatted, Quiet, Section, Table, Tone, document
from ._finding import Finding, Findings
from ._terms import Severity

_TEXTS: Final = {
    "record": "corrected _mta-sts record",
    "policy": "corrected policy file",
    "tlsrpt_record": "corrected _smtp._tls record",
}
_TONES: Final = {Severity.ERROR: Tone.BAD, Severity.WARNING: Tone.PARTLY, Severity.ADVICE: Tone.NEUTRAL}


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
