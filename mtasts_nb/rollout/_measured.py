"""What reports show of earlier changes: how fast the reporters of this domain applied them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from ..analysis import PolicyHistory, Table
from ..markup import when
from ..policy import Policy
from ..vocabulary import Adoption, Mode
from ._forecast import PRIOR, Floats, SenderModel, sum_of_two

__all__ = ["Replaced", "adoption_table", "calibrated", "measured_propagation", "served_before"]

_HOUR: Final = 3600
_DAY: Final = 86_400
#: A report counts on the UTC day on which it begins, and ends up to two days after that midnight.
_REPORT: Final = timedelta(days=2)
#: What no way of checking explains (a forgotten machine, a report late by its clock) decides nothing.
_UNEXPLAINED: Final = 0.02
_ROUNDS: Final = 60
#: How often a reporter sends is taken in powers of two, from a session a minute to one in eleven days.
_GAPS: Final = tuple(60 * 2**power for power in range(15))
_MOST_DAYS: Final = 400
_MEASURED: Final = [state.value for state in Adoption if state.measured]


def calibrated(history: PolicyHistory, model: SenderModel, ttl: int, events: pd.DataFrame | None = None) -> SenderModel:
    """Return the model with the shares of the three ways as the reporters of a history show them.

    Each reporter is assumed to have one way of checking, in all changes that it applied. The shares are the mean of what
    each way explains, with the shares assumed before counted as four more reporters (a Dirichlet prior, expectation
    maximisation): a few reporters move them a little, many a lot.

    Parameters
    ----------
    history : PolicyHistory
        Of one policy domain.
    model : SenderModel
        What is assumed before.
    ttl : int
        Of the record, in seconds; taken to have been the same before.
    events : DataFrame, optional
        Rows of `history.events` to learn from; by default all in which a policy replaced another.

    Returns
    -------
    SenderModel
        `reporters` says from how many the shares were measured; the same model where there is none.
    """
    changes = history.events if events is None else events
    known = changes.dropna(subset=["max_age_before", "policy"])
    ages = dict(zip(known["event"].astype(int), known["max_age_before"].astype(int), strict=True))
    assumed = np.array(model.shares)
    explained: dict[str, list[Floats]] = defaultdict(list)
    rows = history.propagation
    rows = rows[rows["state"].isin(_MEASURED) & rows["event"].isin(ages) & rows["days_at_least"].notna()]
    gaps = _gaps(history)
    for event in rows["event"].drop_duplicates().tolist():
        part = rows[rows["event"] == event]
        names = part["organization_name"].astype("str").tolist()
        seen = [_seen(ttl, ages[event], gaps[name], model.refresh) for name in names]
        # One that is still on the old policy takes at least so long; how much longer is not known.
        first = part["days_at_least"].clip(upper=_MOST_DAYS).astype(int).tolist()
        last = (part["days_at_most"].fillna(_MOST_DAYS).clip(upper=_MOST_DAYS - 1) + 1).astype(int).tolist()
        # A reporter whose day begins in the evening of the UTC day before shows a change a day before the others.
        cases = [
            [
                way[:, max(stop - late, 0)] - way[:, max(start - late, 0)]
                for way, start, stop in zip(seen, first, last, strict=True)
            ]
            for late in (0, 1)
        ]
        logs = [np.log((1 - _UNEXPLAINED) * np.array(case) + _UNEXPLAINED) for case in cases]
        fits = [float(np.log(np.exp(log) @ assumed).sum()) for log in logs]
        for name, likely in zip(names, logs[fits.index(max(fits))].tolist(), strict=True):
            explained[name].append(np.array(likely))
    if not explained:
        return model
    evidence = np.array([np.sum(parts, axis=0) for parts in explained.values()])
    evidence = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    shares = assumed.copy()
    for _ in range(_ROUNDS):
        weighed = evidence * np.maximum(shares, 1e-12)
        weighed /= weighed.sum(axis=1, keepdims=True)
        shares = (PRIOR * assumed + weighed.sum(axis=0)) / (PRIOR + len(evidence))
    each, refresh = (round(float(share), 4) for share in shares[:2])
    return replace(
        model, at_each_attempt=each, by_refresh=refresh, at_expiry=max(0.0, round(1 - each - refresh, 4)),
        reporters=len(evidence),
    )  # fmt: skip


def _gaps(history: PolicyHistory) -> dict[str, int]:
    """Return how long, in seconds, each reporter is without a session as a rule; reports show only what sessions show."""
    own = history.table.groupby("organization_name", observed=True).agg(
        first=("day", "min"), last=("day", "max"), sessions=("sessions", "sum")
    )
    seconds = ((own["last"] - own["first"]).dt.total_seconds() + _DAY) / own["sessions"].clip(lower=1)
    return {str(name): min(_GAPS, key=lambda gap: abs(gap - value)) for name, value in seconds.items()}


@lru_cache(maxsize=512)
def _seen(ttl: int, longest: int, gap: int, refresh: int) -> Floats:
    """Return how likely the new policy is in a report by the end of each day, for each of the three ways.

    The row of a way begins with 0, before the day of the change; that day's end is next. The change was at any hour of its
    day, and a session comes `gap` seconds later on average (a Poisson process).
    """
    at = np.arange(24 * _MOST_DAYS, dtype=np.float64) * _HOUR
    session = np.diff(-np.expm1(-at / gap), append=1.0)
    noticed = np.convolve(session, np.full(24, 1 / 24))
    ways = (sum_of_two(at, ttl, 0), sum_of_two(at, ttl, min(refresh, longest)), sum_of_two(at, longest, 0))
    size = 2 * len(at) + 24
    spectrum = np.fft.rfft(noticed, size)
    by_hour = [np.cumsum(np.fft.irfft(np.fft.rfft(np.diff(way, prepend=0.0), size) * spectrum, size)) for way in ways]
    ends = np.array([hours[: len(at)].reshape(-1, 24)[:, -1] for hours in by_hour])
    seen: Floats = np.clip(np.concatenate([np.zeros((3, 1)), ends[:, :-1], np.ones((3, 1))], axis=1), 0.0, 1.0)
    return seen


class Replaced(NamedTuple):
    """A policy that reports show and that is not served now: until when it was at the latest, UTC, and what it says.

    `mode` is None and `mx` empty where the reports do not say.
    """

    until: datetime
    max_age: int
    mode: Mode | None
    mx: tuple[str, ...]


def served_before(history: PolicyHistory, served: Policy, made: datetime) -> list[Replaced]:
    """Return the policies of a domain that reports show, other than the one served now; without a max_age none can be dated.

    A change that a report shows was published before that report ends, up to two days after midnight: reports count on
    the UTC day on which they begin, and not every sender's day is that of UTC. The newest policy in the reports, if it is
    not the one served now, was replaced since, at an unknown time. A policy that a reporter applies when every copy of it
    should have expired was served for longer: as late as that report.

    Parameters
    ----------
    history : PolicyHistory
        Of one policy domain.
    served : Policy
        The one served now.
    made : datetime
        Now, UTC.
    """
    events = history.events[history.events["day"] <= pd.Timestamp(made)]
    # Missing after a removal: then none is the newest.
    newest = set(events["policy"].tail(1).dropna()) if len(events) else set(history.policies["policy"])
    replaced = []
    for row in history.policies.dropna(subset=["policy_max_age"]).to_dict("records"):
        mx = tuple(str(row["mx"]).split()) if pd.notna(row["mx"]) else ()
        if (row["policy_mode"], row["policy_max_age"], sorted(mx)) == (served.mode, served.max_age, _plain(served.mx)):
            continue
        left = events.loc[events["policy_before"].eq(row["policy"]).fillna(value=False), "day"]
        last = min(row["last_day"].to_pydatetime() + _REPORT, made)
        until = made if row["policy"] in newest else last if left.empty else left.iloc[-1].to_pydatetime() + _REPORT
        age = timedelta(seconds=int(row["policy_max_age"]))
        mode = Mode(row["policy_mode"]) if row["policy_mode"] in list(Mode) else None
        replaced.append(Replaced(last if last > until + age + _REPORT else until, int(row["policy_max_age"]), mode, mx))
    return replaced


def _plain(patterns: tuple[str, ...]) -> list[str]:
    return sorted({pattern.lower().removesuffix(".") for pattern in patterns})


def measured_propagation(history: PolicyHistory, event: int, published: datetime) -> pd.DataFrame:
    """Return how a change spread, in hours since its record was published, to compare with a forecast.

    Reports show the day: by an hour at least so many reporters had applied the change, and at most so many could have.

    Parameters
    ----------
    history : PolicyHistory
        What `policy_history` gave.
    event : int
        Of `history.events`.
    published : datetime
        When the record was published, UTC.

    Returns
    -------
    DataFrame
        ``hours`` (float64), ``share_at_least``, ``share_at_most`` (float64, 0 to 1), each from that hour on. Empty where
        no reporter was seen before and after.

    Raises
    ------
    ValueError
        There is no such event.
    """
    curve = history.curve(event).dropna(subset=["share_at_least"])
    starts = (curve["day"] - pd.Timestamp(published)).dt.total_seconds().to_numpy(np.float64) / _HOUR
    columns = ["hours", "share_at_least", "share_at_most"]
    if curve.empty:
        return pd.DataFrame({name: pd.Series(dtype="float64") for name in columns})
    low, high = (curve[name].to_numpy(np.float64) for name in columns[1:])
    # What is certain is so at the end of a day; what is possible, from its beginning on.
    ends = starts + 24
    edges = np.unique(np.concatenate([[0.0], starts[starts > 0], ends[ends > 0]]))
    sure = np.concatenate([[0.0], low])[np.searchsorted(ends, edges, side="right")]
    possible = high[np.maximum(np.searchsorted(starts, edges, side="right") - 1, 0)]
    return pd.DataFrame({"hours": edges, "share_at_least": sure, "share_at_most": np.maximum(possible, sure)})


def adoption_table(history: PolicyHistory, event: int) -> Table:
    """Return how far each reporter is with one change, as a table.

    Parameters
    ----------
    history : PolicyHistory
        What `policy_history` gave.
    event : int
        Of `history.events`.

    Raises
    ------
    ValueError
        There is no such event.
    """
    change = history.events[history.events["event"] == event]
    if change.empty:
        raise ValueError(f"event is {event}: there are {len(history.events)}, numbered from 1")
    row = change.iloc[0]
    rows = history.propagation[history.propagation["event"] == event].reset_index(drop=True)
    headings = {
        "organization_name": "Reporter", "state": "State", "last_old": "Last day with the old one",
        "first_new": "First day with the new one", "days_at_least": "Days, at least", "days_at_most": "At most",
    }  # fmt: skip
    return Table(
        rows,
        headings,
        caption=f"{row['policy_domain']}: {row['what']}, first seen on {when(row['day'].date())}.",
        nothing="No reporter was seen before and after this change.",
    )
