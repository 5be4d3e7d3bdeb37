"""What an author or a library may put into a page, and what is taken out."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.publish._clean import clean_markdown, clean_output
from mtasts_nb.publish._promises import broken_promises

TAKEN_OUT = [
    ("<script>alert(1)</script>", ""),
    ("<SCRIPT SRC=//evil.example></SCRIPT>", ""),
    ("<img src=x onerror=alert(1)>", ""),
    ('<img src="https://evil.example/x.png" alt="a chart">', "a chart"),
    ('<img src="data:text/html;base64,AAAA" alt="x">', "x"),
    ('<img src="data:image/svg+xml;base64,AAAA" alt="x">', "x"),
    ('<a href="javascript:alert(1)">x</a>', "x"),
    ('<a href="JaVaScRiPt:alert(1)">x</a>', "x"),
    ('<a href="https://evil.example/">x</a>', "x"),
    ('<a href="data:text/html,x">x</a>', "x"),
    ('<a href="//evil.example">x</a>', "x"),
    ("<style>*{display:none}</style>", ""),
    ('<p style="position:fixed">x</p>', "<p>x</p>"),
    ('<p id="content">x</p>', "<p>x</p>"),
    ('<p class="skip made sts-note">x</p>', '<p class="sts-note">x</p>'),
    ('<p onclick="x()" title="t">x</p>', '<p title="t">x</p>'),
    ("<iframe src=https://evil.example></iframe>", ""),
    ("<object data=x></object><embed src=x>", ""),
    ("<svg><script>1</script></svg>", ""),
    ("<math><mtext></mtext></math>", ""),
    ('<form action="https://evil.example"><input name=x><button>go</button></form>', "go"),
    ('<meta http-equiv="refresh" content="0;url=https://evil.example">', ""),
    ('<base href="https://evil.example">', ""),
    ('<link rel="stylesheet" href="https://evil.example/x.css">', ""),
    ("<!-- a comment -->x", "x"),
    ('<img alt="a>b<script>alert(1)</script>">', "a&gt;b&lt;script&gt;alert(1)&lt;/script&gt;"),
    ('<video src="https://evil.example/v"></video>', ""),
]
# An SVG inside an image element; the one that is a picture and nothing more stays.
DRAWINGS = [
    (b"<svg xmlns='http://www.w3.org/2000/svg'><style>.a{fill:#000}</style><path class='a' d='M0 0'/></svg>", True),
    (b"<svg><script>1</script></svg>", False),
    (b"<svg onload='x()'/>", False),
    (b"<svg><image href='https://evil.example/x.png'/></svg>", False),
    (b"<svg><a href='&#x68;ttps://evil.example'/></svg>", False),
    (b"<svg><style>@import 'https://evil.example'</style></svg>", False),
    (b"<html></html>", False),
    ("<svg><script>1</script></svg>".encode("utf-16"), False),
    (b"<?xml version='1.0' encoding='utf-7'?><svg/>", False),
]
KEPT = [
    '<p class="sts-lead">a <strong>b</strong> <em>c</em> <code>d</code></p>',
    "<details><summary>more</summary><p>x</p></details>",
    '<a href="https://www.rfc-editor.org/rfc/rfc8460" rel="noopener noreferrer">RFC 8460</a>',
    '<img src="data:image/png;base64,AAAA" alt="a chart">',
    "<dl><dt>a</dt><dd>b</dd></dl>",
    "<ul><li>a</li></ul>",
]


@pytest.mark.parametrize(("given_html", "left"), TAKEN_OUT)
def test_taken_out(given_html: str, left: str) -> None:
    assert clean_output(given_html) == left


@pytest.mark.parametrize(("svg", "stays"), DRAWINGS)
def test_a_drawing_inside_the_file(svg: bytes, stays: bool) -> None:
    html = f'<img src="data:image/svg+xml;base64,{base64.b64encode(svg).decode()}" alt="a chart">'
    assert clean_output(html) == (html if stays else "a chart")


def test_a_figure_of_an_output_scrolls_in_its_frame() -> None:
    html = clean_output('<figure><img src="data:image/png;base64,AAAA" alt="a"></figure>')
    assert html.startswith('<figure class="frame" role="region" tabindex="0" aria-label="Figure"><img')


@pytest.mark.parametrize("html", KEPT)
def test_kept(html: str) -> None:
    assert clean_output(html) == html


def test_a_table_keeps_its_parts_and_says_what_its_headers_head() -> None:
    html = clean_output(
        '<style scoped>td{}</style><table border="1" class="dataframe"><caption>Two &lt;b&gt;</caption>'
        "<thead><tr><th></th><th>MX host</th></tr></thead><tbody><tr><th>0</th><td>mx1</td></tr></tbody></table>"
    )
    assert html == (
        '<div class="frame" role="region" tabindex="0" aria-label="Two &lt;b&gt;"><table class="dataframe sts">'
        '<caption>Two &lt;b&gt;</caption><thead><tr><td></td><th scope="col">MX host</th></tr></thead>'
        '<tbody><tr><th scope="row">0</th><td>mx1</td></tr></tbody></table></div>'
    )


def test_a_wide_table_carries_its_headings_in_every_row_for_a_phone() -> None:
    heads = "".join(f"<th>h{n}</th>" for n in range(4))
    html = clean_output(
        f"<table><thead><tr>{heads}</tr></thead><tbody><tr><td>2026-02-08</td><td>b</td><td>c</td><td>{'x' * 40}</td></tr></tbody></table>"
    )
    assert 'class="frame stack"' in html
    assert '<td class="brief" data-label="h1" role="cell">b</td>' in html
    assert '<td class="day" data-label="h0" role="cell">2026-02-08</td>' in html
    assert '<td class="long" data-label="h3" role="cell">xxx' in html
    assert 'class="long"' in html
    assert '<tr role="row">' in html


def test_what_a_caption_or_a_heading_says_stays_inside_its_attribute() -> None:
    evil = '" onfocus="alert(1)" x="'
    heads = "".join(f"<th>{evil}{n}</th>" for n in range(4))
    html = clean_output(
        f"<table><caption>{evil}</caption><thead><tr>{heads}</tr></thead><tbody><tr>{'<td>1</td>' * 4}</tr></tbody></table>"
    )
    assert broken_promises(html) == []
    assert 'aria-label="&quot; onfocus=&quot;alert(1)&quot; x=&quot;"' in html


def test_markdown_is_rendered_and_cut_down() -> None:
    html = clean_markdown(
        "## Head\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n\n[x](https://a.example) ![y](https://evil.example/y.png) <script>1</script>\n\n[other](03_x.ipynb) $a<b$"
    )
    assert "<h2>Head</h2>" in html
    assert '<td class="num">2</td>' in html
    assert '<a href="https://a.example" rel="noopener noreferrer">x</a> y' in html
    assert "ipynb" not in html
    assert "script" not in html
    assert "evil" not in html
    assert "$a&lt;b$" in html


FRAGMENTS = st.sampled_from(
    ["<script>", "</script>", "<img src=", "'", '"', ">", "<", "onerror=", "javascript:", "<a href=", "<table>", "<tr><th>",
     "</table>", "<td>", "<svg>", "<style>", "</style>", "<details>", "&lt;", "x", "\n", "<!--", "-->", "<p class='sts'>", "data:", "<b",
     "style=", "<caption>", "<thead>", "</thead>", "\x00", "<template>", "<noscript>", "<textarea>", "<title>", "<math>", "<plaintext>"]
)  # fmt: skip


@given(st.lists(FRAGMENTS, max_size=25).map("".join))
def test_whatever_goes_in_nothing_that_runs_or_loads_comes_out(html: str) -> None:
    for cleaned in (clean_output(html), clean_markdown(html)):
        assert [what for what in broken_promises(cleaned) if "alternative text" not in what] == []
