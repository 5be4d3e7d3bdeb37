"""What a reader sees first, how long a page is, and whether anyone can use it: three widths, light, dark and paper."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mtasts_nb as sts
from tests.archive_of import report_of
from tests.publish.conftest import NOON

pytestmark = pytest.mark.browser

DESK, TABLET, PHONE = (1280, 800), (768, 1024), (390, 844)
WIDTHS = pytest.mark.parametrize("size", [DESK, TABLET, PHONE], ids=["desk", "tablet", "phone"])
#: The part of each line of the opening that is below the fold, and of the chart's top.
FOLD = """() => Object.fromEntries(Object.entries({status: '.sts-status', sentence: '.sts-lead', numbers: '.sts-figures',
  step: '.sts-step', title: 'h1'}).map(([name, css]) => [name, document.querySelector(css).getBoundingClientRect().bottom]).concat([
  ['chart', [...document.querySelectorAll('figure svg')].find(e => e.checkVisibility()).getBoundingClientRect().top]]))"""
#: The elements that stick out at the right, but for those inside of a frame that scrolls.
WIDE = """() => [...document.querySelectorAll('main *, header *, footer *')].filter(e => !e.closest('.frame, svg, pre') &&
  e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page about four weeks without a failure."""
    folder = tmp_path_factory.mktemp("quiet")
    for day in range(28):
        for who in ("Post", "Kontor"):
            (folder / f"{day}-{who}.json").write_bytes(report_of(day, who, 400, {}))
    return sts.publish(folder / "quiet.html", folder, progress=False, now=lambda: NOON)


@pytest.fixture
def open_at(browser: Any) -> Iterator[Any]:
    """Opens a page at a size, with the network cut."""
    contexts = []

    def visit(path: Path, size: tuple[int, int], **options: Any) -> Any:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(path.as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_first_screen_holds_status_sentence_numbers_next_step_and_the_chart(open_at, postmortem, size) -> None:
    page = open_at(postmortem, size)
    below = {name: at for name, at in page.evaluate(FOLD).items() if not 0 < at < size[1]}
    assert below == {}
    assert page.inner_text(".sts-status").startswith("✗ act now · ongoing")
    assert page.locator(".sts-figures li").count() >= 4
    assert page.inner_text(".sts-step").startswith("Next step. ")


@WIDTHS
def test_nothing_sticks_out_or_is_cut(open_at, postmortem, size) -> None:
    page = open_at(postmortem, size)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(WIDE) == []
    # The figure of the width is shown, as wide as its column.
    shown = page.evaluate(
        "[...document.querySelectorAll('figure svg')].filter(e => e.checkVisibility()).map(e => e.classList[0])"
    )
    assert set(shown) == {"narrow" if size == PHONE else "wide"}
    column = page.evaluate("document.querySelector('main').clientWidth")
    assert page.evaluate("document.querySelector('figure').clientWidth") > column - 5


def test_a_page_is_short(open_at, postmortem, quiet) -> None:
    height = "document.documentElement.scrollHeight"
    assert open_at(postmortem, DESK).evaluate(height) <= 6000
    page = open_at(quiet, DESK)
    assert page.evaluate(height) <= 2500
    assert page.inner_text(".sts-status").startswith("✓ fine")
    assert "No session failed" in page.inner_text("main"), "a sentence in place of an empty axis"


def test_the_contents_stay_in_sight(open_at, postmortem) -> None:
    for size in (DESK, PHONE):
        page = open_at(postmortem, size)
        page.evaluate("scrollTo(0, 1500)")
        top, bottom = page.evaluate(
            "(({top, bottom}) => [top, bottom])(document.querySelector('nav').getBoundingClientRect())"
        )
        assert 0 <= top < bottom <= size[1]


def test_a_bar_says_what_it_is_under_the_pointer(open_at, postmortem) -> None:
    page = open_at(postmortem, DESK)
    titles = page.evaluate(
        "[...document.querySelector('figure svg').querySelectorAll('title')].map(e => e.textContent)"
    )
    assert any(
        re.match(r"2026-10-26: 1,820 failed sessions of [\d,]+ \(.+ Meridian Mail Cloud\)", text) for text in titles
    )
    box = page.evaluate(
        "(({left, top, width, height}) => [left + width / 2, top + height / 2])"
        "([...document.querySelectorAll('figure svg title')].find(e => e.textContent.startsWith('2026-10-26')).parentElement.getBoundingClientRect())"
    )
    assert (
        page.evaluate(
            "([x, y]) => document.elementFromPoint(x, y).querySelector('title').textContent.slice(0, 10)", box
        )
        == "2026-10-26"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing(open_at, postmortem, size, scheme) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_at(postmortem, size, color_scheme=scheme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    # In the dark only the colours differ.
    chosen = {"runOnly": {"type": "tag", "values": ["cat.color"]}} if scheme == "dark" else {}
    result = Axe().run(page, options={"resultTypes": ["violations"], **chosen})
    found = [(each["id"], [node["html"][:120] for node in each["nodes"]][:3]) for each in result.response["violations"]]
    assert found == []


def test_figures_are_dark_on_a_dark_page(open_at, postmortem) -> None:
    page = open_at(postmortem, DESK, color_scheme="dark")
    panel = page.evaluate("getComputedStyle(document.querySelector('figure svg [fill=\"#ffffff\"]')).fill")
    assert panel == page.evaluate("getComputedStyle(document.body).backgroundColor")


_OBJECT = re.compile(rb"(?s)(\d+) 0 obj\s*(.*?)\s*(stream\r?\n|endobj)")


def _texts(pdf: bytes) -> list[str]:
    """The text of each page of a PDF, as far as its fonts say which glyph is which letter."""
    objects, streams, at = dict[int, bytes](), dict[int, bytes](), 0
    while match := _OBJECT.search(pdf, at):
        at, number = match.end(), int(match[1])
        objects[number] = match[2]
        if match[3] != b"endobj":
            length = re.search(rb"/Length (\d+)(?! 0 R)", match[2])
            assert length is not None
            data = pdf[at : at + int(length[1])]
            at += int(length[1])
            streams[number] = zlib.decompress(data) if b"FlateDecode" in match[2] else data

    maps: dict[int, dict[int, str]] = {}
    for number, body in objects.items():
        if link := re.search(rb"/ToUnicode (\d+) 0 R", body):
            table = streams[int(link[1])]
            letters = {
                int(a, 16): bytes.fromhex(b.decode()).decode("utf-16-be")
                for a, b in re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>\n", table)
            }
            for low, high, first in re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]{4})> <([0-9A-F]{4})>", table):
                letters |= {int(low, 16) + n: chr(int(first, 16) + n) for n in range(int(high, 16) - int(low, 16) + 1)}
            maps[number] = letters
    pages = []
    for body in objects.values():
        if not re.search(rb"/Type\s*/Page\b", body):
            continue
        fonts = {name: maps.get(int(number), {}) for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", body)}
        content = b"".join(streams[int(one)] for one in re.findall(rb"/Contents \[?(\d+) 0 R", body))
        font, text = b"", []
        for name, shown in re.findall(rb"/(F\d+) [\d.]+ Tf|<([0-9A-F]+)>", content):
            font = name or font
            text += [fonts.get(font, {}).get(int(shown[at : at + 4], 16), "") for at in range(0, len(shown), 4)]
        pages.append("".join(text))
    return pages


def test_on_paper_every_page_has_its_number_and_folded_parts_are_open(open_at, postmortem) -> None:
    page = open_at(postmortem, DESK)
    pages = _texts(page.pdf(prefer_css_page_size=True))
    assert len(pages) > 3
    for number, text in enumerate(pages, start=1):
        assert f"{number}/{len(pages)}" in text.replace(" ", "")
    assert "watchreportsfor48hours" in "".join(pages).replace(" ", ""), "of a part that is folded on a screen"
