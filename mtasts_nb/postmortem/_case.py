"""One incident told whole: which rows it is, over which days, and what else was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from ..analysis._breakdown import by_mx, by_reporter, by_result_type, impact
from ..analysis._cells import Cells, cells
from ..analysis._narrow import narrow
from ..analysis._timeline import incident_table
from ..analysis.incidents._find import find_incidents
from ..analysis.incidents._verify_fix import FixCheck, verify_fix
from . import _statements as words
from . import _tables as tables

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis._meanings import Meanings
    from ..analysis._summary import KeyFigures, Story
    from ..analysis._table import Table
    from ..diagnosis._diagnose import Cause, Diagnosis
    from ..probe import Probe
    from ..reports import Archive
    from ._statements import Facts, Heading
    from ._tables import Actions

__all__ = ["LATEST", "Case", "open_case"]

#: The period of the incident that goes on or, where none does, of the one that was the last to end.
LATEST: Final = "latest incident"

Day = str | date | datetime | None


@dataclass(frozen=True, eq=False)
class Case:
    """What a postmortem is about.

    Attributes
    ----------
    history : Archive
        All reports about the domains asked for: what incidents are held against.
    archive : Archive
        The reports of the days that the document is about.
    incidents : DataFrame
        The rows of `find_incidents` that the document tells.
    others : DataFrame
        The other rows.
    first, last : Timestamp or None
        The days, UTC, as asked for or as the reports have them; None where there is no report at all.
    events : DataFrame
        ``time`` and ``text``, by time.
    probe : Probe or None
        The domain as it was seen live.
    fixed_at : str, date, datetime or None
        When the fault was mended, as far as somebody said.
    title, author : str
        Of the document; empty where nobody gave one.
    """

    history: Archive
    archive: Archive
    incidents: pd.DataFrame
    others: pd.DataFrame
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    events: pd.DataFrame
    probe: Probe | None = None
    fixed_at: Day = None
    title: str = ""
    author: str = ""

    @cached_property
    def seen(self) -> Cells:
        """All sessions and failures of the days that the document is about."""
        return cells(self.archive)

    @cached_property
    def told(self) -> Cells:
        """The failures of the incidents told, and the sessions among which they came; without an incident, `seen`."""
        return self.seen if self.incidents.empty else _restricted(self.seen, self.incidents)

    @cached_property
    def of_lead(self) -> Cells:
        """As `told`, of the story that the document leads with."""
        return self.seen if self.lead.empty else _restricted(self.seen, self.lead)

    @cached_property
    def lead(self) -> pd.DataFrame:
        """The rows of the story that the document leads with: the one with the most failed sessions."""
        rows = self.incidents
        if rows.empty:
            return rows
        size = rows.groupby(["story", "policy_type"])["failed_session_count"].sum().groupby("story").max()
        return rows[rows["story"] == size.idxmax()]

    @cached_property
    def top(self) -> Mapping[str, Any] | None:
        """The largest row of the lead; None where there is no incident."""
        if self.lead.empty:
            return None
        ordered = self.lead.sort_values(["failed_session_count", "incident"], ascending=[False, True])
        return {str(key): value for key, value in ordered.iloc[0].items()}

    @cached_property
    def fix(self) -> FixCheck | None:
        """What the reports say since the largest row was mended, or since it was last seen.

        None without an incident, and while it goes on and nobody said that it was mended.
        """
        import pandas as pd

        top = self.top
        if top is None or (top["ongoing"] and self.fixed_at is None):
            return None
        since = top["end"] + pd.Timedelta(days=1) if self.fixed_at is None else self.fixed_at
        return verify_fix(self.history, top, since)

    @property
    def domain(self) -> str | None:
        """The policy domain that the document leads with; None without an incident."""
        return None if self.top is None else str(self.top["policy_domain"])

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """What `diagnose` makes of the incidents told, from all reports about their domains and from the probe.

        None without an incident, and where it knows no cause.
        """
        from ._cause import diagnosis_of

        return diagnosis_of(self)

    @cached_property
    def main_cause(self) -> Cause | None:
        """The likeliest cause of the largest row, as far as one is known."""
        from ._cause import main_cause

        return main_cause(self)

    def around(self, days: int = 30) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """Return the days told and some before and after, as far as there are reports; None without any."""
        import pandas as pd

        seen = self.history.sessions["day"]
        if self.first is None or self.last is None or seen.empty:
            return None
        span = pd.Timedelta(days=days)
        first, last = max(self.first - span, seen.min()), min(self.last + span, seen.max())
        return (first, last) if first <= last else None

    def only(self, failures: pd.DataFrame) -> pd.DataFrame:
        """Return of a daily table the rows that are failures of the incidents told; an MX host not named is empty."""
        return _only(failures, self.incidents)

    # -- what a notebook shows, in the order of the document

    def heading(self) -> Heading:
        """Return the title, as given or made from the incident, the author, and the days."""
        return words.heading(self)

    def sentences(self) -> Story:
        """Return what happened, what it did to mail and whether it is over, in three sentences with numbers."""
        return words.three_sentences(self)

    def figures(self) -> KeyFigures:
        """Return the figures for the top of the document."""
        return words.figures(self)

    def facts(self) -> Facts:
        """Return what, when, where, who, why, and whether it is mended."""
        return words.facts(self)

    def impact(self) -> Table:
        """Return what the failures of the incidents did to mail, as `impact` does."""
        return impact(self.told)

    def by_mx(self) -> Table:
        """Return where they failed, as `by_mx` does."""
        return by_mx(self.told)

    def by_result_type(self) -> Table:
        """Return how they failed, as `by_result_type` does."""
        return by_result_type(self.told)

    def by_reporter(self) -> Table:
        """Return who saw it, and who had sessions then and did not, as `by_reporter` does."""
        return by_reporter(self.told)

    def timeline(self) -> Table:
        """Return the incidents told, and how many failed sessions of these days are in none."""
        return incident_table(self.incidents, self.seen)

    def other_incidents(self) -> Table:
        """Return the incidents in the same reports that the document does not tell."""
        return tables.other_incidents(self)

    def pictured(self, most: int = 4) -> list[Mapping[str, Any]]:
        """Return the rows to draw, those of the lead first; the largest `most` of them."""
        lead = self.incidents["story"].isin(self.lead["story"]) if len(self.lead) else self.incidents["story"] < 0
        ordered = self.incidents.assign(lead=lead).sort_values(
            ["lead", "failed_session_count", "incident"], ascending=[False, False, True]
        )
        rows = ordered.head(most).drop(columns="lead").to_dict("records")
        return [{str(key): value for key, value in row.items()} for row in rows]

    def happenings(self) -> Table:
        """Return the events of these days and ten days around them."""
        return tables.happenings(self)

    def evidence(self) -> Table:
        """Return what the reports give as the cause: result type, MX host, its address and the reporters' own words."""
        return tables.evidence(self)

    def cause(self) -> Diagnosis | Meanings:
        """Return the causes by evidence; where none is known, what the result types mean."""
        return self.diagnosis or tables.meanings_told(self)

    def fix_check(self) -> FixCheck | Facts:
        """Return what the reports say since it was mended or last seen, and what a probe met."""
        return self.fix if self.fix is not None else words.not_checked(self)

    def actions(self) -> Actions:
        """Return what is left to do, with an owner and a date to fill in."""
        return tables.actions(self)


def open_case(
    archive: Archive,
    *,
    domain: str | None = None,
    period: str | tuple[Day, Day] | list[Day] | None = LATEST,
    events: pd.DataFrame | None = None,
    probe: Probe | None = None,
    fixed_at: Day = None,
    title: str = "",
    author: str = "",
) -> Case:
    """Return what a postmortem is about.

    Parameters
    ----------
    archive : Archive
        What `load` gave; the whole history, since an incident is what stands out from it.
    domain : str, optional
        Only this policy domain.
    period : str or pair, optional
        ``latest incident``: the story that goes on, else the one that ended last; where there is none, all reports. A
        pair of days, both included, each None for an open side: every incident that touches them, each told
        whole. None: all reports.
    events : DataFrame, optional
        What was done when: ``time`` and ``text``, as `load_events` gives them.
    probe : Probe, optional
        The domain as it was seen live.
    fixed_at : str, date or datetime, optional
        When the fault was mended; without a time zone, UTC.
    title, author : str, optional
        Of the document.

    Raises
    ------
    SourceError
        No report is about that domain.
    ValueError
        The period is none of these, or ends before it begins.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> open_case(sts.Archive()).first is None
    True
    """
    import pandas as pd

    history = narrow(archive, domain)
    found = find_incidents(history)
    if isinstance(period, str):
        if period != LATEST:
            raise ValueError(f"period is {period!r}: expected {LATEST!r}, a pair of days, or None")
        told = _latest(found)
        first, last = (told["start"].min(), told["end"].max()) if len(told) else (None, None)
    else:
        first, last = (_day(side) for side in _pair(period))
        if first is not None and last is not None and last < first:
            raise ValueError(f"the period ends on {last.date()}, before it begins on {first.date()}")
        mine = pd.Series(data=True, index=found.index)
        if first is not None:
            mine &= found["end"] >= first
        if last is not None:
            mine &= found["start"] <= last
        told = found[mine]
        # An incident is told whole, or its counts and its days would not be of the same sessions.
        if first is not None and len(told):
            first = min(first, told["start"].min())
        if last is not None and len(told):
            last = max(last, told["end"].max())
    part = narrow(history, None, first, None if last is None else last.date())
    seen = part.sessions["day"]
    return Case(
        history,
        part,
        told.reset_index(drop=True),
        found[~found["incident"].isin(told["incident"])].reset_index(drop=True),
        first if first is not None or seen.empty else seen.min(),
        last if last is not None or seen.empty else seen.max(),
        pd.DataFrame({"time": [], "text": []}) if events is None else events,
        probe,
        fixed_at,
        title,
        author,
    )


def _latest(found: pd.DataFrame) -> pd.DataFrame:
    if found.empty:
        return found
    stories = found.groupby("story").agg(
        ongoing=("ongoing", "any"), end=("end", "max"), start=("start", "max"), failed=("failed_session_count", "sum")
    )
    last = stories.sort_values(["ongoing", "end", "start", "failed"]).index[-1]
    latest: pd.DataFrame = found[found["story"] == last]
    return latest


def _pair(period: tuple[Day, Day] | list[Day] | None) -> tuple[Day, Day]:
    if period is None:
        return None, None
    if len(period) != 2:
        raise ValueError(f"period is {period!r}: expected {LATEST!r}, a pair of days, or None")
    return period[0], period[1]


def _day(side: Day) -> pd.Timestamp | None:
    import pandas as pd

    if side is None:
        return None
    stamp = pd.Timestamp(side)
    stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
    return stamp.floor("D").as_unit("us")


def _restricted(found: Cells, incidents: pd.DataFrame) -> Cells:
    sessions, failures = _among(found.sessions, incidents), _only(found.failures, incidents)
    return replace(found, sessions=sessions, failures=failures)


def _only(failures: pd.DataFrame, incidents: pd.DataFrame) -> pd.DataFrame:
    """Return the failures that are those of the incidents, each once."""
    import numpy as np

    mine = np.zeros(len(failures), bool)
    for row in incidents.to_dict("records"):
        host = row["receiving_mx_hostname"]
        mine |= (
            (failures["policy_domain"] == row["policy_domain"])
            & (failures["policy_type"] == row["policy_type"])
            & (failures["receiving_mx_hostname"] == (host if isinstance(host, str) else ""))
            & (failures["result_type"] == row["result_type"])
            & failures["day"].between(row["start"], row["end"])
        ).to_numpy()
    return failures[mine].reset_index(drop=True)


def _among(sessions: pd.DataFrame, incidents: pd.DataFrame) -> pd.DataFrame:
    """Return the sessions about the incidents' domains and policy types, on the days of any of them."""
    import numpy as np

    mine = np.zeros(len(sessions), bool)
    for row in incidents.to_dict("records"):
        mine |= (
            (sessions["policy_domain"] == row["policy_domain"])
            & (sessions["policy_type"] == row["policy_type"])
            & sessions["day"].between(row["start"], row["end"])
        ).to_numpy()
    return sessions[mine].reset_index(drop=True)
