"""The flowchart: whole, without a dead end, and right for evidence of one cause."""

from __future__ import annotations

import pytest

from mtasts_nb.diagnosis import Answer, flowchart
from mtasts_nb.knowledge import AREAS, cause_texts, languages, read_data, read_toml
from mtasts_nb.vocabulary import ResultType

CHART = flowchart()
NEEDS = {
    "record", "policy-host", "policy-file", "mx", "mx-coverage", "smtp", "tlsa", "reporting", "reports", "before",
}  # fmt: skip


def test_every_cause_is_a_leaf_and_every_leaf_a_cause():
    assert dict(CHART.leaves) == dict(cause_texts())
    assert not set(CHART.nodes) & set(CHART.leaves)


def test_every_leaf_and_node_is_reached_from_a_start():
    reached = frozenset().union(*(CHART.reachable(first) for first in CHART.starts.values()))
    assert reached == {*CHART.nodes, *CHART.leaves}


@pytest.mark.parametrize("code", list(cause_texts()))
def test_every_leaf_is_reached_by_yes_and_no_alone(code):
    ways = [CHART.path(code, start) for start in CHART.starts]
    assert any(way and way[-1] == code for way in ways)


@pytest.mark.parametrize("name", list(CHART.nodes))
def test_every_node_has_all_three_ways_on(name):
    node = CHART.nodes[name]
    assert set(node.ways) == set(Answer)
    for way in node.ways.values():
        assert way in CHART.nodes or way in CHART.leaves
    assert node.yes != node.no, "a question that decides nothing"
    assert (node.trouble is None) == bool(node.types)
    assert set(node.needs) <= NEEDS
    assert bool(node.needs) == (node.trouble is not None)
    assert set(node.types) <= set(map(str, ResultType))


def test_no_way_leads_back():
    """Depth first: a way that comes back to an open node would be a circle."""
    done, opened = set(), []

    def visit(place):
        assert place not in opened, f"{place} leads back to itself"
        if place in done or place in CHART.leaves:
            return
        opened.append(place)
        for way in CHART.nodes[place].ways.values():
            visit(way)
        opened.remove(place)
        done.add(place)

    for first in CHART.starts.values():
        visit(first)


def trunk():
    place, passed = CHART.starts["held"], []
    while place in CHART.nodes:
        passed.append(place)
        place = CHART.nodes[place].way(CHART.nodes[place].clear)
    return passed, place


def test_with_nothing_wrong_the_way_from_held_mail_passes_every_area_to_no_fault():
    passed, end = trunk()
    assert end == "no-fault-seen"
    assert {CHART.nodes[name].area for name in passed} == {*AREAS}


def test_a_branch_of_trouble_never_comes_back_to_the_trunk():
    """Else evidence of one cause could settle the question about another."""
    passed, _ = trunk()
    for name in passed:
        node = CHART.nodes[name]
        assert not CHART.reachable(node.way(node.trouble)) & set(passed), name


def test_the_three_fundamentals_come_in_their_order():
    passed, _ = trunk()
    first, second, third = (
        next(name for name in passed if CHART.nodes[name].question.startswith(f"{word} fundamental"))
        for word in ("First", "Second", "Third")
    )
    assert passed.index(first) < passed.index(second) < passed.index(third)


@pytest.mark.parametrize("result_type", list(map(str, ResultType)))
def test_every_result_type_is_asked_for_and_leads_to_its_causes(result_type):
    place = CHART.starts["report"]
    while CHART.nodes[place].trouble is None:
        place = CHART.nodes[place].way(CHART.answer(CHART.nodes[place], (), (), result_type))
    causes = {code for code, text in cause_texts().items() if result_type in text.result_types}
    first = {code for code in causes if cause_texts()[code].result_types[result_type] == 1}
    assert first <= CHART.reachable(place)


@pytest.mark.parametrize("code", list(cause_texts()))
def test_evidence_of_one_cause_leads_to_it(code):
    place = CHART.starts["held"]
    while place in CHART.nodes:
        place = CHART.nodes[place].way(CHART.answer(CHART.nodes[place], {code}, NEEDS))
    assert place == code


def test_what_was_not_observed_is_not_answered():
    for node in CHART.nodes.values():
        assert CHART.answer(node, (), ()) is Answer.CANNOT_TELL


@pytest.mark.parametrize("result_type", list(map(str, ResultType)))
def test_candidates_of_one_result_type_can_be_told_apart(result_type):
    causes = [code for code, text in cause_texts().items() if result_type in text.result_types]
    for first in causes:
        for second in causes:
            node = CHART.parting(first, second)
            assert (node is None) == (first == second), (first, second)


@pytest.mark.parametrize("language", languages())
def test_every_language_has_the_words_for_every_node(language):
    words, data = read_toml("flow", language), read_data("flow")
    assert set(words["nodes"]) == set(data["nodes"])
    assert set(words["starts"]) == set(data["starts"])
    for name, told in words["nodes"].items():
        assert set(told) == {"question", "help", "evidence"}
        assert told["question"].endswith("?"), name
        assert all(text and text[-1] in ".?…" for text in told.values()), name
