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

__all__ = ["FREE", "Budget", "Exhausted", "bytes_of", "over"]

#: What may come out of compression before the ratio is checked (`Limits.expansion_ratio`).
FREE: Final = 1024 * 1024
#: The allowances by number, because each row and each part of a mail is charged.
_ALLOWANCES: Final = ("expansion_ratio", "rows", "label_bytes", "cpu_seconds")
_UNITS: Final = ("bytes", "rows", "bytes of text", "seconds of CPU time")
_BYTES, _ROWS, _LABELS, _TIME = range(4)


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


def bytes_of(*texts: str | None) -> int:
    """Return how many bytes texts take in UTF-8, as `Limits.label_bytes` counts them.

    Examples
    --------
    >>> bytes_of("mx1", None, "\u00fc")
    5
    """
    return sum(len(text) if text.isascii() else len(text.encode("utf-8", "replace")) for text in texts if text)


class Exhausted(Unreadable):
    """A source has cost what it may: nothing more of it is read."""

    def __init__(self, limits: Limits, name: str, what: str) -> None:
        super().__init__("unpack", name.replace("_", "-"), f"{what}: {_hint(limits, name)}")


class _Pool:
    """What the members of a source share: what it may cost whatever its size, and per byte."""

    __slots__ = ("calls", "left", "limits", "per_byte", "since")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        #: By allowance, in the order of `_ALLOWANCES`.
        self.left: list[float] = [FREE, limits.rows, limits.label_bytes, limits.cpu_seconds]
        self.per_byte = (
            limits.expansion_ratio,
            limits.rows / ALLOWANCE_BYTES,
            limits.label_bytes / ALLOWANCE_BYTES,
            limits.cpu_seconds / ALLOWANCE_BYTES,
        )
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
        self._spent: list[float] = [0, 0, 0, 0]
        #: Bytes of the source read so far, as they are stored.
        self.taken = taken
        #: Whether compressed data were met: sizes of members then say nothing about what is stored.
        self.inflated = False

    def member(self, size: int = 0) -> Budget:
        """Return the budget of a member of `size` bytes; this one where its bytes are not stored as they are."""
        if self.inflated:
            return self
        return Budget(self._pool.limits, size, pool=self._pool)

    def _settle(self, which: int) -> None:
        """Take what the source or member has spent beyond its own size from what its source may cost whatever its size."""
        pool = self._pool
        excess = self._spent[which] - pool.per_byte[which] * self.taken
        if excess <= 0:
            return
        if excess > pool.left[which]:
            raise Exhausted(pool.limits, _ALLOWANCES[which], self._what(which, self._spent[which]))
        pool.left[which] -= excess
        self._spent[which] -= excess

    def _what(self, which: int, spent: float) -> str:
        if which == _BYTES:
            return f"{self.taken} bytes expand to {spent:.0f} or more over all levels"
        allowed = self._pool.per_byte[which] * self.taken + self._pool.left[which]
        return f"{self.taken} bytes give more than {allowed:.{int(which == _TIME)}f} {_UNITS[which]}"

    def read(self, count: int) -> None:
        """Count bytes that were read out of a container."""
        self._spent[_BYTES] += count
        self._settle(_BYTES)
        self.tick()

    def rows(self, count: int, labels: int) -> None:
        """Count rows of the tables, with the bytes of the text in them."""
        spent, per_byte = self._spent, self._pool.per_byte
        spent[_ROWS] += count
        spent[_LABELS] += labels
        # Most sources never spend more than their own size allows.
        if spent[_ROWS] > per_byte[_ROWS] * self.taken or spent[_LABELS] > per_byte[_LABELS] * self.taken:
            self._settle(_ROWS)
            self._settle(_LABELS)
        self.tick()

    def owe(self, rows: int, labels: int) -> None:
        """Count rows and text that are in memory already: what comes next is refused if they are too many."""
        self._spent[_ROWS] += rows
        self._spent[_LABELS] += labels

    def tick(self, *, now: bool = False) -> None:
        """Count the CPU time since the last count; the clock is asked each sixteenth time, or `now`."""
        pool = self._pool
        pool.calls += 1
        if now or not pool.calls & 15:
            present = time.thread_time()
            since, pool.since = pool.since, present
            self._spent[_TIME] += present - since
            self._settle(_TIME)
