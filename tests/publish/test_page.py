"""The page as a document: its policy, its headings, its figures, what is left out."""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
import re
import urllib.parse

import pytest

from mtasts_nb.publish._drawing import inline_svg
from mtasts_nb.publish._promises import broken_promises

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text>50 % &amp; #1 "é"</text>\n'
    "<rect width='9' height=\"9\"/></svg>"
)
PNG = base64.b64encode(b"\x89PNG not really").decode()
WIDGET = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "IntSlider(value=0)"}


def _headings(page: str) -> list[tuple[int, str]]:
    found = re.findall(r"<h([1-6])[^>]*>(.*?)</h\1>", page, re.DOTALL)
    return [(int(level), re.sub(r"<[^>]+>", "", text)) for level, text in found]


def test_the_policy_allows_the_one_style_sheet_and_nothing_else(page_of) -> None:
    page = page_of("# T")
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy.group(1) == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert page.index("Content-Security-Policy") < page.index("<style>"), "a policy holds for what comes after it"
    assert " style=" not in page


def test_a_document_with_language_title_landmarks_and_skip_link(page_of) -> None:
    page = page_of("# What *happened*", "## A", "## B", "## C")
    assert page.startswith('<!doctype html>\n<html lang="en">')
    assert "<title>What happened – nordwind.example</title>" in page
    assert (
        page.index('<a class="skip" href="#content">')
        < page.index("<header>")
        < page.index("<nav ")
        < page.index('<main id="content">')
    )
    assert page.index("</main>") < page.index("<footer>")
    assert [page.count(f"<{name}") for name in ("header>", "main ", "footer>", "nav ")] == [1, 1, 1, 1]
    assert '<li><a href="#A">A</a></li>' in page


def test_one_first_heading_no_level_left_out_and_no_name_twice(page_of, cell, shown) -> None:
    page = page_of(
        "# Title",
        "### Deep\n\n# Another",
        cell("1", shown({"text/html": "<h1>From a result</h1><h6>Far</h6>"})),
        "## Deep",
    )
    levels = [level for level, _ in _headings(page)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    names = re.findall(r' id="([^"]*)"', page)
    assert len(names) == len(set(names))


def test_a_notebook_without_a_title_gets_its_name(page_of) -> None:
    assert _headings(page_of("text"))[0] == (1, "a notebook")


@pytest.mark.parametrize(
    ("metadata", "alt"),
    [
        ({"image/svg+xml": {"alt": "Failures: <b> & 3"}}, "Failures: &lt;b&gt; &amp; 3"),
        ({"alt": "the plain place"}, "the plain place"),
        ({}, "Figure in the section “Where”. It came without a description."),
    ],
)
def test_a_figure_is_inside_the_file_with_its_alternative_text(page_of, cell, shown, metadata, alt) -> None:
    page = page_of("# T", "## Where", cell("1", shown({"image/svg+xml": SVG, "text/plain": "<Figure>"}, metadata)))
    match = re.search(r'<img src="data:image/svg\+xml;charset=utf-8,([^"]*)" alt="([^"]*)">', page)
    assert match is not None
    assert match.group(2) == alt
    assert urllib.parse.unquote(html.unescape(match.group(1))) == SVG
    assert "&lt;Figure&gt;" not in page


def test_a_png_is_inside_the_file(page_of, cell, shown) -> None:
    page = page_of(cell("1", shown({"image/png": PNG + "\n"}, {"image/png": {"alt": "a", "width": 9}})))
    assert f'<img src="data:image/png;base64,{PNG}" alt="a">' in page


SHAPES = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9"><defs><path id="a" d="M0 0"/></defs>'
    '<use xlink:href="#a" style="fill: #ffffff; stroke: none"/><rect x="1" y="1" width="2" height="2"><title>1 &lt; 2</title></rect></svg>'
)


def test_a_figure_of_shapes_is_a_part_of_the_page_for_a_desk_and_for_a_phone(page_of, cell, shown) -> None:
    data = {"image/svg+xml": SHAPES, "application/vnd.mtasts-nb.narrow-figure": SHAPES}
    page = page_of("# T", *(cell(str(number), shown(data, {"alt": "a & b"})) for number in range(2)))
    assert broken_promises(page) == []
    assert [page.count(f'<svg class="{kind}" role="img" aria-label="a &amp; b" ') for kind in ("wide", "narrow")] == [
        2,
        2,
    ]
    ids = re.findall(r' id="([^"]*a)"', page)
    assert len(set(ids)) == len(ids) == 4
    assert all(f'<use href="#{name}" fill="#ffffff" stroke="none"/>' in page for name in ids)
    assert "<title>1 &lt; 2</title>" in page


@pytest.mark.parametrize(
    "inside",
    [
        "<a href='https://evil.example'><path d='M0 0'/></a>", "<path d='M0 0' onclick='x()'/>", "<text>x</text>",
        "<use href='#a'/>", "<use xmlns:l='http://www.w3.org/1999/xlink' l:href='https://evil.example#a'/>",
        "<path style='fill: url(https://evil.example)'/>", "<path d='M0 0\" onload=x() a=\"'/>", "<style>*{}</style>",
        "<path class='skip'/>", "<g>text</g>", "<path fill='expression(x)'/>", "<svg/>", "<foreignObject/>",
    ],
)  # fmt: skip
def test_a_figure_of_more_than_shapes_is_no_part_of_the_page(inside: str) -> None:
    assert (
        inline_svg(f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'>{inside}</svg>", "f", "x", "wide")
        is None
    )


@pytest.mark.parametrize(
    "svg",
    [
        "<svg><script>1</script></svg>",
        '<svg onload="x()"/>',
        '<svg><image href="https://evil.example/x.png"/></svg>',
        '<svg><use xlink:href="https://evil.example/x.svg#a"/></svg>',
        "<svg><foreignObject/></svg>",
        "<svg><style>@import 'https://evil.example'</style></svg>",
        '<svg><rect fill="url(https://evil.example#a)"/></svg>',
        '<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>',
        "<svg><animate attributeName='x'/></svg>",
        '<?xml-stylesheet href="https://evil.example/x.css"?><svg/>',
    ],
)
def test_an_svg_that_is_more_than_a_picture_is_left_out_and_that_is_said(page_of, cell, shown, svg) -> None:
    page = page_of(cell("1", shown({"image/svg+xml": svg})))
    assert "<img" not in page
    assert "A figure was left out" in page


def test_a_live_widget_is_left_out_and_its_static_form_is_shown(page_of, cell, shown) -> None:
    page = page_of(cell("1", shown(WIDGET)), cell("2", shown({**WIDGET, "text/html": "<p>the same, static</p>"})))
    assert "IntSlider" not in page
    assert "<p>the same, static</p>" in page


def test_a_script_as_output_is_left_out(page_of, cell, shown) -> None:
    page = page_of(
        cell("1", shown({"application/javascript": "alert(1)"})),
        cell("2", shown({"text/html": "<script>alert(2)</script>"})),
    )
    assert "alert" not in page.split("<footer>")[0]


def test_text_and_messages(page_of, cell) -> None:
    stdout = {"output_type": "stream", "name": "stdout", "text": "\x1b[31mred <b>\x07\n"}
    stderr = {"output_type": "stream", "name": "stderr", "text": "a warning"}
    page = page_of(cell("1", stdout, stderr))
    assert '<pre class="sts-text">red &lt;b&gt;\\x07</pre>' in page
    assert '<details><summary>Messages of the program</summary><pre class="sts-text">a warning</pre></details>' in page


def test_code_is_folded_away_at_the_end_with_hidden_characters_visible(page_of, cell) -> None:
    page = page_of(
        "# T",
        cell("if x:\n    y = '\u202e<b>'"),
        cell("secret = 1", tags=["remove-cell"]),
        cell("added()", mtasts_nb_added=True),
    )
    main, footer = page.split("<footer>")
    assert "y =" not in main
    assert "if x:\n    y = &#39;\\u202e&lt;b&gt;&#39;" in footer
    assert "secret" not in page
    assert "added()" not in page


@pytest.mark.parametrize("own", [True, False])
def test_the_evidence_is_there_once(page_of, cell, shown, own) -> None:
    listed = shown({"text/html": "<p>hashes</p>"}, {"text/html": {"mtasts_nb_evidence": True}})
    cells = [cell("evidence(archive)", listed)] if own else []
    page = page_of("# T", *cells, cell("added()", listed, mtasts_nb_added=True))
    assert page.count("<p>hashes</p>") == 1
    assert ("What this document is based on" in page) == (not own)


def test_whatever_the_cells_hold_the_page_keeps_its_promises(page_of, cell, shown, hostile) -> None:
    outputs = [
        shown({kind: hostile}, {kind: {"alt": hostile}, "alt": hostile})
        for kind in ("text/html", "text/markdown", "text/plain", "text/latex", "image/png", "image/svg+xml")
    ]
    outputs.append({"output_type": "stream", "name": "stderr", "text": hostile})
    outputs.append({"output_type": "error", "ename": hostile, "evalue": hostile, "traceback": []})
    assert broken_promises(page_of(f"# {hostile}", hostile, f"## {hostile}", cell(hostile, *outputs))) == []
    page = page_of("# T", cell(hostile, *outputs))
    assert broken_promises(page) == []
    assert "\u202e" not in page


BROKEN = [
    ("<script></script>", "an element <script>"),
    ("<svg aria-label='x'><a></a></svg>", "an element <a> in a figure"),
    ("<svg aria-label='x'><use href='https://e.example/#a'></svg>", "an address in a figure: https://e.example/#a"),
    (
        "<svg aria-label='x'><path fill='url(https://e.example)'></svg>",
        "an address in a figure: url(https://e.example)",
    ),
    ("<svg></svg>", "a figure without alternative text"),
    ("<p onclick='x()'>", "an attribute onclick on <p>"),
    ("<p style='x'>", "an attribute style on <p>"),
    ("<img src='https://e.example/x' alt='x'>", "an address to load on <img>: https://e.example/x"),
    ("<img src='data:image/png;base64,A' alt=' '>", "an image without alternative text"),
    ("<a href='javascript:x'>", "a link to javascript:x"),
    ("<a href='other.html'>", "a link to other.html"),
    ("<link rel=stylesheet href='x.css'>", "a link element to x.css"),
    ("<meta http-equiv=refresh content=0>", "a meta element refresh"),
    ("<style>a{background:url(x)}</style>", "a style sheet that names an address"),
    ("<style></style><style></style>", "more than one style sheet"),
    ("<base href='x'>", "an element <base>"),
]


@pytest.mark.parametrize(("fragment", "told"), BROKEN)
def test_a_broken_promise_is_found(fragment: str, told: str) -> None:
    assert told in broken_promises(fragment)


def test_a_page_is_below_two_megabytes_whatever_comes_in(page_of, cell, shown) -> None:
    """The largest outputs are left out, each counted in one line; the others stay."""
    rows = "".join(f"<tr><td>name-{number}.example</td></tr>" for number in range(60_000))
    page = page_of(
        "# T",
        cell("1", shown({"text/html": f"<table>{rows}</table>"})),
        cell("2", shown({"text/plain": "small enough"})),
        cell("3", {"output_type": "stream", "name": "stdout", "text": "x" * 3_000_000}),
        cell("4", shown({"image/png": "A" * 900_000})),
    )
    assert len(page.encode("utf-8")) < 2_000_000
    assert page.count("kB was left out") == 2
    assert "small enough" in page
    assert "data:image/png" in page
