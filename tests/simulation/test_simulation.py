"""The kit beside an independent simulation of senders, a bounded number of worlds; `measures` runs more."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from .measures import history, migration, removal, rollback
from .senders import DAY, HOUR, RETRIES, Domain, Sender, Steps, Version

MX1 = "mx1.nordwind.example"


def domain(changes: list[tuple[float, Version]], *, ttl: int = 300, fails: float = 1e12) -> Domain:
    """A domain with these policies and one MX host that fails from a time on."""
    record = Steps([(at, version.number) for at, version in changes])
    return Domain(Steps(changes), record, Steps([(-1e9, (MX1,))]), ttl, 300, lambda _host, at: at >= fails)


OLD = Version(0, "enforce", 30 * DAY, (MX1,))
NEW = Version(1, "testing", DAY, (MX1,))


@pytest.mark.parametrize(
    ("way", "least", "most"),
    [
        pytest.param("attempt", 0, 300 + 2 * HOUR, id="5.1: at each attempt"),
        pytest.param("clock", 0, DAY + 300 + 6 * HOUR, id="3.3: daily"),
        pytest.param("half", 0, 15 * DAY + 6 * HOUR, id="3.3: at half of max_age"),
        pytest.param("expiry", 0, 30 * DAY + 6 * HOUR, id="5.1: only when it has expired"),
    ],
)
def test_when_a_simulated_sender_applies_a_change(way: str, least: float, most: float) -> None:
    for seed in range(20):
        sender = Sender("One", Random(seed), way, DAY, RETRIES[seed % 5], 5 * DAY, 40.0)
        life = sender.live(domain([(-1e9, OLD), (5 * DAY, NEW)]), 0.0, 40 * DAY)
        assert least <= life.applied[1] - 5 * DAY <= most


def test_a_simulated_message_bounces_only_after_a_check() -> None:  # §5.1
    sender = Sender("One", Random(1), "expiry", DAY, RETRIES[3], 2 * DAY, 20.0)
    never = sender.live(domain([(-1e9, OLD)], fails=5 * DAY), 0.0, 20 * DAY)
    assert len(never.bounced) > 100
    rescued = sender.live(domain([(-1e9, OLD), (6 * DAY, NEW)], fails=5 * DAY), 0.0, 20 * DAY)
    assert rescued.bounced == []
    assert 7 * DAY <= rescued.applied[1] <= 7.3 * DAY


# Returns that one reporter shows, returns within a day, and two policies that are new on the same day.
HARD = (206, 1054, 1074, 1183, 1197, 1261, 1411, 1443)


@pytest.mark.parametrize("seed", [*range(20), *HARD])
def test_each_change_is_found_in_order_and_dated(seed: int) -> None:
    made = history(seed)
    assert made.dated == made.between == made.shown > 0, made.text


def test_changes_within_hours_were_published_in_the_days_that_are_given() -> None:
    made = [history(seed, gaps=(0.05 * DAY, 1.5 * DAY), returns=False) for seed in range(12)]
    assert sum(one.between for one in made) >= 0.95 * sum(one.shown for one in made)
    assert np.mean([one.width for one in made]) < 10


def test_the_forecast_is_in_order_and_typical_is_near() -> None:
    made = [rollback(seed, count=60) for seed in range(8)]
    hours = [len(one.hours) for one in made]
    assert np.average([one.in_order for one in made], weights=hours) >= 0.98
    assert np.mean([one.off for one in made]) <= 0.1
    assert all(one.reporters for one in made)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("known", ["given", "reports"])
def test_a_migration_as_planned_strands_no_message(seed: int, known: str) -> None:  # RFC 8461 §8.1, §8.3
    life = migration(seed, known=known)
    assert (life.deferred, life.bounced) == (0, 0)


def test_a_migration_in_a_third_of_the_wait_defers_mail() -> None:  # so the test above can fail
    assert any(migration(seed, hasty=0.3).deferred for seed in range(4))


@pytest.mark.parametrize("seed", range(10))
def test_after_a_removal_as_planned_no_copy_is_left(seed: int) -> None:  # RFC 8461 §8.3
    assert removal(seed) == 0
