"""The talk behind `DiagnosticFlowchart`: every move leaves a sentence, what cannot be done changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtasts_nb import diagnosis
from mtasts_nb.diagnosis import Clues, Walk
from mtasts_nb.widgets._consultation import Consultation, View

from .conftest import HOSTILE

TLSA = Clues(
    result_type="tlsa-invalid",
    reported="10,286 failed sessions at mx1.suedwind.example",
    found={"dane-tlsa-mismatch": "3 1 1 does not match"},
    observed={"tlsa": "TLSA records came"},
    domain="suedwind.example",
    mx="mx1.suedwind.example",
)


def test_what_the_evidence_settles_is_said_at_the_beginning() -> None:
    talk = Consultation(Walk("report", TLSA))
    assert talk.walk.cause is not None
    count = len(talk.walk.steps)
    title = talk.walk.cause.title
    assert talk.message == f"The evidence answered the next {count} questions. This is the end of the way: {title}."


def test_every_move_leaves_a_sentence() -> None:
    talk = Consultation(Walk("held"))
    talk.answer("yes")
    assert talk.message.startswith("You answered yes. The question now: ")
    talk.answer("cannot tell")
    assert talk.message.startswith("You answered cannot tell. ")
    talk.back()
    assert talk.message.startswith("Back. The question now: ")
    talk.jump("dane-tlsa-mismatch")
    assert talk.message.startswith("Jumped. This is the end of the way: ")
    talk.restart("report")
    assert talk.message.startswith("From the beginning. ")
    assert talk.walk.start == "report"
    assert not talk.problem


def test_what_the_evidence_answered_is_counted_from_where_the_move_began() -> None:
    talk = Consultation(Walk("report", TLSA))
    steps = len(talk.walk.steps)
    talk.restart()
    assert talk.message.startswith(f"From the beginning. The evidence answered the next {steps} questions. ")
    talk.overrule(steps - 2, "yes")
    assert "The evidence answered the next question. " in talk.message
    talk.back()
    assert "The evidence answered" not in talk.message


@pytest.mark.parametrize(
    ("move", "said"),
    [
        (lambda talk: talk.answer("perhaps"), "perhaps"),
        (lambda talk: talk.jump("nowhere"), "nowhere"),
        (lambda talk: talk.restart("nowhere"), "nowhere"),
        (lambda talk: talk.go_on(), "has not ended at a cause"),
        (lambda talk: talk.back(), "This is the beginning."),
    ],
    ids=["answer", "jump", "restart", "go on", "back"],
)
def test_what_cannot_be_done_says_why_and_changes_nothing(move, said: str) -> None:
    talk = Consultation(Walk("held"))
    before = talk.walk.to_json()
    move(talk)
    assert talk.problem
    assert said in talk.message
    assert talk.walk.to_json() == before


def test_an_answer_at_a_cause_says_that_there_is_no_question() -> None:
    talk = Consultation(Walk("report", TLSA))
    talk.answer("yes")
    assert talk.problem
    assert "no question to answer" in talk.message


def test_an_answer_of_the_evidence_can_be_overruled_from_the_list() -> None:
    talk = Consultation(Walk("report", TLSA))
    numbers = [number for _, number in talk.passed]
    assert numbers == list(reversed(range(len(talk.walk.steps)))), "the last first"
    talk.overrule(numbers[0], "cannot tell")
    overruled = [step for step in talk.walk.steps if step.overruled]
    assert len(overruled) == 1
    assert f"Step {numbers[0] + 1} is now answered cannot tell, by you." in talk.message
    assert any(line.endswith("cannot tell, by you") for line, _ in talk.passed)


def test_the_commands_are_there_at_the_end_with_names_filled_in() -> None:
    assert Consultation(Walk("held")).commands == ""
    commands = Consultation(Walk("report", TLSA)).commands
    assert "mx1.suedwind.example" in commands
    assert all(line.strip() for line in commands.splitlines())


def test_every_place_can_be_jumped_to() -> None:
    talk = Consultation(Walk("held"))
    chart = talk.walk.chart
    assert {place for _, place in talk.places} == {*chart.nodes, *chart.leaves}
    lines = [line for line, _ in talk.places]
    assert len(lines) == len(set(lines)), "a list control knows an option by its line"
    for _, place in talk.places:
        talk.jump(place)
        assert talk.walk.place == place


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("answer"), st.sampled_from(["yes", "no", "cannot tell"])),
        st.tuples(st.sampled_from(["back", "go_on", "restart"])),
        st.tuples(st.just("jump"), st.sampled_from([*diagnosis.flowchart().nodes, *diagnosis.flowchart().leaves])),
        st.tuples(st.just("overrule"), st.integers(0, 60), st.sampled_from(["yes", "no", "cannot tell"])),
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(moves=MOVES, view=st.sampled_from(list(View)), start=st.sampled_from(["held", "report"]))
def test_whatever_the_moves_there_is_a_sentence_a_picture_and_a_page(moves, view: View, start: str) -> None:
    talk = Consultation(Walk(start, TLSA))
    talk.view = view
    for name, *arguments in moves:
        if name == "overrule" and arguments[0] not in [number for _, number in talk.passed]:
            continue
        getattr(talk, name)(*arguments)
        assert talk.message
    assert talk.picture().svg.startswith("<svg")
    assert (talk.walk.cause is None) != (talk.walk.node is None)
    assert json.loads(json.dumps(talk.walk.to_json()))["place"] == talk.walk.place


def test_exported_as_html_and_json(tmp_path: Path) -> None:
    talk = Consultation(Walk("report", TLSA))
    html, data = talk.export(f" {tmp_path / 'diagnosis.html'} ")
    assert (html.name, data.name) == ("diagnosis.html", "diagnosis.json")
    assert str(html) in talk.message
    written = json.loads(data.read_text(encoding="utf-8"))
    assert written["cause"]["code"] == "dane-tlsa-mismatch"
    assert [step["by"] for step in written["steps"]] == ["evidence"] * len(talk.walk.steps)
    page = html.read_text(encoding="utf-8")
    for step in talk.walk.steps:
        assert step.evidence in page
    assert "Diagnosis of suedwind.example" in page
    assert "default-src 'none'" in page
    assert "<script" not in page
    with pytest.raises(ValueError, match="is there already"):
        talk.export(str(tmp_path / "diagnosis"))
    talk.export(str(tmp_path / "diagnosis"), replace=True)
    with pytest.raises(ValueError, match="a name"):
        talk.export(" .json".strip())


def test_hostile_evidence_is_text_everywhere(tmp_path: Path) -> None:
    clues = replace(
        TLSA,
        found={"dane-tlsa-mismatch": HOSTILE},
        observed={"tlsa": HOSTILE},
        reported=HOSTILE,
        domain=HOSTILE,
        mx=HOSTILE,
    )
    talk = Consultation(Walk("report", clues))
    for html in (talk.page(), talk.picture().svg, talk.walk.to_html(), talk.walk.end_html()):
        assert "<script" not in html
        assert "<img src=x" not in html
        assert "\u202e" not in html
    assert "\u202e" not in talk.message + talk.commands
    assert "alert(1)" not in talk.commands, "a name that is none is not put into a command"
