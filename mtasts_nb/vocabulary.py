"""The RFCs' words, used everywhere: result types, policy types, modes, and what a finding says.

Severity and effect are two things: severity says how wrong something is, effect says what it does to mail.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, overload

from .markup import TABLE_STYLE, html_text, plural, terminal_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "UNATTRIBUTED",
    "UNKNOWN",
    "Effect",
    "Finding",
    "Findings",
    "Mode",
    "PolicyType",
    "ResultType",
    "Severity",
    "Status",
]

#: A result type we write for failures that a report counts in its summary but does not detail.
UNATTRIBUTED = "unattributed"
#: What stands where a report gives no result type, policy type or policy domain.
UNKNOWN = "unknown"


class ResultType(StrEnum):
    """Why a session failed (RFC 8460 §4.3, and the IANA registry "STARTTLS Validation Result Types")."""

    STARTTLS_NOT_SUPPORTED = "starttls-not-supported"
    CERTIFICATE_HOST_MISMATCH = "certificate-host-mismatch"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_TRUSTED = "certificate-not-trusted"
    VALIDATION_FAILURE = "validation-failure"
    TLSA_INVALID = "tlsa-invalid"
    DNSSEC_INVALID = "dnssec-invalid"
    DANE_REQUIRED = "dane-required"
    STS_POLICY_FETCH_ERROR = "sts-policy-fetch-error"
    STS_POLICY_INVALID = "sts-policy-invalid"
    STS_WEBPKI_INVALID = "sts-webpki-invalid"

    @property
    def on_policy_host(self) -> bool:
        """Whether the fault is on the policy host: protection is lost, mail is not held by it (RFC 8461 §5)."""
        return self.value.startswith("sts-")


class PolicyType(StrEnum):
    """Which policy a sender applied (RFC 8460 §4.4, `policy-type`)."""

    TLSA = "tlsa"
    STS = "sts"
    NO_POLICY_FOUND = "no-policy-found"


class Mode(StrEnum):
    """What a sender does when validation fails (RFC 8461 §5)."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


class Severity(StrEnum):
    """How wrong something is; `error` is the worst."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"

    @property
    def rank(self) -> int:
        """Order for sorting: 0 for error."""
        return list(Severity).index(self)


class Effect(StrEnum):
    """What a fault does to mail, now.

    ``cosmetic`` means that mail comes in as before and is protected as before. Something may be lost all the same:
    redundancy, where a host fails that others stand in for; reports, where the reporting record is missing.
    """

    HOLDS_MAIL = "holds mail back"
    DISABLES_PROTECTION = "disables protection"
    COSMETIC = "cosmetic"

    @property
    def rank(self) -> int:
        """Order for sorting: 0 for what holds mail back."""
        return list(Effect).index(self)


class Status(StrEnum):
    """How an attempt to look at something ended. What could not be looked at is not broken."""

    COMPLETED = "completed"
    FAILED = "failed"
    NOT_OBSERVED = "not observed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault or piece of advice.

    Attributes
    ----------
    code : str
        Stable name, in kebab case.
    severity : Severity
        How wrong it is.
    effect : Effect
        What it does to mail.
    subject : str
        What it is about: a record, a line, a host.
    message : str
        What is wrong and what breaks in practice.
    evidence : str
        What was seen, as it was seen.
    fix : str
        What to do; where it is text to publish, the text itself.
    rfc : str
        The section that decides, or another source.

    Examples
    --------
    >>> Finding(code="id-missing", severity=Severity.ERROR, effect=Effect.DISABLES_PROTECTION,
    ...         subject="_mta-sts record", message="There is no id.").severity.value
    'error'
    """

    code: str
    severity: Severity
    effect: Effect
    subject: str
    message: str
    evidence: str = ""
    fix: str = ""
    rfc: str = ""


def _encodable(finding: Finding) -> dict[str, str]:
    """Return a finding's fields as text that UTF-8 can hold: a finding may quote bytes that are no UTF-8."""
    return {key: str(text).encode("utf-8", "backslashreplace").decode() for key, text in asdict(finding).items()}


class Findings(Sequence[Finding]):
    """Findings, the worst first; a table in a notebook, lines in a terminal.

    Parameters
    ----------
    items : iterable of Finding
        In any order.
    corrected : mapping of str to str, optional
        Whole texts put right, by what they are (``record``, ``policy``, ``tlsrpt_record``).

    Examples
    --------
    >>> print(Findings())
    No findings.
    """

    __slots__ = ("_corrected", "_items")

    def __init__(self, items: Iterable[Finding] = (), *, corrected: Mapping[str, str] | None = None) -> None:
        # The sort is stable: what a checker found first stays first among equals.
        self._items = tuple(sorted(items, key=lambda finding: (finding.severity.rank, finding.effect.rank)))
        self._corrected = MappingProxyType(dict(corrected or {}))

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> Findings: ...
    def __getitem__(self, index: int | slice) -> Finding | Findings:
        """Return one finding, or the findings of a slice."""
        if isinstance(index, slice):
            return Findings(self._items[index], corrected=self._corrected)
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Findings) and self._items == other._items

    def __hash__(self) -> int:
        return hash(self._items)

    def __add__(self, other: Findings) -> Findings:
        return Findings((*self._items, *other), corrected={**self._corrected, **other.corrected})

    def of(self, severity: Severity) -> Findings:
        """Return the findings of one severity."""
        return Findings((finding for finding in self._items if finding.severity == severity), corrected=self._corrected)

    @property
    def corrected(self) -> Mapping[str, str]:
        """Whole texts put right, to paste, by what they are: ``record``, ``policy``, ``tlsrpt_record``."""
        return self._corrected

    @property
    def errors(self) -> Findings:
        """The findings of severity error."""
        return self.of(Severity.ERROR)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes, in order."""
        return tuple(finding.code for finding in self._items)

    def summary(self) -> str:
        """Return how many findings there are of each severity, as a sentence.

        Examples
        --------
        >>> Findings().summary()
        'No findings.'
        """
        counts = [
            plural(len(found), "piece of advice", "pieces of advice")
            if severity is Severity.ADVICE
            else plural(len(found), severity.value)
            for severity in Severity
            if (found := self.of(severity))
        ]
        return ", ".join(counts) + "." if counts else "No findings."

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame, one row per finding: code, severity, effect, subject, message, evidence, fix, rfc."""
        import pandas as pd

        columns = list(Finding.__dataclass_fields__)
        return pd.DataFrame([_encodable(finding) for finding in self._items], columns=columns).astype("string")

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return a JSON array, one object per finding.

        Examples
        --------
        >>> Findings().to_json()
        '[]'
        """
        return json.dumps([_encodable(finding) for finding in self._items], indent=indent, ensure_ascii=False)

    def _fix_of(self, finding: Finding) -> str:
        """Return what to do, where a text to paste is shown once for all findings that it mends."""
        kind = next((kind for kind, text in self._corrected.items() if text == finding.fix), None)
        return finding.fix if kind is None else f"Paste the {_TEXTS.get(kind, kind)} below."

    def _below(self) -> list[tuple[str, str]]:
        """Return the texts that are shown once, below the findings that point to them."""
        fixes = {finding.fix for finding in self._items}
        return [(_TEXTS.get(kind, kind), text) for kind, text in self._corrected.items() if text in fixes]

    def __str__(self) -> str:
        if not self._items:
            return "No findings."
        lines = [self.summary()]
        for finding in self._items:
            lines += ["", f"{finding.severity.value.upper()}  {finding.code}  ({finding.effect.value})"]
            for label, text in (
                ("where", finding.subject),
                ("what", finding.message),
                ("seen", finding.evidence),
                # One line is shorter than the words that point to it.
                ("fix", self._fix_of(finding) if "\n" in finding.fix.strip() else finding.fix),
                ("see", finding.rfc),
            ):
                if text:
                    # A fix may be several lines to paste: each stays a line of its own, unwrapped.
                    for number, line in enumerate(text.splitlines()):
                        head = f"  {label if number == 0 else '':<6}"
                        wrap = (
                            textwrap.wrap(terminal_text(line), 92, break_on_hyphens=False)
                            if label in ("what", "where")
                            else []
                        )
                        lines += [head + part if i == 0 else " " * 8 + part for i, part in enumerate(wrap)] or [
                            head + terminal_text(line)
                        ]
        for title, text in self._below():
            if "\n" not in text.strip():
                continue
            lines += ["", f"The {title}:", "", *(terminal_text(line) for line in text.splitlines())]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Findings: {self.summary()}>"

    def _repr_html_(self) -> str:
        if not self._items:
            return "<p>No findings.</p>"
        rows = "".join(
            f'<tr><td><strong class="{"sts-bad" if finding.severity is Severity.ERROR else "sts"}">'
            f"{html_text(finding.severity.value)}</strong> · {html_text(finding.effect.value)}"
            f"<br><strong>{html_text(finding.subject, 300)}</strong><br>{_html_prose(finding.message)}"
            + (f"<br>Seen: <code>{html_text(finding.evidence, 600)}</code>" if finding.evidence else "")
            + f'<br><small class="sts-quiet">{html_text(finding.code)}'
            + (f" · {html_text(finding.rfc)}" if finding.rfc else "")
            + f"</small></td><td>{_html_fix(self._fix_of(finding))}</td></tr>"
            for finding in self._items
        )
        below = "".join(f"<p>The {html_text(title)}:</p><pre>{html_text(text)}</pre>" for title, text in self._below())
        head = "".join(f'<th scope="col">{title}</th>' for title in ("What is wrong", "What to do"))
        return (
            f'{TABLE_STYLE}<table class="sts"><caption>{html_text(self.summary())}</caption><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table>{below}"
        )


_TEXTS = {
    "record": "corrected _mta-sts record",
    "policy": "corrected policy file",
    "tlsrpt_record": "corrected _smtp._tls record",
}
_CODE = re.compile(r"`([^`]+)`")


def _html_prose(text: str, width: int = 2000) -> str:
    """Return a sentence as HTML; what stands in backticks as code."""
    return _CODE.sub(r"<code>\1</code>", html_text(text, width))


def _html_fix(text: str) -> str:
    """Return what to do as HTML: prose, or a text to paste with its lines kept."""
    if "\n" in text.strip() or text.startswith(("v=", "version:")):
        return f"<pre>{html_text(text.strip(), 4000)}</pre>"
    return _html_prose(text)
