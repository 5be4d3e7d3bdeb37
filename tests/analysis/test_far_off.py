"""One report with a wrong clock does not make a week of reports a week in seventy years."""

from __future__ import annotations

import pytest

from mtasts_nb.analysis import arrivals, by_mx, coverage, find_incidents, key_figures, story

FAILED = "certificate-expired"
WEEKS = [(day, "Post", 100, {FAILED: 2}) for day in range(25)]
AT = {"years ahead": 26_000, "years behind": -4000, "more than a year": 25 + 366}


@pytest.mark.parametrize("day", AT.values(), ids=AT)
def test_a_day_years_from_all_others_is_left_out_and_told(archive_of, day: int) -> None:
    archive = archive_of(*WEEKS, (day, "Kontor", 3, {FAILED: 4}))
    clean = archive_of(*WEEKS)
    for table in (by_mx, coverage):
        assert table(archive).frame.equals(table(clean).frame)
    assert story(archive) == story(clean)
    assert ("25 of 25", "days with a report") in key_figures(archive).figures
    burst = [(day, "Post", 0, {FAILED: 90}) for day in range(25, 28)]
    with_stray = find_incidents(archive_of(*WEEKS, *burst, (day + 3, "Kontor", 3, {FAILED: 4})))
    assert with_stray.equals(find_incidents(archive_of(*WEEKS, *burst)))
    assert with_stray["ongoing"].tolist() == [True]
    told = arrivals(archive).frame.set_index("what")["count"]
    assert told["Sessions dated years from all others"] == 7
    assert len(archive.sessions) == 26


def test_one_day_beside_three_is_far_off_and_beside_two_nobody_knows_which(archive_of) -> None:
    stray = (9000, "Kontor", 3, {})
    three = archive_of(*((day, "Post", 9, {}) for day in range(3)), stray)
    assert ("3 of 3", "days with a report") in key_figures(three).figures
    two = archive_of(*((day, "Post", 9, {}) for day in range(2)), stray)
    assert ("3 of 9,001", "days with a report") in key_figures(two).figures


def test_what_is_within_a_year_or_not_few_stays(archive_of) -> None:
    near = archive_of(*WEEKS, (24 + 366, "Kontor", 3, {}))
    assert ("26 of 391", "days with a report") in key_figures(near).figures
    two = archive_of(*WEEKS, *((day + 2000, "Kontor", 3, {}) for day in range(2)))
    assert ("27 of 2,002", "days with a report") in key_figures(two).figures
    for archive in (near, two):
        assert "Sessions dated years from all others" not in set(arrivals(archive).frame["what"])
