"""Faults too small for any single day: a sender of a few sessions that always fails, an MX outside the policy."""

from __future__ import annotations

import pytest

import mtasts_nb as sts
from mtasts_nb.analysis import reported

EXPIRED, FAILURE = "certificate-expired", "validation-failure"
OLD, POLICY = "old.nordwind.example", {"policy_mx": "mx1.nordwind.example"}


def large(days: int, noise: int = 0, kind: str = FAILURE) -> list[tuple[object, ...]]:
    """Five reporters of 2,000 sessions a day; `noise` of them fail each."""
    return [(day, f"Large {n}", 2000 - noise, {kind: noise} if noise else {}) for day in range(days) for n in range(5)]


def small(days: range, failed: int, good: int = 0, kind: str = FAILURE) -> list[tuple[object, ...]]:
    return [(day, "Small", good, {kind: failed} if failed else {}) for day in days]


@pytest.mark.parametrize("kind", [EXPIRED, FAILURE, "x-own", "unknown"])
@pytest.mark.parametrize("noise", [0, 8])
@pytest.mark.parametrize("failed", [1, 2, 6])
def test_a_small_sender_that_always_fails(archive_of, kind, noise, failed) -> None:
    archive = archive_of(*large(60, noise), *small(range(20, 60), failed, kind=kind))
    (row,) = sts.find_incidents(archive).itertuples()
    assert (row.organization_name, row.reporters, row.ongoing) == ("Small", 1, True)
    assert (row.failed_session_count, row.result_type) == (40 * failed, kind)
    (group,) = [group for group in reported(archive) if group.state != "background noise"]
    assert (group.reporters, group.failed) == (("Small",), 40 * failed)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(small(range(20, 60, 3), 1), [True], id="one session every third day"),
        pytest.param(small(range(20, 40), 1) + small(range(40, 60), 0, 1), [False], id="fixed: a good session a day since"),
        pytest.param(small(range(20, 56), 1) + small(range(56, 60), 0, 1), [True], id="four good sessions prove little"),
        pytest.param(small(range(20), 1) + small(range(20, 40), 0, 1) + small(range(40, 60), 1), [False, True], id="twice"),
        pytest.param([(day, "Small", day % 2, {FAILURE: 1 - day % 2}) for day in range(60)], [True], id="every second session"),
        pytest.param(small(range(20, 24), 1), [], id="four failures in all"),
        pytest.param(small(range(20, 22), 3), [], id="a message retried on two days"),
        pytest.param([(day, "Small", day % 10 > 0, {FAILURE: day % 10 == 0}) for day in range(60)], [], id="one in ten sessions"),
    ],
)  # fmt: skip
def test_when_a_small_sender_always_fails(archive_of, rows, expected) -> None:
    rows = [(day, name, int(good), {k: int(v) for k, v in kinds.items() if v}) for day, name, good, kinds in rows]
    assert sts.find_incidents(archive_of(*large(60, 8), *rows))["ongoing"].tolist() == expected


def test_small_senders_that_always_fail_are_one_incident(archive_of) -> None:
    more = [(day, "Tiny", 0, {FAILURE: 1}) for day in range(25, 60, 2)]
    (row,) = sts.find_incidents(archive_of(*large(60, 8), *small(range(20, 60), 1), *more)).itertuples()
    assert row.organization_name.split("\n") == ["Small", "Tiny"]
    assert row.failed_session_count == 40 + 18


def outside(days: range, mx: str = OLD, failed: int = 1) -> list[tuple[object, ...]]:
    return [(day, "Kontor", 3000, {FAILURE: failed}, {"mx": mx, **POLICY}) for day in days]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(outside(range(20, 60, 3)), [(OLD, True)], id="twice a week (RFC 8461 §4.1)"),
        pytest.param(outside(range(20, 60, 7), failed=2), [(OLD, True)], id="once a week"),
        pytest.param(outside(range(0, 20, 2)) + outside(range(21, 60), failed=0), [(OLD, False)], id="over"),
        pytest.param(outside(range(20, 60, 3), mx="mx1.nordwind.example"), [], id="the policy matches it: noise"),
        pytest.param(outside(range(20, 60, 10)), [], id="four in all"),
        pytest.param(outside(range(20, 21), failed=9), [], id="one day"),
    ],
)
def test_an_mx_outside_the_policy_at_a_few_sessions_a_week(archive_of, rows, expected) -> None:
    frame = sts.find_incidents(archive_of(*large(60, 2), *rows))
    assert list(zip(frame["receiving_mx_hostname"], frame["ongoing"], strict=True)) == expected
    assert (frame["confidence"] == "low").all()


def test_an_mx_outside_the_policy_leads_to_its_cause(archive_of) -> None:
    found = sts.diagnose(archive=archive_of(*large(60, 2), *outside(range(20, 60, 3))))
    assert [(cause.code, cause.mx) for cause in found.present] == [("mx-not-in-policy", (OLD,))]
