"""Every policy domain in one table, the one that needs attention first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..markup import plural, share
from ..vocabulary import PolicyType
from ._cells import CELL, Cells, cells
from ._table import Table, as_count, as_day, as_share, days

if TYPE_CHECKING:
    import pandas as pd

    from ..reports import Source

__all__ = ["ATTENTION", "RECENT_DAYS", "overview"]

#: What counts as recent: this many days up to the last day for which any report came.
RECENT_DAYS = 7
#: A smaller share of recent sessions is the noise of the internet: time-outs, a sender's bad day.
NOISE = 0.01
#: Words for how much a domain needs attention, the most first.
ATTENTION = ("act now", "act soon", "no reports", "watch", "over", "fine")


def overview(source: Source) -> Table:
    """Return one row per policy domain and policy type, ranked by what needs attention.

    ``act now``: in the last `RECENT_DAYS` days mail was held back, or at least `NOISE` of the sessions failed under
    enforce or DANE. ``act soon``: recent failures at the policy host, or at least `NOISE` of the sessions under testing.
    ``no reports``: there were some, but none in those days: not the same as no failures. ``watch``: a few recent
    failures. ``over``: failures, all of them earlier. ``fine``: none.

    Returns
    -------
    Table
        Columns ``attention, policy_domain, policy_type, why, sessions, failed, share`` (a fraction), ``reporters,
        last_failure, last_report`` (days, UTC).
    """
    import pandas as pd

    found = cells(source)
    groups = found.sessions.groupby(["policy_domain", "policy_type"])
    rows = [_row(str(domain), str(kind), part, found) for (domain, kind), part in groups]
    columns = [
        "attention", "policy_domain", "policy_type", "why", "sessions", "failed", "share", "reporters", "last_failure",
        "last_report", "recent_share",
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    frame["rank"] = frame["attention"].map({word: rank for rank, word in enumerate(ATTENTION)})
    frame = frame.sort_values(
        ["rank", "recent_share", "failed", "policy_domain", "policy_type"], ascending=[True, False, False, True, True]
    )
    return Table(
        frame.drop(columns=["rank", "recent_share"]).reset_index(drop=True),
        {
            "policy_domain": "Policy domain", "policy_type": "Policy type", "attention": "Attention", "why": "Why",
            "failed": "Failed sessions", "sessions": "Sessions", "share": "Share", "last_report": "Last report",
        },
        caption=f"{plural(frame['policy_domain'].nunique(), 'policy domain')}, what needs attention first.",
        nothing="No report came: nothing is known about any domain.",
        formats={"sessions": as_count, "failed": as_count, "share": as_share, "last_report": as_day},
    )  # fmt: skip


def _row(domain: str, kind: str, seen: pd.DataFrame, found: Cells) -> dict[str, object]:
    import pandas as pd

    every = found.failures
    failures = every[(every["policy_domain"] == domain) & (every["policy_type"] == kind)]
    last_day = found.last_day
    since = last_day - pd.Timedelta(days=RECENT_DAYS - 1)  # type: ignore[operator]
    recent_seen, recent = seen[seen["day"] >= since], failures[failures["day"] >= since]
    sessions, failed = int(seen["sessions"].sum()), int(failures["failed"].sum())
    recent_sessions, recent_failed = int(recent_seen["sessions"].sum()), int(recent["failed"].sum())
    last_failure = failures["day"].max() if failed else pd.NaT
    if kind == PolicyType.NO_POLICY_FOUND and recent.empty:
        others = found.sessions[(found.sessions["policy_domain"] == domain) & (found.sessions["policy_type"] != kind)]
        attention, why = _judge_without_policy(recent_seen, has_policy=not others.empty)
    else:
        attention, why = _judge(recent, recent_sessions, failed, last_failure, last_day, silent=recent_seen.empty)
    return {
        "attention": attention,
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


def _judge_without_policy(recent_seen: pd.DataFrame, *, has_policy: bool) -> tuple[str, str]:
    """Judge the sessions for which senders found no policy; they cannot fail it."""
    lately = f"in the last {days(RECENT_DAYS)}"
    if recent_seen.empty:
        return "fine", f"No sender reported {lately} that it found no policy."
    count = plural(int(recent_seen["sessions"].sum()), "session")
    who = plural(recent_seen["organization_name"].nunique(), "reporter")
    if has_policy:
        return "watch", f"{count} {lately} from {who} that found no policy, though others did."
    return "fine", f"{count} {lately}; this domain has no policy that senders find."


def _judge(
    recent: pd.DataFrame, sessions: int, failed: int, last_failure: object, last_day: object, *, silent: bool
) -> tuple[str, str]:
    if silent:
        return "no reports", f"No report in the last {days(RECENT_DAYS)}: what happens now is not known."
    if recent.empty:
        if not failed:
            return "fine", "No failure reported."
        ago = (last_day - last_failure).days  # type: ignore[operator]
        return "over", f"The last failure was {days(ago)} before the last report."
    amount = recent.groupby("effect")["failed"].sum()
    top = str(recent.groupby("result_type")["failed"].sum().idxmax())
    lately = f"in the last {days(RECENT_DAYS)}"

    def told(count: int) -> str:
        return f"{plural(count, 'failed session')} ({share(count, sessions)}) {lately}, mostly {top}"

    held = int(amount.get("held back", 0))
    if held:
        reporters = recent.loc[recent["effect"] == "held back", CELL[3]].nunique()
        return (
            "act now",
            f"{told(int(amount.sum()))}; for {plural(reporters, 'reporter')} no session of a day succeeded.",
        )
    binding = int(amount.get("perhaps delayed", 0))
    if sessions and binding / sessions >= NOISE:
        return "act now", f"{told(int(amount.sum()))}, under enforce or DANE."
    if "protection lost" in amount:
        return "act soon", f"{told(int(amount.sum()))}: senders cannot use the policy."
    if sessions and amount.sum() / sessions >= NOISE:
        return "act soon", f"{told(int(amount.sum()))}; no mail is held back by that."
    return "watch", f"{told(int(amount.sum()))}."
