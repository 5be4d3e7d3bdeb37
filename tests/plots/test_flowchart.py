"""The flowchart as a picture: what is drawn, what is lit and by what else than colour, and what is safe."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from types import MappingProxyType

import pytest
from mtasts_nb.publish._svg import is_only_a_picture

from mtasts_nb import diagnosis, plots
from mtasts_nb.diagnosis import Clues, Walk

SVG = "{http://www.w3.org/2000/svg}"
TLSA = Clues(
    result_type="tlsa-invalid",
    found={"dane-tlsa-mismatch": "3 1 1 does not match"},
    observed={"tlsa": "TLSA records came"},
)
GOOD = dict.fromkeys(
    ["mx", "mx-coverage", "smtp", "tlsa", "record", "policy-host", "policy-file", "reports", "reporting"], "seen"
)


def chart():
    return diagnosis.flowchart()


def texts(svg: str) -> list[str]:
    """The text of each box or label, its lines joined."""
    root = ET.fromstring(svg)
    found = []
    for text in root.iter(f"{SVG}text"):
        lines = [span.text or "" for span in text] or [text.text or ""]
        found.append(" ".join(lines))
    return found


def lit_boxes(svg: str) -> int:
    return len(re.findall(r'<rect class="b [a-z] l"', svg))


def test_the_way_and_what_its_questions_could_have_led_to() -> None:
    walk = Walk("report", TLSA)
    shown = texts(plots.flowchart(chart(), walk).svg)
    for place in walk.path:
        assert any(chart().title(place) in text for text in shown)
    for step in walk.steps:
        for way in chart().nodes[step.place].ways.values():
            assert any(chart().title(way) in text for text in shown), way
    assert len(shown) < 40, "and nothing else"


def test_what_is_lit_is_told_by_more_than_colour() -> None:
    """WCAG 2.2, 1.4.1: numbers, thick lines, words; who answered stands at the edge."""
    walk = Walk("report", TLSA)
    svg = plots.flowchart(chart(), walk).svg
    shown = texts(svg)
    for badge in (*(str(number + 1) for number in range(len(walk.steps))), "here"):
        assert badge in shown
    for answer in ("yes", "no"):
        assert shown.count(f"{answer} · evidence") == sum(step.answer == answer for step in walk.steps)
    assert lit_boxes(svg) == len(walk.steps) + 2, "the start, the questions, the cause"
    assert ".b.l{stroke:var(--lit);stroke-width:3}" in svg


def test_an_answer_against_the_evidence_says_so() -> None:
    walk = Walk("report", TLSA)
    walk.overrule("tlsa-matches", "yes")
    assert "yes · you, against the evidence" in texts(plots.flowchart(chart(), walk).svg)


def test_what_went_well_is_folded_unless_asked_for() -> None:
    walk = Walk("held", Clues(found={"policy-http-not-found": "404"}, observed=GOOD))
    folded, all_of_it = (plots.flowchart(chart(), walk, fold=fold) for fold in (True, False))
    assert any("questions passed, nothing wrong" in text for text in texts(folded.svg))
    assert not any("questions passed" in text for text in texts(all_of_it.svg))
    for step in walk.steps:
        assert any(chart().title(step.place) in text for text in texts(all_of_it.svg))
    assert folded.alt == all_of_it.alt


def test_what_the_evidence_left_open_is_counted_apart() -> None:
    """Not observed is not "nothing wrong"."""
    seen = {name: text for name, text in GOOD.items() if name != "smtp"}
    walk = Walk("held", Clues(found={"policy-http-not-found": "404"}, observed=seen))
    open_ = sum(step.answer == "cannot tell" for step in walk.steps)
    assert open_ > 3
    folded = [text for text in texts(plots.flowchart(chart(), walk).svg) if "questions passed" in text]
    assert folded
    assert f" {open_} left open" in " ".join(folded)


def test_everything_is_in_the_whole_chart() -> None:
    shown = texts(plots.flowchart(chart(), Walk("report", TLSA), whole_chart=True).svg)
    for place in (*chart().nodes, *chart().leaves):
        assert any(chart().title(place) in text for text in shown), place
    assert "here" in shown
    assert len(texts(plots.flowchart(chart()).svg)) > 250, "without a way it is the whole chart too"


@pytest.mark.parametrize("start", ["held", "report"])
def test_every_cause_can_be_drawn_with_its_way(start: str) -> None:
    for code in chart().leaves:
        path = chart().path(code, start)
        if path:
            picture = plots.flowchart(chart(), path)
            assert picture.alt.endswith(f"It ends at the cause “{chart().leaves[code].title}”.")
            ET.fromstring(picture.svg)


def test_the_alternative_text_tells_the_present_question_and_its_ways() -> None:
    alt = plots.flowchart(chart(), Walk("held")).alt
    assert alt.startswith(f"A flowchart of {len(chart().nodes)} questions and {len(chart().leaves)} causes.")
    assert "The present question is “Does the domain exist in DNS?”; it leads by yes to “" in alt
    assert "cannot tell to “" in alt


def test_a_way_back_and_a_way_past_a_cause_are_drawn() -> None:
    walk = Walk("report", TLSA)
    walk.go_on()
    walk.jump("domain-exists")
    svg = plots.flowchart(chart(), walk).svg
    assert "jump" in texts(svg)
    assert 'class="e l j"' in svg
    for whole in (True, False):
        ET.fromstring(plots.flowchart(chart(), walk, whole_chart=whole).svg)


def test_a_place_that_the_chart_has_not_is_named() -> None:
    with pytest.raises(ValueError, match="has no 'nowhere'"):
        plots.flowchart(chart(), ["domain-exists", "nowhere"])
    with pytest.raises(TypeError, match="expected a sequence of places"):
        plots.flowchart(chart(), "domain-exists")


def test_hostile_words_stay_words_and_stay_in_their_boxes() -> None:
    attack = "</text><script>alert(1)</script>\u202e" + "x" * 400
    nodes = {name: replace(node, question=attack) for name, node in chart().nodes.items()}
    hostile = replace(chart(), nodes=MappingProxyType(nodes), start_titles={"held": attack, "report": attack})
    for whole in (False, True):
        svg = plots.flowchart(hostile, Walk("held", chart=hostile), whole_chart=whole).svg
        assert "<script" not in svg
        assert "\u202e" not in svg
        ET.fromstring(svg)
        assert max(len(text) for text in re.findall(r"<tspan[^>]*>([^<]*)<", svg)) < 60, "cut into lines"


def test_it_is_a_picture_and_nothing_more_and_the_same_each_time() -> None:
    walk = Walk("report", TLSA)
    svg = plots.flowchart(chart(), walk).svg
    assert is_only_a_picture(svg.encode())
    assert svg == plots.flowchart(chart(), walk).svg
    assert len(plots.flowchart(chart(), walk, whole_chart=True).svg) < 150_000
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
    found = re.findall(r"svg\{([^}]*)\}", plots.flowchart(chart(), Walk("held")).svg)[0 if scheme == "light" else 1]
    colours = dict(pair.split(":") for pair in found.replace("--", "").strip(";").split(";"))

    def contrast(one: str, other: str) -> float:
        a, b = sorted((_luminance(colours[one]), _luminance(colours[other])), reverse=True)
        return (a + 0.05) / (b + 0.05)

    for text, ground in [
        ("ink", "ground"),
        ("ink", "box"),
        ("ink", "tint"),
        ("ink", "cause"),
        ("quiet", "ground"),
        ("on", "lit"),
    ]:
        assert contrast(text, ground) >= 4.5, (text, ground)
    for mark in ("line", "lit"):
        assert contrast(mark, "ground") >= 3
