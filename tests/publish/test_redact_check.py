"""The last check of a redacted page: originals, and whatever has the form of a host name or an address, wherever it hides."""

from __future__ import annotations

import base64
from contextlib import nullcontext

import nbformat
import pytest

from mtasts_nb.errors import PublishError
from mtasts_nb.publish._notebook import Notebook, examples_in
from mtasts_nb.publish._page import About, page
from mtasts_nb.publish._publish import _own_part
from mtasts_nb.publish._redact import Redaction
from mtasts_nb.publish._redact_check import code_names, leaks, strangers, texts_of
from mtasts_nb.publish._redact_names import Pseudonyms

ORIGINALS = {"mx1.nordwind.test", "nordwind.test", "203.0.113.9", "2001:db8::1", "Post & Co", "Post"}
MADE = {"domain-a.example", "host-a.domain-a.example", "198.18.0.1", "2001:db8:a::1"}
_SVG = "<svg><!-- {0} --><text>x</text></svg>"


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("<p>at mx1.nordwind.test:25</p>", {"mx1.nordwind.test", "nordwind.test"}),
        ('<img alt="MX1.NORDWIND.TEST">', {"mx1.nordwind.test", "nordwind.test"}),
        ("<p>https://mta-sts.nordwind.test/x</p>", {"nordwind.test"}),
        ("<p>tls@nordwind.test</p>", {"nordwind.test"}),
        ('<img src="data:image/svg+xml;charset=utf-8,%3Ctext%3Enordwind%2Etest">', {"nordwind.test"}),
        ("<p>nordwind&#46;test</p>", {"nordwind.test"}),
        ("<p>nord<b>wind</b>.test</p>", {"nordwind.test"}),
        ("<p>Post &amp; Co</p>", {"Post & Co"}),
        ("<p>203.0.113.9, 2001:db8::1.</p>", {"203.0.113.9", "2001:db8::1"}),
        ("<p>nordwind.tests 203.0.113.90 mx1.nordwind.tes</p>", set()),
    ],
)
def test_an_original_is_found_wherever_it_hides(page: str, found: set[str]) -> None:
    assert leaks(texts_of(page), ORIGINALS) == found


@pytest.mark.parametrize(
    "page",
    [
        "<p>{0}</p>",
        "<!-- {0} -->",
        "<?x {0}?>",
        '<p title="{0}">x</p>',
        '<img alt="x" src="data:image/svg+xml;charset=utf-8,' + _SVG.replace("<", "%3C").replace('"', "'") + '">',
        "<title>{0}</title>",
        "<table><tr><td>12</td><td>{0}</td></tr></table>",
    ],
)
@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("elsewhere.test", "elsewhere.test"),
        ("ELSEWHERE.test.", "elsewhere.test"),
        ("mx.elsewhere.test:25", "mx.elsewhere.test"),
        ("anna.domain-a.example", "anna.domain-a.example"),
        ("bücher.test", "xn--bcher-kva.test"),
        ("elsewhere%2etest", "elsewhere.test"),
        ("elsewhere%252etest", "elsewhere.test"),
        ("elsewhere&amp;#46;test", "elsewhere.test"),
        ("elsewhere[.]test", "elsewhere.test"),
        ("elsewhere\\.test", "elsewhere.test"),
        ("elsewhere\\u002etest", "elsewhere.test"),
        ("elsewhere=2Etest", "elsewhere.test"),
        ("else\u00adwhere.te\u200bst", "elsewhere.test"),
        ("ｅｌｓｅｗｈｅｒｅ．ｔｅｓｔ", "elsewhere.test"),
        (base64.b64encode(b"elsewhere.test").decode(), "elsewhere.test"),
        ("203.0.113.10", "203.0.113.10"),
        ("[203.0.113.10]:25", "203.0.113.10"),
        ("203.0.113.10/24", "203.0.113.10"),
        ("2001:DB8:0::9", "2001:db8::9"),
        ("fe80::9%eth0", "fe80::9"),
        ("::ffff:203.0.113.10", "::ffff:cb00:710a"),
        ("ec2-203-0-113-10", "203-0-113-10"),
        ("0xCB00710A", "0xCB00710A"),
        ("3405803786", "3405803786"),
        ("anna@domain-a.example", "anna@"),
        ("elsewhere.te…", "elsewhere.te…"),
    ],
)
def test_what_is_no_pseudonym_is_a_stranger(page: str, written: str, word: str) -> None:
    assert word in strangers(texts_of(page.replace("{0}", written)), MADE)


@pytest.mark.parametrize(
    "text",
    [
        "host-a.domain-a.example:25, *.domain-a.example, _25._tcp.host-a.domain-a.example. mta-sts.domain-a.example",
        "198.18.0.1:25 [2001:DB8:a::1] 198.18.0.1/24",
        "reports@domain-a.example, dig @198.18.0.1",
        "a TXT record at _smtp._tls.DOMAIN",
        "https://mta-sts.domain-a.example/.well-known/mta-sts.txt",
        "key of host-a.dom… (15 more) …18.0.1) changed",
        "mtasts-nb 0.1.0, Python 3.11.7, 2026-02-08 14:05:10, 10,286 of 11,086, period=case",
    ],
)
def test_what_a_page_needs_is_none(text: str) -> None:
    assert strangers(texts_of(f"<p>{text}</p>"), MADE) == set()


def test_code_is_known_by_its_syntax_and_not_by_its_texts() -> None:
    cell = nbformat.v4.new_code_cell("import a.bc\narchive.sessions.head()  # nordwind.test\nx = 'elsewhere.test'")
    names = code_names(nbformat.v4.new_notebook(cells=[cell]))
    assert names == {"a.bc", "archive.sessions", "archive.sessions.head"}


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("<h2>mx1.nordwind.test</h2><p>x</p>", set()),
        ("<h2>mx1.nordwind.test</h2><p>mx1.nordwind.test</p>", {"mx1.nordwind.test", "nordwind.test"}),
        ("<h2>mx1.nordwind.test</h2><p>x at nordwind.test</p>", {"nordwind.test"}),
        ("<h2>To mx1.nordwind.test</h2>", {"mx1.nordwind.test", "nordwind.test"}),
    ],
)
def test_only_a_whole_text_of_our_own_is_let_through_and_once(page: str, found: set[str]) -> None:
    assert leaks(texts_of(page, "<h2>mx1.nordwind.test</h2>"), ORIGINALS) == found


def test_an_example_is_a_cell_that_reads_nothing_of_the_caller(made, cell) -> None:
    cells = {
        "domain = None": False,
        "other = domain": False,
        "def report(): return other": False,
        "hosts = ['aspmx.l.google.com']": True,
        "sts.explain(hosts)": True,
        "sts.explain(other)": False,
        "print(report())": False,
        "[x for x in domain]": False,
        "%time x": False,
        "hosts": False,
    }
    node = made(*(cell(text, tags=["parameters"] if text == "domain = None" else []) for text in cells))
    found = examples_in(node)
    assert {each.source: each.id in found for each in node.cells} == cells


def test_the_examples_of_a_guided_notebook_may_name_what_the_sources_name_and_no_other_output_may(
    made, cell, shown
) -> None:
    """Many domains have their mail at a provider that an example is about."""
    host = shown({"text/plain": "host aspmx.l.google.com"})
    redaction = Redaction("", {}, {}, None, "", frozenset({"aspmx.l.google.com"}), Pseudonyms(b"a"))
    about = About("x", "", "", "", {"mtasts-nb": "", "Python": ""}, {}, "", "")
    parameters = cell("domain = None", tags=["parameters"])
    for source, let_through in (("explain(1)", True), ("explain(domain)", False)):
        node = made("# A host", parameters, cell(source, host))
        with nullcontext() if let_through else pytest.raises(PublishError, match=r"such as 'aspmx\.l\.google\.com'"):
            redaction.check(page(node, about), Notebook("x", "", node, guided=True), page(_own_part(node), about))
