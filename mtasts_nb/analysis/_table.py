"""What analyses return: a small table with its caption, labelled statements, a few figures; and phrases they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ..markup import plural, when
from ..render import Rendered
from ..vocabulary import PolicyType

__all__ = ["NO_MX", "NO_NAME", "KeyFigures", "Story", "Table", "at_mx", "day", "days", "listed", "period", "under"]

#: In place of an MX host that reports do not name, and of a reporter without a name.
NO_MX, NO_NAME = "(none named)", "(gives no name)"
_UNDER = {
    PolicyType.STS: "under MTA-STS",
    PolicyType.TLSA: "under DANE",
    PolicyType.NO_POLICY_FOUND: "where the sender found no policy",
}


@dataclass(frozen=True, eq=False, repr=False)
class Table(Rendered):
    """Rows with a caption.

    Attributes
    ----------
    frame : DataFrame
        Every row, with raw values.
    headings : mapping of str to str
        The columns to show, each with its heading.
    caption : str
        What the table shows, in one sentence.
    nothing : str
        The sentence shown in its place where there is no row.
    shares : sequence of str
        Columns that hold fractions, to be shown in per cent.
    moments : sequence of str
        Columns whose times are shown to the minute; others are days.

    A policy domain or policy type that is the same in every row is given once, in the caption.
    """

    frame: pd.DataFrame
    headings: Mapping[str, str]
    caption: str
    nothing: str
    shares: Sequence[str] = ("share",)
    moments: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.frame)

    def only(self, columns: Sequence[str], most: int | None = None) -> Table:
        """Return a table of these columns, and of the first rows."""
        frame = self.frame if most is None else self.frame.head(most)
        headings = {name: self.headings[name] for name in columns}
        return Table(frame, headings, self.caption, self.nothing, self.shares, self.moments)


@dataclass(frozen=True)
class Story(Rendered):
    """A few labelled statements: `(label, text)` each."""

    statements: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class KeyFigures(Rendered):
    """Figures, each with what it counts: `(figure, label)`."""

    figures: tuple[tuple[str, str], ...]


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return names as a phrase.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c", "d", "e"])
    ('a', 'a and b', 'a, b, c and 2 more')
    """
    first = list(names[:most])
    if len(names) > most:
        return f"{', '.join(first)} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(first[:-1]), first[-1]])) if first else "none"


def day(moment: pd.Timestamp | None) -> str:
    """Return a moment's UTC day as text."""
    return when(moment if moment is None or moment != moment else moment.date())


def days(count: int) -> str:
    """Return a number of days as text."""
    return plural(count, "day")


def period(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Return `On …` or `Between … and …`, to begin a sentence."""
    begin, end = day(first), day(last)
    return f"On {begin}" if begin == end else f"Between {begin} and {end}"


def under(policy_type: object) -> str:
    """Return a policy type as a phrase.

    Examples
    --------
    >>> under("sts"), under("x-own")
    ('under MTA-STS', 'under x-own')
    """
    return _UNDER.get(str(policy_type), f"under {policy_type}")  # type: ignore[call-overload, no-any-return]


def at_mx(host: object) -> str:
    """Return ` at` and the MX host; empty where none is named."""
    return f" at {host}" if isinstance(host, str) and host else ""
