"""Every class that shows itself, with hostile text in every field: each output is harmless for its medium.

The classes are found: a new one is walked, or fails here until a value of it is made in `hostile.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets
import nbformat
import pyarrow.parquet as pq
import pytest

from mtasts_nb.publish._page import About, page
from mtasts_nb.render import NARROW_SVG
from mtasts_nb.reports import Archive
from tests.hardening.harmless import (
    faults_of_csv,
    faults_of_frame,
    faults_of_html,
    faults_of_json,
    faults_of_page,
    faults_of_svg,
    faults_of_text,
)
from tests.hardening.hostile import archive_with, shown_classes, turned, values_with

#: A text of the kit's own for the medium, by the kind of an output (what IPython asks for, and what a value is turned to).
MEDIA = {
    "text/html": faults_of_html,
    "text/plain": faults_of_text,
    "image/svg+xml": faults_of_svg,
    NARROW_SVG: faults_of_svg,
    "application/json": faults_of_json,
}
#: These hold no text: their content is a picture, or a reference to a live view.
NO_TEXT = {"image/png", "application/vnd.jupyter.widget-view+json"}


#: Outputs in one page: with all of them, most would be left out for the page's size.
PAGE = 60


def pages(bundles: list[dict[str, Any]]) -> Iterator[str]:
    """Yield published pages with these outputs, as a notebook's code would have left them there."""
    about = About("x", "0" * 64, "now", "now", {"mtasts-nb": "1", "Python": "3"}, {}, "x", "x")
    for start in range(0, len(bundles), PAGE):
        cells = [
            nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output("display_data", data=data)])
            for data in bundles[start : start + PAGE]
        ]
        yield page(nbformat.v4.new_notebook(cells=cells), about)


def bundle(value: Any) -> dict[str, Any]:
    """Return what a notebook stores of a value that is shown."""
    made = value._repr_mimebundle_() if hasattr(value, "_repr_mimebundle_") else {"text/plain": repr(value)}
    data = made[0] if isinstance(made, tuple) else made
    return {kind: text if isinstance(text, dict) else str(text) for kind, text in data.items()}


def outputs(value: Any) -> Iterator[tuple[str, Callable[[], str]]]:
    """Yield every way in which a value shows itself: the kind, and a function that gives the text."""
    yield "text/plain", value.__str__
    yield "text/plain", value.__repr__
    if hasattr(value, "_repr_mimebundle_"):
        made = value._repr_mimebundle_()
        data, metadata = made if isinstance(made, tuple) else (made, {})
        yield from ((kind, partial(str, text)) for kind, text in data.items() if kind not in NO_TEXT)
        said = (text for each in metadata.values() for text in each.values() if isinstance(text, str))
        yield from (("text/plain", partial(str, text)) for text in said)
    if isinstance(value, ipywidgets.Widget):
        yield from (("text/html", partial(str, html)) for html in _live(value))
    elif hasattr(value, "_repr_html_"):
        yield "text/html", value._repr_html_
    if hasattr(value, "to_json"):
        yield "application/json", lambda: made if isinstance(made := value.to_json(), str) else json.dumps(made)


def _live(widget: Any) -> Iterator[str]:
    """Yield the HTML in the controls of a widget; JupyterLab shows their other texts as text."""
    if isinstance(widget, ipywidgets.HTML):
        # Its place is within the widget, whose classes keep MathJax away.
        yield f'<div class="mathjax_ignore">{widget.value}</div>'
    for child in getattr(widget, "children", ()):
        yield from _live(child)


def faults_of(value: Any) -> set[str]:
    """Return what is wrong with the outputs of a value, each with the class and the kind of output."""
    name = type(value).__name__
    faults = set()
    for kind, show in outputs(value):
        try:
            faults |= {f"{name} {kind}: {fault}" for fault in MEDIA[kind](show())}
        except Exception as error:  # noqa: BLE001 - an output that cannot be made is a fault
            faults.add(f"{name} {kind}: {type(error).__name__}: {error}")
    for way in ("to_frame", "checks"):
        try:
            made = getattr(value, way, None)
            frame = made() if callable(made) else () if made is None else made
            faults |= {f"{name}.{way}: {fault}" for fault in faults_of_frame(frame)}
        except Exception as error:  # noqa: BLE001 - an output that cannot be made is a fault
            faults.add(f"{name}.{way}: {type(error).__name__}: {error}")
    return faults


def walked(by: int) -> tuple[set[str], set[type]]:
    """Return the faults of all values that hold the hostile texts in this turn, and the classes seen."""
    faults: set[str] = set()
    seen: set[type] = set()
    bundles: list[dict[str, Any]] = []
    for value in values_with(turned(by)):
        seen.update(type(value).__mro__)
        faults |= faults_of(value)
        bundles.append(bundle(value))
    faults |= {f"a page: {fault}" for html in pages(bundles) for fault in faults_of_page(html)}
    return faults, seen


def test_every_output_of_every_class_is_harmless() -> None:
    faults, seen = walked(0)
    assert sorted(faults) == []
    assert sorted(kind.__qualname__ for kind in shown_classes() - seen) == [], "make a value of it in hostile.py"


def test_the_tables_written_as_csv_hold_no_formula(tmp_path: Path) -> None:
    for file in archive_with(turned(0)).to_csv(tmp_path):
        assert faults_of_csv(file.read_text(encoding="utf-8")) == [], file.name


def test_the_tables_written_as_parquet_are_read_back_as_they_are(tmp_path: Path) -> None:
    archive: Archive = archive_with(turned(0))
    for file in archive.to_parquet(tmp_path):
        table = pq.read_table(file)
        table.validate(full=True)  # UTF-8 too
        assert table.num_rows == len(getattr(archive, file.stem))


@pytest.mark.parametrize(
    ("faults", "harmful"),
    [
        (faults_of_html, "<p><script>x</script></p>"),
        (faults_of_html, '<p onclick="x">y</p>'),
        (faults_of_html, "<p>$x$</p>"),
        (faults_of_html, "<p>a\u202eb</p>"),
        (faults_of_html, "</td><p>x</p>"),
        (faults_of_html, '<a href="javascript:x">y</a>'),
        (faults_of_page, "<p>x</p>"),
        (faults_of_page, '<meta http-equiv="Content-Security-Policy" content="script-src *">'),
        (faults_of_page, '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'"><link href="x">'),
        (faults_of_text, "\x1b[2J"),
        (faults_of_text, "half \ud800"),
        (faults_of_svg, "<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"),
        (faults_of_svg, "<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>"),
        (faults_of_json, '"\x9b"'),
        (faults_of_csv, "a,=B1"),
        (faults_of_csv, "a,b;=B1"),
        (faults_of_csv, "a, \uff1d1"),
        (faults_of_csv, '"a\n@SUM(1)"'),
    ],
)
def test_what_is_harmful_is_found(faults: Any, harmful: str) -> None:
    assert faults(harmful)
