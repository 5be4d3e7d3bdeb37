"""From days above the baseline to spans: where a fault begins and ends, whether it is over, which spans are related."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb, log10
from typing import Final

import numpy as np

from ...vocabulary import UNEXPLAINED
from ._baseline import CLUMPS, Bools, Floats
from ._blocks import Ints
from ._outliers import MOST, Outlook

__all__ = ["ALONE", "LONGEST_SILENCE", "RAISED", "Extent", "Span", "silent", "spans", "stories", "strength", "usual"]

#: A day exceeds the baseline when so many failures are no likelier than this: the bound at 99.8 %.
_NEAR: Final = 0.002
#: A day counts towards a run when so many failures are no likelier than this; most days of a run that count together.
RAISED: Final = 0.01
_TOGETHER: Final = 5
#: One day alone is an incident only if it is as unlikely as this; so is a run.
ALONE: Final = 1e-8
#: A day next to one above the baseline belongs to it when so many failures are no likelier than this.
_BESIDE: Final = 0.05
#: The same for a day with others between.
_APART: Final = 0.005
#: … and at least this part of those of the days above the baseline.
_TRACE: Final = 0.01
#: Two days next to each other, or with one between, are an incident if both together are as unlikely as this.
_CLOSE: Final = 1e-6
#: So many expected on a day, of a type that also occurs without a fault, and all of these must be so much less likely.
_CLUMPED, _STRICTER = 0.1, 100.0
#: One failed session on a day is no sign of its own.
_FEW: Final = 2
_FEW_ALONE: Final = 10
#: Failures must be so many times those expected.
_TIMES: Final = 2.0
#: Days that show a fault to be gone, one after the other, end an incident.
_QUIET_DAYS: Final = 3
#: A day shows a fault to be gone only if it would have brought so many failures: none at all then has a probability of 5 %.
_TELLING: Final = 3.0
#: Days without a telling report, in a row, after which we speak of another incident.
LONGEST_SILENCE: Final = 28
#: Failures of one cause reach the reports within so many days of each other: not every sender sends every day.
_SAME_START: Final = 2


@dataclass(frozen=True, slots=True)
class Span:
    """Days on which one kind of failure exceeded the baseline.

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
        Days above the baseline.
    strength : float
        How unlikely the days above the baseline are together.
    ongoing : bool
        Whether it is not known to be over.
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
    ongoing: bool


def spans(view: Outlook) -> list[Span]:
    """Return the spans of one kind of failure, in the order of time."""
    by_reporter = view.failed()
    total = by_reporter.sum(axis=0)
    strong = _at_level(view, by_reporter, total, _NEAR)
    # A small fault may show on many days, on each of them faintly. The strong spans keep their edges.
    faint = _at_level(view, by_reporter, total, RAISED, strong)
    return sorted([*strong, *faint], key=lambda span: span.first)


def _at_level(
    view: Outlook, by_reporter: Floats, total: Floats, level: float, taken: Sequence[Span] = ()
) -> list[Span]:
    """Return the spans made of days no likelier than a level that share no day with those taken."""
    out = np.flatnonzero((view.probability <= level) & (total >= _FEW))
    if len(out) < 2 and (total[out] < _FEW_ALONE).all():
        return []
    beside = (view.probability <= _BESIDE) & (total > 0)
    result = []
    for group in _groups(view, by_reporter, out, beside):
        if len(group) == 1 and total[group[0]] < _FEW_ALONE:
            continue
        first, last = _stretched(group, total, beside, view)
        if any(first <= other.last and other.first <= last for other in taken):
            continue
        inside = np.arange(first, last + 1)
        who = _saw(view, by_reporter, group)
        failed, expected = float(total[inside].sum()), float(view.expected[inside].sum())
        if failed < _TIMES * expected:
            # What is normal among all others must not hide what a few see.
            theirs = by_reporter * who[:, None]
            failed, expected = float(theirs[:, inside].sum()), usual(view, who, inside)
        else:
            theirs = by_reporter
        if not _counts(view, by_reporter, group, who, failed, expected):
            continue
        daily = theirs.sum(axis=0)
        quiet = _telling(view, by_reporter, group, who, last + 1, len(total), beside)
        span = Span(
            first=first,
            last=last,
            peak=int(inside[np.argmax(daily[inside])]),
            failed=failed,
            expected=expected,
            peak_failed=float(daily[inside].max()),
            who=who,
            days=len(group),
            strength=strength(view.probability[group], int(group[-1] - group[0]) + 1),
            ongoing=bool(quiet.sum() < _QUIET_DAYS) and not silent(view, last),
        )
        result.append(span)
    return result


def usual(view: Outlook, who: Bools, days: Ints) -> float:
    """Return how many failures of some reporters would have been normal on some days."""
    return float(view.rates[who] @ view.block.sessions[who][:, days].sum(axis=1))


def strength(probability: Floats, days: int) -> float:
    """Return how unlikely some days are together, as -log10 of a probability; any of `days` could have been those."""
    return float(-np.log10(np.maximum(probability, 1e-300)).sum() - log10(comb(days, len(probability))))


def silent(view: Outlook, last: int) -> bool:
    """Return whether there has been no telling report for so long since a day that it is no longer called ongoing."""
    return bool(view.block.days[-1] - view.block.days[last] > LONGEST_SILENCE)


def _groups(view: Outlook, by_reporter: Floats, out: Ints, beside: Bools) -> Iterator[Ints]:
    """Yield the days above the baseline, those together between which no day showed the fault to be gone."""
    group: list[int] = []
    for day in out:
        if group:
            gap = int(view.block.days[day] - view.block.days[group[-1]])
            parted = gap > LONGEST_SILENCE
            if not parted and gap > _QUIET_DAYS:
                so_far = np.array(group)
                who = _saw(view, by_reporter, so_far)
                quiet = _telling(view, by_reporter, so_far, who, group[-1] + 1, int(day), beside)
                parted = bool(quiet.sum() >= _QUIET_DAYS)
            if parted:
                yield np.array(group)
                group = []
        group.append(int(day))
    if group:
        yield np.array(group)


def _saw(view: Outlook, by_reporter: Floats, group: Ints) -> Bools:
    """Return which reporters saw it: those that failed more on these days than they usually do."""
    failed = by_reporter[:, group].sum(axis=1)
    usual = view.rates * view.block.sessions[:, group].sum(axis=1)
    saw: Bools = (failed > 0) & (failed > np.maximum(_TIMES * usual, usual + 3 * np.sqrt(CLUMPS * usual)))
    return saw if saw.any() else failed > 0


def _telling(
    view: Outlook, by_reporter: Floats, group: Ints, who: Bools, start: int, stop: int, beside: Bools
) -> Bools:
    """Return which days from one position up to another show the fault to be gone.

    Only the reporters that saw it can show that, and only with enough sessions: a silent day is not a good day.
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
    close, apart = some & beside, some & (view.probability <= _APART)
    days, first, last = view.block.days, int(group[0]), int(group[-1])

    def joins(edge: int, day: int) -> bool:
        return bool(abs(days[edge] - days[day]) <= _QUIET_DAYS and (close if abs(edge - day) == 1 else apart)[day])

    while (
        before := next((day for day in range(first - 1, max(first - 1 - _QUIET_DAYS, -1), -1) if joins(first, day)), -1)
    ) >= 0:
        first = before
    while (
        after := next((day for day in range(last + 1, min(last + 1 + _QUIET_DAYS, len(days))) if joins(last, day)), -1)
    ) >= 0:
        last = after
    return first, last


def _counts(view: Outlook, by_reporter: Floats, group: Ints, who: Bools, failed: float, expected: float) -> bool:
    """Return whether days above the baseline make an incident."""
    if failed < max(5.0, _TIMES * expected):
        return False
    likely = np.maximum(view.probability[group], 1e-60)
    # Where clumps occur without a fault, one may follow another.
    clumped = view.noisy and view.expected[group].mean() >= _CLUMPED
    close, alone = (_CLOSE / _STRICTER, ALONE / _STRICTER) if clumped else (_CLOSE, ALONE)
    both, out = likely[1:] * likely[:-1], likely <= _NEAR
    if (both[(np.diff(group) <= 2) & out[1:] & out[:-1]] <= close).any():
        return True
    for length in range(2, min(_TOGETHER, len(group)) + 1):
        together = np.lib.stride_tricks.sliding_window_view(likely, length).prod(axis=1)
        among = group[length - 1 :] - group[: len(group) - length + 1] + 1
        if any(
            probability * comb(days, length) <= alone
            for probability, days in zip(together, among.tolist(), strict=True)
        ):
            return True
    theirs = by_reporter[who][:, group].sum(axis=0)
    most = theirs >= MOST * view.block.sessions[who][:, group].sum(axis=0)
    return bool(((theirs >= _FEW_ALONE) & (most | (likely <= alone))).any())


@dataclass(frozen=True, slots=True)
class Extent:
    """What decides to which story a span belongs; days are numbers, both included."""

    start: int
    end: int
    policy_domain: str
    host: str
    result_type: str


def stories(spans: Sequence[Extent]) -> list[int]:
    """Return the number of the story of each span, from 1 in the order of their first days.

    Two spans belong to one story when they are about the same policy domain or the same MX host, begin at most two days
    apart and share at least half the days of the shorter. A span whose result type does not say what failed
    (``unattributed``, ``unknown``) needs only to share the days.

    Examples
    --------
    >>> stories([Extent(10, 14, "a.example", "", "sts-webpki-invalid"), Extent(11, 14, "a.example", "mx", "certificate-expired"),
    ...          Extent(30, 31, "a.example", "mx", "certificate-expired")])
    [1, 1, 2]
    """
    leader = list(range(len(spans)))

    def find(number: int) -> int:
        while leader[number] != number:
            leader[number] = leader[leader[number]]
            number = leader[number]
        return number

    members_of: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, span in enumerate(spans):
        members_of["domain", span.policy_domain].append(number)
        if span.host:
            members_of["host", span.host].append(number)
    for members in members_of.values():
        members.sort(key=lambda number: (spans[number].start, number))
        explained = [number for number in members if spans[number].result_type not in UNEXPLAINED]
        for at, first in enumerate(members):
            for second in members[at + 1 :]:
                if spans[second].start - spans[first].start > _SAME_START:
                    break
                if _overlap(spans[first], spans[second]):
                    leader[find(second)] = find(first)
            if spans[first].result_type in UNEXPLAINED:
                # To one story only: what two faults leave unexplained must not make one of them.
                best = max(explained, key=lambda number: _shared(spans[first], spans[number]), default=first)
                if find(first) == first and _overlap(spans[first], spans[best]):
                    leader[find(first)] = find(best)
    order = sorted(range(len(spans)), key=lambda number: (spans[number].start, number))
    numbers: dict[int, int] = {}
    for number in order:
        numbers.setdefault(find(number), len(numbers) + 1)
    return [numbers[find(number)] for number in range(len(spans))]


def _shared(span: Extent, other: Extent) -> int:
    """Return how many days two spans share."""
    return max(0, min(span.end, other.end) - max(span.start, other.start) + 1)


def _overlap(span: Extent, other: Extent) -> bool:
    shorter = min(span.end - span.start, other.end - other.start) + 1
    return 2 * _shared(span, other) >= shorter
