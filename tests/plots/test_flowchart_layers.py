"""The layered drawing: whatever the graph, boxes lie apart, edges go down and pass no box."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtasts_nb.plots._layers import Layout, layered

NAMES = [f"n{number}" for number in range(14)]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, tuple[float, float]], list[tuple[str, str]], list[str]]:
    """Sizes, edges in any direction, circles included, and a main way."""
    names = NAMES[: draw(st.integers(0, len(NAMES)))]
    sizes = {name: (float(draw(st.integers(1, 200))), float(draw(st.integers(1, 90)))) for name in names}
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names)).filter(lambda pair: pair[0] != pair[1])
    edges = draw(st.lists(pairs, max_size=25, unique=True)) if len(names) > 1 else []
    return sizes, edges, draw(st.lists(st.sampled_from(names), unique=True, max_size=4)) if names else []


def overlaps(drawn: Layout) -> list[tuple[str, str]]:
    boxes = list(drawn.places.items())
    return [
        (one, other)
        for number, (one, a) in enumerate(boxes)
        for other, b in boxes[number + 1 :]
        if a.x < b.x + b.width - 0.01 and b.x < a.x + a.width - 0.01 and a.y < b.y + b.height and b.y < a.y + a.height
    ]


@settings(max_examples=80)
@given(graphs())
def test_boxes_lie_apart_and_inside(graph) -> None:
    sizes, edges, spine = graph
    drawn = layered(sizes, edges, spine=spine)
    assert list(drawn.places) == list(sizes)
    assert overlaps(drawn) == []
    for name, place in drawn.places.items():
        assert (place.width, place.height) == sizes[name]
        assert place.x >= -0.01
        assert place.x + place.width <= drawn.width + 0.01
        assert place.y + place.height <= drawn.height + 0.01


@settings(max_examples=80)
@given(graphs())
def test_edges_begin_and_end_at_their_boxes_and_pass_no_other(graph) -> None:
    sizes, edges, spine = graph
    drawn = layered(sizes, edges, spine=spine)
    assert set(drawn.routes) == set(edges)
    for (start, end), points in drawn.routes.items():
        for name, (x, y) in ((start, points[0]), (end, points[-1])):
            place = drawn.places[name]
            assert place.x - 0.01 <= x <= place.x + place.width + 0.01
            assert min(abs(y - place.y), abs(y - place.y - place.height)) < 0.01
        for (x, y), (to_x, to_y) in pairwise(points):
            if x == to_x:  # the rest lies between ranks
                for name, place in drawn.places.items():
                    through = (
                        place.x < x < place.x + place.width
                        and min(y, to_y) < place.y + place.height
                        and place.y < max(y, to_y)
                    )
                    assert not through, (start, end, name)


def test_many_edges_beside_the_main_way_stay_on_their_box() -> None:
    """The main way leaves in the middle though it is the first of four: the others have half a box."""
    drawn = layered(dict.fromkeys("abcde", (1.0, 1.0)), [("c", one) for one in "abde"], spine=["a", "b", "c"])
    box = drawn.places["c"]
    assert all(box.x <= points[0][0] <= box.x + box.width for points in drawn.routes.values())


@settings(max_examples=60)
@given(graphs())
def test_the_same_graph_gives_the_same_drawing(graph) -> None:
    sizes, edges, spine = graph
    assert layered(sizes, edges, spine=spine) == layered(dict(sizes), list(edges), spine=list(spine))


@settings(max_examples=80)
@given(st.data())
def test_without_a_circle_every_edge_goes_down(data) -> None:
    pairs = st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] < pair[1])
    edges = [(NAMES[a], NAMES[b]) for a, b in data.draw(st.lists(pairs, unique=True, max_size=25))]
    order = data.draw(st.permutations(NAMES[:10]))
    drawn = layered(dict.fromkeys(order, (20.0, 10.0)), edges)
    for start, end in edges:
        assert drawn.places[start].rank < drawn.places[end].rank
        assert drawn.routes[start, end][0][1] < drawn.routes[start, end][-1][1]


def test_a_circle_is_drawn_with_one_edge_upwards() -> None:
    sizes = dict.fromkeys("abc", (10.0, 10.0))
    drawn = layered(sizes, [("a", "b"), ("b", "c"), ("c", "a")])
    assert [drawn.places[name].rank for name in "abc"] == [0, 1, 2]
    points = drawn.routes["c", "a"]
    assert points[0][1] > points[-1][1]


def test_there_and_back_are_two_lines() -> None:
    drawn = layered(dict.fromkeys("ab", (80.0, 10.0)), [("a", "b"), ("b", "a")])
    there, back = drawn.routes["a", "b"], drawn.routes["b", "a"]
    assert abs(there[0][0] - back[-1][0]) > 10


def test_crossings_are_taken_away() -> None:
    """Two ways given crosswise are drawn side by side."""
    sizes = dict.fromkeys(["a", "b", "x", "y"], (10.0, 10.0))
    drawn = layered(sizes, [("a", "y"), ("b", "x")])
    place = drawn.places
    assert (place["a"].x < place["b"].x) == (place["y"].x < place["x"].x)


def test_the_main_way_is_leftmost_and_straight() -> None:
    sizes = dict.fromkeys("abcdpqr", (40.0, 10.0))
    edges = [("a", "p"), ("a", "b"), ("b", "q"), ("b", "c"), ("c", "r"), ("c", "d")]
    drawn = layered(sizes, edges, spine="abcd")
    middles = [drawn.places[name].x for name in "abcd"]
    assert max(middles) - min(middles) < 0.5
    assert all(drawn.places[name].x > middles[0] for name in "pqr")
    assert all(
        abs(points[0][0] - points[-1][0]) < 0.5 for edge, points in drawn.routes.items() if set(edge) <= set("abcd")
    )


@pytest.mark.parametrize("edge", [("a", "a"), ("a", "z"), ("z", "a")], ids=str)
def test_an_edge_to_nowhere_is_a_slip(edge) -> None:
    with pytest.raises(ValueError, match="two different boxes"):
        layered({"a": (1.0, 1.0), "b": (1.0, 1.0)}, [edge])


def test_nothing_is_a_drawing_too() -> None:
    drawn = layered({}, [])
    assert (drawn.width, drawn.height, drawn.places) == (0.0, 0.0, {})
