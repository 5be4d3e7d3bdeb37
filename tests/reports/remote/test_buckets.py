"""A bucket, on a server of S3 on loopback."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator

import pytest

import mtasts_nb as sts
from mtasts_nb.errors import SourceError
from tests.archive_of import report_of

obstore = pytest.importorskip("obstore", reason="the extra `buckets` is not installed")


def report(day: int) -> bytes:
    return report_of(day, "Reporter", 10, {"certificate-expired": 2})


#: A report of more than 1 MiB: it is streamed.
LARGE = b"{" + b"\n" * 2_500_000 + report(4)[1:]
OBJECTS = {
    "2026/02/b.json.gz": gzip.compress(report(2)),
    "2026/01/a b.json": report(1),
    "2026/01/.hidden.json": report(9),
    "2026/01/empty.json": b"",
    "2026/large.json": LARGE,
    "2026x/other.json": report(5),
    "more/README": b"no report",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_REGION": "eu-west-1",
        "AWS_ALLOW_HTTP": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    import http.client
    from urllib.parse import urlsplit

    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc)
    connection.request(
        "PUT",
        "/reports",
        b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>",
    )
    connection.getresponse().read()
    connection.close()
    store = obstore.store.from_url("s3://reports")
    for key, content in OBJECTS.items():
        obstore.put(store, key, content)


@pytest.mark.parametrize(
    ("url", "loaded"),
    [
        ("s3://reports", ["2026/01/a b.json", "2026/02/b.json.gz", "2026/large.json", "2026x/other.json"]),
        ("s3://reports/2026", ["2026/01/a b.json", "2026/02/b.json.gz", "2026/large.json"]),
        ("s3://reports/2026/01/", ["2026/01/a b.json"]),
        ("s3://reports/2026/01/a%20b.json", ["2026/01/a b.json"]),
        ("S3://reports/2026/02/b.json.gz", ["2026/02/b.json.gz"]),
    ],
)
def test_the_objects_below_a_prefix_are_read(url: str, loaded: list[str]) -> None:
    archive = sts.load(url, progress=False)
    assert list(archive.reports["source"]) == [f"s3://reports/{key}" for key in loaded]
    assert not len(archive.rejects) or list(archive.rejects["reason"]) == ["empty"]


def test_what_is_no_report_is_a_row_too() -> None:
    archive = sts.load("s3://reports", progress=False)
    rows = {
        str(row.source).rpartition("/")[2]: str(row.reason)
        for row in archive.inputs.itertuples()
        if row.outcome != "loaded"
    }
    assert set(rows) == {".hidden.json", "empty.json", "README"}
    assert rows[".hidden.json"] == "hidden file"


def test_more_objects_than_the_limit_are_said_to_be_left_out() -> None:
    archive = sts.load("s3://reports", progress=False, limits=sts.Limits(members=2))
    assert "members=2" in archive.rejects["detail"].iloc[-1]
    assert len(archive.inputs) == 3


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("s3://nothing-there", "no such bucket|cannot be listed"),
        ("s3://reports/2027", "no such bucket, object or prefix"),
        ("s3://", "Expected the address"),
        ("s3://key:hunter2@reports/x", "Expected the address"),
    ],
)
def test_nothing_there_is_an_error_without_the_key(url: str, why: str) -> None:
    with pytest.raises(SourceError, match=why) as error:
        sts.load(url)
    assert "hunter2" not in str(error.value)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(SourceError, match=r"pip install 'mtasts-nb\[buckets\]'"):
        sts.load("gs://reports")


def test_an_object_that_goes_away_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    real = obstore.get

    def get(store: object, key: str) -> object:
        if key in ("2026/01/a b.json", "2026/large.json"):
            raise FileNotFoundError(f"{key} not found\n\nDebug source: NotFound")
        return real(store, key)

    monkeypatch.setattr(obstore, "get", get)
    archive = sts.load("s3://reports/2026", progress=False)
    outcomes = {str(row.source): str(row.outcome) for row in archive.inputs.itertuples()}
    assert outcomes["s3://reports/2026/02/b.json.gz"] == "loaded"
    assert outcomes["s3://reports/2026/01/a b.json"] == outcomes["s3://reports/2026/large.json"] == "rejected"
