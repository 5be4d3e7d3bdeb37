"""Failed sessions as series: the largest by name, the rest folded into one, and what none of them names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from ..markup import plural
from ..vocabulary import UNKNOWN
from ._style import OTHER, RANKED, RESULT_ORDER, UNNAMED, Style, style_of
from ._text import label

if TYPE_CHECKING:
    from ._days import Ints
    from ._view import View

__all__ = ["KEYS", "MOST", "Key", "Series", "fold"]


@dataclass(frozen=True, slots=True)
class Key:
    """How a figure speaks about a key of `daily`."""

    one: str
    many: str
    unnamed: str


RESULT_TYPE, MX, REPORTER = "result_type", "receiving_mx_hostname", "organization_name"
KEYS: Final = {
    RESULT_TYPE: Key("result type", "result types", UNKNOWN),
    MX: Key("MX", "MX", "no MX (policy host, or not said)"),
    REPORTER: Key("reporter", "reporters", "reporter not named"),
}
#: How many series have a name of their own, the rest together with `other` not counted.
MOST: Final = {RESULT_TYPE: len(RESULT_ORDER), MX: len(RANKED), REPORTER: len(RANKED)}


@dataclass(frozen=True, slots=True)
class Series:
    """Failed sessions of one value of a key, per day.

    Attributes
    ----------
    name : str
        As shown; safe in a figure.
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
    most = MOST[key] if most is None else most
    if most < 1:
        raise ValueError(f"most is {most}: expected how many series to name, at least 1")
    rows = view.rows[view.rows["failed"].to_numpy() > 0]
    values = rows[key].astype(object)
    if key == RESULT_TYPE:
        values = values.where(values.notna(), UNKNOWN)
    codes, names = pd.factorize(values)  # a missing value is -1
    offsets, failed = rows["offset"].to_numpy(), rows["failed"].to_numpy()
    named = codes >= 0
    totals = np.zeros(len(names), np.int64)
    np.add.at(totals, codes[named], failed[named])
    ranked = sorted(range(len(names)), key=lambda code: (-totals[code], str(names[code])))
    kept, rest = ranked[:most], ranked[most:]
    if len(rest) == 1:  # one alone needs no other name
        kept, rest = ranked, []

    # Only as many lines as are drawn: a stranger may send a hundred thousand names.
    line = np.full(len(names) + 1, len(kept), np.int64)
    line[kept] = np.arange(len(kept))
    line[-1] = len(kept) + 1
    table = np.zeros((len(kept) + 2, view.days), np.int64)
    np.add.at(table, (line[codes], offsets), failed)

    series = [
        Series(_shown(key, str(names[code])), _style(key, str(names[code]), rank), table[rank], (str(names[code]),))
        for rank, code in enumerate(kept)
    ]
    if key == RESULT_TYPE:
        series.sort(key=lambda one: (_order(one.members[0]), one.members[0]))
    if rest:
        words = KEYS[key]
        folded = f"other ({plural(len(rest), words.one, words.many)})"
        series.append(Series(folded, OTHER, table[-2], tuple(sorted(str(names[code]) for code in rest))))
    if table[-1].any():
        series.append(Series(KEYS[key].unnamed, UNNAMED, table[-1], ()))
    return series


def _shown(key: str, name: str) -> str:
    """Return a stranger's name as shown; one that could be taken for our own words is quoted."""
    words = KEYS[key]
    ours = name.startswith("other (") or name.strip() == words.unnamed
    return f"“{label(name)}”" if ours and (key != RESULT_TYPE or name != UNKNOWN) else label(name)


def _order(result_type: str) -> int:
    return RESULT_ORDER.index(result_type) if result_type in RESULT_ORDER else len(RESULT_ORDER)


def _style(key: str, name: str, rank: int) -> Style:
    if key == RESULT_TYPE:
        return style_of(name)
    # With `most` raised the colours come round again, told apart by a hatch.
    style = RANKED[rank % len(RANKED)]
    return style if rank < len(RANKED) else Style(style.colour, ("||", "xx", "oo")[rank // len(RANKED) % 3])
