"""Sanitised HTML as a small tree, and back as text in which every character that matters is escaped.

A sanitiser's output is safe as it stands, but not to be cut with regular expressions: HTML leaves ``<``, ``>`` in
attributes and ``"`` in text unescaped. What changes the page's structure works on the tree.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Element", "as_html", "parse"]

_VOID = frozenset({"br", "col", "hr", "img", "wbr"})


@dataclass(slots=True, eq=False)
class Element:
    """One element.

    Attributes
    ----------
    tag : str
        Lower case; empty for the root.
    attributes : dict of str to str
        Values without escapes.
    children : list of Element or str
        Text without escapes.
    """

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        """Yield every element below, in document order."""
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.walk()

    def all(self, *tags: str) -> list[Element]:
        """Return the elements of these kinds below, in document order."""
        return [element for element in self.walk() if element.tag in tags]

    @property
    def text(self) -> str:
        """All text below, with single blanks."""
        return " ".join("".join(_texts(self)).split())


def _texts(element: Element) -> Iterator[str]:
    for child in element.children:
        if isinstance(child, str):
            yield child
        else:
            yield from _texts(child)


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        for position in range(len(self.open) - 1, 0, -1):
            if self.open[position].tag == tag:
                del self.open[position:]
                return

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(sanitised: str) -> Element:
    """Return the tree of sanitised HTML."""
    builder = _Builder()
    builder.feed(sanitised)
    builder.close()
    return builder.root


def as_html(element: Element, show: Callable[[str], str] = str) -> str:
    """Return the HTML of an element; `show` is applied to every text and attribute value before it is escaped."""
    parts: list[str] = []
    _write(element, show, parts)
    return "".join(parts)


def _write(element: Element, show: Callable[[str], str], parts: list[str]) -> None:
    if element.tag:
        attributes = "".join(
            f' {name}="{html.escape(show(value), quote=True)}"' for name, value in element.attributes.items()
        )
        parts.append(f"<{element.tag}{attributes}>")
    for child in element.children:
        if isinstance(child, str):
            parts.append(html.escape(show(child), quote=False))
        else:
            _write(child, show, parts)
    if element.tag and element.tag not in _VOID:
        parts.append(f"</{element.tag}>")
