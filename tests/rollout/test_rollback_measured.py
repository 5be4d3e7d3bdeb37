"""What reports show of earlier changes: the shares that a forecast takes from them, and the curve to compare with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

import mtasts_nb as sts
from mtasts_nb.analysis import PolicyHistory, policy_history
from mtasts_nb.policy import parse_policy
from mtasts_nb.reports import Archive
from mtasts_nb.rollout import SenderModel, adoption_table, measured_propagation
from mtasts_nb.rollout._measured import calibrated, served_before

DAY = 86_400
NOW = datetime(2026, 4, 20, 9, 0, tzinfo=UTC)
POLICY = "version: STSv1\nmode: enforce\nmx: mx1.nordwind.example\nmax_age: 604800\n"


def archive(days: dict[str, dict[int, list[str | None]]]) -> Archive:
    """Reporters with the modes of the policies that they applied by day; None: a report without a policy-string."""
    reports = []
    for name, told in days.items():
        for day, modes in told.items():
            date = (datetime(2026, 3, 1) + timedelta(days=day)).date().isoformat()  # noqa: DTZ001 - a date
            policies: list[dict[str, object]] = []
            for mode in modes:
                lines = ["version: STSv1", f"mode: {mode}", "mx: mx1.nordwind.example", f"max_age: {7 * DAY}"]
                policy = {
                    "policy-type": "sts",
                    "policy-domain": "nordwind.example",
                    "policy-string": lines if mode else [],
                }
                counts = {"total-successful-session-count": 50, "total-failure-session-count": 0}
                policies.append({"policy": policy, "summary": counts})
            if policies:
                span = {"start-datetime": f"{date}T00:00:00Z", "end-datetime": f"{date}T23:59:59Z"}
                reports.append(
                    {"organization-name": name, "report-id": f"{date}-{name}", "date-range": span, "policies": policies}
                )
    return sts.load(json.dumps(reports).encode(), progress=False)


def history(delays: dict[str, int], changes: int = 3, every: int = 12) -> PolicyHistory:
    """Reporters that see each change so many days after the first of them; the mode changes to and fro."""
    reports = []
    for day in range((changes + 1) * every):
        date = (datetime(2026, 3, 1) + timedelta(days=day)).date().isoformat()  # noqa: DTZ001 - a date
        for name, late in delays.items():
            mode = ("testing", "enforce")[(max(0, day - late) // every) % 2]
            text = ["version: STSv1", f"mode: {mode}", "mx: mx1.nordwind.example", f"max_age: {7 * DAY}"]
            policy = {"policy-type": "sts", "policy-domain": "nordwind.example", "policy-string": text}
            counts = {"total-successful-session-count": 50, "total-failure-session-count": 0}
            reports.append(
                {
                    "organization-name": name,
                    "report-id": f"{date}-{name}",
                    "date-range": {"start-datetime": f"{date}T00:00:00Z", "end-datetime": f"{date}T23:59:59Z"},
                    "policies": [{"policy": policy, "summary": counts}],
                }
            )
    return policy_history(sts.load(json.dumps(reports).encode(), progress=False), "nordwind.example")


def test_quick_reporters_make_a_quick_forecast_and_slow_ones_a_slow_one() -> None:
    quick = calibrated(history({f"quick {n}": 0 for n in range(8)}), SenderModel(), 300)
    slow = calibrated(history({"quick": 0, **{f"slow {n}": 5 for n in range(8)}}), SenderModel(), 300)
    assert quick.reporters == 8
    assert slow.reporters == 9
    assert quick.at_each_attempt > 0.45
    assert quick.at_expiry < 0.12
    assert slow.at_expiry > 0.6
    assert all(sum(model.shares) == pytest.approx(1) for model in (quick, slow))


def test_a_few_reporters_move_the_shares_a_little() -> None:
    one = calibrated(history({"quick": 0, "slow": 5}), SenderModel(), 300)
    many = calibrated(history({"quick": 0, **{f"slow {n}": 5 for n in range(20)}}), SenderModel(), 300)
    assert 0.25 < one.at_expiry < many.at_expiry


def test_without_a_change_nothing_is_learnt() -> None:
    change = history({"one": 0, "two": 0}, changes=0)
    assert calibrated(change, SenderModel(), 300) == SenderModel()
    assert calibrated(policy_history(Archive()), SenderModel(), 300) == SenderModel()


def test_the_curve_says_what_is_sure_and_what_is_possible() -> None:
    change = history({"one": 0, "two": 0, "three": 1, "four": 3}, changes=1)
    day = change.events["day"].iloc[-1].to_pydatetime()
    seen = measured_propagation(change, int(change.events["event"].iloc[-1]), day + timedelta(hours=10))
    assert list(seen.columns) == ["hours", "share_at_least", "share_at_most"]
    assert seen["hours"].iloc[0] == 0.0
    assert seen["hours"].is_monotonic_increasing
    assert (seen["share_at_least"] <= seen["share_at_most"]).all()
    # By the end of the day, 14 hours on, two have it for sure.
    assert seen[seen["hours"] <= 13.9]["share_at_least"].max() == 0
    assert seen.set_index("hours")["share_at_least"][14.0] == 0.5
    assert seen["share_at_least"].iloc[-1] == 1.0


def test_an_unknown_event_is_named() -> None:
    with pytest.raises(ValueError, match="event is 9"):
        measured_propagation(history({"one": 0}, changes=1), 9, NOW)
    with pytest.raises(ValueError, match="event is 9"):
        adoption_table(history({"one": 0}, changes=1), 9)


def test_how_far_each_reporter_is() -> None:
    change = history({"one": 0, "three": 3}, changes=1)
    table = adoption_table(change, int(change.events["event"].iloc[-1]))
    assert "mode testing → enforce" in table.caption
    assert table.frame[["organization_name", "days_at_most"]].to_numpy().tolist() == [["one", 0], ["three", 3]]


def test_the_sample_measured(sample: Archive) -> None:
    change = policy_history(sample, "suedwind.example")
    rollback = change.events[change.events["policy_mode"].eq("testing") & change.events["mode_before"].eq("enforce")]
    seen = measured_propagation(change, int(rollback["event"].iloc[0]), datetime(2026, 9, 9, 10, 55, tzinfo=UTC))
    # Three of four had it on the day itself. The last sent no report between 11 and 14 September, when the next change came.
    assert seen[seen["hours"] <= 14]["share_at_least"].max() == 0.75
    assert (seen["share_at_least"].iloc[-1], seen["share_at_most"].iloc[-1]) == (0.75, 1.0)
    assert seen[seen["share_at_most"] == 1.0]["hours"].min() == pytest.approx(61 + 1 / 12)


def test_a_plan_takes_shares_and_earlier_policies_from_reports(sample: Archive) -> None:
    now = datetime(2026, 9, 9, 10, 40, tzinfo=UTC)
    until = sample.between(datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 9, 9, tzinfo=UTC))
    plain = sts.plan_rollback(POLICY, "v=STSv1; id=1;", 3600, domain="suedwind.example", now=lambda: now)
    change = sts.plan_rollback(POLICY, "v=STSv1; id=1;", 3600, None, until, domain="suedwind.example", now=lambda: now)
    assert plain.forecast.model.reporters == 0
    assert change.forecast.model.reporters == 4
    assert "measured from 4 reporters of this domain" in change.forecast.sentences()[-1]
    assert "measured: 4 reporters" in change.forecast._repr_html_()


@pytest.mark.parametrize("state", ["still old", "partly", "no report since"])
def test_a_reporter_that_has_not_applied_the_change(state: str) -> None:
    told = {"still old": ["testing"], "partly": ["testing", "enforce"], "no report since": []}[state]
    late = {day: ["testing"] if day < 9 else told for day in range(24)}
    source = archive({"quick": {day: ["testing" if day < 10 else "enforce"] for day in range(24)}, "late": late})
    assert policy_history(source).propagation["state"].tolist() == [state, "applied"]
    plans = [
        sts.plan_rollback(POLICY, None, 300, None, source, now=lambda: datetime(2026, 3, 25, tzinfo=UTC)),
        sts.plan_mx_migration(POLICY, None, 300, ["mx2.nordwind.example"], None, source, now=lambda: NOW),
    ]
    assert all(plan.forecast.model.reporters == 1 + (state != "no report since") for plan in plans)


@pytest.mark.parametrize(
    ("before", "now", "move"),
    [
        pytest.param("enforce", "testing", 7, id="testing was published since the last report"),
        pytest.param("enforce", "enforce", 7, id="the policy served now"),
        pytest.param("testing", "testing", 0, id="nothing in enforce"),
    ],
)
def test_migration_waits_for_what_reports_show(before: str, now: str, move: int) -> None:  # RFC 8461 §8.3
    source = archive({"one": {day: [before] for day in range(20)}})
    made = datetime(2026, 3, 21, tzinfo=UTC)
    policy = POLICY.replace("enforce", now)
    plan = sts.plan_mx_migration(policy, None, 300, ["mx2.nordwind.example"], None, source, now=lambda: made)
    assert plan.move_after == made + (timedelta(days=move) or timedelta(seconds=300))
    covered = sts.plan_mx_migration(policy, None, 300, ["mx1.nordwind.example"], None, source, now=lambda: made)
    assert covered.move_after == made


def test_who_may_still_defer_is_named() -> None:  # RFC 8461 §5: only senders with a policy in enforce cached
    days = {"Old": ["enforce"], "New": ["testing"], "Blind": [None]}
    source = archive({name: {d: modes if d > 9 else ["enforce"] for d in range(14)} for name, modes in days.items()})
    made = datetime(2026, 3, 15, tzinfo=UTC)
    testing = POLICY.replace("enforce", "testing")
    for plan in (
        sts.plan_rollback(testing, None, 300, None, source, now=lambda: made),
        sts.plan_removal(testing, None, 300, None, source, now=lambda: made),
    ):
        assert "these senders may have a policy in enforce cached: Blind and Old." in " ".join(plan.notes)
    later = policy_history(source).enforcing(made + timedelta(days=30))
    assert later.empty


def test_removal_waits_for_what_reports_show_to_have_been_served(sample: Archive) -> None:
    now = datetime(2026, 10, 20, tzinfo=UTC)
    short = "version: STSv1\nmode: enforce\nmx: mx1.suedwind.example\nmax_age: 86400\n"
    week = policy_history(sample, "suedwind.example")
    # First seen on 9 September, in a report that ends on the 11th at the latest.
    replaced = served_before(week, parse_policy(short), datetime(2026, 9, 12, tzinfo=UTC))
    assert (datetime(2026, 9, 11, tzinfo=UTC), 7 * DAY, "enforce") in [one[:3] for one in replaced]
    plan = sts.plan_removal(
        short, None, 300, None, sample, domain="suedwind.example", now=lambda: datetime(2026, 9, 12, tzinfo=UTC)
    )
    assert plan.delete_after == datetime(2026, 9, 18, tzinfo=UTC)
    assert "according to reports" in str(plan)
    assert (
        sts.plan_removal(short, None, 300, None, sample, domain="suedwind.example", now=lambda: now).delete_after > now
    )


def test_reports_about_several_domains_need_a_name(sample: Archive) -> None:
    with pytest.raises(ValueError, match="name one as domain"):
        sts.plan_rollback(POLICY, None, 300, None, sample)
