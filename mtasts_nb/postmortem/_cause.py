"""The causes of the incidents of a case, as `diagnose` finds them in all reports about their domains."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..analysis._narrow import narrow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..diagnosis._diagnose import Cause, Diagnosis
    from ..diagnosis._groups import Group
    from ._case import Case

__all__ = ["diagnosis_of", "main_cause"]


def diagnosis_of(case: Case) -> Diagnosis | None:
    """Return the diagnosis of the incidents told; None where it has no cause for them."""
    from ..diagnosis._diagnose import diagnose

    if case.incidents.empty:
        return None
    domains = sorted({str(name) for name in case.incidents["policy_domain"]})
    source = narrow(case.history, domains[0]) if len(domains) == 1 else case.history
    probe = case.probe if case.probe is not None and domains == [case.probe.domain] else None
    whole = diagnose(probe, source)
    rows = case.incidents.to_dict("records")
    groups = tuple(group for group in whole.groups if any(_is_of(group, row) for row in rows))
    first = {(group.reported.policy_domain, group.causes[0].code) for group in groups if group.causes}
    causes = tuple(cause for cause in whole.causes if (cause.policy_domain, cause.code) in first)
    return replace(whole, groups=groups, causes=causes) if causes else None


def _is_of(group: Group, row: Mapping[Any, Any]) -> bool:
    """Whether a group of reported failures is an incident."""
    one, host = group.reported, row["receiving_mx_hostname"]
    return (
        (one.policy_domain, one.policy_type, one.result_type)
        == (row["policy_domain"], row["policy_type"], row["result_type"])
        and one.mx == (host if isinstance(host, str) else "")
        and one.first <= row["end"].date()
        and one.last >= row["start"].date()
    )


def main_cause(case: Case) -> Cause | None:
    """Return the likeliest cause of the largest row; None where the evidence does not favour one."""
    top, found = case.top, case.diagnosis
    if top is None or found is None:
        return None
    group = max(
        (group for group in found.groups if group.causes and _is_of(group, top)),
        key=lambda group: group.reported.failed,
        default=None,
    )
    if group is None:
        return None
    wanted = (top["policy_domain"], group.causes[0].code)
    mine = [
        cause for cause in found.causes if (cause.policy_domain, cause.code) == wanted and cause.confidence != "low"
    ]
    return mine[0] if mine else None
