"""What a figure is about: one policy type, some policy domains, a period; what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..markup import number, plural, share, when
from ..moments import utc_moment
from ..reports import daily, domain_name
from ..vocabulary import UNKNOWN, PolicyType
from ._style import RANKED_HATCHES, label

if TYPE_CHECKING:
    from ..reports import Source

__all__ = ["EVERY_TYPE", "KEYS", "Key", "Moment", "Period", "View", "day_number", "day_of", "named", "view_of"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Moment = str | date | datetime | pd.Timestamp | np.datetime64
Period = tuple[Moment, Moment]

#: As in `daily`: all policy types added together.
EVERY_TYPE: Final = "*"
# One report dated 1970 among those of this year must not press this year into one pixel.
_LONGEST_SPAN: Final = 1100
_LONGEST_PERIOD: Final = 4000


@dataclass(frozen=True, slots=True)
class Key:
    """How a figure names a key of `daily`."""

    singular: str
    plural: str
    unnamed: str


RESULT_TYPE, MX, REPORTER, DOMAIN = "result_type", "receiving_mx_hostname", "organization_name", "policy_domain"
KEYS: Final = {
    RESULT_TYPE: Key("result type", "result types", UNKNOWN),
    MX: Key("MX", "MX", "no MX (policy host, or not given)"),
    REPORTER: Key("reporter", "reporters", "reporter not named"),
    DOMAIN: Key("policy domain", "policy domains", "domain not named"),
}


def day_of(day: int) -> date:
    """Return the date of a day number, counted from 1970-01-01.

    Examples
    --------
    >>> day_of(20000).isoformat()
    '2024-10-04'
    """
    return date(1970, 1, 1) + timedelta(days=day)


@dataclass(frozen=True, slots=True)
class View:
    """Rows of `daily` that a figure draws, and what it must state about them.

    Attributes
    ----------
    rows : DataFrame
        Of `daily`, with ``offset``, the day counted from `first`, in place of ``day``.
    first : int
        First day, in days since 1970-01-01 (UTC).
    known : array of bool
        For each day, whether any report came.
    sessions, failed : array of int64
        For each day, over all domains of the view.
    domains : tuple of str
        Policy domains, sorted.
    policy_type : str or None
        None where there is nothing to show, or where the type makes no difference.
    left_out : tuple of str
        What the source has beside this view.
    ranks : mapping of str to (mapping of str to int)
        For each key that has no colours of its own, the rank of each name among all of the source, not of this view
        alone: a reporter has the same colour in every figure of one source.
    """

    rows: pd.DataFrame
    first: int
    known: Bools
    sessions: Ints
    failed: Ints
    domains: tuple[str, ...]
    policy_type: str | None
    left_out: tuple[str, ...]
    ranks: Mapping[str, Mapping[str, int]]

    @property
    def days(self) -> int:
        """How many days there are."""
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
        """The period."""
        first, last = when(day_of(self.first)), when(day_of(self.first + self.days - 1))
        return first if self.days == 1 else f"{first} to {last}"

    @property
    def about(self) -> str:
        """Policy domain and policy type."""
        domain = label(self.domains[0]) if len(self.domains) == 1 else plural(len(self.domains), "policy domain")
        if self.policy_type is None:
            return domain
        if self.policy_type == EVERY_TYPE:
            return f"{domain}, all policy types added (sessions may count twice)"
        return f"{domain}, policy type {label(self.policy_type)}"

    @property
    def no_reports(self) -> str:
        """That no report came, as a sentence."""
        about = f" about {self.about}" if self.domains else ""
        period = f", {self.dates} UTC" if self.days > 1 else ""
        return f"No reports{about} in this period{period}."

    @property
    def no_failures(self) -> str:
        """That no session failed, as a sentence."""
        sessions = plural(int(self.sessions.sum()), "reported session")
        return f"No session failed in {sessions}, {self.about}, {self.dates} UTC. {self.unknown_note}"

    @property
    def failed_share(self) -> str:
        """How many of the reported sessions failed."""
        failed, sessions = int(self.failed.sum()), int(self.sessions.sum())
        if not sessions:
            return "The reports count no session"
        return f"{share(failed, sessions)} of {plural(sessions, 'reported session')}"

    @property
    def failed_sentence(self) -> str:
        """How many of the reported sessions failed, as a sentence."""
        failed, sessions = int(self.failed.sum()), int(self.sessions.sum())
        if not failed:
            return f"None of {plural(sessions, 'reported session')} failed."
        return f"{number(failed)} of {plural(sessions, 'reported session')} failed ({share(failed, sessions)})."

    @property
    def failed_at_mx(self) -> tuple[int, int]:
        """At how many MX hosts sessions failed, and how many sessions; what failed elsewhere names none."""
        rows = self.rows[(self.rows["failed"].to_numpy() > 0) & self.rows[MX].notna().to_numpy()]
        return int(rows[MX].nunique()), int(rows["failed"].sum())

    @property
    def failed_title(self) -> str:
        """How many sessions failed, and at how many MX: `5 failed sessions at 3 MX`, or `(4 at 3 MX)`."""
        failed, (hosts, at_hosts) = int(self.failed.sum()), self.failed_at_mx
        at = f" at {number(hosts)} MX" if hosts else ""
        return plural(failed, "failed session") + (at if at_hosts in (0, failed) else f" ({number(at_hosts)}{at})")

    @property
    def unknown_note(self) -> str:
        """How many days are without a report, as a sentence; empty if none."""
        if not self.unknown_days:
            return ""
        return f"No report on {number(self.unknown_days)} of {plural(self.days, 'day')}: unknown, not zero."

    @property
    def left_out_note(self) -> str:
        """What the source has beside the view, as a sentence; empty if nothing."""
        return f"Not shown: {', '.join(self.left_out)}." if self.left_out else ""


def view_of(
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
        The figure adds nothing up, so that rows of all policy types may stay together.

    Raises
    ------
    ValueError
        `period` ends before it begins, or is longer than 4,000 days.
    """
    if policy_type is not None and not isinstance(policy_type, str):
        raise ValueError(f"policy_type is one type, None or '*', not {policy_type!r}: types are never added unasked")
    rows = daily(source, tuple(by), policy_type=EVERY_TYPE if policy_type == EVERY_TYPE else None)
    ranks = {key: _ranked(rows, key) for key in by if key in RANKED_HATCHES}
    if domain is not None:
        rows = rows[rows["policy_domain"].astype("str") == domain_name(domain)]
    # A reporter that does not name itself has an empty name.
    rows = rows.assign(**{key: rows[key].astype(object).where(rows[key].astype(object) != "") for key in by})
    days_of_rows = pd.to_datetime(rows["day"], utc=True).dt.tz_localize(None).to_numpy("datetime64[D]")
    rows = rows.assign(policy_type=named(rows["policy_type"]), number=days_of_rows.astype(np.int64))
    chosen = None if any_type and policy_type is None else policy_type or _usual_type(rows)
    own_rows = rows if chosen is None else rows[rows["policy_type"] == chosen]
    first, last = _limits(period, own_rows)
    left_out = _other_types(rows[rows["number"].between(first, last)], chosen)
    if period is None:
        left_out += _other_days(own_rows, first, last)
    own_rows = own_rows[own_rows["number"].between(first, last)]
    own_rows = own_rows.assign(offset=own_rows["number"] - first, policy_domain=named(own_rows["policy_domain"]))
    days = last - first + 1
    known = np.zeros(days, bool)
    known[own_rows["offset"].to_numpy()] = True
    # `sessions` is repeated in every group of a day, policy domain and policy type: once each.
    once = own_rows.drop_duplicates(["offset", "policy_domain", "policy_type"])
    return View(
        rows=own_rows,
        first=first,
        known=known,
        sessions=_per_day(once, "sessions", days),
        failed=_per_day(own_rows, "failed", days),
        domains=tuple(sorted(set(own_rows["policy_domain"]))) or ((domain,) if domain else ()),
        policy_type=chosen,
        left_out=tuple(left_out),
        ranks=ranks,
    )


def _ranked(rows: pd.DataFrame, key: str) -> dict[str, int]:
    """Return the rank of each name, those with the most failed sessions first."""
    failed = rows.groupby(key, observed=True)["failed"].sum()
    names = sorted(((-int(count), str(name)) for name, count in failed.items() if str(name)))
    return {name: rank for rank, (_, name) in enumerate(names)}


def named(column: pd.Series) -> pd.Series:
    """Return a column of names as plain text, `unknown` where it is missing."""
    return column.astype(object).where(column.notna(), UNKNOWN)


def _usual_type(rows: pd.DataFrame) -> str | None:
    present = set(rows["policy_type"])
    preferred = (PolicyType.STS, PolicyType.TLSA, PolicyType.NO_POLICY_FOUND)
    return next((kind.value for kind in preferred if kind in present), min(present, default=None))


_EPOCH = date(1970, 1, 1).toordinal()


def day_number(moment: Moment) -> int:
    """Return the number of a moment's day in UTC, counted from 1970-01-01."""
    # numpy's moments are what a frame's `to_numpy` gives; they are UTC.
    given = pd.Timestamp(moment) if isinstance(moment, np.datetime64) else moment
    return utc_moment(given).date().toordinal() - _EPOCH


def _limits(period: Period | None, rows: pd.DataFrame) -> tuple[int, int]:
    """Return the first and the last day to show."""
    if period is not None:
        first, last = (day_number(moment) for moment in period)
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
    """Return what other policy types hold; the types are never added, not here either."""
    if chosen in (None, EVERY_TYPE):
        return []
    texts = []
    for kind, group in rows[rows["policy_type"] != chosen].groupby("policy_type", sort=True):
        once = group.drop_duplicates(["number", "policy_domain"])
        failed, sessions = int(group["failed"].sum()), int(once["sessions"].sum())
        texts.append(f"{plural(failed, 'failed session')} of {number(sessions)} under {label(kind)}")
    if len(texts) > 4:
        texts[3:] = [f"{len(texts) - 3} more policy types"]
    return texts


def _other_days(rows: pd.DataFrame, first: int, last: int) -> list[str]:
    outside = rows[~rows["number"].between(first, last)]
    if outside.empty:
        return []
    days = plural(outside["number"].nunique(), "day")
    low, high = (when(day_of(int(edge))) for edge in (outside["number"].min(), outside["number"].max()))
    return [f"{plural(int(outside['failed'].sum()), 'failed session')} dated far off, on {days} from {low} to {high}"]


def _per_day(rows: pd.DataFrame, column: str, days: int) -> Ints:
    total = np.zeros(days, np.int64)
    np.add.at(total, rows["offset"].to_numpy(), rows[column].to_numpy())
    return total
