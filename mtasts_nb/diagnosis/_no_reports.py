"""Why a domain gets no TLS reports: every possible reason, and what the evidence shows of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import pandas as pd

from ..analysis import REGULAR_DAYS, is_regular, silent_since
from ..knowledge import causes
from ..markup import number, one_line, plural, when
from ..policy import domain_name
from ..probe import symptoms
from ..reports import Archive
from ..sender import Delivery, simulate
from ..vocabulary import Area, ReasonState, Status
from ._no_reports_values import LATE, NoReports, NoReportsReason, ReportAddress, SilentReporter

if TYPE_CHECKING:
    from ..probe import Probe, SmtpAttempt
    from ..reports import Source

__all__ = ["why_no_reports"]

#: A message with the report of a large sender about a day with many failures is below this.
_ROOM: Final = 10 * 1024 * 1024
_SIZE: Final = re.compile(r"SIZE(?: +(\d{1,19}))?", re.IGNORECASE)
#: More days without a report than with one: that sender does not write every day.
_SPARSE: Final = 0.5


def why_no_reports(probe: Probe, source: Source | None = None, *, mailboxes: Sequence[Probe] = ()) -> NoReports:
    """Return why no TLS reports about a domain arrive, or fewer than before: each possible reason, and what is known of it.

    Parameters
    ----------
    probe : Probe
        A probe of the policy domain.
    source : Archive or store, optional
        What arrived so far; reports about other domains do not count.
    mailboxes : sequence of Probe, optional
        Probes of the domains of the mailboxes in `rua`, where these are not the policy domain.

    Returns
    -------
    NoReports
        With `reasons`; the texts are those of the flowchart, start ``no-reports``.

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> from mtasts_nb.probe import probe
    >>> with Lab("tlsrpt-missing") as lab:
    ...     answer = why_no_reports(probe("nordwind.example", lab.settings))
    >>> answer
    <NoReports about nordwind.example: reporting-missing>
    >>> answer.arriving
    False
    """
    addresses = _addresses(probe)
    days = _days(source, probe.domain)
    today = probe.started.date()
    recent = not days.empty and today - days["day"].max().date() <= LATE
    silent = _silent(days, today)
    reasons = [
        *_record(probe),
        *_addressed(addresses),
        *_mailboxes(addresses, {each.domain: each for each in (*mailboxes, probe)}),
        *_arrived(days, silent, today, known=source is not None, recent=recent),
    ]
    order = list(causes())
    reasons.sort(key=lambda reason: (reason.state.rank, order.index(reason.code)))
    counts = source.inputs["outcome"].astype("str").value_counts().to_dict() if isinstance(source, Archive) else {}
    return NoReports(
        domain=probe.domain,
        today=today,
        addresses=addresses,
        first=None if days.empty else days["day"].min().date(),
        last=None if days.empty else days["day"].max().date(),
        inputs={name: int(counts[name]) for name in ("skipped", "rejected") if counts.get(name)},
        silent=silent,
        reasons=tuple(reasons),
    )


# -- the record


def _record(probe: Probe) -> Iterator[NoReportsReason]:
    name = probe.tlsrpt.query.name
    if probe.tlsrpt.status is Status.NOT_OBSERVED:
        why = f"The lookup of {name} was not observed: {one_line(probe.tlsrpt.detail or probe.tlsrpt.reason, 120)}."
        yield NoReportsReason(code="reporting-lookup-fails", state=ReasonState.NOT_OBSERVED, evidence=why)
        return
    faults = {
        symptom.concern.code: symptom.text
        for symptom in symptoms(probe, probe.findings)
        if (cause := causes().get(symptom.concern.code)) and cause.area is Area.REPORTING
    }
    for code, text in faults.items():
        yield NoReportsReason(code=code, state=ReasonState.CONFIRMED, evidence=one_line(text, 300))
    if not faults and probe.tlsrpt_record is not None:
        text = one_line(f"{name}: {probe.tlsrpt_record.to_text()}", 300)
        yield NoReportsReason(code="reporting-missing", state=ReasonState.RULED_OUT, evidence=text)


def _addresses(probe: Probe) -> tuple[ReportAddress, ...]:
    record = probe.tlsrpt_record
    return tuple(_address(uri, probe.domain) for uri in (record.rua if record else ()))


def _address(uri: str, domain: str) -> ReportAddress:
    scheme, _, rest = uri.partition(":")
    try:
        host = (
            urlsplit(uri).hostname or ""
            if scheme.lower() == "https"
            else unquote(re.split(r"[?#]", rest)[0]).rpartition("@")[2]
        )
    except ValueError:
        host = ""
    host = domain_name(host) or ""
    external = bool(host) and host != domain and not host.endswith(f".{domain}")
    return ReportAddress(uri=one_line(uri, 200), scheme=scheme.lower(), domain=host, external=external)


def _addressed(addresses: Sequence[ReportAddress]) -> Iterator[NoReportsReason]:
    if not addresses:
        return
    listed = ", ".join(each.uri for each in addresses)
    several = ReasonState.POSSIBLE if len(addresses) > 1 else ReasonState.RULED_OUT
    text = (
        f"{plural(len(addresses), 'address', 'addresses')} in this order: {listed}." if len(addresses) > 1 else listed
    )
    yield NoReportsReason(code="reporting-several-addresses", state=several, evidence=one_line(text, 300))
    elsewhere = [each for each in addresses if each.external]
    text = ", ".join(dict.fromkeys(each.domain for each in elsewhere)) or "Every address is in the domain itself."
    state = ReasonState.POSSIBLE if elsewhere else ReasonState.RULED_OUT
    yield NoReportsReason(code="reporting-mailbox-elsewhere", state=state, evidence=one_line(text, 300))
    https = [each.uri for each in addresses if each.scheme == "https"]
    if https:
        text, state = f"{', '.join(https)}: not tried, a probe sends no report.", ReasonState.NOT_OBSERVED
    else:
        text, state = "There is no https address.", ReasonState.RULED_OUT
    yield NoReportsReason(code="reporting-endpoint", state=state, evidence=one_line(text, 300))
    if any(each.scheme == "mailto" for each in addresses):
        text = "Only the log of the mail server shows it."
        yield NoReportsReason(code="reporting-mail-filtered", state=ReasonState.NOT_OBSERVED, evidence=text)


# -- the mailbox


def _mailboxes(addresses: Sequence[ReportAddress], probes: Mapping[str, Probe]) -> Iterator[NoReportsReason]:
    """Yield for each of the three reasons the worst of all mailboxes."""
    domains = dict.fromkeys(each.domain for each in addresses if each.scheme == "mailto" and each.domain)
    judged = [reason for domain in domains for reason in _mailbox(domain, probes.get(domain))]
    for code in dict.fromkeys(reason.code for reason in judged):
        yield min((reason for reason in judged if reason.code == code), key=lambda reason: reason.state.rank)


def _mailbox(domain: str, probe: Probe | None) -> Iterator[NoReportsReason]:
    codes = ("reporting-mailbox-unreachable", "reporting-mailbox-tls", "reporting-mailbox-size")
    if probe is None:
        text = f"{domain} was not probed: give its probe as mailboxes=[sts.probe({domain!r})]."
        yield from (NoReportsReason(code=code, state=ReasonState.NOT_OBSERVED, evidence=text) for code in codes)
        return
    attempts = [attempt for mx in probe.mx_hosts for attempt in mx.attempts]
    answering = [attempt for attempt in attempts if attempt.ehlo is not None and attempt.ehlo.code == 250]
    usable = [mx for mx in probe.mx_hosts if not mx.problem]
    if answering:
        hosts = ", ".join(dict.fromkeys(attempt.request.mx for attempt in answering))
        state, text = ReasonState.RULED_OUT, f"{hosts} answers."
    elif probe.mx.status is Status.COMPLETED and not usable:
        state, text = ReasonState.CONFIRMED, f"{domain} has no MX host that a sender can connect to."
    elif attempts and all(attempt.observed for attempt in attempts):
        state, text = ReasonState.CONFIRMED, f"{attempts[0].request.mx}: {attempts[0].ending}"
    else:
        state, text = ReasonState.NOT_OBSERVED, f"No connection to port 25 of the MX hosts of {domain} was observed."
    yield NoReportsReason(code=codes[0], state=state, evidence=one_line(text, 300))
    yield _mailbox_tls(domain, probe, answering)
    yield _mailbox_size(domain, answering)


def _mailbox_tls(domain: str, probe: Probe, answering: Sequence[SmtpAttempt]) -> NoReportsReason:
    code = "reporting-mailbox-tls"
    if not answering:
        text = f"No TLS session with the MX hosts of {domain} was observed."
        return NoReportsReason(code=code, state=ReasonState.NOT_OBSERVED, evidence=text)
    outcome = simulate(probe)
    state = {
        Delivery.DEFERRED: ReasonState.POSSIBLE,
        Delivery.BOUNCED: ReasonState.POSSIBLE,
        Delivery.UNKNOWN: ReasonState.NOT_OBSERVED,
    }.get(outcome.delivery, ReasonState.RULED_OUT)
    return NoReportsReason(code=code, state=state, evidence=one_line(f"Mail to {domain}: {outcome.delivery_why}", 300))


def _mailbox_size(domain: str, answering: Sequence[SmtpAttempt]) -> NoReportsReason:
    """Return what the servers announce (RFC 1870 §4): the smallest limit counts."""
    code = "reporting-mailbox-size"
    limits: dict[str, int] = {}
    for attempt in answering:
        reply = attempt.ehlo_after_tls or attempt.ehlo
        for line in reply.lines if reply else ():
            if match := _SIZE.fullmatch(line.strip()):
                limits[attempt.request.mx] = int(match[1] or 0)
    bounded = {host: limit for host, limit in limits.items() if limit}
    if bounded:
        host = min(bounded, key=lambda host: bounded[host])
        state = ReasonState.CONFIRMED if bounded[host] < _ROOM else ReasonState.RULED_OUT
        text = f"{host} announces SIZE {bounded[host]}: {number(round(bounded[host] / 1024 / 1024, 1))} MiB."
    elif limits:
        state, text = ReasonState.RULED_OUT, f"{next(iter(limits))} announces SIZE without a limit."
    else:
        state, text = ReasonState.NOT_OBSERVED, f"No mail server of {domain} announced a limit."
    return NoReportsReason(code=code, state=state, evidence=one_line(text, 300))


# -- what arrived


def _days(source: Source | None, domain: str) -> pd.DataFrame:
    """Return organization_name, day and sessions of each reporter and day with a report about the domain."""
    columns = [
        "organization_name",
        "day",
        "policy_domain",
        "total_successful_session_count",
        "total_failure_session_count",
    ]
    pieces = []
    for sessions, _ in source.session_rows(columns, []) if source is not None else ():
        about = sessions[sessions["policy_domain"].astype("str") == domain]
        if len(about):
            sessions_of = about["total_successful_session_count"] + about["total_failure_session_count"]
            pieces.append(
                about.assign(organization_name=about["organization_name"].astype("str"), sessions=sessions_of)
            )
    if not pieces:
        return pd.DataFrame({"organization_name": [], "day": [], "sessions": []})
    rows = pd.concat(pieces)
    # Sessions under sts and tlsa may be the same ones: the larger counts.
    return rows.groupby(["organization_name", "day"])["sessions"].max().reset_index()


def _silent(days: pd.DataFrame, today: date) -> tuple[SilentReporter, ...]:
    """Return the reporters that have gone silent, those that reported most first."""
    silent = [
        SilentReporter(organization_name=one_line(name, 100), last=last, days=len(part))
        for name, part in days.groupby("organization_name")
        if (last := silent_since(part["day"], today)) is not None
    ]
    return tuple(sorted(silent, key=lambda each: (-each.days, each.organization_name)))


def _arrived(
    days: pd.DataFrame, silent: Sequence[SilentReporter], today: date, *, known: bool, recent: bool
) -> Iterator[NoReportsReason]:
    if not known:
        text = "No source was given: give what arrived so far, sts.load(…)."
        for code in ("reporters-silent", "reporting-little-mail", "reports-late"):
            yield NoReportsReason(code=code, state=ReasonState.NOT_OBSERVED, evidence=text)
        return
    reporters = days["organization_name"].nunique()
    if silent:
        since = sorted({each.last for each in silent})
        same = "all after the same day" if len(since) == 1 else f"after {when(since[0])} to {when(since[-1])}"
        names = ", ".join(each.organization_name or "a reporter without a name" for each in silent[:3])
        text = f"{len(silent)} of {plural(reporters, 'reporter')} stopped, {same}: {names}{' and others' if len(silent) > 3 else ''}."
        if len(since) == 1:
            text += f" The last report is about {when(since[0])}."
        yield NoReportsReason(code="reporters-silent", state=ReasonState.CONFIRMED, evidence=one_line(text, 300))
    elif days.empty:
        text = "No report about the domain is in the source, so none has stopped as far as known."
        yield NoReportsReason(code="reporters-silent", state=ReasonState.NOT_OBSERVED, evidence=text)
    elif not any(is_regular(part["day"]) for _, part in days.groupby("organization_name")):
        text = f"No reporter reported on {REGULAR_DAYS} days or more, so what is normal for them is not known."
        yield NoReportsReason(code="reporters-silent", state=ReasonState.NOT_OBSERVED, evidence=text)
    else:
        text = f"None of {plural(reporters, 'reporter')} is quiet for longer than before."
        yield NoReportsReason(code="reporters-silent", state=ReasonState.RULED_OUT, evidence=text)
    yield _little_mail(days)
    if recent:
        state, text = ReasonState.RULED_OUT, f"The last report is about {when(days['day'].max().date())}."
    else:
        last = "No report" if days.empty else f"The last report is about {when(days['day'].max().date())}, none"
        state, text = ReasonState.POSSIBLE, f"{last} about the days up to {when(today)} has arrived."
    yield NoReportsReason(code="reports-late", state=state, evidence=text)


def _little_mail(days: pd.DataFrame) -> NoReportsReason:
    code = "reporting-little-mail"
    if days.empty:
        text = "Without a report it is not known how much mail senders that report send."
        return NoReportsReason(code=code, state=ReasonState.POSSIBLE, evidence=text)
    spans = days.groupby("organization_name")["day"].agg(["min", "max", "nunique"])
    possible = int(((spans["max"] - spans["min"]).dt.days + 1).sum())
    reported = int(spans["nunique"].sum())
    middle = int(days["sessions"].median())
    state = ReasonState.POSSIBLE if reported < _SPARSE * possible else ReasonState.RULED_OUT
    text = (
        f"Reporters wrote on {number(reported)} of {number(possible)} days between their first and last report, about "
        f"{plural(middle, 'session')} on a day in the middle."
    )
    return NoReportsReason(code=code, state=state, evidence=text)
