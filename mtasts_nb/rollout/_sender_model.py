"""How senders are taken to behave after a change of policy: every assumption by name, with its source."""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Final

from ..markup import MISSING, html_table, number, plural, span

__all__ = ["PRIOR", "SenderModel"]

_HOUR: Final = 3600
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderModel:
    """What is assumed of senders. Times in seconds, shares from 0 to 1.

    No survey says how senders divide into the three ways, so the shares are a guess, in the middle of what is
    possible. Reports of your own domain are better: `plan_rollback` takes them as `source`.

    Attributes
    ----------
    fetch : int
        How long one fetch of the policy takes at most.
    retry_best : int
        Between two attempts for a message that waits, at a quick sender.
    retry : int
        The same, at a usual sender.
    refresh : int
        Between two looks of a sender that refreshes its copies by the clock.
    queue_life : tuple of (int, int)
        After how long a message that waits is given up, from and to. Before that the sender must look for a new policy.
    at_each_attempt : float
        The share of senders that look at the record at each attempt.
    by_refresh : float
        The share that look once per `refresh`.
    at_expiry : float
        The share that look only when their copy runs out.
    reporters : int
        From how many reporters the shares were measured; 0: they are assumed.

    Examples
    --------
    >>> SenderModel(at_each_attempt=0.5, by_refresh=0.5, at_expiry=0.0).shares
    (0.5, 0.5, 0.0)
    """

    fetch: int = 60
    retry_best: int = 1800
    retry: int = 4000
    refresh: int = _DAY
    queue_life: tuple[int, int] = (4 * _DAY, 5 * _DAY)
    at_each_attempt: float = 0.25
    by_refresh: float = 0.5
    at_expiry: float = 0.25
    reporters: int = 0

    def __post_init__(self) -> None:
        if any(not 0 <= share <= 1 for share in self.shares) or abs(sum(self.shares) - 1) > 1e-6:
            raise ValueError(
                f"at_each_attempt, by_refresh and at_expiry are {self.shares}: expected shares from 0 to 1 that add up to 1"
            )
        for name in ("fetch", "retry_best", "retry", "refresh"):
            if not 0 <= getattr(self, name) <= 366 * _DAY:
                raise ValueError(f"{name} is {getattr(self, name)!r}: expected seconds, 0 to {366 * _DAY}")
        if self.retry_best > self.retry:
            raise ValueError(
                f"retry_best is {self.retry_best}, above retry, {self.retry}: the quick sender is the slower"
            )
        first, last = self.queue_life
        if not 0 < first <= last <= 366 * _DAY:
            raise ValueError(f"queue_life is {self.queue_life}: expected two lengths in seconds, the shorter first")

    @property
    def shares(self) -> tuple[float, float, float]:
        """The three shares: at each attempt, by refresh, at expiry."""
        return self.at_each_attempt, self.by_refresh, self.at_expiry

    def rows(self) -> list[dict[str, str]]:
        """Return each assumption as text: ``parameter``, ``value``, ``source``."""
        found = []
        for one in fields(self):
            if one.name == "reporters":
                continue
            value = getattr(self, one.name)
            if isinstance(value, float):
                shown = f"{100 * value:.0f} %"
            elif isinstance(value, tuple):
                shown = " to ".join(map(span, value))
            else:
                shown = span(value)
            source = _SOURCES.get(one.name, MISSING)
            if one.name in _SHARES and self.reporters:
                source = f"measured: {plural(self.reporters, 'reporter')} of this domain, and the assumed share as {number(PRIOR)} more"
            found.append({"parameter": one.name, "value": shown, "source": source})
        return found

    def _repr_html_(self) -> str:
        headings = {"parameter": "Assumption", "value": "Value", "source": "Source"}
        return html_table(self.rows(), headings, caption="What is assumed of senders.")


_SHARES: Final = ("at_each_attempt", "by_refresh", "at_expiry")
#: The assumed shares count as much as so many reporters.
PRIOR: Final = 4
_SOURCES: Final = MappingProxyType(
    {
        "fetch": "RFC 8461 §3.3: a time-out of one minute is suggested",
        "retry_best": "RFC 5321 §4.5.4.1: at least 30 minutes",
        "retry": "Postfix, maximal_backoff_time",
        "refresh": "RFC 8461 §3.3: once per day is suggested; mox and Momentum do so",
        "queue_life": "RFC 5321 §4.5.4.1: at least 4 to 5 days; Exim 4, Postfix 5",
        "at_each_attempt": "assumed; mox and postfix-mta-sts-resolver do so",
        "by_refresh": "assumed; as RFC 8461 §3.3 suggests",
        "at_expiry": "assumed; all that RFC 8461 §3.3 and §5.1 demand",
    }
)
