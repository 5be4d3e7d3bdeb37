"""The errors of this package, as one tree.

::

    MtaStsNbError                 everything this package raises on purpose
    ├── RecordError               a TXT record is not a valid `_mta-sts` or `_smtp._tls` record
    ├── PolicyError               a policy file is not valid under RFC 8461 §3.2
    ├── ParameterError            a value that was given is not of the kind that is expected
    ├── SourceError               there is nothing to read: no such path, no file, no report
    ├── SnapshotError             a saved probe cannot be loaded
    ├── StoreError                a store cannot be opened or written
    ├── PublishError              a notebook cannot be turned into HTML
    ├── StateError                what a check remembers cannot be read
    ├── DeliveryError             news cannot be sent by webhook or mail
    └── LabError                  the lab cannot start, or does not know the fault asked for

Bad *reports* raise nothing: they are rows in `Archive.rejects` and `Archive.deviations`.
A message says what, where, what was expected, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "DeliveryError",
    "LabError",
    "MtaStsNbError",
    "ParameterError",
    "PolicyError",
    "PublishError",
    "RecordError",
    "SnapshotError",
    "SourceError",
    "StateError",
    "StoreError",
    "did_you_mean",
]


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return ` Did you mean …?` with the known names that are nearest to a mistyped one; empty where none is near.

    Examples
    --------
    >>> did_you_mean("reprot", ["report", "probe"]), did_you_mean("x", ["report"])
    (' Did you mean report?', '')
    """
    # Long texts are no typing mistakes, and to compare them takes time.
    typed = name[:260].lower()
    ratios = {text: difflib.SequenceMatcher(None, typed, text.lower()).ratio() for text in known}
    best = max(ratios.values(), default=0.0)
    near = sorted(
        (text for text, ratio in ratios.items() if ratio >= max(cutoff, best - 0.05)), key=lambda t: -ratios[t]
    )
    return f" Did you mean {' or '.join(near[:3])}?" if near else ""


class MtaStsNbError(Exception):
    """Base of every error this package raises on purpose.

    A notebook shows it as one line: its message says what is wrong, and a traceback of our code says nothing more.
    """

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in place of the traceback."""
        return [f"{type(self).__name__}: {self}"]


class ParameterError(MtaStsNbError, ValueError):
    """A value that was given is not of the kind that is expected."""


class _TextError(MtaStsNbError):
    """A text that breaks its grammar: where, what was there, what was expected."""

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        line: int | None = None,
        column: int | None = None,
        field: str | None = None,
        actual: str | None = None,
        expected: str | None = None,
        rfc: str | None = None,
        raw: str | bytes | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.line = line
        self.column = column
        self.field = field
        self.actual = actual
        self.expected = expected
        self.rfc = rfc
        self.raw = raw


class RecordError(_TextError):
    """A TXT record is not a valid `_mta-sts` (RFC 8461 §3.1) or `_smtp._tls` (RFC 8460 §3) record.

    Attributes
    ----------
    reason : str
        ``missing`` (no record of the kind), ``multiple`` (more than one), or ``syntax``.
    field : str or None
        The field at fault, for example ``id``.
    column : int or None
        1-based position in the text.
    actual, expected : str or None
        What is there and what the grammar requires.
    rfc : str or None
        The section that decides, for example ``RFC 8461 §3.1``.
    raw : str, bytes or None
        The whole text as it came.
    """


class PolicyError(_TextError):
    """A policy file is not valid under RFC 8461 §3.2.

    Attributes
    ----------
    line : int or None
        1-based line number, None where no single line is at fault.
    reason : str
        A stable code for the fault, for example ``policy-mode-unknown``.
    column, field, actual, expected, rfc, raw
        As in `RecordError`.
    """


class SourceError(MtaStsNbError):
    """There is nothing to read: no such path, an empty folder, no report."""


class SnapshotError(MtaStsNbError):
    """A saved probe cannot be loaded: not JSON, another schema, or damaged."""


class StoreError(MtaStsNbError):
    """A store cannot be opened or written: there is none, a later version wrote it, it is full or read-only."""


class PublishError(MtaStsNbError):
    """A notebook cannot be turned into HTML: unknown name, a cell failed, or the result breaks a promise."""


class StateError(MtaStsNbError):
    """What a check remembers cannot be read: damaged, or written by a newer version."""


class DeliveryError(MtaStsNbError):
    """News cannot be sent: no such webhook or program, no answer in time, or a refusal."""


class LabError(MtaStsNbError):
    """The lab cannot start, or does not know the fault asked for."""
