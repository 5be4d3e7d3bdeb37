"""How a value gets its document: registered by type, so that no value imports what shows it."""

from __future__ import annotations

from functools import singledispatch

from ..markup import clip
from ._html import to_html
from ._nodes import Document
from ._text import to_text

__all__ = ["Rendered", "document"]


@singledispatch
def document(value: object) -> Document:
    """Return what a value shows of itself.

    A room registers its views in a module that its ``__init__`` imports::

        @document.register
        def _(plan: Plan) -> Document: ...

    Raises
    ------
    TypeError
        No view is registered for values of this type.
    """
    raise TypeError(f"no view is registered for {type(value).__name__}")


class Rendered:
    """A value that shows itself: as HTML in a notebook, as text by ``print``; its ``repr`` is its first line."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return to_html(document(self))

    def __str__(self) -> str:
        return to_text(document(self))

    # For a dataclass that holds a DataFrame: pandas prints texts as they are.
    def __repr__(self) -> str:
        first, *_ = [*filter(None, str(self).splitlines()), ""]
        return f"<{type(self).__name__}: {clip(first, 200)}>"
