"""The failures of a view as series: one for each result type, MX, reporter or domain, and what is folded into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from ..markup import plural
from ..vocabulary import UNKNOWN
from ._style import OTHER, RANKED_COLOURS, RANKED_HATCHES, RESULT_ORDER, UNNAMED, Style, label, style_of
from ._view import DOMAIN, KEYS, MX, REPORTER, RESULT_TYPE, named

if TYPE_CHECKING:
    from ._view import Ints, View

__all__ = ["Series", "fold"]

#: How many series have a name of their own, the rest together with `other` not counted.
_MOST: Final = {RESULT_TYPE: len(RESULT_ORDER), MX: 8, REPORTER: 8, DOMAIN: 8}


@dataclass(frozen=True, slots=True)
class Series:
    """Failed sessions of one value of a key, per day.

    Attributes
    ----------
    name : str
        Safe in a figure.
    style : Style
        Colour and hatch.
    values : array of int64
        One per day.
    members : tuple of str
        The values of the key in it: one, or those that were folded; none for failures without a value.
    """

    name: str
    style: Style
    values: Ints
    members: tuple[str, ...]

    @property
    def total(self) -> int:
        """Failed sessions over all days."""
        return int(self.values.sum())


def fold(view: View, key: str, most: int | None = None) -> list[Series]:
    """Return the failed sessions of a view as at most `most` named series, and the rest as one; bottom of a stack first.

    Result types keep the registry's order, so that a type has the same neighbours everywhere; MX hosts and reporters go
    by size, the largest first. Failures that name none are a series of their own. The values of all series add up to
    the view's failed sessions, day by day.
    """
    most = _MOST[key] if most is None else most
    if most < 1:
        raise ValueError(f"most is {most}: expected how many series to name, at least 1")
    rows = view.rows[view.rows["failed"].to_numpy() > 0]
    values = named(rows[key]) if key == RESULT_TYPE else rows[key].astype(object)
    codes, names = pd.factorize(values)  # a missing value is -1
    offsets, failed = rows["offset"].to_numpy(), rows["failed"].to_numpy()
    has_name = codes >= 0
    totals = np.zeros(len(names), np.int64)
    np.add.at(totals, codes[has_name], failed[has_name])
    ranked = sorted(range(len(names)), key=lambda code: (-totals[code], str(names[code])))
    kept, rest = ranked[:most], ranked[most:]
    if len(rest) == 1:  # one alone needs no other name
        kept, rest = ranked, []

    # Only as many lines as are drawn: a report may hold a hundred thousand names.
    line = np.full(len(names) + 1, len(kept), np.int64)
    line[kept] = np.arange(len(kept))
    line[-1] = len(kept) + 1
    table = np.zeros((len(kept) + 2, view.days), np.int64)
    np.add.at(table, (line[codes], offsets), failed)

    series = [
        Series(_name(key, str(names[code])), _style(view, key, str(names[code])), table[rank], (str(names[code]),))
        for rank, code in enumerate(kept)
    ]
    if key == RESULT_TYPE:
        order = [*RESULT_ORDER, *sorted({each.members[0] for each in series}.difference(RESULT_ORDER))]
        series.sort(key=lambda each: order.index(each.members[0]))
    if rest:
        folded = f"other ({plural(len(rest), KEYS[key].singular, KEYS[key].plural)})"
        series.append(Series(folded, OTHER, table[-2], tuple(sorted(str(names[code]) for code in rest))))
    if table[-1].any():
        series.append(Series(KEYS[key].unnamed, UNNAMED, table[-1], ()))
    return series


def _name(key: str, name: str) -> str:
    """Return a reported name for a figure; one that could be taken for our own text is quoted."""
    ours = name.startswith("other (") or name.strip() == KEYS[key].unnamed
    return f"“{label(name)}”" if ours and (key != RESULT_TYPE or name != UNKNOWN) else label(name)


def _style(view: View, key: str, name: str) -> Style:
    if key == RESULT_TYPE:
        return style_of(name)
    # The colours come round again, distinguished by a hatch.
    rank, hatches = view.ranks[key].get(name, 0), RANKED_HATCHES[key]
    return Style(RANKED_COLOURS[rank % len(RANKED_COLOURS)], hatches[rank // len(RANKED_COLOURS) % len(hatches)])
