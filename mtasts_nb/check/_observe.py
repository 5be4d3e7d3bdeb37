"""From reports and probes to what a check compares: problems and policies, as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import pandas as pd

from ..analysis import cells, find_incidents, policy_history, reported_verdicts, silent_since
from ..vocabulary import CauseKind, Certainty, Effect, Level, Severity
from ._values import Kind, Observed, PolicySeen, Problem

if TYPE_CHECKING:
    from ..probe import Probe
    from ..reports import Source, Stored

__all__ = ["observe"]

#: Who sent no report for longer has left: that is not new.
_WEEKS: Final = 8
#: What is over for longer does not matter: `decide` has forgotten it, or never knew it.
_RECENT: Final = timedelta(days=45)


def observe(source: Stored | None, probes: Iterable[Probe] = (), *, now: datetime) -> Observed:
    """Return all that reports and probes show.

    Parameters
    ----------
    source : Archive or store, optional
        Reports of several weeks: incidents are days above the baseline of their own history.
    probes : iterable of Probe
        Of some domains, made now.
    now : datetime
        UTC.

    Examples
    --------
    >>> from datetime import UTC
    >>> observe(None, now=datetime(2026, 2, 8, tzinfo=UTC)).problems
    ()
    """
    problems: list[Problem] = []
    policies: list[PolicySeen] = []
    kinds: set[Kind] = set()
    last: date | None = None
    if source is not None:
        kinds |= {Kind.INCIDENT, Kind.SILENT_REPORTER, Kind.NO_REPORTS}
        days = _report_days(source)
        if len(days):
            last = days["day"].max().date()
            problems += _incidents(source, last)
            problems += _silences(days, now.date())
            policies += _reported_policies(source)
    probes = tuple(probes)
    kinds |= {Kind.FINDING} if probes else set()
    for probe in probes:
        problems += _findings(probe)
        if probe.record is not None and probe.policy is not None:
            policy = probe.policy
            policies.append(
                PolicySeen(
                    domain=probe.domain,
                    day=probe.started.date(),
                    mode=str(policy.mode),
                    max_age=policy.max_age,
                    mx=tuple(sorted(policy.mx)),
                    id=probe.record.id,
                )
            )
    return Observed(
        problems=tuple(problems),
        policies=tuple(policies),
        kinds=frozenset(kinds),
        probed=frozenset(probe.domain for probe in probes if not probe.not_observed),
        certificates=MappingProxyType(dict(_certificates(probes))),
        last_report=last,
    )


# -- incidents


def _incidents(source: Stored, last: date) -> Iterator[Problem]:
    frame = find_incidents(source)
    recent = frame[frame["ongoing"] | (frame["end"] > pd.Timestamp(last - _RECENT, tz="UTC"))]
    if recent.empty:
        return
    # Only of these: in most runs that is a small part, and a verdict reads all reports about its domain.
    concerned = set(recent["policy_domain"])
    archive = source.to_archive() if len(concerned) > 1 else source.for_domain(*concerned).to_archive()
    part = archive.with_rows(
        *(table[table["policy_domain"].isin(concerned)] for table in (archive.sessions, archive.failures))
    )
    levels = {domain: verdict.level for domain, verdict in reported_verdicts(part).items()}
    for _, rows in recent.groupby("story", sort=True):
        yield _incident(rows, levels)


def _incident(rows: pd.DataFrame, levels: dict[str, Level]) -> Problem:
    """Return a story, spans that began together at one domain or MX host, as one problem."""
    rows = rows.sort_values("failed_session_count", ascending=False)
    domains = tuple(dict.fromkeys(map(str, rows["policy_domain"])))
    hosts = rows["receiving_mx_hostname"].fillna("")
    certain = bool((rows["confidence"] != Certainty.LOW).any())
    worst = min((levels.get(domain, Level.WATCH) for domain in domains), key=lambda level: level.rank)
    marks = zip(rows["policy_domain"], rows["policy_type"], hosts, rows["result_type"], strict=True)
    reporters = {name for names in rows["organization_name"] for name in str(names).split("\n")}
    return Problem(
        kind=Kind.INCIDENT,
        # A domain that is fine or not known by now may have had an incident that is not known to be over.
        level=worst if certain and worst.rank < Level.WATCH.rank else Level.WATCH,
        marks=tuple("|".join(map(str, mark)) for mark in marks),
        codes=tuple(dict.fromkeys(map(str, rows["result_type"]))),
        domains=domains,
        hosts=tuple(host for host in dict.fromkeys(hosts) if host),
        reporters=tuple(sorted(reporters)),
        first=rows["start"].min().date(),
        last=rows["end"].max().date(),
        failed=int(rows["failed_session_count"].sum()),
        certain=certain,
        ongoing=bool(rows["ongoing"].any()),
    )


# -- silence


def _report_days(source: Source) -> pd.DataFrame:
    """Return one row per day, domain and reporter with a report; those dated years from all others are left out."""
    split = cells(source)
    return split.sessions[["day", "policy_domain", "organization_name"]].drop_duplicates()


def _silences(days: pd.DataFrame, today: date) -> Iterator[Problem]:
    last = days["day"].max()
    recent = days[days["day"] > last - pd.Timedelta(weeks=_WEEKS)]
    everyone = silent_since(recent["day"], today - timedelta(days=1))
    if everyone is not None:
        # If nothing comes at all, that is one thing to tell and not one for each.
        yield _silent(Kind.NO_REPORTS, ("*",), everyone)
        return
    for (name,), rows in recent.groupby(["organization_name"], observed=True):
        if name and (since := silent_since(rows["day"], last.date())) is not None:
            yield _silent(Kind.SILENT_REPORTER, (str(name),), since, reporters=(str(name),))
    for (domain,), rows in recent.groupby(["policy_domain"], observed=True):
        if (since := silent_since(rows["day"], last.date())) is not None:
            yield _silent(Kind.NO_REPORTS, (str(domain),), since, domains=(str(domain),))


def _silent(
    kind: Kind, marks: tuple[str, ...], last: date, *, domains: tuple[str, ...] = (), reporters: tuple[str, ...] = ()
) -> Problem:
    return Problem(
        kind=kind,
        level=Level.WATCH,
        marks=marks,
        domains=domains,
        reporters=reporters,
        first=last + timedelta(days=1),
        last=last,
    )


# -- policies


def _reported_policies(source: Source) -> Iterator[PolicySeen]:
    history = policy_history(source)
    begun = history.policies[history.policies["policy"] == 1].rename(columns={"first_day": "day"})
    for frame in (begun, history.events):
        for row in frame.to_dict("records"):
            if isinstance(row["policy_mode"], str) and row["policy_mode"]:
                yield PolicySeen(
                    domain=str(row["policy_domain"]),
                    day=row["day"].date(),
                    mode=row["policy_mode"],
                    max_age=None if pd.isna(row["policy_max_age"]) else int(row["policy_max_age"]),
                    mx=tuple(sorted(str(row["mx"]).split())),
                )


# -- probes


def _findings(probe: Probe) -> Iterator[Problem]:
    from ..probe import symptoms

    day = probe.started.date()
    for symptom in symptoms(probe, probe.findings):
        finding = symptom.finding
        # What concerns the network of this machine is no problem of the domain.
        cosmetic = finding.severity is Severity.ADVICE and finding.effect is Effect.COSMETIC
        if cosmetic or symptom.concern.kind is CauseKind.VANTAGE:
            continue
        yield Problem(
            kind=Kind.FINDING,
            level=symptom.concern.level,
            marks=(f"{probe.domain}|{finding.code}|{finding.host}",),
            codes=(finding.code,),
            domains=(probe.domain,),
            hosts=(finding.host,) if finding.host else (),
            first=day,
            last=day,
            detail=symptom.text,
            fix=finding.fix,
        )


def _certificates(probes: Sequence[Probe]) -> Iterator[tuple[str, datetime]]:
    """Yield when the certificate of each host expires, the first where it has several."""
    ends: dict[str, datetime] = {}
    for probe in probes:
        attempts = [(probe.policy_host.host, attempt.tls) for attempt in probe.policy_host.attempts]
        attempts += [(mx.host, attempt.tls) for mx in probe.mx_hosts for attempt in mx.attempts]
        for host, tls in attempts:
            end = tls.chain[0].not_after if tls is not None and tls.chain else None
            if end is not None:
                ends[host] = min(end, ends.get(host, end))
    yield from sorted(ends.items())
