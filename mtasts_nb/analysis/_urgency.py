"""Which incident comes first: one order for the story, a page and a postmortem."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..vocabulary import Certainty, MailEffect, urgency
from ._cells import Cells

__all__ = ["by_urgency", "most_urgent", "rows_of_incidents"]


def by_urgency(incidents: pd.DataFrame, split: Cells) -> pd.DataFrame:
    """Return incidents, the most urgent first; those that began together (``story``) stay together, the largest first.

    Open before over, but one of low certainty, which may be background noise, after all others; open ones by what they
    do to mail. Then the certainty; of those that are over, the one that ended last; and the failed sessions.

    Parameters
    ----------
    incidents : DataFrame
        Rows of `find_incidents`.
    split : Cells
        The sessions and failures among which they were found.
    """
    if incidents.empty:
        return incidents
    stories = []
    for story, rows in incidents.groupby("story"):
        is_open = bool(rows["ongoing"].any())
        certainty = min(Certainty(value).rank for value in rows["confidence"])
        doubtful = certainty == Certainty.LOW.rank
        effects = rows_of_incidents(split.failures, rows)["effect"].unique() if is_open else ()
        effect = min((urgency(MailEffect(value).effect) for value in effects), default=0.0)
        order = (doubtful, not is_open, effect, certainty, -rows["end"].max().value, -rows["start"].max().value)
        stories.append((*order, -int(rows["failed_session_count"].sum()), story))
    position = {entry[-1]: number for number, entry in enumerate(sorted(stories))}
    ordered = incidents.assign(position=incidents["story"].map(position)).sort_values(
        ["position", "failed_session_count", "incident"], ascending=[True, False, True]
    )
    return ordered.drop(columns="position")


def most_urgent(incidents: pd.DataFrame, split: Cells) -> pd.DataFrame:
    """Return the rows of the most urgent story, the largest first; none where there is no incident."""
    ordered = by_urgency(incidents, split)
    return ordered if ordered.empty else ordered[ordered["story"] == ordered["story"].iloc[0]]


def rows_of_incidents(
    frame: pd.DataFrame,
    incidents: pd.DataFrame,
    keys: tuple[str, ...] = ("policy_domain", "policy_type", "receiving_mx_hostname", "result_type"),
) -> pd.DataFrame:
    """Return the rows with the keys and on the days of any of the incidents, each once."""
    inside = np.zeros(len(frame), bool)
    for row in incidents.fillna({"receiving_mx_hostname": ""}).to_dict("records"):
        same = frame["day"].between(row["start"], row["end"])
        for key in keys:
            same &= frame[key] == row[key]
        inside |= same.to_numpy()
    return frame[inside].reset_index(drop=True)
