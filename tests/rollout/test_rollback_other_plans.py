"""plan_removal and plan_mx_migration: the order of RFC 8461 §8, and the wait for every copy still out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.errors import PolicyError
from mtasts_nb.policy import parse_policy, parse_sts_record, validate
from mtasts_nb.probe import Probe, Provider
from mtasts_nb.rollout import (
    MxMigrationPlan,
    Plan,
    RemovalPlan,
    RollbackPlan,
    plan_mx_migration,
    plan_removal,
    plan_rollback,
)
from mtasts_nb.vocabulary import Mode
from tests import golden

NOW = datetime(2026, 2, 8, 18, 0, tzinfo=UTC)
POLICY = "version: STSv1\nmode: enforce\nmx: mx1.suedwind.example\nmax_age: 604800\n"
RECORD = "v=STSv1; id=20260201090000;"
DAY = 86_400
WEEK = timedelta(days=7)


def rollback(**options: object) -> RollbackPlan:
    return plan_rollback(POLICY, RECORD, 3600, now=lambda: NOW, domain="suedwind.example", **options)  # type: ignore[arg-type]


def removal(policy: object = POLICY, **options: object) -> RemovalPlan:
    return plan_removal(policy, RECORD, 3600, now=lambda: NOW, domain="suedwind.example", **options)  # type: ignore[arg-type]


def migration(policy: object = POLICY, new: object = ("mx1.nordwind.example",), **options: object) -> MxMigrationPlan:
    return plan_mx_migration(policy, RECORD, 3600, new, now=lambda: NOW, domain="suedwind.example", **options)  # type: ignore[arg-type]


def hosted(domain: str = "suedwind.example", name: str = "EasyDMARC") -> Probe:
    found = Provider(name=name, role="policy host", evidence="CNAME suedwind_example_mta_sts.easydmarc.pro")
    return cast("Probe", SimpleNamespace(domain=domain, providers=(found,)))


@pytest.mark.parametrize("plan", [rollback, removal, migration])
def test_where_a_service_hosts_the_policy_the_file_is_changed_there(plan: Callable[..., Plan]) -> None:  # §8.2
    made = plan(probe=hosted())
    places = [step.where for step in made.steps if step.text.startswith("version")]
    assert places
    assert {place.partition(", ")[2] for place in places} == {"at your provider, EasyDMARC"}
    assert [
        note for note in made.notes if note.startswith("At your provider, EasyDMARC: This service hosts your policy")
    ]
    for other in (plan(), plan(probe=hosted(name="Netlify"))):
        assert "provider" not in f"{[step.where for step in other.steps]} {other.notes}"
    with pytest.raises(ValueError, match=r"the probe is of nordwind.example: expected one of suedwind.example"):
        plan(probe=hosted("nordwind.example"))


def test_removal_mode_none_then_wait_then_record_then_file() -> None:  # §8.3
    made = removal()
    assert parse_policy(made.policy).mode is Mode.NONE
    assert parse_policy(made.policy).mx == ()
    assert parse_sts_record(made.record).id != "20260201090000"
    assert [step.text for step in made.steps][:2] == [made.policy, made.record]
    delete = [step for step in made.steps if step.what.startswith("Delete")]
    assert [step.when for step in delete] == [NOW + WEEK, NOW + WEEK + timedelta(hours=1)]
    assert delete[0].where.startswith("_mta-sts.")
    assert all(step.not_before for step in delete)


@pytest.mark.parametrize(
    ("options", "after"),
    [
        pytest.param({}, NOW + WEEK, id="8.3: the present one"),
        pytest.param({"previous_max_age": 30 * DAY}, NOW + timedelta(days=30), id="8.3: an earlier one, served for an unknown time"),
        pytest.param({"earlier": [("2026-02-01T00:00", 30 * DAY)]}, datetime(2026, 3, 3, tzinfo=UTC), id="8.3: an earlier one outlasts it"),
        pytest.param({"earlier": [("2025-02-01T00:00", 30 * DAY)]}, NOW + WEEK, id="8.3: an earlier one has expired"),
        pytest.param({"earlier": [("2030-01-01T00:00", DAY)]}, NOW + WEEK, id="no policy was served in the future"),
        pytest.param({"policy": "version: STSv1\nmode: none\nmax_age: 604800\n"}, NOW, id="mode none defers no mail"),
        pytest.param(
            {"policy": "version: STSv1\nmode: none\nmax_age: 604800\n", "earlier": [("2026-02-07T18:00", 2 * DAY)]},
            NOW + timedelta(days=1),
            id="mode none, but an earlier one still cached",
        ),
    ],
)  # fmt: skip
def test_removal_waits_for_every_policy_ever_served(options: dict[str, object], after: datetime) -> None:
    made = removal(**options)
    assert made.delete_after == after
    assert all(policy.expires <= after for policy in made.served)


@given(st.lists(st.tuples(st.integers(0, 400 * DAY), st.integers(0, 31_557_600)), max_size=8))
def test_removal_is_never_before_a_policy_expires(earlier: list[tuple[int, int]]) -> None:
    served = [(NOW - timedelta(seconds=ago), max_age) for ago, max_age in earlier]
    made = removal(earlier=served)
    assert all(made.delete_after >= until + timedelta(seconds=max_age) for until, max_age in served)


def test_migration_both_then_wait_then_move_then_the_new_alone() -> None:
    made = migration()
    assert parse_policy(made.policy).mx == ("mx1.suedwind.example", "mx1.nordwind.example")
    assert parse_policy(made.policy_after).mx == ("mx1.nordwind.example",)
    assert made.move_after == NOW + WEEK
    assert [step.text for step in made.steps if step.text] == [
        made.policy, made.record, made.policy_after, made.record_after
    ]  # fmt: skip
    move = next(step for step in made.steps if "(MX)" in step.where)
    assert move.when == made.move_after
    assert move.not_before
    assert made.to_frame()["when"].is_monotonic_increasing
    assert len({RECORD, made.record, made.record_after}) == 3


@pytest.mark.parametrize(
    ("policy", "new", "keep", "both", "after"),
    [
        ("mx1", "mx2", "", "mx1 mx2", "mx2"),
        ("mx1", "mx2", "mx1", "mx1 mx2", ""),  # nothing leaves
        ("mx1 mx2", "mx3", "mx2", "mx1 mx2 mx3", "mx2 mx3"),
        ("*", "mx2", "", "", ""),  # the wildcard covers the new one already: nothing to publish
        ("* mx9.old", "mx2", "", "", "*"),
    ],
    ids=["replaced", "added", "one-stays", "wildcard", "wildcard-and-one-leaves"],
)
def test_migration_patterns(policy: str, new: str, keep: str, both: str, after: str) -> None:  # §4.1
    def hosts(names: str) -> list[str]:
        return [f"{name}.suedwind.example" for name in names.split()]

    text = "version: STSv1\nmode: enforce\n" + "".join(f"mx: {host}\n" for host in hosts(policy)) + "max_age: 604800\n"
    made = migration(text, hosts(new), keep=hosts(keep))
    assert (list(parse_policy(made.policy).mx) if made.policy else []) == hosts(both)
    assert bool(made.policy) == bool(both)
    assert (list(parse_policy(made.policy_after).mx) if made.policy_after else []) == hosts(after)
    if not both:
        assert made.move_after == NOW  # every cached policy covers it: no need to wait


def test_migration_in_testing_defers_no_mail() -> None:  # §5
    made = migration(POLICY.replace("enforce", "testing"))
    assert made.move_after == NOW + timedelta(hours=1)


COVERS = POLICY.replace("max_age", "mx: mx1.nordwind.example\nmax_age")
NONE = "version: STSv1\nmode: none\nmax_age: 604800\n"
MONTH = timedelta(days=30)


@pytest.mark.parametrize(
    ("policy", "options", "move"),
    [
        pytest.param(POLICY, {"earlier": [("2026-02-07T18:00", 30 * DAY)]}, NOW - timedelta(days=1) + MONTH, id="an earlier one lasts longer"),
        pytest.param(POLICY.replace("enforce", "testing"), {"earlier": [("2026-02-07T18:00", 30 * DAY)]}, NOW - timedelta(days=1) + MONTH,
                     id="testing since yesterday, enforce before"),
        pytest.param(COVERS, {"earlier": [("2026-02-07T18:00", 30 * DAY)]}, NOW - timedelta(days=1) + MONTH, id="both hosts since yesterday only"),
        pytest.param(COVERS, {"previous_max_age": 30 * DAY}, NOW + MONTH, id="served for an unknown time"),
        pytest.param(NONE, {"earlier": [("2026-02-07T18:00", 30 * DAY)]}, NOW - timedelta(days=1) + MONTH, id="none since yesterday, enforce before"),
        pytest.param(COVERS, {"earlier": [("2025-02-07T18:00", 30 * DAY)]}, NOW, id="expired long ago"),
        pytest.param(POLICY.replace("604800", "0"), {}, NOW + timedelta(hours=1), id="3.2: a max_age of 0 waits for the TTL"),
    ],
)  # fmt: skip
def test_migration_waits_for_every_copy_that_may_defer(  # §8.3
    policy: str, options: dict[str, object], move: datetime
) -> None:
    made = migration(policy, **options)
    assert made.move_after == move
    assert next(step for step in made.steps if "(MX)" in step.where).when == move
    if policy == NONE:
        assert (made.policy, made.policy_after) == ("", "")


def test_what_they_say() -> None:
    plans = {
        "removal": removal(earlier=[("2026-02-01", 30 * DAY)]),
        "removal, in mode none already": removal("version: STSv1\nmode: none\nmax_age: 604800\n"),
        "migration": migration(),
        "migration in testing": migration(POLICY.replace("enforce", "testing")),
    }
    golden.check(Path(__file__).with_name("other_plans.txt"), plans)


def test_what_is_proposed_validates() -> None:
    made = migration()
    for text, record in ((made.policy, made.record), (made.policy_after, made.record_after)):
        assert not validate(record=record, policy=text, mx_hosts=["mx1.nordwind.example"]).errors
    assert not validate(record=removal().record, policy=removal().policy).errors


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"new": []}, ValueError, "names no host"),
        ({"new": ["http://mx"]}, PolicyError, "not a host name"),
        ({"new": ["192.0.2.1"]}, PolicyError, "not a host name"),
        ({"new": [f"mx{n}.nordwind.example" for n in range(101)]}, ValueError, "at most 100"),
        ({"policy": "version: STSv1\nmode: none\nmax_age: 86400\n"}, PolicyError, "allows every host"),
        ({"mx_ttl": -5}, ValueError, "mx_ttl"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_bad_input_says_what_was_expected(options: dict[str, object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        migration(**options)


def test_shown_in_a_notebook() -> None:
    html = removal(earlier=[("2026-02-01", 30 * DAY)])._repr_html_()
    assert html.count("<li>") == 6
    assert "<caption>" in html
    assert "<li>" in migration()._repr_html_()
