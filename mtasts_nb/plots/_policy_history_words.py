"""What a figure of the policy history says in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..markup import plural, span, when
from ._text import label

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis import PolicyHistory
    from ._days import Bools
    from ._view import View

__all__ = ["Mark", "Rows", "note", "policy_words", "records_of", "title", "told"]


@dataclass(frozen=True, slots=True)
class Rows:
    """What is drawn: reporters, and for each state or policy the days on which it is in place (reporters × days)."""

    names: list[str]
    folded: int
    by_policy: dict[int, Bools]
    none_found: Bools
    not_observed: Bools


@dataclass(frozen=True, slots=True)
class Mark:
    day: int
    text: str


def policy_words(row: dict[Any, Any], *, with_mx: bool) -> str:
    """Return what a policy says."""
    mode = row["policy_mode"]
    words = [str(mode) if isinstance(mode, str) else "mode not said"]
    age = row["policy_max_age"]
    if age is not None:
        words.append(f"max_age {span(int(age))}")
    patterns = str(row["mx"]).split("\n") if row["mx"] else []
    if with_mx and patterns:
        more = f" and {len(patterns) - 3} more" if len(patterns) > 3 else ""
        words.append(f"mx {', '.join(label(one) for one in patterns[:3])}{more}")
    return ", ".join(words)


def records_of(policies: pd.DataFrame, rows: Rows) -> list[dict[Any, Any]]:
    """Return the policies that are drawn."""
    mine = policies[policies["policy"].isin(list(rows.by_policy))]
    # Missing as None, which compares like anything else.
    plain = mine.astype(object).where(mine.notna(), None)
    records: list[dict[Any, Any]] = plain.to_dict("records")
    return records


def title(events: pd.DataFrame, rows: Rows, shown: View) -> str:
    """Return the title: what changed last, and how far that has come."""
    if not rows.by_policy:
        return f"No report says which policy was applied, {shown.dates}"
    inside = _inside(events, shown)
    if not inside:
        return f"{plural(len(rows.by_policy), 'policy', 'policies')} and no change seen, {shown.dates}"
    times = "once" if len(inside) == 1 else f"{plural(len(inside), 'time')}, last"
    return f"The policy changed {times} on {when(inside[-1]['day'].date())}{_spread(inside[-1], '; {} had it {}')}"


def _inside(events: pd.DataFrame, shown: View) -> list[dict[Any, Any]]:
    return [
        row
        for row in events.astype({"days_to_last": "object"}).to_dict("records")
        if 0 <= int(row["day"].timestamp()) // 86_400 - shown.first < shown.days
    ]


def _spread(row: dict[Any, Any], words: str) -> str:
    """Return how far a change has come, as words; nothing where nobody was seen before and after."""
    if not row["taken_over"]:
        return ""
    last = int(row["days_to_last"])
    return words.format(
        plural(int(row["taken_over"]), "reporter"), "on that day" if last == 0 else f"within {plural(last, 'day')}"
    )


def note(history: PolicyHistory, shown: View, rows: Rows, domain: str | None) -> str:
    """Return what a reader must know beside the title."""
    parts = [f"{shown.about}. Colour tells the mode, hatch and number the policy. No mark: no report, unknown."]
    if rows.folded:
        parts.append(f"{plural(rows.folded, 'reporter')} with fewer days not shown.")
    others = history.reporters["policy_domain"].nunique() - 1
    if domain is None and others > 0:
        parts.append(f"{plural(others, 'other policy domain')} not shown.")
    return " ".join(parts)


def told(policies: pd.DataFrame, events: pd.DataFrame, rows: Rows, shown: View) -> str:
    """Return what the figure shows, in sentences with numbers."""
    inside = _inside(events, shown)
    reporters = len(rows.names) + rows.folded
    policies_seen = plural(len(rows.by_policy), "policy", "policies")
    parts = [
        f"Which policy each reporter applied on which day. {shown.about}, {shown.dates} UTC.",
        f"{plural(reporters, 'reporter')}; {policies_seen} and {plural(len(inside), 'change')} seen.",
    ]
    parts += [f"Policy {row['policy']}: {policy_words(row, with_mx=True)}." for row in records_of(policies, rows)[:9]]
    parts += [
        f"{when(row['day'].date())}: {label(row['what'], 200)}{_spread(row, '; {} had it {}')}." for row in inside[-9:]
    ]
    unseen = int((rows.not_observed.any(axis=1) & ~seen_at_all(rows)).sum())
    if unseen:
        parts.append(
            f"For {plural(unseen, 'reporter')} the policy is not observed: no policy-string in "
            f"{'its' if unseen == 1 else 'their'} reports."
        )
    parts.append(shown.unknown_note)
    return " ".join(part for part in parts if part).replace(r"\$", "$")


def seen_at_all(rows: Rows) -> Bools:
    """Return for each reporter whether any of its reports shows a policy."""
    found = np.zeros(len(rows.names), bool)
    for flags in rows.by_policy.values():
        found |= flags.any(axis=1)
    return found
