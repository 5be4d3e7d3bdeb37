"""The flowchart as a picture: it shows the flow and nothing else, the way taken by more than colour, and is inert."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import defaultdict

import pytest

from mtasts_nb import diagnosis, plots
from mtasts_nb.diagnosis import Walk, WalkEvidence
from mtasts_nb.publish._promises import is_only_a_picture

SVG = "{http://www.w3.org/2000/svg}"
CHART = diagnosis.flowchart()
WHOLE = plots.flowchart().svg
TLSA = WalkEvidence(
    result_type="tlsa-invalid",
    causes={"dane-tlsa-mismatch": "3 1 1 does not match"},
    observed={"tlsa": "TLSA records found"},
)


def groups(svg: str) -> dict[str, ET.Element]:
    """Boxes and edges by their ids."""
    every = list(ET.fromstring(svg).iter(f"{SVG}g"))
    by_id = {group.get("id"): group for group in every}
    assert len(by_id) == len(every), "each id once"
    return by_id


def text(group: ET.Element) -> str:
    """What is written in a box, its lines joined, or beside an edge."""
    found = group.find(f"{SVG}text")
    if found is None:
        return ""
    return " ".join(line.text for line in found) if len(found) else found.text


def marked(svg: str, mark: str) -> set[str]:
    return {name for name, group in groups(svg).items() if mark in group.get("class").split()}


def test_the_picture_shows_the_flow_and_nothing_else() -> None:
    """After a change of the flow: `make flowchart`."""
    boxes = {name: ("start", title) for name, title in CHART.start_titles.items()}
    boxes |= {name: ("question", node.question) for name, node in CHART.nodes.items()}
    boxes |= {code: ("cause", f"Cause: {cause.title}") for code, cause in CHART.leaves.items()}
    answers = defaultdict(list)
    for start, answer, end in CHART.edges:
        answers[f"{start}--{end}"].append(answer.value)
    edges = {f"{name}--{first}": "" for name, first in CHART.starts.items()}
    edges |= {name: " / ".join(own) for name, own in answers.items()}

    drawn = groups(WHOLE)
    assert {name for name in drawn if "--" in name} == set(edges)
    assert {name for name in drawn if "--" not in name} == set(boxes)
    for name, (kind, title) in boxes.items():
        assert drawn[name].get("class") == kind
        assert text(drawn[name]) == drawn[name].findtext(f"{SVG}title") == title
    for name, label in edges.items():
        expected = "edge cannot-tell" if label == "cannot tell" else "edge"
        assert (drawn[name].get("class"), text(drawn[name])) == (expected, label)


def test_boxes_lie_apart_and_inside_the_picture() -> None:
    root = ET.fromstring(WHOLE)
    wide, high = int(root.get("width")), int(root.get("height"))
    boxes = [
        tuple(int(box.get(key)) for key in ("x", "y", "width", "height"))
        for box in root.iterfind(f".//{SVG}g/{SVG}rect")
    ]
    for number, (x, y, w, h) in enumerate(boxes):
        assert x > 0 < y
        assert x + w < wide
        assert y + h < high
        for other_x, other_y, other_w, other_h in boxes[:number]:
            assert x + w <= other_x or other_x + other_w <= x or y + h <= other_y or other_y + other_h <= y


def test_the_way_taken_is_marked_by_class_number_and_answer() -> None:
    """WCAG 2.2, 1.4.1: numbers, thick lines and words say what colour says."""
    walk = Walk("report", TLSA)
    svg = plots.flowchart(walk).svg
    edges = {f"{start}--{end}" for start, _, end in walk.edges} | {f"report--{CHART.starts['report']}"}
    assert marked(svg, "done") == {"report", *walk.path[:-1], *edges}
    assert marked(svg, "here") == {"dane-tlsa-mismatch"}
    drawn = groups(svg)
    numbers = [drawn[name].findall(f"{SVG}text")[-1].text for name in walk.path]
    assert numbers == [*(str(number + 1) for number in range(len(walk.steps))), "here"]
    for start, answer, end in walk.edges:
        assert text(drawn[f"{start}--{end}"]) == answer, "only the answer that was given"
    assert re.search(r":is\(\.done,\.here\) rect\{[^}]*stroke-width:3", svg)
    assert re.search(r"\.edge\.done\{[^}]*stroke-width:3", svg)


def test_a_position_passed_twice_has_both_numbers_and_a_jump_no_edge() -> None:
    walk = Walk("report", TLSA)
    walk.go_on()
    walk.jump("tlsa-matches")
    walk.answer("no")
    svg = plots.flowchart(walk, whole=True).svg
    number = groups(svg)["tlsa-matches"].findall(f"{SVG}text")[-1].text
    assert [walk.path[int(one) - 1] for one in number.split(", ")] == ["tlsa-matches"] * 2
    assert set(groups(svg)) == set(groups(WHOLE)), "nothing is added"


@pytest.mark.parametrize("position", ["domain-exists", "dane-tlsa-mismatch", "about-policy-host", "no-fault-seen"])
def test_the_part_around_the_current_position_is_cut_out_in_its_own_size(position: str) -> None:
    walk = Walk("report")
    walk.jump(position)
    svg = plots.flowchart(walk).svg
    root = ET.fromstring(svg)
    left, top, wide, high = map(int, root.get("viewBox").split())
    assert (str(wide), str(high)) == (root.get("width"), root.get("height"))
    assert wide <= 800
    box = {key: int(value) for key, value in groups(svg)[position].find(f"{SVG}rect").items() if value.isdigit()}
    assert left <= box["x"]
    assert box["x"] + box["width"] <= left + wide
    assert top <= box["y"]
    assert box["y"] + box["height"] <= top + high


def test_the_alternative_text_gives_the_current_question_and_where_it_leads() -> None:
    alt = plots.flowchart(Walk("deferred")).alt
    size = f"flowchart of {len(CHART.nodes)} questions and {len(CHART.leaves)} causes"
    assert alt.startswith(f"Part of a {size}.")
    assert "The current question is “Does the domain exist in DNS?”; it leads by yes to “" in alt
    assert "cannot tell to “" in alt
    walk = Walk("report", TLSA)
    title = CHART.leaves["dane-tlsa-mismatch"].title
    assert plots.flowchart(walk, whole=True).alt.startswith(f"A {size}.")
    assert plots.flowchart(walk).alt.endswith(f"It ends at the cause “{title}”.")
    assert plots.flowchart().alt.startswith(f"A {size}, from ")


def test_it_is_small_and_a_picture_and_nothing_more() -> None:
    for svg in (WHOLE, plots.flowchart(Walk("report", TLSA)).svg):
        assert is_only_a_picture(svg.encode())
        assert len(svg) < 150_000
        assert "prefers-color-scheme:dark" in svg


def _luminance(colour: str) -> float:
    value = colour.lstrip("#")
    value = "".join(2 * c for c in value) if len(value) == 3 else value
    channels = [int(value[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(scheme: str) -> None:
    """WCAG 2.2: 4.5:1 for text (1.4.3), 3:1 for what carries meaning (1.4.11)."""
    rule = re.findall(r"\.sts-flowchart\{(--ground[^}]*)\}", WHOLE)[0 if scheme == "light" else 1]
    colours = dict(pair.split(":") for pair in rule.replace("--", "").split(";") if "#" in pair)

    def contrast(first: str, second: str) -> float:
        a, b = sorted((_luminance(colours[first]), _luminance(colours[second])), reverse=True)
        return (a + 0.05) / (b + 0.05)

    for letters, ground in [
        ("ink", "ground"), ("ink", "box"), ("ink", "tint"), ("ink", "cause"), ("quiet", "ground"), ("taken", "ground"),
    ]:  # fmt: skip
        assert contrast(letters, ground) >= 4.5, (letters, ground)
    for mark in ("line", "taken"):
        assert contrast(mark, "ground") >= 3
