"""The action plan of troubleshooting guides, ticked as far as the evidence goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..markup import plural, when
from ._groups import CHANCE, FIXED

if TYPE_CHECKING:
    from ._diagnose import Diagnosis

__all__ = ["Action", "plan_of"]

DONE, OPEN, NOT_NEEDED, NOT_KNOWN = "done", "to do", "not needed", "not known"
#: The three fundamentals, in their order: areas of causes, and what has to have been observed.
_FUNDAMENTALS: Final = (
    ("The _mta-sts record", ("record",), "record"),
    ("The policy file", ("policy-host", "policy-file"), "policy-file"),
    ("The certificate of the policy host", ("policy-certificate",), "policy-host"),
)
_WATCH_DAYS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One step of the action plan.

    Attributes
    ----------
    step : str
        What to do.
    status : str
        ``done``, ``to do``, ``not needed``, or ``not known`` where the evidence is missing.
    evidence : str
        What says so.
    """

    step: str
    status: str
    evidence: str

    @property
    def ticked(self) -> bool:
        """Whether nothing is left to do."""
        return self.status in (DONE, NOT_NEEDED)


def plan_of(diagnosis: Diagnosis) -> tuple[Action, ...]:
    """Return the steps: identify, the three fundamentals, result types, fix, validate, watch."""
    return tuple(_steps(diagnosis))


def _steps(diagnosis: Diagnosis) -> Iterator[Action]:
    causes = [cause for cause in diagnosis.present if cause.kind != "outcome"]
    if causes:
        titles = "; ".join(cause.title for cause in causes[:3])
        yield Action(step="Identify the problem", status=DONE, evidence=f"{titles}.")
    elif diagnosis.not_observed:
        what = ", ".join(what for what, _ in diagnosis.not_observed[:3])
        yield Action(step="Identify the problem", status=OPEN, evidence=f"Not observed: {what}.")
    else:
        yield Action(step="Identify the problem", status=DONE, evidence="Nothing wrong was seen.")
    yield from _fundamentals(diagnosis)
    yield _result_types(diagnosis)
    faults = [cause for cause in causes if cause.kind in ("fault", "latent", "sender")]
    if faults:
        yield Action(
            step="Fix what was identified", status=OPEN, evidence=f"{faults[0].title}: {faults[0].fix.splitlines()[0]}"
        )
    else:
        yield Action(step="Fix what was identified", status=NOT_NEEDED, evidence="There is nothing to mend.")
    yield _validated(diagnosis)
    yield _watched(diagnosis)


def _fundamentals(diagnosis: Diagnosis) -> Iterator[Action]:
    seen = dict(diagnosis._observed)  # noqa: SLF001 - of the same package
    for name, areas, need in _FUNDAMENTALS:
        wrong = [
            cause
            for cause in diagnosis.present
            if cause.area in areas and cause.kind == "fault" and cause.state == "seen now"
        ]
        step = f"Check: {name[0].lower()}{name[1:]}" if not name.startswith("The _") else f"Check: the{name[3:]}"
        if wrong:
            yield Action(step=step, status=OPEN, evidence=f"{wrong[0].title}.")
        elif need in seen:
            yield Action(step=step, status=DONE, evidence=seen[need])
        else:
            yield Action(step=step, status=NOT_KNOWN, evidence="It was not observed.")


def _result_types(diagnosis: Diagnosis) -> Action:
    step = "Read the result types in the reports"
    if diagnosis.days is None:
        return Action(step=step, status=OPEN if diagnosis.probe else NOT_KNOWN, evidence="No reports are at hand.")
    told = [group for group in diagnosis.groups if group.state != CHANCE]
    if not told:
        return Action(step=step, status=DONE, evidence="No report tells of more than chance.")
    kinds = "; ".join(
        f"{group.reported.result_type}{f' at {group.reported.mx}' if group.reported.mx else ''}: {group.state}"
        for group in told[:3]
    )
    more = f"; and {plural(len(told) - 3, 'more group')}" if len(told) > 3 else ""
    return Action(step=step, status=DONE, evidence=f"{kinds}{more}.")


def _validated(diagnosis: Diagnosis) -> Action:
    step = "Validate record and policy"
    probe = diagnosis.probe
    if probe is None:
        return Action(step=step, status=NOT_KNOWN, evidence="No probe is at hand.")
    missing = [name for name, thing in (("record", probe.record), ("policy", probe.served_policy)) if thing is None]
    if missing:
        return Action(step=step, status=OPEN, evidence=f"There is no valid {' and no valid '.join(missing)}.")
    uncovered = [cause for cause in diagnosis.present if cause.code == "mx-not-in-policy" and cause.state == "seen now"]
    if uncovered:
        return Action(step=step, status=OPEN, evidence="The policy is valid, but does not cover every MX host.")
    return Action(step=step, status=DONE, evidence="Record and policy are valid.")


def _watched(diagnosis: Diagnosis) -> Action:
    step = "Watch the reports of 48 hours after the fix"
    if diagnosis.days is None:
        return Action(step=step, status=NOT_KNOWN, evidence="No reports are at hand.")
    going_on = [group for group in diagnosis.groups if not group.over]
    last = diagnosis.days[1]
    if going_on:
        return Action(
            step=step,
            status=OPEN,
            evidence=f"{going_on[0].reported.result_type} is reported up to {when(going_on[0].reported.last)}.",
        )
    if any(cause.kind == "fault" for cause in diagnosis.present):
        return Action(step=step, status=OPEN, evidence="There is something to mend first.")
    over = [group for group in diagnosis.groups if group.state == FIXED]
    if over:
        newest = max(group.reported.last for group in over)
        days = (last - newest).days
        status = DONE if days >= _WATCH_DAYS else OPEN
        return Action(
            step=step, status=status, evidence=f"The last failure is of {when(newest)}; reports go up to {when(last)}."
        )
    return Action(step=step, status=NOT_NEEDED, evidence=f"No failure is reported up to {when(last)}.")
