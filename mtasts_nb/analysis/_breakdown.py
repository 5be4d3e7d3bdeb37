"""Failures by domain, result type, MX host and reporter, and what they did to mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from ..knowledge import explain
from ..markup import plural, share
from ..vocabulary import Level, MailEffect, PolicyType
from ._cells import EFFECT_TEXTS, Cells, cells
from ._table import NO_MX, NO_NAME, Table, days

if TYPE_CHECKING:
    from ..reports import Source

__all__ = ["by_mx", "by_reporter", "by_result_type", "failing_policy_types", "impact", "overview"]

_NO_FAILURE: Final = "No failure was reported."
_NO_REPORT: Final = "No report came: nothing is known."
#: What counts as recent: this many days up to the last day for which any report came.
_RECENT_DAYS: Final = 7
#: A smaller share of recent sessions is background noise: time-outs, a sender's bad day.
_NOISE: Final = 0.01


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
    frame["meaning"] = [explain(code).short for code in frame["result_type"]]
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


def overview(source: Source) -> Table:
    """Return one row per policy domain and policy type, the most urgent first.

    ``act now``: in the last 7 days mail was deferred, or at least 1 % of the sessions failed under enforce or DANE.
    ``act soon``: recent failures at the policy host, or at least 1 % of the sessions under testing. ``watch``: a few
    recent failures. ``not known``: there were reports, but none in those days, which is not the same as no failures.
    ``fine``: no failure, or none in those days.

    Returns
    -------
    Table
        Columns ``attention`` (a value of `Level`), ``policy_domain, policy_type, why, sessions, failed, share`` (a
        fraction), ``reporters, last_failure, last_report`` (days, UTC).
    """
    split = cells(source)
    groups = split.sessions.groupby(["policy_domain", "policy_type"])
    rows = [_row(str(domain), str(kind), part, split) for (domain, kind), part in groups]
    columns = [
        "attention", "policy_domain", "policy_type", "why", "sessions", "failed", "share", "reporters", "last_failure",
        "last_report", "recent_share",
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    frame["rank"] = [Level(level).rank for level in frame["attention"]]
    frame = frame.sort_values(
        ["rank", "recent_share", "failed", "policy_domain", "policy_type"], ascending=[True, False, False, True, True]
    )
    return Table(
        frame.drop(columns=["rank", "recent_share"]).reset_index(drop=True),
        {
            "policy_domain": "Policy domain", "policy_type": "Policy type", "attention": "Attention", "why": "Why",
            "failed": "Failed sessions", "sessions": "Sessions", "share": "Share", "last_report": "Last report",
        },
        caption=f"{plural(frame['policy_domain'].nunique(), 'policy domain')}, the most urgent first.",
        nothing="No report came: nothing is known about any domain.",
    )  # fmt: skip


def _row(domain: str, kind: str, seen: pd.DataFrame, split: Cells) -> dict[str, object]:
    every, last_day = split.failures, split.sessions["day"].max()
    failures = every[(every["policy_domain"] == domain) & (every["policy_type"] == kind)]
    since = last_day - pd.Timedelta(days=_RECENT_DAYS - 1)
    recent_seen, recent = seen[seen["day"] >= since], failures[failures["day"] >= since]
    sessions, failed = int(seen["sessions"].sum()), int(failures["failed"].sum())
    recent_sessions, recent_failed = int(recent_seen["sessions"].sum()), int(recent["failed"].sum())
    last_failure = failures["day"].max() if failed else pd.NaT
    if kind == PolicyType.NO_POLICY_FOUND and recent.empty:
        others = split.sessions[(split.sessions["policy_domain"] == domain) & (split.sessions["policy_type"] != kind)]
        level, why = _judged_without_policy(recent_seen, has_policy=not others.empty)
    elif recent_seen.empty:
        level, why = Level.NOT_KNOWN, f"No report in the last {days(_RECENT_DAYS)}: what happens now is not known."
    elif recent.empty and failed:
        ago = days((last_day - last_failure).days)
        level, why = Level.FINE, f"Over: the last failure was {ago} before the last report."
    elif recent.empty:
        level, why = Level.FINE, "No failure reported."
    else:
        level, why = _judged(recent, recent_sessions)
    return {
        "attention": level,
        "policy_domain": domain,
        "policy_type": kind,
        "why": why,
        "sessions": sessions,
        "failed": failed,
        "share": failed / sessions if sessions else None,
        "reporters": seen["organization_name"].nunique(),
        "last_failure": last_failure,
        "last_report": seen["day"].max(),
        "recent_share": recent_failed / recent_sessions if recent_sessions else 0.0,
    }


def _judged_without_policy(recent: pd.DataFrame, *, has_policy: bool) -> tuple[Level, str]:
    """Return the level of sessions for which senders found no policy; they cannot fail it."""
    lately = f"in the last {days(_RECENT_DAYS)}"
    if recent.empty:
        return Level.FINE, f"No sender reported {lately} that it found no policy."
    count = plural(int(recent["sessions"].sum()), "session")
    who = plural(recent["organization_name"].nunique(), "reporter")
    if has_policy:
        return Level.WATCH, f"{count} {lately} from {who} that found no policy, though others did."
    return Level.FINE, f"{count} {lately}; this domain has no policy that senders find."


def _judged(recent: pd.DataFrame, sessions: int) -> tuple[Level, str]:
    """Return the level of recent failures; the first matching rule applies."""
    amount = recent.groupby("effect")["failed"].sum()
    failed, top = int(amount.sum()), str(recent.groupby("result_type")["failed"].sum().idxmax())
    text = (
        f"{plural(failed, 'failed session')} ({share(failed, sessions)}) in the last {days(_RECENT_DAYS)}, mostly {top}"
    )
    if MailEffect.DEFERRED in amount:
        who = recent.loc[recent["effect"] == MailEffect.DEFERRED, "organization_name"].nunique()
        return Level.ACT_NOW, f"{text}; for {plural(who, 'reporter')} no session of a day succeeded."
    if sessions and amount.get(MailEffect.POSSIBLY_DELAYED, 0) / sessions >= _NOISE:
        return Level.ACT_NOW, f"{text}, under enforce or DANE."
    if MailEffect.UNPROTECTED in amount:
        return Level.ACT_SOON, f"{text}: senders cannot use the policy."
    if sessions and failed / sessions >= _NOISE:
        return Level.ACT_SOON, f"{text}; no mail is deferred by that."
    return Level.WATCH, f"{text}."
