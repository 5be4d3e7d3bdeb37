"""Ingest and sums by Dask's workers: processes of their own, which share nothing but the files and the store."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb.errors import StoreError
from mtasts_nb.store import Store, _cluster
from tests.store.test_ingest import CONFLICT, REPORTS, same_counts, same_daily

# Asyncio and sockets of distributed that end with its processes are not ours to close.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from distributed import Client, LocalCluster

        with (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster,
            Client(cluster) as client,
        ):
            yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for number, blob in enumerate((*REPORTS, *CONFLICT, b'{"policies": 7}')):
        (tmp_path / "in" / f"{number}.json").write_bytes(blob)
    return tmp_path / "in"


def test_workers_give_what_one_process_gives(client: Any, folder: Path, tmp_path: Path) -> None:
    extra = folder / "0.json"
    store = sts.ingest(folder, extra.read_bytes(), store=tmp_path / "s", client=client, progress=False)
    expected = sts.load(folder, progress=False)
    same_counts(store.to_archive(), expected)
    same_daily(store, expected)
    assert store.outcomes["rejected"] == 1
    again = sts.ingest(folder, store=tmp_path / "s", client=client, progress=False)
    assert (again.version, again.outcomes["added"]) == (store.version, 0)


def _dies_once(marker: str, plain: Any, *arguments: Any) -> Any:
    """The first worker that gets here is gone in the middle of its task."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return plain(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it is still there")


def test_a_killed_worker_changes_nothing(
    client: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functools import partial

    marker, plain = str(tmp_path / "died"), _cluster._ingest_files
    monkeypatch.setattr(_cluster, "_ingest_files", partial(_dies_once, marker, plain))
    store = sts.ingest(folder, store=tmp_path / "s", client=client, progress=False)
    assert Path(marker).exists()
    same_counts(store.to_archive(), sts.load(folder, progress=False))
    same_daily(store, sts.load(folder, progress=False))


def test_an_error_of_a_worker_is_that_of_one_process(
    client: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise StoreError("The store s could not be written: No space left on device.")

    monkeypatch.setattr(_cluster, "_ingest_files", gone)
    with pytest.raises(StoreError, match="No space left"):
        sts.ingest(folder, store=tmp_path / "s", client=client, progress=False)


def test_daily_by_workers_is_equal(client: Any, month: sts.Archive, month_store: Store) -> None:
    for keys in (
        ("result_type",),
        ("receiving_ip", "policy_mode"),
        ("policy_max_age",),
        ("policy_string", "result_type"),
    ):
        found = sts.daily(month_store, keys, engine="dask")
        pd.testing.assert_frame_equal(found, sts.daily(month, keys), check_categorical=False)


def test_without_a_client_the_error_says_so(month_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import distributed

    def none() -> None:
        raise ValueError("No global client found")

    monkeypatch.setattr(distributed, "get_client", none)
    with pytest.raises(StoreError, match="needs a Dask client"):
        sts.daily(month_store, engine="dask")
