"""Many policy domains at a glance: one row each, the worst first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from ..analysis import at_mx, by_urgency, cells, day, reported_verdicts
from ..markup import one_line, share
from ..render import Rendered, Trend
from ..vocabulary import Certainty, Level, verdict_reason

if TYPE_CHECKING:
    from ..analysis import Cells
    from ..reports import Source

__all__ = ["MANY", "Domain", "Fleet", "fleet"]

#: From so many policy domains on, a document begins with all of them.
MANY: Final = 5
#: Days of the trend.
_TREND_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Domain:
    """One policy domain.

    Attributes
    ----------
    policy_domain : str
    level : Level
        The verdict on it, by reports alone.
    why : str
        Why the level applies; empty where there is nothing to add.
    share : float or None
        The share of the reported sessions that failed in the last 30 days of all reports, under the policy type with the
        largest; None without sessions.
    trend : Trend
        The same by day.
    incident : str
        The most urgent open incident; empty without one.
    reporters : int
    """

    policy_domain: str
    level: Level
    why: str
    share: float | None
    trend: Trend
    incident: str
    reporters: int


@dataclass(frozen=True, slots=True)
class Fleet(Rendered):
    """Policy domains, the worst first; it shows nothing where it is not asked to lead."""

    domains: tuple[Domain, ...]

    def count(self) -> dict[Level, int]:
        """Return how many domains there are of each level, the most urgent first; of some there may be none."""
        counted = Counter(domain.level for domain in self.domains)
        return {level: counted[level] for level in Level if counted[level]}


def fleet(source: Source, incidents: pd.DataFrame) -> Fleet:
    """Return the policy domains of a source: by level, then whether an incident is open, then by the share that failed.

    Parameters
    ----------
    source : Source
    incidents : DataFrame
        What `find_incidents` gives for it.
    """
    split = cells(source)
    if split.sessions.empty:
        return Fleet(())
    last = split.sessions["day"].max()
    days = pd.date_range(last - pd.Timedelta(days=_TREND_DAYS - 1), last, unit="us")
    recent, keys = split.since(days[0]), ["policy_domain", "policy_type"]
    # Sessions under sts and tlsa may be the same ones: the share is that of the type with the largest.
    overall = _shares(recent, keys).groupby("policy_domain").max()
    by_day = _shares(recent, [*keys, "day"]).groupby(["policy_domain", "day"]).max().unstack("policy_domain")
    reporters = split.sessions.groupby("policy_domain")["organization_name"].nunique()
    verdicts = reported_verdicts(source)
    open_rows = by_urgency(incidents[incidents["ongoing"]], split)
    first = {str(row["policy_domain"]): row for row in reversed(open_rows.to_dict("records"))}
    domains = []
    for name in map(str, reporters.index):
        part = overall.get(name)
        values = by_day[name].reindex(days) if name in by_day else pd.Series(float("nan"), days)
        row, verdict = first.get(name), verdicts[name]
        domains.append(
            Domain(
                policy_domain=name,
                level=verdict.level,
                why=verdict_reason(verdict),
                share=None if part is None or part != part else float(part),
                trend=_trend(values),
                incident="" if row is None else _incident(row),
                reporters=int(reporters[name]),
            )
        )
    return Fleet(
        tuple(
            sorted(
                domains, key=lambda each: (each.level.rank, not each.incident, -(each.share or 0), each.policy_domain)
            )
        )
    )


def _shares(split: Cells, keys: list[str]) -> pd.Series:
    """Return the share of sessions that failed, by the keys; missing where no session was counted."""
    counted = split.sessions.groupby(keys)["sessions"].sum()
    failed = split.failures.groupby(keys)["failed"].sum().reindex(counted.index, fill_value=0)
    return (failed / counted).where(counted > 0)


def _trend(values: pd.Series) -> Trend:
    known = values.dropna()
    if known.empty:
        return Trend((None,) * len(values), f"no report in {len(values)} days")
    most = f"worst {share(float(known.max()), 1)}, last {share(float(known.iloc[-1]), 1)}"
    return Trend(tuple(None if value != value else float(value) for value in values), most)


def _incident(row: dict[str, object]) -> str:
    doubt = "" if row["confidence"] == Certainty.HIGH else f", certainty {row['confidence']}"
    since = day(pd.Timestamp(row["start"]))  # type: ignore[arg-type]
    return f"{one_line(row['result_type'], 60)}{at_mx(row['receiving_mx_hostname'])} since {since}{doubt}"
