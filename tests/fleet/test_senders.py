"""A sender applies the policy it holds, not the one that is published (RFC 8461 §3.3, §5, §8.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fleet.chance import Chance
from tests.fleet.roster import Sender
from tests.fleet.senders import Correspondence, SenderDay
from tests.fleet.world import DAY, DomainState, Fault, StsPolicy, Timeline, at

DOMAIN = "nordwind.example"
MX1, MX2 = "mx1.nordwind.example", "mx2.nordwind.example"
FIRST = at("2026-03-02") // DAY  # a Monday
ENFORCE = StsPolicy("enforce", 7 * DAY, (MX1, MX2))
TESTING = replace(ENFORCE, mode="testing")
START = DomainState(record_id="1", policy=ENFORCE, mx=((MX1, 1.0),))
SENDER = Sender(slug="one", name="One", domain="one.example", shape="kranich", volume={DOMAIN: 400})
EXPIRED = Fault("broken", "certificate-expired", "expired", MX1)
GONE = Fault("gone", "sts-policy-fetch-error", "policy-404")


def live(
    days: int, changes: dict[str, dict[str, object]], *, start: DomainState = START, **sender: object
) -> list[SenderDay]:
    """The days of one sender, from Monday 2026-03-02."""
    timeline = Timeline.of(DOMAIN, start, changes)
    return list(Correspondence(replace(SENDER, **sender), timeline, 1).days(FIRST, days))  # type: ignore[arg-type]


def modes(sender_day: SenderDay) -> set[str]:
    return {
        row.policy.mode if row.policy else row.policy_type
        for row in sender_day.rows.values()
        if row.successes or row.failures
    }


def failed(sender_day: SenderDay, incident: str) -> int:
    return sum(n for row in sender_day.rows.values() for kind, n in row.failures.items() if kind.incident == incident)


def test_a_new_id_is_seen_at_the_next_look() -> None:
    days = live(4, {"2026-03-03T12:00": {"policy": TESTING, "record_id": "2"}}, look_every=3600)
    assert [modes(day) for day in days] == [{"enforce"}, {"enforce", "testing"}, {"testing"}, {"testing"}]


def test_a_new_file_under_the_same_id_is_not_seen_before_the_copy_is_renewed() -> None:
    """RFC 8461 §8.1: the id tells senders that there is something new."""
    changes = {"2026-03-03T12:00": {"policy": TESTING}}
    days = live(12, changes, look_every=3600, renew_at=1.0)
    first = next(number for number, day in enumerate(days) if "testing" in modes(day))
    assert 5 <= first <= 9  # max_age is seven days; the copy is up to one day old


@pytest.mark.parametrize(("look_every", "latest"), [(3600, 1), (DAY, 2), (None, 8)])
def test_how_fast_a_rollback_is_seen_is_the_senders_habit(look_every: int | None, latest: int) -> None:
    changes = {"2026-03-03T12:00": {"policy": TESTING, "record_id": "2"}}
    days = live(12, changes, look_every=look_every, renew_at=1.0)
    switch = [number for number, day in enumerate(days) if {"enforce", "testing"} <= modes(day)]
    assert len(switch) <= 1
    assert next(number for number, day in enumerate(days) if "testing" in modes(day)) <= latest


def test_a_cached_policy_goes_on_while_the_policy_host_fails() -> None:
    """RFC 8461 §3.3: and no session fails by it."""
    days = live(6, {"2026-03-03T00:00": {"fetch_fault": GONE}}, look_every=3600, renew_at=0.1)
    assert all(modes(day) == {"enforce"} for day in days)
    assert [failed(day, "gone") > 0 for day in days[2:]] == [True] * 4
    assert all(not day.held for day in days)
    assert all(row.successes > 100 for day in days[:5] for row in day.rows.values())


def test_without_a_copy_in_date_mail_goes_as_without_a_policy() -> None:
    start = replace(START, policy=replace(TESTING, max_age=DAY))
    days = live(5, {"2026-03-03T00:00": {"fetch_fault": GONE}}, start=start)
    assert "no-policy-found" in modes(days[2])
    assert modes(days[3]) == {"sts", "no-policy-found"}  # the sts row has nothing but fetch errors
    assert all(row.successes == 0 for key, row in days[3].rows.items() if key[0] == "sts")


def test_a_policy_that_may_not_be_kept_is_fetched_again_and_again() -> None:
    """RFC 8461 §3.2 allows max_age 0."""
    start = replace(START, policy=replace(ENFORCE, max_age=0))
    (day,) = live(1, {}, start=start)
    assert modes(day) <= {"enforce", "no-policy-found"}


@pytest.mark.parametrize(
    ("mode", "mx", "held"),
    [
        pytest.param("enforce", ((MX1, 1.0),), True, id="enforce, the only MX (§5)"),
        pytest.param("testing", ((MX1, 1.0),), False, id="testing (§5)"),
        pytest.param("enforce", ((MX1, 0.9), (MX2, 0.1)), False, id="enforce, another MX is well"),
    ],
)
def test_what_is_held_back(mode: str, mx: tuple[tuple[str, float], ...], held: bool) -> None:
    start = replace(START, policy=replace(ENFORCE, mode=mode), mx=mx)
    days = live(3, {"2026-03-03T08:00": {"mx_faults": (EXPIRED,)}}, start=start)
    assert failed(days[0], "broken") == 0
    assert failed(days[2], "broken") > 100
    assert bool(days[2].held) is held


def test_mail_in_the_queue_is_tried_again_and_goes_out_after_the_fix() -> None:
    """A session is an attempt: what is held makes more of them the longer it lasts, and successes once it is mended."""
    changes = {"2026-03-03T00:00": {"mx_faults": (EXPIRED,)}, "2026-03-06T00:00": {"mx_faults": ()}}
    days = live(6, changes)
    quiet = next(iter(days[0].rows.values())).successes
    attempts = [failed(day, "broken") for day in days]
    assert attempts[3] > attempts[2] > attempts[1] > 0
    assert attempts[4] == 0
    assert next(iter(days[4].rows.values())).successes > 1.5 * quiet


def test_before_it_gives_up_a_sender_looks_for_a_new_policy() -> None:
    """RFC 8461 §5.1: even one that otherwise looks only when its copy runs out, here after thirty days."""
    changes: dict[str, dict[str, object]] = {
        "2026-03-03T00:00": {"mx_faults": (EXPIRED,)},
        "2026-03-04T00:00": {"policy": TESTING, "record_id": "2"},
    }
    start = replace(START, policy=replace(ENFORCE, max_age=30 * DAY))
    days = live(9, changes, start=start, look_every=None, renew_at=1.0, queue_life=3 * DAY)
    assert [("testing" in modes(day)) for day in days] == [False] * 4 + [True] * 5
    assert not any(day.held for day in days[5:])


@pytest.mark.parametrize(
    ("dane", "types"),
    [("no", {"sts"}), ("only", {"tlsa"}), ("both", {"sts", "tlsa"})],
)
def test_dane(dane: str, types: set[str]) -> None:
    """RFC 8461 §2: a failing DANE check holds mail whatever MTA-STS says."""
    start = replace(START, tlsa=("3 1 1 00",))
    old_key = Fault("old", "tlsa-invalid", "tlsa-mismatch", MX1)
    days = live(3, {"2026-03-03T00:00": {"dane_faults": (old_key,)}}, start=start, dane=dane)
    assert {row.policy_type for row in days[0].rows.values() if row.successes} == types
    assert bool(days[2].held) is (dane != "no")
    if dane == "both":
        sts, tlsa = (next(r for r in days[2].rows.values() if r.policy_type == kind) for kind in ("sts", "tlsa"))
        assert sts.successes + sts.failed == tlsa.successes + tlsa.failed  # the same sessions


def test_a_day_has_all_its_sessions_however_often_the_world_changes() -> None:
    changes = {f"2026-03-02T{hour:02}:00": {"record_id": str(hour)} for hour in range(1, 24)}
    calm, busy = live(1, {}), live(1, changes, look_every=900)
    total = [sum(row.successes + row.failed for row in days[0].rows.values()) for days in (calm, busy)]
    assert total[0] == total[1] > 0


@given(st.integers(0, 10_000), st.floats(0, 1), st.integers())
def test_a_portion_is_a_part(total: int, share: float, seed: int) -> None:
    assert 0 <= Chance(seed).portion(total, share) <= total


@given(st.floats(0, 1e5), st.floats(0, 5), st.integers())
def test_a_count_is_never_negative(mean: float, spread: float, seed: int) -> None:
    assert Chance(seed).count(mean, spread) >= 0


@pytest.mark.parametrize("mean", [0.05, 0.3, 4.0, 8.9, 30.0, 900.0])
def test_counts_and_portions_are_about_their_mean(mean: float) -> None:
    """Cutting a bell off at zero would raise small means: 0.3 came out as 0.4 once."""
    chance = Chance("mean")
    error = 5 * (mean / 8000) ** 0.5
    for draw in (lambda: chance.count(mean), lambda: chance.portion(1000, mean / 1000)):
        assert sum(draw() for _ in range(8000)) / 8000 == pytest.approx(mean, abs=error)
