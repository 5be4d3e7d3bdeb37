"""The incidents of a source as a table, and how much failed outside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..markup import one_line, plural
from ._breakdown import NO_MX
from ._cells import Cells, cells
from ._summary import UNDER, scattered
from ._table import Table, as_count, as_day, as_share
from .incidents._find import find_incidents

if TYPE_CHECKING:
    import pandas as pd

    from ..reports import Source

__all__ = ["timeline"]

_STATE = {True: "still going on", False: "over"}
_HEADINGS = {
    "start": "First day", "end": "Last day", "state": "State", "result_type": "Result type",
    "receiving_mx_hostname": "MX host", "policy_domain": "Policy domain", "policy_type": "Policy type",
    "failed_session_count": "Failed sessions", "share": "Share of sessions", "reporters": "Reporters",
    "confidence": "How sure",
}  # fmt: skip
_FORMATS = {
    "start": as_day, "end": as_day, "peak": as_day, "failed_session_count": as_count, "share": as_share,
    "reporters": as_count,
}  # fmt: skip


def timeline(source: Source) -> Table:
    """Return the incidents of a source by their first day, and how many failed sessions came outside them.

    Returns
    -------
    Table
        The columns of `find_incidents`, with ``(none named)`` for a missing MX host, and ``state``.
    """
    return incident_table(find_incidents(source), cells(source))


def incident_table(incidents: pd.DataFrame, found: Cells, caption: str = "") -> Table:
    """Return rows of `find_incidents` as a table; the caption says, too, what came outside them."""
    frame = incidents.copy()
    frame["receiving_mx_hostname"] = frame["receiving_mx_hostname"].fillna(NO_MX)
    frame["state"] = [_STATE[bool(ongoing)] for ongoing in frame["ongoing"]]
    outside = _outside(incidents, found)
    nothing = "No failure was reported."
    if found.sessions.empty:
        nothing = "No report came: nothing is known."
    elif outside:
        nothing = f"No incident: {scattered(found)}."
    rest = f" {outside} came scattered, outside." if outside else ""
    first = caption or f"{plural(len(frame), 'incident')}: days on which failures stand out from their own history."
    headings = dict(_HEADINGS)
    if len(frame) == 1:  # a column for one value would push others off the page
        same = {name: headings.pop(name) for name in ("policy_domain", "policy_type")}
        rest += "".join(f" {heading}: {one_line(frame[name].iloc[0], 80)}." for name, heading in same.items())
    return Table(frame, headings, caption=first + rest, nothing=nothing, formats=_FORMATS)


def _outside(incidents: pd.DataFrame, found: Cells) -> str:
    """Return how many failed sessions are in no incident, by policy type: sts and tlsa may count the same ones."""
    inside = incidents.groupby("policy_type")["failed_session_count"].sum()
    failed = found.failures.groupby("policy_type")["failed"].sum()
    rest = (failed - inside.reindex(failed.index, fill_value=0)).clip(lower=0)
    rest = rest[rest > 0]
    if len(rest) == 1:
        return plural(int(rest.iloc[0]), "failed session")
    return ", ".join(
        f"{plural(int(count), 'failed session')} {UNDER.get(str(kind), f'under {kind}')}"
        for kind, count in rest.items()
    )
