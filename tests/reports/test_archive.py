"""An `Archive`: narrowed, written, shown."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb.errors import SourceError
from mtasts_nb.render import Section, Table, Terms, document
from mtasts_nb.reports import schema

HOSTILE = "<script>alert(1)</script>"


def report(
    day: int, domain: str = "nordwind.example", reporter: str = "Example Post", good: int = 10
) -> dict[str, Any]:
    return {
        "organization-name": reporter,
        "date-range": {
            "start-datetime": f"2026-02-{day:02d}T00:00:00Z",
            "end-datetime": f"2026-02-{day:02d}T23:59:59Z",
        },
        "contact-info": "tls@post.example",
        "report-id": f"{day}",
        "policies": [
            {
                "policy": {"policy-type": "sts", "policy-domain": domain},
                "summary": {"total-successful-session-count": good, "total-failure-session-count": 2},
                "failure-details": [
                    {
                        "result-type": "certificate-expired",
                        "failed-session-count": 2,
                        "failure-reason-code": "=HYPERLINK(1)",
                    }
                ],
            }
        ],
    }


def load(*reports: object) -> sts.Archive:
    return sts.load(*(one if isinstance(one, bytes) else json.dumps(one).encode() for one in reports), progress=False)


@pytest.fixture
def archive() -> sts.Archive:
    return load(
        report(8),
        report(9, "suedwind.example", reporter="=cmd|' /C calc'!A1"),
        report(10, reporter=HOSTILE),
        report(10, reporter=HOSTILE, good=20),
        b"{",
        b"nothing",
    )


def check(archive: sts.Archive) -> None:
    for table in schema.SCHEMA:
        schema.check(table, getattr(archive, table))


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        pytest.param("2026-02-08", "2026-02-09", [8, 9], id="whole days: the last one is in"),
        pytest.param(date(2026, 2, 9), date(2026, 2, 10), [9, 10], id="dates: the last one is in"),
        pytest.param(
            datetime(2026, 2, 8, tzinfo=UTC), datetime(2026, 2, 9, tzinfo=UTC), [8], id="moments: the end is out"
        ),
        pytest.param("2026-02-08T02:00+02:00", "2026-02-08T01:00", [8], id="an offset is converted"),
        pytest.param("2025-01-01", "2025-12-31", [], id="nothing there"),
    ],
)
def test_between(archive: sts.Archive, start: Any, end: Any, days: list[int]) -> None:
    part = archive.between(start, end)
    check(part)
    assert part.sessions["day"].dt.day.tolist() == days
    assert part.failures["day"].dt.day.tolist() == days
    assert len(part.rejects) == 1, "nobody knows for which day a rejected report was"
    assert set(part.inputs["report_key"].dropna()) == set(part.reports["report_key"])


def test_for_domain(archive: sts.Archive) -> None:
    part = archive.for_domain("Suedwind.Example.")
    check(part)
    assert part.sessions["policy_domain"].tolist() == ["suedwind.example"]
    assert part.sessions["policy_domain"].cat.categories.tolist() == ["suedwind.example"]
    assert len(part.reports) == 1
    north = archive.for_domain("nordwind.example")
    assert len(north.reports) == 3, "the one that contradicts another stays in sight"
    assert archive.for_domain("wind.example").reports.empty


def test_csv_has_every_table_and_no_formula(archive: sts.Archive, tmp_path: Path) -> None:
    written = archive.to_csv(tmp_path / "new" / "folder")
    assert [path.name for path in written] == [f"{table}.csv" for table in schema.SCHEMA]
    for path in written:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
        assert rows[0] == schema.columns(path.stem)
        assert len(rows) - 1 == len(getattr(archive, path.stem))
        assert not [
            cell for row in rows[1:] for cell in row if cell[:1] in "=+-@" and cell and not cell.lstrip("-").isdigit()
        ]
    assert "'=HYPERLINK(1)" in (tmp_path / "new/folder/failures.csv").read_text(encoding="utf-8")
    assert "2026-02-08T00:00:00Z" in (tmp_path / "new/folder/sessions.csv").read_text(encoding="utf-8")


def test_an_empty_archive_can_be_written(tmp_path: Path) -> None:
    for path in sts.Archive().to_csv(tmp_path):
        assert path.read_text(encoding="utf-8").strip() == ",".join(schema.columns(path.stem))
    assert len(sts.Archive().to_parquet(tmp_path)) == len(schema.SCHEMA)


def test_parquet_gives_back_the_same(archive: sts.Archive, tmp_path: Path) -> None:
    for path in archive.to_parquet(tmp_path):
        table = getattr(archive, path.stem)
        back = pd.read_parquet(path)
        assert back.dtypes.map(str).to_dict() == table.dtypes.map(str).to_dict()
        pd.testing.assert_frame_equal(back, table, check_categorical=False)


def test_html_says_what_there_is_and_escapes_it(archive: sts.Archive) -> None:
    html = archive._repr_html_()
    assert HOSTILE not in html
    [section] = document(archive).body
    assert isinstance(section, Section)
    terms, rejected = section.body
    assert isinstance(terms, Terms)
    facts = dict(terms.items)
    assert facts["Span (UTC)"] == "2026-02-08 to 2026-02-10"
    assert facts["Reports"] == "3"
    assert str(facts["Reporters"]).startswith("3: ")
    assert facts["Policy domains"] == "2: nordwind.example, suedwind.example"
    # (10 + 2) + (10 + 2) + (20 + 2) sessions
    assert facts["Sessions under sts"] == "46, 6 of them failed (13.0 %)"
    assert isinstance(rejected, Table)
    assert [row["reason"] for row in rejected.rows] == ["truncated"]


def test_repr_is_one_line(archive: sts.Archive) -> None:
    assert repr(archive) == (
        "<Archive: 3 reports, 2026-02-08 to 2026-02-10, 3 reporters, 2 policy domains; sts 46 sessions, 13.0 % failed; "
        "6 inputs: 3 loaded, 1 duplicate, 1 skipped, 1 rejected; "
        "1 report not counted: same identity as another, different content (possibly forged)>"
    )
    assert repr(sts.Archive()) == "<Archive: no reports>"
    assert "no report" in sts.Archive()._repr_html_()


def test_sessions_of_two_policy_types_are_never_added_up() -> None:
    both = report(8)
    both["policies"].append(
        {**both["policies"][0], "policy": {"policy-type": "tlsa", "policy-domain": "nordwind.example"}}
    )
    archive = load(both)
    assert "sts 12 sessions, 16.7 % failed; tlsa 12 sessions, 16.7 % failed" in repr(archive)
    assert "24" not in str(archive)


def test_require_reports(archive: sts.Archive, tmp_path: Path) -> None:
    assert archive.require_reports() is archive
    (tmp_path / "README.txt").write_text("nothing")
    (tmp_path / "broken.json").write_text('{"policies": [')
    with pytest.raises(SourceError) as caught:
        sts.load(tmp_path, progress=False).require_reports()
    text = str(caught.value)
    assert "\n" not in text
    assert str(tmp_path) in text
    assert "2 inputs read, 1 skipped, 1 rejected" in text
    assert "Point to" in text


def test_schema_names_what_is_wrong(archive: sts.Archive) -> None:
    sessions = archive.sessions
    for broken, named in (
        (sessions.drop(columns="day"), "columns are"),
        (sessions.astype({"policy_index": "int32"}), "policy_index is int32; expected int64"),
        (sessions.assign(report_key=pd.Series([None] * len(sessions), dtype="str")), "report_key has missing values"),
        (sessions.astype({"policy_type": "str"}), "policy_type is str; expected category"),
        (sessions.assign(day=sessions["day"].dt.tz_localize(None)), "day is datetime64"),
    ):
        with pytest.raises(schema.SchemaError, match=named):
            schema.check("sessions", broken)


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(TypeError, match="no table record"):
        sts.Archive(record=pd.DataFrame())
