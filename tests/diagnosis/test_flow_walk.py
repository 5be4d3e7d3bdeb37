"""A walk: what the evidence answers is marked as such; a person can answer, overrule, go back, jump."""

from __future__ import annotations

import contextlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.diagnosis import Answer, Walk, WalkEvidence, flowchart
from mtasts_nb.knowledge import causes

CHART = flowchart()
ALL = {
    need: f"{need} seen"
    for need in (
        "record", "policy-host", "policy-file", "mx", "mx-coverage", "smtp", "tlsa", "reporting", "reports", "before",
    )
}  # fmt: skip


def test_without_evidence_every_question_is_asked():
    walk = Walk("deferred")
    assert walk.steps == ()
    assert walk.position == CHART.starts["deferred"]
    walk.answer("yes")
    assert [(step.by, step.answer) for step in walk.steps] == [("you", Answer.YES)]


def test_evidence_leads_to_the_cause_and_says_so():
    walk = Walk("deferred", WalkEvidence(causes={"mx-certificate-expired": "mx1: until 2026-01-01"}, observed=ALL))
    assert walk.cause.code == "mx-certificate-expired"
    assert {step.by for step in walk.steps} == {"evidence"}
    assert walk.observation() == "mx1: until 2026-01-01"
    assert walk.steps[-1].observation == "mx1: until 2026-01-01"
    assert walk.steps[0].observation == "mx seen"


def test_evidence_can_be_overruled_and_what_it_said_stays_visible():
    walk = Walk("deferred", WalkEvidence(causes={"mx-certificate-expired": "seen"}, observed=ALL))
    walk.overrule("mx-certificate", "yes")
    overruled = next(step for step in walk.steps if step.position == "mx-certificate")
    assert overruled.overruled
    assert (overruled.answer, overruled.evidence_answer, overruled.by) == (Answer.YES, Answer.NO, "you")
    assert walk.cause.code == "no-fault-seen"
    walk.back()
    assert walk.position == "mx-certificate"
    assert walk.evidence_answer() is Answer.NO
    walk.advance()
    assert walk.cause.code == "mx-certificate-expired"


def test_a_question_not_passed_cannot_be_overruled():
    with pytest.raises(ValueError, match="has not passed"):
        Walk("deferred").overrule("mx-certificate", "yes")


def test_back_goes_to_the_last_answer_given_by_hand():
    walk = Walk("deferred", WalkEvidence(observed={"mx": "seen"}))
    first = walk.position
    walk.answer("no")
    assert walk.cause.code == "mx-not-in-policy"
    walk.back()
    assert walk.position == first == "covered"
    walk.answer("yes")
    assert walk.position == "port-25-answers"


def test_back_at_the_beginning_stays_there():
    walk = Walk("deferred")
    walk.back()
    assert walk.position == CHART.starts["deferred"]


def test_restart_forgets_what_was_answered_by_hand():
    walk = Walk("deferred")
    walk.answer("no")
    walk.restart()
    assert walk.steps == ()
    walk.restart("report")
    assert walk.position == CHART.starts["report"]
    with pytest.raises(ValueError, match="no start 'x'"):
        walk.restart("x")


def test_a_jump_asks_even_what_evidence_settles():
    walk = Walk("deferred", WalkEvidence(observed=ALL))
    walk.jump("host-address")
    assert walk.node.id == "host-address"
    assert walk.evidence_answer() is Answer.YES
    assert walk.steps[-1].by == "jump"
    walk.answer("no")
    assert walk.position == "host-answered" or walk.cause is not None
    with pytest.raises(ValueError, match="has no 'x'"):
        walk.jump("x")


def test_one_cause_after_another():
    causes = {"mx-certificate-expired": "a", "mx-certificate-name": "b", "policy-http-not-found": "c"}
    walk = Walk("deferred", WalkEvidence(causes=causes, observed=ALL))
    seen = []
    while walk.cause.code != "no-fault-seen":
        seen.append(walk.cause.code)
        walk.go_on()
    assert seen == ["mx-certificate-expired", "mx-certificate-name", "policy-http-not-found"]
    assert walk.fixed == set(causes)
    with pytest.raises(ValueError, match="nothing after"):
        walk.go_on()


def test_going_on_before_a_cause_is_refused():
    with pytest.raises(ValueError, match="answer the question"):
        Walk("deferred").go_on()


def test_an_answer_at_a_cause_is_refused():
    walk = Walk("deferred", WalkEvidence(observed=ALL))
    with pytest.raises(ValueError, match="no question"):
        walk.answer("yes")
    with pytest.raises(ValueError, match="maybe"):
        Walk("deferred").answer("maybe")


@pytest.mark.parametrize(
    ("result_type", "asked"),
    [
        ("sts-webpki-invalid", "host-certificate"),
        ("sts-policy-invalid", "page"),
        ("sts-policy-fetch-error", "host-address"),
        ("tlsa-invalid", "tlsa-validates"),
        ("starttls-not-supported", "mx-talks"),
        ("certificate-expired", "mx-certificate"),
        ("validation-failure", "covered"),
        ("x-private", "record-answered"),
    ],
)
def test_a_result_type_leads_to_its_branch(result_type, asked):
    walk = Walk("report", WalkEvidence(result_type=result_type, reported="3 failed sessions"))
    assert walk.position == asked
    assert all(step.observation == "3 failed sessions" for step in walk.steps)


@given(moves=st.lists(st.sampled_from(["yes", "no", "cannot tell", "back", "go_on", "restart", "jump"]), max_size=40))
def test_any_moves_leave_a_walk_that_can_be_shown(moves):
    walk = Walk("deferred", WalkEvidence(causes={"policy-html": "x"}, observed={"mx": "m", "smtp": "s"}))
    for move in moves:
        if move in ("back", "restart"):
            getattr(walk, move)()
        elif move == "jump":
            walk.jump("tlsa-matches")
        elif move == "go_on":
            if walk.cause is not None and walk.cause.code != "no-fault-seen":
                with contextlib.suppress(ValueError):
                    walk.go_on()
        elif walk.node is not None:
            walk.answer(move)
    data = json.loads(json.dumps(walk.to_json()))
    assert len(data["steps"]) == len(walk.steps) == len(walk.path) - 1
    assert data["ended"] == (walk.cause is not None)
    assert walk.edges == tuple(edge for edge in walk.edges if edge[2] in (*CHART.nodes, *CHART.leaves))
    assert str(walk)
    assert walk._repr_html_()


@pytest.mark.parametrize("code", list(causes()))
def test_the_end_has_cause_commands_fix_and_how_to_verify(code):
    walk = Walk("deferred", WalkEvidence(domain="nordwind.example", mx="mx1.nordwind.example"))
    walk.jump(code)
    data = walk.to_json()["cause"]
    assert data["commands"]
    assert data["fix"]
    assert data["verify"]
    assert data["rfc"].startswith("RFC ")
    text = walk._repr_html_() + str(walk)
    assert re.search(r"\bDOMAIN\b|\bMX-HOST\b", text) is None
    assert "{domain}" not in text
    assert "{mx}" not in text


def test_what_strangers_wrote_is_shown_as_text():
    bad = "<script>alert(1)</script>\x1b[31m"
    walk = Walk(
        "deferred", WalkEvidence(causes={"policy-html": bad}, observed=dict.fromkeys(ALL, bad), domain=bad, mx="$(id)")
    )
    assert "<script" not in walk._repr_html_()
    assert "\x1b" not in str(walk)
    assert "$(id)" not in walk._repr_html_()
