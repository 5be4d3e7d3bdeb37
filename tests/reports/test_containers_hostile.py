"""Input made to exhaust the reader: each limit holds, in bounded memory, and its row says how to raise it."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import struct
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path

import pytest

from mtasts_nb.reports.ingest import Leaf, Rejected, Skipped, unpack, unpack_path, unpack_stream
from mtasts_nb.settings import Limits

MIB = 1024 * 1024
REPORT = b'{"organization-name": "B", "report-id": "1", "policies": []}'
MAIL_TOP = b"Subject: x\nMIME-Version: 1.0\n"

Rows = list[Leaf | Rejected | Skipped]


def rows(data: bytes, limits: Limits | None = None) -> Rows:
    return list(unpack(data, "given", "", limits or Limits()))


@contextmanager
def at_most(mib: int) -> Iterator[None]:
    """Fail where more than so much memory is taken at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < mib * MIB
    finally:
        tracemalloc.stop()


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members:
            file.writestr(name, data)
    return out.getvalue()


def tar_header(name: bytes, size: bytes, kind: bytes = b"0") -> bytes:
    header = bytearray(512)
    header[: len(name)] = name
    header[124 : 124 + len(size)] = size
    header[156:157] = kind
    header[257:265] = b"ustar\x0000"
    header[148:156] = b"%06o\0 " % (sum(header) + 8 * 32)
    return bytes(header)


ZEROS = bytes(32 * MIB)  # twice what may be in memory at once


def repeated(header: bytes) -> bytes:
    """A gzip member that holds many times the same few bytes: 32 MiB of them."""
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join((engine.compress(header + ZEROS), engine.flush()))


def overlapping(count: int, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip whose many members are all the same bytes of the file (D. Fifield, "A better zip bomb", 2019)."""
    one = zipped(("a", content), method=method)
    at = one.index(b"PK\1\2")
    end = one.rindex(b"PK\5\6")
    directory = one[at:end] * count
    return one[:at] + directory + b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 0, 0, len(directory), at, 0)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: gzip.compress(ZEROS), id="zeros"),
        pytest.param(lambda: repeated(b"{"), id="the beginning of a JSON text"),
        pytest.param(lambda: repeated(b"Subject: x\n\n"), id="the beginning of a mail"),
        pytest.param(lambda: repeated(b"From x Mon Jan  5 00:00:00 2026\nSubject: x\n\n"), id="an mbox"),
        pytest.param(lambda: repeated(tar_header(b"a", b"77777777777")), id="a tar"),
        pytest.param(lambda: gzip.compress(gzip.compress(ZEROS)), id="gzip in gzip"),
        pytest.param(lambda: bz2.compress(b"{" + ZEROS), id="bzip2"),
        pytest.param(lambda: lzma.compress(b"{" + ZEROS), id="xz"),
        pytest.param(lambda: zipped(("a", b"{" + ZEROS)), id="zip"),
        pytest.param(lambda: zipped(("a", b"{" + ZEROS), method=zipfile.ZIP_BZIP2), id="zip with bzip2"),
    ],
)
def test_a_bomb_is_refused_in_little_memory(made: Callable[[], bytes]) -> None:
    bomb = made()
    with at_most(16):
        found = rows(bomb)
    refused = [row for row in found if isinstance(row, Rejected)]
    if refused:
        assert refused[0].reason == "expansion-ratio"
        assert "the limit is expansion_ratio=400" in refused[0].detail
        assert "Limits(expansion_ratio=...)" in refused[0].detail
    else:  # nothing but zeros: it holds no report, and that is seen at its beginning
        assert all(isinstance(row, Skipped) for row in found)
    assert len(found) <= 2


def test_levels_that_are_each_within_the_ratio_are_counted_together() -> None:
    # Each level expands some 200 times, which is allowed; three of them, 8 million times.
    filler = bytes(range(256)) * 4
    inner = b"{" + b"".join(filler + bytes(200_000) for _ in range(200))
    data = gzip.compress(gzip.compress(gzip.compress(inner)))
    [row] = rows(data)
    assert isinstance(row, Rejected)
    assert row.reason == "expansion-ratio"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_whose_members_overlap_is_refused_whole(method: int) -> None:
    [row] = rows(overlapping(500, b"{" + b"0123456789" * 30_000, method))
    assert isinstance(row, Rejected)
    assert row.reason == "overlap"


def test_honest_repetitive_data_is_within_the_ratio() -> None:
    report = b'{"policies": [' + b", ".join([b'{"policy": {"policy-type": "sts"}}'] * 40_000) + b"]}"
    assert [type(row) for row in rows(gzip.compress(report))] == [Leaf]


@pytest.mark.parametrize("wrap", [gzip.compress, bz2.compress, lambda data: zipped(("a", data))])
def test_containers_nested_deeper_than_the_limit_are_refused_and_up_to_it_read(wrap: object) -> None:
    assert callable(wrap)
    deep = reduce(lambda data, _: wrap(data), range(8), REPORT)
    assert [type(row) for row in rows(deep)] == [Leaf]
    [row] = rows(wrap(deep))
    assert isinstance(row, Rejected)
    assert row.reason == "nesting"
    assert "the limit is nesting=8" in row.detail
    assert [type(row) for row in rows(wrap(deep), Limits(nesting=9))] == [Leaf]


def test_a_container_of_itself_ends() -> None:
    """A file that unpacks to itself has no last level; stood for by more levels than anybody allows."""
    endless = reduce(lambda data, _: gzip.compress(data, 0), range(3000), REPORT)
    [row] = rows(endless, Limits(nesting=100_000))
    assert isinstance(row, Rejected)
    assert row.reason == "nesting"


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        pytest.param(zipped(*((f"{n}", REPORT) for n in range(20))), 0, id="zip"),
        pytest.param(b"[" + b",".join([REPORT] * 20) + b"]", 10, id="array"),
        pytest.param(b"\n".join([REPORT] * 20), 10, id="lines"),
        pytest.param(b"".join([REPORT] * 20), 10, id="one after another"),
        pytest.param(b"From a 0:00\nSubject: x\n\n{}\n\n" * 20, 10, id="mbox"),
        pytest.param(gzip.compress(REPORT) + gzip.compress(b"") * 20, 0, id="gzip members"),
        pytest.param(
            b"".join(tar_header(b"%d.json" % n, b"2") + b"{}".ljust(512, b"\0") for n in range(20)), 10, id="tar"
        ),
    ],
)
def test_members_beyond_the_limit_are_refused_in_one_row(data: bytes, texts: int) -> None:
    found = rows(data, Limits(members=10))
    assert len([row for row in found if not isinstance(row, Rejected)]) == texts
    assert isinstance(found[-1], Rejected)
    assert found[-1].reason == "members"
    assert "the limit is members=10" in found[-1].detail
    assert len(found) == texts + 1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(REPORT, id="plain"),
        pytest.param(gzip.compress(REPORT), id="gzip"),
        pytest.param(REPORT + b"\n" + REPORT, id="lines"),
        pytest.param(zipped(("a", REPORT)), id="zip"),
        pytest.param(MAIL_TOP + b"Content-Type: application/json\n\n" + REPORT, id="mail"),
    ],
)
def test_a_report_over_the_limit_is_refused(data: bytes) -> None:
    found = rows(data, Limits(report_bytes=50))
    assert found
    for row in found:
        assert isinstance(row, Rejected)
        assert row.reason == "report-bytes"
        assert "the limit is report_bytes=50" in row.detail


class Endless(io.RawIOBase):
    """A file that never ends."""

    def __init__(self, start: bytes, again: bytes) -> None:
        self.start = start
        self.again = again * (65536 // len(again))
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        part, self.start = (self.start or self.again)[:size], b""
        self.given += len(part)
        assert self.given < 100 * MIB
        return part


@pytest.mark.parametrize(
    ("start", "again", "limit"),
    [
        (b"{", b" ", "report_bytes"),
        (b"[", b"{},", "input_bytes"),
        (b"Subject: x\n\n", b"text\n", "input_bytes"),
        (b"Subject: x\n", b" folded\n", "input_bytes"),
    ],
)
def test_a_text_without_end_is_read_up_to_its_limit(start: bytes, again: bytes, limit: str) -> None:
    limits = Limits(report_bytes=9 * MIB, input_bytes=10 * MIB)
    with at_most(64):
        [row] = unpack_stream(Endless(start, again), "given", limits)  # type: ignore[arg-type]
    assert isinstance(row, Rejected)
    assert f"the limit is {limit}=" in row.detail


@pytest.mark.parametrize("packed", [False, True])
def test_a_large_mailbox_or_archive_is_streamed_in_little_memory(tmp_path: Path, packed: bool) -> None:
    noise = b"".join(hashlib.sha256(bytes((n % 256, n // 256))).hexdigest().encode() + b"\n" for n in range(8000))
    mbox = (b"From a@b.example Mon Jan  5 00:00:00 2026\n" + MAIL_TOP + b"\n" + noise + b"\n") * 80
    tar = b"".join(tar_header(b"%d.txt" % n, b"%o" % len(noise)) + noise + bytes(-len(noise) % 512) for n in range(80))
    for name, data in (("mbox", mbox), ("tar", tar)):
        (tmp_path / name).write_bytes(gzip.compress(data, 1) if packed else data)
        with at_most(20):
            found = sum(isinstance(row, Skipped) for row in unpack_path(str(tmp_path / name), name, Limits()))
        assert found == 80


def test_what_is_no_report_is_not_read_to_its_end() -> None:
    [row] = unpack_stream(Endless(b"\x89PNG", b"\1"), "given", Limits())  # type: ignore[arg-type]
    assert isinstance(row, Skipped)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(tar_header(b"a", b"77777777777"), id="a size of 8 GiB"),
        pytest.param(tar_header(b"a", b"\x80" + b"\xff" * 11), id="a size of 2 to the 88"),
        pytest.param(tar_header(b"a", b"\xff" * 12), id="a negative size"),
        pytest.param(tar_header(b"a", b"-1"), id="a size with a sign"),
        pytest.param(tar_header(b"x", b"77777777777", b"x"), id="a pax header of 8 GiB"),
        pytest.param(tar_header(b"L", b"77777777777", b"L"), id="a name of 8 GiB"),
        pytest.param(tar_header(b"x", b"100", b"x") + b"18 size=9999999999\n".ljust(512, b"\0") + tar_header(b"a", b"1"), id="a pax size"),
        pytest.param(tar_header(b"a", b"77777777777", b"S"), id="a sparse file"),
    ],
)  # fmt: skip
def test_a_size_that_a_tar_states_is_not_believed(data: bytes) -> None:
    with at_most(4):
        found = rows(data)
    assert [type(row) for row in found] in ([Rejected], [Skipped, Rejected])


def test_a_size_in_a_pax_header_counts_in_place_of_the_other() -> None:
    data = tar_header(b"x", b"11", b"x") + b"9 size=2\n".ljust(512, b"\0") + tar_header(b"a.json", b"0") + b"{}".ljust(512, b"\0")  # fmt: skip
    [row] = rows(data + tar_header(b"b", b"0"))[:-1]
    assert isinstance(row, Leaf)
    assert row.data == b"{}"


def test_pax_records_that_make_no_sense_are_left_aside() -> None:
    for records in (b"0 a=b\n", b"5 path=x\n", b"999999 path=x\n", b"no length\n", b"1" * 400, b"= " * 200):
        data = tar_header(b"x", b"%o" % len(records), b"x") + records.ljust(512, b"\0") + tar_header(b"a.json", b"2") + b"{}".ljust(512, b"\0")  # fmt: skip
        found = rows(data)
        assert isinstance(found[0], Leaf)


def test_a_sparse_file_of_a_tar_is_passed_over_and_the_next_one_read() -> None:
    data = tar_header(b"s", b"1000", b"S") + bytes(512) + tar_header(b"a.json", b"2") + b"{}".ljust(512, b"\0")
    assert [type(row) for row in rows(data)] == [Skipped, Leaf]


def test_a_zip_directory_of_millions_of_entries_is_not_built() -> None:
    entry = b"PK\1\2" + bytes(42)
    directory = entry * 300_000
    data = b"PK\3\4" + bytes(26) + directory + b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(directory), 30, 0)
    with at_most(8):
        [row] = rows(data)
    assert isinstance(row, Rejected)
    assert row.reason == "members"


def test_millions_of_tiny_texts_are_not_all_held() -> None:
    for data in (b"[" + b"{}," * 3_000_000, b"{}\n" * 3_000_000, b"{}" * 3_000_000):
        with at_most(120):
            *_, last = unpack(data, "given", "", Limits(members=1000))
        assert isinstance(last, Rejected)
        assert last.reason == "members"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"[" * 200_000, id="brackets"),
        pytest.param(b'{"a":' * 200_000, id="braces"),
        pytest.param(b'[{"a":' * 100_000, id="both"),
        pytest.param(b"}{" * 100_000, id="the wrong way round"),
        pytest.param(b"{}{" * 100_000, id="half of them"),
        pytest.param(b'{"' + b"}{" * 100_000, id="in a string"),
        pytest.param(b"{\n" * 100_000, id="a brace to a line"),
        pytest.param(b"\xff\xfe" + b"[\0" * 100_000, id="brackets in UTF-16"),
    ],
)
def test_json_nested_without_end_is_no_exception(data: bytes) -> None:
    assert rows(data)


# What keeps the standard library's header parser busy for minutes.
@pytest.mark.parametrize(
    "field",
    [
        pytest.param(b"Content-Type: a/b" + b';"' * 500_000, id="quotes"),
        pytest.param(b"Content-Type: a/b; x=" + b'\\"' * 500_000, id="escapes"),
        pytest.param(b"Content-Disposition: a" + b"; a*0=b" * 100_000, id="continuations"),
        pytest.param(b"Content-Disposition: a; filename=" + b"=?utf-8?q?" * 100_000, id="encoded words"),
        pytest.param(b"Subject: " + b"=?utf-8?q?a?= " * 100_000, id="encoded words in a subject"),
        pytest.param(b"Subject: " + b"(" * 1_000_000, id="comments"),
        pytest.param(b"Subject: x" + b"\n x" * 300_000, id="folds"),
        pytest.param(b"X: y\n" * 300_000 + b"Subject: x", id="fields"),
        pytest.param(b"Content-Type: multipart/mixed; boundary=-", id="a boundary of one hyphen"),
    ],
)
def test_the_header_of_a_mail_costs_time_in_proportion(field: bytes) -> None:
    [row] = rows(b"From: a@b.example\n" + field + b"\n\n" + b"-" * 1_000_000)
    assert isinstance(row, Skipped | Rejected)


def test_many_parts_that_each_have_a_hard_header_are_read_in_bounded_time() -> None:
    part = b"--b\nContent-Type: a/b" + b';"' * 2000 + b"\n\nx\n"
    started = time.process_time()
    found = rows(MAIL_TOP + b"Content-Type: multipart/mixed; boundary=b\n\n" + part * 3000)
    assert time.process_time() - started < 4  # 0.2 s; 11 s where each one's quotes are counted out
    assert found == [Skipped("given", "", "a mail without a TLS report")]


def test_a_tar_made_by_tarfile_with_an_absurd_name_gives_a_bounded_label() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        info = tarfile.TarInfo("n" * 30_000)
        info.size = len(REPORT)
        file.addfile(info, io.BytesIO(REPORT))
    [row] = rows(out.getvalue())
    assert isinstance(row, Leaf)
    assert len(row.member) < 600
