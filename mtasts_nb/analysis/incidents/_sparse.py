"""What shows on no single day: a sender of a few sessions that always fails, an MX outside the policy now and then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log10

import numpy as np

from ._baseline import CLUMPS, Bools, Floats, tail
from ._blocks import Ints
from ._outliers import FEWEST, MOST, Outlook
from ._spans import ALONE, LONGEST_SILENCE, Span, silent, spans, strength, usual

__all__ = ["every_span"]

#: A fault is gone when so many sessions would have failed, one after the other, and none did; without a fix that has a probability of 0.2 %.
_GONE = 6.0
#: Bad days without which a sender does not always fail, and a host is not outside the policy for long.
_ALWAYS, _OUTSIDE = 3, 2


def every_span(view: Outlook) -> Iterator[Span]:
    """Yield the spans of one kind of failure; those that no single day shows are on days that are in no other."""
    named = spans(view)
    yield from named
    if not view.sparse:
        return
    free = np.ones(len(view.block.days), bool)
    for span in named:
        free[span.first : span.last + 1] = False
    failed, outside = view.failed(), view.outside() * free
    for group, who in _stretches(outside, view, np.flatnonzero(outside.any(axis=0)), free):
        if len(group) >= _OUTSIDE and outside[:, group].sum() >= FEWEST:
            span = _span(view, failed, group, who, 0.0)
            free[span.first : span.last + 1] = False
            yield span
    yield from _together(view, failed, list(_always(view, failed, free)))


def _always(view: Outlook, failed: Floats, free: Bools) -> Iterator[tuple[Ints, Bools, float]]:
    """Yield the days on which one reporter's sessions mostly failed, with the reporter and how unlikely they are."""
    sessions = view.block.sessions
    bad = free & (failed > 0) & (failed >= MOST * sessions)
    for reporter in np.flatnonzero((bad.sum(axis=1) >= _ALWAYS) & (failed.sum(axis=1) >= FEWEST)):
        alone = np.zeros(len(sessions), bool)
        alone[reporter] = True
        for group, who in _stretches(failed * alone[:, None], view, np.flatnonzero(bad[reporter]), free):
            counts, exposed = failed[reporter, group], sessions[reporter, group]
            if len(group) < _ALWAYS or counts.sum() < FEWEST:
                continue
            days = int((sessions[reporter, group[0] : group[-1] + 1] > 0).sum())
            likely = tail(counts, np.maximum(view.rates[reporter] * exposed, 1e-12), np.full(len(group), CLUMPS))
            # Any reporter could have been the one.
            unlikely = strength(likely, days) - log10(len(sessions))
            if unlikely >= -log10(ALONE):
                yield group, who, unlikely


def _stretches(failed: Floats, view: Outlook, bad: Ints, free: Bools) -> Iterator[tuple[Ints, Bools]]:
    """Yield the bad days between which nothing shows the fault to be gone, with the reporters that saw it."""
    group: list[int] = []
    for day in bad:
        if group:
            gap = view.block.days[day] - view.block.days[group[-1]]
            if gap > LONGEST_SILENCE or not free[group[-1] : day].all() or _gone(view, failed, group, int(day)):
                yield np.array(group), failed[:, group].sum(axis=1) > 0
                group = []
        group.append(int(day))
    if group:
        yield np.array(group), failed[:, group].sum(axis=1) > 0


def _gone(view: Outlook, failed: Floats, group: Sequence[int] | Ints, stop: int) -> bool:
    """Return whether so many sessions between the last of the bad days and another day show the fault to be gone."""
    first, last = int(group[0]), int(group[-1])
    who = failed[:, group].sum(axis=1) > 0
    sessions = view.block.sessions[who]
    rate = failed[who][:, group].sum(axis=1) / np.maximum(sessions[:, first : last + 1].sum(axis=1), 1.0)
    return bool(rate @ sessions[:, last + 1 : stop].sum(axis=1) >= _GONE)


def _together(view: Outlook, failed: Floats, stretches: list[tuple[Ints, Bools, float]]) -> Iterator[Span]:
    """Yield one span for the reporters that always failed on common days."""
    stretches.sort(key=lambda each: int(each[0][0]))
    while stretches:
        group, who, unlikely = stretches.pop(0)
        while stretches and stretches[0][0][0] <= group[-1]:
            more, others, too = stretches.pop(0)
            group, who, unlikely = np.union1d(group, more), who | others, unlikely + too
        yield _span(view, failed, group, who, unlikely)


def _span(view: Outlook, failed: Floats, group: Ints, who: Bools, unlikely: float) -> Span:
    first, last = int(group[0]), int(group[-1])
    theirs = failed * who[:, None]
    inside = np.arange(first, last + 1)
    each = theirs[:, inside].sum(axis=0)
    return Span(
        first=first,
        last=last,
        peak=int(inside[np.argmax(each)]),
        failed=float(each.sum()),
        expected=usual(view, who, inside),
        peak_failed=float(each.max()),
        who=who,
        days=len(group),
        strength=unlikely,
        ongoing=not silent(view, last) and not _gone(view, theirs, group, theirs.shape[1]),
    )
