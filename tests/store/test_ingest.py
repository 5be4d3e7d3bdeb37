"""Reports into a store: each once, whatever the order, the name, the compression, and who writes at the same time."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb.errors import SourceError, StoreError
from mtasts_nb.reports import Archive, schema
from mtasts_nb.settings import utc_now
from mtasts_nb.store import _table
from mtasts_nb.store._table import ConcurrentWriteError, Table
from mtasts_nb.store._writer import Writer
from tests.archive_of import report_of

REPORTS = [
    report_of(day, reporter, 100 + day, {"certificate-expired": day} if day else {})
    for day, reporter in itertools.product(range(4), ("Example Post", "Beispiel Mail"))
]
COUNTED = ("sessions", "failures")


def loaded(*blobs: bytes) -> Archive:
    return sts.load(*blobs, progress=False)


def counts(archive: Archive) -> dict[str, pd.DataFrame]:
    return {name: getattr(archive, name) for name in COUNTED}


def same_counts(left: Archive, right: Archive) -> None:
    for name in COUNTED:
        pd.testing.assert_frame_equal(getattr(left, name), getattr(right, name))


def same_daily(store: sts.Store, archive: Archive) -> None:
    """The rollups say what the rows say."""
    keys = ("organization_name", "policy_mode", "receiving_mx_hostname", "result_type")
    for engine in ("rollups", "codes"):
        pd.testing.assert_frame_equal(
            sts.daily(store, keys, engine=engine), sts.daily(archive, keys), check_categorical=False
        )


def test_a_store_gives_back_what_load_gives(sample: Archive, sample_archive: Archive) -> None:
    for name in schema.SCHEMA:
        schema.check(name, getattr(sample_archive, name))
    for name in ("reports", "sessions", "failures", "rejects"):
        pd.testing.assert_frame_equal(getattr(sample_archive, name), getattr(sample, name))
    # Of a copy that is not kept, neither is what was assumed in reading it.
    names = ["source", "member"]
    kept = pd.MultiIndex.from_frame(sample.reports[names])
    about = pd.MultiIndex.from_frame(sample.deviations[names])
    copies = pd.MultiIndex.from_frame(sample.inputs[sample.inputs["outcome"] == "duplicate"][names])
    expected = sample.deviations[about.isin(kept) | ~about.isin(copies)]
    order = list(schema.columns("deviations"))
    pd.testing.assert_frame_equal(
        sample_archive.deviations.astype("str").sort_values(order, ignore_index=True),
        expected.astype("str").sort_values(order, ignore_index=True),
    )


def test_the_sample_again_adds_nothing(sample_store: sts.Store) -> None:
    before = sample_store.version
    again = sts.ingest(sts.sample_dir(), store=sample_store.uri, progress=False)
    assert (again.version, again.outcomes["added"]) == (before, 0)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda blob: blob, id="the same bytes"),
        pytest.param(lambda blob: gzip.compress(blob, 1), id="compressed"),
        pytest.param(lambda blob: gzip.compress(gzip.compress(blob)), id="compressed twice"),
        pytest.param(lambda blob: blob + b"\r\n", id="with a line end"),
        pytest.param(lambda blob: json.dumps(json.loads(blob), indent=1).encode(), id="set out anew"),
    ],
)
def test_a_copy_counts_once(tmp_path: Path, change: Any) -> None:
    store = sts.ingest(*REPORTS, store=tmp_path / "s", progress=False)
    folder = tmp_path / "renamed"
    folder.mkdir()
    for number, blob in enumerate(REPORTS):
        (folder / f"other-{number}").write_bytes(change(blob))
    again = sts.ingest(folder, store=store.uri, progress=False)
    assert again.outcomes["added"] == 0
    assert again.outcomes["known"] == len(REPORTS)
    assert again.version == store.version
    same_counts(again.to_archive(), loaded(*REPORTS))


def test_what_is_new_is_added(tmp_path: Path) -> None:
    for number in range(1, len(REPORTS) + 1):
        store = sts.ingest(*REPORTS[:number], store=tmp_path / "s", progress=False)
        assert store.outcomes["added"] == 1
    same_counts(store.to_archive(), loaded(*REPORTS))
    same_daily(store, loaded(*REPORTS))


CONFLICT = [
    report_of(1, "Example Post", 10, {"certificate-expired": 3}),
    report_of(1, "Example Post", 20, {"certificate-expired": 5, "starttls-not-supported": 1}),
    report_of(1, "Example Post", 25, {"certificate-expired": 1}),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("at_once", [1, 2])
def test_which_of_conflicting_reports_counts_does_not_depend_on_their_order(
    tmp_path: Path, order: tuple[int, ...], at_once: int
) -> None:
    """RFC 8460 §4.4 gives a report-id, but nothing to tell a correction by: the one with the most sessions counts."""
    rest = [REPORTS[0], report_of(1, "Beispiel Mail", 7, {})]
    blobs = [*(CONFLICT[at] for at in order), *rest]
    for start in range(0, len(blobs), at_once):
        store = sts.ingest(*blobs[start : start + at_once], store=tmp_path / "s", progress=False)
    # Once more: what was set aside is known too.
    again = sts.ingest(*blobs, store=tmp_path / "s", progress=False)
    assert again.version == store.version
    expected = loaded(*CONFLICT, *rest)
    found = again.to_archive()
    same_counts(found, expected)
    same_daily(again, expected)
    columns = ["report_key", "sha256", "duplicate_of", "conflict"]
    pd.testing.assert_frame_equal(found.reports[columns], expected.reports[columns])


def mailed(report: bytes, received: str) -> bytes:
    mail = EmailMessage()
    mail["Received"] = f"from relay.example by mx1.nordwind.example; {received}"
    mail["Subject"] = "Report Domain: nordwind.example Submitter: post.example Report-ID: <1>"
    mail.add_attachment(report, "application", "tlsrpt+json", filename="post.example!nordwind.example!1!2.json")
    return mail.as_bytes()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_report_that_comes_later_by_mail_replaces_none(tmp_path: Path, order: tuple[int, int]) -> None:
    """Anyone can mail a report under another's name: what was received first counts, however few sessions it has."""
    mails = [
        mailed(CONFLICT[0], "Mon, 02 Mar 2026 03:00:00 +0000"),
        mailed(CONFLICT[2], "Tue, 03 Mar 2026 03:00:00 +0000"),
    ]
    for at in order:
        store = sts.ingest(mails[at], store=tmp_path / "s", progress=False)
    assert store.to_archive().sessions["total_successful_session_count"].tolist() == [10]
    same_counts(store.to_archive(), loaded(*mails))
    same_daily(store, loaded(*mails))


def test_rejects_and_assumptions_are_kept_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.json").write_bytes(b'{"policies": 7}')
    odd = json.loads(REPORTS[2])
    odd["policies"][0]["policy"]["policy-type"] = "STS"
    (tmp_path / "in" / "odd.json").write_bytes(json.dumps(odd).encode())
    for _ in range(3):
        store = sts.ingest(tmp_path / "in", store=tmp_path / "s", progress=False)
    archive = store.to_archive()
    assert archive.rejects["source"].tolist() == [str(tmp_path / "in" / "bad.json")]
    assert archive.deviations["field"].tolist() == ["policies[0].policy.policy-type"]
    assert store.outcomes["rejected"] == 1
    assert sorted(archive.inputs["outcome"]) == ["loaded", "rejected"]


@pytest.mark.parametrize("batch", [1, 3])
def test_batches_of_any_size_give_the_same(tmp_path: Path, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mtasts_nb.store._ingest.PART", 1)
    monkeypatch.setattr(Writer.__init__, "__defaults__", (batch,))
    store = sts.ingest(*REPORTS, *CONFLICT, store=tmp_path / "s", progress=False)
    assert store.version >= len(REPORTS) // batch
    same_counts(store.to_archive(), loaded(*REPORTS, *CONFLICT))
    same_daily(store, loaded(*REPORTS, *CONFLICT))


def test_an_archive_and_a_store_are_sources(tmp_path: Path, sample_store: sts.Store) -> None:
    archive = loaded(*REPORTS)
    store = sts.ingest(archive, store=tmp_path / "a", progress=False)
    copy = sts.ingest(store, store=tmp_path / "b", progress=False)
    same_counts(copy.to_archive(), archive)
    same_counts(sts.load(copy), archive)
    with pytest.raises(TypeError, match="alone"):
        sts.ingest(archive, b"{}", store=tmp_path / "c")
    with pytest.raises(TypeError, match="alone"):
        sts.load(store, b"{}")


# -- several writers


def test_a_writer_that_comes_second_decides_again(tmp_path: Path) -> None:
    """Both read the empty store; each has a report that the other has too."""
    first, second = (Writer(Table.create(tmp_path / "s"), utc_now) for _ in range(2))
    first.add(loaded(*REPORTS[:5]))
    second.add(loaded(*REPORTS[3:]))
    first.flush()
    second.flush()
    assert (first.outcomes["added"], second.outcomes["added"]) == (5, len(REPORTS) - 5)
    store = sts.open_store(tmp_path / "s")
    same_counts(store.to_archive(), loaded(*REPORTS))
    same_daily(store, loaded(*REPORTS))


def test_files_that_are_right_after_all_are_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (Writer(Table.create(tmp_path / "s"), utc_now) for _ in range(2))
    first.add(loaded(*REPORTS[:4]))
    second.add(loaded(*REPORTS[4:]))
    first.flush()
    written: list[str] = []
    plain = Table.write

    def write(table: Table, kind: str, period: str, name: str, rows: Any) -> Any:
        written.append(name)
        return plain(table, kind, period, name, rows)

    monkeypatch.setattr(Table, "write", write)
    second.flush()
    assert len(set(written)) == 1
    same_counts(sts.open_store(tmp_path / "s").to_archive(), loaded(*REPORTS))


def test_writers_side_by_side(tmp_path: Path) -> None:
    def run(start: int) -> None:
        for at in range(start, start + len(REPORTS)):
            sts.ingest(REPORTS[at % len(REPORTS)], store=tmp_path / "s", progress=False)

    threads = [threading.Thread(target=run, args=(start,)) for start in (0, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = sts.open_store(tmp_path / "s")
    same_counts(store.to_archive(), loaded(*REPORTS))
    same_daily(store, loaded(*REPORTS))


def test_a_writer_that_is_always_late_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object) -> None:
        raise ConcurrentWriteError

    monkeypatch.setattr(Table, "commit", late)
    with pytest.raises(StoreError, match="other writers 100 times"):
        sts.ingest(*REPORTS, store=tmp_path / "s", progress=False)
    assert not list((tmp_path / "s").rglob("*.parquet"))


# -- what goes wrong


_KILLED = """
import os, signal, sys
import mtasts_nb as sts
from mtasts_nb.store._table import Table
where, calls = sys.argv[3], []
plain = getattr(Table, where)
def killed(*arguments):
    calls.append(1)
    if len(calls) == int(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(*arguments)
setattr(Table, where, killed)
sts.ingest(sys.argv[1], store=sys.argv[2], progress=False)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
@pytest.mark.parametrize(("where", "call"), [("write", 5), ("commit", 1), ("refresh", 1)])
def test_a_killed_run_is_completed_by_the_next(tmp_path: Path, where: str, call: int) -> None:
    """Between files, before the commit, and after it. Random moments: `python -m tests.store.kills`."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number, blob in enumerate(REPORTS):
        (folder / f"{number}.json").write_bytes(blob)
    store = tmp_path / "s"
    done = subprocess.run([sys.executable, "-c", _KILLED, folder, store, where, str(call)], check=False)
    assert done.returncode == -signal.SIGKILL
    committed = len(sts.open_store(store).to_archive().sessions)
    assert committed == (len(REPORTS) if where == "refresh" else 0)
    after = sts.ingest(folder, store=store, progress=False)
    same_counts(after.to_archive(), loaded(*REPORTS))
    same_daily(after, loaded(*REPORTS))


def test_a_full_disk_is_one_clear_error_and_changes_nothing(tmp_path: Path) -> None:
    store = sts.ingest(REPORTS[0], store=tmp_path / "s", progress=False)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(StoreError, match=r"could not be written.*free space.*unchanged"):
            sts.ingest(*REPORTS, store=store.uri, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    same_counts(sts.open_store(store.uri).to_archive(), loaded(REPORTS[0]))
    same_counts(sts.ingest(*REPORTS, store=store.uri, progress=False).to_archive(), loaded(*REPORTS))


def test_a_write_protected_store_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = sts.ingest(REPORTS[0], store=tmp_path / "s", progress=False)
    if os.geteuid() == 0:
        # The administrator may write anywhere: the error that others get.
        def protected(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(_table.pq, "write_table", protected)
    else:
        for folder, _, _ in os.walk(store.uri):
            Path(folder).chmod(0o500)
    with pytest.raises(StoreError, match=r"could not be written: Permission denied\. Check .* you may write there"):
        sts.ingest(*REPORTS, store=store.uri, progress=False)
    same_counts(sts.open_store(store.uri).to_archive(), loaded(REPORTS[0]))


def test_a_later_layout_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_table, "LAYOUT_VERSION", 9)
    sts.ingest(*REPORTS, store=tmp_path / "s", progress=False)
    monkeypatch.undo()
    for use in (lambda: sts.open_store(tmp_path / "s"), lambda: sts.ingest(*REPORTS, store=tmp_path / "s")):
        with pytest.raises(StoreError, match=r"has layout 9; .* up to 1\. Install a later mtasts-nb"):
            use()


def test_not_a_store(tmp_path: Path) -> None:
    import deltalake
    import pyarrow as pa

    deltalake.write_deltalake(tmp_path / "other", pa.table({"a": [1]}))
    with pytest.raises(StoreError, match="a Delta table, but not a store"):
        sts.open_store(tmp_path / "other")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("Dear")
    with pytest.raises(StoreError, match="has other files in it"):
        sts.ingest(*REPORTS, store=tmp_path / "full")
    with pytest.raises(StoreError, match="is a file"):
        sts.ingest(*REPORTS, store=tmp_path / "full" / "letter.txt")
    with pytest.raises(StoreError, match="There is no store at"):
        sts.open_store(tmp_path / "nothing")


def test_nothing_to_read_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        sts.ingest(tmp_path / "nowhere", store=tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_without_the_extra_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(StoreError, match=r'pip install "mtasts-nb\[scale\]"'):
        sts.open_store(tmp_path)
    with pytest.raises(StoreError, match=r'pip install "mtasts-nb\[scale\]"'):
        sts.ingest(*REPORTS, store=tmp_path / "s")
