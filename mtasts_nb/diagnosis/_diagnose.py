"""From evidence to a diagnosis: probe and reports compared, causes ranked, the walk and the plan that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ..analysis import (
    NO_POLICY,
    NOBODYS_POLICY,
    Reported,
    cells,
    domains_reported,
    no_policy,
    reported,
    without_policy,
)
from ..knowledge import causes
from ..markup import one_line, plural, when
from ..sender import simulate
from ..vocabulary import CauseKind, Concern, Confidence, Level, ReasonState, State
from ._causes import causes_of
from ._groups import ProbeView, compared, observations
from ._no_reports import why_no_reports
from ._plan import plan_of
from ._values import Diagnosis, Group
from .flowchart import WalkEvidence

if TYPE_CHECKING:
    from datetime import date

    from ..probe import Probe, Symptom
    from ..reports import Source
    from ..sender import Outcomes

__all__ = ["diagnose"]

_Blind = Mapping[str, tuple[Concern, tuple[str, ...]]]

#: Where the flowchart ends for a group that no fault explains.
_ENDS: Final = {
    State.FIXED: "fixed-since",
    State.THESE_SENDERS: "sender-path",
    State.CACHED_POLICY: "sender-old-policy",
    State.NOT_REPRODUCIBLE: "not-reproducible",
}


def diagnose(probe: Probe | None = None, archive: Source | None = None, *, before: Probe | None = None) -> Diagnosis:
    """Return the causes of what a probe observed and what reports show, ranked by evidence.

    With both, they are compared: for every group of reported failures it says whether a probe reproduces it now, it is
    over, only few senders see it, or senders still use a cached policy.

    Parameters
    ----------
    probe : Probe, optional
        A probe of the domain.
    archive : Source, optional
        Reports, an `Archive` or a store. With a probe, only those about its domain count.
    before : Probe, optional
        An earlier probe, for what only two of them show: a policy that changed under the same id (RFC 8461 §8.1).

    Raises
    ------
    ValueError
        Neither a probe nor an archive is given.

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> from mtasts_nb.probe import probe
    >>> with Lab("mx-certificate-expired") as lab:
    ...     diagnosis = diagnose(probe("nordwind.example", lab.settings))
    >>> diagnosis
    <Diagnosis of nordwind.example: act now, mx-certificate-expired>
    >>> [cause.confidence.value for cause in diagnosis.causes], diagnosis.verdict.level.value
    (['high'], 'act now')
    """
    if probe is None and archive is None:
        raise ValueError("diagnose needs a probe, an archive, or both: sts.probe(domain) or sts.load(folder).")
    symptoms = () if probe is None else _symptoms(probe, before)
    observed = {} if probe is None else observations(probe, before)
    view = None if probe is None else ProbeView(probe, symptoms, observed)
    groups = [] if archive is None else [compared(group, view) for group in _about(archive, probe)]
    groups.sort(key=lambda group: group.over)  # the sort is stable: the larger before the smaller
    outcomes = None if probe is None else simulate(probe)
    split = None if archive is None else cells(archive)
    domains = {} if split is None else domains_reported(split)
    blind = {} if split is None else without_policy(split)
    if probe is not None and outcomes is not None:
        blind = _compared_with(probe.domain, outcomes, blind)
    recent = any(domains.values()) if probe is None else probe.domain in domains
    diagnosis = Diagnosis(
        domain=probe.domain if probe is not None else next(iter(domains)) if len(domains) == 1 else "",
        causes=causes_of(probe, symptoms, groups, blind.values(), outcomes),
        groups=tuple(groups),
        not_observed=() if probe is None else probe.not_observed,
        outcomes=outcomes,
        probe=probe,
        days=None if archive is None else _days(archive, probe),
        known=recent or (probe is not None and probe.verdict.level is not Level.NOT_KNOWN),
    )
    walk_evidence = _walk_evidence(diagnosis, symptoms, observed, archive)
    return replace(diagnosis, plan=plan_of(diagnosis, observed), walk_evidence=walk_evidence)


def _compared_with(domain: str, outcomes: Outcomes, blind: _Blind) -> _Blind:
    """Return of `without_policy` what concerns the domain of a probe, which finds a policy now, or knows why there is none."""
    if domain not in blind:
        return {}
    concern, reporters = blind[domain]
    if concern.code == NOBODYS_POLICY:
        return {domain: (no_policy(domain, by_all=False), reporters)} if outcomes.policy_source != "none" else {}
    return {domain: (concern, reporters)}


def _symptoms(probe: Probe, before: Probe | None) -> tuple[Symptom, ...]:
    from ..probe import compare_probes, symptoms

    findings = list(probe.findings)
    if before is not None and before.domain == probe.domain:
        findings += compare_probes(before, probe).findings
    return symptoms(probe, findings)


def _about(archive: Source, probe: Probe | None) -> list[Reported]:
    return [group for group in reported(archive) if probe is None or group.policy_domain == probe.domain]


def _days(archive: Source, probe: Probe | None) -> tuple[date, date] | None:
    days = []
    for sessions, _ in archive.session_rows(["policy_domain", "day"], []):
        about = sessions if probe is None else sessions[sessions["policy_domain"] == probe.domain]
        if len(about):
            days += [about["day"].min(), about["day"].max()]
    return (min(days).date(), max(days).date()) if days else None


# -- what the flowchart learns


def _walk_evidence(
    diagnosis: Diagnosis, symptoms: Sequence[Symptom], observed: Mapping[str, str], archive: Source | None
) -> WalkEvidence:
    """Return the causes that the probe shows, what was observed, and the group of failures to look into."""
    probe, seen = diagnosis.probe, dict(observed)
    indicated: dict[str, str] = {}
    for symptom in symptoms:
        if (code := symptom.concern.code) in causes():
            indicated[code] = f"{indicated[code]}; {symptom.text}" if code in indicated else symptom.text
    indicated |= {
        cause.code: cause.evidence[0].text for cause in diagnosis.causes if cause.code in (NO_POLICY, NOBODYS_POLICY)
    }
    if diagnosis.days is not None:
        seen["reports"] = f"Reports about {when(diagnosis.days[0])} to {when(diagnosis.days[1])}."
    groups = [group for group in diagnosis.groups if group.state is not State.NOISE]
    group = min(groups, key=lambda group: (group.state.rank, -group.reported.failed), default=None)
    if group is not None:
        for code in _ends(group, alone=probe is None):
            indicated.setdefault(code, group.why)
    elif probe is not None and archive is not None:
        answer = why_no_reports(probe, archive)
        if not answer.arriving:
            for reason in answer.in_state(ReasonState.CONFIRMED):
                indicated.setdefault(reason.code, reason.evidence)
            indicated["reports-late"] = seen.get("reports", "No report about the domain has arrived.")
    mx = group.reported.mx if group is not None else ""
    if not mx and probe is not None:
        mx = next((host.host for host in probe.mx_hosts if not host.problem), "")
    return WalkEvidence(
        causes=MappingProxyType(indicated),
        observed=MappingProxyType(seen),
        result_type=None if group is None else group.reported.result_type,
        reported="" if group is None else _report(group),
        domain=diagnosis.domain if group is None else group.reported.policy_domain,
        mx=mx,
        providers=() if probe is None else tuple(dict.fromkeys(known.name for known in probe.providers)),
    )


def _ends(group: Group, *, alone: bool) -> tuple[str, ...]:
    """Return the causes that a group shows by itself: where it ends, or the one of which the reports are certain."""
    if group.state in (State.REPORTED, State.NOT_OBSERVED, State.RARE) or (
        group.state is State.THESE_SENDERS and alone
    ):
        for candidate in group.causes[:1]:
            if candidate.confidence is Confidence.HIGH and causes()[candidate.code].kind is not CauseKind.OUTCOME:
                return (candidate.code,)
    return (_ENDS[group.state],) if group.state in _ENDS else ()


def _report(group: Group) -> str:
    reported = group.reported
    where = f" at {one_line(reported.mx, 120)}" if reported.mx else ""
    count = plural(reported.failed, "failed session")
    return f"{one_line(reported.result_type, 60)}{where}: {count}, {when(reported.first)} to {when(reported.last)}."
