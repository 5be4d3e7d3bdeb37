"""What speaks for and against a step, reason by reason: in the reports, and in what a probe saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from ..analysis import Cells, PolicyHistory, at_mx, day, find_incidents, listed, on_policy_host
from ..markup import number, one_line, plural, share, when
from ..policy import domain_name, mx_matches
from ..probe import Probe
from ..reports import Source
from ..sender import Delivery, simulate
from ..vocabulary import Bearing, MailEffect, Mode, PolicyType, Status

__all__ = ["Reason", "Rules", "Target", "Window", "deferred_by_enforce", "probe_reasons", "report_reasons"]

#: A sender cannot deliver where this share of its sessions fail, and at least so many: a time-out or two happen anywhere.
_MOST_FAILED: Final = 0.5
_FEW_FAILED: Final = 3
_DELIVERED = {
    Delivery.DELIVERED: Bearing.FOR,
    Delivery.WITHOUT_STS: Bearing.AGAINST,
    Delivery.DEFERRED: Bearing.AGAINST,
    Delivery.BOUNCED: Bearing.AGAINST,
    Delivery.UNKNOWN: Bearing.CANNOT_TELL,
}


@dataclass(frozen=True, slots=True)
class Target:
    """A mode and max_age to go to, and how many clean days it asks for."""

    mode: Mode
    max_age: int
    clean_days: int


@dataclass(frozen=True, slots=True)
class Reason:
    """What was checked, what it says about the step, the evidence, and what was expected."""

    topic: str
    says: Bearing
    evidence: str
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds; parameters of `readiness`."""

    coverage: float
    max_failed_share: float
    min_sessions: int
    stale_days: int


@dataclass(frozen=True, slots=True)
class Window:
    """The days that are judged.

    Attributes
    ----------
    first, last : Timestamp
        The first and last day, UTC midnights.
    since : Timestamp
        From when on days count: the first day on which a report shows the present mode.
    known : bool
        Whether `since` is the day of a change that reports show; if not, the mode is as old as that or older.
    """

    first: pd.Timestamp
    last: pd.Timestamp
    since: pd.Timestamp
    known: bool

    @property
    def days(self) -> int:
        """How many days there are to judge."""
        return max((self.last - self.first).days + 1, 0)


def deferred_by_enforce(sts: Cells) -> pd.DataFrame:
    """Return the days and reporters with failures at an MX host, and what enforce would have done to their mail."""
    key = ["day", "organization_name"]
    failures = sts.enforced().at_mx
    failures = failures.assign(rank=[MailEffect(effect).rank for effect in failures["effect"]])
    frame = (
        failures.sort_values("rank", kind="stable")
        .groupby(key, sort=True)
        .agg(
            effect=("effect", "first"),
            failed_session_count=("failed", "sum"),
            mx=("receiving_mx_hostname", lambda hosts: "\n".join(sorted(set(hosts) - {""}))),
        )
        .reset_index()
        .merge(sts.sessions.groupby(key, as_index=False)["sessions"].sum(), on=key, how="left")
    )
    types = dict.fromkeys(["organization_name", "effect", "mx"], "str")
    types |= dict.fromkeys(["failed_session_count", "sessions"], "int64")
    return frame[[*key, "effect", "failed_session_count", "sessions", "mx"]].astype(types).reset_index(drop=True)


def report_reasons(
    source: Source,
    split: Cells,
    window: Window,
    target: Target,
    rules: Rules,
    history: PolicyHistory,
    patterns: Sequence[str],
) -> Iterator[Reason]:
    """Yield what the reports say; `patterns` are those of the policy now, none where they are not known."""
    inside = split.since(window.first)
    sts = inside.of(PolicyType.STS)
    if target.clean_days:
        yield from _days(inside, window, target.clean_days, rules)
        if len(sts.sessions):
            yield from _incidents(find_incidents(source), window)
        yield from _failures(sts, rules)
        yield from _failing_senders(sts)
        yield from _uncovered(sts, patterns)
    yield from _policy_host(sts, window, history)
    yield from _senders(inside, history)


def _days(inside: Cells, window: Window, wanted: int, rules: Rules) -> Iterator[Reason]:
    topic = "Days of reports"
    reported = plural(inside.sessions["day"].nunique(), "day") + " with a report"
    since = f"since the mode was first seen on {day(window.since)}" if window.known else f"since {day(window.since)}"
    expected = f"{plural(wanted, 'day')}, {share(rules.coverage, 1)} of them with a report"
    if not window.days:
        yield Reason(topic, Bearing.AGAINST, "No report yet about a day since the mode was changed.", expected)
    elif window.days < wanted:
        enough = day(window.since + pd.Timedelta(days=wanted))
        text = f"{reported} of {plural(window.days, 'day')} {since}: too few before {enough}."
        yield Reason(topic, Bearing.AGAINST, text, expected)
    else:
        enough_days = inside.sessions["day"].nunique() >= rules.coverage * wanted
        text = f"{reported} of the last {plural(wanted, 'day')}, up to {day(window.last)}."
        yield Reason(topic, Bearing.FOR if enough_days else Bearing.CANNOT_TELL, text, expected)
    every = inside.of(PolicyType.STS).sessions
    # Without its policy-string, a report may be about any policy.
    sessions = every[every["policy_mode"] != ""]
    total = int(sessions["sessions"].sum())
    more = int(every["sessions"].sum()) - total
    unknown = f" {plural(more, 'more session')} in reports that do not say which policy applied." if more else ""
    yield Reason(
        "Sessions under MTA-STS",
        Bearing.FOR if total >= rules.min_sessions else Bearing.CANNOT_TELL,
        f"{plural(total, 'session')} from {plural(sessions['organization_name'].nunique(), 'reporter')} in these days.{unknown}",
        f"at least {number(rules.min_sessions)}, under a known policy",
    )


def _incidents(incidents: pd.DataFrame, window: Window) -> Iterator[Reason]:
    topic, expected = "Incidents at an MX", "none in these days"
    rows = incidents[(incidents["policy_type"] == PolicyType.STS) & ~on_policy_host(incidents["result_type"])]
    rows = rows[(rows["end"] >= window.first) | rows["ongoing"]]
    for row in rows.to_dict("records"):
        ends = ", not known to be over" if row["ongoing"] else f" to {day(row['end'])}"
        host = at_mx(None if pd.isna(row["receiving_mx_hostname"]) else one_line(row["receiving_mx_hostname"], 80))
        yield Reason(
            topic,
            Bearing.AGAINST,
            f"{one_line(row['result_type'], 80)}{host}, {'from ' if row['ongoing'] else ''}{day(row['start'])}{ends}: "
            f"{plural(int(row['failed_session_count']), 'failed session')}.",
            expected,
        )
    if rows.empty:
        yield Reason(topic, Bearing.FOR, "None.", expected)


def _failures(sts: Cells, rules: Rules) -> Iterator[Reason]:
    topic, expected = "Failures at the MX hosts", f"at most {share(rules.max_failed_share, 1)} of the sessions"
    sessions, at_hosts = int(sts.sessions["sessions"].sum()), sts.at_mx
    if not sessions:
        yield Reason(topic, Bearing.CANNOT_TELL, "No session is reported.", expected)
        return
    failed = int(at_hosts["failed"].sum())
    hosts = at_hosts.groupby("receiving_mx_hostname")["failed"].sum().sort_values(ascending=False)
    names = [f"{one_line(host, 80) or 'no MX named'} {number(count)}" for host, count in hosts.items()]
    where = f": {listed(names)}" if names else ""
    yield Reason(
        topic,
        Bearing.FOR if failed <= rules.max_failed_share * sessions else Bearing.AGAINST,
        f"{number(failed)} of {plural(sessions, 'session')} failed ({share(failed, sessions)}){where}.",
        expected,
    )
    yield Reason("Deferred by enforce", Bearing.NOTE, _deferred(deferred_by_enforce(sts)))


def _deferred(rows: pd.DataFrame) -> str:
    """Return what enforce would have done to the mail of such sessions; sessions, never messages."""
    if rows.empty:
        return "Nothing: no session failed at an MX."
    whole, part, unknown = (
        rows[rows["effect"] == effect]
        for effect in (MailEffect.DEFERRED, MailEffect.POSSIBLY_DELAYED, MailEffect.NOT_KNOWN)
    )
    parts = []
    if len(whole):
        parts.append(
            f"Up to {plural(int(whole['failed_session_count'].sum()), 'session')} from {_names(whole)}, on "
            f"{plural(whole['day'].nunique(), 'day')} on which every session of that sender failed."
        )
    if len(part):
        parts.append(
            f"Perhaps nothing of {plural(int(part['failed_session_count'].sum()), 'failed session')} from {_names(part)}: on "
            "those days other sessions of that sender succeeded, at another MX host or at another try."
        )
    if len(unknown):
        parts.append(
            f"Not known for {plural(int(unknown['failed_session_count'].sum()), 'failed session')} from {_names(unknown)}: the "
            "reports do not say what failed."
        )
    return " ".join([*parts, "A session is a connection, not a message."])


def _failing_senders(sts: Cells) -> Iterator[Reason]:
    """Yield the senders most of whose sessions fail: in the share of all sessions a small one disappears."""
    topic, expected = "Senders that cannot deliver", "none"
    of_all = sts.sessions.groupby("organization_name", as_index=False)["sessions"].sum()
    at_mx = sts.enforced().at_mx
    known = at_mx["effect"].ne(MailEffect.NOT_KNOWN)
    failed = at_mx.assign(known=at_mx["failed"].where(known, 0)).groupby("organization_name", as_index=False)
    rows = of_all.merge(failed[["failed", "known"]].sum(), on="organization_name")
    rows = rows[(rows["failed"] >= _FEW_FAILED) & (rows["failed"] >= _MOST_FAILED * rows["sessions"])]
    for says, part in (
        (Bearing.AGAINST, rows[rows["known"] > 0]),
        (Bearing.CANNOT_TELL, rows[rows["known"] == 0]),
    ):
        if len(part):
            counts = [
                f"{one_line(name, 60) or 'one that gives no name'} {number(count)} of {number(total)}"
                for name, count, total in zip(part["organization_name"], part["failed"], part["sessions"], strict=True)
            ]
            why = "" if says is Bearing.AGAINST else ", and the reports do not say what failed"
            yield Reason(topic, says, f"Sessions that failed: {listed(counts)}{why}.", expected)


def _uncovered(sts: Cells, patterns: Sequence[str]) -> Iterator[Reason]:
    """Yield the MX hosts of reported failures that the policy does not cover: enforce refuses them, however few they are."""
    if not patterns:
        return
    rows = sts.at_mx
    hosts = [host for host in rows["receiving_mx_hostname"].unique() if domain_name(host)]
    rows = rows[
        rows["receiving_mx_hostname"].isin(
            [host for host in hosts if not any(mx_matches(pattern, host) for pattern in patterns)]
        )
    ]
    if len(rows):
        names = listed([one_line(host, 80) for host in sorted(rows["receiving_mx_hostname"].unique())])
        text = f"{names}: {plural(int(rows['failed'].sum()), 'failed session')} from {_names(rows)}."
        yield Reason(
            "MX hosts outside the policy", Bearing.AGAINST, text, "the policy covers every MX host (RFC 8461 §4.1)"
        )


def _policy_host(sts: Cells, window: Window, history: PolicyHistory) -> Iterator[Reason]:
    topic, expected = "Policy host", "reachable: without it senders see neither this change nor a rollback"
    rows = sts.on_policy_host
    if rows.empty:
        if len(sts.sessions):
            yield Reason(topic, Bearing.FOR, "No failed fetch of the policy is reported.", expected)
        return
    types = listed([one_line(name, 80) for name in rows["result_type"].value_counts().index])
    last = rows["day"].max()
    text = f"{plural(int(rows['failed'].sum()), 'failed session')} ({types}), from {_names(rows)}, last on {day(last)}"
    if last >= window.last - pd.Timedelta(days=1):
        yield Reason(topic, Bearing.AGAINST, f"{text}: not known to be over.", expected)
    else:
        who = history.enforcing(window.last.to_pydatetime())
        cached = f" Of the reporters only {_names(who)} may have a policy in enforce cached." if len(who) else ""
        yield Reason(topic, Bearing.NOTE, f"{text}. That deferred no mail by itself.{cached}", expected)


def _senders(inside: Cells, history: PolicyHistory) -> Iterator[Reason]:
    who = inside.sessions["organization_name"].nunique()
    if who:
        alone = " Other senders may see what this one does not." if who == 1 else ""
        text = f"{plural(who, 'reporter')}: {_names(inside.sessions)}.{alone} Most senders never report."
        yield Reason("Reporters", Bearing.NOTE, text)
    without = inside.of(PolicyType.NO_POLICY_FOUND).sessions
    if len(without):
        count = plural(int(without["sessions"].sum()), "session")
        text = f"{count} from {_names(without)} under no-policy-found: neither protected nor deferred by enforce."
        gone = history.events.tail(1)
        if gone["policy"].isna().any():
            text += f" None finds a policy any more since {when(gone['day'].iloc[0].date())}."
            expected = "the record is published, and reports show the policy again"
            yield Reason("Senders without the policy", Bearing.AGAINST, text, expected)
        else:
            yield Reason("Senders without the policy", Bearing.NOTE, text)
    tlsa = inside.of(PolicyType.TLSA).failures
    if len(tlsa):
        count = plural(int(tlsa["failed"].sum()), "failed session")
        text = f"{count} from {_names(tlsa)} under tlsa: DANE defers mail whatever the MTA-STS mode (RFC 8461 §2)."
        yield Reason("DANE", Bearing.NOTE, text)
    if len(history.behind):
        yield Reason("Older policy", Bearing.NOTE, f"Still applied in the last report of {_names(history.behind)}.")
    if len(history.unobserved):
        text = f"No policy-string in the reports of {_names(history.unobserved)}."
        yield Reason("Policy not observed", Bearing.NOTE, text)


def _names(frame: pd.DataFrame) -> str:
    return listed(
        [
            one_line(name, 60) or "one that gives no name"
            for name in dict.fromkeys(frame["organization_name"].fillna(""))
        ]
    )


def probe_reasons(probe: Probe | None, mode: Mode, last: pd.Timestamp | None, stale_days: int) -> Iterator[Reason]:
    """Yield what a probe says about a step to a mode; without one, that the domain was not checked."""
    if probe is None:
        text = "None given: the domain was not checked as it is at this moment."
        yield Reason("Probe", Bearing.NOTE, text, "a probe without errors")
        return
    at = when(probe.started)
    behind = 0 if last is None else (probe.started.date() - last.date()).days
    if behind > stale_days:
        text = f"The last report is about {day(last)}, {plural(behind, 'day')} before the probe of {at}."
        yield Reason("Reports up to date", Bearing.CANNOT_TELL, text, f"at most {plural(stale_days, 'day')} before")
    errors = probe.findings.errors
    for code in dict.fromkeys(errors.codes):
        same = [finding for finding in errors if finding.code == code]
        where = listed([one_line(subject, 120) for subject in dict.fromkeys(finding.subject for finding in same)])
        text = f"{same[0].effect.label}: {where}: {one_line(same[0].message, 300)}"
        yield Reason("Probe", Bearing.AGAINST, text, "no errors")
    if not errors:
        others = f"; {probe.findings.summary()[:-1].lower()}" if len(probe.findings) else ""
        yield Reason("Probe", Bearing.FOR, f"No errors on {at}{others}.", "no errors")
    if unobserved := _unobserved(probe):
        text = f"Not observed: {listed(unobserved)}."
        yield Reason("MX hosts observed", Bearing.CANNOT_TELL, text, "every MX host at every address")
    if mode is Mode.ENFORCE:  # in another mode no mail is deferred (RFC 8461 §5)
        yield _delivery(probe)


def _unobserved(probe: Probe) -> list[str]:
    if probe.port_25_closed:
        return ["any MX host, as nothing answered on port 25 where the probe was made"]
    names = [
        one_line(mx.host, 80)
        for mx in probe.mx_hosts
        if any(attempt.status is Status.NOT_OBSERVED for attempt in mx.attempts)
        or any(attempt is not None and attempt.status is Status.NOT_OBSERVED for attempt in (mx.a, mx.aaaa))
    ]
    return list(dict.fromkeys(names))


def _delivery(probe: Probe) -> Reason:
    """Return what a conformant sender would do in enforce."""
    outcomes = simulate(probe, mode=Mode.ENFORCE)
    topic, expected = "A sender in enforce", "a message is delivered, protected"
    if outcomes.policy is None and outcomes.delivery is Delivery.WITHOUT_STS:
        text = f"It would find no policy: {one_line(outcomes.policy_why, 300)}"
        return Reason(topic, Bearing.AGAINST, text, expected)
    result = "delivered without protection" if outcomes.delivery is Delivery.WITHOUT_STS else outcomes.delivery.value
    text = f"According to the probe, a message is {result}: {one_line(outcomes.delivery_why, 300)}"
    return Reason(topic, _DELIVERED[outcomes.delivery], text, expected)
