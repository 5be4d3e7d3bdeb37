"""What may be shown: markdown and HTML, cut down to an allow-list.

The library escapes what strangers wrote before it becomes HTML (`markup`); this is the second line, for what an author
of a notebook forgot, and for what pandas and other libraries add (style elements, borders).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from ..markup import html_text, visible
from ._svg import is_only_a_picture
from ._tree import Element, as_html, parse

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
    "script",
    "style",
    "template",
    "title",
    "noscript",
    "iframe",
    "object",
    "embed",
    "svg",
    "math",
    "head",
    "textarea",
}
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
    root = parse(cleaned)
    _arrange(root)
    return as_html(root, show)


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


def _arrange(parent: Element) -> None:
    """Put text in place of images and links that were cut, and tables into frames."""
    children: list[Element | str] = []
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


def _framed(table: Element) -> Element:
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
            cell.attributes.setdefault("scope", "col" if any(cell is one for one in head_cells) else "row")
    for cell in table.all("td"):
        if kind := _kind(cell.text):
            cell.attributes.setdefault("class", kind)
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
    return Element("div", frame, [table])


def _kind(text: str) -> str:
    if _DAY.fullmatch(text):
        return "day"
    return "long" if any(len(word) > _LONG_WORD for word in text.split()) else ""


def _label(table: Element, labels: list[str]) -> None:
    for body in table.all("tbody"):
        for row in body.all("tr"):
            for number, (cell, label) in enumerate(zip(row.all("td", "th"), labels, strict=False)):
                # Two short cells share a line of the block.
                if number and len(cell.text) <= _BRIEF and len(label) <= 2 * _BRIEF:
                    cell.attributes["class"] = f"{cell.attributes.get('class', '')} brief".strip()
                cell.attributes["data-label"] = label
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
