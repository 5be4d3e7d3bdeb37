"""A figure as a part of the page: its colours follow the page's, and its parts have titles under the pointer.

An SVG element in a page could run and load what one in an image cannot. So it is written again from an allow-list of
elements, attributes and values; what has anything else stays an image.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree

from ..markup import html_text, one_line

__all__ = ["inline_svg"]

_SVG: Final = "{http://www.w3.org/2000/svg}"
_LINK: Final = "{http://www.w3.org/1999/xlink}href"
_NUMBERS: Final = re.compile(r"[\d.,eE+\s-]+(px|pt)?")
_WORDS: Final = re.compile(r"[a-zA-Z]+|[#\w.]+")
_PATH: Final = re.compile(r"[\d.,eEMmLlHhVvCcSsQqTtAaZz+\s-]*")
_TRANSFORM: Final = re.compile(r"((matrix|translate|scale|rotate)\([\d.,eE+\s-]*\)\s*)*")
_LOCAL: Final = re.compile(r"url\(#([\w.-]+)\)")
_VALUES: Final = {
    "d": _PATH, "x": _NUMBERS, "y": _NUMBERS, "width": _NUMBERS, "height": _NUMBERS, "transform": _TRANSFORM,
    "viewBox": _NUMBERS, "patternUnits": _WORDS, "pointer-events": _WORDS, "fill": _WORDS, "stroke": _WORDS,
    "stroke-width": _NUMBERS, "stroke-linecap": _WORDS, "stroke-linejoin": _WORDS, "stroke-dasharray": _NUMBERS,
    "stroke-dashoffset": _NUMBERS, "stroke-miterlimit": _NUMBERS, "opacity": _NUMBERS, "fill-opacity": _NUMBERS,
    "stroke-opacity": _NUMBERS, "fill-rule": _WORDS,
}  # fmt: skip
_ELEMENTS: Final = frozenset({"svg", "g", "path", "use", "defs", "clipPath", "rect", "pattern", "title"})
#: matplotlib's style sheet, as attributes of the root.
_STYLE: Final = "*{stroke-linejoin: round; stroke-linecap: butt}"
_LEFT_OUT: Final = frozenset({"version", "role", "aria-label", "metadata"})


class _NotPlainError(Exception):
    """An SVG holds something that is not on the allow-list."""


def inline_svg(svg: str, prefix: str, alt: str, kind: str) -> str | None:
    """Return an SVG as an element of a page; None where it holds more than shapes, and stays an image.

    Parameters
    ----------
    svg : str
        What a figure offers.
    prefix : str
        Begins its ids, so that those of several figures differ.
    alt : str
        Its alternative text.
    kind : str
        The class of the element.

    Examples
    --------
    >>> inline_svg("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><path d='M0 0' id='a'/></svg>", "f1", "a <line>", "wide")
    '<svg class="wide" role="img" aria-label="a &lt;line&gt;" viewBox="0 0 9 9"><path d="M0 0" id="f1a"/></svg>'
    >>> inline_svg("<svg xmlns='http://www.w3.org/2000/svg'><script>x()</script></svg>", "f1", "", "wide") is None
    True
    """
    if re.search(r"<!(?!--)|<\?", svg):  # entities, another encoding
        return None
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314 - without a document type there are no entities
        if root.tag != f"{_SVG}svg" or "viewBox" not in root.attrib:
            return None
        view = root.attrib.pop("viewBox")
        root.attrib = {"viewBox": view}
        joins = ' stroke-linejoin="round" stroke-linecap="butt"' if _takes_style(root) else ""
        body = "".join(_written(child, prefix) for child in root)
        attributes = "".join(_attributes(root, prefix))
    except (ElementTree.ParseError, _NotPlainError):
        return None
    label = f'class="{kind}" role="img" aria-label="{html_text(alt)}"'
    return f"<svg {label}{attributes}{joins}>{body}</svg>"


def _takes_style(root: ElementTree.Element) -> bool:
    """Remove matplotlib's style sheet; return whether it was there."""
    for parent in root.iter():
        for child in parent.findall(f"{_SVG}style"):
            if (child.text or "").strip() != _STYLE:
                raise _NotPlainError
            parent.remove(child)
            return True
    return False


def _written(element: ElementTree.Element, prefix: str) -> str:
    name = element.tag.removeprefix(_SVG)
    if name not in _ELEMENTS or (name == "svg") or ((element.text or "").strip() and name != "title"):
        raise _NotPlainError
    if name == "title":
        return f"<title>{html_text(one_line(element.text or '', 600))}</title>"
    inner = "".join(_written(child, prefix) for child in element)
    opened = f"<{name}{''.join(_attributes(element, prefix))}"
    return f"{opened}>{inner}</{name}>" if inner else f"{opened}/>"


def _attributes(element: ElementTree.Element, prefix: str) -> Iterator[str]:
    for name, value in element.attrib.items():
        if name == "style":
            for rule in filter(None, (part.strip() for part in value.split(";"))):
                key, _, text = rule.partition(":")
                yield _attribute(key.strip(), text.strip(), prefix)
        else:
            yield _attribute(name, value, prefix)


def _attribute(name: str, value: str, prefix: str) -> str:
    if name in _LEFT_OUT:
        return ""
    if name == "id" and re.fullmatch(r"[\w.-]+", value):
        return f' id="{prefix}{value}"'
    if name == _LINK and re.fullmatch(r"#[\w.-]+", value):
        return f' href="#{prefix}{value[1:]}"'
    if name in ("clip-path", "fill") and (local := _LOCAL.fullmatch(value)):
        return f' {name}="url(#{prefix}{local[1]})"'
    if name in _VALUES and _VALUES[name].fullmatch(value):
        return f' {name}="{" ".join(value.split())}"'
    raise _NotPlainError
