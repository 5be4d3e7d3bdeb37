"""Frames that a notebook shows: pandas draws them, and a notebook must not read a stranger's text in them as a formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["frame", "no_formulas_in_frames"]


def no_formulas_in_frames() -> None:
    """Have pandas mark the HTML of its frames as holding no formulas: an option of pandas, for the whole process.

    JupyterLab gives ``$…$`` in any HTML to MathJax, whose commands can hide text, and link it to a script.
    """
    import pandas as pd

    pd.options.display.html.use_mathjax = False


def frame(rows: Sequence[Any], columns: Sequence[str]) -> pd.DataFrame:
    """Return rows as a DataFrame with these columns, which a notebook shows as text.

    Examples
    --------
    >>> "mathjax_ignore" in frame([("$x$",)], ["text"])._repr_html_()
    True
    """
    import pandas as pd

    no_formulas_in_frames()
    return pd.DataFrame(rows, columns=list(columns))
