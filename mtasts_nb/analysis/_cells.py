"""The part of an archive that a question is about, and its finest daily table: sessions, failures, effect on mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..bundled import sample_dir
from ..errors import SourceError, did_you_mean
from ..markup import one_line
from ..reports import daily, load
from ..vocabulary import UNEXPLAINED, MailEffect, Mode, PolicyType, ResultType, is_on_policy_host

if TYPE_CHECKING:
    from ..reports import Archive, Source, Stored

Ints = npt.NDArray[np.int64]

__all__ = [
    "EFFECT_TEXTS",
    "Cells",
    "Ints",
    "cells",
    "day_numbers",
    "far_off_days",
    "narrow",
    "on_policy_host",
    "open_reports",
]

#: One reporter's sessions of one day, about one domain, under one policy type and mode.
CELL: Final = ["day", "policy_domain", "policy_type", "organization_name", "policy_mode"]
#: What each effect means for a reader.
EFFECT_TEXTS: Final = {
    MailEffect.DEFERRED: "No session of that reporter succeeded that day, under enforce or DANE: its mail was queued.",
    MailEffect.POSSIBLY_DELAYED: "Some sessions failed under enforce or DANE; others of the same reporter and day "
    "succeeded. Another MX host or a later try may have taken the mail at once.",
    MailEffect.UNPROTECTED: "The policy could not be fetched or was not valid. Mail was delivered under a cached policy "
    "or without one.",
    MailEffect.NO_EFFECT: "The policy was in testing or none, or the sender found none. The mail was delivered.",
    MailEffect.NOT_KNOWN: "The report does not say which policy mode applied, or not what failed.",
}
#: Days are far off where no report came for so many days between them and the rest, and they are few beside the rest.
_FAR_DAYS: Final = 366
_FEW: Final = 0.05
#: Before the first and after the last day that a report can be about.
_ALL_TIME: Final = ("1970-01-01", "2200-01-01")


@dataclass(frozen=True, eq=False)
class Cells:
    """Sessions and failures by day, policy domain, policy type, reporter and policy mode.

    Attributes
    ----------
    sessions : DataFrame
        `CELL` and ``sessions`` (int64): one row for each combination for which a report came.
    failures : DataFrame
        `CELL`, ``receiving_mx_hostname`` (empty where none was reached), ``result_type``, ``failed`` (int64) and
        ``effect``, a value of `MailEffect`.
    far_off : DataFrame
        The rows that would be in `sessions`, were their days not years from all others: one report with a wrong clock
        would turn a week of reports into a week in seventy years.
    """

    sessions: pd.DataFrame
    failures: pd.DataFrame
    far_off: pd.DataFrame

    @property
    def last_day(self) -> pd.Timestamp | None:
        """The last day for which a report came."""
        return None if self.sessions.empty else self.sessions["day"].max()

    def of(self, policy_type: str) -> Cells:
        """Return the cells of one policy type."""
        return self._where(lambda frame: frame["policy_type"] == policy_type)

    def since(self, day: pd.Timestamp) -> Cells:
        """Return the cells from a day on."""
        return self._where(lambda frame: frame["day"] >= day)

    def _where(self, chosen: Callable[[pd.DataFrame], pd.Series[bool]]) -> Cells:
        return Cells(*(frame[chosen(frame)] for frame in (self.sessions, self.failures, self.far_off)))

    def enforced(self) -> Cells:
        """Return the cells with the effect that the failures would have had under enforce."""
        failures = self.failures.assign(policy_mode=Mode.ENFORCE.value)
        every = self.sessions.assign(policy_mode=Mode.ENFORCE.value)
        sessions = every.groupby(CELL, as_index=False).agg(sessions=("sessions", "sum"))
        return Cells(sessions, _with_effect(failures.reset_index(drop=True), sessions), self.far_off)

    @property
    def at_mx(self) -> pd.DataFrame:
        """The failures that are not on the policy host; unexplained ones may be either and are among them."""
        return self.failures[~on_policy_host(self.failures["result_type"])]

    @property
    def on_policy_host(self) -> pd.DataFrame:
        """The failures on the policy host, which defer no mail by themselves (RFC 8461 §5)."""
        return self.failures[on_policy_host(self.failures["result_type"])]

    def failed_by_type(self) -> pd.Series:
        """Return failed sessions by policy type; sts and tlsa may count the same ones (RFC 8460 §4.4)."""
        return self.failures.groupby("policy_type")["failed"].sum()

    def sessions_by_type(self) -> pd.Series:
        """Return all sessions by policy type."""
        return self.sessions.groupby("policy_type")["sessions"].sum()


def cells(source: Source | Cells) -> Cells:
    """Return the sessions and failures of a source; `Cells` are returned as they are."""
    if isinstance(source, Cells):
        return source
    fine = daily(source, by=("organization_name", "policy_mode", "receiving_mx_hostname", "result_type"))
    texts = [*CELL[1:], "receiving_mx_hostname", "result_type"]
    fine = fine.astype(dict.fromkeys(texts, "str")).fillna(dict.fromkeys(texts, ""))
    far = far_off_days(fine["day"])
    far_off = _sessions(fine[far])
    fine = fine[~far]
    sessions = _sessions(fine)
    failures = fine.loc[fine["failed"] > 0, [*CELL, "receiving_mx_hostname", "result_type", "failed"]]
    return Cells(sessions, _with_effect(failures.reset_index(drop=True), sessions), far_off)


def _sessions(fine: pd.DataFrame) -> pd.DataFrame:
    rows = fine.drop_duplicates(CELL)[[*CELL, "group_sessions"]].rename(columns={"group_sessions": "sessions"})
    return rows.reset_index(drop=True)


def far_off_days(day: pd.Series) -> pd.Series:
    """Return which rows have a day far off: few days, more than a year from the stretch with the most days."""
    if day.empty:
        return day.astype("bool")
    known = pd.Series(np.sort(day.unique()))
    stretch = (known.diff().dt.days > _FAR_DAYS).cumsum()
    sizes = stretch.value_counts()
    few = sizes[(sizes < _FEW * sizes.max()) | ((sizes == 1) & (sizes.max() > 2))].index
    return day.isin(known[stretch.isin(few)])


def day_numbers(day: pd.Series) -> Ints:
    """Return days as whole numbers since 1970-01-01 (UTC)."""
    numbers: Ints = day.dt.tz_localize(None).to_numpy("datetime64[D]").astype(np.int64)
    return numbers


def on_policy_host(result_type: pd.Series) -> pd.Series[bool]:
    """Return which rows are faults on the policy host; each name is checked once."""
    names = result_type.astype("str").unique()
    return result_type.astype("str").isin([name for name in names if is_on_policy_host(name)])


def _with_effect(failures: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    """Return the failures with what they did to mail: the one rule, applied to one reporter and day."""
    seen = sessions.set_index(CELL)["sessions"]
    total = failures.groupby(CELL, sort=False)["failed"].transform("sum")
    whole = seen.reindex(failures.set_index(CELL).index).to_numpy()
    none_succeeded = total.to_numpy() >= whole
    kind, mode, policy = failures["result_type"], failures["policy_mode"], failures["policy_type"]
    unexplained = kind.isin(list(UNEXPLAINED)) | ~kind.isin(list(map(str, ResultType)))
    binding = (mode == Mode.ENFORCE) | (policy == PolicyType.TLSA)
    harmless = mode.isin([Mode.TESTING, Mode.NONE]) | (policy == PolicyType.NO_POLICY_FOUND)
    rule = {
        # In testing and none there is no protection to lose (RFC 8461 §5).
        MailEffect.UNPROTECTED: on_policy_host(kind) & ~mode.isin([Mode.TESTING, Mode.NONE]),
        MailEffect.NO_EFFECT: harmless & ~binding,
        MailEffect.NOT_KNOWN: unexplained,
        MailEffect.DEFERRED: binding & none_succeeded,
        MailEffect.POSSIBLY_DELAYED: binding,
    }
    effect = np.select(list(rule.values()), [name.value for name in rule], default=MailEffect.NOT_KNOWN.value)
    return failures.assign(effect=effect)


def open_reports(sources: Any = ()) -> Archive:
    """Return the archive at the sources that a notebook's parameter names; of none, the bundled sample.

    Parameters
    ----------
    sources : source, or list or tuple of sources
        As `load` takes them; one may stand alone.

    Raises
    ------
    SourceError
        There is no such source, or no report in it.
    TypeError
        It is no source at all.

    Examples
    --------
    >>> len(open_reports(str(sample_dir())).reports) == len(open_reports().reports)
    True
    """
    given = list(sources) if isinstance(sources, list | tuple) else [] if sources in ("", None) else [sources]
    return load(*(given or [sample_dir()])).require_reports()


def narrow(
    archive: Stored,
    domain: str | None = None,
    start: str | date | datetime | None = None,
    end: str | date | datetime | None = None,
    *,
    policy_type: str | None = None,
    reporter: str | None = None,
    mx: str | None = None,
    result_type: str | None = None,
) -> Archive:
    """Return the reports about one policy domain and period, or only some of their rows; None asks for all.

    Of the failures only those at one MX host or of one result type can be kept; all sessions stay, since reports count
    successes per policy alone (RFC 8460 §4.4).

    Parameters
    ----------
    archive : Archive or store
        What `load` gave, or a store: only what is asked for is read of it.
    domain : str, optional
        A policy domain.
    start, end : str, date or datetime, optional
        As `Archive.between` takes them: UTC, an `end` that is a day includes it.
    policy_type, reporter : str, optional
        Only sessions under this policy type, or in reports of this organization; empty text asks for those that give no
        name.
    mx, result_type : str, optional
        Only failures at this MX host, or of this result type; empty text asks for failures that name no MX host.

    Raises
    ------
    SourceError
        No report at all is about that domain: most likely a typo in its name. A period without a report is no error.
    """
    part = archive if domain is None else archive.for_domain(domain)
    if domain is not None and not _domains(part):
        names = [one_line(name, 80) for name in sorted(_domains(archive))]
        more = f" and {len(names) - 10} others" if len(names) > 10 else ""
        raise SourceError(
            f"no report is about {one_line(domain, 80)}.{did_you_mean(domain, names, 0.75)} "
            f"There are reports about {', '.join(names[:10]) or 'no domain at all'}{more}."
        )
    if start is not None or end is not None:
        part = part.between(_ALL_TIME[0] if start is None else start, _ALL_TIME[1] if end is None else end)
    whole = part.to_archive()
    of_sessions = {"policy_type": policy_type, "organization_name": reporter}
    of_failures = {**of_sessions, "receiving_mx_hostname": mx, "result_type": result_type}
    if all(value is None for value in of_failures.values()):
        return whole
    return whole.with_rows(_only(whole.sessions, of_sessions), _only(whole.failures, of_failures))


def _domains(source: Source) -> set[str]:
    return {
        str(name)
        for sessions, _ in source.session_rows(["policy_domain"], [])
        for name in sessions["policy_domain"].unique()
    }


def _only(rows: pd.DataFrame, wanted: dict[str, str | None]) -> pd.DataFrame:
    for column, value in wanted.items():
        if value is not None:
            values = rows[column]
            rows = rows[values == value if value else values.isna() | (values == "")]
    return rows
