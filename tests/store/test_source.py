"""A store in the place of an Archive: every question has the same answer, on whatever engine, of whatever part."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb import analysis, plots
from mtasts_nb.analysis._outside import outside_policy
from mtasts_nb.errors import SourceError, StoreError
from mtasts_nb.postmortem import open_case
from mtasts_nb.render import document, to_text
from mtasts_nb.reports import Archive, Stored, SummingSource, schema
from mtasts_nb.store import Store, _store
from mtasts_nb.store._table import Table

KEYS: list[tuple[str, ...]] = [
    ("result_type",),
    (),
    ("organization_name", "policy_mode", "receiving_mx_hostname", "result_type"),
    ("policy_string",),
    ("policy_max_age", "mx_host"),
    ("policy_max_age", "result_type"),
    ("receiving_ip", "sending_mta_ip", "receiving_mx_helo", "failure_reason_code"),
]
PARTS: dict[str, Callable[[Any], Any]] = {
    "all": lambda source: source,
    "a domain": lambda source: source.for_domain("Suedwind.example."),
    "days": lambda source: source.between("2026-08-29", "2026-09-05"),
    "moments": lambda source: source.between("2026-08-29T07:00", "2026-09-05T00:30"),
    "a domain and days": lambda source: source.for_domain("nordwind.example").between("2026-09-01", "2026-09-04"),
    "two domains": lambda source: source.for_domain("nordwind.example").for_domain("suedwind.example"),
    "no such domain": lambda source: source.for_domain("ostwind.example"),
    "no such day": lambda source: source.between("2001-01-01", "2001-01-02"),
}


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, check_categorical=False)


def test_it_is_what_a_source_must_be(sample_store: Store) -> None:
    assert isinstance(sample_store, Stored)
    assert isinstance(sample_store, SummingSource)
    assert isinstance(Archive(), Stored)


@pytest.mark.parametrize("part", PARTS)
def test_daily_is_equal_on_every_engine(month: Archive, month_store: Store, part: str) -> None:
    archive, store = PARTS[part](month), PARTS[part](month_store)
    asked = [*({"by": keys} for keys in KEYS), {"policy_type": "sts"}, {"policy_type": "*"}]
    for question in asked:
        expected = sts.daily(archive, **question)
        for engine in (None, "codes", "duckdb"):
            same(sts.daily(store, **question, engine=engine), expected)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_in_memory_is_equal(month: Archive, month_store: Store, part: str) -> None:
    archive, store = PARTS[part](month), PARTS[part](month_store).to_archive()
    for name in ("reports", "sessions", "failures"):
        schema.check(name, getattr(store, name))
        pd.testing.assert_frame_equal(getattr(store, name), getattr(archive, name))


@pytest.mark.parametrize("rows", [1, 100, 10**9])
def test_pieces_of_any_size_hold_all_rows(
    month: Archive, month_store: Store, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_store, "_ROWS", rows)
    columns = [schema.columns(kind) for kind in ("sessions", "failures")]
    pieces = list(month_store.session_rows(*columns))
    assert (len(pieces) == 1) == (rows == 10**9)
    seen: set[str] = set()
    for sessions, failures in pieces:
        schema.check("sessions", sessions)
        schema.check("failures", failures)
        keys = set(sessions["report_key"])
        assert keys.isdisjoint(seen)
        assert keys.issuperset(failures["report_key"])
        seen |= keys
    for at, kind in enumerate(("sessions", "failures")):
        whole = pd.concat([piece[at].astype("object") for piece in pieces])
        order = ["report_key", "policy_index"]
        expected = getattr(month, kind).astype("object")
        pd.testing.assert_frame_equal(
            whole.sort_values(order, kind="stable", ignore_index=True),
            expected.sort_values(order, kind="stable", ignore_index=True),
        )


QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "incidents": sts.find_incidents,
    "history": lambda source: to_text(document(sts.policy_history(source))),
    "readiness": lambda source: to_text(document(sts.readiness(source, domain="nordwind.example"))),
    "diagnosis": lambda source: to_text(document(sts.diagnose(archive=source))),
    "fix": lambda source: to_text(document(sts.verify_fix(source, "certificate-expired", "2026-09-01"))),
    "story": lambda source: to_text(document(analysis.story(source))),
    "overview": lambda source: to_text(document(analysis.overview(source))),
    "timeline": lambda source: to_text(document(analysis.timeline(source))),
    "coverage": lambda source: to_text(document(analysis.coverage(source))),
    "outside policy": outside_policy,
    "case": lambda source: to_text(document(open_case(source, domain="suedwind.example").heading())),
    "alt text of a figure": lambda source: plots.alt_text(plots.failures_over_time(source)),
    "alt text by MX": lambda source: plots.alt_text(plots.failures_by_mx(source)),
    "alt text of the share": lambda source: plots.alt_text(plots.success_share(source)),
    "alt text of reporters": lambda source: plots.alt_text(plots.reporter_coverage(source)),
    "alt text of policies": lambda source: plots.alt_text(plots.policy_history(source)),
    "alt text of heat": lambda source: plots.alt_text(plots.mx_by_result(source)),
    "alt text of an incident": lambda source: plots.alt_text(plots.incident(source, 1)),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_has_the_same_answer(
    sample: Archive, sample_store: Store, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_store, "_ROWS", 300)  # several pieces
    asked, expected = QUESTIONS[question](sample_store), QUESTIONS[question](sample)
    if isinstance(expected, pd.DataFrame):
        same(asked, expected)
    else:
        assert asked == expected


def test_narrow_reads_a_part(sample: Archive, sample_store: Store) -> None:
    part = analysis.narrow(
        sample_store, "nordwind.example", "2026-09-01", "2026-09-30", result_type="certificate-expired"
    )
    expected = analysis.narrow(
        sample, "nordwind.example", "2026-09-01", "2026-09-30", result_type="certificate-expired"
    )
    pd.testing.assert_frame_equal(part.failures, expected.failures)
    with pytest.raises(SourceError, match=r"no report is about ostwind\.example\..*There are reports about"):
        analysis.narrow(sample_store, "ostwind.example")


def test_filters_reach_files_and_columns(sample_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, tuple[str, ...]]] = []
    plain = Table.read

    def read(table: Table, file: Any, columns: Any, domain: str | None = None) -> Any:
        asked.append((file.kind, file.period, tuple(columns)))
        return plain(table, file, columns, domain)

    monkeypatch.setattr(Table, "read", read)
    part = sample_store.between("2026-09-01", "2026-09-02").for_domain("nordwind.example")
    list(part.session_rows(["day", "policy_mode"], []))
    assert {(kind, period) for kind, period, _ in asked} == {("sessions", "2026-09-01"), ("sessions", "2026-09-02")}
    assert {name for _, _, columns in asked for name in columns} == {"policy_mode", "policy_domain"}
    asked.clear()
    sts.daily(sample_store)
    assert {kind for kind, _, _ in asked} == {"daily_sessions", "daily_failures"}


def test_engines(sample: Archive, sample_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="a store has rollups, codes, duckdb, dask"):
        sts.daily(sample_store, engine="spark")
    with pytest.raises(ValueError, match="no sums by these keys"):
        sts.daily(sample_store, "receiving_ip", engine="rollups")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(StoreError, match=r"needs the package duckdb.*mtasts-nb\[scale\]"):
        sts.daily(sample_store, engine="duckdb")


def test_it_shows_what_is_in_it(sample_store: Store) -> None:
    text = repr(sample_store)
    assert "1,169 reports" in text
    assert sample_store.uri in str(sample_store)
    assert "nordwind.example" in str(sample_store.for_domain("nordwind.example"))


def test_an_empty_store(tmp_path: Path) -> None:
    Table.create(tmp_path / "s")
    store = sts.open_store(tmp_path / "s")
    assert sts.daily(store).empty
    assert sts.daily(store, "receiving_ip").empty
    assert sts.find_incidents(store).empty
    assert len(store.to_archive().reports) == 0
    for name in schema.SCHEMA:
        schema.check(name, getattr(store.to_archive(), name))


@pytest.mark.parametrize("part", PARTS)
def test_its_code_opens_the_same_part(month_store: Store, part: str) -> None:
    store = PARTS[part](month_store)
    opened = eval(store.as_code())
    assert (opened.facts(), opened.version) == (store.facts(), store.version)
    same(sts.daily(opened), sts.daily(store))


def test_a_store_can_be_published(month_store: Store, tmp_path: Path) -> None:
    """The notebook opens it by itself; here a small one, which says what it was given."""
    import nbformat

    node = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("sources = []", metadata={"tags": ["parameters"]}, id="a"),
            nbformat.v4.new_code_cell(
                "import mtasts_nb as sts\narchive = sts.load(*sources)\nprint(len(archive.sessions), 'rows')", id="b"
            ),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    notebook = tmp_path / "count.ipynb"
    nbformat.write(node, notebook)
    part = month_store.for_domain("suedwind.example")
    page = sts.publish(tmp_path / "page.html", part, notebook=notebook, progress=False).read_text()
    assert f"{len(part.to_archive().sessions)} rows" in page
    assert month_store.uri in page
