"""A notebook, run in a new kernel, as one self-contained HTML file: no script, nothing loaded from anywhere.

`_notebook` finds the notebook and sets its parameters, `_execute` runs it in a kernel of the running interpreter,
`_clean` removes what a page may not contain, `_page` makes the page, `_promises` checks the result as a browser would
read it, and `_publish` writes it in one step. `_redact` replaces the names in the inputs before the run.
"""

from __future__ import annotations

from ._evidence import Evidence, evidence
from ._publish import publish

__all__ = ["Evidence", "evidence", "publish"]
