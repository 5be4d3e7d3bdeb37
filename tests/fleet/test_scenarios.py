"""Random worlds for the fleet: repeatable, as large as asked for, and true to their truth."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

import mtasts_nb as sts
from mtasts_nb.errors import LabError
from mtasts_nb.vocabulary import ResultType
from tests.fleet.scenarios import KINDS, SMALLEST, Scenario, scenario, write_scenario
from tests.fleet.shapes import REASONS

FIRST = "2026-07-04"


@pytest.fixture(scope="module")
def some() -> list[Scenario]:
    return [scenario(seed) for seed in range(300, 330)]


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, again, other = scenario(7, days=60), scenario(7, days=60), scenario(8, days=60)
    assert one.ndjson() == again.ndjson()
    assert one.truth == again.truth
    assert one.ndjson() != other.ndjson()


@pytest.mark.parametrize("incidents", range(5))
def test_as_many_incidents_as_asked_for(incidents: int) -> None:
    made = scenario(40 + incidents, incidents)
    assert len(made.stories) == incidents
    assert {row["incident"] for row in made.truth} == set(made.stories)
    assert bool(made.truth) == bool(incidents)


def test_one_to_four_when_nobody_asks(some: list[Scenario]) -> None:
    assert set(Counter(len(made.stories) for made in some)) == {1, 2, 3, 4}


def test_every_result_type_and_place_occurs(some: list[Scenario]) -> None:
    assert {kind.result_type for kind in KINDS} == set(map(str, ResultType))
    rows = [row for made in some for row in made.truth]
    assert {row["result_type"] for row in rows} == set(map(str, ResultType))
    assert {row["policy_type"] for row in rows} == {"sts", "tlsa"}
    assert "" in {row["receiving_mx_hostname"] for row in rows}
    assert "mx2.nordwind.example" in {row["receiving_mx_hostname"] for row in rows}
    assert any(row["end"] == "" for row in rows)
    assert any(row["start"] == FIRST for row in rows) or min(row["start"] for row in rows) < "2026-07-08"
    assert {row["held_back"] for row in rows} == {"true", "false"}
    assert any(";" not in str(row["reporters"]) for row in rows)


def test_every_cause_is_worded_somewhere() -> None:
    # STARTTLS that is not there needs no reason: it is its own.
    worded = {cause for words in REASONS.values() for cause in words}
    assert {kind.cause for kind in KINDS} - worded == {"starttls-missing"}


def test_every_incident_shows(some: list[Scenario]) -> None:
    few, often = SMALLEST
    for made in some:
        days: Counter[tuple[str, str, int]] = Counter()
        for report in made.reports:
            for row in report.sender_day.rows.values():
                for failure, count in row.failures.items():
                    days[failure.incident, failure.result_type, report.sender_day.day] += count
        for row in made.truth:
            counts = [n for (name, kind, _), n in days.items() if (name, kind) == (row["incident"], row["result_type"])]
            assert sum(n >= few for n in counts) >= often


def test_one_place_does_not_break_twice_at_a_time(some: list[Scenario]) -> None:
    for made in some:
        spans: dict[tuple[object, ...], list[tuple[str, str]]] = {}
        for row in made.truth:
            key = tuple(row[name] for name in ("policy_domain", "policy_type", "receiving_mx_hostname", "result_type"))
            spans.setdefault(key, []).append((str(row["start"]), str(row["end"] or "9999")))
        for found in spans.values():
            found.sort()
            assert all(end < start for (_, end), (start, _) in pairwise(found))


def test_the_package_reads_every_report_and_counts_as_the_truth_does() -> None:
    made = scenario(301)
    archive = sts.load(made.ndjson(), progress=False, workers=1)
    assert len(archive.reports) == len(made.reports)
    assert archive.rejects.empty
    table = sts.daily(archive, by=("receiving_mx_hostname", "result_type"))
    table = table.astype({"receiving_mx_hostname": "str", "result_type": "str"}).fillna({"receiving_mx_hostname": ""})
    for row in made.truth:
        mine = table[
            (table["policy_domain"] == row["policy_domain"])
            & (table["policy_type"] == row["policy_type"])
            & (table["receiving_mx_hostname"] == row["receiving_mx_hostname"])
            & (table["result_type"] == row["result_type"])
            & (table["day"] >= str(row["start"]))
            & (table["day"] <= str(row["end"] or "2026-10-31"))
        ]
        assert mine["failed"].sum() == row["failed_session_count"]


def test_written_to_a_folder(tmp_path: Path) -> None:
    made = write_scenario(tmp_path / "new", 9, incidents=1, days=45)
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert len(names) == len(made.reports) + 1
    archive = sts.load(tmp_path / "new", progress=False)
    assert len(archive.reports) == len(made.reports)
    assert (tmp_path / "new" / "truth.csv").read_text(encoding="utf-8").count("\n") == len(made.truth) + 1
    with pytest.raises(LabError, match="not empty"):
        write_scenario(tmp_path / "new", 9)


def test_what_has_no_room_is_refused() -> None:
    with pytest.raises(LabError, match="at least 40"):
        scenario(1, days=30)
    with pytest.raises(LabError, match="no room for 40 incidents"):
        scenario(1, incidents=40, days=40)


def test_reports_are_json_as_the_senders_word_it() -> None:
    made = scenario(12, incidents=0, days=40)
    assert all(json.loads(line)["policies"] for line in made.ndjson().splitlines())
