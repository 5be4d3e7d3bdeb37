"""What may be shown: markdown and HTML, cut down to an allow-list.

The library escapes what strangers wrote before it becomes HTML (`markup`); this is the second line, for what an author
of a notebook forgot, and for what pandas and other libraries add (style elements, borders).
"""

from __future__ import annotations

import re

from ..markup import html_text, visible

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
_LINK = re.compile(r"(https?://|mailto:|#)", re.IGNORECASE)
# A link in an output may lead to the standards; any other came from data, and data is a stranger's.
_REFERENCE = re.compile(r"#|https://(www\.rfc-editor\.org|www\.iana\.org|datatracker\.ietf\.org)/")

_EMPTY_LINK = re.compile(r"<a(?: rel=\"[^\"]*\")?>(.*?)</a>", re.DOTALL)
_IMAGE_GONE = re.compile(r"<img(?![^>]*\bsrc=)[^>]*>")
_ALT = re.compile(r'alt="([^"]*)"')
_HEAD = re.compile(r"<thead[^>]*>.*?</thead>", re.DOTALL)
_TH = re.compile(r"<th(?=[ >])(?![^>]*\bscope=)")
_WHOLE_TABLE = re.compile(r"<table[^>]*>.*?</table>", re.DOTALL)
_CAPTION = re.compile(r"<caption[^>]*>(.*?)</caption>", re.DOTALL)
_EMPTY_HEAD = re.compile(r"<th[^>]*>\s*</th>")
_RIGHT = re.compile(r' style="text-align:right"')
_TAG = re.compile(r"<[^>]+>")
_CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)
_OPEN_CELL = re.compile(r"<(t[hd])(?=[ >])")
_ROW = re.compile(r"<tr[^>]*>.*?</tr>", re.DOTALL)
_BODY = re.compile(r"<tbody[^>]*>.*?</tbody>", re.DOTALL)
_ROLES = re.compile(r"<(table|thead|tbody|tr|td)(?=[ >])")
_ROLE = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}
# A day is not broken at its hyphens. A word longer than a column is broken anywhere; no other word is.
_DAY = re.compile(r"<td(?=[^>]*>\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?</td>)(?![^>]*class=)")
_LONG = re.compile(r"(<td(?![^>]*class=)[^>]*)(>[^<]*[^\s<]{29})")
#: From this many columns on, a table is laid out row by row on a phone.
_WIDE = 4


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
    # After the cleaning, which turns character references into the characters.
    return visible(_clean(html, _REFERENCE))


def _clean(html: str, link: re.Pattern[str]) -> str:
    import nh3

    def attribute(tag: str, name: str, value: str) -> str | None:
        if name == "class":
            return " ".join(part for part in value.split() if _CLASS.fullmatch(part)) or None
        if tag == "img" and name == "src":
            return value if _IMAGE.fullmatch(value) else None
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
    cleaned = _EMPTY_LINK.sub(r"\1", cleaned)
    cleaned = _IMAGE_GONE.sub(lambda match: _alt_of(match.group()), cleaned)
    return _WHOLE_TABLE.sub(lambda match: _table(match.group()), cleaned)


def _alt_of(image: str) -> str:
    found = _ALT.search(image)
    return found.group(1) if found else ""


def _table(table: str) -> str:
    """Return a table whose header cells say what they head, in a frame that scrolls where the screen is narrow.

    On a phone a wide table becomes one block per row (`_page.css`, class stack); each cell then needs its heading as
    a label, and the roles that a browser forgets when a table is no longer laid out as one.
    """
    if table.count("<table") > 1:
        return table  # a table in a table: left as it is, rather than cut in the wrong place
    table = _EMPTY_HEAD.sub("<td></td>", table)  # the corner of a pandas table heads nothing
    head = _HEAD.search(table)
    table = _HEAD.sub(lambda match: _TH.sub('<th scope="col"', match.group()), table)
    table = _TH.sub('<th scope="row"', table)
    labels = [_TAG.sub("", cell).strip() for cell in _CELL.findall(head.group())] if head else []
    kind = ""
    if len(labels) >= _WIDE and "span=" not in table:
        table = _BODY.sub(lambda match: _labelled(match.group(), labels), table)
        table = _ROLES.sub(lambda match: f'<{match.group(1)} role="{_ROLE[match.group(1)]}"', table)
        kind = " stack"
    table = _DAY.sub('<td class="day"', table)
    table = _LONG.sub(lambda match: f'{match.group(1)} class="long"{match.group(2)}', table)
    caption = _CAPTION.search(table)
    label = _TAG.sub("", caption.group(1)).strip() if caption else ""
    # The frame takes the keyboard's focus, so that it can be scrolled without a mouse; then it needs a name.
    return f'<div class="frame{kind}" role="region" tabindex="0" aria-label="{label or "Table"}">{table}</div>'


def _labelled(body: str, labels: list[str]) -> str:
    def row(match: re.Match[str]) -> str:
        names = iter(labels)
        return _OPEN_CELL.sub(lambda cell: f'<{cell.group(1)} data-label="{next(names, "")}"', match.group())

    return _ROW.sub(row, body)


def slug(heading: str) -> str:
    """Return the name by which a heading is linked to: as JupyterLab makes it.

    Examples
    --------
    >>> slug("What to do <em>next</em>?")
    'What-to-do-next?'
    """
    return html_text(re.sub(r"\s+", "-", _TAG.sub("", heading).strip()))
