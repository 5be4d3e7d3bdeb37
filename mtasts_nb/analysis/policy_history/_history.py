"""Which policy each reporter applied on which day, what changed, and how fast each applied the change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd

from ...markup import number, one_line, plural, when
from ...moments import utc_moment
from ...render import Rendered
from ...reports import Source
from ...vocabulary import Adoption, Mode, PolicyView
from .._table import listed
from ._applied import observe
from ._course import courses
from ._frames import Numbers, events_frame, policies_frame, reporters_frame, table_frame

__all__ = ["PolicyHistory", "policy_history", "spread"]

#: So many times back to a policy within a week is no plan, but two files that are served at the same time.
_FLAPS: Final = 3
_COUNTS: Final = ("applied", "still_old", "cannot_tell")
_SHARES: Final = ("share_at_least", "share_at_most")
#: The states of reporters that had applied the old policy.
_FOLLOWED: Final = [state.value for state in Adoption if state.measured or state is Adoption.SILENT]
_NOT_YET: Final = {
    Adoption.STILL_OLD: "still with the old one",
    Adoption.PARTLY: "with both",
    Adoption.ANOTHER: "with another policy",
    Adoption.SILENT: "no report since",
}


@dataclass(frozen=True, eq=False, repr=False)
class PolicyHistory(Rendered):
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
        shows it; it was published before that report ended), ``earliest`` (and not before this day, by what reporters had
        fetched; missing where no reporter shows it), ``changed`` (of ``mode``, ``mx`` and ``max_age`` what differs; ``policy``
        where there was none before, or none is found any more), ``what`` (as text), ``policy_before``, ``policy`` (Int64;
        missing where there is none), ``mode_before``, ``policy_mode``,
        ``max_age_before``, ``policy_max_age``, ``mx_before``, ``mx``, ``seen_first_by`` (reporters, one line each),
        ``applied``, ``still_old``, ``cannot_tell`` (int64, reporters), ``days_to_last`` (Int64, days until the last that is
        known to have applied it), ``cached_until`` (when the old policy has expired in every cache).
    propagation : DataFrame
        One row per change and reporter: ``event``, ``policy_domain``, ``organization_name``, ``state`` (a value of
        `Adoption`), ``last_old``, ``first_new`` (days), ``days_at_least``, ``days_at_most`` (Int64): it applied the change
        so many days after `events.day`; the two differ where it sent no report for the days between. States: ``applied``;
        ``skipped`` (applied a later one at once); ``partly`` (its last report shows both); ``still old``; ``no report
        since`` (nothing about the policy in the last days of the reports: what it applies now is not observed); ``never
        left it`` (an earlier policy that came back); ``began with it`` (its first report has it: nothing to measure); ``another policy``; ``not observed`` (no policy-string in its reports).
    reporters : DataFrame
        One row per domain and reporter, as of its last report: ``policy_domain``, ``organization_name``, ``state``
        (a value of `PolicyView`: ``current policy``, ``older policy``, ``both``, ``no policy found``, ``no report since``, ``another policy``,
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
        return self._in_state(PolicyView.OLDER, PolicyView.BOTH)

    @property
    def without_policy(self) -> pd.DataFrame:
        """The rows of `reporters` that, by their last report, find no policy: removed, or not to be fetched by them."""
        return self._in_state(PolicyView.NO_POLICY)

    @property
    def unobserved(self) -> pd.DataFrame:
        """The rows of `reporters` whose reports carry no policy-string: what they applied is not known."""
        return self._in_state(PolicyView.NOT_OBSERVED)

    def enforcing(self, at: datetime) -> pd.DataFrame:
        """Return who may still have a policy in enforce cached: only these senders defer mail by MTA-STS (RFC 8461 §5).

        Parameters
        ----------
        at : datetime
            When; without a time zone it is UTC.

        Returns
        -------
        DataFrame
            The rows of `reporters` whose last observed policy is in enforce, but those whose cached copy has expired. Most
            senders never report, so there may be others.
        """
        known = self.reporters.merge(
            self.policies[["policy_domain", "policy", "policy_mode", "policy_max_age"]], how="left"
        )
        # A report ends up to two days after the midnight that it counts on, and the copy may have been fetched at its end.
        keeps = pd.to_timedelta(known["policy_max_age"].astype("Float64"), unit="s") + pd.Timedelta(days=2)
        until = known["last_observed"] + keeps
        moment = pd.Timestamp(utc_moment(at, "at"))
        inside = (known["policy_mode"] == Mode.ENFORCE) & ~(until < moment)
        return self.reporters[inside.fillna(value=False).to_numpy(bool)].reset_index(drop=True)

    def _in_state(self, *states: PolicyView) -> pd.DataFrame:
        return self.reporters[self.reporters["state"].isin([state.value for state in states])].reset_index(drop=True)

    def curve(self, event: int | None = None) -> pd.DataFrame:
        """Return how a change spread, day by day: the measured propagation.

        Parameters
        ----------
        event : int, optional
            Of `events`; by default all.

        Returns
        -------
        DataFrame
            ``event``, ``days`` (int64, after `events.day`), ``day``, ``applied``, ``still_old``, ``cannot_tell`` (int64,
            reporters that had applied the old policy; the last are those that sent no report about the days in between),
            ``share_at_least``, ``share_at_most`` (float64, of them all; missing where there is none). From day 0 to the day on which all had it, at most to
            the day before the next change, or the last day with a report.

        Raises
        ------
        ValueError
            There is no such event.
        """
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
        own_rows = self.propagation[self.propagation["event"] == event["event"]]
        own_rows = own_rows[own_rows["state"].isin(_FOLLOWED)]
        later = self.events[
            (self.events["policy_domain"] == event["policy_domain"]) & (self.events["event"] > event["event"])
        ]
        here = self.table.loc[self.table["policy_domain"] == event["policy_domain"], "day"]
        last = min([here.max(), *(later["day"] - pd.Timedelta(days=1))])
        room = max(int((last - event["day"]).days), 0)
        at_most = own_rows["days_at_most"].astype("Float64").to_numpy("float64", na_value=np.inf)
        at_least = own_rows["days_at_least"].astype("Float64").to_numpy("float64", na_value=0.0)
        # The last known one: further on the curve is level.
        known = at_most[np.isfinite(at_most)]
        level = np.isfinite(at_most).all() and len(known) > 0
        days = np.arange((min(room, int(known.max())) if level else room) + 1)
        new = (at_most[None, :] <= days[:, None]).sum(axis=1)
        old = (at_least[None, :] > days[:, None]).sum(axis=1)
        everyone = max(len(own_rows), 1)
        return pd.DataFrame(
            {
                "event": np.full(len(days), event["event"], np.int64),
                "days": days,
                "day": event["day"] + pd.to_timedelta(days, unit="D").as_unit("us"),
                "applied": new,
                "still_old": old,
                "cannot_tell": len(own_rows) - new - old,
                "share_at_least": np.where(len(own_rows), new / everyone, np.nan),
                "share_at_most": np.where(len(own_rows), 1 - old / everyone, np.nan),
            }
        ).astype({"day": "datetime64[us, UTC]"})

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the tables show, as text."""
        return tuple(_sentences(self))


def policy_history(source: Source, domain: str | None = None) -> PolicyHistory:
    """Return which policy each reporter applied on which day, the changes, and how fast each reporter applied them.

    A report carries the policy that its sender applied (RFC 8460 §4.4, policy-string), which may come from a cache up to
    max_age old (RFC 8461 §3.3). So the reports show, reporter by reporter, when a change of the policy reached it. A
    report is about a whole UTC day, and the resolution is the day. Reporters whose reports carry no policy-string are
    "not observed"; nothing is guessed from their failures.

    Two policy-strings are one policy if mode, max_age and the set of mx patterns are the same. A reporter that goes back to
    an earlier policy shows a change only if that policy cannot have been in a cache all the time, if it is not the only
    one, or if it changes from one alone to the other alone and no reporter comes to the newer one after that: senders with
    many machines have many caches.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    domain : str, optional
        Only this policy domain; by default all, each with its own events.

    Returns
    -------
    PolicyHistory
        Tables, and the changes as text. At most 200 changes of a domain are followed, and for changes and propagation
        the 500 reporters with the most days.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> print(policy_history(sts.Archive()))
    No report came: nothing is known of the policy that was applied.
    """
    observed = observe(source, domain)
    numbers = Numbers(observed)
    by_domain = list(courses(observed))
    events, propagation = events_frame(observed, numbers, by_domain)
    return PolicyHistory(
        table_frame(observed, numbers),
        policies_frame(observed, numbers),
        events,
        propagation,
        reporters_frame(observed, numbers, by_domain),
    )


def _sentences(history: PolicyHistory) -> Iterator[str]:
    if history.table.empty:
        yield "No report came: nothing is known of the policy that was applied."
        return
    domains = history.reporters["policy_domain"].nunique()
    about = one_line(history.reporters["policy_domain"].iloc[0], 80) if domains == 1 else f"{domains} policy domains"
    if history.policies.empty:
        yield f"No report about {about} shows a policy."
    else:
        observed = history.reporters[history.reporters["state"] != PolicyView.NOT_OBSERVED]
        who = plural(observed["organization_name"].nunique(), "reporter")
        changes = plural(len(history.events), "change") if len(history.events) else "no change"
        yield f"{about}: {plural(len(history.policies), 'policy', 'policies')} and {changes} in what {who} applied."
    if len(history.events):
        last = history.events.iloc[-1]
        whose = f" of {one_line(last['policy_domain'], 80)}" if domains > 1 else ""
        since = f", published {when(last['earliest'].date())} or later" if _is_wide(last) else ""
        yield f"The latest{whose}, first seen on {when(last['day'].date())}{since}: {one_line(last['what'], 300)}."
        yield spread(history.propagation[history.propagation["event"] == last["event"]])
    if names := _names(history.behind):
        verb = "applies" if len(names) == 1 else "apply"
        yield f"In the last report, {listed(names)} still {verb} an older policy."
    if names := _names(history.without_policy):
        verb = "finds" if len(names) == 1 else "find"
        yield f"In the last report, {listed(names)} {verb} no policy."
    if names := _names(history.unobserved):
        yield f"Not observed, because the reports carry no policy-string: {listed(names)}."
    if flaps := _flaps(history.events):
        yield (
            f"The policy went back and forth {number(flaps)} times within a week. Check that every address of the policy "
            "host serves the same file."
        )


def _is_wide(change: pd.Series) -> bool:
    """Return whether a change may be older than the day before it was first seen."""
    return bool(pd.notna(change["earliest"]) and change["day"] - change["earliest"] > pd.Timedelta(days=1))


def _names(frame: pd.DataFrame) -> list[str]:
    return [one_line(name, 60) or "one that gives no name" for name in dict.fromkeys(frame["organization_name"])]


def spread(propagation: pd.DataFrame) -> str:
    """Return how far a change has come, as a sentence, from its rows of `PolicyHistory.propagation`."""
    measured = propagation["days_at_most"].dropna()
    parts = []
    if len(measured):
        most = int(measured.max())
        how = "on that day" if most == 0 else f"within {plural(most, 'day')}"
        parts.append(f"{plural(len(measured), 'reporter')} applied it {how}")
    for state, text in _NOT_YET.items():
        if names := _names(propagation[propagation["state"] == state]):
            parts.append(f"{text}: {listed(names)}")
    return f"{'; '.join(parts)}." if parts else "No reporter was seen before and after."


def _flaps(events: pd.DataFrame) -> int:
    """Return how often a policy came back within a week of being left; 0 where that is no pattern."""
    times = 0
    for _, part in events.groupby("policy_domain", sort=True):
        rows = part[["day", "policy_before", "policy"]].dropna().to_dict("records")
        for left, back in pairwise(rows):
            near = back["day"] - left["day"] <= pd.Timedelta(days=7)
            times += bool(near and left["policy_before"] == back["policy"])
    return times if times >= _FLAPS else 0
