"""A small table with its title, that shows itself in a notebook, in a page and in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..markup import MISSING, display_width, folded_table, html_text, number, plural, share, terminal_text, when

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Table", "as_count", "as_day", "as_share"]

# Columns that need no place of their own where every row says the same.
_ONCE = ("policy_domain", "policy_type")
Format = Callable[[object], str]
#: Most rows shown; the frame holds all.
SHOWN = 40
#: In HTML, those beyond are behind a line that opens: a page must be readable on a phone.
_OPEN = 10


def as_count(value: object) -> str:
    """Return a count as text."""
    return number(value)  # type: ignore[arg-type]


def as_day(value: object) -> str:
    """Return a moment's UTC day as text."""
    return when(value.date()) if value is not None and value == value else MISSING  # type: ignore[attr-defined]


def as_share(value: object) -> str:
    """Return a fraction in per cent."""
    return share(value, 1)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows with a title in words.

    Attributes
    ----------
    frame : DataFrame
        Every row, with raw values.
    headings : mapping of str to str
        The columns to show, each with its heading.
    caption : str
        What the table shows, in one sentence.
    nothing : str
        The sentence that stands in its place where there is no row.
    formats : mapping of str to callable
        How a column's values become text; text and numbers need none.

    A policy domain or policy type that is the same in every row is said once, in the title, and gets no column.
    """

    frame: pd.DataFrame
    headings: Mapping[str, str]
    caption: str
    nothing: str
    formats: Mapping[str, Format] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def _constant(self) -> dict[str, str]:
        """The columns that say the same in each of several rows, with what they say."""
        found = {}
        for name in _ONCE:
            if name in self.headings and len(self.frame) > 1 and self.frame[name].nunique(dropna=False) == 1:
                found[name] = self._text(name, self.frame[name].iloc[0])
        return found

    @property
    def shown(self) -> dict[str, str]:
        """The columns shown, each with its heading."""
        constant = self._constant
        return {name: heading for name, heading in self.headings.items() if name not in constant}

    @property
    def title(self) -> str:
        """The title as shown."""
        same = "".join(f" {self.headings[name]}: {value}." for name, value in self._constant.items())
        more = len(self.frame) - SHOWN
        left_out = f" The first {SHOWN} of {number(len(self.frame))} rows are shown." if more > 0 else ""
        return self.caption + same + left_out

    @property
    def numeric(self) -> tuple[str, ...]:
        """The columns that hold counts and shares, to be aligned to the right."""
        return tuple(name for name, shown in self.formats.items() if shown in (as_count, as_share))

    def rows(self, limit: int | None = SHOWN) -> list[dict[str, str]]:
        """Return the rows as text, as shown."""
        frame = self.frame if limit is None else self.frame.head(limit)
        plain = frame[list(self.headings)].astype(object).to_dict("records")
        return [{str(name): self._text(str(name), value) for name, value in row.items()} for row in plain]

    def _text(self, name: str, value: object) -> str:
        if value is None or value != value or value == "":
            return MISSING
        shown = self.formats.get(name)
        return shown(value) if shown else str(value)

    def _repr_html_(self) -> str:
        if not len(self.frame):
            return f"<p>{html_text(self.nothing)}</p>"
        return folded_table(self.rows(), self.shown, first=_OPEN, caption=self.title, numeric=self.numeric)

    def __repr__(self) -> str:
        if not len(self.frame):
            return terminal_text(self.nothing)
        names = self.shown
        texts = [{name: terminal_text(row[name], 60) for name in names} for row in (names, *self.rows())]
        wide = {name: max(display_width(row[name]) for row in texts) for name in names}
        body = ["  ".join(self._cell(row[name], wide[name], name) for name in names).rstrip() for row in texts]
        return "\n".join([terminal_text(self.title), *body])

    def _cell(self, text: str, width: int, name: str) -> str:
        pad = " " * (width - display_width(text))
        return pad + text if name in self.numeric else text + pad


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return names as a phrase: `a, b and 4 more`.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c", "d", "e"])
    ('a', 'a and b', 'a, b, c and 2 more')
    """
    shown = list(names[:most])
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]])) if shown else "none"


def days(count: int) -> str:
    """Return a number of days in words."""
    return plural(count, "day")
