"""Reported failures compared with what a probe shows now: reproduced, fixed, at the sender's side, or not observed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from ..analysis import Candidate, Reported, candidates, listed
from ..errors import PolicyError
from ..knowledge import causes
from ..markup import one_line, plural, when
from ..policy import Policy, parse_policy
from ..sender import simulate
from ..vocabulary import (
    CauseKind,
    Confidence,
    Mode,
    PolicyType,
    ResultType,
    State,
    Status,
    is_on_policy_host,
    result_type_of,
)
from ._values import STATES, Group
from .flowchart import flowchart

if TYPE_CHECKING:
    from ..probe import Probe, Symptom
    from ..sender import Row

__all__ = ["ProbeView", "compared", "continued_note", "observations"]

#: A smaller share of failed sessions comes and goes; that one probe does not show it proves little.
_ALWAYS: Final = 0.9


def observations(probe: Probe, before: Probe | None = None) -> Mapping[str, str]:
    """Return what was observed, by the words of `Node.needs`, each with the observation. What is missing was not."""
    return dict(_observations(probe, before))


def _observations(probe: Probe, before: Probe | None) -> Iterator[tuple[str, str]]:
    if probe.sts.status is not Status.NOT_OBSERVED:
        yield "record", one_line(f"TXT {probe.sts.query.name}: {' · '.join(probe.sts.texts) or probe.sts.detail}", 200)
    yield from _policy_host(probe)
    if probe.mx.status is not Status.NOT_OBSERVED:
        names = ", ".join(mx.host for mx in probe.mx_hosts)
        yield "mx", one_line(f"MX {probe.domain}: {names or probe.mx.detail}", 200)
        policy = probe.policy or probe.served_policy
        if policy is not None:
            none = ", in mode none, where nothing is compared" if policy.mode is Mode.NONE else ""
            yield "mx-coverage", one_line(f"The policy matches {', '.join(policy.mx) or 'no host'}{none}.", 240)
    yield from _smtp(probe)
    lookups = [mx.tlsa for mx in probe.mx_hosts if mx.tlsa is not None]
    if not probe.dnssec_hidden and all(attempt.status is not Status.NOT_OBSERVED for attempt in lookups):
        count = sum(len(attempt.texts) for attempt in lookups)
        yield "tlsa", f"{plural(count, 'TLSA record')} at {plural(len(lookups), 'MX host')}."
    if probe.tlsrpt.status is not Status.NOT_OBSERVED:
        texts = " · ".join(probe.tlsrpt.texts) or probe.tlsrpt.detail
        yield "reporting", one_line(f"TXT {probe.tlsrpt.query.name}: {texts}", 200)
    if before is not None and before.domain == probe.domain:
        yield "before", "There is an earlier probe."


def _policy_host(probe: Probe) -> Iterator[tuple[str, str]]:
    host, attempts = probe.policy_host, [attempt for attempt in probe.policy_host.attempts if attempt.observed]
    if not attempts and (host.attempts or host.addresses_unknown):
        return
    where = ", ".join(f"{each.request.address}: {one_line(each.detail, 80) or each.stage}" for each in attempts)
    yield "policy-host", one_line(f"{host.host} {where or 'has no address'}", 240)
    if any(attempt.response and attempt.response.status_code == 200 for attempt in attempts):
        policy = probe.served_policy
        yield "policy-file", f"A file, mode {policy.mode.value}." if policy else "A file that is not a valid policy."


def _smtp(probe: Probe) -> Iterator[tuple[str, str]]:
    hosts = [mx for mx in probe.mx_hosts if not mx.problem]
    counts = [sum(attempt.observed for attempt in mx.attempts) for mx in hosts]
    if probe.port_25_closed or probe.mx.status is Status.NOT_OBSERVED:
        return
    # Nothing is known of a host at which no attempt was observed.
    if not any(mx.attempts and not count for mx, count in zip(hosts, counts, strict=True)):
        addresses = plural(sum(counts), "address", "addresses")
        yield "smtp", f"Connected to {addresses} of {plural(len(hosts), 'MX host')}."


class ProbeView:
    """What a probe shows of failures that were reported."""

    def __init__(self, probe: Probe, symptoms: Iterable[Symptom], observed: Mapping[str, str]) -> None:
        self.probe = probe
        self.hosts = {mx.host.lower() for mx in probe.mx_hosts}
        self._concerns = [symptom.concern for symptom in symptoms]
        self._observed = observed
        self._rows: dict[str, tuple[Row, ...]] = {}

    def _rows_under(self, policy: str) -> tuple[Row, ...]:
        """Return what a sender would report now; one that has cached a policy of this text, where it is one."""
        if policy not in self._rows:
            cached = _parsed(policy)
            outcomes = simulate(self.probe, cached_policy=cached) if cached else simulate(self.probe)
            self._rows[policy] = outcomes.failures
        return self._rows[policy]

    def reports_it(self, group: Reported, policy: str = "") -> bool:
        """Return whether a sender would report the same now, under the published or a cached policy."""
        return any(
            row.result_type == group.result_type and (not group.mx or not row.mx or row.mx.lower() == group.mx)
            for row in self._rows_under(policy)
        )

    def causes(self, group: Reported) -> tuple[Candidate, ...]:
        """Return the causes that the probe shows for what was reported."""
        kind = result_type_of(group.result_type)
        # Where the sender cannot get a valid policy, the type says at which step.
        area = kind.area if kind in (ResultType.STS_WEBPKI_INVALID, ResultType.STS_POLICY_INVALID) else None
        codes = dict.fromkeys(
            concern.code
            for concern in self._concerns
            if concern.kind is CauseKind.FAULT
            and (not group.mx or group.mx in (host.lower() for host in concern.mx))
            and (text := causes().get(concern.code)) is not None
            and (group.result_type in text.result_types or (area is not None and text.area is area))
        )
        return tuple(Candidate(code=code, confidence=Confidence.HIGH) for code in codes)

    def hidden(self, group: Reported) -> str:
        """Return why the probe could not have observed it; empty where it could."""
        kind = result_type_of(group.result_type)
        if is_on_policy_host(group.result_type):
            return self._hidden_at_policy_host(kind)
        if group.policy_type == PolicyType.TLSA and "tlsa" not in self._observed:
            return "the TLSA records were not observed"
        if "smtp" not in self._observed:
            return "the MX hosts could not be connected to"
        if group.mx in self.hosts and kind is not None and kind.needs_tls:
            attempts = [attempt for mx in self.probe.mx_hosts if mx.host.lower() == group.mx for attempt in mx.attempts]
            if not any(attempt.session for attempt in attempts):
                end = f"{attempts[0].stage}: {one_line(attempts[0].detail, 120)}" if attempts else "no address"
                return f"no TLS session was established, so no certificate was observed ({end})"
        return ""

    def _hidden_at_policy_host(self, kind: ResultType | None) -> str:
        if "policy-host" not in self._observed:
            return "the policy host was not observed"
        if kind is ResultType.STS_WEBPKI_INVALID:
            established = any(attempt.tls for attempt in self.probe.policy_host.attempts)
            return "" if established else "no TLS session was established with the policy host"
        if kind is ResultType.STS_POLICY_INVALID and "policy-file" not in self._observed:
            return "the policy host served no file"
        return ""


def _parsed(text: str) -> Policy | None:
    try:
        return parse_policy(text) if text else None
    except PolicyError:
        return None


def compared(group: Reported, view: ProbeView | None) -> Group:
    """Return a group with its state and causes; `view` is None where there is no probe of that domain."""
    likely = candidates(group)
    observed_causes = () if view is None else view.causes(group)
    if group.state is State.NOISE and (view is None or not (observed_causes or view.reports_it(group))):
        return Group(reported=group, state=State.NOISE, why=f"{_count(group)}: {STATES[State.NOISE]}", causes=likely)
    state, why = _by_reports(group) if view is None else _by_probe(group, view, observed_causes)
    if state is State.REPRODUCED:
        likely = observed_causes or likely
    return Group(reported=group, state=state, why=why, causes=likely, question=_question(likely))


def _count(group: Reported) -> str:
    where = f" at {one_line(group.mx, 120)}" if group.mx else ""
    return f"{plural(group.failed, 'failed session')}{where}, reported by {_names(group.reporters)}, last on {when(group.last)}"


def _names(reporters: Iterable[str]) -> str:
    return listed([one_line(name, 60) for name in reporters])


def _by_reports(group: Reported) -> tuple[State, str]:
    if not group.ongoing:
        until = when(group.last_report)
        return State.FIXED, f"Last reported on {when(group.last)}; the same reporters sent reports up to {until}."
    if group.state is State.THESE_SENDERS:
        return group.state, _only_these(group)
    return group.state, f"{_count(group)}.{_continued(group)}"


def _continued(group: Reported) -> str:
    return "" if group.continued is None else f" {continued_note(group.continued)}"


def continued_note(other: Reported) -> str:
    """Return in which other way a fault may go on that is not reported any more as it was."""
    where = f" at {one_line(other.mx, 120)}" if other.mx else ""
    last = f"{one_line(other.result_type, 60)}{where} (policy type {one_line(other.policy_type, 40)})"
    return f"Not reported this way since, but {last}, which may be the same fault, was still reported on {when(other.last)}."


def _only_these(group: Reported) -> str:
    return (
        f"Reported by {_names(group.reporters)}, and not by {_names(group.spared)}, who had enough sessions to see it."
    )


def _by_probe(group: Reported, view: ProbeView, observed_causes: tuple[Candidate, ...]) -> tuple[State, str]:
    if view.reports_it(group):
        return State.REPRODUCED, f"A sender would still report {one_line(group.result_type, 60)}. {_count(group)}."
    if observed_causes:
        return State.REPRODUCED, f"A probe shows this now: {causes()[observed_causes[0].code].title}. {_count(group)}."
    hidden = view.hidden(group)
    if hidden and group.ongoing:
        state = State.RARE if group.state is State.RARE else State.NOT_OBSERVED
        return state, f"{_count(group)}; the probe could not check it: {hidden}."
    if not group.ongoing:
        state, why = _by_reports(group)
        return state, why if hidden else f"{why} A probe does not show it."
    if cached := _cached_policy(group, view):
        return State.CACHED_POLICY, cached
    if group.few:
        return State.THESE_SENDERS, f"{_only_these(group)} A probe from here does not show it."
    if group.mx and group.mx not in view.hosts:
        host = one_line(group.mx, 120)
        return State.FIXED, f"{host} is no longer an MX of the domain. Last reported on {when(group.last)}."
    if view.probe.started.date() > group.last and group.share >= _ALWAYS and not group.continued:
        return State.FIXED, (
            f"Last reported on {when(group.last)}; a probe of {when(view.probe.started)} does not show it. There is no "
            "report about a later day yet: watch those of the next days."
        )
    return State.NOT_REPRODUCIBLE, f"{_count(group)}; a probe from here does not show it.{_continued(group)}"


def _cached_policy(group: Reported, view: ProbeView) -> str:
    """Return how the policy in the reports differs from the published one, if that explains the failures; else empty."""
    published = view.probe.policy
    if published is None or group.policy_type != PolicyType.STS or is_on_policy_host(group.result_type):
        return ""
    text = group.policies[0][0] if group.policies else ""
    cached = _parsed(text)
    if cached is None or _terms(cached) == _terms(published):
        return ""
    both = (
        f"The reports name a policy in mode {cached.mode.value} for {', '.join(cached.mx) or 'no host'}; the published one "
        f"has mode {published.mode.value}, for {', '.join(published.mx) or 'no host'}."
    )
    if view.reports_it(group, text):
        return f"{both} Under the cached one a sender would fail now, under the published one it would not."
    uncovered = bool(group.mx) and not cached.matches(group.mx) and cached.mode is not Mode.NONE
    return f"{both} The cached one does not match {one_line(group.mx, 120)}." if uncovered else ""


def _terms(policy: Policy) -> tuple[Mode, int, frozenset[str]]:
    return policy.mode, policy.max_age, frozenset(policy.mx)


def _question(likely: tuple[Candidate, ...]) -> str:
    """Return what would distinguish the first two causes, where the evidence does not."""
    if len(likely) < 2 or likely[0].confidence is Confidence.HIGH:
        return ""
    node = flowchart().question_between(likely[0].code, likely[1].code)
    return node.question if node is not None else ""
