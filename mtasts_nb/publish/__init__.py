"""A notebook, executed afresh, as one self-contained HTML file: no script, nothing loaded from anywhere.

The way of a notebook: `_notebook` finds it and puts the parameters in, `_execute` runs it in a kernel of the running
interpreter, `_clean` lets through what may be shown, `_page` lays it out, `_promises` reads the result once more as a
browser would, and `_publish` writes it in one step.
"""

from __future__ import annotations

from ._evidence import Evidence, evidence
from ._publish import publish

__all__ = ["Evidence", "evidence", "publish"]
