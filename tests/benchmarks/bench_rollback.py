"""The forecast of a rollback, against what reports of a fleet of senders show of one.

Each seed is a world of its own: five to eight of the eight senders, their volumes, the hour of the rollback, and how long
mail had been held back are drawn. The MX moves to a host that the policy in enforce does not name; then the domain goes
back to testing, the file first. What is measured is what an operator can measure: `policy_history` of the reports that
came, some days lost. The spread at an hour is from the least that the reports of any seed prove to the most that those of
any seed allow; the narrow one leaves out a tenth of the seeds at either end.

The fleet was made before the forecast, for other tests; its senders look each hour (one), each twelve hours (one), each day
(four), at half of max_age (one; its reports carry no policy-string) or when their copy runs out (one).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

import mtasts_nb as sts
from mtasts_nb.analysis import policy_history
from mtasts_nb.rollout import Forecast, measured_propagation
from tests.fleet.archives import written_reports
from tests.fleet.chance import Chance
from tests.fleet.roster import senders
from tests.fleet.world import DAY, FIRST_DAY, DomainState, StsPolicy, Timeline

from .setting import Figure, timed

SEEDS = range(20)
_NORD, _OTHER = "nordwind.example", "suedwind.example"
_HOURS = np.arange(0.0, 24 * 5 + 1, 1.0)
_TTL = 300
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """One seed: the curves on `_HOURS`, and the forecasts without and with the reports before the rollback."""

    low: Floats
    high: Floats
    assumed: Floats
    calibrated: Floats


def run(seed: int, max_age: int) -> Run:
    """Return what was measured and forecast in one world."""
    chance = Chance(seed, "rollback", max_age)
    roster = list(senders())
    for _ in range(chance.below(4)):
        roster.pop(chance.below(len(roster)))
    crew = [
        replace(one, volume={_NORD: one.volume[_NORD] * (0.2 + 2 * chance.share())}, active=((0, 1000),))
        for one in roster
    ]
    hosts = (f"mx1.{_NORD}", f"mx2.{_NORD}")
    start = FIRST_DAY * DAY
    longer = start + 10 * DAY + chance.below(DAY)
    enforce = start + 24 * DAY + chance.below(DAY)
    back = start + (56 + chance.below(7)) * DAY + chance.below(DAY)
    moved = back - (6 + chance.below(30)) * 3600
    last = back + 20 * DAY
    first = DomainState(record_id="A1", policy=StsPolicy("testing", DAY, hosts), mx=((hosts[0], 0.9), (hosts[1], 0.1)))
    longest = replace(first, record_id="A2", policy=StsPolicy("testing", max_age, hosts))
    enforced = replace(first, record_id="A3", policy=StsPolicy("enforce", max_age, hosts))
    away = replace(enforced, mx=((f"mx1.{_OTHER}", 1.0),), moved="moved")
    testing = replace(away, record_id="A4", policy=StsPolicy("testing", DAY, hosts))
    timeline = Timeline(_NORD, (0, longer, enforce, moved, back), (first, longest, enforced, away, testing))
    reports = written_reports({_NORD: timeline}, crew, seed=seed, days=last // DAY - FIRST_DAY)
    archive = sts.load(b"\n".join(report.body for report in reports), progress=False, workers=1)
    at = datetime.fromtimestamp(back, UTC)
    served = "\n".join(enforced.policy.lines()) + "\n" if enforced.policy else ""

    def forecast(source: sts.Archive | None) -> Forecast:
        since = datetime.fromtimestamp(moved, UTC)
        return sts.plan_rollback(
            served, "v=STSv1; id=A3;", _TTL, None, source, domain=_NORD, blocked_since=since, now=lambda: at
        ).forecast

    history = policy_history(archive, _NORD)
    events = history.events
    mine = events[(events["mode_before"] == "enforce") & (events["policy_mode"] == "testing")].iloc[-1]
    seen = measured_propagation(history, int(mine["event"]), at)
    place = np.searchsorted(seen["hours"].to_numpy(), _HOURS, side="right") - 1
    before = archive.between(
        datetime.fromtimestamp(start, UTC), at.replace(hour=0, minute=0, second=0) - timedelta(days=1)
    )

    def typical(told: Forecast) -> Floats:
        return np.interp(_HOURS, told.frame["hours"], told.frame["typical"])

    return Run(
        seen["share_at_least"].to_numpy()[place],
        seen["share_at_most"].to_numpy()[place],
        typical(forecast(None)),
        typical(forecast(before)),
    )


def outside(curve: Floats, low: Floats, high: Floats) -> Floats:
    """Return how far a curve lies outside a band, point by point."""
    return np.maximum(0, np.maximum(low - curve, curve - high))


def measure() -> Iterator[Figure]:
    """Yield how much of the typical curve lies within what was measured."""
    for max_age in (7 * DAY, 30 * DAY):
        runs = [run(seed, max_age) for seed in SEEDS]
        lows, highs = np.array([one.low for one in runs]), np.array([one.high for one in runs])
        assumed, fitted = np.array([one.assumed for one in runs]), np.array([one.calibrated for one in runs])
        days = f"max_age {max_age // DAY} days, {len(runs)} seeds"
        for name, curves, bar in (("typical", assumed, 100), ("typical, calibrated", fitted, 100)):
            inside = 100 * (outside(curves, lows.min(axis=0), highs.max(axis=0)) == 0).mean()
            yield Figure(
                f"{name} within the measured spread, {days}", inside, "%", bar, at_least=True, beside="of all hours"
            )
            narrow = np.quantile(lows, 0.1, axis=0), np.quantile(highs, 0.9, axis=0)
            yield Figure(f"{name} within the narrow spread", 100 * (outside(curves, *narrow) == 0).mean(), "%")
            off = 100 * outside(curves, lows, highs).mean()
            yield Figure(f"{name} outside what its own seed's reports allow, on average", off, "pp")
        guides = np.clip(_HOURS * 3600 / max_age, 0, 1)[None, :]
        inside = 100 * (outside(guides, lows.min(axis=0), highs.max(axis=0)) == 0).mean()
        yield Figure(
            "senders back evenly over the old max_age, within the measured spread",
            inside,
            "%",
            beside="what guides imply",
        )
        width = 100 * (highs.max(axis=0) - lows.min(axis=0)).mean()
        yield Figure("width of the measured spread, on average", width, "pp")
        nearer = sum(
            outside(one.calibrated, one.low, one.high).mean() <= outside(one.assumed, one.low, one.high).mean()
            for one in runs
        )
        yield Figure("seeds in which the calibrated one is as near or nearer", nearer, "", beside=f"of {len(runs)}")
    policy = "version: STSv1\nmode: enforce\nmx: mx1.nordwind.example\nmax_age: 2592000\n"
    seconds = min(timed(lambda: sts.plan_rollback(policy, "v=STSv1; id=1;", 300)) for _ in range(5))
    yield Figure("plan_rollback", 1000 * seconds, "ms", 100)
