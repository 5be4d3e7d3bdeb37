"""The one renderer: documents as data, and HTML, terminal text and JSON made of them.

A value holds data and inherits `Rendered`. A view module beside it builds a `Document` from it and registers that with
`document`; nothing else in the kit writes HTML, wraps lines or sets a colour.

Examples
--------
>>> print(to_text(Document((Section("MX hosts", (Items(["mx1", "mx2"]),)),))))
MX hosts
<BLANKLINE>
- mx1
- mx2
"""

from __future__ import annotations

from ._html import style, to_html
from ._json import to_data
from ._nodes import (
    Badge,
    Block,
    Cell,
    Code,
    Document,
    Figures,
    Fold,
    Inline,
    Items,
    Line,
    Paragraph,
    Preformatted,
    Quiet,
    Quote,
    Section,
    Steps,
    Strong,
    Table,
    Terms,
    Tone,
)
from ._show import Rendered, document
from ._text import to_text

__all__ = [
    "Badge",
    "Block",
    "Cell",
    "Code",
    "Document",
    "Figures",
    "Fold",
    "Inline",
    "Items",
    "Line",
    "Paragraph",
    "Preformatted",
    "Quiet",
    "Quote",
    "Rendered",
    "Section",
    "Steps",
    "Strong",
    "Table",
    "Terms",
    "Tone",
    "document",
    "style",
    "to_data",
    "to_html",
    "to_text",
]
