"""The stretches of days in which failures came in numbers, and how much came outside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..markup import plural
from ._breakdown import NO_MX
from ._cells import Cells, cells
from ._table import Table, as_count, as_day, days

if TYPE_CHECKING:
    import pandas as pd

    from ..reports import Source

__all__ = ["QUIET_DAYS", "timeline"]

#: A stretch ends when this many days in a row, each with a report, bring too few failures to count.
QUIET_DAYS = 3
#: Fewer failures of one kind on a day are never a stretch.
FEW = 3
#: A day counts when its failures of one kind are many and not a trifle of the day's sessions, or when they are a good
#: part of a small number of sessions, or when they were held back. Below lie the time-outs of any normal day.
MANY, TRIFLE, GOOD_PART = 10, 0.005, 0.1
_KEYS = ["policy_domain", "policy_type", "result_type", "receiving_mx_hostname"]


def timeline(source: Source, quiet_days: int = QUIET_DAYS) -> Table:
    """Return the stretches of days with failures, per policy domain, policy type, result type and MX host.

    A day belongs to a stretch when the failures of that kind are at least 10, and at least 0.5 % of the day's sessions
    about that domain and policy type; or at least 3, and either 10 % of the sessions or held back. A stretch ends when `quiet_days` days
    with reports bring no such day. Days without a report neither end nor prolong it. The last stretch is ongoing while
    fewer than that many days passed since.

    Parameters
    ----------
    source : Source
        An Archive.
    quiet_days : int
        Reported days without such a day that end a stretch.

    Returns
    -------
    Table
        Columns ``start, end`` (days, UTC), ``ongoing`` (bool), ``policy_domain, policy_type, result_type,
        receiving_mx_hostname, failed, days`` (that belong), ``peak`` (day), ``peak_failed, reporters, state``; by start.
        The title says how many failed sessions lie outside.
    """
    import pandas as pd

    found = cells(source)
    rows = _stretches(found, quiet_days)
    columns = ["start", "end", "ongoing", *_KEYS, "failed", "days", "peak", "peak_failed", "reporters"]
    frame = pd.DataFrame(rows, columns=columns).astype({"ongoing": "bool"})
    frame = frame.sort_values(["start", "failed", *_KEYS], ascending=[True, False, True, True, True, True])
    frame = frame.reset_index(drop=True)
    frame["receiving_mx_hostname"] = frame["receiving_mx_hostname"].replace("", NO_MX)
    frame["state"] = ["still going on" if ongoing else "over" for ongoing in frame["ongoing"]]
    outside = int(found.failures["failed"].sum()) - int(frame["failed"].sum())
    scattered = f" {plural(outside, 'failed session')} came scattered, outside these." if outside else ""
    nothing = "No report came: nothing is known." if found.sessions.empty else "No failure was reported."
    if outside:
        nothing = (
            f"No stretch of failures: {plural(outside, 'failed session')} came scattered, too few on any day to be one."
        )
    return Table(
        frame,
        {
            "start": "First day", "end": "Last day", "state": "State", "result_type": "Result type",
            "receiving_mx_hostname": "MX host", "policy_domain": "Policy domain", "policy_type": "Policy type",
            "failed": "Failed sessions", "reporters": "Reporters",
        },
        caption=f"{plural(len(frame), 'stretch', 'stretches')} of days with failures; one ends after {days(quiet_days)} "
        f"with reports and without such failures.{scattered}",
        nothing=nothing,
        formats={"start": as_day, "end": as_day, "peak": as_day, "failed": as_count, "reporters": as_count},
    )  # fmt: skip


def _stretches(found: Cells, quiet_days: int) -> list[dict[str, object]]:
    import pandas as pd

    totals = found.sessions.groupby(["policy_domain", "policy_type", "day"])["sessions"].sum()
    rows: list[dict[str, object]] = []
    for name, part in found.failures.groupby(_KEYS, sort=True):
        of_domain = totals.loc[name[:2]]  # type: ignore[index]
        failed = part.groupby("day")["failed"].sum()
        held = part[part["effect"] == "held back"].groupby("day")["failed"].sum().reindex(failed.index, fill_value=0)
        part_of_day = failed / of_domain.reindex(failed.index)
        many = (failed >= MANY) & (part_of_day >= TRIFLE)
        bad = failed[many | (failed >= FEW) & (part_of_day >= GOOD_PART) | (held >= FEW)]
        if bad.empty:
            continue
        position = pd.Series(of_domain.index.get_indexer(bad.index), index=bad.index)
        for _, stretch in bad.groupby((position.diff() > quiet_days).cumsum()):
            rows.append(_row(dict(zip(_KEYS, name, strict=True)), stretch, part, position, len(of_domain), quiet_days))
    return rows


def _row(
    keys: dict[str, object], stretch: pd.Series, part: pd.DataFrame, position: pd.Series, reported: int, quiet_days: int
) -> dict[str, object]:
    since = reported - 1 - int(position[stretch.index[-1]])
    return {
        "start": stretch.index[0],
        "end": stretch.index[-1],
        "ongoing": since < quiet_days,
        **keys,
        "failed": int(stretch.sum()),
        "days": len(stretch),
        "peak": stretch.idxmax(),
        "peak_failed": int(stretch.max()),
        "reporters": part.loc[part["day"].isin(stretch.index), "organization_name"].nunique(),
    }
