"""What one source may cost altogether, over all its levels: bytes, rows, text, time.

A limit for each step alone would let eight nested containers multiply it to the eighth power, and a mailbox of harmless
mails would need the same limit as a single mail. So a source has an allowance that grows with its size, and each of its
members that is stored as it is (a mail in an mbox, a file in a tar or zip) has a share of its own, by its own size: what
a hostile mail costs, it takes from the free part of the allowance, never from the share of its neighbours.
"""

from __future__ import annotations

import time
from typing import Final

from ...settings import ALLOWANCE_BYTES, Limits
from ._model import Unreadable

__all__ = ["FREE", "Budget", "Exhausted", "over"]

#: What may come out of compression before the ratio is checked (`Limits.expansion_ratio`).
FREE: Final = 1024 * 1024
_BYTES: Final = "expansion_ratio"
_ROWS: Final = "rows"
_LABELS: Final = "label_bytes"
_TIME: Final = "cpu_seconds"


def over(limits: Limits, name: str, what: str, stage: str = "unpack") -> Unreadable:
    """Return the rejection for a limit that was exceeded: by what, its value, and how to raise it.

    Examples
    --------
    >>> over(Limits(nesting=3), "nesting", "containers nested too deep").detail
    'containers nested too deep: the limit is nesting=3; to allow more, call load(..., limits=Limits(nesting=...))'
    """
    return Unreadable(stage, name.replace("_", "-"), f"{what}: {_hint(limits, name)}")


def _hint(limits: Limits, name: str) -> str:
    return f"the limit is {name}={getattr(limits, name)}; to allow more, call load(..., limits=Limits({name}=...))"


class Exhausted(Unreadable):
    """A source has cost what it may: nothing more of it is read."""

    def __init__(self, limits: Limits, name: str, what: str) -> None:
        super().__init__("unpack", name.replace("_", "-"), f"{what}: {_hint(limits, name)}")


class _Pool:
    """What the members of a source share: what it may cost whatever its size, and per byte."""

    __slots__ = ("calls", "left", "limits", "per_byte", "since")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.left: dict[str, float] = {
            _BYTES: FREE,
            _ROWS: limits.rows,
            _LABELS: limits.label_bytes,
            _TIME: limits.cpu_seconds,
        }
        self.per_byte = {name: free / ALLOWANCE_BYTES for name, free in self.left.items()}
        self.per_byte[_BYTES] = limits.expansion_ratio
        self.calls = 0
        #: CPU time of this thread up to which it has been paid for.
        self.since = time.thread_time()


class Budget:
    """What one source, or one member of it, may cost; each method raises `Exhausted` when it is too much.

    Parameters
    ----------
    limits : Limits
        The allowances.
    taken : int, optional
        Bytes of the source that are read already.
    """

    __slots__ = ("_pool", "_spent", "inflated", "taken")

    def __init__(self, limits: Limits, taken: int = 0, *, pool: _Pool | None = None) -> None:
        self._pool = pool or _Pool(limits)
        self._spent: dict[str, float] = {_BYTES: 0, _ROWS: 0, _LABELS: 0, _TIME: 0}
        #: Bytes of the source read so far, as they are stored.
        self.taken = taken
        #: Whether compressed data were met: sizes of members then say nothing about what is stored.
        self.inflated = False

    def member(self, size: int = 0) -> Budget:
        """Return the budget of a member of `size` bytes; this one where its bytes are not stored as they are."""
        if self.inflated:
            return self
        return Budget(self._pool.limits, size, pool=self._pool)

    def _charge(self, name: str, count: float) -> None:
        spent = self._spent[name] + count
        excess = spent - self._pool.per_byte[name] * self.taken
        if excess > 0:
            left = self._pool.left[name]
            if excess > left:
                raise Exhausted(self._pool.limits, name, self._what(name, spent))
            self._pool.left[name] = left - excess
            spent -= excess
        self._spent[name] = spent

    def _what(self, name: str, spent: float) -> str:
        if name == _BYTES:
            return f"{self.taken} bytes expand to {spent:.0f} or more over all levels"
        unit = {_ROWS: "rows", _LABELS: "bytes of text", _TIME: "seconds of CPU time"}[name]
        allowed = self._pool.per_byte[name] * self.taken + self._pool.left[name]
        return f"{self.taken} bytes give more than {allowed:.{int(name == _TIME)}f} {unit}"

    def read(self, count: int) -> None:
        """Count bytes that were read out of a container."""
        self._charge(_BYTES, count)
        self.tick()

    def rows(self, count: int, labels: int) -> None:
        """Count rows of the tables, with the characters of the text in them."""
        self._charge(_ROWS, count)
        self._charge(_LABELS, labels)
        self.tick()

    def owe(self, rows: int, labels: int) -> None:
        """Count rows and text that are in memory already: what comes next is refused if they are too many."""
        self._spent[_ROWS] += rows
        self._spent[_LABELS] += labels

    def tick(self, *, now: bool = False) -> None:
        """Count the CPU time since the last count; the clock is asked each sixteenth time, or `now`."""
        self._pool.calls += 1
        if now or not self._pool.calls & 15:
            present = time.thread_time()
            since, self._pool.since = self._pool.since, present
            self._charge(_TIME, present - since)
