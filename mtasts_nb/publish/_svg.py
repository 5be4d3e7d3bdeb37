"""When an SVG is a picture and nothing more."""

from __future__ import annotations

import re

__all__ = ["is_only_a_picture"]

# An image element runs and loads none of this; we want none of it in the file.
_ACTIVE = re.compile(
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
    return _ACTIVE.search(re.sub(rb"<!DOCTYPE[^>\[]*>", b"", svg)) is None
