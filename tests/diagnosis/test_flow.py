"""The flowchart: whole, without a dead end, and right for evidence of one cause."""

from __future__ import annotations

import pytest

from mtasts_nb.diagnosis import Answer, flowchart
from mtasts_nb.knowledge import causes
from mtasts_nb.vocabulary import Area, ResultType

CHART = flowchart()
NEEDS = {
    "record", "policy-host", "policy-file", "mx", "mx-coverage", "smtp", "tlsa", "reporting", "reports", "before",
    "report-addresses", "report-mailbox", "report-size", "report-endpoint", "report-filter", "reporters",
}  # fmt: skip


def test_every_cause_is_a_leaf_and_every_leaf_a_cause():
    assert dict(CHART.leaves) == dict(causes())
    assert not set(CHART.nodes) & set(CHART.leaves)


def test_every_leaf_and_node_is_reached_from_a_start():
    reached = frozenset().union(*(CHART.reachable(first) for first in CHART.starts.values()))
    assert reached == {*CHART.nodes, *CHART.leaves}


def test_every_leaf_is_reached_by_yes_and_no_alone():
    reached, queue = set(), list(CHART.starts.values())
    while queue:
        position = queue.pop()
        if position not in reached:
            reached.add(position)
            node = CHART.nodes.get(position)
            queue += [] if node is None else [node.to[Answer.YES], node.to[Answer.NO]]
    assert set(CHART.leaves) <= reached


@pytest.mark.parametrize("name", list(CHART.nodes))
def test_every_node_has_all_three_ways_on(name):
    node = CHART.nodes[name]
    assert set(node.to) == set(Answer)
    for end in node.to.values():
        assert end in CHART.nodes or end in CHART.leaves
    assert node.to[Answer.YES] != node.to[Answer.NO], "a question that decides nothing"
    assert (node.problem is None) == bool(node.result_types)
    assert set(node.needs) <= NEEDS
    assert bool(node.needs) == (node.problem is not None)
    assert set(node.result_types) <= set(map(str, ResultType))


def test_no_way_leads_back():
    """Depth first: a way that comes back to an open node would be a circle."""
    done, opened = set(), []

    def visit(position):
        assert position not in opened, f"{position} leads back to itself"
        if position in done or position in CHART.leaves:
            return
        opened.append(position)
        for end in CHART.nodes[position].to.values():
            visit(end)
        opened.remove(position)
        done.add(position)

    for first in CHART.starts.values():
        visit(first)


def trunk():
    position, passed = CHART.starts["deferred"], []
    while position in CHART.nodes:
        passed.append(position)
        position = CHART.nodes[position].to[CHART.nodes[position].all_clear]
    return passed, position


def test_with_nothing_wrong_the_way_from_held_mail_passes_every_area_to_no_fault():
    passed, end = trunk()
    assert end == "no-fault-seen"
    assert {CHART.nodes[name].area for name in passed} == {*Area}


def test_a_branch_of_trouble_never_comes_back_to_the_trunk():
    """Else evidence of one cause could settle the question about another."""
    passed, _ = trunk()
    for name in passed:
        node = CHART.nodes[name]
        assert not CHART.reachable(node.to[node.problem]) & set(passed), name


def test_the_three_fundamentals_come_in_their_order():
    passed, _ = trunk()
    first, second, third = (
        next(name for name in passed if CHART.nodes[name].question.startswith(f"Fundamental {number} of 3: "))
        for number in (1, 2, 3)
    )
    assert passed.index(first) < passed.index(second) < passed.index(third)


@pytest.mark.parametrize("result_type", list(map(str, ResultType)))
def test_every_result_type_is_asked_for_and_leads_to_its_causes(result_type):
    position = CHART.starts["report"]
    while CHART.nodes[position].problem is None:
        position = CHART.nodes[position].to[CHART.answer(CHART.nodes[position], (), (), result_type)]
    ranked = {code for code, text in causes().items() if result_type in text.result_types}
    first = {code for code in ranked if causes()[code].result_types[result_type] == 1}
    assert first <= CHART.reachable(position)


@pytest.mark.parametrize("code", list(causes()))
def test_evidence_of_one_cause_leads_to_it(code):
    position = CHART.starts["deferred"]
    while position in CHART.nodes:
        position = CHART.nodes[position].to[CHART.answer(CHART.nodes[position], {code}, NEEDS)]
    assert position == code


def test_what_was_not_observed_is_not_answered():
    for node in CHART.nodes.values():
        assert CHART.answer(node, (), ()) is Answer.CANNOT_TELL


@pytest.mark.parametrize("result_type", list(map(str, ResultType)))
def test_candidates_of_one_result_type_can_be_distinguished(result_type):
    ranked = [code for code, text in causes().items() if result_type in text.result_types]
    for first in ranked:
        for second in ranked:
            node = CHART.question_between(first, second)
            assert (node is None) == (first == second), (first, second)


def test_every_text_is_a_sentence():
    for name, node in CHART.nodes.items():
        assert node.question.endswith("?"), name
        assert all(text and text[-1] in ".?…" for text in (node.question, node.help, node.evidence)), name
