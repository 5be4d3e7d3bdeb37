"""What a check says of a domain, a record or a policy: one `Finding` per fault or piece of advice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, overload

from ..markup import json_text, plural
from ..render import Rendered, frame
from ._terms import Effect, Severity

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Finding", "Findings"]


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
        What it concerns, for a person: a record, a line, a host.
    message : str
        What is wrong and what breaks in practice.
    evidence : str
        What was observed, verbatim.
    fix : str
        What to do; where it is text to publish, the text itself.
    rfc : str
        The section that decides, or another source.
    host : str
        The MX host, policy host or DNS name at fault; empty where it is none.
    addresses : tuple of str
        The addresses of that host at which it was observed; empty where it does not depend on one.

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
    host: str = ""
    addresses: tuple[str, ...] = ()


def _encodable(finding: Finding) -> dict[str, str | list[str]]:
    """Return a finding's fields as text that UTF-8 can hold: a finding may quote bytes that are no UTF-8."""

    def text(value: object) -> str:
        return str(value).encode("utf-8", "backslashreplace").decode()

    return {
        key: [text(part) for part in value] if isinstance(value, tuple) else text(value)
        for key, value in asdict(finding).items()
    }


class Findings(Rendered, Sequence[Finding]):
    """Findings, the worst first; a table in a notebook, lines in a terminal.

    Parameters
    ----------
    items : iterable of Finding
        In any order.
    corrected : mapping of str to str, optional
        Whole corrected texts, by what they are (``record``, ``policy``, ``tlsrpt_record``).

    Examples
    --------
    >>> print(Findings())
    No findings.
    """

    __slots__ = ("_corrected", "_items")

    def __init__(self, items: Iterable[Finding] = (), *, corrected: Mapping[str, str] | None = None) -> None:
        # The sort is stable: the order of a checker is kept among equals.
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
        """Whole corrected texts, to paste, by what they are: ``record``, ``policy``, ``tlsrpt_record``."""
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
            plural(len(matches), "piece of advice", "pieces of advice")
            if severity is Severity.ADVICE
            else plural(len(matches), severity.value)
            for severity in Severity
            if (matches := self.of(severity))
        ]
        return ", ".join(counts) + "." if counts else "No findings."

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame, one row per finding, with the fields of `Finding`; all text, addresses parted by LF."""
        rows = [
            {key: "\n".join(value) if isinstance(value, list) else value for key, value in _encodable(finding).items()}
            for finding in self._items
        ]
        return frame(rows, list(Finding.__dataclass_fields__)).astype("string")

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return a JSON array, one object per finding.

        Examples
        --------
        >>> Findings().to_json()
        '[]'
        """
        items = [_encodable(finding) for finding in self._items]
        return json_text(json.dumps(items, indent=indent, ensure_ascii=False))

    def __repr__(self) -> str:
        return f"<Findings: {self.summary()}>"
