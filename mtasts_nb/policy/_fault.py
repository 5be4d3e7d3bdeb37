"""One fault in a text: where it is, what is there, what the grammar requires. And bytes as text.

The linters find faults; a parser raises the first that is an error, `validate` shows them all. So a text is rejected
exactly when a finding about its syntax is an error: there is only one judge.
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as field_of

from ..knowledge import finding_texts
from ..markup import one_line, plural
from ..vocabulary import Effect, Severity

__all__ = ["MAX_TEXT", "Decoded", "Fault", "FaultList", "Raw", "as_raw", "as_text", "decode", "new_fault"]

#: What a text may come as.
Raw = str | bytes | bytearray | memoryview

#: Longest text that is read, in bytes. RFC 8461 §3.3 suggests this cap for a policy; no TXT record is longer.
MAX_TEXT = 64 * 1024

# How many faults of one code are listed one by one; the rest are counted together, so that 30,000 blank lines
# do not become 30,000 findings.
_EACH = 10
_LINES_NAMED = 20
_ENOUGH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of a text; its message is in the registry.

    Attributes
    ----------
    code : str
        A finding code.
    severity : Severity
        An error means that the grammar does not allow the text.
    effect : Effect
        What it does to mail.
    rfc : str
        The section that decides.
    line, column : int or None
        1-based place, where there is one.
    field : str or None
        The field at fault.
    actual, expected : str or None
        What is there, and what the grammar requires.
    variant, names
        Which message of the code, and what fills its placeholders.
    repeats : int
        How many faults of the code, beyond the ones listed, it stands for; 0 for one of its own.
    lines : tuple of int
        The lines of the first of those.
    """

    code: str
    severity: Severity
    effect: Effect
    rfc: str
    line: int | None = None
    column: int | None = None
    field: str | None = None
    actual: str | None = None
    expected: str | None = None
    variant: str = ""
    names: Mapping[str, object] = field_of(default_factory=dict)
    repeats: int = 0
    lines: tuple[int, ...] = ()

    @property
    def is_error(self) -> bool:
        """Whether the parser rejects the text for it."""
        return self.severity is Severity.ERROR

    @property
    def message(self) -> str:
        """What is wrong, in one or two sentences."""
        text = finding_texts()[self.code].message(self.variant, **self.names)
        if not self.repeats:
            return text
        named = ", ".join(map(str, self.lines)) + (" and others" if self.repeats > len(self.lines) else "")
        where = f" (lines {named})" if self.lines else ""
        return f"The same fault {plural(self.repeats, 'more time', 'more times')}{where}. {text}"

    def sentence(self) -> str:
        """Return the fault as one line: where, what, actual, expected, section."""
        where = f"line {self.line}: " if self.line else f"column {self.column}: " if self.column else ""
        actual = [f"found `{one_line(self.actual, 80)}`"] if self.actual else []
        expected = [f"expected {one_line(self.expected, 80)}"] if self.expected else []
        detail = ", ".join(actual + expected)
        detail = f" {detail[0].upper()}{detail[1:]}" if detail else ""
        return one_line(f"{where}{self.message}{detail} ({self.rfc}).", 600)


def new_fault(
    code: str,
    variant: str = "",
    *,
    line: int | None = None,
    column: int | None = None,
    field: str | None = None,
    actual: str | None = None,
    expected: str | None = None,
    severity: Severity | None = None,
    effect: Effect | None = None,
    **names: object,
) -> Fault:
    """Return a fault with the severity, effect and section of its code; `names` fill its message.

    Examples
    --------
    >>> new_fault("policy-blank-line", line=3).severity.value
    'error'
    """
    text = finding_texts()[code]
    return Fault(
        code=code,
        severity=severity or text.severity,
        effect=effect or text.effect,
        rfc=text.rfc,
        line=line,
        column=column,
        field=field,
        actual=actual,
        expected=expected,
        variant=variant,
        names=names,
    )


class FaultList:
    """Faults in the order in which they were found; many of one code are folded into one.

    Examples
    --------
    >>> faults = FaultList()
    >>> for line in range(1, 500):
    ...     faults.add(new_fault("policy-blank-line", line=line))
    >>> len(list(faults))
    11
    """

    __slots__ = ("_count", "_each", "_errors", "_lines", "_more")

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._errors = 0
        self._each: list[Fault] = []
        self._more: dict[str, Fault] = {}
        self._lines: dict[str, list[int]] = {}

    def add(self, fault: Fault) -> None:
        """Note one fault."""
        self._errors += fault.is_error
        self._count[fault.code] += 1
        if self._count[fault.code] <= _EACH:
            self._each.append(fault)
            return
        lines = self._lines.setdefault(fault.code, [])
        if fault.line is not None and len(lines) < _LINES_NAMED:
            lines.append(fault.line)
        worst = self._more.setdefault(fault.code, fault)
        if fault.severity.rank < worst.severity.rank:
            self._more[fault.code] = fault

    @property
    def enough(self) -> bool:
        """Whether so many errors are known that the rest of the text need not be read: it is rejected anyway."""
        return self._errors >= _ENOUGH

    def extend(self, faults: Iterable[Fault]) -> None:
        """Note several faults."""
        for fault in faults:
            self.add(fault)

    def __iter__(self) -> Iterator[Fault]:
        yield from self._each
        for code, fault in self._more.items():
            yield replace(fault, repeats=self._count[code] - _EACH, lines=tuple(self._lines[code]))

    @property
    def first_error(self) -> Fault | None:
        """The fault for which a parser rejects the text, None where it accepts it."""
        return next((fault for fault in self if fault.is_error), None)

    def __contains__(self, code: object) -> bool:
        return self._count[str(code)] > 0


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, the faults of its encoding, and whether it is worth reading on."""

    text: str
    faults: tuple[Fault, ...]
    readable: bool = True


def as_raw(raw: Raw) -> str | bytes:
    """Return the text as it came, for keeping."""
    return raw if isinstance(raw, str) else bytes(raw)


def as_text(raw: str | bytes) -> str:
    """Return a text for reading; a byte that is not UTF-8 as an escape."""
    return raw if isinstance(raw, str) else raw.decode("utf-8", "backslashreplace")


def decode(raw: Raw, *, subject: str, prefix: str) -> Decoded:
    """Return the text of a record or policy, cut at the cap, with the faults of its encoding.

    Nothing is lost: a byte that is not UTF-8 becomes a lone surrogate (PEP 383), which no grammar allows.

    Parameters
    ----------
    raw : str or bytes
    subject : str
        What the text is called in a message.
    prefix : str
        Of the codes of its faults.
    """
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else bytes(raw)
    if len(data) > MAX_TEXT:
        size = f"{len(data):,}"
        fault = new_fault(
            f"{prefix}-too-large",
            "size" if prefix == "policy" else "",
            actual=f"{size} bytes",
            expected="at most 65,536 bytes",
            subject=subject,
            size=size,
        )
        head = raw[:MAX_TEXT] if isinstance(raw, str) else data[:MAX_TEXT].decode("latin-1")
        return Decoded(head, (fault,), readable=False)
    if isinstance(raw, str) and not raw.startswith("\ufeff"):
        return Decoded(raw, ())
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        actual = data[:8].hex(" ")
        fault = new_fault(f"{prefix}-utf16", line=1, column=1, actual=actual, expected="UTF-8", subject=subject)
        return Decoded(data.decode("utf-16", "replace"), (fault,))
    faults: list[Fault] = []
    if data.startswith(codecs.BOM_UTF8):
        faults.append(
            new_fault(f"{prefix}-bom", line=1, column=1, actual="ef bb bf", expected="the first field", subject=subject)
        )
        data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return Decoded(data.decode("utf-8"), (*faults,))
    except UnicodeDecodeError as error:
        start = data.rfind(b"\n", 0, error.start) + 1
        faults.append(
            new_fault(
                f"{prefix}-not-utf8",
                line=data.count(b"\n", 0, error.start) + 1,
                column=len(data[start : error.start].decode("utf-8", "surrogateescape")) + 1,
                actual=data[error.start : error.start + 4].hex(" "),
                expected="UTF-8",
                subject=subject,
            )
        )
        return Decoded(data.decode("utf-8", "surrogateescape"), (*faults,))
