"""What makes an output harmless for its medium; written apart from the code that escapes, so that both must be right."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import unquote
from xml.etree import ElementTree as ET

__all__ = ["faults_of_csv", "faults_of_html", "faults_of_json", "faults_of_page", "faults_of_svg", "faults_of_text"]

_TAGS: Final = frozenset(
    [
        "a",
        "b",
        "br",
        "button",
        "caption",
        "code",
        "col",
        "colgroup",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "i",
        "img",
        "li",
        "nav",
        "ol",
        "p",
        "pre",
        "q",
        "section",
        "small",
        "span",
        "strong",
        "style",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_ATTRIBUTES: Final = frozenset(
    [
        "alt",
        "aria-label",
        "aria-hidden",
        "border",
        "class",
        "colspan",
        "href",
        "id",
        "open",
        "role",
        "rowspan",
        "scope",
        "src",
        "start",
        "tabindex",
        "title",
        "type",
    ]
)
#: What a page has beside the outputs in it.
_PAGE_TAGS: Final = _TAGS | {"html", "head", "meta", "title", "link", "body", "header", "main", "footer", "time"}
_PAGE_ATTRIBUTES: Final = _ATTRIBUTES | {
    "charset",
    "content",
    "data-label",
    "datetime",
    "http-equiv",
    "lang",
    "name",
    "rel",
}
_CLOSED_POLICY: Final = "default-src 'none'"
_SVG: Final = frozenset(["svg", "defs", "style", "g", "pattern", "path", "rect", "use", "clipPath", "line", "circle", "ellipse", "polygon", "polyline", "text", "tspan", "title", "desc", "image", "marker", "linearGradient", "stop"])  # fmt: skip
FORMULA: Final = "text that MathJax takes for a formula"
_FORMULA = re.compile(r"\$|\\\(|\\\[|\\begin")
_ADDRESS = re.compile(r'"data:image/svg\+xml;charset=utf-8,([^"]*)"')
_INLINE = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def _hidden(text: str, allowed: str) -> Iterator[str]:
    """Yield a fault for each kind of character that does not show, moves the cursor, or changes the order."""
    for char in sorted({char for char in text if char not in allowed}):
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            yield f"a raw U+{ord(char):04X}"


def faults_of_text(text: str, *, lines: bool = True) -> list[str]:
    """Return what in a text could act on a terminal."""
    return list(_hidden(text, "\n" if lines else ""))


class _Reader(HTMLParser):
    def __init__(self, *, page: bool = False) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self.policy = ""
        self.faults: set[str] = set()
        self.open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag not in (_PAGE_TAGS if self.page else _TAGS):
            self.faults.add(f"an element <{tag}>")
        for name, value in attrs:
            if name not in (_PAGE_ATTRIBUTES if self.page else _ATTRIBUTES):
                self.faults.add(f"an attribute {name[:40]}")
            if name == "href" and tag != "link" and not re.match(r"https://|#|mailto:", value or ""):
                self.faults.add(f"a link to {value!r:.60}")
            if name == "src" and not re.match(r"data:image/(svg\+xml|png);base64,", value or ""):
                self.faults.add(f"an address to load {value!r:.60}")
            self.faults.update(_hidden(value or "", "\n\t"))
        if tag == "meta" and names.get("http-equiv"):
            self.policy += names["content"] or ""
        if tag == "link" and names.get("href") != "data:,":
            self.faults.add(f"a link to load {names.get('href')!r:.60}")
        if tag not in ("br", "col", "img", "link", "meta"):
            ignored = bool(self.open and self.open[-1][1]) or "mathjax_ignore" in (names.get("class") or "").split()
            self.open.append((tag, ignored))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop()[0] != tag:
            self.faults.add(f"an end of <{tag}> where none was open")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1][0] == "style":
            return
        self.faults.update(_hidden(data, "\n\t"))
        if _FORMULA.search(data) and not (self.open and self.open[-1][1]):
            self.faults.add(FORMULA)

    def handle_comment(self, data: str) -> None:
        self.faults.add("a comment")


def faults_of_html(html: str, largest: int = 2_000_000) -> list[str]:
    """Return what in the HTML of an output could run, load, leave its place, hide, or become a formula."""
    return sorted(_read(_Reader(), html, largest))


def faults_of_page(html: str, largest: int = 2_000_000) -> list[str]:
    """Return the same of a published page: it has no MathJax, its figures inline, and a policy that nothing comes before."""
    reader = _Reader(page=True)
    addresses = [unescape(unquote(picture)) for picture in _ADDRESS.findall(html)]
    rest = _ADDRESS.sub('"data:image/png;base64,"', html)
    faults = _read(reader, _INLINE.sub("", rest), largest) - {FORMULA}
    for picture in (*addresses, *_INLINE.findall(rest)):
        faults.update(faults_of_svg(picture))
    if not reader.policy.startswith(_CLOSED_POLICY) or "script" in reader.policy:
        faults.add(f"the content security policy {reader.policy!r:.80}")
    if html.find("http-equiv") > html.find("<title"):
        faults.add("a title before the content security policy")
    return sorted(faults)


def _read(reader: _Reader, html: str, largest: int) -> set[str]:
    reader.feed(html)
    reader.close()
    if reader.open:
        reader.faults.add(f"<{reader.open[-1][0]}> is not closed")
    if len(html.encode("utf-8", "replace")) > largest:
        reader.faults.add(f"{len(html):,} characters")
    return reader.faults.union(_hidden(html, "\n\t"))


def faults_of_svg(svg: str) -> list[str]:
    """Return what in a picture is more than a picture."""
    faults = set(_hidden(svg, "\n\t"))
    for element in ET.fromstring(svg).iter():
        name = str(element.tag).rpartition("}")[2]
        if name not in _SVG:
            faults.add(f"an element <{name}>")
        for key, value in element.attrib.items():
            if key.lower().startswith("on"):
                faults.add(f"an attribute {key}")
            if key.endswith("href") and not re.match(r"#|data:image/png;base64,", value):
                faults.add(f"a link to {value:.60}")
    return sorted(faults)


def faults_of_json(text: str) -> list[str]:
    """Return what is wrong with JSON that a program reads or a terminal shows."""
    json.loads(text)
    return list(_hidden(text, "\n"))


def faults_of_csv(text: str) -> list[str]:
    """Return the cells that a spreadsheet would run, whatever separator it takes."""
    faults = set(_hidden(text, "\n\t"))
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    for cell in cells:
        for part in re.split(r"[;\t\n]", cell):
            start = unicodedata.normalize("NFKC", part.lstrip().lstrip('"').lstrip())
            if start[:1] in ("=", "+", "-", "@") and not _NUMBER.fullmatch(cell):
                faults.add(f"a formula {part[:40]!r}")
    return sorted(faults)


def faults_of_frame(frame: Any) -> list[str]:
    """Return what is wrong with a frame that is a view: printed, it is text."""
    return sorted(
        {
            fault
            for name in frame
            for value in [name, *frame[name]]
            if isinstance(value, str)
            for fault in _hidden(value, "\n\t")
        }
    )
