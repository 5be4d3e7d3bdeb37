"""What a diagnosis has to say to the flowchart."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ..knowledge import cause_texts
from ..markup import plural, when
from ._candidates import HIGH
from ._groups import (
    CHANCE,
    FIXED,
    NOT_OBSERVED,
    NOT_REPRODUCIBLE,
    OLD_POLICY,
    REPORTED,
    REPRODUCED,
    THESE_SENDERS,
)
from .flowchart import WalkEvidence

if TYPE_CHECKING:
    from ._diagnose import Diagnosis
    from ._groups import Group

__all__ = ["clues_of"]

#: Where the flowchart ends for a group that no fault explains.
_ENDS: Final = {
    FIXED: "fixed-since",
    THESE_SENDERS: "sender-path",
    OLD_POLICY: "sender-old-policy",
    NOT_REPRODUCIBLE: "not-reproducible",
}
#: A report comes up to three days after its day.
_LATE_DAYS: Final = 4
#: Which group the walk looks into: what is there now before what is over.
_ORDER: Final = (REPRODUCED, OLD_POLICY, REPORTED, NOT_OBSERVED, THESE_SENDERS, NOT_REPRODUCIBLE, FIXED)


def clues_of(diagnosis: Diagnosis) -> WalkEvidence:
    """Return the clues: causes shown now, what was observed, and the group of failures to be looked into."""
    found: dict[str, str] = {}
    for sign in diagnosis._signs:  # noqa: SLF001 - of the same package
        found[sign.cause] = f"{found[sign.cause]}; {sign.text}" if sign.cause in found else sign.text
    seen = dict(diagnosis._observed)  # noqa: SLF001
    if diagnosis.days is not None:
        seen["reports"] = f"Reports about {when(diagnosis.days[0])} to {when(diagnosis.days[1])}."
    group = _chosen(diagnosis)
    if group is not None:
        for code in _causes(group, alone=diagnosis.probe is None):
            found.setdefault(code, group.why)
    elif _late(diagnosis):
        found["reports-late"] = seen["reports"]
    mx = group.reported.mx if group is not None else ""
    if not mx and diagnosis.probe is not None:
        mx = next((host.host for host in diagnosis.probe.mx_hosts if not host.problem), "")
    domain = group.reported.policy_domain if group is not None else diagnosis.domain
    providers = () if diagnosis.probe is None else tuple(dict.fromkeys(one.name for one in diagnosis.probe.providers))
    return WalkEvidence(
        causes=MappingProxyType(found),
        observed=MappingProxyType(seen),
        result_type=None if group is None else group.reported.result_type,
        reported="" if group is None else _told(group),
        domain=domain,
        mx=mx,
        providers=providers,
    )


def _late(diagnosis: Diagnosis) -> bool:
    """Return whether there are reports, and none of the days before the probe."""
    if diagnosis.probe is None or diagnosis.days is None:
        return False
    return (diagnosis.probe.started.date() - diagnosis.days[1]).days > _LATE_DAYS


def _chosen(diagnosis: Diagnosis) -> Group | None:
    groups = [group for group in diagnosis.groups if group.state != CHANCE]
    return min(groups, key=lambda group: (_ORDER.index(group.state), -group.reported.failed), default=None)


def _causes(group: Group, *, alone: bool) -> tuple[str, ...]:
    """Return the causes that a group shows by itself: where it ends, or the one that the reports are sure of."""
    if group.state in (REPORTED, NOT_OBSERVED) or (group.state == THESE_SENDERS and alone):
        sure = [
            candidate.code
            for candidate in group.causes[:1]
            if candidate.confidence == HIGH and cause_texts()[candidate.code].kind != "outcome"
        ]
        if sure:
            return tuple(sure)
    return (_ENDS[group.state],) if group.state in _ENDS else ()


def _told(group: Group) -> str:
    seen = group.reported
    where = f" at {seen.mx}" if seen.mx else ""
    return (
        f"{seen.result_type}{where}: {plural(seen.failed, 'failed session')}, {when(seen.first)} to {when(seen.last)}."
    )
