"""Read the page once more, as a browser would, and reject it where it breaks a promise."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from ..errors import PublishError
from ..markup import one_line

__all__ = ["broken_promises", "check", "is_only_a_picture"]

# Elements that run something or load something, and attributes that do.
_FORBIDDEN = {"script", "iframe", "frame", "object", "embed", "base", "form", "input", "button", "math", "audio",
              "video", "source", "track", "applet", "portal", "template", "noscript"}  # fmt: skip
_LOADING = {"src", "srcset", "poster", "background", "data", "action", "formaction", "ping", "manifest", "xlink:href"}
# In an SVG element that is a part of the page, shapes alone.
_SHAPES = {"svg", "g", "path", "use", "defs", "clippath", "rect", "pattern", "title"}
_STYLE_ADDRESS = re.compile(r"@import|url\(|expression\(|\\", re.IGNORECASE)
_HREF = re.compile(r"(https?://|mailto:|#)", re.IGNORECASE)
# An image element runs and loads none of this; we want none of it in the file.
_ACTIVE_SVG = re.compile(
    rb"<\s*(script|foreignObject|iframe|animate\w*|set|handler)\b|\son[a-z]+\s*=|href\s*=\s*[\"']\s*(?!#|data:image/(png|jpeg))|"
    rb"url\(\s*[\"']?(?!#)|@import|<!ENTITY|<\?xml-stylesheet",
    re.IGNORECASE,
)


def is_only_a_picture(svg: bytes) -> bool:
    """Return whether an SVG holds neither a script nor an address that would be loaded.

    Examples
    --------
    >>> is_only_a_picture(b"<svg><path d='M0 0'/></svg>"), is_only_a_picture(b"<svg onload='x()'/>")
    (True, False)
    """
    return _ACTIVE_SVG.search(re.sub(rb"<!DOCTYPE[^>\[]*>", b"", svg)) is None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.broken: list[str] = []
        self.in_style = False
        self.styles = 0
        self.in_svg = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_svg |= tag == "svg"
        if tag in _FORBIDDEN or (self.in_svg and tag not in _SHAPES):
            self._add(f"an element <{tag}>{' in a figure' if self.in_svg else ''}")
        self.in_style = tag == "style"
        self.styles += tag == "style"
        attributes = {name: value or "" for name, value in attrs}
        for name, value in attributes.items():
            if self.in_svg and ((name.endswith("href") and value[:1] != "#") or re.search(r"url\((?!#)", value)):
                self._add(f"an address in a figure: {one_line(value, 80)}")
            if name.startswith("on") or name in ("style", "srcdoc"):
                self._add(f"an attribute {name} on <{tag}>")
            elif name in _LOADING and not (tag == "img" and name == "src" and value.startswith("data:image/")):
                self._add(f"an address to load on <{tag}>: {one_line(value, 80)}")
            elif name == "href" and tag == "link" and value != "data:,":
                self._add(f"a link element to {one_line(value, 80)}")
            elif name == "href" and tag not in ("link", "use") and not _HREF.match(value):
                self._add(f"a link to {one_line(value, 80)}")
            elif tag == "meta" and name == "http-equiv" and value.lower() != "content-security-policy":
                self._add(f"a meta element {one_line(value, 80)}")
        if tag == "img" and not attributes.get("alt", "").strip():
            self._add("an image without alternative text")
        if tag == "svg" and not attributes.get("aria-label", "").strip():
            self._add("a figure without alternative text")

    def handle_endtag(self, tag: str) -> None:
        if tag == "style":
            self.in_style = False
        self.in_svg &= tag != "svg"

    def handle_data(self, data: str) -> None:
        if self.in_style and _STYLE_ADDRESS.search(data):
            self._add("a style sheet that names an address")

    def _add(self, what: str) -> None:
        if what not in self.broken:
            self.broken.append(what)


def broken_promises(html: str) -> list[str]:
    """Return what in a page would run or load something, or hide from a screen reader; a phrase each.

    Examples
    --------
    >>> broken_promises('<p>fine</p><img src="https://example.com/x.png" alt="x">')
    ['an address to load on <img>: https://example.com/x.png']
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    if reader.styles > 1:
        reader._add("more than one style sheet")  # noqa: SLF001 - of this module
    return reader.broken


def check(html: str, name: str) -> None:
    """Raise PublishError where the page of the notebook `name` breaks a promise."""
    if broken := broken_promises(html):
        raise PublishError(
            f"The page made from {name} holds {'; '.join(broken[:5])}. Nothing was written. "
            "This should have been taken out: please report it, with the notebook."
        )
