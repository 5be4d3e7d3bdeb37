"""One renderer: no other room writes a style sheet or a colour of the page, wraps lines, or has HTML of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent.parent / "mtasts_nb"
# Rooms whose values are being moved to documents; none is left in the end.
OWN = {
    "render": "it is the renderer",
    "publish": "a page has scaffolding, and checks HTML",
    "plots": "figures have colours of their own",
    "widgets": "controls have a style, and a static form",
}
TWIN = re.compile(r"<style|def _repr_html_|textwrap\.(wrap|fill|shorten)|#[0-9a-f]{6}\b|!important")
ROOMS = sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists() or path.suffix == ".py")


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in OWN])
def test_nothing_else_renders(room: str) -> None:
    path = PACKAGE / room
    twins = [
        f"{file.relative_to(PACKAGE)}: {match.group()}"
        for file in ([path] if path.is_file() else sorted(path.rglob("*.py")))
        for match in TWIN.finditer(file.read_text(encoding="utf-8"))
    ]
    assert twins == []
