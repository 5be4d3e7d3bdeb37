"""What a postmortem is about: which incidents, over which days, and what else is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final

import pandas as pd

from ..analysis import (
    Cells,
    FixCheck,
    cells,
    find_incidents,
    most_urgent,
    narrow,
    rows_of_incidents,
    verify_fix,
)
from ..diagnosis import Cause, Diagnosis, Group, Reported, diagnose
from ..errors import ParameterError
from ..moments import utc_moment
from ..probe import Probe
from ..reports import Archive
from ..sender import Delivery, simulate
from ..vocabulary import Confidence, FixStatus, State, Verdict

__all__ = ["LATEST", "Case", "Day", "Kind", "ProbeCheck", "read_case"]

#: The period of the most urgent incident: open before over, by what it does to mail; of those over, the one that ended last.
LATEST: Final = "latest incident"

Day = str | date | datetime | None
#: Result type and MX host; the host is empty where reports name none.
Kind = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ProbeCheck:
    """Whether a sender would still see the failures of an incident, as a probe shows.

    Attributes
    ----------
    state : State
        ``REPRODUCED``, ``FIXED``, or ``NOT_OBSERVED`` where the probe did not reach it or is of another domain.
    again, other : tuple of Kind
        The failures of the incident that a sender would still see, and others.
    """

    state: State
    again: tuple[Kind, ...] = ()
    other: tuple[Kind, ...] = ()


@dataclass(frozen=True, eq=False)
class Case:
    """What a postmortem is about, as data.

    Attributes
    ----------
    history : Archive
        All reports about the domains asked for: what incidents are compared with.
    archive : Archive
        The reports of the days that the document is about.
    incidents : DataFrame
        The rows of `find_incidents` that the document is about.
    others : DataFrame
        The other rows.
    first, last : Timestamp or None
        The days, UTC, as asked for or as the reports have them; None where there is no report at all.
    events : DataFrame
        ``time`` and ``text``, by time.
    probe : Probe or None
        The domain as it was observed live.
    fixed_at : str, date, datetime or None
        When the fault was fixed, where given.
    title, author : str
        Of the document; empty where not given.
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
    def all_cells(self) -> Cells:
        """All sessions and failures of the days that the document is about."""
        return cells(self.archive)

    @cached_property
    def own_cells(self) -> Cells:
        """The failures of the incidents, and the sessions among which they occurred; without an incident, all."""
        return self._restricted(self.incidents)

    @cached_property
    def lead_cells(self) -> Cells:
        """As `own_cells`, of the story that the document leads with."""
        return self._restricted(self.lead)

    def _restricted(self, incidents: pd.DataFrame) -> Cells:
        split = self.all_cells
        if incidents.empty:
            return split
        sessions = rows_of_incidents(split.sessions, incidents, ("policy_domain", "policy_type"))
        return replace(split, sessions=sessions, failures=rows_of_incidents(split.failures, incidents))

    @cached_property
    def lead(self) -> pd.DataFrame:
        """The rows of the story that the document leads with: the most urgent one, the largest row first."""
        return most_urgent(self.incidents, self.all_cells)

    @cached_property
    def top(self) -> Mapping[str, Any] | None:
        """The largest row of the lead; None where there is no incident."""
        rows = self.lead.head(1).to_dict("records")
        return {str(key): value for key, value in rows[0].items()} if rows else None

    @cached_property
    def fix(self) -> FixCheck | None:
        """What the reports show since the largest row was fixed, or since it was last seen.

        None without an incident, and while it is ongoing and no time of a fix is given.
        """
        top = self.top
        if top is None or (top["ongoing"] and self.fixed_at is None):
            return None
        since = top["end"] + pd.Timedelta(days=1) if self.fixed_at is None else self.fixed_at
        return verify_fix(self.history, top, since)

    @cached_property
    def continued(self) -> Reported | None:
        """What may be the same fault as the largest row, reported in another way and ongoing; None where none is known.

        Where a time of the fix is given, only what was reported after it.
        """
        top = self.top
        if top is None:
            return None
        groups = (group.reported.continued for group in self._of_domains.groups if _is_group_of(group, top))
        other = next((group for group in groups if group is not None), None)
        fixed = None if self.fixed_at is None else utc_moment(self.fixed_at, "fixed_at").date()
        return other if other is None or fixed is None or other.last > fixed else None

    @cached_property
    def fix_status(self) -> FixStatus | None:
        """What the reports show of the fix; None where `fix` is.

        Where the fault may go on, reported in another way, that it is gone in this way does not show it to be fixed: then it
        is as ``NOT_SEEN_BEFORE``, not known.
        """
        if self.fix is None:
            return None
        unknown = self.fix.verdict is FixStatus.FIXED and self.continued is not None
        return FixStatus.NOT_SEEN_BEFORE if unknown else self.fix.verdict

    @property
    def domain(self) -> str | None:
        """The policy domain that the document leads with; None without an incident."""
        return None if self.top is None else str(self.top["policy_domain"])

    @cached_property
    def _of_domains(self) -> Diagnosis:
        """The diagnosis of the domains of the incidents, of all without one; from all reports and from the probe."""
        named = self.history.sessions if self.incidents.empty else self.incidents
        domains = sorted(map(str, named["policy_domain"].unique()))
        source = narrow(self.history, domains[0]) if len(domains) == 1 else self.history
        probe = self.probe if self.probe is not None and domains == [self.probe.domain] else None
        return diagnose(probe, source)

    @property
    def verdict(self) -> Verdict:
        """The verdict on these domains as they are after the last report or probe, as `diagnose` gives it."""
        return self._of_domains.verdict

    @property
    def pressing_cause(self) -> Cause | None:
        """The most pressing cause that is present at these domains, in an incident or not; None where there is none."""
        return next((cause for cause in self._of_domains.causes if cause.present), None)

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """The diagnosis of the incidents, from all reports about their domains and from the probe.

        None without an incident, and where no cause is known.
        """
        if self.incidents.empty:
            return None
        whole = self._of_domains
        rows = self.incidents.to_dict("records")
        groups = tuple(group for group in whole.groups if any(_is_group_of(group, row) for row in rows))
        first = {(group.reported.policy_domain, group.causes[0].code) for group in groups if group.causes}
        causes = tuple(cause for cause in whole.causes if (cause.policy_domain, cause.code) in first)
        return replace(whole, groups=groups, causes=causes) if causes else None

    @cached_property
    def main_cause(self) -> Cause | None:
        """The likeliest cause of the largest row; None where the evidence does not favour one."""
        top, diagnosis = self.top, self.diagnosis
        if top is None or diagnosis is None:
            return None
        groups = [group for group in diagnosis.groups if group.causes and _is_group_of(group, top)]
        if not groups:
            return None
        largest = max(groups, key=lambda group: group.reported.failed)
        wanted = (top["policy_domain"], largest.causes[0].code)
        causes = (cause for cause in diagnosis.causes if (cause.policy_domain, cause.code) == wanted)
        return next((cause for cause in causes if cause.confidence != Confidence.LOW), None)

    @cached_property
    def probe_check(self) -> ProbeCheck | None:
        """Whether the probe reproduces the failures of the lead; None without a probe or an incident.

        The evidence of the probe is taken through what a sender does; a result type that follows from it at the same MX
        host, or at the policy host, is the fault of the incident.
        """
        probe, rows = self.probe, self.lead
        if probe is None or rows.empty:
            return None
        rows = rows[rows["policy_domain"] == probe.domain]
        if rows.empty:
            return ProbeCheck(State.NOT_OBSERVED)
        outcomes = simulate(probe)
        now = {(str(row.result_type), row.mx) for row in outcomes.failures}
        kinds = dict.fromkeys(zip(rows["result_type"].map(str), rows["receiving_mx_hostname"].fillna(""), strict=True))
        again = tuple(kind for kind in kinds if kind in now)
        if again:
            return ProbeCheck(State.REPRODUCED, again)
        hosts = {host for _, host in kinds if host}
        unknown = {
            row.mx for row in outcomes.rows if row.delivery == Delivery.UNKNOWN and row.result_type is None
        }  # fmt: skip
        if hosts & unknown or (probe.port_25_closed and hosts):
            return ProbeCheck(State.NOT_OBSERVED)
        return ProbeCheck(State.FIXED, other=tuple(sorted(now)))

    def around(self, days: int = 30) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """Return the days of the document and some before and after, as far as there are reports; None without any."""
        reported = self.history.sessions["day"]
        if self.first is None or self.last is None or reported.empty:
            return None
        span = pd.Timedelta(days=days)
        first, last = max(self.first - span, reported.min()), min(self.last + span, reported.max())
        return (first, last) if first <= last else None

    def failures_of_incidents(self, failures: pd.DataFrame) -> pd.DataFrame:
        """Return of a daily table the rows that are failures of the incidents; an MX host not named is empty."""
        return rows_of_incidents(failures, self.incidents)


def read_case(
    archive: Archive, domain: str | None, period: str | tuple[Day, Day] | list[Day] | None, **more: Any
) -> dict[str, Any]:
    """Return the fields of a `Case`: `open_case` says what the parameters mean; `more` are the other fields."""
    if more.get("fixed_at") is not None:
        utc_moment(more["fixed_at"], "fixed_at")
    history = narrow(archive, domain)
    every = find_incidents(history)
    if isinstance(period, str):
        if period != LATEST:
            raise ParameterError(f"period is {period!r}: expected {LATEST!r}, a pair of days, or None")
        rows = most_urgent(every, cells(history))
        first, last = (rows["start"].min(), rows["end"].max()) if len(rows) else (None, None)
    else:
        first, last = (_day(side) for side in _pair(period))
        if first is not None and last is not None and last < first:
            raise ParameterError(f"the period ends on {last.date()}, before it begins on {first.date()}")
        rows = every if first is None else every[every["end"] >= first]
        rows = rows if last is None else rows[rows["start"] <= last]
        # An incident is included whole, or its counts and its days would not be of the same sessions.
        if len(rows):
            first = first if first is None else min(first, rows["start"].min())
            last = last if last is None else max(last, rows["end"].max())
    part = narrow(history, None, first, None if last is None else last.date())
    reported = part.sessions["day"]
    return more | {
        "history": history,
        "archive": part,
        "incidents": rows.reset_index(drop=True),
        "others": every[~every["incident"].isin(rows["incident"])].reset_index(drop=True),
        "first": first if first is not None or reported.empty else reported.min(),
        "last": last if last is not None or reported.empty else reported.max(),
    }


def _pair(period: object) -> tuple[Day, Day]:
    if period is None:
        return None, None
    if not isinstance(period, tuple | list) or len(period) != 2:
        raise ParameterError(f"period is {period!r}: expected {LATEST!r}, a pair of days, or None")
    return period[0], period[1]


def _day(side: Day) -> pd.Timestamp | None:
    if side is None:
        return None
    return pd.Timestamp(utc_moment(side, "period")).floor("D").as_unit("us")


def _is_group_of(group: Group, row: Mapping[Any, Any]) -> bool:
    """Whether a group of reported failures is an incident."""
    reported, host = group.reported, row["receiving_mx_hostname"]
    return (
        (reported.policy_domain, reported.policy_type, reported.result_type)
        == (row["policy_domain"], row["policy_type"], row["result_type"])
        and reported.mx == (host if isinstance(host, str) else "")
        and reported.first <= row["end"].date()
        and reported.last >= row["start"].date()
    )
