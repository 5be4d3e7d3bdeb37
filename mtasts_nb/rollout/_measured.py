"""What reports show of earlier changes: how fast the reporters of this domain applied them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd

from ..analysis import PolicyHistory, Table
from ..markup import when
from ..vocabulary import Adoption
from ._forecast import PRIOR, SenderModel, take_up

__all__ = ["adoption_table", "calibrated", "measured_propagation", "served_before"]

_HOUR: Final = 3600
_DAY: Final = 86_400
#: Reports show the day of a change, not its hour: taken as noon.
_NOON: Final = 12 * _HOUR
#: What no way of checking explains (a forgotten machine, a report late by its clock) decides nothing.
_UNEXPLAINED: Final = 0.02
_ROUNDS: Final = 60
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
    ages = {
        int(row["event"]): int(row["max_age_before"])
        for row in changes.to_dict("records")
        if row["max_age_before"] == row["max_age_before"] and row["max_age_before"] is not None
    }
    explained: dict[str, list[np.ndarray]] = defaultdict(list)
    rows = history.propagation
    rows = rows[rows["state"].isin(_MEASURED) & rows["event"].isin(ages) & rows["days_at_least"].notna()]
    for row in rows.to_dict("records"):
        start = max(0, int(row["days_at_least"]) * _DAY - _NOON)
        stop = (int(row["days_at_most"]) + 1) * _DAY - _NOON if row["days_at_most"] == row["days_at_most"] else 10**9
        at = np.array([start - 1.0 if start == 0 else float(start), float(stop)])
        ways = take_up(at, ttl=ttl, longest=ages[int(row["event"])], model=model, waited=None)
        likely = np.array([way[1] - way[0] for way in ways])
        explained[str(row["organization_name"])].append(np.log((1 - _UNEXPLAINED) * likely + _UNEXPLAINED))
    if not explained:
        return model
    evidence = np.array([np.sum(parts, axis=0) for parts in explained.values()])
    evidence = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    assumed = np.array(model.shares)
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


def served_before(history: PolicyHistory) -> list[tuple[datetime, int]]:
    """Return the policies that reports show to have been replaced: when each was last served at the latest, and its max_age.

    A change that a report of a day shows was published on that day or before.
    """
    served = []
    for row in history.events.to_dict("records"):
        age = row["max_age_before"]
        if age == age and age is not None:
            served.append((row["day"].to_pydatetime() + timedelta(days=1), int(age)))
    return served


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
