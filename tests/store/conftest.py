"""The bundled sample as a store, written once."""

from __future__ import annotations

import pytest

import mtasts_nb as sts
from mtasts_nb.reports import Archive
from mtasts_nb.store import Store


@pytest.fixture(scope="session")
def sample_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return sts.ingest(sts.sample_dir(), store=tmp_path_factory.mktemp("sample") / "store", progress=False)


@pytest.fixture(scope="session")
def month(sample: Archive) -> Archive:
    """Some weeks of the sample: what is asked often is asked of a store with fewer files."""
    return sample.between("2026-08-20", "2026-09-12")


@pytest.fixture(scope="session")
def month_store(month: Archive, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return sts.ingest(month, store=tmp_path_factory.mktemp("month") / "store", progress=False)


@pytest.fixture(scope="session")
def sample_archive(sample_store: Store) -> Archive:
    return sample_store.to_archive()
