"""What a probe says about an incident: whether a sender would meet the same fault now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..analysis._table import listed
from ..markup import one_line, when

if TYPE_CHECKING:
    from ._case import Case

__all__ = ["seen_now"]


def seen_now(case: Case) -> str:
    """Return what the probe met of the incident, as a sentence; empty where there is no probe or no incident.

    The evidence of the probe is taken through what a sender does; a result type that comes of it at the same MX host, or
    at the policy host, is the fault of the incident met again.
    """
    probe, lead = case.probe, case.lead
    if probe is None or lead.empty:
        return ""
    from ..sender import simulate

    at = when(probe.started)
    if probe.domain not in set(lead["policy_domain"]):
        return f"The probe of {at} is of {one_line(probe.domain, 80)}, another domain."
    outcomes = simulate(probe)
    met = {(str(row.result_type), row.mx) for row in outcomes.failures}
    rows = [row for row in lead.to_dict("records") if row["policy_domain"] == probe.domain]
    kinds = dict.fromkeys(
        (str(row["result_type"]), host if isinstance(host := row["receiving_mx_hostname"], str) else "") for row in rows
    )
    again = [_named(*kind) for kind in kinds if kind in met]
    if again:
        return f"A probe on {at} met it still: {listed(again)}."
    unseen = {host for _, host in kinds if host} & {
        row.mx for row in outcomes.rows if row.delivery == "unknown" and row.result_type is None
    }
    if unseen or (probe.port_25_closed and any(host for _, host in kinds)):
        return f"A probe on {at} could not look there."
    other = [_named(*kind) for kind in sorted(met)]
    rest = f"; it met {listed(other)}" if other else ""
    return f"A probe on {at} did not meet it any more{rest}."


def _named(result_type: str, host: str) -> str:
    return f"{one_line(result_type, 60)} at {one_line(host, 80)}" if host else one_line(result_type, 60)
