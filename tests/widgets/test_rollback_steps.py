"""The state behind the planner: what may follow what, and what a wrong field says. No widget, no kernel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.widgets._rollback_planner import FIELDS, Rollback, Stage, length_of

NOW = datetime(2026, 2, 8, 18, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=25)
POLICY = "version: STSv1\nmode: enforce\nmx: mx1.nordwind.example\nmax_age: 604800\n"
GIVEN = {"policy": POLICY, "record": "v=STSv1; id=1;", "ttl": "1 h", "domain": "nordwind.example"}


def planned(**more: str) -> Rollback:
    return Rollback(given={**GIVEN, **more}).make(NOW)


def test_the_way_through() -> None:  # RFC 8461 §8.1: file, then record
    state = planned()
    assert (state.stage, state.problem) == (Stage.PLANNED, "")
    state = state.file_published(NOW)
    assert (state.stage, state.file_at) == (Stage.FILE_PUBLISHED, NOW)
    state = state.record_published(LATER)
    assert (state.stage, state.record_at, state.problem) == (Stage.RECORD_PUBLISHED, LATER, "")


def test_the_record_is_not_published_before_the_file() -> None:  # RFC 8461 §8.1
    state = planned().record_published(NOW)
    assert state.stage is Stage.PLANNED
    assert state.problem.startswith("First publish the policy file")


def test_the_texts_that_were_published_stay_and_the_forecast_counts_from_the_record() -> None:
    before = planned()
    after = before.file_published(NOW).record_published(LATER)
    assert before.plan is not None
    assert after.plan is not None
    assert (after.plan.policy, after.plan.record) == (before.plan.policy, before.plan.record)
    assert after.plan.forecast.published == LATER


@pytest.mark.parametrize("stage", list(Stage))
def test_each_button_in_each_stage_goes_on_or_says_why_not(stage: Stage) -> None:
    state = {
        Stage.EDITING: Rollback(),
        Stage.PLANNED: planned(),
        Stage.FILE_PUBLISHED: planned().file_published(NOW),
        Stage.RECORD_PUBLISHED: planned().file_published(NOW).record_published(LATER),
    }[stage]
    assert state.stage is stage
    for after in (state.file_published(LATER), state.record_published(LATER)):
        assert (after.stage is not stage) != bool(after.problem)
    assert state.start_over().stage is Stage.EDITING
    assert state.start_over().given == state.given


def test_another_text_drops_the_plan_and_the_same_text_does_not() -> None:
    state = planned()
    assert state.edit("ttl", "1 h") is state
    assert state.edit("ttl", "2 h").plan is None
    assert state.edit("ttl", "2 h").stage is Stage.EDITING


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("policy", "", "The policy file is missing"),
        ("policy", "<html>", "policy"),
        ("policy", "version: STSv1\nmode: none\nmax_age: 86400\n", "nothing to roll back"),
        ("ttl", "", "The TTL of the record is missing"),
        ("ttl", "soon", "TTL of the record: 'soon' is not a length of time"),
        ("previous_max_age", "-3", "Earlier max_age: '-3' is not a length of time"),
        ("previous_max_age", "9999999999", "previous_max_age is"),
        ("blocked_since", "yesterday", "yesterday"),
        ("domain", "not a domain", "expected a domain name"),
    ],
)
def test_what_is_wrong_is_said(field: str, text: str, words: str) -> None:
    state = planned(**{field: text})
    assert state.stage is Stage.EDITING
    assert state.plan is None
    assert words in state.problem


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3600", 3600),
        ("1 h", 3600),
        ("2d", 172_800),
        ("1 week", 604_800),
        ("30 days", 2_592_000),
        ("90 min", 5400),
        ("5m", 300),
    ],
)
def test_lengths_as_people_write_them(text: str, seconds: int) -> None:
    length = length_of(text)
    assert length is not None
    assert length.total_seconds() == seconds


@pytest.mark.parametrize(
    ("record", "taken"),
    [
        ('"v=STSv1; id=20260208180000;"', True),
        ('"v=STSv1; " "id=20260208180000;"', True),
        ("v=STSv1; id=7;", False),
    ],
)
def test_a_record_as_dig_prints_it(record: str, taken: bool) -> None:
    plan = planned(record=record).plan
    assert plan is not None
    assert plan.record == f"v=STSv1; id=2026020818000{int(taken)};"
    assert not any("does not count" in note for note in plan.notes)


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.text(max_size=200)))
def test_whatever_is_typed_there_is_a_state(texts: dict[str, str]) -> None:
    state = Rollback(given=GIVEN)
    for name, text in texts.items():
        state = state.edit(name, text)
    state = state.make(NOW)
    assert (state.plan is None) == bool(state.problem)
