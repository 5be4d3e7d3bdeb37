"""The decision: from what was known and what is observed to what is announced, and what is known then. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from ..vocabulary import Level
from ._values import Change, Kind, Known, KnownPolicy, News, Observed, PolicySeen, Problem, State

__all__ = ["decide"]

#: The same failures within so many days are the same incident: few reports, or a weekend, may hide it in between.
_SAME: Final = timedelta(days=14)
#: What a probe does not show any more is over after so many runs without it: answers differ from try to try.
_ABSENT: Final = 2
#: A problem that is over is forgotten after so many days.
_REMEMBERED: Final = timedelta(days=60)


def decide(state: State, observed: Observed, now: datetime) -> tuple[tuple[News, ...], State]:
    """Return what is new, the most urgent first, and the state to keep for the next run.

    With the same state and the same observations again, nothing is new.

    Parameters
    ----------
    state : State
        Of the last run; `State()` before the first.
    observed : Observed
        What this run observed.
    now : datetime
        UTC.

    Examples
    --------
    >>> from datetime import UTC
    >>> day = datetime(2026, 2, 8, 6, tzinfo=UTC)
    >>> expired = Problem(kind=Kind.FINDING, level=Level.ACT_NOW, marks=("mx1",), first=day.date(), last=day.date())
    >>> news, state = decide(State(), Observed(problems=(expired,), kinds=frozenset({Kind.FINDING})), day)
    >>> [(each.change.value, each.level.value) for each in news]
    [('new', 'act now')]
    >>> decide(state, Observed(problems=(expired,), kinds=frozenset({Kind.FINDING})), day)[0]
    ()
    """
    known = list(state.known)
    matched: set[int] = set()
    news: list[News] = []
    for problem in observed.problems:
        same = [position for position, entry in enumerate(known) if _is_same(entry, problem)]
        if not same:
            if problem.ongoing:
                known.append(_first(problem, news))
                matched.add(len(known) - 1)
            continue
        # Two that were announced as two may turn out to be one: the one announced first goes on.
        position = same[0]
        matched.update(same)
        known[position] = _again(known[position], problem, news)
    known = [entry if position in matched else _absent(entry, observed, news) for position, entry in enumerate(known)]
    kept = [entry for entry in known if not entry.over or now.date() - entry.problem.last <= _REMEMBERED]
    policies = _policies(state, observed, news)
    news.sort(key=lambda each: (each.change is Change.OVER, each.level.rank))
    return tuple(news), State(known=tuple(kept), policies=policies)


def _is_same(entry: Known, problem: Problem) -> bool:
    before = entry.problem
    if before.kind is not problem.kind or not set(before.marks) & set(problem.marks):
        return False
    if problem.kind is Kind.INCIDENT:
        # One that is over may come back to light as more reports come; later ones are new.
        return problem.first - before.last <= (timedelta(days=1) if entry.over else _SAME)
    return not entry.over


def _first(problem: Problem, news: list[News]) -> Known:
    if problem.certain:
        news.append(News(change=Change.NEW, kind=problem.kind, level=problem.level, problem=problem))
    return Known(problem=problem, announced=problem.certain)


def _again(entry: Known, problem: Problem, news: list[News]) -> Known:
    before = entry.problem
    marks = tuple(dict.fromkeys((*before.marks, *problem.marks)))
    worst = min(before.level, problem.level, key=lambda level: level.rank)
    merged = replace(problem, marks=marks, first=min(before.first, problem.first), last=max(before.last, problem.last))
    if entry.over:
        return replace(entry, problem=replace(merged, level=before.level))
    if not entry.announced:
        if not problem.ongoing:
            return replace(entry, problem=merged, over=True)
        tell = problem.certain or problem.last > before.last
        if tell:
            news.append(News(change=Change.NEW, kind=problem.kind, level=problem.level, problem=merged))
        return replace(entry, problem=merged, announced=tell, absent=0)
    if not problem.ongoing:
        news.append(News(change=Change.OVER, kind=problem.kind, level=before.level, problem=merged))
        return replace(entry, problem=merged, over=True)
    # The worst level is kept, so that one that goes up and down is announced once.
    if worst.rank < before.level.rank and problem.certain:
        news.append(News(change=Change.WORSE, kind=problem.kind, level=problem.level, problem=merged))
    return replace(entry, problem=replace(merged, level=worst), absent=0)


def _absent(entry: Known, observed: Observed, news: list[News]) -> Known:
    """Return a known problem that was not observed: over, if it was looked for often enough."""
    problem = entry.problem
    if entry.over or problem.kind not in observed.kinds:
        return entry
    if problem.kind is Kind.FINDING and not set(problem.domains) <= observed.probed:
        return entry
    absent = entry.absent + 1
    if absent < (_ABSENT if problem.kind is Kind.FINDING else 1):
        return replace(entry, absent=absent)
    if entry.announced:
        news.append(News(change=Change.OVER, kind=problem.kind, level=problem.level, problem=problem))
    return replace(entry, absent=absent, over=True)


def _policies(state: State, observed: Observed, news: list[News]) -> tuple[KnownPolicy, ...]:
    known = {policy.domain: policy for policy in state.policies}
    # What was changed before the first run is no news.
    first = {policy.domain for policy in observed.policies} - known.keys()
    for seen in sorted(observed.policies, key=lambda policy: policy.day):
        before = known.get(seen.domain)
        if before is None or seen.domain in first or seen.same_as(before):
            # The id of a policy that stays the same may change as it likes.
            known[seen.domain] = _policy(seen, () if before is None else before.announced, before)
        elif _is_later(seen, before):
            same_id = bool(seen.id) and seen.id == before.id
            level = Level.ACT_SOON if same_id else Level.WATCH
            news.append(
                News(change=Change.CHANGED, kind=Kind.POLICY, level=level, policy=seen, before=before, same_id=same_id)
            )
            announced = before.announced if seen.day == before.day else ()
            known[seen.domain] = _policy(seen, (*announced, (seen.mode, seen.max_age, seen.mx)), None)
    return tuple(known[domain] for domain in sorted(known))


def _is_later(seen: PolicySeen, before: KnownPolicy) -> bool:
    own = (seen.mode, seen.max_age, seen.mx)
    # A probe, which alone knows the id, sees the present; reports may show again what was announced already.
    return (
        bool(seen.id)
        or seen.day > before.day
        or (seen.day == before.day and bool(before.announced) and own not in before.announced)
    )


def _policy(
    seen: PolicySeen, announced: Sequence[tuple[str, int | None, tuple[str, ...]]], before: KnownPolicy | None
) -> KnownPolicy:
    return KnownPolicy(
        domain=seen.domain,
        day=seen.day if before is None else max(seen.day, before.day),
        mode=seen.mode,
        max_age=seen.max_age,
        mx=seen.mx,
        id=seen.id or (before.id if before else ""),
        announced=tuple(announced),
    )
