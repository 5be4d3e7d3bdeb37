"""Days and times that people give: read in ISO 8601, UTC without an offset, and nothing else is guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb import analysis, postmortem
from mtasts_nb.errors import ParameterError, SourceError
from mtasts_nb.moments import is_day, utc_moment

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "moment", "day"),
    [
        ("2026-09-01T12:00", NOON, False),
        (" 2026-09-01 12:00:00Z ", NOON, False),
        ("2026-09-01T14:00+02:00", NOON, False),
        (datetime(2026, 9, 1, 12), NOON, False),  # noqa: DTZ001 - a moment without an offset is UTC
        (NOON.astimezone(timezone(timedelta(hours=-7))), NOON, False),
        (pd.Timestamp("2026-09-01T12:00", tz="UTC"), NOON, False),
        ("2026-09-01", NOON.replace(hour=0), True),
        ("20260901", NOON.replace(hour=0), True),
        (date(2026, 9, 1), NOON.replace(hour=0), True),
    ],
)
def test_iso_8601_is_read(value: str | date | datetime, moment: datetime, day: bool) -> None:
    assert utc_moment(value) == moment
    assert is_day(value) is day


# In some countries 01.09. and 09/01 are the first of September, in others the ninth of January.
@pytest.mark.parametrize(
    "value", ["01.09.2026", "09/01/2026", "September", "2026-9-1", "2026-13-01", "yesterday", "", "x" * 9999, 5, None, pd.NaT, "9999-12-31T23:59-23:00"]
)  # fmt: skip
def test_anything_else_is_one_line_that_says_how(value: object) -> None:
    with pytest.raises(ParameterError, match=r"^start is .* expected a day as 2026-09-01") as caught:
        utc_moment(value, "start")  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 220


@pytest.fixture(scope="module")
def archive() -> sts.Archive:
    return analysis.open_reports()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"period": "yesterday"}, "expected 'latest incident', a pair of days, or None"),
        ({"period": 5}, "expected 'latest incident', a pair of days, or None"),
        ({"period": ("2026-09-01",)}, "expected 'latest incident', a pair of days, or None"),
        ({"period": ("2026-09-10", "2026-09-01")}, "the period ends on 2026-09-01, before it begins on 2026-09-10"),
        ({"period": ("01.09.2026", None)}, "period is '01.09.2026'"),
        ({"fixed_at": "last night"}, "fixed_at is 'last night'"),
    ],
)
def test_parameters_of_a_postmortem_are_checked_before_anything_is_computed(
    archive: sts.Archive, parameters: dict[str, object], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        postmortem.open_case(archive, **parameters)  # type: ignore[arg-type]


def test_sources_may_be_one_path_or_a_list_and_none_is_the_sample(archive: sts.Archive) -> None:
    path = sts.sample_dir()
    assert {len(analysis.open_reports(given).reports) for given in ("", None, [], str(path), path, [path])} == {
        len(archive.reports)
    }


def test_a_notebook_shows_an_error_of_ours_as_one_line(archive: sts.Archive) -> None:
    with pytest.raises(SourceError) as caught:
        analysis.narrow(archive, "nordwnd.example")
    (line,) = caught.value._render_traceback_()
    assert line.startswith("SourceError: no report is about nordwnd.example. Did you mean nordwind.example?")
