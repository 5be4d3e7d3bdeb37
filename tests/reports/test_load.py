"""`load` as a whole: files in folders, threads that read a slow folder ahead, errors for the person at the keyboard."""

from __future__ import annotations

import gc
import gzip
import json
import signal
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb.errors import SourceError
from mtasts_nb.reports import _load, schema


def report(number: int, **top: object) -> dict[str, Any]:
    return {
        "organization-name": "Example Post",
        "date-range": {"start-datetime": "2026-02-08T00:00:00Z", "end-datetime": "2026-02-08T23:59:59Z"},
        "contact-info": "tls@post.example",
        "report-id": str(number),
        "policies": [
            {
                "policy": {"policy-type": "sts", "policy-domain": "nordwind.example"},
                "summary": {"total-successful-session-count": number, "total-failure-session-count": 0},
            }
        ],
        **top,
    }


def test_what_was_repaired_in_unpacking_is_a_deviation_that_goes_with_its_report(tmp_path: Path) -> None:
    for number, after in ((1, b"footer"), (2, b"")):
        (tmp_path / f"{number}.json.gz").write_bytes(gzip.compress(json.dumps(report(number)).encode()) + after)
    both = "\n".join(json.dumps(report(number)) for number in (3, 4)).encode()
    (tmp_path / "more.gz").write_bytes(gzip.compress(both) + b"more")
    archive = sts.load(tmp_path, progress=False)
    assert archive.inputs["outcome"].tolist() == ["loaded"] * 4
    rows = archive.deviations.assign(source=[Path(path).name for path in archive.deviations["source"]])
    treatment = "bytes after the end of the gzip data ignored"
    assert rows.values.tolist() == [
        ["1.json.gz", "", "", "'footer'", treatment],
        ["more.gz", "line 2", "", "'more'", treatment],
    ]
    assert archive.for_domain("nordwind.example").deviations.equals(archive.deviations)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All kinds of small files, and one that is not small."""
    for number in range(40):
        text = json.dumps(report(number)).encode()
        (tmp_path / f"{number:03d}.json.gz").write_bytes(gzip.compress(text))
    text = json.dumps(report(100)).encode()
    (tmp_path / "plain.json").write_bytes(text)
    twice = (json.dumps(report(number)).encode() + b"\n" for number in (101, 107))
    (tmp_path / "twice.gz").write_bytes(b"".join(map(gzip.compress, twice)))
    (tmp_path / "nested.gz").write_bytes(gzip.compress(gzip.compress(json.dumps(report(102)).encode())))
    (tmp_path / "odd.json.gz").write_bytes(gzip.compress(json.dumps(report(103, **{"contact-info": None})).encode()))
    (tmp_path / "cut.json.gz").write_bytes(gzip.compress(text)[:-9])
    (tmp_path / "empty.json").write_bytes(b"")
    (tmp_path / "README").write_text("no report here")
    (tmp_path / "large.json").write_bytes(json.dumps(report(104)).encode() + b" " * 100_000)
    (tmp_path / "lines.ndjson").write_bytes(text.replace(b'"100"', b'"105"') + b"\n" + text.replace(b'"100"', b'"106"'))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "copy.json").write_bytes(text)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"{" + b" " * 3_000_000))
    return tmp_path


def same(one: sts.Archive, two: sts.Archive) -> None:
    for table in schema.SCHEMA:
        pd.testing.assert_frame_equal(getattr(one, table), getattr(two, table))


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder counts as slow after its first files."""
    monkeypatch.setattr(_load, "_SLOW", -1)
    monkeypatch.setattr(_load, "_BATCH", 8)


@pytest.mark.parametrize("workers", [2, None])
def test_threads_change_nothing(folder: Path, workers: int | None, slow: None) -> None:
    alone = sts.load(folder, progress=False, workers=1)
    assert alone.inputs["outcome"].value_counts().to_dict() == {
        "loaded": 48, "duplicate": 1, "rejected": 3, "skipped": 1,
    }  # fmt: skip
    threads: set[str] = set()
    with pytest.MonkeyPatch.context() as patch:
        read = _load._read_small
        patch.setattr(_load, "_read_small", lambda item: (threads.add(threading.current_thread().name), read(item))[1])
        same(sts.load(folder, progress=False, workers=workers), alone)
    assert len(threads) > 1


def test_a_folder_that_answers_fast_starts_no_thread(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a thread was started")

    monkeypatch.setattr(_load, "_SLOW", 1000)
    monkeypatch.setattr(_load, "ThreadPoolExecutor", refuse)
    assert len(sts.load(folder, progress=False).reports) == 48


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs a timer signal")
def test_a_stop_in_the_middle_leaves_no_thread(folder: Path, slow: None, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def stop(*_: object) -> tuple[()]:
        taken.append(threading.active_count())
        if len(taken) > 20:
            raise KeyboardInterrupt
        return ()

    monkeypatch.setattr(_load._Loader, "take", stop)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        sts.load(folder, progress=False, workers=4)
    assert max(taken) > before
    assert threading.active_count() == before
    assert gc.isenabled()


def test_workers() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        sts.load(b"{}", workers=0)


@pytest.mark.parametrize("make", [lambda p: p / "no such folder", lambda p: p, lambda p: str(p / "*.json")])
def test_nothing_to_look_at_is_an_error_in_one_line(tmp_path: Path, make: Any) -> None:
    with pytest.raises(SourceError) as caught:
        sts.load(make(tmp_path), progress=False)
    text = str(caught.value)
    assert "\n" not in text
    assert str(make(tmp_path)) in text


def test_a_file_that_is_gone_by_the_time_it_is_read_is_a_reject(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> int:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(_load.os, "open", gone)
    archive = sts.load(folder / "plain.json", folder / "000.json.gz", progress=False)
    assert archive.rejects[["stage", "reason"]].drop_duplicates().to_dict("records") == [
        {"stage": "read", "reason": "unreadable"}
    ]
    assert len(archive.rejects) == 2


def test_the_bar_comes_after_two_seconds_and_not_before(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(_load.time, "monotonic", lambda: now[0])

    def batches() -> Any:
        for number in range(20):
            if number == 10:
                assert capsys.readouterr().err == ""
                now[0] = 3
            yield [None] * 100, [None] * 100

    assert len(list(_load._with_progress(batches(), show=True))) == 20
    assert "2000 inputs" in capsys.readouterr().err
    now[0] = 0
    assert len(list(_load._with_progress(batches(), show=False))) == 20
    assert capsys.readouterr().err == ""


def test_the_sample_archive_holds_what_it_says(root: Path) -> None:
    archive = sts.load(root / "data" / "sample", progress=False)
    for table in schema.SCHEMA:
        schema.check(table, getattr(archive, table))
    assert len(archive.reports) > 900
    assert set(archive.sessions["policy_domain"]) == {"nordwind.example", "suedwind.example"}


def test_a_small_limit_holds_for_small_files_too(folder: Path) -> None:
    limits = sts.Limits(report_bytes=300)
    archive = sts.load(folder / "000.json.gz", folder / "plain.json", progress=False, limits=limits)
    assert archive.inputs["outcome"].tolist() == ["rejected", "rejected"]
    assert set(archive.rejects["reason"]) == {"report-bytes"}


def test_what_lies_around_a_report_names_its_domain() -> None:
    """RFC 8460 §5.3: the mail's headers, where the report names none."""
    nameless = report(1)
    del nameless["policies"][0]["policy"]["policy-domain"]

    def mail(*fields: str) -> bytes:
        head = ["From: a@post.example", "MIME-Version: 1.0", "Content-Type: application/tlsrpt+json", *fields]
        return "\r\n".join([*head, "", json.dumps(nameless)]).encode()

    domain, subject = (
        "TLS-Report-Domain: North.example",
        "Subject: Report Domain: south.example Submitter: x Report-ID: <1>",
    )
    for source, expected in (
        (mail(domain, subject), "north.example"),
        (mail(subject), "south.example"),
        (mail(), "unknown"),
        (json.dumps(nameless).encode(), "unknown"),
    ):
        archive = sts.load(source, progress=False)
        assert archive.sessions["policy_domain"].tolist() == [expected]
        assert archive.deviations["treatment"].str.startswith("absent, taken").all()


def test_an_archive_is_given_back_as_it_is() -> None:
    archive = sts.load(b"{}", progress=False)
    assert sts.load(archive) is archive
    with pytest.raises(TypeError, match="give it alone"):
        sts.load(archive, b"{}")
