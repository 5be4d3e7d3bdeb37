"""Upkeep changes no count: fewer files, unnamed files gone, old days dropped, rollups made again."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb.store import Store, _upkeep
from mtasts_nb.store._table import Table
from tests.archive_of import report_of
from tests.store.test_ingest import CONFLICT, REPORTS, loaded, same_counts, same_daily

ROWS = [*REPORTS, *CONFLICT, report_of(40, "Example Post", 9, {"sts-policy-fetch-error": 4}), b'{"policies": 7}']


@pytest.fixture
def store(tmp_path: Path) -> Store:
    for blob in ROWS:
        store = sts.ingest(blob, store=tmp_path / "s", progress=False)
    return store


def test_compact_joins_files(store: Store) -> None:
    before = len(store._table.files)
    assert store.compact() == before - len(store._table.files) > 0
    partitions = [(file.kind, file.period) for file in store._table.files]
    assert len(set(partitions)) == len(partitions)
    same_counts(store.to_archive(), loaded(*ROWS))
    same_daily(sts.open_store(store.uri), loaded(*ROWS))
    assert store.compact() == 0


def test_vacuum_deletes_what_no_commit_names(store: Store) -> None:
    orphan = Table.open(store.uri).write(
        "sessions",
        "2026-03-01",
        "orphan",
        store._table.read(
            next(file for file in store._table.files if file.kind == "sessions"), list(_upkeep.KINDS["sessions"])
        ),
    )
    assert store.vacuum() == []  # what is younger than a week may be of a writer at work
    store.compact()
    gone = store.vacuum(hours=0)
    assert any(orphan.path in path for path in gone)
    there = {path.relative_to(store.uri).as_posix() for path in Path(store.uri).rglob("*.parquet")}
    assert {file.path for file in store._table.files} == {path for path in there if "_delta_log" not in path}
    same_counts(sts.open_store(store.uri).to_archive(), loaded(*ROWS))


def test_drop_before_drops_days(store: Store) -> None:
    assert store.drop_before("2026-03-03") == 2
    kept = sts.open_store(store.uri)
    expected = loaded(*ROWS).between("2026-03-03", "2200-01-01")
    same_counts(kept.to_archive(), expected)
    same_daily(kept, expected)
    assert store.drop_before(date(2026, 3, 3)) == 0


def test_rollups_can_be_made_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rollups = [file for file in store._table.files if file.kind in _upkeep.ROLLUPS]
    store._table.commit([], (_upkeep.ROLLUPS, [file.period for file in rollups]))
    assert sts.daily(store).empty
    store.rebuild_rollups()
    same_daily(store, loaded(*ROWS))


@pytest.mark.parametrize("act", ["compact", "rebuild_rollups"])
def test_upkeep_gives_way_to_a_writer(store: Store, act: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that comes in between is not lost."""
    late = report_of(1, "Third Post", 55, {"certificate-expired": 5})
    plain, came = Table.commit, []

    def commit(table: Table, *arguments: Any) -> None:
        if not came:
            came.append(1)
            sts.ingest(late, store=table.uri, progress=False)
        plain(table, *arguments)

    monkeypatch.setattr(Table, "commit", commit)
    getattr(store, act)()
    found = sts.open_store(store.uri)
    same_counts(found.to_archive(), loaded(*ROWS, late))
    same_daily(found, loaded(*ROWS, late))


def test_days_far_off(tmp_path: Path) -> None:
    """A reporter with a wrong clock costs nothing but its own days."""
    odd = REPORTS[0].replace(b"2026-03-01T", b"0001-01-01T")
    store = sts.ingest(odd, REPORTS[1], store=tmp_path / "s", progress=False)
    expected = loaded(odd, REPORTS[1])
    same_counts(store.to_archive(), expected)
    pd.testing.assert_frame_equal(sts.daily(store), sts.daily(expected), check_categorical=False)
