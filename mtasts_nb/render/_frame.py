"""Frames that a notebook shows: pandas draws them, and a notebook must not read a stranger's text in them as a formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..markup import visible

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
    r"""Return rows, tuples or mappings, as a DataFrame with these columns, which a notebook and a terminal show as text.

    Hidden and reordering characters become escapes: pandas prints them as they are, and takes no half of a surrogate pair.

    Examples
    --------
    >>> "mathjax_ignore" in frame([("$x$",)], ["text"])._repr_html_()
    True
    >>> frame([("\x1b[2J",)], ["text"])["text"].tolist()
    ['\\x1b[2J']
    """
    import pandas as pd

    no_formulas_in_frames()
    return pd.DataFrame([_visible_row(row) for row in rows], columns=[_visible(name) for name in columns])


def _visible_row(row: Any) -> Any:
    if isinstance(row, Mapping):
        return {name: _visible(value) for name, value in row.items()}
    return tuple(map(_visible, row))


def _visible(value: Any) -> Any:
    return visible(value) if type(value) is str else value
