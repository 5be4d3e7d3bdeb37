"""`policy_history` against what the fleet of senders really held, and small cases told day by day."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb.analysis import PolicyHistory
from mtasts_nb.reports import Archive
from tests import golden
from tests.fleet.archives import SEED, written_reports
from tests.fleet.pack import WrittenReport
from tests.fleet.roster import senders
from tests.fleet.scenarios import scenario
from tests.fleet.senders import Correspondence
from tests.fleet.world import DAY, FIRST_DAY, SAMPLE_DAYS, StsPolicy, Timeline, world

SILENT = "Sosna Mail"  # its dialect has no policy-string
FIRST = date(2026, 3, 1)
Told = Mapping[str, Mapping[int, Iterable[tuple[str, int, str]] | None]]
A = ("testing", 1, "mx1")
B = ("enforce", 1, "mx1")
C = ("enforce", 7, "mx1")


def number(moment: pd.Timestamp) -> int:
    return int(moment.timestamp()) // DAY


def meaning(policy: StsPolicy) -> tuple[str, int, tuple[str, ...]]:
    return policy.mode, policy.max_age, tuple(sorted(policy.mx))


def applied(history: PolicyHistory) -> dict[tuple[str, str, int, Any], list[int]]:
    """Sessions and failed sessions by domain, reporter, day and policy."""
    rows = history.table[history.table["state"] == "applied"].itertuples()
    return {
        (row.policy_domain, row.organization_name, number(row.day), (row.policy_mode, row.policy_max_age, tuple(row.mx.split("\n")))):
        [row.sessions, row.failed]
        for row in rows
    }  # fmt: skip


def published(timeline: Timeline) -> list[tuple[int, tuple[str, int, tuple[str, ...]]]]:
    """The moments at which another policy was published, with the policy; a change of its id alone is none."""
    found: list[tuple[int, tuple[str, int, tuple[str, ...]]]] = []
    for instant, state in zip(timeline.instants, timeline.states, strict=True):
        if state.policy and (not found or found[-1][1] != meaning(state.policy)):
            found.append((instant, meaning(state.policy)))
    return found


def day(offset: int) -> pd.Timestamp:
    return pd.Timestamp(FIRST + timedelta(days=offset), tz="UTC")


def archive(days: Told, domain: str = "nordwind.example") -> Archive:
    """An archive from what each reporter applied by day; None: a report without a policy-string; (): none found."""
    return sts.load(*reports(days, domain), progress=False)


def reports(days: Told, domain: str) -> list[bytes]:
    blobs = []
    for reporter, told in days.items():
        for offset, policies in told.items():
            entries: list[dict[str, Any]] = []
            for mode, age, mx in policies or ():
                lines = [
                    "version: STSv1",
                    f"mode: {mode}",
                    *(f"mx: {one}.{domain}" for one in mx.split()),
                    f"max_age: {age * DAY}",
                ]
                entries.append({"policy-type": "sts", "policy-domain": domain, "policy-string": lines})
            if not entries:
                kind = "sts" if policies is None else "no-policy-found"
                entries.append({"policy-type": kind, "policy-domain": domain})
            blobs.append(report(reporter, offset, entries))
    return blobs


def report(reporter: str, offset: int, policies: Iterable[Mapping[str, Any]]) -> bytes:
    when = (FIRST + timedelta(days=offset)).isoformat()
    summary = {"total-successful-session-count": 5, "total-failure-session-count": 0}
    return json.dumps(
        {
            "organization-name": reporter, "contact-info": "tls@post.example", "report-id": f"{reporter} {when}",
            "date-range": {"start-datetime": f"{when}T00:00:00Z", "end-datetime": f"{when}T23:59:59Z"},
            "policies": [{"policy": dict(policy), "summary": summary} for policy in policies],
        }
    ).encode()  # fmt: skip


def span(*parts: tuple[int, int, Any]) -> dict[int, Any]:
    """Days from, up to and including, and what was applied on them."""
    return {day: what for first, last, what in parts for day in range(first, last + 1)}


# -- the sample, against the model that made it


@pytest.fixture(scope="module")
def written() -> list[WrittenReport]:
    full = frozenset({35, 36})  # the days of the sample on which the mailbox was over quota
    return list(written_reports(world(), senders(), seed=SEED, days=SAMPLE_DAYS, mailbox_full=full))


@pytest.fixture(scope="module")
def history(sample: Archive) -> PolicyHistory:
    return sts.policy_history(sample)


def test_the_table_is_what_each_sender_held_by_day_session_for_session(
    history: PolicyHistory, written: list[WrittenReport], sample: Archive
) -> None:
    held: dict[tuple[str, str, int, Any], list[int]] = {}
    for one in written:
        for row in one.sender_day.rows.values():
            if (
                row.policy
                and row.policy_type == "sts"
                and row.successes + row.failed
                and one.sender_day.sender.name != SILENT
            ):
                key = (one.sender_day.domain, one.sender_day.sender.name, one.sender_day.day, meaning(row.policy))
                counts = held.setdefault(key, [0, 0])
                counts[0] += row.successes + row.failed
                counts[1] += row.failed
    # In the sample some contradict one another about counts, and one is cut off; as they were written none is.
    plain = sts.policy_history(sts.load(b"\n".join(one.body for one in written), progress=False, workers=1))
    assert applied(plain) == held
    assert applied(history).keys() <= held.keys()
    assert len(held) - len(applied(history)) <= len(sample.rejects)


def test_a_reporter_without_policy_strings_is_not_observed_never_guessed(history: PolicyHistory) -> None:
    mine = history.table[history.table["organization_name"] == SILENT]
    assert set(mine["state"]) == {"not observed", "no policy found"}
    assert mine["policy"].isna().all()
    assert set(history.propagation.query("organization_name == @SILENT")["state"]) == {"not observed"}
    assert set(history.unobserved["organization_name"]) == {SILENT}


@pytest.mark.parametrize("domain", ["nordwind.example", "suedwind.example"])
def test_every_change_of_the_sample_is_found_on_the_first_day_that_a_sender_held_it(
    history: PolicyHistory, written: list[WrittenReport], domain: str
) -> None:
    changes = published(world()[domain])
    # nordwind's first policy was there before any report; before suedwind's, reporters found none.
    changes = changes[1:] if domain == "nordwind.example" else changes
    mine = history.events[history.events["policy_domain"] == domain]
    assert [(row.policy_mode, row.policy_max_age, tuple(row.mx.split("\n"))) for row in mine.itertuples()] == [
        policy for _, policy in changes
    ]
    for (instant, policy), event in zip(changes, mine.itertuples(), strict=True):
        first = min(
            one.sender_day.day
            for one in written
            for row in one.sender_day.rows.values()
            if one.sender_day.domain == domain
            and one.sender_day.sender.name != SILENT
            and one.sender_day.day >= instant // DAY
            if row.policy and meaning(row.policy) == policy and row.successes + row.failed
        )
        assert number(event.day) == first
        assert first - instant // DAY in (0, 1)


def test_the_rollback_of_the_sample_reporter_by_reporter(history: PolicyHistory) -> None:
    event = history.events.query("policy_domain == 'suedwind.example' and mode_before == 'enforce'").iloc[0]
    assert event["day"] == pd.Timestamp("2026-09-09", tz="UTC")
    assert event["what"] == "mode enforce → testing; max_age 7 days → 1 day"
    assert event["changed"] == "mode, max_age"
    mine = history.propagation[history.propagation["event"] == event["event"]].set_index("organization_name")
    for name in ("Grosskontor Post", "Meridian Mail Cloud", "Freistil Mailserver Genossenschaft"):
        assert mine.loc[name, ["state", "days_at_least", "days_at_most"]].tolist() == ["applied", 0, 0]
    # It reported enforce about Friday the 11th, nothing about the weekend, testing about Monday.
    talweg = mine.loc["Talweg Secure Gateway"]
    assert (talweg["last_old"].day, talweg["first_new"].day) == (11, 14)
    assert (talweg["days_at_least"], talweg["days_at_most"]) == (3, 5)
    curve = history.curve(int(event["event"]))
    # On the 14th the next change was already there.
    assert curve[["days", "applied", "still_old", "cannot_tell"]].to_numpy().tolist() == [
        [0, 3, 1, 0], [1, 3, 1, 0], [2, 3, 1, 0], [3, 3, 0, 1], [4, 3, 0, 1],
    ]  # fmt: skip
    assert curve["share_at_least"].tolist()[-1] == 0.75
    assert curve["share_at_most"].tolist()[-1] == 1.0


def test_a_sender_that_no_longer_looks_at_mta_sts_is_not_behind(history: PolicyHistory) -> None:
    # Freistil reports under tlsa alone since suedwind has TLSA records.
    row = history.reporters.query(
        "policy_domain == 'suedwind.example' and organization_name.str.startswith('Freistil')"
    )
    assert row["state"].tolist() == ["no report since"]
    assert row["last_report"].iloc[0] > row["last_observed"].iloc[0]
    assert history.behind.empty


@pytest.mark.parametrize("number_of_world", range(4))
def test_in_random_worlds_each_change_is_found_and_each_takeover_lies_where_it_is_said_to(number_of_world: int) -> None:
    made = scenario(number_of_world, days=90)
    seed = _seed_of(made)
    history = sts.policy_history(sts.load(made.ndjson(), progress=False, workers=1))
    for domain, timeline in made.timelines.items():
        events = history.events[history.events["policy_domain"] == domain]
        changes = published(timeline)[1:]
        assert [(row.policy_mode, row.policy_max_age, tuple(row.mx.split("\n"))) for row in events.itertuples()] == [
            policy for _, policy in changes
        ]
        for (instant, policy), event in zip(changes, events.itertuples(), strict=True):
            assert number(event.day) - instant // DAY in (0, 1)
            roster = {sender.name: sender for sender in made.roster}
            mine = history.propagation[history.propagation["event"] == event.event]
            for row in mine[mine["state"] == "applied"].itertuples():
                life = Correspondence(roster[row.organization_name], timeline, seed)
                done = _applied_on(life, policy, instant // DAY, made.days)
                assert row.days_at_least <= done - number(event.day) <= row.days_at_most, row


def _seed_of(made: Any) -> int:
    """The seed with which the senders of a scenario lived: that whose first report is the scenario's."""
    for attempt in range(64):
        again = next(iter(written_reports(made.timelines, made.roster, seed=made.seed * 64 + attempt, days=made.days)))
        if again.body == made.reports[0].body:
            return int(made.seed * 64 + attempt)
    raise AssertionError("no attempt gives these reports")


def _applied_on(life: Correspondence, policy: Any, since: int, days: int) -> int:
    """The day on which a sender had taken a policy over: the first with it, of days whose report was lost too."""
    for told in life.days(FIRST_DAY, days):
        held = {meaning(row.policy) for row in told.rows.values() if row.policy}
        if told.day >= since and policy in held:
            return told.day
    raise AssertionError("it never held the policy")


# -- small cases


def whats(history: Any) -> list[tuple[int, str]]:
    return [(number(row.day) - number(day(0)), row.what) for row in history.events.itertuples()]


def states(history: Any, event: int = 1) -> dict[str, tuple[Any, ...]]:
    mine = history.propagation[history.propagation["event"] == event].astype(object)
    return {
        row.organization_name: (row.state, *(None if pd.isna(v) else v for v in (row.days_at_least, row.days_at_most)))
        for row in mine.itertuples()
    }


ENFORCED = "mode testing → enforce"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param(span((0, 4, [A]), (5, 9, [B])), ("applied", 0, 0), id="from one day to the next"),
        pytest.param(span((0, 4, [A]), (5, 5, [A, B]), (6, 9, [B])), ("applied", 0, 0), id="both on the day of change"),
        pytest.param(span((0, 4, [A]), (8, 9, [B])), ("applied", 0, 3), id="no report for three days"),
        pytest.param(span((0, 6, [A]), (7, 9, [B])), ("applied", 2, 2), id="two days late"),
        pytest.param(span((0, 4, [A]), (5, 8, [A, B]), (9, 9, [B])), ("applied", 3, 3), id="machine by machine"),
        pytest.param(span((0, 4, [A]), (5, 9, [A, B])), ("partly", 4, None), id="half of it not yet"),
        pytest.param(span((0, 4, [A]), (5, 6, [B]), (7, 7, [A, B]), (8, 9, [B])), ("applied", 2, 2), id="one machine late"),
        pytest.param(span((0, 9, [A])), ("still old", 5, None), id="not yet"),
        pytest.param(span((0, 3, [A])), ("no report since", None, None), id="silent since"),
        pytest.param(span((0, 5, [A])), ("no report since", 1, None), id="silent since, a day late: not observed, not still old"),
        pytest.param(span((6, 9, [B])), ("began with it", None, None), id="first report has it"),
        pytest.param(span((0, 9, None)), ("not observed", None, None), id="no policy-string"),
        pytest.param(span((0, 9, [C])), ("another policy", None, None), id="a policy that nobody else has"),
        pytest.param(span((0, 4, [A]), (5, 6, ()), (7, 9, [B])), ("applied", 0, 2), id="none found in between"),
    ],
)  # fmt: skip
def test_how_one_reporter_stands_to_a_change(told: dict[int, Any], expected: tuple[Any, ...]) -> None:
    usual = span((0, 4, [A]), (5, 5, [A, B]), (6, 9, [B]))
    history = sts.policy_history(archive({"Usual": usual, "Usual Too": usual, "This": told}))
    assert whats(history) == [(5, ENFORCED)]
    assert states(history)["This"] == expected
    assert states(history)["Usual"] == ("applied", 0, 0)


def test_a_reporter_that_applies_a_later_one_at_once_skipped_the_first() -> None:
    usual = span((0, 2, [A]), (3, 5, [B]), (6, 9, [C]))
    history = sts.policy_history(archive({"Usual": usual, "This": span((0, 4, [A]), (7, 9, [C]))}))
    assert whats(history) == [(3, ENFORCED), (6, "max_age 1 day → 7 days")]
    assert states(history)["This"] == ("skipped", 2, 4)
    assert states(history, 2)["This"] == ("applied", 0, 1)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param({"One": span((0, 2, [C]), (3, 4, [A]), (5, 9, [C]))},
                     [(3, "mode enforce → testing; max_age 7 days → 1 day"), (5, "mode testing → enforce; max_age 1 day → 7 days")],
                     id="the only reporter goes back: published again"),
        pytest.param({name: span((0, 2, [C]), (3, 3, [C, A]), (4, 4, [A]), (5, 5, [A, C]), (6, 9, [C])) for name in ("One", "Two")},
                     [(3, "mode enforce → testing; max_age 7 days → 1 day"), (5, "mode testing → enforce; max_age 1 day → 7 days")],
                     id="two go back: published again, though it may be in a cache"),
        pytest.param({"One": span((0, 2, [C]), (3, 4, [A]), (5, 6, [C]), (7, 9, [A])), "Two": span((0, 2, [C]), (3, 9, [A]))},
                     [(3, "mode enforce → testing; max_age 7 days → 1 day")],
                     id="one of two goes back while it may be in a cache: an old cache (RFC 8461 §3.3)"),
        pytest.param({"One": span((0, 2, [A]), (3, 5, [C]), (6, 9, [A])), "Two": span((0, 2, [A]), (3, 9, [C]))},
                     [(3, "mode testing → enforce; max_age 1 day → 7 days"), (6, "mode enforce → testing; max_age 7 days → 1 day")],
                     id="one goes back to what no cache can hold: published again"),
        pytest.param({"One": span((0, 2, [A]), (3, 3, [A, B]), (4, 9, [A])), "Two": span((0, 9, [A]))},
                     [(3, ENFORCED), (3, "mode enforce → testing")],
                     id="a policy that was there for hours"),
        pytest.param({"One": span((0, 2, [A]), (3, 4, [A, B]), (5, 9, [A])), "Two": span((0, 9, [A]))},
                     [(3, ENFORCED), (4, "mode enforce → testing")],
                     id="a policy that was there for a day and hours"),
        pytest.param({"One": span((0, 2, [C]), (3, 4, [A]), (5, 9, [C]), (10, 12, [B])), "Two": span((0, 2, [C]), (3, 9, [A]), (10, 12, [B]))},
                     [(3, "mode enforce → testing; max_age 7 days → 1 day"), (5, "mode testing → enforce; max_age 1 day → 7 days"),
                      (10, "max_age 7 days → 1 day")],
                     id="one of two goes back, alone on each side, and not on to the newer again: it has fetched it"),
        pytest.param({"One": span((0, 2, [C]), (3, 4, [A]), (5, 9, [C])), "Two": span((0, 2, [C]), (3, 9, [A])), "Late": span((0, 7, [C]), (8, 9, [A]))},
                     [(3, "mode enforce → testing; max_age 7 days → 1 day")],
                     id="another comes to the newer after one went back: the newer is still published"),
        pytest.param({"One": span((0, 2, [C]), (3, 4, [A]), (5, 5, [C, A]), (6, 9, [B])), "Two": span((0, 2, [C]), (3, 4, [A]), (5, 5, [C, A]), (6, 9, [B]))},
                     [(3, "mode enforce → testing; max_age 7 days → 1 day"), (5, "mode testing → enforce; max_age 1 day → 7 days"),
                      (6, "max_age 7 days → 1 day")],
                     id="two go back for hours, and on to a third"),
        pytest.param({"One": span((0, 2, [C]), (3, 4, [A]), (5, 15, [C])), "Two": span((0, 2, [C]), (3, 15, [A]))},
                     [(3, "mode enforce → testing; max_age 7 days → 1 day"), (5, "mode testing → enforce; max_age 1 day → 7 days")],
                     id="one keeps what it went back to for longer than max_age: fetched again (RFC 8461 §3.2)"),
        pytest.param({"One": span((0, 2, [A]), (3, 5, [B]), (6, 19, [("testing", 1, "mx2")]), (20, 25, [B])),
                      "Slow": span((0, 18, [A]), (19, 25, [B]))},
                     [(3, ENFORCED), (6, "mode enforce → testing; mx mx1.nordwind.example → mx2.nordwind.example"),
                      (19, "mode testing → enforce; mx mx2.nordwind.example → mx1.nordwind.example")],
                     id="who comes to a policy long after it was replaced has fetched it: published again"),
    ],
)  # fmt: skip
def test_a_policy_that_comes_back(days: dict[str, Any], expected: list[tuple[int, str]]) -> None:
    assert whats(sts.policy_history(archive(days))) == expected


def test_of_two_new_policies_on_one_day_the_one_that_is_fetched_later_is_the_newer() -> None:  # RFC 8461 §3.2
    month = ("testing", 30, "mx1")
    days = {
        "A": span((0, 4, [B]), (5, 30, [C])),
        "B": span((0, 4, [B]), (5, 30, [month])),
        "C": span((0, 5, [B]), (6, 30, [C])),
    }
    # 7 days after day 5, C is still shown: it was fetched since. Names and texts decide nothing.
    assert [what for _, what in whats(sts.policy_history(archive(days)))] == [
        "mode enforce → testing; max_age 1 day → 30 days", "mode testing → enforce; max_age 30 days → 7 days",
    ]  # fmt: skip


def test_who_never_left_a_policy_that_came_back_is_not_behind() -> None:
    usual = span((0, 2, [C]), (3, 5, [A]), (6, 9, [C]))
    history = sts.policy_history(archive({"One": usual, "Two": usual, "Slow": span((0, 9, [C]))}))
    assert states(history, 1)["Slow"] == ("still old", 7, None)
    assert states(history, 2)["Slow"] == ("never left it", None, None)
    assert history.behind.empty


def test_a_policy_that_a_newcomer_shows_first_is_dated_by_it() -> None:
    history = sts.policy_history(archive({"Weekly": span((4, 4, [A]), (11, 11, [B])), "Newcomer": span((5, 12, [B]))}))
    assert whats(history) == [(5, ENFORCED)]
    assert states(history) == {"Weekly": ("applied", 0, 6), "Newcomer": ("began with it", None, None)}


def test_reports_that_begin_in_the_middle_of_a_change() -> None:
    history = sts.policy_history(archive({"Quick": span((0, 9, [B])), "Slow": span((0, 2, [A]), (3, 9, [B]))}))
    assert whats(history) == [(0, ENFORCED)]
    assert states(history)["Slow"] == ("another policy", None, None) or states(history)["Slow"][0] == "applied"


def test_the_first_policy_is_a_change_where_none_was_found_before() -> None:
    history = sts.policy_history(archive({"One": span((0, 2, ()), (3, 9, [A])), "Two": span((4, 9, [A]))}))
    assert whats(history) == [(3, "first policy: testing, max_age 1 day, mx mx1.nordwind.example")]
    assert states(history) == {"One": ("applied", 0, 0), "Two": ("began with it", None, None)}


def test_order_case_and_form_make_no_other_policy() -> None:
    def entry(*lines: str) -> dict[str, Any]:
        return {"policy-type": "sts", "policy-domain": "nordwind.example", "policy-string": list(lines)}

    forms = [
        entry("version: STSv1", "mode: enforce", "mx: mx1.nordwind.example", "mx: *.nordwind.example", "max_age: 86400"),
        entry("max_age: 86400", "mx: *.nordwind.example", "mx: mx1.nordwind.example", "version: STSv1", "mode: enforce"),
        entry("version:STSv1", "mode:  Enforce", "mx: MX1.Nordwind.example.", "mx:*.nordwind.example", "max_age: 086400"),
        entry("version: STSv1 mode: enforce mx: mx1.nordwind.example mx: *.nordwind.example max_age: 86400"),
        entry("version: STSv1\r\nmode: enforce\r\nmx: *.nordwind.example\r\nmx: mx1.nordwind.example\r\nmax_age: 86400\r\n"),
        entry("version: STSv1", "mode: enforce", "mx: mx1.nordwind.example", "mx: mx1.nordwind.example",
              "mx: *.nordwind.example", "max_age: 86400", "mode: none", "note: x"),
    ]  # fmt: skip
    history = sts.policy_history(sts.load(*(report("One", n, [form]) for n, form in enumerate(forms)), progress=False))
    assert len(history.policies) == 1
    assert history.events.empty
    assert history.policies["days"].tolist() == [len(forms)]


def test_half_a_policy_string_counts_as_told_and_makes_no_change() -> None:
    half = {"policy-type": "sts", "policy-domain": "nordwind.example", "policy-string": ["mode: testing"]}
    other = {**half, "policy-string": ["mode: enforce"]}
    halves = [report("Half", n, [half if n < 5 else other]) for n in range(10)]
    whole = reports({"One": span((0, 9, [B]))}, "nordwind.example")
    history = sts.policy_history(sts.load(*halves, *whole, progress=False))
    assert history.events.empty
    modes = history.table.query("organization_name == 'Half'")["policy_mode"].tolist()
    assert modes == ["testing"] * 5 + ["enforce"] * 5
    # Where nobody tells more, it is all that there is to go by.
    alone = sts.policy_history(sts.load(*halves, progress=False))
    assert [row.changed for row in alone.events.itertuples()] == ["mode"]


def test_what_is_told_under_tlsa_is_a_report_and_nothing_more() -> None:
    tlsa = {"policy-type": "tlsa", "policy-domain": "nordwind.example", "policy-string": ["3 1 1 5a1c9e07"]}
    lines = ["version: STSv1", "mode: enforce", "mx: mx1.nordwind.example", "max_age: 86400"]
    both = [tlsa, {"policy-type": "sts", "policy-domain": "nordwind.example", "policy-string": lines}]
    history = sts.policy_history(sts.load(report("One", 0, both), report("One", 1, [tlsa]), progress=False))
    assert [(row.day, row.state, row.sessions) for row in history.table.itertuples()] == [
        (day(0), "applied", 5),
        (day(1), "not observed", 5),
    ]
    assert history.reporters["last_observed"].tolist() == [day(0)]


def test_who_is_behind_and_until_when_a_cache_can_explain_it() -> None:
    usual = span((0, 4, [C]), (5, 9, [A]))
    history = sts.policy_history(
        archive({"One": usual, "Two": usual, "Slow": span((0, 9, [C])), "Gone": span((0, 3, [C]))})
    )
    assert history.behind["organization_name"].tolist() == ["Slow"]
    # Fetched on the day of the change at the latest, and kept for seven days.
    assert history.behind["cached_until"].tolist() == [day(5 + 1 + 7)] == history.events["cached_until"].tolist()
    assert history.reporters.set_index("organization_name").loc["Gone", "state"] == "no report since"


def test_files_that_differ_from_address_to_address_are_said_to_flap() -> None:
    def turns(first: int) -> dict[int, Any]:
        return {n: [A] if (n // 2 + first) % 2 else [B] for n in range(20)}

    history = sts.policy_history(archive({"One": turns(0), "Two": turns(0)}))
    assert "The policy went back and forth 8 times within a week." in " ".join(history.sentences)


def test_domains_do_not_mix() -> None:
    one = reports({"One": span((0, 4, [A]), (5, 9, [B]))}, "nordwind.example")
    both = sts.load(*one, *reports({"One": span((0, 9, [A]))}, "suedwind.example"), progress=False)
    assert whats(sts.policy_history(both)) == [(5, ENFORCED)]
    assert whats(sts.policy_history(both, "Suedwind.example.")) == []
    assert set(sts.policy_history(both, "suedwind.example").table["policy_domain"]) == {"suedwind.example"}


# -- several changes within a day: the order is what reporters show, never that of names (RFC 8461 §3.3)

SAME_DAY = [
    pytest.param([((0, 4, [A]), (5, 5, [A, B, C]), (6, 9, [C])), ((0, 4, [A]), (5, 5, [A, C]), (6, 9, [C]))], [A, B, C], id="one shows all three"),
    pytest.param([((0, 4, [A]), (5, 5, [A, B]), (6, 9, [C])), ((0, 4, [A]), (5, 5, [A, C]), (6, 9, [C]))], [A, B, C], id="one shows the one between"),
    pytest.param([((0, 4, [A]), (5, 5, [B]), (6, 9, [C])), ((0, 4, [A]), (5, 9, [C])), ((0, 4, [A]), (5, 5, [A, C]), (6, 9, [C]))], [A, B, C],
                 id="whole days"),
    pytest.param([((0, 4, [C]), (5, 5, [B, C]), (6, 9, [A])), ((0, 4, [C]), (5, 5, [A, C]), (6, 9, [A]))], [C, B, A], id="back"),
    pytest.param([((0, 4, [A]), (5, 5, [A, B]), (6, 9, [A])), ((0, 4, [A]), (5, 5, [A, B]), (6, 9, [A]))], [A, B, A], id="there and back"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "order"), SAME_DAY)
@pytest.mark.parametrize("backwards", [False, True])
def test_changes_of_one_day(told: list[Any], order: list[Any], backwards: bool) -> None:
    names = [f"Post {n}" for n in range(len(told))]
    named = dict(zip(reversed(names) if backwards else names, (span(*parts) for parts in told), strict=True))
    events = sts.policy_history(archive(named)).events
    shown = [(events["mode_before"].iloc[0], events["max_age_before"].iloc[0])]
    shown += list(zip(events["policy_mode"], events["policy_max_age"], strict=True))
    assert shown == [(mode, age * DAY) for mode, age, _ in order]
    assert number(events["day"].iloc[0]) == number(day(5))


def test_a_policy_that_was_removed() -> None:  # RFC 8461 §8.3
    days = {"One": span((0, 4, [B]), (5, 19, ())), "Two": span((0, 9, [B]), (10, 19, ())), "Gone": span((0, 6, [B]))}
    history = sts.policy_history(archive(days))
    views = history.reporters.set_index("organization_name")["state"].to_dict()
    assert views == {"One": "no policy found", "Two": "no policy found", "Gone": "no report since"}
    assert history.behind.empty
    assert history.without_policy["organization_name"].tolist() == ["One", "Two"]
    assert "In the last report, One and Two find no policy." in history.sentences
    # Gone may defer mail until its copy expires, a day after its last report ended.
    ask = [history.enforcing(day(offset).to_pydatetime()) for offset in (8, 10)]
    assert [sorted(rows["organization_name"]) for rows in ask] == [["Gone"], []]
    again = sts.policy_history(archive({"One": span((0, 4, [B]), (5, 19, ()), (20, 25, [A]))}))
    assert [(offset, what.partition(":")[0].partition(" (")[0]) for offset, what in whats(again)] == [
        (5, "no policy found any more"),
        (20, "a policy again"),
    ]


NOBODY: tuple[Any, ...] = ()
REMOVED = [
    # What each shows, the day of the removal, how early it may have been, and the day on which one is found again.
    pytest.param([((0, 9, [B]), (10, 19, NOBODY))] * 2, 10, 8, None, id="by all at once, max_age of a day"),
    pytest.param([((0, 9, [B]), (10, 19, NOBODY)), ((0, 9, [B]), (10, 10, NOBODY))], 10, 8, None, id="one is silent since"),
    pytest.param([((0, 9, [C]), (10, 29, NOBODY)), ((0, 12, [C]), (13, 29, NOBODY))], 10, 5, None, id="cached by one"),
    pytest.param([((0, 9, [C]), (10, 12, NOBODY)), ((0, 9, [C]), (10, 12, NOBODY)), ((0, 12, [C]),)], 10, 2, None, id="still cached"),
    pytest.param([((0, 9, [B]), (10, 19, NOBODY), (20, 29, [B]))] * 2, 10, 8, 20, id="the same policy again"),
    pytest.param([((0, 9, [B]), (10, 19, NOBODY), (20, 29, [C]))] * 2, 10, 8, 20, id="another policy after it"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "gone", "earliest", "again"), REMOVED)
def test_a_removal_is_a_change(told: list[Any], gone: int, earliest: int, again: int | None) -> None:  # §8.3
    history = sts.policy_history(archive({f"Post {n}": span(*parts) for n, parts in enumerate(told)}))
    removed, *later = history.events.itertuples()
    assert (number(removed.day), number(removed.earliest)) == (number(day(gone)), number(day(earliest)))
    assert pd.isna(removed.policy)
    assert (removed.policy_before, removed.mode_before, removed.changed) == (1, "enforce", "policy")
    assert removed.cached_until == removed.day + pd.Timedelta(days=1, seconds=removed.max_age_before)
    assert [number(row.day) for row in later] == ([] if again is None else [number(day(again))])
    for row in later:
        assert pd.isna(row.policy_before)
        assert states(history, 2) == dict.fromkeys(states(history, 2), ("applied", 0, 0))
    assert history._repr_html_()
    assert sts.plots.policy_history(history_source(told))


def history_source(told: list[Any]) -> Archive:
    return archive({f"Post {n}": span(*parts) for n, parts in enumerate(told)})


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([((0, 9, [B]), (10, 10, NOBODY), (11, 19, [B]))], id="one report"),
        pytest.param([((0, 9, [B]), (10, 12, NOBODY), (13, 19, [B]))], id="a failed lookup for some days"),
        pytest.param([((0, 9, [B]), (10, 19, NOBODY)), ((0, 19, [B]),)], id="another fetches it still"),
        pytest.param([((0, 9, [C]), (10, 12, NOBODY)), ((0, 12, [C]),)], id="one of two, the other may have it cached"),
        pytest.param([((0, 19, NOBODY),), ((0, 19, [B]),)], id="one that never found it"),
        pytest.param([((0, 4, [B]), (5, 5, NOBODY), (6, 6, [B]), (7, 7, NOBODY), (8, 19, [B]))], id="now and then"),
    ],
)
def test_what_one_reporter_does_not_find_is_not_removed(told: list[Any]) -> None:
    assert sts.policy_history(history_source(told)).events["policy"].notna().all()


def test_a_policy_that_cannot_be_fetched_is_not_removed() -> None:  # RFC 8460 §4.3: sts-policy-fetch-error
    unfetched = [{"policy-type": kind, "policy-domain": "nordwind.example"} for kind in ("sts", "no-policy-found")]
    blobs = reports({"One": span((0, 9, [B])), "Two": span((0, 9, [B]))}, "nordwind.example")
    blobs += [report(name, offset, unfetched) for name in ("One", "Two") for offset in range(10, 15)]
    assert sts.policy_history(sts.load(*blobs, progress=False)).events.empty


def test_a_slow_reporter_that_fell_silent_is_not_behind() -> None:
    usual = span((0, 4, [C]), (5, 19, [A]))
    history = sts.policy_history(archive({"One": usual, "Slow": span((0, 8, [C])), "Both": span((0, 8, [C, A]))}))
    assert history.behind.empty
    views = history.reporters.set_index("organization_name")["state"].to_dict()
    assert views == {"One": "current policy", "Slow": "no report since", "Both": "no report since"}


# -- what it looks like


@pytest.mark.parametrize(
    "days", [{}, {"One": span((0, 0, [A]))}, {"One": span((0, 3, None))}, {"One": span((0, 3, ()))}]
)
def test_columns_and_types_do_not_depend_on_the_rows(days: dict[str, Any], history: Any) -> None:
    few = sts.policy_history(archive(days) if days else Archive())
    for name in ("policies", "events", "propagation", "reporters"):
        assert getattr(few, name).dtypes.to_dict() == getattr(history, name).dtypes.to_dict(), name
        assert len(getattr(few, name)) == 0 or name in ("policies", "reporters")
    assert list(few.table.columns) == list(history.table.columns)
    assert few.table.dtypes.astype(str).to_dict() == history.table.dtypes.astype(str).to_dict()
    assert few.curve().dtypes.to_dict() == history.curve().dtypes.to_dict()
    assert few._repr_html_()
    assert str(few)


def test_what_it_says() -> None:
    usual = span((0, 3, [A]), (4, 5, [B]))
    several = {"One": usual, "Two": span((0, 5, [A])), "Three": span((0, 5, None)), "Four": span((0, 5, None))}
    cases: dict[str, Told] = {
        "no report": {},
        "no policy-string": {"One": span((0, 3, None))},
        "one policy": {"One": span((0, 3, [A]))},
        "a change, one reporter late, two not observed": several,
    }
    texts = {name: sts.policy_history(archive(days) if days else Archive()) for name, days in cases.items()}
    golden.check(Path(__file__).with_name("policy_history.txt"), texts)


def test_hostile_text_is_shown_as_text() -> None:
    evil = "<script>alert(1)</script>"
    lines = ["version: STSv1", "mode: enforce", f"mx: {evil}", "max_age: 86400"]
    entries = [
        {"policy-type": "sts", "policy-domain": evil, "policy-string": lines},
        {"policy-type": "sts", "policy-domain": evil, "policy-string": [*lines[:3], "max_age: 5"]},
    ]
    history = sts.policy_history(sts.load(*(report(evil, n, [entries[n // 3]]) for n in range(6)), progress=False))
    assert len(history.events) == 1
    assert "<script" not in history._repr_html_()
    assert "\x1b" not in str(history)


def test_a_stranger_who_makes_up_a_policy_for_every_report_costs_no_more_than_time() -> None:
    days = {
        f"Stranger {n}": {d: [("enforce", (n * 50 + d) % 366, f"mx{n} mx{d}")] for d in range(50)} for n in range(8)
    }
    history = sts.policy_history(archive(days))
    assert len(history.policies) == 400
    assert len(history.events) <= 200


def test_an_event_that_is_not_there(history: Any) -> None:
    with pytest.raises(ValueError, match="there are 9 events"):
        history.curve(10)


def test_times_are_utc(history: Any) -> None:
    assert history.table["day"].iloc[0].to_pydatetime().utcoffset() == timedelta(0)
    assert history.table["day"].min() == pd.Timestamp(datetime.fromtimestamp(FIRST_DAY * DAY, UTC))
