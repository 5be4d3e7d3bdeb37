"""A directed graph in layers: ranks from top to bottom, few crossings, straight main way (after Sugiyama, 1981).

Pure arithmetic on names and sizes; what the boxes hold is the caller's affair. The same input gives the same drawing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

__all__ = ["Layout", "Place", "layered"]

_SWEEPS: Final = 12
#: How much more a way of an edge that passes by counts than one that ends: long edges become straight.
_PASSING, _SPINE = 4.0, 10_000.0
#: Room for an edge that only passes a rank.
_LANE: Final = 10.0

Edge = tuple[str, str]
Point = tuple[float, float]
# An edge pointing down, and whether it was turned round for it.
Downward = tuple[str, str, bool]
# Where an edge passes a rank between its ends: the edge and the rank.
Lane = tuple[Downward, int]
Cell = str | Lane


@dataclass(frozen=True, slots=True)
class Place:
    """Where a box lies: its left upper corner, its size, and its rank."""

    x: float
    y: float
    width: float
    height: float
    rank: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A drawing.

    Attributes
    ----------
    places : mapping of str to Place
        Each box.
    routes : mapping of edge to points
        For each edge the points it goes through, from the lower side of its first box to the upper side of its second.
    width, height : float
        Of everything.
    """

    places: Mapping[str, Place]
    routes: Mapping[Edge, tuple[Point, ...]]
    width: float
    height: float


def layered(
    sizes: Mapping[str, tuple[float, float]],
    edges: Sequence[Edge],
    *,
    spine: Sequence[str] = (),
    gap: tuple[float, float] = (24.0, 46.0),
) -> Layout:
    """Return where to draw the boxes and edges of a graph.

    Parameters
    ----------
    sizes : mapping of str to (width, height)
        The boxes; their order decides between drawings that are equally good.
    edges : sequence of (from, to)
        Between different boxes. One that closes a circle is drawn upwards.
    spine : sequence of str
        The main way: leftmost in its ranks, and straight.
    gap : (float, float)
        Between boxes side by side, and between ranks.

    Examples
    --------
    >>> drawn = layered({"a": (10, 5), "b": (10, 5), "c": (10, 5)}, [("a", "b"), ("b", "c"), ("a", "c")])
    >>> [drawn.places[name].rank for name in "abc"]
    [0, 1, 2]
    """
    downward = _acyclic(list(sizes), list(dict.fromkeys(edges)))
    ranks = _ranks(list(sizes), downward)
    layers, ways = _with_lanes(sizes, downward, ranks)
    main = set(spine)
    order = _ordered(layers, ways, main)
    wide = {cell: sizes[cell][0] if isinstance(cell, str) else _LANE for layer in order for cell in layer}
    centres = _centres(order, ways, wide, gap[0], main)
    heights = [max((sizes[cell][1] for cell in layer if isinstance(cell, str)), default=0.0) for layer in order]
    tops = [sum(heights[:rank]) + gap[1] * rank for rank in range(len(order))]
    places = {
        name: Place(centres[name] - width / 2, tops[ranks[name]], width, height, ranks[name])
        for name, (width, height) in sizes.items()
    }
    left = min((centres[cell] - wide[cell] / 2 for cell in centres), default=0.0)
    places = {name: Place(p.x - left, p.y, p.width, p.height, p.rank) for name, p in places.items()}
    right = max((centres[cell] + wide[cell] / 2 - left for cell in centres), default=0.0)
    lanes = {cell: centre - left for cell, centre in centres.items()}
    routes = _routes(downward, places, lanes, (tops, heights), main)
    return Layout(places, routes, right, tops[-1] + heights[-1] if tops else 0.0)


def _acyclic(names: list[str], edges: list[Edge]) -> list[Downward]:
    """Return the edges all pointing one way; those that close a circle are turned round."""
    after: dict[str, list[str]] = {name: [] for name in names}
    for start, end in edges:
        if start == end or start not in after or end not in after:
            raise ValueError(f"{start!r} to {end!r}: expected an edge between two different boxes of `sizes`")
        after[start].append(end)
    done: set[str] = set()
    open_now: set[str] = set()
    back: set[Edge] = set()
    for root in names:
        if root in done:
            continue
        stack = [(root, iter(after[root]))]
        open_now.add(root)
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                open_now.discard(name)
                done.add(name)
            elif following in open_now:
                back.add((name, following))
            elif following not in done:
                open_now.add(following)
                stack.append((following, iter(after[following])))
    return [(edge[1], edge[0], True) if edge in back else (*edge, False) for edge in edges]


def _ranks(names: list[str], edges: list[Downward]) -> dict[str, int]:
    """Return the rank of each box: as far down as the longest way to it, first boxes as far down as they can be."""
    before: dict[str, list[str]] = {name: [] for name in names}
    after: dict[str, list[str]] = {name: [] for name in names}
    for start, end, _ in edges:
        before[end].append(start)
        after[start].append(end)
    waiting = {name: len(before[name]) for name in names}
    ready = [name for name in names if not waiting[name]]
    ranks: dict[str, int] = {}
    while ready:
        name = ready.pop(0)
        ranks[name] = max((ranks[one] + 1 for one in before[name]), default=0)
        for one in after[name]:
            waiting[one] -= 1
            if not waiting[one]:
                ready.append(one)
    for name in names:
        if not before[name] and after[name]:
            ranks[name] = min(ranks[one] for one in after[name]) - 1
    return ranks


def _with_lanes(
    sizes: Mapping[str, tuple[float, float]], edges: list[Downward], ranks: dict[str, int]
) -> tuple[list[list[Cell]], list[tuple[Cell, Cell]]]:
    """Return the cells of each rank, and the ways from rank to rank; a long edge has a lane in each rank it passes."""
    layers: list[list[Cell]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for name in sizes:
        layers[ranks[name]].append(name)
    ways: list[tuple[Cell, Cell]] = []
    for edge in edges:
        start, end, _ = edge
        chain: list[Cell] = [start]
        for rank in range(ranks[start] + 1, ranks[end]):
            lane: Lane = (edge, rank)
            layers[rank].append(lane)
            chain.append(lane)
        chain.append(end)
        ways += pairwise(chain)
    return layers, ways


def _neighbours(ways: list[tuple[Cell, Cell]]) -> tuple[dict[Cell, list[Cell]], dict[Cell, list[Cell]]]:
    above: dict[Cell, list[Cell]] = {}
    below: dict[Cell, list[Cell]] = {}
    for upper, lower in ways:
        above.setdefault(lower, []).append(upper)
        below.setdefault(upper, []).append(lower)
    return above, below


def _ordered(layers: list[list[Cell]], ways: list[tuple[Cell, Cell]], spine: set[str]) -> list[list[Cell]]:
    """Return each rank in an order with few crossings: sweeps by the median of the neighbours, the best one kept."""
    above, below = _neighbours(ways)
    order = [sorted(layer, key=lambda cell: cell not in spine) for layer in layers]
    best, fewest = [list(layer) for layer in order], _crossings(order, below)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for rank in range(1, len(order)) if down else range(len(order) - 2, -1, -1):
            fixed = {cell: number for number, cell in enumerate(order[rank - 1 if down else rank + 1])}
            near = above if down else below
            own = {cell: number for number, cell in enumerate(order[rank])}
            wish = {cell: _median([fixed[one] for one in near.get(cell, [])], own[cell]) for cell in own}
            order[rank].sort(key=lambda cell, wish=wish, own=own: (cell not in spine, wish[cell], own[cell]))  # type: ignore[misc]
        crossed = _crossings(order, below)
        if crossed < fewest:
            best, fewest = [list(layer) for layer in order], crossed
    return best


def _median(places: list[int], otherwise: int) -> float:
    if not places:
        return float(otherwise)
    places = sorted(places)
    middle = len(places) // 2
    return float(places[middle]) if len(places) % 2 else (places[middle - 1] + places[middle]) / 2


def _crossings(order: list[list[Cell]], below: dict[Cell, list[Cell]]) -> int:
    """Return how often edges cross: pairs of ways between two ranks that change sides."""
    total = 0
    for upper, lower in pairwise(order):
        number = {cell: place for place, cell in enumerate(lower)}
        ends = [end for cell in upper for end in sorted(number[one] for one in below.get(cell, []))]
        total += sum(first > second for i, first in enumerate(ends) for second in ends[i + 1 :])
    return total


def _centres(
    order: list[list[Cell]], ways: list[tuple[Cell, Cell]], wide: dict[Cell, float], gap: float, spine: set[str]
) -> dict[Cell, float]:
    """Return the middle of each cell: near to its neighbours, never nearer to the next cell than the gap allows."""
    above, below = _neighbours(ways)
    centres: dict[Cell, float] = {}
    for layer in order:
        x = 0.0
        for cell in layer:
            centres[cell] = x + wide[cell] / 2
            x += wide[cell] + gap

    def weight(cell: Cell, other: Cell) -> float:
        if cell in spine and other in spine:
            return _SPINE
        return _PASSING if not isinstance(cell, str) and not isinstance(other, str) else 1.0

    for sweep in range(4 * _SWEEPS):
        for layer in order if sweep % 2 == 0 else reversed(order):
            wishes, weights = [], []
            for cell in layer:
                near = [(one, weight(cell, one)) for one in (*above.get(cell, ()), *below.get(cell, ()))]
                total = sum(share for _, share in near)
                wishes.append(sum(centres[one] * share for one, share in near) / total if total else centres[cell])
                weights.append(total or 0.1)
            apart = [(wide[a] + wide[b]) / 2 + gap for a, b in pairwise(layer)]
            centres.update(zip(layer, _spread(wishes, weights, apart), strict=True))
    return centres


def _spread(wishes: list[float], weights: list[float], apart: list[float]) -> list[float]:
    """Return positions as near to the wishes as the distances allow: least squares, by pooling adjacent violators."""
    offsets = [0.0]
    for distance in apart:
        offsets.append(offsets[-1] + distance)
    pools: list[tuple[float, float, int]] = []  # weighted mean, weight, how many
    for wish, weight, offset in zip(wishes, weights, offsets, strict=True):
        mean, heavy, count = wish - offset, weight, 1
        while pools and pools[-1][0] > mean:
            other, more, many = pools.pop()
            mean = (mean * heavy + other * more) / (heavy + more)
            heavy, count = heavy + more, count + many
        pools.append((mean, heavy, count))
    flat = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(flat, offsets, strict=True)]


def _routes(
    edges: list[Downward],
    places: Mapping[str, Place],
    lanes: Mapping[Cell, float],
    rows: tuple[list[float], list[float]],
    spine: set[str],
) -> dict[Edge, tuple[Point, ...]]:
    """Return the points of each edge; edges of one box leave and arrive side by side."""
    tops, heights = rows
    paths = {
        edge: [lanes[edge, rank] for rank in range(places[edge[0]].rank + 1, places[edge[1]].rank)] for edge in edges
    }

    def towards(edge: Downward, end: int) -> float:
        """Where an edge comes from or goes to, seen from one of its ends."""
        path, other = paths[edge], places[edge[1] if end == 0 else edge[0]]
        return (path[0] if end == 0 else path[-1]) if path else other.x + other.width / 2

    ports: dict[tuple[Downward, int], float] = {}
    for end in (0, 1):
        at: dict[str, list[Downward]] = {}
        for edge in edges:
            at.setdefault(edge[1] if end else edge[0], []).append(edge)
        for name, ending in at.items():
            box = places[name]
            middle = box.x + box.width / 2
            ending.sort(key=lambda edge, end=end: towards(edge, end))  # type: ignore[misc]
            straight = next((number for number, edge in enumerate(ending) if spine.issuperset(edge[:2])), None)
            # The main way goes straight through the middle; else all are spread around it. None leaves the box.
            centre = (len(ending) - 1) / 2 if straight is None else straight
            step = min(36.0, box.width / 2 / (max(centre, len(ending) - 1 - centre) + 1))
            for number, edge in enumerate(ending):
                ports[edge, end] = middle + (number - centre) * step
    routes: dict[Edge, tuple[Point, ...]] = {}
    for edge in edges:
        first, last = places[edge[0]], places[edge[1]]
        points = [(ports[edge, 0], first.y + first.height)]
        floor = tops[first.rank] + heights[first.rank]
        if points[0][1] < floor:  # past the higher boxes beside it first
            points.append((ports[edge, 0], floor))
        for rank, x in enumerate(paths[edge], start=first.rank + 1):
            points += [(x, tops[rank]), (x, tops[rank] + heights[rank])]
        points.append((ports[edge, 1], last.y))
        start, end_name, turned = edge
        routes[(end_name, start) if turned else (start, end_name)] = tuple(reversed(points) if turned else points)
    return routes
