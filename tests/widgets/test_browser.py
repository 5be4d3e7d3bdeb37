"""An exported walk in a real browser, with the network cut: nothing is asked for, all of it can be read and reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mtasts_nb.diagnosis import Walk, WalkEvidence
from mtasts_nb.widgets._flowchart_session import FlowchartSession

from .conftest import HOSTILE

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("wide", "whole", "scheme"),
    [(1280, False, "light"), (390, False, "dark"), (390, True, "light")],
    ids=["desk", "phone, dark", "phone, the whole chart"],
)
def test_the_page_stands_alone_and_fits(browser: Any, tmp_path: Path, wide: int, whole: bool, scheme: str) -> None:
    evidence = WalkEvidence(
        result_type="tlsa-invalid",
        reported=HOSTILE,
        causes={"dane-tlsa-mismatch": HOSTILE},
        observed={"tlsa": HOSTILE},
        domain="suedwind.example",
        mx="mx1.suedwind.example",
    )
    session = FlowchartSession(Walk("report", evidence))
    session.whole = whole
    file, _ = session.export(str(tmp_path / "walk"))
    context = browser.new_context(viewport={"width": wide, "height": 900}, color_scheme=scheme, offline=True)
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.goto(file.as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    assert said == []
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "only the frame scrolls sideways"
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 300 && i.alt.length > 100)")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark"), "the page's own style applies"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "FIGURE", "which can be scrolled by keyboard"
    context.close()
