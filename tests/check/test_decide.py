"""The decision: each thing is told once, ends when it is known to be over, and missing evidence ends nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.check import Change, Kind, News, Observed, PolicySeen, Problem, State, decide
from mtasts_nb.vocabulary import Level

DAY = date(2026, 9, 1)
ALL = frozenset(Kind)
INCIDENT = Problem(
    kind=Kind.INCIDENT, level=Level.ACT_SOON, marks=("a|sts|mx1|certificate-expired",), domains=("nordwind.example",),
    codes=("certificate-expired",), first=DAY, last=DAY,
)  # fmt: skip
FINDING = replace(INCIDENT, kind=Kind.FINDING, marks=("nordwind.example|mx-certificate-expires-soon|mx1",))


def observed(*problems: Problem, kinds: frozenset[Kind] = ALL, probed: bool = True) -> Observed:
    return Observed(problems=problems, kinds=kinds, probed=frozenset({"nordwind.example"} if probed else ()))


def runs(*each: Observed, state: State | None = None) -> list[list[Change]]:
    """Return what is told on consecutive days."""
    state, told = state or State(), []
    for number, one in enumerate(each):
        news, state = decide(state, one, datetime(2026, 9, 2, 6, tzinfo=UTC) + timedelta(days=number))
        told.append([item.change for item in news])
    return told


def later(days: int, **changes: object) -> Problem:
    return replace(INCIDENT, last=DAY + timedelta(days=days), **changes)


NONE = observed()
CASES = {
    "told once": ([observed(INCIDENT), observed(later(1)), observed(later(2))], [[Change.NEW], [], []]),
    "over when known to be": (
        [observed(INCIDENT), observed(later(1, ongoing=False)), observed(later(1, ongoing=False)), NONE],
        [[Change.NEW], [Change.OVER], [], []],
    ),
    "over before the first run": ([observed(later(0, ongoing=False)), NONE], [[], []]),
    "its start moves as reports come": (
        [observed(INCIDENT), observed(later(1, first=DAY - timedelta(days=3)))],
        [[Change.NEW], []],
    ),
    "another result type joins it": (
        [observed(INCIDENT), observed(later(1, marks=(*INCIDENT.marks, "b"))), observed(later(2, marks=("b",)))],
        [[Change.NEW], [], []],
    ),
    "a new one after the end": (
        [observed(INCIDENT), observed(later(0, ongoing=False)), observed(later(9, first=DAY + timedelta(days=8)))],
        [[Change.NEW], [Change.OVER], [Change.NEW]],
    ),
    "one at another host is another": (
        [observed(INCIDENT), observed(later(1), later(1, marks=("c",)))],
        [[Change.NEW], [Change.NEW]],
    ),
    "worse once": (
        [observed(INCIDENT), *(observed(later(n, level=level)) for n, level in enumerate((Level.ACT_NOW, Level.ACT_SOON, Level.ACT_NOW)))],
        [[Change.NEW], [Change.WORSE], [], []],
    ),
    "uncertain: told if another day shows it": (
        [observed(later(0, certain=False)), observed(later(0, certain=False)), observed(later(1, certain=False))],
        [[], [], [Change.NEW]],
    ),
    "uncertain and over: never told": (
        [observed(later(0, certain=False)), observed(later(0, certain=False, ongoing=False)), NONE],
        [[], [], []],
    ),
    "no reports read: nothing is over": (
        [observed(INCIDENT), observed(kinds=frozenset({Kind.FINDING})), observed(later(1))],
        [[Change.NEW], [], []],
    ),
    "a finding is over after two probes without it": (
        [observed(FINDING), NONE, NONE, NONE],
        [[Change.NEW], [], [Change.OVER], []],
    ),
    "a finding that flaps is told once": ([observed(FINDING), NONE, observed(FINDING), NONE], [[Change.NEW], [], [], []]),
    "a finding again after its end": (
        [observed(FINDING), NONE, NONE, observed(FINDING)],
        [[Change.NEW], [], [Change.OVER], [Change.NEW]],
    ),
    "a probe that observed a part only ends nothing": (
        [observed(FINDING), *[observed(probed=False)] * 3],
        [[Change.NEW], [], [], []],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("each", "told"), CASES.values(), ids=CASES)
def test_what_is_told_day_by_day(each, told) -> None:
    assert runs(*each) == told


def policy(day: int, mode: str, *, id: str = "", mx: tuple[str, ...] = ("mx1",)) -> PolicySeen:  # noqa: A002
    return PolicySeen(domain="nordwind.example", day=DAY + timedelta(days=day), mode=mode, max_age=86400, mx=mx, id=id)


def policies(*each: tuple[PolicySeen, ...]) -> list[list[tuple[str, bool]]]:
    state, told = State(), []
    for seen in each:
        news, state = decide(state, Observed(policies=seen), datetime(2026, 9, 2, tzinfo=UTC))
        told.append([(item.policy.mode, item.same_id) for item in news if item.policy])
    return told


TESTING, ENFORCE = policy(0, "testing"), policy(3, "enforce")
POLICIES = {
    "history before the first run": ([(TESTING, ENFORCE)], [[]]),
    "by reports, once": ([(TESTING,), (TESTING, ENFORCE), (TESTING, ENFORCE)], [[], [("enforce", False)], []]),
    "there and back on one day": (
        [(TESTING,), (TESTING, ENFORCE, policy(3, "testing")), (TESTING, ENFORCE, policy(3, "testing"))],
        [[], [("enforce", False), ("testing", False)], []],
    ),
    "by a probe, and then by reports": (
        [(policy(0, "testing", id="1"),), (policy(4, "enforce", id="2"),), (TESTING, policy(4, "enforce"))],
        [[], [("enforce", False)], []],
    ),
    "under the same id (RFC 8461 §8.1)": (
        [(policy(0, "testing", id="1"),), (policy(1, "enforce", id="1"),)],
        [[], [("enforce", True)]],
    ),
    "twice in a day, by probes": (
        [(policy(0, "testing", id="1"),), (policy(0, "enforce", id="2"),), (policy(0, "testing", id="3"),)],
        [[], [("enforce", False)], [("testing", False)]],
    ),
    "another MX": ([(TESTING,), (policy(1, "testing", mx=("mx1", "mx2")),)], [[], [("testing", False)]]),
    "a new id alone is no change": ([(policy(0, "testing", id="1"),), (policy(1, "testing", id="2"),)], [[], []]),
}


@pytest.mark.parametrize(("each", "told"), POLICIES.values(), ids=POLICIES)
def test_policies(each, told) -> None:
    assert policies(*each) == told


def test_the_most_urgent_first_and_the_ends_last() -> None:
    watch = replace(INCIDENT, marks=("w",), level=Level.WATCH)
    _, state = decide(State(), observed(INCIDENT), datetime(2026, 9, 2, tzinfo=UTC))
    urgent = replace(INCIDENT, marks=("u",), level=Level.ACT_NOW)
    news, _ = decide(state, observed(watch, urgent, later(0, ongoing=False)), datetime(2026, 9, 3, tzinfo=UTC))
    assert [(each.change, each.level) for each in news] == [
        (Change.NEW, Level.ACT_NOW), (Change.NEW, Level.WATCH), (Change.OVER, Level.ACT_SOON),
    ]  # fmt: skip


def test_what_is_over_is_forgotten_in_time() -> None:
    state = State()
    for number in (0, 1, 200):
        one = observed(later(0, ongoing=number == 0)) if number < 2 else NONE
        _, state = decide(state, one, datetime(2026, 9, 2, tzinfo=UTC) + timedelta(days=number))
        assert len(state.known) == int(number < 200)


PROBLEMS = st.builds(
    lambda mark, kind, level, start, length, ongoing, certain: Problem(
        kind=kind, level=level, marks=(mark,), domains=("nordwind.example",), first=DAY + timedelta(days=start),
        last=DAY + timedelta(days=start + length), ongoing=ongoing, certain=certain,
    ),
    st.sampled_from("abc"), st.sampled_from([Kind.INCIDENT, Kind.FINDING, Kind.SILENT_REPORTER]),
    st.sampled_from([Level.ACT_NOW, Level.ACT_SOON, Level.WATCH]),
    st.integers(0, 40), st.integers(0, 9), st.booleans(), st.booleans(),
)  # fmt: skip


@given(st.lists(st.lists(PROBLEMS, max_size=4, unique_by=lambda problem: (problem.kind, problem.marks)), max_size=6))
def test_ends_are_of_what_was_told_and_a_run_again_is_silent(days) -> None:
    state, open_news = State(), 0
    for number, problems in enumerate(days):
        now = datetime(2026, 9, 2, tzinfo=UTC) + timedelta(days=number)
        news: tuple[News, ...]
        news, state = decide(state, observed(*problems), now)
        open_news += sum(each.change is Change.NEW for each in news) - sum(each.change is Change.OVER for each in news)
        assert open_news == len(state.open)
        assert len({(entry.problem.kind, entry.problem.marks) for entry in state.known if not entry.over}) == sum(
            not entry.over for entry in state.known
        )
        again, _ = decide(state, observed(*problems), now)
        assert [each for each in again if each.change is not Change.OVER] == []
