"""plan_rollback: the file first, then the id; texts that validate; dates that count from an injected clock."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.errors import PolicyError
from mtasts_nb.policy import Policy, parse_policy, parse_sts_record, validate
from mtasts_nb.rollout import RollbackPlan, calendar, plan_rollback
from mtasts_nb.vocabulary import Mode
from tests import golden

NOW = datetime(2026, 2, 8, 18, 0, tzinfo=UTC)  # a Sunday
POLICY = "version: STSv1\nmode: enforce\nmx: mx1.nordwind.example\nmx: *.nordwind.example\nmax_age: 604800\n"
RECORD = "v=STSv1; id=20260201090000;"
DAY = 86_400


def plan(
    policy: object = POLICY, record: object = RECORD, ttl: object = 3600, *more: object, **options: object
) -> RollbackPlan:
    return plan_rollback(policy, record, ttl, *more, now=lambda: NOW, **{"domain": "nordwind.example", **options})  # type: ignore[arg-type]


def test_the_file_comes_before_the_id() -> None:  # RFC 8461 §8.1
    made = plan()
    places = [step.where for step in made.steps if step.text]
    assert places == ["https://mta-sts.nordwind.example/.well-known/mta-sts.txt", "_mta-sts.nordwind.example (TXT)"]
    assert [step.text for step in made.steps if step.text] == [made.policy, made.record]
    assert made.steps[0].rfc == "RFC 8461 §8.1"


def test_mode_testing_a_day_and_the_same_hosts() -> None:
    after = parse_policy(plan().policy)
    assert (after.mode, after.max_age) == (Mode.TESTING, DAY)
    assert after.mx == ("mx1.nordwind.example", "*.nordwind.example")


def test_unknown_fields_of_policy_and_record_stay() -> None:  # §3.1, §3.2: extensions
    made = plan(POLICY + "owner: postmaster\n", "v=STSv1; id=1; note=ours;")
    assert parse_policy(made.policy).extensions == (("owner", "postmaster"),)
    assert parse_sts_record(made.record).extensions == (("note", "ours"),)


@pytest.mark.parametrize(
    "record",
    ["v=STSv1; id=20260208180000;", "v=STSv1; id=20260208180000", ["v=spf1 -all", "v=STSv1; id=20260208180000;"]],
    ids=["now", "no-semicolon", "beside-spf"],
)
def test_the_id_is_never_the_present_one(record: object) -> None:  # §3.1: senders compare ids
    assert parse_sts_record(plan(POLICY, record).record).id == "20260208180001"


def test_the_calendar_begins_with_the_record_of_the_plan_and_repeats_no_id() -> None:
    made = plan()
    ids = [parse_sts_record(phase.record).id for phase in made.calendar.phases]
    assert made.calendar.phases[0].record == made.record
    assert len({*ids, parse_sts_record(RECORD).id}) == 5


def test_the_phases_that_guides_name() -> None:
    phases = plan().calendar.phases
    assert [(phase.mode.value, phase.max_age) for phase in phases] == [
        ("testing", DAY), ("testing", 7 * DAY), ("enforce", 7 * DAY), ("enforce", 30 * DAY)
    ]  # fmt: skip
    # Clean from Monday 9 February; two weeks and two days for late reports give Wednesday the 25th.
    assert [phase.not_before.date() for phase in phases] == [
        date(2026, 2, 8), date(2026, 2, 25), date(2026, 3, 4), date(2026, 4, 6)
    ]  # fmt: skip


def test_a_later_fix_moves_the_calendar() -> None:
    made = plan(fixed_at="2026-02-12T10:00")
    assert made.calendar.clean_from == date(2026, 2, 13)
    assert made.calendar.phases[0].not_before == NOW
    assert made.calendar.phases[1].not_before.date() == date(2026, 3, 2)  # Sunday 1 March is put off to Monday


@given(minutes=st.integers(0, 3_000_000), days=st.integers(1, 60))
def test_nothing_is_changed_before_a_weekend(minutes: int, days: int) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    made = calendar(parse_policy(POLICY), None, start, clean_days=days, enforce_days=days)
    assert all(phase.not_before.weekday() <= 3 for phase in made.phases[1:])
    moments = [phase.not_before for phase in made.phases]
    assert moments == sorted(moments)
    assert moments[1].date() >= made.clean_from + timedelta(days=days)


def test_what_is_proposed_validates() -> None:
    made = plan()
    assert made.findings.codes == ()
    for phase in made.calendar.phases:
        assert not validate(record=phase.record, policy=phase.policy).errors


def test_dates_count_from_the_clock_given() -> None:
    assert plan().made == plan().steps[0].when == NOW
    naive = plan_rollback(POLICY, RECORD, 0, now=lambda: datetime(2026, 2, 8, 18, 0))  # noqa: DTZ001
    assert naive.made == NOW


@pytest.mark.parametrize(
    ("options", "hours"),
    [
        pytest.param({"policy": POLICY.replace("604800", "2592000")}, 7 * 24, id="5.1: bounced after a week, before the policy expires"),
        pytest.param({"previous_max_age": 30 * DAY}, 7 * 24, id="5.1: not the old max_age"),
        pytest.param({"policy": POLICY.replace("604800", "86400")}, 24, id="3.2: a policy of a day"),
        pytest.param({"blocked_since": "2026-02-06T18:00"}, 7 * 24, id="5.1: some sender's first message came just now"),
        pytest.param({"blocked_since": date(2026, 1, 1)}, 7 * 24, id="5.1: and so it is after a month"),
        pytest.param({"policy": POLICY.replace("604800", "2592000"), "ttl": 9 * DAY}, 9 * 24, id="8.1: a TTL longer than the queue"),
        pytest.param(
            {"policy": POLICY.replace("604800", "86400"), "earlier": [("2026-02-03T18:00", 7 * DAY)]},
            2 * 24,
            id="8.3: an earlier policy outlasts the present one",
        ),
    ],
)  # fmt: skip
def test_the_worst_case(options: dict[str, object], hours: int) -> None:
    made = plan(**options)
    assert made.forecast.hours_until(1.0, "worst") == pytest.approx(
        hours + 6 + 1 / 60
    )  # the last wait between two attempts, and a fetch


@pytest.mark.parametrize(
    ("blocked_since", "first"),
    [
        pytest.param("2026-02-08T09:00", datetime(2026, 2, 9, 9, tzinfo=UTC), id="this morning"),
        pytest.param("2026-02-06T18:00", datetime(2026, 2, 7, 18, tzinfo=UTC), id="already past"),
        pytest.param("2026-03-01T00:00", datetime(2026, 2, 9, 18, tzinfo=UTC), id="in the future: now"),
        pytest.param(None, None, id="not known"),
    ],
)
def test_when_the_first_mail_bounces(blocked_since: str | None, first: datetime | None) -> None:
    made = plan(blocked_since=blocked_since)
    assert [(bounce.product, bounce.after.days) for bounce in made.bounces] == [
        ("Exchange Online", 1), ("Exim", 4), ("Postfix", 5), ("KumoMTA", 7)
    ]  # fmt: skip
    assert made.bounces[0].at == first
    assert "Exchange Online" in str(made)
    assert ("already past" in str(made)) == (first is not None and first < NOW)
    assert not re.search(r"(not|never|no mail is|none is) lost|without loss", str(made), re.IGNORECASE)


def test_what_it_says() -> None:
    plans = {
        "a week": plan(),
        "an earlier policy of a month": plan(previous_max_age=30 * DAY),
        "a day, in testing already": plan(POLICY.replace("604800", "86400").replace("enforce", "testing")),
    }
    golden.check(Path(__file__).with_name("rollback.txt"), plans)


def test_a_policy_with_faults_is_read_as_far_as_it_can_be() -> None:
    made = plan("version: STSv1\nmode: enforced\nmx: mx1.nordwind.example.\nmax-age: 604800\n")
    assert parse_policy(made.policy).mx == ("mx1.nordwind.example",)
    assert "3 errors" in made.notes[0]
    assert "previous_max_age" in made.notes[0]


def test_a_record_that_senders_ignore_is_noted() -> None:  # §3.1
    for record in ("v=STS1; id=1", ["v=STSv1; id=1;", "v=STSv1; id=2;"]):
        assert plan(POLICY, record).notes[0].startswith("Senders ignore the record")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"policy": "<html>"}, PolicyError, "STSv1|policy|HTML"),
        ({"policy": "version: STSv1\nmode: none\nmax_age: 86400\n"}, PolicyError, "nothing to roll"),
        ({"ttl": -1}, ValueError, "ttl is -1"),
        ({"ttl": float("nan")}, ValueError, "ttl is nan"),
        ({"ttl": True}, ValueError, "ttl is True"),
        ({"previous_max_age": 10**9}, ValueError, "previous_max_age"),
        ({"earlier": [("last week", 60)]}, ValueError, "expected a day as 2026-09-01"),
        ({"blocked_since": "yesterday"}, ValueError, "yesterday"),
        ({"domain": "not a domain"}, ValueError, "expected a domain name"),
    ],
    ids=lambda value: str(value)[:24],
)  # fmt: skip
def test_bad_input_says_what_was_expected(options: dict[str, object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        plan(**options)


def test_hostile_texts_are_shown_as_text() -> None:
    bad = "<script>alert(1)</script>"
    made = plan(POLICY + f"note: {bad}\n", f"v=STSv1; id=2026<b>; x={bad}")
    html = made._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "\x1b" not in str(plan(POLICY, "v=STSv1; id=\x1b[31m"))


def test_as_table_and_as_text() -> None:
    made = plan()
    frame = made.to_frame()
    assert frame["step"].tolist() == list(range(1, len(made.steps) + 1))
    assert str(frame["when"].dtype) == "datetime64[us, UTC]"
    assert frame["when"].is_monotonic_increasing
    assert repr(made) == "<RollbackPlan for nordwind.example: 5 steps, the first 2026-02-08 18:00 UTC>"
    assert all(len(line) <= 100 for line in str(made).splitlines() if "v=STSv1" not in line)
    assert made.calendar.to_frame()["max_age"].tolist() == [DAY, 7 * DAY, 7 * DAY, 30 * DAY]


def test_a_parsed_policy_will_do() -> None:
    made = plan(
        Policy(mode=Mode.ENFORCE, max_age=DAY, mx=("mx1.nordwind.example",)),
        parse_sts_record(RECORD),
        timedelta(hours=1),
    )
    assert parse_policy(made.policy).mx == ("mx1.nordwind.example",)
