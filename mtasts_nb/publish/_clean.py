"""What may be shown: markdown and HTML, cut down to an allow-list.

The library escapes what strangers wrote before it becomes HTML (`markup`); this is the second line, for what an author
of a notebook forgot, and for what pandas and other libraries add (style elements, borders).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable
from html import escape

from bs4 import BeautifulSoup, Tag
from bs4.formatter import HTMLFormatter

from ..markup import html_text, visible
from ._promises import is_only_a_picture

__all__ = ["clean_markdown", "clean_output", "slug"]

_TEXT = {
    "a", "abbr", "b", "blockquote", "br", "cite", "code", "dd", "del", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4",
    "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong",
    "sub", "sup", "time", "ul", "var", "details", "summary", "figure", "figcaption", "section", "meter",
}  # fmt: skip
_TABLE = {"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td"}
_ATTRIBUTES = {
    "*": {"class", "title", "lang", "dir"},
    "a": {"href"},
    "col": {"span"},
    "colgroup": {"span"},
    "details": {"open"},
    "img": {"src", "alt"},
    "meter": {"value", "min", "max", "low", "high", "optimum"},
    "ol": {"start"},
    "td": {"colspan", "rowspan", "headers"},
    "th": {"colspan", "rowspan", "scope", "abbr"},
    "time": {"datetime"},
}
_GONE = {
    "script", "style", "template", "title", "noscript", "iframe", "object", "embed", "svg", "math", "head", "textarea",
}  # fmt: skip
# Classes are ours: a stranger's element must not pass for a part of the page, such as the skip link.
_CLASS = re.compile(r"sts(-[a-z-]+)?|num|dataframe")
_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
_DRAWING = "data:image/svg+xml;base64,"
_LINK = re.compile(r"(https?://|mailto:|#)", re.IGNORECASE)
# A link in an output may lead to the standards; any other came from data, and data is a stranger's.
_REFERENCE = re.compile(r"#|https://(www\.rfc-editor\.org|www\.iana\.org|datatracker\.ietf\.org)/")

_TAG = re.compile(r"<[^>]+>")
_RIGHT = re.compile(r' style="text-align:right"')
_DAY = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?")
#: A word of more letters may be broken anywhere, so that its column stays narrow; no other word is.
_LONG_WORD = 29
#: From this many columns on, a table is laid out row by row on a phone.
_WIDE = 3
#: A cell of up to so many letters needs half a phone's width only.
_BRIEF = 11
_ROLES = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}


def clean_markdown(text: str) -> str:
    """Return the HTML of a markdown cell, without script, style, and addresses that would be loaded.

    Examples
    --------
    >>> clean_markdown("*now* <script>x</script> ![a chart](https://example.com/x.png)")
    '<p><em>now</em> a chart</p>\\n'
    """
    from nbconvert.filters import markdown2html_mistune  # type: ignore[attr-defined, unused-ignore]

    html = str(markdown2html_mistune(text))
    # nbconvert hangs a pilcrow on each heading; here the contents list leads to them.
    html = re.sub(r'<a class="anchor-link"[^>]*>.*?</a>', "", html)
    return _clean(_RIGHT.sub(' class="num"', html), _LINK)


def clean_output(html: str) -> str:
    """Return the HTML of a cell's output, without script, style, ids, and links to anywhere but the standards.

    Examples
    --------
    >>> clean_output('<b onclick="x()" class="sts skip">1</b><a href="https://evil.example">2</a>')
    '<b class="sts">1</b>2'
    """
    return _clean(html, _REFERENCE, visible)


def _clean(html: str, link: re.Pattern[str], show: Callable[[str], str] = str) -> str:
    import nh3

    def attribute(tag: str, name: str, value: str) -> str | None:
        if name == "class":
            return " ".join(part for part in value.split() if _CLASS.fullmatch(part)) or None
        if tag == "img" and name == "src":
            return value if _IMAGE.fullmatch(value) or _is_drawing(value) else None
        if tag == "a" and name == "href":
            return value if link.match(value) else None
        return value

    cleaned = nh3.clean(
        html,
        tags=_TEXT | _TABLE,
        clean_content_tags=_GONE,
        attributes=_ATTRIBUTES,
        attribute_filter=attribute,
        url_schemes={"https", "http", "mailto", "data"},
        link_rel="noopener noreferrer",
    )
    # A sanitiser's output is safe as it is, but not to be cut with regular expressions: HTML leaves ``<``, ``>`` in
    # attributes and ``"`` in text unescaped. The div: text alone might be taken for a file's name.
    root = BeautifulSoup(f"<div>{cleaned}</div>", "html.parser", multi_valued_attributes=None)
    # From the end: what is inside an element comes before it.
    for element in reversed(root.find_all(("img", "a", "table", "figure", "pre"))):
        _arrange(element)
    assert root.div is not None
    return root.div.decode_contents(formatter=_Formatter(show))


def _is_drawing(address: str) -> bool:
    """Return whether an address holds an SVG inside itself that is a picture and nothing more."""
    if not address.startswith(_DRAWING):
        return False
    try:
        svg = base64.b64decode(address.removeprefix(_DRAWING), validate=True)
    except ValueError:
        return False
    # Without a declaration it is UTF-8: nothing hides in another encoding.
    return svg.startswith(b"<svg") and is_only_a_picture(svg)


class _Formatter(HTMLFormatter):
    """How the tree is written: `show` is applied to every text and attribute value before it is escaped."""

    def __init__(self, show: Callable[[str], str]) -> None:
        super().__init__()
        vars(self).update(vars(self.REGISTRY["html5"]))  # `<br>`, not `<br/>`
        self.show = show

    def substitute(self, ns: str) -> str:
        """Return a text, escaped."""
        return escape(self.show(ns), quote=False)

    def attribute_value(self, value: str) -> str:
        """Return the value of an attribute, escaped."""
        return escape(self.show(value))

    def attributes(self, tag: Tag) -> Iterable[tuple[str, str | None]]:
        """Return the attributes as they came; the library would sort them."""
        return [(name, str(value)) for name, value in tag.attrs.items()]


def _arrange(element: Tag) -> None:
    """Put text in place of an image or a link that was cut, and a table or a figure into a frame."""
    if element.name == "img":
        if "src" not in element.attrs:
            element.replace_with(str(element.get("alt", "")))
    elif element.name == "a":
        if "href" not in element.attrs:
            element.unwrap()
    elif element.name == "table":
        _frame(element)
    elif element.name == "pre":
        if "sts-list" in str(element.get("class", "")).split():
            element["tabindex"] = "0"  # a list that scrolls, also without a mouse
    else:
        # Wider than a phone, it scrolls in its frame.
        element.attrs |= {"class": "frame", "role": "region", "tabindex": "0", "aria-label": "Figure"}


def _frame(table: Tag) -> None:
    """Put a table whose header cells say what they head into a frame that scrolls where the screen is narrow.

    On a phone a wide table becomes one block per row (`_page.css`, class stack); each cell then needs its heading as
    a label, and the roles that a browser forgets when a table is no longer laid out as one.
    """
    heads = table.find_all("thead")
    head_cells = [cell for head in heads for cell in head.find_all(("th", "td"))]
    heading_ids = {id(cell) for cell in head_cells}
    for cell in table.find_all("th"):
        if not _text(cell):
            cell.name = "td"  # the corner of a pandas table heads nothing
        else:
            cell.attrs.setdefault("scope", "col" if id(cell) in heading_ids else "row")
    for cell in table.find_all("td"):
        if kind := _kind(_text(cell)):
            cell.attrs.setdefault("class", kind)
    if "sts" not in (classes := str(table.get("class", "")).split()):
        table["class"] = " ".join([*classes, "sts"])  # the tables of pandas and of markdown look like ours
    spans = table.find(("td", "th"), colspan=True) or table.find(("td", "th"), rowspan=True)
    stacked = len(heads) == 1 and len(head_cells) >= _WIDE and not spans and table.table is None
    if stacked:
        _label(table, [_text(cell) for cell in head_cells])
    # The frame takes the keyboard's focus, so that it can be scrolled without a mouse; then it needs a name.
    name = _text(table.caption) if table.caption else ""
    frame = {"class": "frame stack" if stacked else "frame", "role": "region", "tabindex": "0"}
    table.wrap(Tag(name="div", attrs=frame | {"aria-label": name or "Table"}))


def _text(element: Tag) -> str:
    """Return all text of an element, with single blanks."""
    return " ".join(element.text.split())


def _kind(text: str) -> str:
    if _DAY.fullmatch(text):
        return "day"
    return "long" if any(len(word) > _LONG_WORD for word in text.split()) else ""


def _label(table: Tag, labels: list[str]) -> None:
    for row in table.select("tbody tr"):
        for number, (cell, label) in enumerate(zip(row.find_all(("td", "th")), labels, strict=False)):
            # Two short cells share a line of the block.
            if number and not cell.img and len(_text(cell)) <= _BRIEF and len(label) <= 2 * _BRIEF:
                cell["class"] = f"{cell.get('class', '')} brief".strip()
            cell["data-label"] = label
            if len(cell.contents) != 1:  # beside its label, one thing
                inner = Tag(name="div")
                inner.extend(list(cell.contents))
                cell.append(inner)
    for element in (table, *table.find_all(tuple(_ROLES))):
        element["role"] = _ROLES[element.name]


def slug(heading: str) -> str:
    """Return the name by which a heading is linked to: as JupyterLab makes it.

    Examples
    --------
    >>> slug("What to do <em>next</em>?")
    'What-to-do-next?'
    """
    return html_text(re.sub(r"\s+", "-", _TAG.sub("", heading).strip()))
