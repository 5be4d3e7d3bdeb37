"""A store in a bucket: moto's S3 on loopback, with keys that are made up."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import pytest

import mtasts_nb as sts
from mtasts_nb.store import Store
from tests.store.test_ingest import REPORTS, loaded, same_counts, same_daily

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # A process of its own: deltalake keeps Python's lock while it waits for an answer.
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
        }.items():
            monkeypatch.setenv(name, value)
        transport = httpx.HTTPTransport(retries=10, trust_env=False)
        with httpx.Client(transport=transport, timeout=30, trust_env=False) as http:
            http.put(f"http://127.0.0.1:{port}/reports").raise_for_status()
        yield "s3://reports/tls"
    finally:
        server.kill()
        server.wait(30)


def test_three_writers_on_one_bucket(bucket: str) -> None:
    errors: list[Exception] = []

    def run(start: int) -> None:
        try:
            for at in range(start, start + 4):
                sts.ingest(REPORTS[at % len(REPORTS)], store=bucket, progress=False)
        except Exception as error:  # noqa: BLE001 - shown by the test
            errors.append(error)

    sts.ingest(REPORTS[0], store=bucket, progress=False)
    threads = [threading.Thread(target=run, args=(start,)) for start in (0, 2, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    store: Store = sts.open_store(bucket)
    same_counts(store.to_archive(), loaded(*REPORTS))
    same_daily(store, loaded(*REPORTS))
    store.compact()
    same_counts(sts.open_store(bucket).to_archive(), loaded(*REPORTS))
