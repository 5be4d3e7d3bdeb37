"""Figures as files and as notebook output: repeatable, self-contained, with the sentences that describe them."""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import matplotlib as mpl
from matplotlib.axes import Axes

from ..markup import svg_text
from ..render import NARROW_SVG, PUBLISHING, Document, Paragraph, to_html
from ._style import AGAIN, DEFAULTS, FIGURE_WIDTH, NARROW, PNG_DPI

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

__all__ = ["Picture", "alt_text", "show", "to_png", "to_svg"]

_TEXTS: WeakKeyDictionary[Axes, str] = WeakKeyDictionary()
_EMPTY: WeakKeyDictionary[Axes, str] = WeakKeyDictionary()
_TIPS: WeakKeyDictionary[Axes, Sequence[Tip]] = WeakKeyDictionary()
_MOST_TIPS: Final = 400


@dataclass(frozen=True, slots=True)
class Tip:
    """What a part of a panel shows when the pointer is on it: from `left` to `right`, over the whole height or a part."""

    left: float
    right: float
    text: str
    low: float | None = None
    high: float | None = None


def set_tips(ax: Axes, tips: Iterable[Tip]) -> None:
    """Keep what parts of a panel show under the pointer; not in a rendering for a phone, which has none.

    More parts than `_MOST_TIPS` show nothing: they are too narrow to point at, and would double the file.
    """
    # In a figure a dollar sign is escaped.
    texts = tuple(replace(tip, text=tip.text.replace(r"\$", "$")) for tip in tips)
    if FIGURE_WIDTH.get() != NARROW and len(texts) <= _MOST_TIPS:
        _TIPS[ax] = texts


def set_empty(ax: Axes, sentence: str) -> None:
    """Keep the sentence that is shown in place of a figure with nothing to show."""
    _EMPTY[ax] = " ".join(sentence.split()).replace(r"\$", "$")


# An SVG beyond this is shown as PNG: a page with a year of reports stays below two megabytes.
_LARGEST_SVG: Final = 300_000
# Letters become paths: the picture needs no font, and no foreign text is in the file but in the label, escaped.
_SETTINGS: Final[dict[Any, Any]] = {
    **DEFAULTS,
    "svg.hashsalt": "mtasts-nb",
    "svg.fonttype": "path",
    "svg.image_inline": True,
    "svg.id": None,
    "savefig.bbox": None,
    "savefig.pad_inches": 0.1,
    "savefig.transparent": False,
}
_COMPRESSION: Final = 3
_NO_METADATA: Final = {"Date": None, "Creator": None, "Format": None, "Type": None}

_PREAMBLE = re.compile(r"\A.*?(?=<svg\b)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
# Each text is repeated in a comment.
_COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)
_PATH = re.compile(r'(?<= d=")[^"]*')
_DECIMALS = re.compile(r"(?<=\.\d\d)\d+")


def set_alt(ax: Axes, *sentences: str) -> None:
    """Keep the alternative text of an Axes for as long as the Axes lives; empty sentences are left out."""
    # In a figure a dollar sign is escaped.
    _TEXTS[ax] = " ".join(" ".join(sentences).split()).replace(r"\$", "$")


def alt_text(what: Axes | Figure | SubFigure) -> str:
    """Return what a figure shows, in sentences with numbers; empty for a figure of another origin.

    Parameters
    ----------
    what : Axes or Figure
        A plot of this package, or a figure that has some; several are joined in the order they were made.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> alt_text(Figure())
    ''
    """
    if isinstance(what, Axes):
        return _TEXTS.get(what, "")
    return " ".join(_TEXTS[ax] for ax in what.axes if ax in _TEXTS)


def _figure_of(what: Axes | Figure | SubFigure) -> Figure:
    figure = what.get_figure(root=True)
    if figure is None:
        raise ValueError("this Axes was removed from its figure: draw it again")
    return figure


def _write(what: Axes | Figure | SubFigure, kind: str, **options: Any) -> bytes:
    figure = _figure_of(what)
    out = io.BytesIO()
    # Without a layout of its own, a figure may have its legend outside the page.
    tight = None if figure.get_layout_engine() else "tight"
    with mpl.rc_context(_SETTINGS):
        figure.savefig(out, format=kind, facecolor=figure.get_facecolor(), bbox_inches=tight, **options)
    return out.getvalue()


def to_svg(what: Axes | Figure | SubFigure) -> str:
    """Return a figure as one SVG element, the same bytes each time.

    Letters are drawn as paths, so that it looks the same everywhere and holds no text but its label; it names no
    address and holds no script. The alternative text is its ``aria-label``.

    Parameters
    ----------
    what : Axes or Figure
        A plot of this package, or any figure; of an Axes, its whole figure.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> to_svg(Figure())[:4]
    '<svg'
    """
    text = _write(what, "svg", metadata=_NO_METADATA).decode("utf-8")
    text = _METADATA.sub("", _PREAMBLE.sub("", text), count=1)
    text = _COMMENT.sub("", text)
    # A hundredth of a point is finer than any screen; it halves the file.
    text = _PATH.sub(lambda path: " ".join(_DECIMALS.sub("", path.group()).split()), text)
    text = text.rstrip().removesuffix("</svg>") + "".join(_tips(_figure_of(what))) + "</svg>"
    label = svg_text(alt_text(_figure_of(what)))
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ' if label else "<svg ", 1).strip() + "\n"


def _tips(figure: Figure) -> Iterator[str]:
    """Yield an invisible box with a title for each tip of a figure that was drawn."""
    high = figure.bbox.height
    to_points = 72 / figure.dpi
    for axes in figure.axes:
        for tip in _TIPS.get(axes, ()):
            box = axes.bbox
            left, right = (axes.transData.transform((x, 0))[0] for x in (tip.left, tip.right))
            if tip.low is None or tip.high is None:
                low, top = box.y0, box.y1
            else:
                low, top = sorted(axes.transData.transform((0, y))[1] for y in (tip.low, tip.high))
            sizes = (left, high - top, right - left, top - low)
            x, y, across, up = (f"{size * to_points:.1f}" for size in sizes)
            yield (
                f'<rect x="{x}" y="{y}" width="{across}" height="{up}" fill="none" pointer-events="all">'
                f"<title>{svg_text(tip.text)}</title></rect>"
            )


def to_png(what: Axes | Figure | SubFigure, *, dpi: float = PNG_DPI) -> bytes:
    """Return a figure as PNG, the same bytes each time.

    Parameters
    ----------
    what : Axes or Figure
        A plot of this package, or any figure; of an Axes, its whole figure.
    dpi : float
        Dots per inch.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> to_png(Figure())[1:4]
    b'PNG'
    """
    # Beyond this level the time grows and the size hardly shrinks.
    return _write(what, "png", dpi=dpi, metadata={"Software": None}, pil_kwargs={"compress_level": _COMPRESSION})


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure as it was when it was shown; a notebook displays it, with its alternative text.

    Attributes
    ----------
    alt : str
        What the figure shows, in sentences with numbers.
    svg : str or None
        The figure, unless it would be too large.
    png : bytes or None
        The figure, where the SVG would be too large.
    narrow : str or None
        The figure as wide as a phone; only in a notebook that is being published.
    sentence : str
        What is shown in place of a figure with nothing to show; else empty.
    """

    alt: str
    svg: str | None = field(default=None, repr=False)
    png: bytes | None = field(default=None, repr=False)
    narrow: str | None = field(default=None, repr=False)
    sentence: str = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        del include, exclude  # there is one picture; IPython filters what it is given
        if self.sentence:
            return {"text/html": to_html(Document((Paragraph(self.sentence),))), "text/plain": self.sentence}, {}
        kind, content = "image/svg+xml", self.svg
        if content is None:
            kind, content = "image/png", base64.b64encode(self.png or b"").decode("ascii")
        words = self.alt or "A figure without a description."
        narrow = {NARROW_SVG: self.narrow} if self.narrow else {}
        return {kind: content, **narrow, "text/plain": words}, {kind: {"alt": words}}


def show(what: Axes | Figure | SubFigure) -> Picture:
    """Return a picture of a figure, which a notebook displays when it is the last value of a cell.

    In the middle of a cell: ``display(plots.show(ax))``.

    Parameters
    ----------
    what : Axes or Figure
        A plot of this package, or any figure; of an Axes, its whole figure.

    Returns
    -------
    Picture
        SVG, or PNG where the SVG would be larger than 300 kB; the alternative text is in the output's metadata. A figure
        with nothing to show is a sentence.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> show(Figure()).svg is not None
    True
    """
    figure = _figure_of(what)
    words = alt_text(figure)
    own = [ax for ax in figure.axes if ax in _TEXTS]
    if len(own) == 1 and own[0] in _EMPTY:
        return Picture(words, sentence=_EMPTY[own[0]])
    svg = to_svg(figure)
    if len(svg) > _LARGEST_SVG:
        return Picture(words, png=to_png(figure))
    again = AGAIN.get(own[0]) if len(own) == 1 and PUBLISHING in os.environ else None
    return Picture(words, svg=svg, narrow=_narrow(again) if again is not None else None)


def _narrow(again: Callable[[], Axes]) -> str | None:
    """Return the rendering of a figure that is as wide as a phone; None where it would be too large."""
    token = FIGURE_WIDTH.set(NARROW)
    try:
        svg = to_svg(again())
    finally:
        FIGURE_WIDTH.reset(token)
    return svg if len(svg) <= _LARGEST_SVG else None
