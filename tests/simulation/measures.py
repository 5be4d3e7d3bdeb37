"""What the kit says about simulated worlds, beside what happened in them.

A wide run, with figures: ``python -m tests.simulation.measures 200``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from random import Random

import numpy as np
import numpy.typing as npt
import pandas as pd

import mtasts_nb as sts
from mtasts_nb.policy import parse_policy

from .senders import DAY, HOUR, Steps, Version
from .worlds import AGES, DOMAIN, EPOCH, MX, changes, population, published, quiet, reports, some_reporter, time

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Forecasted:
    """One rollback: hours, the three cases, the share of senders with queued mail that had applied it, and how many."""

    hours: Floats
    best: Floats
    typical: Floats
    worst: Floats
    measured: Floats
    senders: int
    reporters: int

    @property
    def in_order(self) -> float:
        """The share of hours in which worst ≤ measured ≤ best, to one sender."""
        one = 1 / self.senders
        return float(np.mean((self.worst <= self.measured + one) & (self.measured <= self.best + one)))

    @property
    def off(self) -> float:
        """How far typical is from measured on average, over the hours until the worst case."""
        return float(np.mean(np.abs(self.typical - self.measured)))

    def off_until(self, hours: float) -> float:
        """Return the same over the first hours."""
        return float(np.mean(np.abs(self.typical - self.measured)[self.hours <= hours]))


def rollback(seed: int, *, count: int = 80, with_reports: bool = True) -> Forecasted:
    """Return one rollback: an MX certificate expires under enforce, and testing is published hours later."""
    chance = Random(seed)
    rows = changes(chance, count=4, first=0.0, gaps=(3 * DAY, 14 * DAY))
    last = rows[-1][0] + chance.uniform(3, 14) * DAY
    rows.append((last, Version(5, "enforce", chance.choice(AGES), MX[:1])))
    fails = last + chance.uniform(8, 20) * DAY
    made = fails + chance.uniform(1, 30) * HOUR
    everyone = population(chance, count)
    who = chance.sample(range(count), chance.randint(4, 20))
    habits = {number: some_reporter(chance) for number in who}
    back = Version(6, "testing", DAY, MX[:1])
    file, record = published([*rows, (made - 300, back)], chance)
    record.times[-1] = made
    domain = quiet(file, record, chance)
    domain.refuses = lambda _host, at: at >= fails
    stop = made + 9 * DAY
    lives = [sender.live(domain, 0.0, stop) for sender in everyone]
    archive = sts.Archive()
    if with_reports:
        archive, _ = reports([(everyone[n], habits[n], lives[n]) for n in who], chance, made)
    plan = sts.plan_rollback(
        rows[-1][1].text, f"v=STSv1; id={rows[-1][1].number};", domain.ttl, None, archive if with_reports else None,
        domain=DOMAIN, earlier=[(time(at), before.max_age) for (_, before), (at, _) in pairwise(rows)],
        blocked_since=time(fails), now=lambda: time(made),
    )  # fmt: skip
    frame = plan.forecast.frame
    hours = np.arange(0, frame["hours"].iloc[-1], 0.5)
    cases = [np.interp(hours, frame["hours"], frame[name]) for name in ("best", "typical")]
    worst = (hours >= plan.forecast.last / timedelta(hours=1)).astype(float)
    queued = [life for life in lives if life.queued(made)]
    taken = np.array([life.applied.get(6, np.inf) for life in queued])
    measured = np.array([(taken <= made + hour * HOUR).mean() for hour in hours])
    return Forecasted(hours, *cases, worst, measured, len(queued), plan.forecast.model.reporters)


@dataclass(frozen=True)
class Dated:
    """The changes of one world: published and in reports, found in this order, and dated as the first report shows them.

    `between` of them, in whatever order, were published between `earliest` and the end of the report of `day`; for
    those the days in between are `width` on average, from the beginning of the reports where `earliest` is missing.
    """

    shown: int
    in_order: bool
    dated: int
    between: int
    width: float
    text: str


def history(
    seed: int, *, count: int = 12, gaps: tuple[float, float] = (2 * DAY, 12 * DAY), returns: bool = True
) -> Dated:
    """Return how the changes of one world were found."""
    chance = Random(seed)
    rows = changes(chance, count=7, first=0.0, gaps=gaps, returns=returns)
    stop = rows[-1][0] + 15 * DAY
    file, record = published(rows, chance)
    everyone = population(chance, count)
    domain = quiet(file, record, chance)
    lives = [(sender, some_reporter(chance), sender.live(domain, 0.0, stop)) for sender in everyone]
    archive, shows = reports(lives, chance, stop)
    events = sts.policy_history(archive, DOMAIN).events
    first: dict[int, int] = {}
    versions = {version.number: version for _, version in rows}
    last: dict[int, int] = {}
    for day, reporter, number in shows:
        # The same policy again looks like the cached one to a reporter that had not left it.
        if number == last.get(reporter, number) or versions[number][1:] != versions[last[reporter]][1:]:
            first[number] = min(day, first.get(number, day))
            last[reporter] = number
    for number in sorted(first):
        # Days that are not those of UTC: no change counts before the one that it followed.
        first[number] = max(day for earlier, day in first.items() if earlier <= number)
    wanted = [n for before, n in pairwise(sorted(first)) if versions[n][1:] != versions[before][1:]]
    meant = [(versions[n].mode, versions[n].max_age, "\n".join(sorted(versions[n].mx))) for n in wanted]
    got = list(zip(events["policy_mode"], events["policy_max_age"], events["mx"], strict=True))
    days = [int(day.timestamp() // DAY - EPOCH.timestamp() // DAY) for day in events["day"]]
    dated = sum(a == first[n] for a, n in zip(days, wanted, strict=False)) if got == meant else 0
    text = "" if got == meant else f"{meant} {got}"
    widths = []
    for n, content in zip(wanted, meant, strict=True):
        at = pd.Timestamp(next(time(at) for at, version in rows if version.number == n))
        for row, one in zip(events.itertuples(), got, strict=True):
            low = EPOCH if pd.isna(row.earliest) else row.earliest
            # A report begins on the day on which it counts, and ends up to two days after that midnight.
            if one == content and low <= at < row.day + pd.Timedelta(days=2):
                widths.append((row.day - low) / pd.Timedelta(days=1) + 1)
                break
        else:
            text += f" | {n}, published {at}, is not told"
    return Dated(len(wanted), got == meant, dated, len(widths), float(np.mean(widths or [0.0])), text)


@dataclass(frozen=True)
class Moved:
    """The attempts that deferred mail because of the policy, and the messages that bounced, over all senders."""

    deferred: int
    bounced: int
    sessions: int


def migration(seed: int, *, known: str = "given", count: int = 15, hasty: float = 1.0) -> Moved:
    """Return what happened to mail in a migration as planned; `hasty` shortens its wait, to see that the wait matters.

    What was served before is given as `earlier`, or only in reports.
    """
    chance = Random(seed)
    rows = changes(chance, count=4, first=0.0, gaps=(3 * DAY, 12 * DAY))
    made = rows[-1][0] + chance.uniform(0.2, 12) * DAY
    everyone = population(chance, count)
    file, record = published(rows, chance)
    domain = quiet(file, record, chance)
    new = f"mx3.{DOMAIN}"
    habits = [some_reporter(chance) for _ in everyone]
    lives = [(sender, habit, sender.live(domain, 0.0, made)) for sender, habit in zip(everyone, habits, strict=True)]
    now = rows[-1][1]
    earlier = [(time(until), before.max_age) for (_, before), (until, _) in pairwise(rows)]
    archive, _ = reports(lives, chance, made)
    plan = sts.plan_mx_migration(
        now.text, f"v=STSv1; id={now.number};", domain.ttl, [new], None, archive if known == "reports" else None,
        earlier=earlier if known == "given" else (), domain=DOMAIN, mx_ttl=domain.mx_ttl, now=lambda: time(made),
    )  # fmt: skip
    move = made + hasty * (plan.move_after - time(made)).total_seconds()
    late = [(plan.policy, made), (plan.policy_after, made + (plan.steps[-1].when - time(made)).total_seconds())]
    for number, (text, at) in enumerate(late, now.number + 1):
        if text:
            policy = parse_policy(text)
            rows.append((at, Version(number, policy.mode.value, policy.max_age, policy.mx)))
    domain.file, domain.record = published(rows, chance)
    domain.mx = Steps([(-1e9, MX[:1]), (move, (new,))])
    domain.gone = lambda host, at: host in MX and at >= move + domain.mx_ttl + 60
    again = [Random(sender.name + str(seed)) for sender in everyone]
    for sender, fresh in zip(everyone, again, strict=True):
        sender.chance = fresh
    after = [sender.live(domain, 0.0, move + 20 * DAY) for sender in everyone]
    deferred = sum(len(life.deferred) for life in after)
    return Moved(deferred, sum(len(life.bounced) for life in after), sum(len(life.sessions) for life in after))


def removal(seed: int, *, count: int = 15) -> int:
    """Return how many senders still had a policy in enforce cached when a removal as planned deletes the record."""
    chance = Random(seed)
    rows = changes(chance, count=4, first=0.0, gaps=(3 * DAY, 12 * DAY))
    made = rows[-1][0] + chance.uniform(0.2, 12) * DAY
    now = rows[-1][1]
    plan = sts.plan_removal(
        now.text, f"v=STSv1; id={now.number};", 300, domain=DOMAIN, now=lambda: time(made),
        earlier=[(time(until), before.max_age) for (_, before), (until, _) in pairwise(rows)],
    )  # fmt: skip
    rows.append((made, Version(5, "none", DAY, ())))
    file, record = published(rows, chance)
    domain = quiet(file, record, chance)
    deleted = made + (plan.delete_after - time(made)).total_seconds()
    left = 0
    for sender in population(chance, count):
        held = sender.live(domain, 0.0, deleted).held
        left += any(at < made and until > deleted + 1 for at, until in held)
    return left


def main(worlds: int) -> None:
    """Print the figures of a wide run."""
    for name, with_reports in (("with reports", True), ("without", False)):
        made = [rollback(seed, with_reports=with_reports) for seed in range(worlds)]
        hours = sum(len(one.hours) for one in made)
        order = sum(one.in_order * len(one.hours) for one in made) / hours
        print(
            f"forecast, {name}: {worlds} rollbacks, {sum(one.senders for one in made)} senders; in order in "
            f"{order:.2%} of {hours} half hours; typical off by {np.mean([one.off for one in made]):.3f} on average, in "
            f"the first two days {np.mean([one.off_until(48) for one in made]):.3f}; worst world "
            f"{max(one.off for one in made):.3f}; reporters {np.mean([one.reporters for one in made]):.1f}"
        )
    for name, gaps, returns in (
        ("2 to 12 days", (2, 12), True),
        ("7 hours to 3 days", (0.3, 3), False),
        ("1 to 36 hours", (0.05, 1.5), False),
    ):
        found = [history(seed, gaps=(gaps[0] * DAY, gaps[1] * DAY), returns=returns) for seed in range(worlds)]
        print(
            f"changes {name} apart: {worlds} worlds, {sum(one.dated for one in found)} of {sum(one.shown for one in found)} "
            f"found and dated, all in order in {sum(one.in_order for one in found)}; of "
            f"{sum(one.between for one in found)} the dates between contain the publication, "
            f"{np.mean([one.width for one in found]):.1f} days wide"
        )
    for known in ("given", "reports"):
        moved = [migration(seed, known=known) for seed in range(worlds)]
        print(
            f"migrations, earlier policies {known}: {worlds}, {sum(one.sessions for one in moved)} sessions, "
            f"{sum(one.deferred for one in moved)} deferred, {sum(one.bounced for one in moved)} bounced"
        )
    print(
        f"migrations with 0.3 of the wait: mail deferred in {sum(migration(s, hasty=0.3).deferred > 0 for s in range(worlds))}"
    )
    print(f"removals: {worlds}, copies in enforce left {sum(removal(seed) for seed in range(worlds))}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
