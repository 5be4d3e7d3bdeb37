"""What a figure is about: one policy type, some policy domains, a period, and what of the source is left out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from ..markup import number, plural, share, when
from ..reports import daily
from ..vocabulary import UNKNOWN, PolicyType
from ._days import day_of
from ._text import label

if TYPE_CHECKING:
    from ..reports import Source
    from ._days import Bools, Ints

__all__ = ["EVERY_TYPE", "Moment", "Period", "View", "view"]

Moment = str | date | datetime | pd.Timestamp
Period = tuple[Moment, Moment]

#: As in `daily`: all policy types added together.
EVERY_TYPE: Final = "*"
# One report dated 1970 among those of this year must not press this year into one pixel.
_LONGEST_SPAN: Final = 1100
_LONGEST_PERIOD: Final = 4000
_PREFERENCE: Final = (PolicyType.STS.value, PolicyType.TLSA.value, PolicyType.NO_POLICY_FOUND.value)


@dataclass(frozen=True, slots=True)
class View:
    """Rows of `daily` that a figure draws, and what it must say about them.

    Attributes
    ----------
    rows : DataFrame
        Of `daily`, with ``offset``, the day counted from `first`, in place of ``day``.
    first : int
        First day shown, in days since 1970-01-01 (UTC).
    known : array of bool
        For each day shown, whether any report came.
    sessions, failed : array of int64
        For each day shown, over all domains of the view.
    domains : tuple of str
        Policy domains, sorted.
    policy_type : str or None
        None where there is nothing to show, or where the type makes no difference.
    left_out : tuple of str
        What the source has beside this view, in words.
    """

    rows: pd.DataFrame
    first: int
    known: Bools
    sessions: Ints
    failed: Ints
    domains: tuple[str, ...]
    policy_type: str | None
    left_out: tuple[str, ...]

    @property
    def days(self) -> int:
        """How many days are shown."""
        return len(self.known)

    @property
    def unknown_days(self) -> int:
        """For how many of them no report came."""
        return int((~self.known).sum())

    @property
    def empty(self) -> bool:
        """Whether no report came at all."""
        return not self.known.any()

    @property
    def dates(self) -> str:
        """The period, as words."""
        first, last = when(day_of(self.first)), when(day_of(self.first + self.days - 1))
        return first if self.days == 1 else f"{first} to {last}"

    @property
    def about(self) -> str:
        """Policy domain and policy type, as words."""
        domain = label(self.domains[0]) if len(self.domains) == 1 else plural(len(self.domains), "policy domain")
        if self.policy_type is None:
            return domain
        if self.policy_type == EVERY_TYPE:
            return f"{domain}, all policy types added (sessions may count twice)"
        return f"{domain}, policy type {label(self.policy_type)}"

    @property
    def failed_share(self) -> str:
        """How many of the reported sessions failed, as words."""
        failed, sessions = int(self.failed.sum()), int(self.sessions.sum())
        if not sessions:
            return "No session is counted in the reports"
        return f"{share(failed, sessions)} of {plural(sessions, 'reported session')}"

    @property
    def unknown_note(self) -> str:
        """What is to be said about days without a report; empty where there are none."""
        if not self.unknown_days:
            return ""
        return f"No report on {number(self.unknown_days)} of {plural(self.days, 'day')}: unknown, not zero."


def view(
    source: Source,
    by: Sequence[str],
    *,
    domain: str | None = None,
    policy_type: str | None = None,
    period: Period | None = None,
    any_type: bool = False,
) -> View:
    """Return what a figure shows of a source.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    by : sequence of str
        Keys of `daily` that the figure needs.
    domain : str, optional
        Only this policy domain. None: all; their sessions are distinct, so they add up.
    policy_type : str, optional
        None: sts if the source has it, else the type that it has. ``"*"``: all added.
    period : tuple of two moments, optional
        First and last day, in UTC. None: from the first day with a report to the last.
    any_type : bool
        The figure adds nothing up, so that rows of all policy types may stay beside one another.

    Raises
    ------
    ValueError
        `period` ends before it begins, or is longer than 4,000 days.
    """
    if policy_type is not None and not isinstance(policy_type, str):
        raise ValueError(f"policy_type is one type, None or '*', not {policy_type!r}: types are never added unasked")
    rows = daily(source, tuple(by), policy_type=EVERY_TYPE if policy_type == EVERY_TYPE else None)
    rows = _of_domain(rows, domain)
    # A reporter that does not name itself has an empty name.
    rows = rows.assign(**{key: rows[key].astype(object).where(rows[key].astype(object) != "") for key in by})
    rows = rows.assign(policy_type=_words(rows["policy_type"]), number=_day_numbers(rows["day"]))
    chosen = None if any_type and policy_type is None else policy_type or _usual_type(rows)
    mine = rows if chosen is None else rows[rows["policy_type"] == chosen]
    first, last = _limits(period, mine)
    inside = rows["number"].between(first, last)
    left_out = [*_other_types(rows[inside], chosen), *_other_days(mine, first, last, told=period is not None)]
    mine = mine[mine["number"].between(first, last)]
    mine = mine.assign(offset=mine["number"] - first, policy_domain=_words(mine["policy_domain"]))
    days = last - first + 1
    known = np.zeros(days, bool)
    known[mine["offset"].to_numpy()] = True
    # `sessions` is repeated in every group of a day, policy domain and policy type: one of each.
    one = mine.drop_duplicates(["offset", "policy_domain", "policy_type"])
    return View(
        rows=mine,
        first=first,
        known=known,
        sessions=_per_day(one, "sessions", days),
        failed=_per_day(mine, "failed", days),
        domains=tuple(sorted(set(mine["policy_domain"]))) or ((domain,) if domain else ()),
        policy_type=chosen,
        left_out=tuple(left_out),
    )


def _of_domain(rows: pd.DataFrame, domain: str | None) -> pd.DataFrame:
    if domain is None:
        return rows
    return rows[rows["policy_domain"].astype("str") == domain.strip().lower().removesuffix(".")]


def _words(column: pd.Series) -> pd.Series:
    """Return a column of names as plain text, `unknown` where it is missing."""
    return column.astype(object).where(column.notna(), UNKNOWN)


def _day_numbers(days: pd.Series) -> Ints:
    moments = pd.to_datetime(days, utc=True).dt.tz_localize(None)
    return moments.to_numpy("datetime64[D]").astype(np.int64)


def _usual_type(rows: pd.DataFrame) -> str | None:
    there = set(rows["policy_type"])
    for kind in _PREFERENCE:
        if kind in there:
            return kind
    return min(there, default=None)


def _number(moment: Moment) -> int:
    stamp = pd.Timestamp(moment)
    if stamp.tzinfo is not None:
        stamp = stamp.tz_convert("UTC").tz_localize(None)
    return int(stamp.to_datetime64().astype("datetime64[D]").astype(np.int64))


def _limits(period: Period | None, rows: pd.DataFrame) -> tuple[int, int]:
    """Return the first and the last day to show."""
    if period is not None:
        first, last = (_number(moment) for moment in period)
        if not 0 < last - first + 1 <= _LONGEST_PERIOD:
            raise ValueError(
                f"period is {period[0]} to {period[1]}: expected a first day and a last day, both included, "
                f"at most {number(_LONGEST_PERIOD)} days"
            )
        return first, last
    days = np.unique(rows["number"].to_numpy())
    if not len(days):
        return 0, 0
    # The stretch of bearable length with the most days in it; the latest of equals.
    end = np.searchsorted(days, days + _LONGEST_SPAN)
    start = int(len(days) - 1 - np.argmax((end - np.arange(len(days)))[::-1]))
    return int(days[start]), int(days[end[start] - 1])


def _other_types(rows: pd.DataFrame, chosen: str | None) -> list[str]:
    """Return what other policy types hold, in words; the types are never added, not here either."""
    if chosen in (None, EVERY_TYPE):
        return []
    told = []
    for kind, group in rows[rows["policy_type"] != chosen].groupby("policy_type", sort=True):
        one = group.drop_duplicates(["number", "policy_domain"])
        failed, sessions = int(group["failed"].sum()), int(one["sessions"].sum())
        of = f"{plural(failed, 'failed session')} of {number(sessions)}"
        told.append(f"{of} under {label(kind)}")
    if len(told) > 4:
        told[3:] = [f"{len(told) - 3} more policy types"]
    return told


def _other_days(rows: pd.DataFrame, first: int, last: int, *, told: bool) -> list[str]:
    outside = rows[~rows["number"].between(first, last)]
    if told or outside.empty:
        return []
    days = plural(outside["number"].nunique(), "day")
    low, high = (when(day_of(int(edge))) for edge in (outside["number"].min(), outside["number"].max()))
    return [f"{plural(int(outside['failed'].sum()), 'failed session')} dated far off, on {days} from {low} to {high}"]


def _per_day(rows: pd.DataFrame, column: str, days: int) -> Ints:
    total = np.zeros(days, np.int64)
    np.add.at(total, rows["offset"].to_numpy(), rows[column].to_numpy())
    return total
