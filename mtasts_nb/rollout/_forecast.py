"""How senders come back over time after a new policy was published."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ..markup import html_table, html_text, plural, span, terminal_text, when
from ._sender_model import SenderModel

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Floats = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["CASES", "Forecast", "about", "forecast", "take_up"]

CASES: Final = ("best", "typical", "worst")
_HOUR: Final = 3600
_MILESTONES: Final = ((0.5, "half of them"), (0.9, "nine in ten"), (1.0, "all"))
#: Rows of the table at most, about.
_ROWS: Final = 720
#: As good as all.
_ALL: Final = 0.9995


@dataclass(frozen=True, eq=False)
class Forecast:
    """Which share of the senders that have mail waiting applies the new policy, hour by hour.

    Attributes
    ----------
    frame : DataFrame
        ``hours`` (float64, since the new record was published), and ``best``, ``typical``, ``worst`` (float64): the share
        of senders back by then, 0 to 1. Best: each looks at each attempt. Worst: each does only what it must, and had
        fetched its copy just before. Typical: the mixture that `model` says.
    published : datetime
        The moment from which the hours count, UTC.
    ttl, longest, waited : int
        Seconds: of the old record, of the longest copy still out, and for how long mail had been waiting.
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
        """Return after how many hours at least this share of senders is back.

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
        there = self.frame[case].to_numpy() >= min(part, _ALL)
        return float(self.frame["hours"].to_numpy()[int(there.argmax())])

    @property
    def last(self) -> timedelta:
        """After how long the last conformant sender is back, at worst."""
        return timedelta(hours=self.hours_until(1.0, "worst"))

    def sentences(self) -> tuple[str, ...]:
        """Return the forecast in words, the RFC's rule beside that of many guides."""
        half, most = (timedelta(hours=self.hours_until(part)) for part in (0.5, 0.9))
        best, last = timedelta(hours=self.hours_until(1.0, "best")), self.last
        if self.longest > last.total_seconds() + 60:
            bound = (
                f"Many guides say to wait for the old max_age, {span(self.longest)}. For mail that is held back that is not "
                "so: before a sender gives a message up it must look for a new policy (RFC 8461 §5.1), and most look "
                "sooner."
            )
        else:
            bound = (
                f"The longest copy still out runs out after {span(self.longest)}, before any message is given up: here "
                "the old max_age is the worst case, as many guides say, but not the usual one."
            )
        measured = (
            f"The shares of the typical curve are measured from {plural(self.model.reporters, 'reporter')} of this domain."
            if self.model.reporters
            else "How senders divide is assumed, not measured."
        )
        when_back = (
            f"Half of the senders with mail waiting are back after about {about(half)}, nine in ten after about {about(most)}; "
            f"the quick ones all within {span(best)}, the last one at worst after {span(last)} ({when(self.published + last)})."
        )
        return when_back, bound, measured

    def milestones(self) -> list[dict[str, str]]:
        """Return when half, nine in ten and all are back, as text, one row each."""
        return [
            {
                "part": name,
                **{case: about(self.hours_until(part, case)) for case in CASES[:2]},
                "worst": span(timedelta(hours=self.hours_until(part, "worst"))),
                "worst_on": when(self.published + timedelta(hours=self.hours_until(part, "worst"))),
            }
            for part, name in _MILESTONES
        ]

    def __str__(self) -> str:
        rows: list[dict[str, str]]
        rows = [{"part": "back", **dict(zip(CASES, CASES, strict=True)), "worst_on": "worst, on"}, *self.milestones()]
        wide = {name: max(len(row[name]) for row in rows) for name in rows[0]}
        return "\n".join("  ".join(text.ljust(wide[name]) for name, text in row.items()).rstrip() for row in rows)

    def __repr__(self) -> str:
        return f"<Forecast: {terminal_text(self.sentences()[0])}>"

    def _repr_html_(self) -> str:
        first, *rest = self.sentences()
        headings = {
            "part": "Senders back", "best": "Best", "typical": "Typical", "worst": "Worst", "worst_on": "Worst, on"
        }  # fmt: skip
        return (
            f"<p><strong>{html_text(first)}</strong> {html_text(' '.join(rest))}</p>"
            + html_table(self.milestones(), headings, caption="How long until senders apply the new policy.")
            + f"<details><summary>What is assumed of senders</summary>{self.model._repr_html_()}</details>"
        )


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
        # Rounded up: better to have said it too late than too early.
        return span(timedelta(hours=math.ceil(length - 1e-9)))
    halves = round(length / 12)
    return f"{halves // 2}{'½' if halves % 2 else ''} days"


def forecast(
    ttl: int, longest: int, published: datetime, *, waited: int = 0, model: SenderModel | None = None
) -> Forecast:
    """Return how senders that have mail waiting come back after a new record is published.

    A sender learns of the new id when its resolver's answer is old (`ttl`) and it looks again; it needs no new id once
    its copy has run out, for then it fetches the file. Before it gives a message up it must look (RFC 8461 §5.1).

    Parameters
    ----------
    ttl : int
        Of the old record, in seconds.
    longest : int
        How long the longest copy still out lasts, in seconds.
    published : datetime
        When the new record is published, UTC.
    waited : int
        For how long mail had been held back by then, in seconds: busy senders give their first messages up so much sooner.
        The worst case stays as it is, for some sender's first message came in just now.
    model : SenderModel, optional
        What is assumed.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> told = forecast(300, 604800, datetime(2026, 2, 8, tzinfo=UTC))
    >>> round(told.hours_until(1.0, "best"), 1), told.hours_until(0.5) < 24, told.last.days
    (0.6, True, 5)
    """
    import numpy as np
    import pandas as pd

    chosen = model or SenderModel()
    # However long ago it began: at some sender the first message came in just now.
    bound = min(longest, max(ttl, chosen.queue_life[1])) + chosen.fetch
    stop = bound + max(_HOUR // 4, min(12 * _HOUR, bound // 10))
    # Minutes decide within the first hours, hours later on.
    step = max(300, -(-stop // _ROWS // 300) * 300)
    edges = {0, bound, min(bound, ttl + chosen.retry_best + chosen.fetch), stop}
    fine = range(0, min(stop, 4 * _HOUR), 300)
    at = np.array(sorted({*range(0, stop, step), *fine, *edges}), dtype=np.float64)
    over = at >= bound
    ways = take_up(at, ttl=ttl, longest=longest, model=chosen, waited=waited)
    typical = sum(share * way for share, way in zip(chosen.shares, ways, strict=True))
    quick = _sum_of_two(at - chosen.fetch, ttl, min(chosen.retry_best, longest))
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


def take_up(
    at: Floats, *, ttl: int, longest: int, model: SenderModel, waited: int | None
) -> tuple[Floats, Floats, Floats]:
    """Return the share of senders that apply the new policy by each moment, for each of the three ways.

    Parameters
    ----------
    at : ndarray of float64
        Seconds since the new record was published.
    ttl, longest : int
        As in `forecast`.
    model : SenderModel
        Its times; its shares are not looked at.
    waited : int or None
        As in `forecast`; None: no mail waits, so that nothing makes a sender look before its time.
    """
    import numpy as np

    after = at - model.fetch
    each = _sum_of_two(after, ttl, min(model.retry, longest))
    refreshed = _sum_of_two(after, ttl, min(model.refresh, longest))
    expired = np.clip(after / longest, 0.0, 1.0) if longest else (after >= 0).astype(np.float64)
    if waited is None:
        return each, refreshed, expired
    # The oldest message of a sender came in when mail began to be held back, or at any time since.
    first, last = max(ttl, model.queue_life[0] - waited), max(ttl, model.queue_life[1])
    given_up = (
        np.clip((after - first) / (last - first), 0.0, 1.0) if last > first else (after >= last).astype(np.float64)
    )
    left = 1.0 - given_up
    return 1 - (1 - each) * left, 1 - (1 - refreshed) * left, 1 - (1 - expired) * left


def _sum_of_two(at: Floats, one: int, other: int) -> Floats:
    """Return how likely two waits, each of any length up to its longest, are over by a moment."""
    import numpy as np

    short, long = sorted((float(one), float(other)))
    if long <= 0:
        return (at >= 0).astype(np.float64)
    if short <= 0:
        return np.clip(at / long, 0.0, 1.0)
    square: list[Floats] = [np.maximum(at - edge, 0.0) ** 2 for edge in (0.0, short, long, short + long)]
    over: Floats = (square[0] - square[1] - square[2] + square[3]) / (2 * short * long)
    return np.clip(over, 0.0, 1.0)
