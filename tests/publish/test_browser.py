"""The page in a real browser, with the network cut: nothing is asked for, nothing runs, nothing sticks out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

# WCAG 2.2 §1.4.3: the contrast of every piece of text with the ground it stands on.
CONTRAST = """() => {
  const parse = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const light = ([r, g, b]) => { const f = [r, g, b].map(v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c; } return [255, 255, 255, 1]; };
  const low = new Set();
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const style = getComputedStyle(e), a = light(parse(style.color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.add(`${e.tagName}.${e.className} ${style.color} ${ratio.toFixed(2)}`);
  }
  return [...low];
}"""


@dataclass
class Seen:
    """A page that is open, and what it did."""

    page: Any
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    contexts = []

    def visit(path: Path, viewport: dict[str, int] = DESK, **options: Any) -> Seen:
        context = browser.new_context(viewport=viewport, offline=True, **options)
        contexts.append(context)
        seen = Seen(context.new_page())
        seen.page.on("request", lambda request: seen.asked.append(request.url))
        seen.page.on("requestfailed", lambda request: seen.refused.update({request.url: request.failure}))
        seen.page.on("console", lambda message: seen.said.append(f"{message.type}: {message.text}"))
        seen.page.on("pageerror", lambda error: seen.said.append(f"error: {error}"))
        seen.page.on("dialog", lambda dialog: (seen.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        seen.page.goto(path.as_uri())
        return seen

    yield visit
    for context in contexts:
        context.close()


@pytest.mark.parametrize("which", ["postmortem", "hostile_page"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_it_asks_for_nothing_runs_nothing_and_fits(request, open_page, which, viewport) -> None:
    path = request.getfixturevalue(which)
    seen = open_page(path, viewport)
    for details in seen.page.query_selector_all("details"):
        details.evaluate("e => e.open = true")
    seen.page.wait_for_load_state("networkidle")
    assert [url for url in seen.asked if not url.startswith("data:")] == [path.as_uri()]
    assert seen.said == []
    assert seen.page.evaluate("document.scripts.length") == 0
    assert (
        seen.page.evaluate("document.querySelectorAll('iframe, object, embed, form, link[rel=stylesheet]').length") == 0
    )
    assert seen.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth || !i.alt.trim()).length"
    assert seen.page.evaluate(broken) == 0
    assert seen.page.evaluate("[...document.querySelectorAll('svg')].filter(e => !e.ariaLabel.trim()).length") == 0


def test_a_script_would_not_run_even_if_one_got_in(open_page, postmortem: Path, tmp_path: Path) -> None:
    """The policy (CSP) is the last line; this proves that it holds."""
    page = postmortem.read_text(encoding="utf-8")
    spoilt = tmp_path / "spoilt.html"
    inside = (
        '<script>document.title="run"</script><img src="https://evil.example/x.png" alt="x" onerror="document.title=1">'
    )
    spoilt.write_text(page.replace("</main>", f"{inside}<p style='color: red' id='p'>x</p></main>"), encoding="utf-8")
    seen = open_page(spoilt)
    assert seen.page.title().startswith("The TLSA records do not match the certificate: suedwind.example")
    assert seen.refused == {"https://evil.example/x.png": "csp"}, "refused by the policy, not by the lack of a network"
    assert seen.page.evaluate("getComputedStyle(document.getElementById('p')).color") != "rgb(255, 0, 0)"
    assert len(seen.said) >= 3, "and the browser says what it refused"


def test_a_click_selects_a_whole_command(open_page, postmortem: Path) -> None:
    """What copying needs, without a script: one click, then the browser's own copy."""
    seen = open_page(postmortem)
    seen.page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    command = seen.page.locator("pre > code").first
    command.click()
    assert seen.page.evaluate("getSelection().toString().trim()") == command.inner_text().strip() != ""


def test_hostile_text_is_there_as_text(open_page, hostile_page: Path) -> None:
    seen = open_page(hostile_page)
    text = seen.page.inner_text("main")
    assert '<script>document.title="pwned"</script>' in text
    assert "$$\\require{enclose}" in text
    assert "**bold** `code`" in text
    assert seen.page.title() == "TLS reports without an incident – All domains"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["postmortem", "hostile_page"])
def test_text_can_be_read_on_its_ground(request, open_page, which, scheme) -> None:
    seen = open_page(request.getfixturevalue(which), color_scheme=scheme)
    assert seen.page.evaluate(CONTRAST) == []
    ground = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


def test_the_keyboard_reaches_the_skip_link_first_and_then_in_order(open_page, postmortem: Path) -> None:
    seen = open_page(postmortem)
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert seen.page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0, (
        "visible once it has the focus"
    )
    places = []
    for _ in range(12):
        seen.page.keyboard.press("Tab")
        places.append(seen.page.evaluate("document.activeElement.getBoundingClientRect().top + scrollY"))
    assert places == sorted(places)
    assert seen.page.evaluate("[...document.querySelectorAll('[tabindex]')].filter(e => e.tabIndex > 0).length") == 0


def test_what_a_screen_reader_gets(open_page, postmortem: Path) -> None:
    page = open_page(postmortem, PHONE).page
    assert page.evaluate("[...document.querySelectorAll('table')].filter(t => !t.caption && t.tHead).length") <= 2
    assert (
        page.evaluate(
            "[...document.querySelectorAll('[role=region]')].filter(e => !e.getAttribute('aria-label')).length"
        )
        == 0
    )
    # Laid out as blocks on a phone, a table is still a table.
    assert page.locator("table").first.get_by_role("row").count() > 1
    assert page.locator("table").first.get_by_role("columnheader").count() > 3
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1


def test_on_paper_nothing_is_cut_off(open_page, postmortem: Path) -> None:
    page = open_page(postmortem, {"width": 680, "height": 960}).page
    page.emulate_media(media="print")
    wide = "[...document.querySelectorAll('table, img, pre, p')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"
    assert page.evaluate(wide) == []
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).position") == "static"
