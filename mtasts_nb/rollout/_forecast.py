"""When senders apply a new policy after it was published, and what is assumed of them: every assumption by name."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..markup import number, plural, span, terminal_text, when
from ..render import Rendered
from ..sender import Profile, profiles

Floats = npt.NDArray[np.float64]

__all__ = ["CASES", "PRIOR", "Forecast", "SenderModel", "about", "forecast", "queue_ends", "queues", "sum_of_two"]

CASES: Final = ("best", "typical", "worst")
_HOUR: Final = 3600
_DAY: Final = 86_400
#: Rows of the table at most, about.
_ROWS: Final = 720
#: As good as all.
_ALL: Final = 0.9995
#: The assumed shares count as much as so many reporters.
PRIOR: Final = 4
_SOURCES: Final = MappingProxyType(
    {
        "fetch": "RFC 8461 §3.3: a time-out of one minute is suggested",
        "retry_best": "RFC 5321 §4.5.4.1: at least 30 minutes",
        "retry": "Postfix, maximal_backoff_time",
        "refresh": "RFC 8461 §3.3: once per day is suggested; mox and Momentum do so",
        "retry_last": "Exim, the default retry rule: every 6 hours from the 16th hour on",
        "at_each_attempt": "assumed; mox and postfix-mta-sts-resolver do so",
        "by_refresh": "assumed; as RFC 8461 §3.3 suggests",
        "at_expiry": "assumed; all that RFC 8461 §3.3 and §5.1 demand",
    }
)


def queues() -> tuple[Profile, ...]:
    """Return the known senders whose queue life is documented, the shortest first.

    Examples
    --------
    >>> [(sender.product, sender.queue_life) for sender in queues()][0]
    ('Exchange Online', 24)
    """
    known = (profile for profile in profiles().values() if profile.queue_life is not None)
    return tuple(sorted(known, key=lambda profile: (profile.queue_life or 0, profile.product)))


def queue_ends() -> str:
    """Return after how long known senders bounce a deferred message, as text.

    Examples
    --------
    >>> queue_ends()
    'after 1 day at Exchange Online, 4 days at Exim, 5 days at Postfix, 7 days at KumoMTA'
    """
    return "after " + ", ".join(f"{span(timedelta(hours=q.queue_life or 0))} at {q.product}" for q in queues())


def _queue_life() -> tuple[int, int]:
    lives = [sender.queue_life or 0 for sender in queues()]
    return lives[0] * _HOUR, lives[-1] * _HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderModel(Rendered):
    """What is assumed of senders. Times in seconds, shares from 0 to 1.

    No survey says how senders divide into the three ways, so the shares are a guess, in the middle of what is
    possible. Reports of your own domain are better: `plan_rollback` takes them as `source`.

    Attributes
    ----------
    fetch : int
        How long one fetch of the policy takes at most.
    retry_best : int
        Between two attempts for a queued message, at a quick sender.
    retry : int
        The same, at a usual sender.
    refresh : int
        Between two checks of a sender that refreshes its cached policies by the clock.
    retry_last : int
        The longest wait between two attempts, late in the life of a message.
    queue_life : tuple of (int, int)
        After how long a queued message bounces, from and to: by default those of the known senders. Before that the
        sender must check for a new policy.
    at_each_attempt : float
        The share of senders that check the record at each attempt.
    by_refresh : float
        The share that check once per `refresh`.
    at_expiry : float
        The share that check only when their cached policy expires.
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
    retry_last: int = 6 * _HOUR
    queue_life: tuple[int, int] = field(default_factory=_queue_life)
    at_each_attempt: float = 0.25
    by_refresh: float = 0.5
    at_expiry: float = 0.25
    reporters: int = 0

    def __post_init__(self) -> None:
        if any(not 0 <= share <= 1 for share in self.shares) or abs(sum(self.shares) - 1) > 1e-6:
            raise ValueError(
                f"at_each_attempt, by_refresh and at_expiry are {self.shares}: expected shares from 0 to 1 that add up to 1"
            )
        for name in ("fetch", "retry_best", "retry", "refresh", "retry_last"):
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

    @property
    def sources(self) -> dict[str, str]:
        """The source of each assumption, by its name."""
        sources = {**_SOURCES, "queue_life": f"{queue_ends()}; RFC 5321 §4.5.4.1: at least 4 to 5 days"}
        if self.reporters:
            who = plural(self.reporters, "reporter")
            measured = f"measured: {who} of this domain, and the assumed share as {number(PRIOR)} more"
            sources |= dict.fromkeys(("at_each_attempt", "by_refresh", "at_expiry"), measured)
        return sources


@dataclass(frozen=True, eq=False)
class Forecast(Rendered):
    """Which share of the senders with queued mail applies the new policy, hour by hour.

    Attributes
    ----------
    frame : DataFrame
        ``hours`` (float64, since the new record was published), and ``best``, ``typical``, ``worst`` (float64): the share
        of senders that apply it by then, 0 to 1. Best: each checks at each attempt. Worst: each does only what it must,
        fetched its cached policy just before, and tried just before it expired, so that its last wait between two
        attempts counts too. Typical: the mixture of `model`.
    published : datetime
        The moment from which the hours count, UTC.
    ttl, longest, waited : int
        Seconds: of the old record, of the longest cached policy, and for how long mail had been queued.
    model : SenderModel
        Every assumption.
    """

    frame: pd.DataFrame
    published: datetime
    ttl: int
    longest: int
    waited: int
    model: SenderModel

    def hours_until(self, part: float, case: str = "typical") -> float:
        """Return after how many hours at least this share of senders applies the new policy.

        Parameters
        ----------
        part : float
            Above 0, up to 1.
        case : {"best", "typical", "worst"}

        Raises
        ------
        ValueError
            There is no such case or share.
        """
        if case not in CASES or not 0 < part <= 1:
            raise ValueError(
                f"case is {case!r} and part {part!r}: expected one of {', '.join(CASES)}, above 0 and up to 1"
            )
        reached = self.frame[case].to_numpy() >= min(part, _ALL)
        return float(self.frame["hours"].to_numpy()[int(reached.argmax())])

    @property
    def last(self) -> timedelta:
        """After how long the last conformant sender applies the new policy, at worst."""
        return timedelta(hours=self.hours_until(1.0, "worst"))

    def sentences(self) -> tuple[str, ...]:
        """Return the forecast as text, the rule of the RFC compared with that of many guides."""
        half, most = (timedelta(hours=self.hours_until(part)) for part in (0.5, 0.9))
        best, last = timedelta(hours=self.hours_until(1.0, "best")), self.last
        if self.longest > last.total_seconds():
            bound = (
                f"Many guides say to wait for the old max_age, {span(self.longest)}. Queued mail does not wait that long: "
                "before a message bounces, its sender must check for a new policy (RFC 8461 §5.1), and most check sooner."
            )
        else:
            bound = (
                f"The longest cached policy expires after {span(self.longest)}: here the old max_age and one more attempt "
                "are the worst case, as many guides say, but not the usual one."
            )
        measured = (
            f"The shares of the typical curve are measured from {plural(self.model.reporters, 'reporter')} of this domain."
            if self.model.reporters
            else "How many senders check when is assumed, not measured."
        )
        expected = (
            f"Half of the senders with queued mail deliver after about {about(half)}, nine in ten after about {about(most)}; "
            f"quick senders within {span(best)}, the last one at worst after {span(last)} ({when(self.published + last)})."
        )
        return expected, bound, measured

    def __repr__(self) -> str:
        return f"<Forecast: {terminal_text(self.sentences()[0])}>"


def about(hours: float | timedelta) -> str:
    """Return a length of time as exactly as a forecast is: to five minutes, to the hour, from two days on to half a day.

    Examples
    --------
    >>> about(0.83), about(12.5), about(108.7)
    ('50 minutes', '13 hours', '4½ days')
    """
    length = hours.total_seconds() / _HOUR if isinstance(hours, timedelta) else hours
    if length < 2:
        return span(timedelta(minutes=max(1, 5 * round(length * 12)) if length > 0.1 else 5))
    if length < 48:
        # Rounded up: better too late than too early.
        return span(timedelta(hours=math.ceil(length - 1e-9)))
    halves = round(length / 12)
    return f"{halves // 2}{'½' if halves % 2 else ''} days"


def forecast(
    ttl: int, longest: int, published: datetime, *, waited: int = 0, model: SenderModel | None = None
) -> Forecast:
    """Return when senders with queued mail apply a new policy after its record is published.

    A sender learns of the new id when its resolver's answer has expired (`ttl`) and it checks the record; it needs no new
    id once its cached policy has expired, for then it fetches the file. Before a message bounces it must check (RFC 8461
    §5.1).

    Parameters
    ----------
    ttl : int
        Of the old record, in seconds.
    longest : int
        How long the longest cached policy lasts, in seconds.
    published : datetime
        When the new record is published, UTC.
    waited : int
        For how long mail had been deferred by then, in seconds: the first messages of busy senders bounce so much sooner.
        The worst case stays as it is: some sender's first message came in just now.
    model : SenderModel, optional
        What is assumed.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> expected = forecast(300, 604800, datetime(2026, 2, 8, tzinfo=UTC))
    >>> round(expected.hours_until(1.0, "best"), 1), expected.hours_until(0.5) < 24, expected.last.days
    (0.6, True, 7)
    """
    chosen = model or SenderModel()
    # However long ago it began: at some sender the first message came in just now.
    bound = min(longest, max(ttl, chosen.queue_life[1])) + chosen.retry_last + chosen.fetch
    stop = bound + max(_HOUR // 4, min(12 * _HOUR, bound // 10))
    # Minutes decide within the first hours, hours later on.
    step = max(300, -(-stop // _ROWS // 300) * 300)
    edges = {0, bound, min(bound, ttl + chosen.retry_best + chosen.fetch), stop}
    fine = range(0, min(stop, 4 * _HOUR), 300)
    at = np.array(sorted({*range(0, stop, step), *fine, *edges}), dtype=np.float64)
    over = at >= bound
    ways = _take_up(at, ttl=ttl, longest=longest, model=chosen, waited=waited)
    typical = sum(share * way for share, way in zip(chosen.shares, ways, strict=True))
    quick = sum_of_two(at - chosen.fetch, ttl, min(chosen.retry_best, longest))
    best = np.maximum(quick, typical)
    frame = pd.DataFrame(
        {
            "hours": at / _HOUR,
            "best": np.where(over, 1.0, np.minimum(best, 1.0)),
            "typical": np.where(over, 1.0, np.minimum(typical, 1.0)),
            "worst": over.astype(np.float64),
        }
    )
    return Forecast(frame, published, ttl, longest, waited, chosen)


def _take_up(at: Floats, *, ttl: int, longest: int, model: SenderModel, waited: int) -> tuple[Floats, Floats, Floats]:
    """Return the share of senders that apply the new policy by each moment, for each of the three ways.

    Parameters
    ----------
    at : ndarray of float64
        Seconds since the new record was published.
    ttl, longest : int
        As in `forecast`.
    model : SenderModel
        Its times; its shares are not used.
    waited : int
        As in `forecast`.
    """
    after = at - model.fetch
    each = sum_of_two(after, ttl, min(model.retry, longest))
    refreshed = sum_of_two(after, ttl, min(model.refresh, longest))
    expired = sum_of_two(after, model.retry, longest)
    # The oldest message of a sender came in when mail began to be deferred, or at any time since.
    first, last = max(ttl, model.queue_life[0] - waited), max(ttl, model.queue_life[1])
    bounced = (
        np.clip((after - first) / (last - first), 0.0, 1.0) if last > first else (after >= last).astype(np.float64)
    )
    left = 1.0 - bounced
    return 1 - (1 - each) * left, 1 - (1 - refreshed) * left, 1 - (1 - expired) * left


def sum_of_two(at: Floats, wait: int, other: int) -> Floats:
    """Return how likely two waits, each of any length up to its longest, are over by a moment."""
    short, long = sorted((float(wait), float(other)))
    if long <= 0:
        return (at >= 0).astype(np.float64)
    if short <= 0:
        return np.clip(at / long, 0.0, 1.0)
    square: list[Floats] = [np.maximum(at - edge, 0.0) ** 2 for edge in (0.0, short, long, short + long)]
    over: Floats = (square[0] - square[1] - square[2] + square[3]) / (2 * short * long)
    return np.clip(over, 0.0, 1.0)
