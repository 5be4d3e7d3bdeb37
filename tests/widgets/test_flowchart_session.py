"""The state behind `DiagnosticFlowchart`: every move leaves a sentence, what cannot be done changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtasts_nb import diagnosis
from mtasts_nb.diagnosis import Walk, WalkEvidence
from mtasts_nb.widgets._flowchart_session import FlowchartSession

from .conftest import HOSTILE

TLSA = WalkEvidence(
    result_type="tlsa-invalid",
    reported="10,286 failed sessions at mx1.suedwind.example",
    causes={"dane-tlsa-mismatch": "3 1 1 does not match"},
    observed={"tlsa": "TLSA records came"},
    domain="suedwind.example",
    mx="mx1.suedwind.example",
)


def test_what_the_evidence_settles_is_said_at_the_beginning() -> None:
    session = FlowchartSession(Walk("report", TLSA))
    assert session.walk.cause is not None
    count = len(session.walk.steps)
    title = session.walk.cause.title
    assert session.message == f"The evidence answered the next {count} questions. The walk ends here: {title}."


def test_every_move_leaves_a_sentence() -> None:
    session = FlowchartSession(Walk("deferred"))
    session.answer("yes")
    assert session.message.startswith("You answered yes. Current question: ")
    session.answer("cannot tell")
    assert session.message.startswith("You answered cannot tell. ")
    session.back()
    assert session.message.startswith("Back. Current question: ")
    session.jump("dane-tlsa-mismatch")
    assert session.message.startswith("Jumped. The walk ends here: ")
    session.restart("report")
    assert session.message.startswith("From the beginning. ")
    assert session.walk.start == "report"
    assert not session.problem


def test_what_the_evidence_answered_is_counted_from_where_the_move_began() -> None:
    session = FlowchartSession(Walk("report", TLSA))
    steps = len(session.walk.steps)
    session.restart()
    assert session.message.startswith(f"From the beginning. The evidence answered the next {steps} questions. ")
    session.overrule(steps - 2, "yes")
    assert "The evidence answered the next question. " in session.message
    session.back()
    assert "The evidence answered" not in session.message


@pytest.mark.parametrize(
    ("move", "said"),
    [
        (lambda session: session.answer("perhaps"), "perhaps"),
        (lambda session: session.jump("nowhere"), "nowhere"),
        (lambda session: session.restart("nowhere"), "nowhere"),
        (lambda session: session.go_on(), "has not ended at a cause"),
        (lambda session: session.back(), "This is the beginning."),
    ],
    ids=["answer", "jump", "restart", "go on", "back"],
)
def test_what_cannot_be_done_says_why_and_changes_nothing(move, said: str) -> None:
    session = FlowchartSession(Walk("deferred"))
    before = session.walk.to_json()
    move(session)
    assert session.problem
    assert said in session.message
    assert session.walk.to_json() == before


def test_an_answer_at_a_cause_says_that_there_is_no_question() -> None:
    session = FlowchartSession(Walk("report", TLSA))
    session.answer("yes")
    assert session.problem
    assert "no question to answer" in session.message


def test_an_answer_of_the_evidence_can_be_overruled_from_the_list() -> None:
    session = FlowchartSession(Walk("report", TLSA))
    numbers = [number for _, number in session.answered]
    assert numbers == list(reversed(range(len(session.walk.steps)))), "the last first"
    session.overrule(numbers[0], "cannot tell")
    overruled = [step for step in session.walk.steps if step.overruled]
    assert len(overruled) == 1
    assert f"Your answer at step {numbers[0] + 1} is now cannot tell." in session.message
    assert any(line.endswith("cannot tell, by you") for line, _ in session.answered)


def test_the_commands_are_there_at_the_end_with_names_filled_in() -> None:
    assert FlowchartSession(Walk("deferred")).commands == ""
    commands = FlowchartSession(Walk("report", TLSA)).commands
    assert "mx1.suedwind.example" in commands
    assert all(line.strip() for line in commands.splitlines())


def test_every_position_can_be_jumped_to() -> None:
    session = FlowchartSession(Walk("deferred"))
    chart = session.walk.chart
    assert {position for _, position in session.positions} == {*chart.nodes, *chart.leaves}
    lines = [line for line, _ in session.positions]
    assert len(lines) == len(set(lines)), "a list control knows an option by its line"
    for _, position in session.positions:
        session.jump(position)
        assert session.walk.position == position


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
@given(moves=MOVES, whole=st.booleans(), start=st.sampled_from(["deferred", "report"]))
def test_whatever_the_moves_there_is_a_sentence_a_picture_and_a_page(moves, whole: bool, start: str) -> None:
    session = FlowchartSession(Walk(start, TLSA))
    session.whole = whole
    for name, *arguments in moves:
        if name == "overrule" and arguments[0] not in [number for _, number in session.answered]:
            continue
        getattr(session, name)(*arguments)
        assert session.message
    assert session.picture().svg.startswith("<svg")
    assert (session.walk.cause is None) != (session.walk.node is None)
    assert json.loads(json.dumps(session.walk.to_json()))["position"] == session.walk.position


def test_exported_as_html_and_json(tmp_path: Path) -> None:
    session = FlowchartSession(Walk("report", TLSA))
    html, data = session.export(f" {tmp_path / 'diagnosis.html'} ")
    assert (html.name, data.name) == ("diagnosis.html", "diagnosis.json")
    written = json.loads(data.read_text(encoding="utf-8"))
    assert written["cause"]["code"] == "dane-tlsa-mismatch"
    assert [step["by"] for step in written["steps"]] == ["evidence"] * len(session.walk.steps)
    page = html.read_text(encoding="utf-8")
    for step in session.walk.steps:
        assert step.observation in page
    assert "Diagnosis of suedwind.example" in page
    assert "default-src 'none'" in page
    assert "<script" not in page
    again = session.export(str(tmp_path / "diagnosis"))
    assert [file.name for file in again] == ["diagnosis-2.html", "diagnosis-2.json"], "no file is replaced"


def test_an_export_without_a_name_is_named_after_the_domain_in_safe_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for domain, name in (
        ("suedwind.example", "diagnosis-suedwind.example.html"),
        ("../../etc/x", "diagnosis-....etcx.html"),
        ("", "diagnosis.html"),
    ):
        page, _ = FlowchartSession(Walk("report", replace(TLSA, domain=domain))).export()
        assert (page.name, page.resolve().parent) == (name, tmp_path)


def test_only_moves_that_can_be_made_are_offered() -> None:
    session = FlowchartSession(Walk("deferred"))
    assert session.moves == {"answer"}
    session.answer("yes")
    assert session.moves == {"answer", "back", "overrule"}
    assert FlowchartSession(Walk("report", TLSA)).moves == {"back", "go_on", "overrule"}


def test_hostile_evidence_is_text_everywhere(tmp_path: Path) -> None:
    evidence = replace(
        TLSA,
        causes={"dane-tlsa-mismatch": HOSTILE},
        observed={"tlsa": HOSTILE},
        reported=HOSTILE,
        domain=HOSTILE,
        mx=HOSTILE,
    )
    session = FlowchartSession(Walk("report", evidence))
    for html in (session.page(), session.picture().svg, session.walk._repr_html_()):
        assert "<script" not in html
        assert "<img src=x" not in html
        assert "\u202e" not in html
    assert "\u202e" not in session.message + session.commands
    assert "alert(1)" not in session.commands, "a name that is none is not put into a command"
