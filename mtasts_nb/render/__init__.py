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

from ._frame import *
from ._html import *
from ._json import *
from ._nodes import *
from ._show import *
from ._text import *
