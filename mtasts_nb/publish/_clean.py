"""What may be shown: markdown and HTML, cut down to an allow-list.

The library escapes what strangers wrote before it becomes HTML (`markup`); this is the second line, for what an author
of a notebook forgot, and for what pandas and other libraries add (style elements, borders).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

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
_WITHOUT_END = frozenset({"br", "col", "hr", "img", "wbr"})
_ROLES = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}


def clean_markdown(text: str) -> str:
    """Return the HTML of a markdown cell, without script, style, and addresses that would be loaded.

    Examples
    --------
    >>> clean_markdown("*now* <script>x</script> ![a chart](https://example.com/x.png)")
    '<p><em>now</em>  a chart</p>\\n'
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
    root = _parse(cleaned)
    _arrange(root)
    return _as_html(root, show)


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


def _arrange(parent: _Element) -> None:
    """Put text in place of images and links that were cut, and tables into frames."""
    children: list[_Element | str] = []
    for child in parent.children:
        if isinstance(child, str):
            children.append(child)
            continue
        _arrange(child)
        if child.tag == "img" and "src" not in child.attributes:
            children.append(child.attributes.get("alt", ""))
        elif child.tag == "a" and "href" not in child.attributes:
            children += child.children
        elif child.tag == "table":
            children.append(_framed(child))
        elif child.tag == "figure":
            # Wider than a phone, it scrolls in its frame.
            child.attributes.update({"class": "frame", "role": "region", "tabindex": "0", "aria-label": "Figure"})
            children.append(child)
        else:
            children.append(child)
    parent.children = children


def _framed(table: _Element) -> _Element:
    """Return a table whose header cells say what they head, in a frame that scrolls where the screen is narrow.

    On a phone a wide table becomes one block per row (`_page.css`, class stack); each cell then needs its heading as
    a label, and the roles that a browser forgets when a table is no longer laid out as one.
    """
    heads = table.all("thead")
    head_cells = [cell for head in heads for cell in head.all("th", "td")]
    for cell in table.all("th"):
        if not cell.text:
            cell.tag = "td"  # the corner of a pandas table heads nothing
        else:
            cell.attributes.setdefault("scope", "col" if cell in head_cells else "row")
    for cell in table.all("td"):
        if kind := _kind(cell.text):
            cell.attributes.setdefault("class", kind)
    if "sts" not in (classes := table.attributes.get("class", "").split()):
        table.attributes["class"] = " ".join([*classes, "sts"])  # the tables of pandas and of markdown look like ours
    captions = table.all("caption")
    name = captions[0].text if captions else ""
    spans = any({"colspan", "rowspan"} & set(cell.attributes) for cell in table.all("td", "th"))
    stacked = len(heads) == 1 and len(head_cells) >= _WIDE and not spans and len(table.all("table")) == 0
    if stacked:
        _label(table, [cell.text for cell in head_cells])
    # The frame takes the keyboard's focus, so that it can be scrolled without a mouse; then it needs a name.
    frame = {
        "class": "frame stack" if stacked else "frame",
        "role": "region",
        "tabindex": "0",
        "aria-label": name or "Table",
    }
    return _Element("div", frame, [table])


def _kind(text: str) -> str:
    if _DAY.fullmatch(text):
        return "day"
    return "long" if any(len(word) > _LONG_WORD for word in text.split()) else ""


def _label(table: _Element, labels: list[str]) -> None:
    for body in table.all("tbody"):
        for row in body.all("tr"):
            for number, (cell, label) in enumerate(zip(row.all("td", "th"), labels, strict=False)):
                # Two short cells share a line of the block.
                if number and len(cell.text) <= _BRIEF and len(label) <= 2 * _BRIEF:
                    cell.attributes["class"] = f"{cell.attributes.get('class', '')} brief".strip()
                cell.attributes["data-label"] = label
                if len(cell.children) != 1:
                    cell.children = [_Element("div", {}, cell.children)]  # beside its label, one thing
    for element in (table, *table.walk()):
        if role := _ROLES.get(element.tag):
            element.attributes["role"] = role


def slug(heading: str) -> str:
    """Return the name by which a heading is linked to: as JupyterLab makes it.

    Examples
    --------
    >>> slug("What to do <em>next</em>?")
    'What-to-do-next?'
    """
    return html_text(re.sub(r"\s+", "-", _TAG.sub("", heading).strip()))


# A sanitiser's output is safe as it is, but not to be cut with regular expressions: HTML leaves ``<``, ``>`` in attributes
# and ``"`` in text unescaped. So what changes the page's structure works on a small tree.


@dataclass(slots=True, eq=False)
class _Element:
    """One element: attribute values and texts are without escapes; the root has no tag."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[_Element | str] = field(default_factory=list)

    def walk(self) -> Iterator[_Element]:
        """Yield every element below, in document order."""
        for child in self.children:
            if isinstance(child, _Element):
                yield child
                yield from child.walk()

    def all(self, *tags: str) -> list[_Element]:
        """Return the elements of these kinds below, in document order."""
        return [element for element in self.walk() if element.tag in tags]

    @property
    def text(self) -> str:
        """All text below, with single blanks."""
        return " ".join("".join(_texts(self)).split())


def _texts(element: _Element) -> Iterator[str]:
    for child in element.children:
        if isinstance(child, str):
            yield child
        else:
            yield from _texts(child)


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Element("")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = _Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _WITHOUT_END:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        for position in range(len(self.open) - 1, 0, -1):
            if self.open[position].tag == tag:
                del self.open[position:]
                return

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def _parse(sanitised: str) -> _Element:
    """Return the tree of sanitised HTML."""
    builder = _Builder()
    builder.feed(sanitised)
    builder.close()
    return builder.root


def _as_html(element: _Element, show: Callable[[str], str] = str) -> str:
    """Return the HTML of an element; `show` is applied to every text and attribute value before it is escaped."""
    content = "".join(
        escape(show(child), quote=False) if isinstance(child, str) else _as_html(child, show)
        for child in element.children
    )
    if not element.tag:
        return content
    attributes = "".join(f' {name}="{escape(show(value))}"' for name, value in element.attributes.items())
    end = "" if element.tag in _WITHOUT_END else f"</{element.tag}>"
    return f"<{element.tag}{attributes}>{content}{end}"
