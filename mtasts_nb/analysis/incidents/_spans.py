"""From days that stand out to spans: what belongs together, where it begins and ends, and whether it is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ._baseline import CLUMPS

if TYPE_CHECKING:
    import numpy.typing as npt

    from ._outliers import Outlook

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

__all__ = ["NEAR", "QUIET_DAYS", "RAISED", "Span", "spans"]

#: A day stands out when so many failures are no likelier than this: the bound at 99.8 %.
NEAR: Final = 0.002
#: A day counts towards a run when so many failures are no likelier than this; most days of a run that count together.
RAISED: Final = 0.01
_TOGETHER: Final = 5
#: One day alone is an incident only if it is as unlikely as this; so is a run.
ALONE: Final = 1e-8
#: A day next to one that stands out belongs to it when so many failures are no likelier than this.
_BESIDE: Final = 0.05
#: The same for a day with others between.
_APART: Final = 0.005
#: … and at least this part of those of the days that stand out.
_TRACE: Final = 0.01
#: Two days next to each other, or with one between, are an incident if both together are as unlikely as this.
_CLOSE: Final = 1e-6
#: So many expected on a day, of a type that also comes by chance, and all of these must be so many times less likely.
_CLUMPED, _STRICTER = 0.1, 100.0
#: One failed session on a day is no sign of its own.
_FEW: Final = 2
_FEW_ALONE: Final = 10
#: One day alone is an incident, too, if this part of the sessions of those who saw it failed.
_MOST: Final = 0.5
#: Failures must be so many times those expected.
_TIMES: Final = 2.0
#: Days that tell a fault to be gone, one after the other, end an incident.
QUIET_DAYS: Final = 3
#: A day tells a fault to be gone only if it would have brought so many failures: none at all has then 5 % chance.
_TELLING: Final = 3.0
#: Days without a telling report, in a row, after which we speak of another incident.
_LONGEST_SILENCE: Final = 28


@dataclass(frozen=True, slots=True)
class Span:
    """Days on which one kind of failure stood out.

    Attributes
    ----------
    first, last, peak : int
        Positions in the block's days.
    failed, expected : float
        Sessions, over the days and all reporters.
    peak_failed : float
        Failed sessions of the worst day.
    who : array of bool
        The reporters that saw it.
    days : int
        Days that stand out.
    strength : float
        How unlikely the days that stand out are together, as -log10 of the product of their probabilities.
    quiet : int
        Days since that tell it to be gone.
    silent : int
        Days from the last day with failures to the last of the block.
    """

    first: int
    last: int
    peak: int
    failed: float
    expected: float
    peak_failed: float
    who: Bools
    days: int
    strength: float
    quiet: int
    silent: int

    @property
    def ongoing(self) -> bool:
        """Whether it is not known to be over."""
        return self.quiet < QUIET_DAYS and self.silent <= _LONGEST_SILENCE


def spans(view: Outlook) -> list[Span]:
    """Return the spans of one kind of failure, in the order of time."""
    by_reporter = view.failed()
    total = by_reporter.sum(axis=0)
    found = _at_level(view, by_reporter, total, NEAR)
    # A small fault may show on many days, on each of them faintly. What was found already keeps its edges.
    taken = [(span.first, span.last) for span in found]
    for span in _at_level(view, by_reporter, total, RAISED):
        if all(span.last < first or last < span.first for first, last in taken):
            found.append(span)
    return sorted(found, key=lambda span: span.first)


def _at_level(view: Outlook, by_reporter: Floats, total: Floats, level: float) -> list[Span]:
    """Return the spans made of days no likelier than a level."""
    out = (view.chance <= level) & (total >= _FEW)
    beside = (view.chance <= _BESIDE) & (total > 0)
    found = []
    for group in _groups(view, by_reporter, np.flatnonzero(out), beside):
        first, last = _stretched(group, total, beside, view)
        inside = np.arange(first, last + 1)
        failed, expected = float(total[inside].sum()), float(view.expected[inside].sum())
        who = _saw(view, by_reporter, group)
        if not _counts(view, by_reporter, group, who, failed, expected):
            continue
        quiet = _telling(view, by_reporter, group, who, last + 1, len(total), beside)
        span = Span(
            first=first,
            last=last,
            peak=int(inside[np.argmax(total[inside])]),
            failed=failed,
            expected=expected,
            peak_failed=float(total[inside].max()),
            who=who,
            days=len(group),
            strength=float(-np.log10(np.maximum(view.chance[group], 1e-300)).sum()),
            quiet=int(quiet.sum()),
            silent=int(view.block.days[-1] - view.block.days[last]),
        )
        found.append(span)
    return found


def _groups(view: Outlook, by_reporter: Floats, out: Ints, beside: Bools) -> Iterator[Ints]:
    """Yield the days that stand out, those together between which no fault was told to be gone."""
    group: list[int] = []
    for day in out:
        if group:
            gap = int(view.block.days[day] - view.block.days[group[-1]])
            parted = gap > _LONGEST_SILENCE
            if not parted and gap > QUIET_DAYS:
                so_far = np.array(group)
                who = _saw(view, by_reporter, so_far)
                quiet = _telling(view, by_reporter, so_far, who, group[-1] + 1, int(day), beside)
                parted = bool(quiet.sum() >= QUIET_DAYS)
            if parted:
                yield np.array(group)
                group = []
        group.append(int(day))
    if group:
        yield np.array(group)


def _saw(view: Outlook, by_reporter: Floats, group: Ints) -> Bools:
    """Return which reporters saw it: those that failed on these days more than they are wont to."""
    failed = by_reporter[:, group].sum(axis=1)
    usual = view.rates * view.block.sessions[:, group].sum(axis=1)
    saw: Bools = (failed > 0) & (failed > np.maximum(_TIMES * usual, usual + 3 * np.sqrt(CLUMPS * usual)))
    return saw if saw.any() else failed > 0


def _telling(
    view: Outlook, by_reporter: Floats, group: Ints, who: Bools, start: int, stop: int, beside: Bools
) -> Bools:
    """Return which days from one position up to another tell the fault to be gone.

    Only the reporters that saw it can tell, and only with sessions enough: a silent day is not a good day.
    """
    exposed = view.block.sessions[who][:, group].sum(axis=1)
    rate = by_reporter[who][:, group].sum(axis=1) / np.maximum(exposed, 1.0)
    would = rate @ view.block.sessions[who, start:stop]
    here = by_reporter[who, start:stop].sum(axis=0)
    gone: Bools = (would >= _TELLING) & (~beside[start:stop] | (here == 0))
    return gone


def _stretched(group: Ints, total: Floats, beside: Bools, view: Outlook) -> tuple[int, int]:
    """Return first and last day, with the days beside that have some of it: a fault seldom begins at midnight."""
    some = total >= _TRACE * total[group].mean()
    close, apart = some & beside, some & (view.chance <= _APART)
    days, first, last = view.block.days, int(group[0]), int(group[-1])

    def joins(edge: int, day: int) -> bool:
        return bool(abs(days[edge] - days[day]) <= QUIET_DAYS and (close if abs(edge - day) == 1 else apart)[day])

    while (
        before := next((day for day in range(first - 1, max(first - 1 - QUIET_DAYS, -1), -1) if joins(first, day)), -1)
    ) >= 0:
        first = before
    while (
        after := next((day for day in range(last + 1, min(last + 1 + QUIET_DAYS, len(days))) if joins(last, day)), -1)
    ) >= 0:
        last = after
    return first, last


def _counts(view: Outlook, by_reporter: Floats, group: Ints, who: Bools, failed: float, expected: float) -> bool:
    """Return whether days that stand out make an incident."""
    if failed < max(5.0, _TIMES * expected):
        return False
    likely = np.maximum(view.chance[group], 1e-60)
    # Where clumps come by chance, one may follow another.
    clumped = view.by_chance and view.expected[group].mean() >= _CLUMPED
    close, alone = (_CLOSE / _STRICTER, ALONE / _STRICTER) if clumped else (_CLOSE, ALONE)
    both, out = likely[1:] * likely[:-1], likely <= NEAR
    if (both[(np.diff(group) <= 2) & out[1:] & out[:-1]] <= close).any():
        return True
    for length in range(2, min(_TOGETHER, len(group)) + 1):
        if (np.lib.stride_tricks.sliding_window_view(likely, length).prod(axis=1) <= alone).any():
            return True
    theirs = by_reporter[who][:, group].sum(axis=0)
    most = theirs >= _MOST * view.block.sessions[who][:, group].sum(axis=0)
    return bool(((theirs >= _FEW_ALONE) & (most | (likely <= alone))).any())
