"""Failures by domain, result type, MX host and reporter, and what they did to mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import pandas as pd

from ..knowledge import result_type_text
from ..markup import plural
from ..vocabulary import MailEffect, PolicyType, verdict_reason
from ._cells import EFFECT_TEXTS, Cells, cells
from ._table import NO_MX, NO_NAME, Table
from ._verdicts import verdicts_by_type

if TYPE_CHECKING:
    from ..reports import Source
    from ._reported import Reported

__all__ = ["by_mx", "by_reporter", "by_result_type", "failing_policy_types", "impact", "overview"]

_NO_FAILURE: Final = "No failure was reported."
_NO_REPORT: Final = "No report came: nothing is known."


def _nothing(source: Cells) -> str:
    return _NO_REPORT if source.sessions.empty else _NO_FAILURE


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
    split = cells(source)
    frame = _grouped(split.failures, ["policy_domain", "policy_type", "result_type"])
    frame["meaning"] = [result_type_text(code).short for code in frame["result_type"]]
    return Table(
        frame,
        {
            "result_type": "Result type", "meaning": "In plain words", "policy_domain": "Policy domain",
            "policy_type": "Policy type", "failed": "Failed sessions", "share": "Share of failures", "first": "First",
            "last": "Last",
        },
        caption=f"What failed: {plural(frame['result_type'].nunique(), 'result type')}.",
        nothing=_nothing(split),
    )  # fmt: skip


def by_mx(source: Source | Cells) -> Table:
    """Return failed sessions by policy domain, policy type and MX host, the largest first.

    Returns
    -------
    Table
        Columns ``policy_domain, policy_type, receiving_mx_hostname, result_types, failed, share, first, last, days,
        reporters``. Successes are not known per MX host: RFC 8460 counts them per policy (§4.4).
    """
    split = cells(source)
    keys = ["policy_domain", "policy_type", "receiving_mx_hostname"]
    frame = _grouped(split.failures, keys)
    kinds = _grouped(split.failures, [*keys, "result_type"])
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
        nothing=_nothing(split),
    )  # fmt: skip


def by_reporter(source: Source | Cells) -> Table:
    """Return sessions and failed sessions by reporter and policy type, the most failures first.

    Returns
    -------
    Table
        Columns ``organization_name, policy_type, days`` (with a report), ``sessions, failed, share`` (of that
        reporter's sessions), ``top`` (its most frequent result type), ``first, last`` (days with a report).
    """
    split = cells(source)
    keys = ["organization_name", "policy_type"]
    seen = split.sessions.groupby(keys).agg(
        sessions=("sessions", "sum"), days=("day", "nunique"), first=("day", "min"), last=("day", "max")
    )
    failed = split.failures.groupby(keys)["failed"].sum().rename("failed")
    kinds = split.failures.groupby([*keys, "result_type"])["failed"].sum().reset_index()
    top = (
        kinds.sort_values("failed", ascending=False).drop_duplicates(keys).set_index(keys)["result_type"].rename("top")
    )
    frame = seen.join(failed).join(top).reset_index()
    frame["failed"] = frame["failed"].fillna(0).astype("int64")
    frame["share"] = (frame["failed"] / frame["sessions"]).where(frame["sessions"] > 0)
    frame["organization_name"] = frame["organization_name"].replace("", NO_NAME)
    frame = frame.sort_values(["failed", "sessions", *keys], ascending=[False, False, True, True])
    return Table(
        frame.reset_index(drop=True),
        {
            "organization_name": "Reporter", "policy_type": "Policy type", "days": "Days with a report",
            "sessions": "Sessions", "failed": "Failed sessions", "share": "Share", "top": "Mostly", "last": "Last report",
        },
        caption=f"Who reported it: {plural(frame['organization_name'].nunique(), 'reporter')}. Each sees only its own mail.",
        nothing=_NO_REPORT,
    )  # fmt: skip


def impact(source: Source | Cells) -> Table:
    """Return what the failures did to mail: one row per effect and policy type.

    A session is an attempt, not a message, and a reporter may try another MX host; so the counts of failed sessions are
    upper limits, never numbers of messages.

    Returns
    -------
    Table
        Columns ``effect, policy_type, failed, reporters, days, meaning``.
    """
    split = cells(source)
    frame = (
        split.failures.groupby(["effect", "policy_type"])
        .agg(failed=("failed", "sum"), reporters=("organization_name", "nunique"), days=("day", "nunique"))
        .reset_index()
    )
    frame["meaning"] = [EFFECT_TEXTS[MailEffect(effect)] for effect in frame["effect"]]
    frame["rank"] = [MailEffect(effect).rank for effect in frame["effect"]]
    frame = frame.sort_values(["rank", "policy_type"]).drop(columns="rank")
    return Table(
        frame.reset_index(drop=True),
        {
            "effect": "Effect on mail", "policy_type": "Policy type", "failed": "Failed sessions (up to)",
            "reporters": "Reporters", "days": "Days", "meaning": "What that means",
        },
        caption="What the failures did to mail. A session is a connection, not a message.",
        nothing=_nothing(split),
    )  # fmt: skip


def failing_policy_types(source: Source) -> list[str]:
    """Return the policy types under which sessions failed, for one figure each; MTA-STS first, then by failures.

    Sessions under different policy types may be the same ones, so no figure adds them up. Where nothing failed, the
    policy type with the most sessions is given, so that there is a figure that shows it; nothing where no report came.
    """
    split = cells(source)
    amount = split.failed_by_type()
    if amount.empty:
        amount = split.sessions_by_type().nlargest(1)
    return sorted(map(str, amount.index), key=lambda kind: (kind != PolicyType.STS, -amount[kind], kind))


def overview(source: Source, groups: Sequence[Reported] | None = None) -> Table:
    """Return the verdict on each policy domain and policy type with its counts, the most urgent first.

    Parameters
    ----------
    source : Source
    groups : sequence of Reported, optional
        What `reported` gives, where it is at hand.

    Returns
    -------
    Table
        Columns ``attention`` (a value of `Level`, by `LEVEL_RULES`), ``policy_domain, policy_type, why, sessions, failed,
        share`` (a fraction), ``reporters, last_failure, last_report`` (days, UTC).
    """
    split, keys = cells(source), ["policy_domain", "policy_type"]
    frame = split.sessions.groupby(keys).agg(
        sessions=("sessions", "sum"), reporters=("organization_name", "nunique"), last_report=("day", "max")
    )
    frame = frame.join(split.failures.groupby(keys).agg(failed=("failed", "sum"), last_failure=("day", "max")))
    frame["failed"] = frame["failed"].fillna(0).astype("int64")
    frame["share"] = (frame["failed"] / frame["sessions"]).where(frame["sessions"] > 0)
    verdicts = verdicts_by_type(source, groups)
    rows = [verdicts[key] for key in frame.index]
    frame = frame.reset_index().assign(
        attention=[verdict.level.value for verdict in rows],
        why=[verdict_reason(verdict) for verdict in rows],
        rank=[verdict.level.rank for verdict in rows],
    )
    frame = frame.sort_values(["rank", "share", "failed", *keys], ascending=[True, False, False, True, True])
    columns = ["attention", *keys, "why", "sessions", "failed", "share", "reporters", "last_failure", "last_report"]
    return Table(
        frame[columns].reset_index(drop=True),
        {
            "policy_domain": "Policy domain", "policy_type": "Policy type", "attention": "Attention", "why": "Why",
            "failed": "Failed sessions", "sessions": "Sessions", "share": "Share", "last_report": "Last report",
        },
        caption=f"{plural(frame['policy_domain'].nunique(), 'policy domain')}, the most urgent first.",
        nothing="No report came: nothing is known about any domain.",
    )  # fmt: skip
