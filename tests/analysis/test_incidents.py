"""`find_incidents` as tables of cases: what is an incident, what is not, and where it begins and ends."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from time import process_time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mtasts_nb as sts
from mtasts_nb import analysis
from mtasts_nb.analysis.incidents import INCIDENT_COLUMNS, _blocks
from mtasts_nb.reports import Archive
from tests.fleet.scenarios import scenario

EXPIRED, FAILURE, FETCH = "certificate-expired", "validation-failure", "sts-policy-fetch-error"
FIRST = pd.Timestamp("2026-03-01", tz="UTC")
Counts = Mapping[int, int]


def world(
    days: int,
    counts: Counts,
    kind: str = EXPIRED,
    sessions: int = 1000,
    silent: Sequence[int] = (),
    others: int = 0,
    reporter: str = "Post",
    options: Mapping[str, object] | None = None,
) -> list[tuple[object, ...]]:
    """Reports of one reporter, some of whose sessions fail on some days; and of others that see nothing wrong."""
    rows: list[tuple[object, ...]] = [
        (day, reporter, sessions - counts.get(day, 0), {kind: counts[day]} if counts.get(day) else {}, options or {})
        for day in range(days)
        if day not in silent
    ]
    return rows + [(day, f"Other {n}", sessions, {}, options or {}) for n in range(others) for day in range(days)]


def found(archive: Archive, **asked: object) -> list[tuple[int, int]]:
    """First and last day of each incident, counted from 2026-03-01."""
    frame = sts.find_incidents(archive, **asked)
    return [((row.start - FIRST).days, (row.end - FIRST).days) for row in frame.itertuples()]


def run(start: int, stop: int, count: int) -> dict[int, int]:
    return dict.fromkeys(range(start, stop), count)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([], [], id="no report"),
        pytest.param(world(60, {}), [], id="all zero"),
        pytest.param(world(1, {}), [], id="one good day"),
        pytest.param(world(60, run(40, 44, 80)), [(40, 43)], id="four bad days"),
        pytest.param(world(60, run(0, 5, 200)), [(0, 4)], id="onset on the first day"),
        pytest.param(world(60, run(57, 60, 80)), [(57, 59)], id="open on the last day"),
        pytest.param(world(60, run(0, 60, 300)), [(0, 59)], id="chronic: one long incident"),
        pytest.param(world(60, run(0, 60, 300), FAILURE), [(0, 59)], id="chronic, of a type that also comes by chance"),
        pytest.param(world(400, run(0, 400, 60)), [(0, 399)], id="chronic for a year, 6 %"),
        pytest.param(world(60, run(20, 60, 300)), [(20, 59)], id="two thirds of the history"),
        pytest.param(world(60, {30: 4}), [], id="four sessions once"),
        pytest.param(world(60, run(0, 60, 1)), [], id="one a day is the noise of any day"),
        pytest.param(world(90, dict.fromkeys(range(0, 90, 9), 12), FAILURE), [], id="clumps now and then"),
        pytest.param(world(60, {30: 900}), [(30, 30)], id="one day, nine tenths"),
        pytest.param(world(60, {30: 900}, FAILURE), [(30, 30)], id="one day, nine tenths, by chance or not"),
        pytest.param(
            world(120, {60: 80}, FAILURE), [(60, 60)], id="one day by chance or not: it does not excuse itself"
        ),
        pytest.param(
            world(120, {60: 80, **dict.fromkeys(range(5, 120, 11), 30)}, FAILURE), [], id="one clump more, a large one"
        ),
        pytest.param(
            world(120, {day: 20 + 97 * day % 150 for day in range(60, 100)}, FAILURE),
            [(60, 99)],
            id="a third of the history, scattered: it does not become its own dispersion",
        ),
        pytest.param(world(60, {59: 12}, sessions=14), [(59, 59)], id="one day of a small domain, nearly all"),
        pytest.param(world(1, {0: 30}, sessions=40), [(0, 0)], id="the only day, most of it"),
        pytest.param(world(60, {**run(20, 23, 80), **run(40, 44, 80)}), [(20, 22), (40, 43)], id="two, apart"),
        pytest.param(
            world(60, {20: 80, 21: 80, 23: 80, 24: 80}), [(20, 24)], id="one good day between does not end it"
        ),
        pytest.param(world(60, {20: 3, 21: 40, 22: 90, 23: 70, 24: 4}), [(20, 24)], id="grows and has a tail"),
        pytest.param(world(60, {19: 1, **run(20, 24, 80)}), [(19, 23)], id="begins shortly before midnight"),
        pytest.param(world(60, run(30, 40, 2), sessions=20), [(30, 39)], id="two of twenty sessions, ten days"),
        pytest.param(world(60, run(20, 30, 9), sessions=9, others=4), [(20, 29)], id="a small sender among large ones"),
        pytest.param(
            world(60, run(20, 30, 9), FAILURE, sessions=9)
            + world(60, {d: d % 5 for d in range(60)}, FAILURE, 3000, reporter="Kontor"),
            [(20, 29)],
            id="a small sender that the others' noise would hide",
        ),
        pytest.param(world(60, run(20, 24, 80), FETCH), [(20, 23)], id="policy host: no MX"),
    ],
)
def test_what_is_an_incident(archive_of, rows, expected) -> None:
    assert found(archive_of(*rows)) == expected


@pytest.mark.parametrize(
    ("rows", "expected", "ongoing"),
    [
        pytest.param(world(60, run(20, 30, 80), silent=(23, 24, 25)), [(20, 29)], False, id="silence bridged"),
        pytest.param(
            world(60, run(20, 30, 80), silent=(23, 24, 25, 26), others=3), [(20, 29)], False,
            id="silence of the one that saw it, while others report",
        ),
        pytest.param(world(60, {**run(20, 25, 80), **run(30, 35, 80)}), [(20, 24), (30, 34)], False, id="good days between end it"),
        pytest.param(world(60, run(50, 55, 80), silent=range(55, 60), others=3), [(50, 54)], True, id="who saw it is silent since"),
        pytest.param(world(60, run(50, 55, 80)), [(50, 54)], False, id="five good days since"),
        pytest.param(world(60, run(50, 58, 80)), [(50, 57)], True, id="two good days since"),
        pytest.param(world(99, run(50, 58, 80), silent=range(58, 99), others=3), [(50, 57)], False, id="silent for six weeks"),
    ],
)  # fmt: skip
def test_a_silent_day_is_not_a_good_day(archive_of, rows, expected, ongoing) -> None:
    archive = archive_of(*rows)
    assert found(archive) == expected
    assert sts.find_incidents(archive)["ongoing"].iloc[-1] == ongoing


def test_weekends_with_few_sessions_do_not_end_it(archive_of) -> None:
    rows = []
    for day in range(60):
        weekend = (FIRST + pd.Timedelta(days=day)).weekday() >= 5
        sessions = 10 if weekend else 1000
        failed = 0 if weekend or not 22 <= day < 40 else 100
        rows.append((day, "Post", sessions - failed, {EXPIRED: failed} if failed else {}))
    assert found(archive_of(*rows)) == [(22, 39)]


SMALLEST = {
    (7, 3): (11, 10, 46), (28, 3): (7, 6, 40), (60, 3): (5, 4, 37), (120, 3): (3, 3, 35),
    (7, 0): (13, 12, 49), (28, 0): (7, 6, 40), (60, 0): (5, 4, 37), (120, 0): (4, 3, 35),
}  # fmt: skip


@pytest.mark.parametrize(("history", "since"), SMALLEST)
def test_the_smallest_it_sees_is_what_the_docstring_says(archive_of, history, since) -> None:
    for days, least in zip((2, 3, 1), SMALLEST[history, since], strict=True):
        for count in (least, least - 1):
            archive = archive_of(*world(history + days + since, run(history, history + days, count)))
            assert bool(found(archive)) == (count == least), (days, count)
    cells = [str(count) for part in (3, 0) for count in SMALLEST[history, part]]
    assert any(line.split()[-6:] == cells for line in (sts.find_incidents.__doc__ or "").splitlines())


def test_five_a_day_on_two_days_are_seen_whatever_the_type(archive_of) -> None:
    for kind in (*map(str, sts.vocabulary.ResultType), "unregistered-type"):
        assert found(archive_of(*world(70, run(60, 62, 5), kind))) == [(60, 61)], kind


def test_policy_types_are_never_added(archive_of) -> None:
    rows = world(60, run(20, 24, 80), "tlsa-invalid", options={"kind": "tlsa"}) + world(60, {})
    frame = sts.find_incidents(archive_of(*rows))
    assert frame[["policy_type", "failed_session_count"]].to_numpy().tolist() == [["tlsa", 320]]
    assert frame["share"].iloc[0] == pytest.approx(0.08)
    assert sts.find_incidents(archive_of(*rows), policy_type="sts").empty
    with pytest.raises(ValueError, match="may be the same"):
        sts.find_incidents(archive_of(*rows), policy_type="*")


def test_who_comes_and_goes_with_failures_of_its_own_is_seen_from_its_first_day(archive_of) -> None:
    rows = world(80, {}, reporter="Kontor") + [(day, "Post", 60, {EXPIRED: 40}) for day in range(50, 80)]
    frame = sts.find_incidents(archive_of(*rows))
    assert found(archive_of(*rows)) == [(50, 79)]
    assert (frame["organization_name"].iloc[0], frame["reporters"].iloc[0]) == ("Post", 1)


def test_more_mail_is_no_incident(archive_of) -> None:
    rng = np.random.default_rng(5)
    rows = []
    for day in range(90):
        sessions = 1000 if day < 60 else 8000
        failed = int(rng.poisson(sessions * 0.004))
        rows.append((day, "Post", sessions - failed, {FAILURE: failed} if failed else {}))
    assert found(archive_of(*rows)) == []


def test_the_columns(archive_of) -> None:
    for rows in ([], world(60, run(20, 24, 80)), world(60, run(20, 24, 80), FETCH)):
        frame = sts.find_incidents(archive_of(*rows))
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == INCIDENT_COLUMNS
    assert frame["receiving_mx_hostname"].isna().all()
    row = frame.iloc[0]
    assert (row["incident"], row["story"], row["days"]) == (1, 1, 4)
    assert row["peak_failed_session_count"] == 80
    assert row["start"] <= row["peak"] <= row["end"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(world(60, run(20, 24, 80)), "medium", id="one reporter alone: anybody can mail a report"),
        pytest.param(world(60, run(20, 24, 80)) + world(60, run(20, 24, 50), reporter="Kontor"), "high", id="two reporters"),
        pytest.param(world(60, {30: 900}), "low", id="one reporter on one day"),
        pytest.param(world(8, run(4, 6, 90)) + world(8, run(4, 6, 50), reporter="Kontor"), "high", id="short, but 7 % of all"),
        pytest.param(world(8, run(4, 6, 30)) + world(8, run(4, 6, 30), reporter="Kontor"), "low", id="six other days, 3 %"),
        pytest.param(world(60, run(20, 24, 80), "unknown") + world(60, run(20, 24, 50), "unknown", reporter="Kontor"), "low", id="not said what failed"),
    ],
)  # fmt: skip
def test_how_sure(archive_of, rows, expected) -> None:
    assert sts.find_incidents(archive_of(*rows))["confidence"].tolist() == [expected]


def test_one_story_of_two_mx_and_two_types(archive_of) -> None:
    rows = [
        *world(60, run(20, 24, 80), options={"mx": "mx1.nordwind.example"}),
        *world(60, run(21, 24, 50), FAILURE, options={"mx": "mx2.nordwind.example"}, reporter="Kontor"),
        *world(60, run(40, 44, 50), FETCH, reporter="Bank"),
        *world(60, run(20, 24, 50), options={"domain": "suedwind.example", "mx": "mx.suedwind.example"}),
    ]
    frame = sts.find_incidents(archive_of(*rows))
    told = [(row.result_type, row.policy_domain[:4], row.story) for row in frame.itertuples()]
    assert told == [(EXPIRED, "nord", 1), (EXPIRED, "sued", 2), (FAILURE, "nord", 1), (FETCH, "nord", 3)]


def test_what_no_detail_explains_joins_the_story_of_its_days(archive_of) -> None:
    rows = [
        *((day, "Post", 900, {EXPIRED: 60}, {"summary": 100}) if 20 <= day < 26 else (day, "Post", 1000, {}) for day in range(60))
    ]  # fmt: skip
    frame = sts.find_incidents(archive_of(*rows))
    assert sorted(frame["result_type"]) == [EXPIRED, "unattributed"]
    assert frame["story"].tolist() == [1, 1]
    assert frame.set_index("result_type")["confidence"]["unattributed"] == "low"


def test_the_sample_against_its_truth(sample) -> None:
    with (sts.sample_dir() / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = list(csv.DictReader(file))
    frame = sts.find_incidents(sample).fillna({"receiving_mx_hostname": ""})
    keys = ["policy_domain", "policy_type", "receiving_mx_hostname", "result_type"]
    assert [[row[key] for key in keys] for row in truth] == frame[keys].to_numpy().tolist()
    for true, row in zip(truth, frame.itertuples(), strict=True):
        assert row.start.strftime("%Y-%m-%d") == true["start"]
        assert row.failed_session_count == int(true["failed_session_count"])
        assert row.ongoing == (not true["end"])
        assert true["end"] in ("", row.end.strftime("%Y-%m-%d"))
        assert set(true["reporters"].split("; ")) <= set(row.organization_name.split("\n"))
    assert frame["story"].is_unique
    assert (frame["confidence"] == "high").all()


def test_the_order_of_the_reports_makes_no_difference(archive_of) -> None:
    rows = world(60, run(20, 24, 80), others=2)
    one, other = (sts.find_incidents(archive_of(*part)) for part in (rows, rows[::-1]))
    pd.testing.assert_frame_equal(one, other)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 30), st.sampled_from("ABC"), st.integers(0, 10**12),
            st.dictionaries(st.sampled_from([EXPIRED, FAILURE, FETCH, "$odd$\n", ""]), st.integers(0, 10**12), max_size=3),
        ),
        max_size=40,
    )
)  # fmt: skip
def test_whatever_was_reported_the_table_makes_sense(archive_of, rows) -> None:
    archive = archive_of(*rows)
    frame = sts.find_incidents(archive)
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == INCIDENT_COLUMNS
    assert frame["incident"].tolist() == list(range(1, len(frame) + 1))
    assert (frame["start"] <= frame["peak"]).all()
    assert (frame["peak"] <= frame["end"]).all()
    assert frame["share"].between(0, 1).all()
    assert (frame["failed_session_count"] >= 5).all()
    assert (frame["reporters"] >= 1).all()
    keys = ["policy_domain", "policy_type", "receiving_mx_hostname", "result_type"]
    for _, spans in frame.fillna("").groupby(keys):
        assert (spans["start"].to_numpy()[1:] > spans["end"].to_numpy()[:-1]).all()


@pytest.mark.parametrize("chronic", [0, 1, -0.1, 2.0])
def test_a_share_is_between_0_and_1(chronic) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        sts.find_incidents(Archive(), chronic=chronic)


def test_what_is_normal_day_by_day(archive_of) -> None:
    rows = world(60, {**{day: day % 3 for day in range(60)}, **run(40, 44, 80)}, FAILURE, silent=(10,))
    frame = analysis.expected_failures(
        archive_of(*rows), policy_domain="nordwind.example", policy_type="sts", result_type=FAILURE,
        receiving_mx_hostname="mx1.nordwind.example",
    )  # fmt: skip
    assert len(frame) == 59
    assert frame["expected"].between(0.5, 1.6).all()
    assert frame["upper_bound"].between(4, 16).all()
    above = frame[frame["failed"] > frame["upper_bound"]]
    assert (above["day"] - FIRST).dt.days.tolist() == [40, 41, 42, 43]


def test_a_stranger_may_invent_types_and_reporters_without_end() -> None:
    reports = []
    for number in range(300):
        policy = {"policy-type": "sts", "policy-domain": "nordwind.example"}
        details = [
            {
                "result-type": f"<b>{number % 10}-{kind}",
                "receiving-mx-hostname": f"$x{kind}$",
                "failed-session-count": 50,
            }
            for kind in range(100)
        ]
        summary = {"total-successful-session-count": 1, "total-failure-session-count": 5000}
        day = f"2026-03-{1 + number % 28:02}"
        reports.append(
            {
                "organization-name": f"R{number}", "report-id": str(number), "contact-info": "",
                "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"},
                "policies": [{"policy": policy, "summary": summary, "failure-details": details}],
            }
        )  # fmt: skip
    archive = sts.load("\n".join(map(json.dumps, reports)).encode(), progress=False)
    start = process_time()
    frame = sts.find_incidents(archive)
    # Of this process's own time: other processes must not decide it.
    assert process_time() - start < 10
    assert frame.groupby(["receiving_mx_hostname", "result_type"]).ngroups == 1000


def test_reporters_beyond_what_memory_bears_count_together(archive_of, monkeypatch) -> None:
    rows = [(day, f"R{n}", 100, {}) for day in range(60) for n in range(9)] + world(60, run(20, 24, 80))
    archive = archive_of(*rows)
    whole = sts.find_incidents(archive)
    monkeypatch.setattr(_blocks, "_CELLS", 60 * 3)
    pd.testing.assert_frame_equal(sts.find_incidents(archive), whole)
    (block,) = _blocks.blocks(archive)
    assert len(block.reporters) == 3
    assert (block.sessions.sum(axis=0) == 1900).all()


def test_what_the_reporters_that_count_together_saw_on_one_day_is_added(archive_of, monkeypatch) -> None:
    failed = {EXPIRED: 9}
    rows = [(day, f"R{n}", 100, failed if day >= 40 else {}) for day in range(60) for n in range(9)]
    archive = archive_of(*rows)
    monkeypatch.setattr(_blocks, "_CELLS", 60 * 3)
    assert sts.find_incidents(archive)["failed_session_count"].tolist() == [20 * 9 * 9]


@pytest.mark.parametrize(
    "seed", [1024, 1099], ids=["weeks of retries, the busiest of all", "a run is not its own dispersion"]
)
def test_what_would_be_its_own_baseline(seed) -> None:
    made = scenario(seed)
    frame = sts.find_incidents(sts.load(made.ndjson(), progress=False, workers=1))
    assert sorted(frame["result_type"]) == sorted(str(true["result_type"]) for true in made.truth)
    total = sum(int(true["failed_session_count"]) for true in made.truth)
    assert frame["failed_session_count"].sum() == pytest.approx(total, rel=0.01)


@pytest.mark.parametrize("seed", range(400, 405))
def test_random_worlds(seed) -> None:
    made = scenario(seed)
    frame = sts.find_incidents(sts.load(made.ndjson(), progress=False, workers=1)).fillna({"receiving_mx_hostname": ""})
    keys = ["policy_domain", "policy_type", "receiving_mx_hostname", "result_type"]
    for true in made.truth:
        mine = frame[(frame[keys] == [true[key] for key in keys]).all(axis=1)]
        starts = (mine["start"] - pd.Timestamp(str(true["start"]), tz="UTC")).abs()
        assert (starts <= pd.Timedelta(days=1)).any(), true
    assert len(frame) == len(made.truth)
