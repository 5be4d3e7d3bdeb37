"""What a probe says for and against enforce: its findings, and what a sender would do with what it saw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..analysis._table import listed
from ..markup import one_line, plural, when
from ..sender import Delivery, simulate
from ..vocabulary import Mode, Status
from ._readiness_reason import AGAINST, FOR, NOTE, UNKNOWN, Reason

if TYPE_CHECKING:
    import pandas as pd

    from ..probe import Probe
    from ._readiness_phases import Target

__all__ = ["probe_reasons"]


def probe_reasons(probe: Probe | None, target: Target, last: pd.Timestamp | None, stale_days: int) -> Iterator[Reason]:
    """Yield what a probe says; without one, that nothing was looked at."""
    if probe is None:
        yield Reason("Probe", NOTE, "None given: how the domain stands at this moment was not looked at.",
                     "a probe without errors")  # fmt: skip
        return
    at = when(probe.started)
    if last is not None:
        behind = (probe.started.date() - last.date()).days
        if behind > stale_days:
            yield Reason(
                "Reports up to date", UNKNOWN,
                f"The last report is about {when(last.date())}, {plural(behind, 'day')} before the probe of {at}.",
                f"at most {plural(stale_days, 'day')} before",
            )  # fmt: skip
    errors = probe.findings.errors
    if errors:
        for code in dict.fromkeys(errors.codes):
            mine = [finding for finding in errors if finding.code == code]
            where = listed([one_line(subject, 120) for subject in dict.fromkeys(finding.subject for finding in mine)])
            yield Reason(
                "Probe", AGAINST, f"{mine[0].effect.value}: {where}: {one_line(mine[0].message, 300)}", "no errors"
            )
    else:
        others = len(probe.findings)
        less = f"; {probe.findings.summary()[:-1].lower()}" if others else ""
        yield Reason("Probe", FOR, f"No errors on {at}{less}.", "no errors")
    unseen = _unseen(probe)
    if unseen:
        yield Reason("MX hosts seen", UNKNOWN, f"Not observed: {listed(unseen)}.", "every MX host at every address")
    yield from _delivery(probe, target)


def _unseen(probe: Probe) -> list[str]:
    if probe.port_25_closed:
        return ["any MX host, as outbound port 25 is closed where the probe was made"]
    names = [
        one_line(mx.host, 80)
        for mx in probe.mx_hosts
        if any(attempt.status is Status.NOT_OBSERVED for attempt in mx.attempts)
        or any(attempt is not None and attempt.status is Status.NOT_OBSERVED for attempt in (mx.a, mx.aaaa))
    ]
    return list(dict.fromkeys(names))


def _delivery(probe: Probe, target: Target) -> Iterator[Reason]:
    """Yield what a conformant sender would do in enforce; nothing is held back in another mode (RFC 8461 §5)."""
    if target.mode is not Mode.ENFORCE:
        return
    outcomes = simulate(probe, mode=Mode.ENFORCE)
    why = one_line(outcomes.delivery_why, 300)
    expected = "a message is delivered, protected"
    if outcomes.policy is None and outcomes.delivery is Delivery.WITHOUT_STS:
        yield Reason(
            "A sender in enforce", AGAINST, f"It would find no policy: {one_line(outcomes.policy_why, 300)}", expected
        )
        return
    says = {
        Delivery.DELIVERED: FOR,
        Delivery.WITHOUT_STS: AGAINST,
        Delivery.DEFERRED: AGAINST,
        Delivery.BOUNCED: AGAINST,
        Delivery.UNKNOWN: UNKNOWN,
    }[outcomes.delivery]
    word = outcomes.delivery.value.replace("without_sts", "delivered without protection")
    yield Reason("A sender in enforce", says, f"By what the probe saw a message is {word}: {why}", expected)
