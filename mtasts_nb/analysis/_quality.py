"""How far the numbers can be trusted: what arrived, what did not, and who reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..markup import plural, share
from ..vocabulary import UNATTRIBUTED
from ._cells import cells
from ._table import Table, as_count, as_day

if TYPE_CHECKING:
    from ..reports import Archive, Source

__all__ = ["arrivals", "assumptions", "coverage", "refusals"]

_OUTCOMES = {
    "loaded": ("Reports read", "They are in the numbers, each once."),
    "duplicate": ("Copies of a report already read", "Not counted again: the same report often comes by two ways."),
    "skipped": ("Without a report", "Other mails and files; nothing is missing because of them."),
    "rejected": ("Could not be read", "Not in the numbers. What they held is not known."),
}


def arrivals(archive: Archive) -> Table:
    """Return what became of the inputs, and what else bears on the numbers: columns ``what, count, meaning``."""
    import pandas as pd

    outcomes = archive.inputs["outcome"].astype("str").value_counts()
    rows = [(what, int(outcomes.get(outcome, 0)), meaning) for outcome, (what, meaning) in _OUTCOMES.items()]
    conflicts = int(archive.reports["conflict"].sum())
    rows.append(
        (
            "Reports that contradict another of the same identity",
            conflicts,
            "One of each pair counts, chosen by a rule and not by the order of the files; both are listed.",
        )
    )
    rows.append(
        ("Assumptions made in reading", len(archive.deviations), "Fields that are not as RFC 8460 §4.4 has them.")
    )
    failed = archive.failures
    vague = int(failed.loc[failed["result_type"] == UNATTRIBUTED, "failed_session_count"].sum())
    rows.append(("Failed sessions without a detail", vague, "Counted by the reporter in its summary, never explained."))
    far = int(cells(archive).far_off["sessions"].sum())
    if far:
        meaning = (
            "Left out of statements, tables and figures: most likely a reporter's wrong clock. The archive has them."
        )
        rows.append(("Sessions dated years from all others", far, meaning))
    return Table(
        pd.DataFrame(rows, columns=["what", "count", "meaning"]),
        {"what": "What", "count": "How many", "meaning": "What it means for the numbers"},
        caption=f"{plural(len(archive.inputs), 'input')} looked at.",
        nothing="Nothing was looked at.",
        formats={"count": as_count},
    )


def refusals(archive: Archive) -> Table:
    """Return what could not be read: columns ``source, member, stage, reason, detail``."""
    return Table(
        archive.rejects,
        {"source": "Input", "member": "Part", "reason": "Reason", "detail": "What was found"},
        caption=f"{plural(len(archive.rejects), 'input')} could not be read.",
        nothing="Everything could be read.",
    )


def assumptions(archive: Archive) -> Table:
    """Return what was assumed in reading, grouped: columns ``field, treatment, times, reports, example``."""
    deviations = archive.deviations.astype({"field": "str", "treatment": "str"})
    # policies[0] and policies[7] are the same slip.
    deviations["field"] = deviations["field"].str.replace(r"\[\d+\]", "[]", regex=True)
    deviations["place"] = deviations["source"] + "\n" + deviations["member"]
    frame = (
        deviations.groupby(["field", "treatment"])
        .agg(times=("source", "size"), reports=("place", "nunique"), example=("value", "first"))
        .reset_index()
        .sort_values(["times", "field", "treatment"], ascending=[False, True, True])
        .reset_index(drop=True)
    )
    return Table(
        frame,
        {
            "field": "Field",
            "treatment": "What was made of it",
            "times": "Times",
            "reports": "Reports",
            "example": "For example",
        },
        caption=f"{plural(len(frame), 'kind')} of departure from RFC 8460, all understood.",
        nothing="Nothing had to be assumed: every report has the form of RFC 8460.",
        formats={"times": as_count, "reports": as_count},
    )


def coverage(source: Source) -> Table:
    """Return who reports and how regularly: one row per reporter.

    Returns
    -------
    Table
        Columns ``organization_name, first, last`` (days with a report), ``days, missing`` (days between first and last
        without a report), ``longest_gap`` (days), ``quiet`` (days from its last report to the last of anybody).
    """
    import pandas as pd

    found = cells(source)
    end = found.sessions["day"].max()
    rows = []
    for name, part in found.sessions.groupby("organization_name", sort=True):
        calendar = pd.DatetimeIndex(sorted(part["day"].unique()))
        steps = calendar.to_series().diff().dt.days.fillna(1).astype("int64") - 1
        rows.append(
            {
                "organization_name": name or "(gives no name)",
                "first": calendar[0],
                "last": calendar[-1],
                "days": len(calendar),
                "missing": int(steps.sum()),
                "longest_gap": int(steps.max()),
                "quiet": (end - calendar[-1]).days,
            }
        )
    columns = ["organization_name", "first", "last", "days", "missing", "longest_gap", "quiet"]
    frame = pd.DataFrame(rows, columns=columns).sort_values(["days", "organization_name"], ascending=[False, True])
    total = int(frame["days"].sum())
    missing = int(frame["missing"].sum())
    return Table(
        frame.reset_index(drop=True),
        {
            "organization_name": "Reporter", "first": "First report", "last": "Last report", "days": "Days with a report",
            "missing": "Days missing between", "longest_gap": "Longest gap", "quiet": "Quiet at the end",
        },
        caption=f"{plural(len(frame), 'reporter')}; {share(missing, total + missing)} of their days are missing. "
        "A missing day is unknown, not clean; many reporters send nothing for a day without mail.",
        nothing="No report came.",
        formats={
            "first": as_day, "last": as_day, "days": as_count, "missing": as_count, "longest_gap": as_count, "quiet": as_count,
        },
    )  # fmt: skip
