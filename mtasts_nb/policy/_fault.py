"""One fault in a text: where it is, what stands there, what the grammar asks for.

The linters find faults; a parser raises the first that is an error, `validate` shows them all. So a text is refused
exactly when a finding about its syntax is an error: there is only one judge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mtasts_nb.markup import plural
from mtasts_nb.vocabulary import Effect, Severity

__all__ = ["MAX_TEXT", "Fault", "FaultList", "Raw"]

#: What a text may come as.
Raw = str | bytes | bytearray | memoryview

#: Longest text that is looked at, in bytes. RFC 8461 §3.3 suggests this cap for a policy; no TXT record is longer.
MAX_TEXT = 64 * 1024

# How many faults of one code are told one by one; the rest are told together, so that 30,000 blank lines
# do not become 30,000 findings.
_EACH = 10
_PLACES_NAMED = 20
_ENOUGH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of a text.

    Attributes
    ----------
    code : str
        Stable name, in kebab case.
    severity : Severity
        An error means that the grammar does not take the text.
    effect : Effect
        What it does to mail.
    message : str
        What is wrong, in one or two sentences.
    line, column : int or None
        1-based place, where there is one.
    field : str or None
        The field at fault.
    actual, expected : str or None
        What stands there, and what the grammar asks for.
    rfc : str
        The section that decides.
    """

    code: str
    message: str
    severity: Severity = Severity.ERROR
    effect: Effect = Effect.DISABLES_PROTECTION
    line: int | None = None
    column: int | None = None
    field: str | None = None
    actual: str | None = None
    expected: str | None = None
    rfc: str = ""

    @property
    def is_error(self) -> bool:
        """Whether the parser refuses the text for it."""
        return self.severity is Severity.ERROR


class FaultList:
    """Faults in the order in which they were found; many of one code are folded into one.

    Examples
    --------
    >>> faults = FaultList()
    >>> for line in range(1, 500):
    ...     faults.add(Fault(code="policy-blank-line", message="Blank.", line=line))
    >>> len(list(faults))
    11
    """

    __slots__ = ("_count", "_each", "_errors", "_more")

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._errors = 0
        self._each: list[Fault] = []
        self._more: dict[str, tuple[Fault, int, list[int]]] = {}

    def add(self, fault: Fault) -> None:
        """Note one fault."""
        self._errors += fault.is_error
        if code_seen := self._more.get(fault.code):
            first, count, places = code_seen
            if fault.line is not None and len(places) < _PLACES_NAMED:
                places.append(fault.line)
            worst = first if first.severity.rank <= fault.severity.rank else fault
            self._more[fault.code] = (worst, count + 1, places)
        elif self._count[fault.code] >= _EACH:
            self._more[fault.code] = (fault, 1, [] if fault.line is None else [fault.line])
        else:
            self._count[fault.code] += 1
            self._each.append(fault)

    @property
    def enough(self) -> bool:
        """Whether so many errors are known that the rest of the text need not be read: it is refused anyhow."""
        return self._errors >= _ENOUGH

    def extend(self, faults: Iterable[Fault]) -> None:
        """Note several faults."""
        for fault in faults:
            self.add(fault)

    def __iter__(self) -> Iterator[Fault]:
        yield from self._each
        for fault, count, places in self._more.values():
            where = ", ".join(str(place) for place in places)
            more = " and others" if count > len(places) else ""
            lines = f" (lines {where}{more})" if where else ""
            yield replace(
                fault,
                message=f"The same fault {plural(count, 'more time', 'more times')}{lines}. {fault.message}",
            )

    @property
    def first_error(self) -> Fault | None:
        """The fault for which a parser refuses the text, None where it takes it."""
        return next((fault for fault in self if fault.is_error), None)

    def __contains__(self, code: object) -> bool:
        return self._count[str(code)] > 0
