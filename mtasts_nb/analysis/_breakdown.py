"""Failures by result type, by MX host and by reporter, and what they did to mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..knowledge import explain
from ..markup import plural
from ..vocabulary import PolicyType
from ._cells import EFFECTS, Cells, cells
from ._table import Table, as_count, as_day, as_share

if TYPE_CHECKING:
    import pandas as pd

    from ..reports import Source

__all__ = ["by_mx", "by_reporter", "by_result_type", "failing_policy_types", "impact"]

_NO_FAILURE = "No failure was reported."
_NO_REPORT = "No report came: nothing is known."
#: The word for failures at which no MX host is named.
NO_MX = "(none named)"
_COUNTED = {
    "failed": as_count,
    "share": as_share,
    "first": as_day,
    "last": as_day,
    "days": as_count,
    "reporters": as_count,
}


def _nothing(found: Cells) -> str:
    return _NO_REPORT if found.sessions.empty else _NO_FAILURE


def _grouped(failures: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return failed sessions, first and last day, days and reporters, by the keys; the largest first."""
    grouped = (
        failures.groupby(keys, sort=True)
        .agg(
            failed=("failed", "sum"),
            first=("day", "min"),
            last=("day", "max"),
            days=("day", "nunique"),
            reporters=("organization_name", "nunique"),
        )
        .reset_index()
    )
    # A share of the failures of that policy type: sts and tlsa may count the same sessions (RFC 8460 §4.4).
    total = grouped.groupby("policy_type")["failed"].transform("sum")
    grouped["share"] = grouped["failed"] / total
    return grouped.sort_values(["failed", *keys], ascending=[False, *[True] * len(keys)]).reset_index(drop=True)


def by_result_type(source: Source | Cells) -> Table:
    """Return failed sessions by policy domain, policy type and result type, the largest first.

    Returns
    -------
    Table
        Columns ``policy_domain, policy_type, result_type, meaning, failed, share`` (of the failures of that policy
        type), ``first, last, days, reporters``.
    """
    found = cells(source)
    frame = _grouped(found.failures, ["policy_domain", "policy_type", "result_type"])
    frame["meaning"] = [explain(code).short for code in frame["result_type"]]
    return Table(
        frame,
        {
            "result_type": "Result type", "meaning": "In plain words", "policy_domain": "Policy domain",
            "policy_type": "Policy type", "failed": "Failed sessions", "share": "Share of failures", "first": "First",
            "last": "Last",
        },
        caption=f"What failed: {plural(frame['result_type'].nunique(), 'result type')}.",
        nothing=_nothing(found),
        formats=_COUNTED,
    )  # fmt: skip


def by_mx(source: Source | Cells) -> Table:
    """Return failed sessions by policy domain, policy type and MX host, the largest first.

    Returns
    -------
    Table
        Columns ``policy_domain, policy_type, receiving_mx_hostname, result_types, failed, share, first, last, days,
        reporters``. Successes are not known per MX host: RFC 8460 counts them per policy (§4.4).
    """
    found = cells(source)
    keys = ["policy_domain", "policy_type", "receiving_mx_hostname"]
    frame = _grouped(found.failures, keys)
    kinds = (
        found.failures.groupby([*keys, "result_type"])["failed"]
        .sum()
        .reset_index()
        .sort_values("failed", ascending=False)
    )
    names = kinds.groupby(keys, sort=False)["result_type"].agg(lambda types: ", ".join(types.iloc[:3]))
    frame = frame.merge(names.rename("result_types").reset_index(), on=keys, how="left")
    frame["receiving_mx_hostname"] = frame["receiving_mx_hostname"].replace("", NO_MX)
    return Table(
        frame,
        {
            "receiving_mx_hostname": "MX host", "policy_domain": "Policy domain", "policy_type": "Policy type",
            "result_types": "Result types", "failed": "Failed sessions", "share": "Share of failures",
            "first": "First", "last": "Last",
        },
        caption="Where it failed. Reports count successes per policy and not per MX host, so there is no rate per host.",
        nothing=_nothing(found),
        formats=_COUNTED,
    )  # fmt: skip


def by_reporter(source: Source | Cells) -> Table:
    """Return sessions and failed sessions by reporter and policy type, the most failures first.

    Returns
    -------
    Table
        Columns ``organization_name, policy_type, days`` (with a report), ``sessions, failed, share`` (of that
        reporter's sessions), ``top`` (its most frequent result type), ``first, last`` (days with a report).
    """
    found = cells(source)
    keys = ["organization_name", "policy_type"]
    seen = found.sessions.groupby(keys).agg(
        sessions=("sessions", "sum"), days=("day", "nunique"), first=("day", "min"), last=("day", "max")
    )
    failed = found.failures.groupby(keys)["failed"].sum().rename("failed")
    kinds = found.failures.groupby([*keys, "result_type"])["failed"].sum().reset_index()
    top = (
        kinds.sort_values("failed", ascending=False).drop_duplicates(keys).set_index(keys)["result_type"].rename("top")
    )
    frame = seen.join(failed).join(top).reset_index()
    frame["failed"] = frame["failed"].fillna(0).astype("int64")
    frame["share"] = (frame["failed"] / frame["sessions"]).where(frame["sessions"] > 0)
    frame["organization_name"] = frame["organization_name"].replace("", "(gives no name)")
    frame = frame.sort_values(["failed", "sessions", *keys], ascending=[False, False, True, True]).reset_index(
        drop=True
    )
    return Table(
        frame,
        {
            "organization_name": "Reporter", "policy_type": "Policy type", "days": "Days with a report",
            "sessions": "Sessions", "failed": "Failed sessions", "share": "Share", "top": "Mostly", "last": "Last report",
        },
        caption=f"Who saw it: {plural(frame['organization_name'].nunique(), 'reporter')}. Each sees only its own mail.",
        nothing=_NO_REPORT,
        formats={**_COUNTED, "sessions": as_count},
    )  # fmt: skip


def impact(source: Source | Cells) -> Table:
    """Return what the failures did to mail: one row per effect and policy type.

    A session is an attempt, not a message, and a reporter may try another MX host; so the counts of failed sessions say
    "up to", never how many messages.

    Returns
    -------
    Table
        Columns ``effect, policy_type, failed, reporters, days, meaning``.
    """
    found = cells(source)
    frame = (
        found.failures.groupby(["effect", "policy_type"])
        .agg(failed=("failed", "sum"), reporters=("organization_name", "nunique"), days=("day", "nunique"))
        .reset_index()
    )
    frame["meaning"] = frame["effect"].map(EFFECTS)
    order = {effect: rank for rank, effect in enumerate(EFFECTS)}
    frame = frame.sort_values(
        ["effect", "policy_type"], key=lambda column: column.map(order).fillna(0) if column.name == "effect" else column
    )
    return Table(
        frame.reset_index(drop=True),
        {
            "effect": "Effect on mail", "policy_type": "Policy type", "failed": "Failed sessions (up to)",
            "reporters": "Reporters", "days": "Days", "meaning": "What that means",
        },
        caption="What the failures did to mail. A session is a connection, not a message.",
        nothing=_nothing(found),
        formats=_COUNTED,
    )  # fmt: skip


def failing_policy_types(source: Source) -> list[str]:
    """Return the policy types under which sessions failed, for one figure each; MTA-STS first, then by failures.

    Sessions under different policy types may be the same ones, so no figure adds them up. Where nothing failed, the
    policy type with the most sessions is given, so that there is a figure that shows it; nothing where no report came.
    """
    found = cells(source)
    amount = found.failures.groupby("policy_type")["failed"].sum()
    if amount.empty:
        amount = found.sessions.groupby("policy_type")["sessions"].sum().nlargest(1)
    return sorted(map(str, amount.index), key=lambda kind: (kind != PolicyType.STS, -amount[kind], kind))
