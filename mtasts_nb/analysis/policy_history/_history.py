"""Which policy each reporter applied on which day, what changed, and how fast each took the change over."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from ...markup import html_table, html_text, number, one_line, plural, terminal_text, when
from .._table import listed

if TYPE_CHECKING:
    import pandas as pd

    from ...reports import Source

__all__ = ["PolicyHistory", "policy_history"]

_SHOWN: Final = 20
_BEHIND: Final = ("older policy", "both")
#: So many times back to a policy within days is no plan, but two files that are served side by side.
_FLAPS: Final = 3


@dataclass(frozen=True, eq=False)
class PolicyHistory:
    """What reports show of the policies that their senders applied.

    All days are UTC midnights (datetime64[us, UTC]). `policy` is the number of a policy within its domain, from 1, in the
    order in which reports first show them.

    Attributes
    ----------
    table : DataFrame
        One row per day, reporter, policy domain and policy: ``day``, ``organization_name``, ``policy_domain``, ``state``
        (``applied``; ``no policy found``; ``not observed``: a report came and carries no policy-string), ``policy``
        (Int64), ``policy_mode``, ``policy_max_age`` (Int64, seconds), ``mx`` (patterns, one line each), ``sessions``,
        ``failed`` (int64). On the day of a change a reporter may have two. A day without a report has no row.
    policies : DataFrame
        One row per policy: ``policy_domain``, ``policy``, ``policy_mode``, ``policy_max_age``, ``mx``, ``first_day``,
        ``last_day``, ``days``, ``reporters``, ``sessions``.
    events : DataFrame
        One row per change, in the order of time: ``event`` (from 1), ``policy_domain``, ``day`` (the first that a report
        shows it; it was published on that day or before), ``changed`` (of ``mode``, ``mx`` and ``max_age`` what differs; ``policy`` where there
        was none before), ``what`` (in words), ``policy_before``, ``policy``, ``mode_before``, ``policy_mode``,
        ``max_age_before``, ``policy_max_age``, ``mx_before``, ``mx``, ``seen_first_by`` (reporters, one line each),
        ``taken_over``, ``still_old``, ``cannot_tell`` (int64, reporters), ``days_to_last`` (Int64, days until the last that is
        known to have taken it over), ``cached_until`` (by when no cache can hold the old policy any more).
    propagation : DataFrame
        One row per change and reporter: ``event``, ``policy_domain``, ``organization_name``, ``state``, ``last_old``,
        ``first_new`` (days), ``days_at_least``, ``days_at_most`` (Int64): it had taken the change over so many days after
        `events.day`; the two differ where it sent no report for the days between. States: ``taken over``; ``passed over``
        (took a later one at once); ``partly`` (its last report shows both); ``still old``; ``no report since``; ``never
        left it`` (a policy of before that came back); ``began with it`` (its first report has it: nothing to measure);
        ``another policy``; ``not observed`` (no policy-string in its reports).
    reporters : DataFrame
        One row per domain and reporter, as of its last report: ``policy_domain``, ``organization_name``, ``state``
        (``current policy``, ``older policy``, ``both``, ``no policy found``, ``no report since``, ``another policy``,
        ``not observed``), ``policy``, ``last_observed``, ``last_report``, ``cached_until``.
    """

    table: pd.DataFrame
    policies: pd.DataFrame
    events: pd.DataFrame
    propagation: pd.DataFrame
    reporters: pd.DataFrame

    @property
    def behind(self) -> pd.DataFrame:
        """The rows of `reporters` that, by their last report, still apply an older policy."""
        return self.reporters[self.reporters["state"].isin(_BEHIND)].reset_index(drop=True)

    @property
    def unobserved(self) -> pd.DataFrame:
        """The rows of `reporters` whose reports carry no policy-string: what they applied is not known."""
        return self.reporters[self.reporters["state"] == "not observed"].reset_index(drop=True)

    def curve(self, event: int | None = None) -> pd.DataFrame:
        """Return how a change spread, day by day: the measured propagation.

        Parameters
        ----------
        event : int, optional
            Of `events`; by default all.

        Returns
        -------
        DataFrame
            ``event``, ``days`` (int64, after `events.day`), ``day``, ``taken_over``, ``still_old``, ``cannot_tell`` (int64,
            reporters that had applied the old policy; the last are those that sent no report about the days in between),
            ``share_at_least``, ``share_at_most`` (float64, of them all; missing where there is none). From day 0 to the day on which all had it, at most to
            the day before the next change, or the last day with a report.

        Raises
        ------
        ValueError
            There is no such event.
        """
        import pandas as pd

        events = self.events if event is None else self.events[self.events["event"] == event]
        if event is not None and events.empty:
            raise ValueError(f"event is {event}: there are {plural(len(self.events), 'event')}, numbered from 1")
        parts = [self._curve(row) for row in events.to_dict("records")]
        if parts:
            return pd.concat(parts, ignore_index=True)
        columns = {
            "event": "int64",
            "days": "int64",
            "day": "datetime64[us, UTC]",
            **dict.fromkeys(_COUNTS, "int64"),
            **dict.fromkeys(_SHARES, "float64"),
        }
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})

    def _curve(self, event: Any) -> pd.DataFrame:
        import numpy as np
        import pandas as pd

        mine = self.propagation[self.propagation["event"] == event["event"]]
        mine = mine[mine["state"].isin(["taken over", "passed over", "partly", "still old", "no report since"])]
        later = self.events[
            (self.events["policy_domain"] == event["policy_domain"]) & (self.events["event"] > event["event"])
        ]
        here = self.table.loc[self.table["policy_domain"] == event["policy_domain"], "day"]
        last = min([here.max(), *(later["day"] - pd.Timedelta(days=1))])
        room = max(int((last - event["day"]).days), 0)
        at_most = mine["days_at_most"].astype("Float64").to_numpy("float64", na_value=np.inf)
        at_least = mine["days_at_least"].astype("Float64").to_numpy("float64", na_value=0.0)
        # The last that is known: further on the curve is level.
        known = at_most[np.isfinite(at_most)]
        level = np.isfinite(at_most).all() and len(known) > 0
        days = np.arange((min(room, int(known.max())) if level else room) + 1)
        new = (at_most[None, :] <= days[:, None]).sum(axis=1)
        old = (at_least[None, :] > days[:, None]).sum(axis=1)
        everyone = max(len(mine), 1)
        return pd.DataFrame(
            {
                "event": np.full(len(days), event["event"], np.int64),
                "days": days,
                "day": event["day"] + pd.to_timedelta(days, unit="D").as_unit("us"),
                "taken_over": new,
                "still_old": old,
                "cannot_tell": len(mine) - new - old,
                "share_at_least": np.where(len(mine), new / everyone, np.nan),
                "share_at_most": np.where(len(mine), 1 - old / everyone, np.nan),
            }
        ).astype({"day": "datetime64[us, UTC]"})

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the tables say, in words."""
        return tuple(_sentences(self))

    def __repr__(self) -> str:
        lines = [*self.sentences, *(f"{when(row['day'].date())}  {_one(row)}" for row in self._latest())]
        return "\n".join(terminal_text(line, 400) for line in lines)

    def _latest(self) -> list[dict[Any, Any]]:
        return self.events.tail(_SHOWN).iloc[::-1].to_dict("records")

    def _repr_html_(self) -> str:
        first, *rest = self.sentences
        told = f"<p><strong>{html_text(first)}</strong> {html_text(' '.join(rest))}</p>"
        if self.events.empty:
            return told
        several = self.events["policy_domain"].nunique() > 1
        rows: list[dict[str, object]] = [
            {
                "day": row["day"].date(), "policy_domain": row["policy_domain"], "what": row["what"],
                "spread": _spread(self.propagation[self.propagation["event"] == row["event"]]),
            }
            for row in self._latest()
        ]  # fmt: skip
        headings = {"day": "First seen", "policy_domain": "Policy domain", "what": "Change", "spread": "Taken over"}
        if not several:
            del headings["policy_domain"]
        more = len(self.events) - _SHOWN
        left_out = f" The latest {_SHOWN} are shown; {number(more)} more are in `.events`." if more > 0 else ""
        caption = f"{plural(len(self.events), 'change')} of the policy, the latest first.{left_out}"
        return told + html_table(rows, headings, caption=caption, width=600) + self._standing_html()

    def _standing_html(self) -> str:
        from ...markup import MISSING

        behind = self.behind.head(_SHOWN)
        if behind.empty:
            return ""
        rows: list[dict[str, object]] = []
        for row in behind.to_dict("records"):
            until = row["cached_until"]
            rows.append(
                {
                    **{str(name): value for name, value in row.items()},
                    "last_observed": row["last_observed"].date(),
                    "cached_until": MISSING if until is None or until != until else until.date(),
                }
            )
        headings = {
            "organization_name": "Reporter", "policy_domain": "Policy domain", "state": "Applies",
            "last_observed": "As of the report about", "cached_until": "Its cache must be over by",
        }  # fmt: skip
        return html_table(rows, headings, caption=f"{_reporters(len(self.behind))} still with an older policy.")


_COUNTS: Final = ("taken_over", "still_old", "cannot_tell")
_SHARES: Final = ("share_at_least", "share_at_most")


def policy_history(source: Source, domain: str | None = None) -> PolicyHistory:
    """Return which policy each reporter applied on which day, the changes, and how fast each reporter took them over.

    A report carries the policy that its sender applied (RFC 8460 §4.4, policy-string), which may come from a cache up to
    max_age old (RFC 8461 §3.3). So the reports tell, reporter by reporter, when a change of the policy reached it. A
    report is about a whole UTC day, and the resolution is the day. Reporters whose reports carry no policy-string are
    "not observed"; nothing is guessed from their failures.

    Two policy-strings are one policy if mode, max_age and the set of mx patterns are the same. A reporter that goes back to
    an earlier policy shows a change only if that policy cannot be in a cache any more, or if it is not the only one:
    senders with many machines have many caches.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    domain : str, optional
        Only this policy domain; by default all, each with its own events.

    Returns
    -------
    PolicyHistory
        Tables, and the changes in words. At most 200 changes of a domain are followed, and for changes and propagation
        the 500 reporters with the most days.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> policy_history(sts.Archive())
    No report tells anything: nothing is known of the policy that was applied.
    """
    from ._applied import observe
    from ._frames import (
        Numbers,
        events_frame,
        policies_frame,
        reporters_frame,
        table_frame,
    )
    from ._runs import courses

    observed = observe(source, domain)
    numbers = Numbers(observed)
    found = list(courses(observed))
    events, propagation = events_frame(observed, numbers, found)
    return PolicyHistory(
        table_frame(observed, numbers),
        policies_frame(observed, numbers),
        events,
        propagation,
        reporters_frame(observed, numbers, found),
    )


def _names(frame: pd.DataFrame) -> list[str]:
    return [one_line(name, 60) or "one that gives no name" for name in dict.fromkeys(frame["organization_name"])]


def _reporters(count: int) -> str:
    return plural(count, "reporter")


def _one(row: dict[Any, Any]) -> str:
    return f"{one_line(row['policy_domain'], 80)}: {one_line(row['what'], 300)}"


def _sentences(history: PolicyHistory) -> list[str]:
    if history.table.empty:
        return ["No report tells anything: nothing is known of the policy that was applied."]
    domains = history.reporters["policy_domain"].nunique()
    about = one_line(history.reporters["policy_domain"].iloc[0], 80) if domains == 1 else f"{domains} policy domains"
    seen = history.reporters[history.reporters["state"] != "not observed"]["organization_name"].nunique()
    told = []
    if history.policies.empty:
        told.append(f"No report about {about} shows a policy.")
    else:
        policies = plural(len(history.policies), "policy", "policies")
        changes = plural(len(history.events), "change") if len(history.events) else "no change"
        told.append(f"{about}: {policies} and {changes} in what {_reporters(seen)} applied.")
    if not history.events.empty:
        last = history.events.iloc[-1]
        mine = history.propagation[history.propagation["event"] == last["event"]]
        spread = _spread(mine)
        whose = f" of {one_line(last['policy_domain'], 80)}" if domains > 1 else ""
        told.append(
            f"The latest{whose}, first seen on {when(last['day'].date())}: {one_line(last['what'], 300)}. {spread}"
        )
    behind = history.behind
    if len(behind):
        names = _names(behind)
        verb = "applies" if len(names) == 1 else "apply"
        their = "its last report" if len(names) == 1 else "their last reports"
        told.append(f"By {their} {listed(names)} still {verb} an older policy.")
    unseen = history.unobserved
    if len(unseen):
        names = _names(unseen)
        their = "its" if len(names) == 1 else "their"
        told.append(f"Not observed: {listed(names)}, as {their} reports carry no policy-string.")
    if flapping := _flapping(history.events):
        told.append(
            f"Back and forth {number(flapping)} times within days: look whether every address of the policy host serves "
            "the same file."
        )
    return told


def _spread(mine: pd.DataFrame) -> str:
    """Return how far one change has come, in words."""
    measured = mine["days_at_most"].dropna()
    parts = []
    if len(measured):
        most = int(measured.max())
        how = "on that day" if most == 0 else f"within {plural(most, 'day')}"
        parts.append(f"{_reporters(len(measured))} had it {how}")
    for state, words in _REMARKS.items():
        names = _names(mine[mine["state"] == state])
        if names:
            parts.append(f"{words}: {listed(names)}")
    return f"{'; '.join(parts)}." if parts else "No reporter was seen before and after."


_REMARKS: Final = {
    "still old": "still with the old one",
    "partly": "with both",
    "another policy": "with another policy",
    "no report since": "no report since",
}


def _flapping(events: pd.DataFrame) -> int:
    """Return how often a policy came back within a week of being left."""
    import pandas as pd

    times = 0
    for _, part in events.groupby("policy_domain", sort=True):
        rows = part[["day", "policy_before", "policy"]].to_dict("records")
        for left, back in pairwise(rows):
            near = back["day"] - left["day"] <= pd.Timedelta(days=7)
            times += bool(near and left["policy_before"] == back["policy"])
    return times if times >= _FLAPS else 0
