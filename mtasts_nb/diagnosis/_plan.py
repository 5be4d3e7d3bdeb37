"""The action plan of troubleshooting guides: identify, the three fundamentals, result types, fix, validate, watch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ..markup import one_line, plural, when
from ..vocabulary import Area, CauseKind, State, StepStatus
from ._values import Action, Diagnosis

__all__ = ["plan_of"]

#: The three fundamentals in order, each with the areas of causes that concern it, and what must have been observed.
_FUNDAMENTALS: Final = (
    ("Check the _mta-sts record", (Area.RECORD,), "record"),
    ("Check the policy file", (Area.POLICY_HOST, Area.POLICY_FILE), "policy-file"),
    ("Check the certificate of the policy host", (Area.POLICY_CERTIFICATE,), "policy-host"),
)
_WATCH_DAYS: Final = 2


def plan_of(diagnosis: Diagnosis, observed: Mapping[str, str]) -> tuple[Action, ...]:
    """Return the steps, those ticked that the evidence settles.

    Parameters
    ----------
    diagnosis : Diagnosis
    observed : mapping of str to str
        What the probe observed, by the words of `Node.needs`.
    """
    return tuple(_steps(diagnosis, observed))


def _steps(diagnosis: Diagnosis, observed: Mapping[str, str]) -> Iterator[Action]:
    causes = [cause for cause in diagnosis.present if cause.kind is not CauseKind.OUTCOME]
    step = "Identify the problem"
    if causes:
        titles = "; ".join(cause.claim for cause in causes[:3])
        yield Action(step=step, status=StepStatus.DONE, evidence=f"{titles}.")
    elif diagnosis.not_observed:
        subjects = ", ".join(subject for subject, _ in diagnosis.not_observed[:3])
        yield Action(step=step, status=StepStatus.TO_DO, evidence=f"Not observed: {subjects}.")
    elif not diagnosis.known:
        yield Action(step=step, status=StepStatus.NOT_KNOWN, evidence="There is no probe, and there are no reports.")
    else:
        yield Action(step=step, status=StepStatus.DONE, evidence="No problems found.")
    for step, areas, need in _FUNDAMENTALS:
        faults = [
            cause
            for cause in diagnosis.present
            if cause.area in areas and cause.kind is CauseKind.FAULT and cause.state is State.SEEN_NOW
        ]
        if faults:
            yield Action(step=step, status=StepStatus.TO_DO, evidence=f"{faults[0].title}.")
        elif need in observed:
            yield Action(step=step, status=StepStatus.DONE, evidence=observed[need])
        else:
            yield Action(step=step, status=StepStatus.NOT_KNOWN, evidence="It was not observed.")
    yield _result_types(diagnosis)
    step = "Fix what was identified"
    if first := next((cause for cause in causes if cause.kind is not CauseKind.VANTAGE), None):
        fix = next(iter(first.fix.splitlines()), "")
        where = f" At your provider, {first.provider.splitlines()[0]}" if first.provider else ""
        yield Action(step=step, status=StepStatus.TO_DO, evidence=f"{first.claim}: {fix}{where}")
    else:
        yield Action(step=step, status=StepStatus.NOT_NEEDED, evidence="There is nothing to fix.")
    yield _validation(diagnosis)
    yield _watch(diagnosis)


def _result_types(diagnosis: Diagnosis) -> Action:
    step = "Read the result types in the reports"
    if diagnosis.days is None:
        status = StepStatus.TO_DO if diagnosis.probe else StepStatus.NOT_KNOWN
        return Action(step=step, status=status, evidence="There are no reports.")
    groups = [group for group in diagnosis.groups if group.state is not State.NOISE]
    if not diagnosis.groups:
        return Action(step=step, status=StepStatus.DONE, evidence="Reports show no failure.")
    if not groups:
        return Action(step=step, status=StepStatus.DONE, evidence="Reports show only background noise.")
    kinds = "; ".join(
        f"{one_line(group.reported.result_type, 60)}{f' at {one_line(group.reported.mx, 120)}' if group.reported.mx else ''}: "
        f"{group.state.value}"
        for group in groups[:3]
    )
    more = f"; and {plural(len(groups) - 3, 'more group')}" if len(groups) > 3 else ""
    return Action(step=step, status=StepStatus.DONE, evidence=f"{kinds}{more}.")


def _validation(diagnosis: Diagnosis) -> Action:
    step, probe = "Validate record and policy", diagnosis.probe
    if probe is None:
        return Action(step=step, status=StepStatus.NOT_KNOWN, evidence="There is no probe.")
    parts = (("record", probe.record), ("policy", probe.served_policy))
    if missing := [name for name, value in parts if value is None]:
        text = f"There is no valid {' and no valid '.join(missing)}."
        return Action(step=step, status=StepStatus.TO_DO, evidence=text)
    if any(cause.code == "mx-not-in-policy" and cause.state is State.SEEN_NOW for cause in diagnosis.present):
        text = "The policy is valid, but does not match every MX host."
        return Action(step=step, status=StepStatus.TO_DO, evidence=text)
    return Action(step=step, status=StepStatus.DONE, evidence="Record and policy are valid.")


def _watch(diagnosis: Diagnosis) -> Action:
    step = "Watch reports for 48 hours after the fix"
    if diagnosis.days is None:
        return Action(step=step, status=StepStatus.NOT_KNOWN, evidence="There are no reports.")
    last = diagnosis.days[1]
    for group in diagnosis.groups:
        if not group.over:
            kind, until = one_line(group.reported.result_type, 60), when(group.reported.last)
            return Action(step=step, status=StepStatus.TO_DO, evidence=f"{kind} is reported up to {until}.")
    if any(cause.kind is CauseKind.FAULT for cause in diagnosis.present):
        return Action(step=step, status=StepStatus.TO_DO, evidence="There is something to fix first.")
    ends = [group.reported.last for group in diagnosis.groups if group.state is State.FIXED]
    if not ends:
        return Action(step=step, status=StepStatus.NOT_NEEDED, evidence=f"No failure is reported up to {when(last)}.")
    status = StepStatus.DONE if (last - max(ends)).days >= _WATCH_DAYS else StepStatus.TO_DO
    text = f"The last failure was on {when(max(ends))}; there are reports up to {when(last)}."
    return Action(step=step, status=status, evidence=text)
