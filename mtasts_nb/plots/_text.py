"""Text that is safe in a figure: visible, on one line, without mathtext, and no wider than its place."""

from __future__ import annotations

import re
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font, LoadFlags

from ..markup import number, one_line
from ._style import FONT

__all__ = ["compact", "fit", "label", "width", "wrap"]


# Two marks on a letter are a language, twenty are a tower over the neighbouring lines.
_MARKS = re.compile(
    "([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{2})[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


@lru_cache(maxsize=2)
def _face(weight: str) -> FT2Font:
    # One of our own: matplotlib changes the size of those it keeps.
    face = FT2Font(findfont(FontProperties(family=FONT, weight=weight)))
    face.set_size(100, 72)
    return face


@lru_cache(maxsize=4096)
def _advance(char: str, weight: str) -> float:
    """Return how far one character moves the pen, in parts of the size."""
    # Hinting to whole pixels makes a line wider than the outlines say, more so in thin letters.
    glyph = _face(weight).load_char(ord(char), flags=LoadFlags.NO_HINTING)
    return (1.02 if weight == "bold" else 1.045) * glyph.linearHoriAdvance / 65536 / 100


@lru_cache(maxsize=4096)
def _drawable(char: str) -> bool:
    return _face("normal").get_char_index(ord(char)) != 0


def label(text: object, characters: int = 44) -> str:
    """Return a stranger's text for a figure: one visible line, clipped, in letters that the font has.

    A dollar sign is escaped: matplotlib reads what stands between two of them as mathematics.

    Examples
    --------
    >>> label("mx1\\n$x^2$"), label("見出し")
    ('mx1 \\\\$x^2\\\\$', '\\\\u898b\\\\u51fa\\\\u3057')
    """
    line = one_line(_MARKS.sub(r"\1", str(text)), characters) or "(empty)"
    drawn = "".join(char if _drawable(char) else char.encode("unicode_escape").decode() for char in line)
    return one_line(drawn, characters + 12).replace("$", r"\$")


def width(text: str, size: float, weight: str = "normal") -> float:
    """Return about how wide a line is drawn, in points.

    Examples
    --------
    >>> 20 < width("mx1.", 9.0) < 30
    True
    """
    return size * sum(_advance(char, weight) for char in text)


def fit(text: str, points: float, size: float) -> str:
    """Return text for a figure with its middle left out until it is at most about `points` wide.

    Examples
    --------
    >>> fit("a-very-long-name.nordwind.example", 90, 9.0)
    'a-very-l….example'
    """
    line = label(text, 200)
    if width(line, size) <= points:
        return line
    plain = line.replace(r"\$", "$")
    keep = len(plain)
    while keep > 4:
        keep -= 1
        short = f"{plain[: (keep + 1) // 2]}…{plain[-(keep // 2) :]}"
        if width(short, size) <= points:
            return short.replace("$", r"\$")
    return "…"


def wrap(text: str, points: float, size: float, weight: str = "normal") -> list[str]:
    """Return text as lines of at most about `points`, broken at spaces.

    Examples
    --------
    >>> wrap("1,234 failed sessions at 3 MX", 100, 9.0)
    ['1,234 failed sessions', 'at 3 MX']
    """
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size, weight) <= points:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def compact(count: int, points: float, size: float) -> str:
    """Return a count that fits: in full where there is room, else rounded with k, M, G or T.

    Examples
    --------
    >>> compact(12345, 90, 9.0), compact(12345, 20, 9.0)
    ('12,345', '12k')
    """
    full = number(count)
    if width(full, size) <= points:
        return full
    scaled = float(count)
    for unit in ("", "k", "M", "G", "T"):
        if scaled < 999.5:
            return f"{scaled:.0f}{unit}" if scaled >= 9.95 or not unit else f"{scaled:.1f}{unit}"
        scaled /= 1000
    return f"{scaled * 1000:.0f}T"
