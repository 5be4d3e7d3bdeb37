"""The sentence that stands for a figure where it cannot be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from matplotlib.axes import Axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

__all__ = ["alt_text", "set_alt"]

_TEXTS: WeakKeyDictionary[Axes, str] = WeakKeyDictionary()


def set_alt(ax: Axes, text: str) -> None:
    """Keep the alternative text of an Axes for as long as the Axes lives."""
    _TEXTS[ax] = " ".join(text.split())


def alt_text(what: Axes | Figure | SubFigure) -> str:
    """Return what a figure shows, in sentences with numbers; empty where nobody said.

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
