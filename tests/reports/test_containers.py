"""Containers: what comes out of each kind, told apart by content, and what is refused."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.reports.ingest import (
    Deviation,
    Hints,
    Leaf,
    Rejected,
    Skipped,
    _unpack,
    unpack,
    unpack_path,
    unpack_stream,
)
from mtasts_nb.settings import Limits

REPORT = b'{"organization-name": "B", "report-id": "1", "policies": []}'
OTHER = b'{"organization-name": "B", "report-id": "2", "policies": [{"policy": {}}]}'
PRETTY = json.dumps(json.loads(OTHER), indent=2).encode()

Rows = list[Leaf | Rejected | Skipped]


def rows(data: bytes, limits: Limits | None = None, source: str = "given") -> Rows:
    return list(unpack(data, source, "", limits or Limits()))


def leaves(found: Rows) -> list[tuple[str, bytes]]:
    assert all(isinstance(row, Leaf) for row in found), found
    return [(row.member, row.data) for row in found if isinstance(row, Leaf)]


def refusal(found: Rows) -> Rejected:
    [row] = found
    assert isinstance(row, Rejected), row
    return row


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members:
            file.writestr(name, data)
    return out.getvalue()


def tarred(*members: tuple[str, bytes], mode: str = "w", form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as file:  # type: ignore[call-overload]
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return out.getvalue()


def utf16(text: bytes) -> bytes:
    return text.decode().encode("utf-16")


# What one text in some wrapping gives: the same text, without a member name.
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(REPORT, id="plain JSON, whatever the file is called"),
        pytest.param(gzip.compress(REPORT), id="gzip"),
        pytest.param(gzip.compress(gzip.compress(REPORT)), id="gzip in gzip"),
        pytest.param(gzip.compress(REPORT[:9]) + gzip.compress(REPORT[9:]), id="one text over two gzip members"),
        pytest.param(gzip.compress(b"") * 20 + gzip.compress(REPORT), id="empty gzip members first"),
        pytest.param(gzip.compress(REPORT) + b"\0" * 1000, id="zero padding after gzip"),
        pytest.param(gzip.compress(REPORT) + b"\0" * 9 + gzip.compress(b""), id="a gzip member after padding"),
        pytest.param(gzip.compress(REPORT) + b"\r\n-- \r\nlist footer", id="garbage after gzip"),
        pytest.param(bz2.compress(REPORT), id="bzip2"),
        pytest.param(lzma.compress(REPORT), id="xz"),
        pytest.param(lzma.compress(REPORT) + b"\0" * 8, id="xz with stream padding"),
        pytest.param(lzma.compress(REPORT[:9]) + lzma.compress(REPORT[9:]), id="two xz streams"),
        pytest.param(bz2.compress(gzip.compress(lzma.compress(REPORT))), id="xz in gzip in bzip2"),
        pytest.param(base64.encodebytes(gzip.compress(REPORT)), id="base64 of gzip, as some HTTPS gateways store it"),
        pytest.param(base64.b64encode(REPORT), id="base64 of JSON"),
    ],
)
def test_one_text_comes_out_as_it_went_in(data: bytes) -> None:
    assert leaves(rows(data)) == [("", REPORT)]


@pytest.mark.parametrize(
    ("data", "value", "treatment"),
    [
        (gzip.compress(REPORT), None, None),
        (gzip.compress(REPORT) + b"\0" * 100_000, None, None),
        (gzip.compress(REPORT) + b"\r\n-- \nfooter", repr(b"\r\n-- \nfooter")[1:], "gzip"),
        (gzip.compress(REPORT) + b"\0\0" + bytes(range(200, 250)), repr(bytes(range(200, 216)))[1:], "gzip"),
        (bz2.compress(REPORT) + b"x", "'x'", "bzip2"),
        (lzma.compress(REPORT) + b"x", "'x'", "xz"),
        (gzip.compress(REPORT + b"\n" + OTHER) + b"x", "'x'", "gzip"),
        (gzip.compress(REPORT + b" " * 100_000 + b"\n" + OTHER + b" " * 500_000) + b"x", "'x'", "gzip"),
        (gzip.compress(tarred(("1", REPORT), ("2", b" " * 100_000), ("3", OTHER))) + b"x", "'x'", "gzip"),
    ],
)
def test_what_follows_compressed_data_is_told_with_the_last_report(
    data: bytes, value: str | None, treatment: str | None
) -> None:
    last = [row for row in rows(data) if isinstance(row, Leaf)][-1]
    told = Deviation("", value, f"bytes after the end of the {treatment} data ignored")
    assert last.remarks == ((told,) if treatment else ())


def test_input_bytes_holds_for_what_is_in_memory_too() -> None:
    noise = hashlib.shake_128(b"1").hexdigest(40_000).encode()
    report = b'{"policies": [], "contact-info": "%b"}' % noise
    mail = b"Subject: x\nContent-Type: application/json\n\n" + report
    inner = zipped(("a.json", report))
    for content in (
        gzip.compress(report), bz2.compress(report), base64.b64encode(report), mail, gzip.compress(mail), zipped(("i", inner)),
    ):  # fmt: skip
        assert [row.data for row in rows(content, Limits(input_bytes=200_000)) if isinstance(row, Leaf)] == [report]
        refused = refusal(rows(content, Limits(input_bytes=30_000)))
        assert refused.reason == "input-bytes"
        assert "the limit is input_bytes=30000" in refused.detail
    # Folders and containers are read member by member.
    assert len(leaves(rows(zipped(("a", report)), Limits(input_bytes=30_000)))) == 1
    assert len(leaves(rows(gzip.compress(tarred(("a", report))), Limits(input_bytes=30_000)))) == 1


# The reader of a leaf deals with encodings; here the bytes stay what they were.
@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + REPORT,
        utf16(REPORT),
        REPORT.decode().encode("utf-16-le"),
        REPORT.decode().encode("utf-16-be"),
        REPORT.decode().encode("utf-32"),
        b"\r\n  " + REPORT + b"\n\0\0",
        PRETTY,
        b"{" + b" " * 100_000 + REPORT[1:],
        b'{"a": "}{ }\\n{"}',
        b"{broken",
        b"{}",
        b'{"not": "a report"}',
    ],
)
def test_one_json_text_is_one_leaf_with_its_bytes_unchanged(data: bytes) -> None:
    assert leaves(rows(data)) == [("", data)]
    assert leaves(rows(gzip.compress(data))) == [("", data)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(REPORT + b"\n" + OTHER, [("line 1", REPORT), ("line 2", OTHER)], id="NDJSON"),
        pytest.param(REPORT + b"\r\n\r\n" + OTHER + b"\r\n", [("line 1", REPORT), ("line 3", OTHER)], id="CRLF, blank"),
        pytest.param(b"\x1e" + REPORT + b"\n\x1e" + OTHER, [("line 1", REPORT), ("line 2", OTHER)], id="RFC 7464"),
        pytest.param(REPORT + b"\noops\n" + OTHER, [("line 1", REPORT), ("line 2", b"oops"), ("line 3", OTHER)], id="a bad line"),
        pytest.param(
            REPORT[:20] + b"\n" + REPORT + b"\n" + OTHER,
            [("line 1", REPORT[:20]), ("line 2", REPORT), ("line 3", OTHER)],
            id="a bad first line",
        ),
        pytest.param(REPORT + OTHER, [("item 1", REPORT), ("item 2", OTHER)], id="nothing between"),
        pytest.param(PRETTY + b"\n" + PRETTY, [("item 1", PRETTY), ("item 2", PRETTY)], id="indented, one after another"),
        pytest.param(REPORT + b"\n" + PRETTY[:-4], [("line 1", REPORT)], id="cut off"),
        pytest.param(utf16(REPORT + b"\n" + OTHER), [("line 1", REPORT), ("line 2", OTHER)], id="NDJSON in UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + REPORT + b"\n" + OTHER, [("line 1", REPORT), ("line 2", OTHER)], id="BOM"),
        pytest.param(b"[" + REPORT + b", " + OTHER + b"]", [("item 1", REPORT), ("item 2", OTHER)], id="array"),
        pytest.param(b"\n[\n" + PRETTY + b"\n,\n" + REPORT + b"]\0", [("item 1", PRETTY), ("item 2", REPORT)], id="laid out"),
        pytest.param(b"[" + REPORT + b", " + OTHER[:30], [("item 1", REPORT), ("item 2", OTHER[:30])], id="array cut off"),
        pytest.param(b"[" + REPORT + b", oops, " + OTHER + b"]", [("item 1", REPORT)], id="array with a bad item"),
        pytest.param(b"[[" + REPORT + b"], [" + OTHER + b"]]", [("item 1 > item 1", REPORT), ("item 2 > item 1", OTHER)], id="arrays in an array"),
        pytest.param(
            gzip.compress(REPORT) + gzip.compress(OTHER), [("item 1", REPORT), ("item 2", OTHER)], id="one gzip member each"
        ),
    ],
)  # fmt: skip
def test_several_json_texts_in_one_file_are_told_apart(data: bytes, expected: list[tuple[str, bytes]]) -> None:
    assert leaves(rows(data))[: len(expected)] == expected


def test_what_of_an_array_cannot_be_told_apart_comes_as_one_last_piece() -> None:
    assert leaves(rows(b"[" + REPORT + b", oops, " + OTHER + b"]"))[1:] == [("item 2", b"oops, " + OTHER + b"]")]


@pytest.mark.parametrize("data", [b"[]", b"[1, 2]", b'["a"]'])
def test_an_array_without_objects_holds_no_report(data: bytes) -> None:
    assert rows(data) == [Skipped("given", "", "a JSON array without an object in it")]


MEMBERS = (("README.txt", b"what this is"), ("2026/a.json", REPORT), ("2026/b.json.gz", gzip.compress(OTHER)))
EXPECTED = [
    Skipped("given", "README.txt", "no report: neither JSON nor mail nor a known container"),
    ("2026/a.json", REPORT),
    ("2026/b.json.gz", OTHER),
]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(zipped(*MEMBERS), id="zip"),
        pytest.param(zipped(*MEMBERS, method=zipfile.ZIP_STORED), id="zip, stored"),
        pytest.param(zipped(*MEMBERS, method=zipfile.ZIP_BZIP2), id="zip with bzip2"),
        pytest.param(tarred(*MEMBERS), id="tar, pax"),
        pytest.param(tarred(*MEMBERS, form=tarfile.GNU_FORMAT), id="tar, GNU"),
        pytest.param(tarred(*MEMBERS, form=tarfile.USTAR_FORMAT), id="tar, ustar"),
        pytest.param(tarred(*MEMBERS)[: 6 * 512], id="tar without its end blocks"),
        pytest.param(tarred(*MEMBERS[:1]) + tarred(*MEMBERS[1:]), id="two tars, one after the other"),
        pytest.param(tarred(*MEMBERS, mode="w:gz"), id="tar.gz"),
        pytest.param(tarred(*MEMBERS, mode="w:xz"), id="tar.xz"),
        pytest.param(tarred(*MEMBERS, mode="w:bz2"), id="tar.bz2"),
        pytest.param(gzip.compress(zipped(*MEMBERS)), id="zip in gzip"),
    ],
)
def test_an_archive_gives_every_report_in_it_and_passes_over_the_rest(data: bytes) -> None:
    found = rows(data)
    assert [(row.member, row.data) if isinstance(row, Leaf) else row for row in found] == EXPECTED
    assert [row.hints.filename for row in found if isinstance(row, Leaf) and row.hints] == ["a.json", "b.json.gz"]


def test_a_container_in_a_container_is_named_step_by_step() -> None:
    inner = zipped(("b.json", REPORT))
    assert leaves(rows(tarred(("x/inner.zip", inner), ("y", REPORT)))) == [
        ("x/inner.zip > b.json", REPORT),
        ("y", REPORT),
    ]


def test_long_and_foreign_names_of_tar_members_are_read() -> None:
    name = "folder/" * 30 + "übersicht.json"
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        assert leaves(rows(tarred((name, REPORT), ("next", OTHER), form=form))) == [(name, REPORT), ("next", OTHER)]
    prefixed = "a" * 90 + "/" + "b" * 90
    assert leaves(rows(tarred((prefixed, REPORT), form=tarfile.USTAR_FORMAT))) == [(prefixed, REPORT)]


def test_links_devices_and_folders_of_a_tar_are_never_followed() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for kind, name in ((tarfile.SYMTYPE, "s"), (tarfile.LNKTYPE, "h"), (tarfile.CHRTYPE, "c"), (tarfile.FIFOTYPE, "f"), (tarfile.DIRTYPE, "d")):  # fmt: skip
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            file.addfile(info)
        info = tarfile.TarInfo("../../up.json")
        info.size = len(REPORT)
        file.addfile(info, io.BytesIO(REPORT))
    assert rows(out.getvalue()) == [
        Skipped("given", "s", "symbolic link"),
        Skipped("given", "h", "hard link"),
        Skipped("given", "c", "device"),
        Skipped("given", "f", "FIFO"),
        *rows(tarred(("../../up.json", REPORT))),
    ]


def test_litter_in_archives_is_passed_over() -> None:
    members = (("__MACOSX/._a.json", b"\0\5\x16\7"), (".DS_Store", b"x"), ("a.json", REPORT))
    for data in (zipped(*members), tarred(*members)):
        found = rows(data)
        assert [type(row) for row in found] == [Skipped, Skipped, Leaf]


def test_empty_archives_give_one_row() -> None:
    assert rows(zipped()) == [Skipped("given", "", "a zip without a file in it")]
    # A tar of nothing is nothing but zeros.
    assert rows(tarred()) == [Skipped("given", "", "only white space and NULs")]


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 0xFF,)) + data[at + 1 :]


GZ = gzip.compress(REPORT, mtime=0)
ZIP = zipped(("a.json", REPORT), method=zipfile.ZIP_STORED)


def with_flag(data: bytes, flag: int) -> bytes:
    """Set a flag in the local header and the directory of a zip of one member."""
    at = data.index(b"PK\1\2")
    return data[:6] + bytes((data[6] | flag,)) + data[7 : at + 8] + bytes((data[at + 8] | flag,)) + data[at + 9 :]


def with_method(data: bytes, method: int) -> bytes:
    at = data.index(b"PK\1\2")
    return data[:8] + method.to_bytes(2, "little") + data[10 : at + 10] + method.to_bytes(2, "little") + data[at + 12 :]


@pytest.mark.parametrize(
    ("data", "member", "stage", "reason", "says"),
    [
        pytest.param(GZ[:-1], "", "unpack", "truncated", "end mark", id="gzip cut in its checksum"),
        pytest.param(GZ[:30], "", "unpack", "truncated", "end mark", id="gzip cut in its data"),
        pytest.param(GZ[:5], "", "unpack", "truncated", "end mark", id="gzip cut in its header"),
        pytest.param(flipped(GZ, -6), "", "unpack", "damaged", "gzip", id="gzip with a wrong checksum"),
        pytest.param(GZ[:12] + b"\xff" * 9 + GZ[21:], "", "unpack", "damaged", "gzip", id="gzip with damaged data"),
        pytest.param(bz2.compress(REPORT)[:-9], "", "unpack", "truncated", "bzip2", id="bzip2 cut off"),
        pytest.param(lzma.compress(REPORT)[:-9], "", "unpack", "truncated", "xz", id="xz cut off"),
        pytest.param(flipped(lzma.compress(REPORT), 40), "", "unpack", "damaged", "xz", id="xz damaged"),
        pytest.param(ZIP[:60], "", "unpack", "damaged", "cut off", id="zip cut off"),
        pytest.param(
            flipped(ZIP, 60), "a.json", "unpack", "damaged", "checksum", id="zip member with a wrong checksum"
        ),
        pytest.param(with_flag(ZIP, 1), "a.json", "unpack", "encrypted", "decrypt", id="zip member encrypted"),
        pytest.param(with_method(ZIP, 9), "a.json", "unpack", "unsupported-compression", "deflate64", id="deflate64"),
        pytest.param(with_method(ZIP, 14), "a.json", "unpack", "unsupported-compression", "LZMA", id="LZMA in zip"),
        pytest.param(with_method(ZIP, 777), "a.json", "unpack", "unsupported-compression", "777", id="no such method"),
        pytest.param(tarred(("a", REPORT * 20))[:1024], "a", "unpack", "truncated", "ends", id="tar cut off"),
        pytest.param(
            tarred(("d/", b""))[:512] + b"x" * 99, "", "unpack", "truncated", "header", id="tar cut off in a header"
        ),
        pytest.param(b"7z\xbc\xaf\x27\x1c" + b"x" * 99, "", "unpack", "unsupported-format", "7-Zip", id="7z"),
        pytest.param(b"Rar!\x1a\x07\1\0", "", "unpack", "unsupported-format", "RAR", id="rar"),
        pytest.param(
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "", "unpack", "unsupported-format", ".eml", id="Outlook .msg"
        ),
        pytest.param(b"!BDN" + b"\1" * 99, "", "unpack", "unsupported-format", "mbox", id="Outlook .pst"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_and_where(
    data: bytes, member: str, stage: str, reason: str, says: str
) -> None:
    row = refusal(rows(data))
    assert (row.member, row.stage, row.reason) == (member, stage, reason)
    assert says in row.detail


def test_a_zip_member_without_a_name_is_a_member() -> None:
    data = zipped(("xyz", REPORT), ("b", OTHER)).replace(b"xyz", b"\0yz")  # a name ends at a NUL
    assert leaves(rows(data)) == [("(no name)", REPORT), ("b", OTHER)]


def test_of_a_container_that_is_cut_off_what_was_whole_is_read() -> None:
    noise = os.urandom(300_000)
    data = tarred(("a.json", REPORT), ("b.bin", noise), ("c.json", OTHER))
    for cut in (data[:-20_000], gzip.compress(data)[:-20_000], lzma.compress(data)[:-20_000]):
        found = rows(cut)
        assert [(type(row), row.member) for row in found] == [(Leaf, "a.json"), (Skipped, "b.bin"), (Rejected, "")]
    found = rows(gzip.compress(b"\n".join([REPORT, OTHER, noise.hex().encode(), REPORT]))[:-20_000])
    assert [row.member for row in found if isinstance(row, Leaf)][:2] == ["line 1", "line 2"]
    assert isinstance(found[-1], Rejected)


def test_a_damaged_member_costs_none_of_its_neighbours() -> None:
    data = zipped(("a.json", REPORT), ("b.json.gz", GZ[:-3]), ("c.json", OTHER))
    found = rows(data)
    assert [type(row) for row in found] == [Leaf, Rejected, Leaf]
    found = rows(tarred(("a.json", REPORT), ("b.json.gz", GZ[:-3]), ("c.json", OTHER)))
    assert [(type(row), row.member) for row in found] == [(Leaf, "a.json"), (Rejected, "b.json.gz"), (Leaf, "c.json")]
    # The header of the second one of three members.
    data = flipped(tarred(("a.json", REPORT), ("b.json", OTHER), ("c.json", OTHER)), 1024)
    assert [(type(row), row.member) for row in rows(data)] == [(Leaf, "a.json"), (Rejected, ""), (Leaf, "c.json")]


@pytest.mark.parametrize(
    ("name", "data", "kind", "reason"),
    [
        ("a!b.example!1!2.json.gz", b"<html>Not found</html>", Rejected, "not-json"),
        ("a!b.example!1!2.json", b"", Rejected, "empty"),
        ("report.json", b" \n\0", Rejected, "empty"),
        ("README", b"", Skipped, "empty"),
        ("README.md", b"# What this is", Skipped, "no report: neither JSON nor mail nor a known container"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0", Skipped, "no report: neither JSON nor mail nor a known container"),
        (
            "mta-sts.txt",
            b"version: STSv1\nmode: none\n",
            Skipped,
            "no report: neither JSON nor mail nor a known container",
        ),
    ],
)
def test_a_name_never_says_what_a_file_is_but_a_broken_report_is_not_passed_over(
    name: str, data: bytes, kind: type, reason: str
) -> None:
    [row] = rows(data, source=name)
    assert isinstance(row, kind)
    assert not isinstance(row, Leaf)
    assert row.reason == reason
    [row] = rows(zipped((name, data)))
    assert isinstance(row, kind)
    assert row.member == name


@pytest.mark.parametrize("whole", [_unpack.WHOLE, 100])
def test_a_file_streamed_gives_the_same_as_one_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    monkeypatch.setattr(_unpack, "WHOLE", whole)
    many = tuple((f"{number:04}.json", json.dumps({"n": number, "pad": os.urandom(99).hex()}).encode()) for number in range(700))  # fmt: skip
    lines = b"\n".join(data for _, data in many)
    for data in (zipped(*many), tarred(*many), tarred(*many, mode="w:gz"), tarred(*many, mode="w:xz"), lines, gzip.compress(lines), b"[" + lines.replace(b"\n", b",") + b"]"):  # fmt: skip
        path = tmp_path / "big"
        path.write_bytes(data)
        hints = Hints("big")
        found = list(unpack_path(str(path), "given", Limits()))
        assert found == list(unpack(data, "given", "", Limits(), hints=hints))
        assert len(found) == 700
        assert list(unpack_stream(io.BytesIO(data), "given", Limits(), hints=hints)) == found


def test_a_stream_that_cannot_seek_or_gives_little_at_a_time_is_read() -> None:
    class Slow(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self.rest = data

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            part, self.rest = self.rest[: min(7, size)], self.rest[min(7, size) :]
            return part

    data = tarred(*MEMBERS, mode="w:gz")
    assert list(unpack_stream(Slow(data), "given", Limits())) == rows(data)  # type: ignore[arg-type]
    data = zipped(("a", os.urandom(200_000)), ("b", REPORT))
    assert list(unpack_stream(Slow(data), "given", Limits())) == rows(data)  # type: ignore[arg-type]


def test_a_file_object_that_fails_is_refused() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError("the disk is gone")

    [row] = unpack_stream(Broken(), "given", Limits())  # type: ignore[arg-type]
    assert row == Rejected("given", "", "read", "unreadable", "the disk is gone")
    [row] = unpack_stream(io.StringIO(REPORT.decode()), "given", Limits())  # type: ignore[arg-type]
    assert isinstance(row, Leaf)
    assert row.data == REPORT


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")
def test_a_path_that_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path, reason in (("fifo", "not-a-regular-file"), ("missing", "unreadable"), (".", "not-a-regular-file")):
        [row] = unpack_path(str(tmp_path / path), "given", Limits())
        assert isinstance(row, Rejected)
        assert row.stage == "read"
        assert row.reason == reason


WRAPPINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zip": lambda data: zipped(("README", b"x"), ("in.bin", data)),
    "tar": lambda data: tarred(("README", b"x"), ("in.bin", data)),
    "base64": lambda data: base64.encodebytes(gzip.compress(data)),
    "mail": lambda data: (
        b"Subject: x\nMIME-Version: 1.0\nContent-Type: application/octet-stream\n"
        b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(data)
    ),
    "mbox": lambda data: (
        b"From a Mon Jan  5 00:00:00 2026\nSubject: x\nContent-Type: application/octet-stream\n"
        b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(data) + b"\n"
    ),
}


@given(st.lists(st.sampled_from(sorted(WRAPPINGS)), max_size=3), st.sampled_from([REPORT, PRETTY, utf16(REPORT)]))
def test_whatever_containers_are_around_it_the_same_text_comes_out(names: list[str], text: bytes) -> None:
    data = text
    for name in names:
        data = WRAPPINGS[name](data)
    assert [row.data for row in rows(data) if isinstance(row, Leaf)] == [text]
    assert not any(isinstance(row, Rejected) for row in rows(data))


@given(st.lists(st.sampled_from(sorted(WRAPPINGS)), max_size=2), st.data())
def test_damaged_bytes_never_raise_and_always_give_a_row(names: list[str], draw: st.DataObject) -> None:
    data = REPORT
    for name in names:
        data = WRAPPINGS[name](data)
    at = draw.draw(st.integers(0, len(data) - 1))
    noise = draw.draw(st.binary(max_size=8))
    damaged = data[:at] + noise + data[at + draw.draw(st.integers(0, 40)) :]
    assert rows(damaged)
    assert list(unpack_stream(io.BytesIO(damaged), "given", Limits()))


MAGIC = [b"", b"\x1f\x8b\x08\0", b"PK\3\4", b"PK\5\6", b"BZh9", b"\xfd7zXZ\0", b"From ", b"Subject: ", b"{", b"[", b"\xff\xfe", b"\0{"]  # fmt: skip


@given(st.sampled_from(MAGIC), st.binary(max_size=600))
def test_random_bytes_never_raise_and_always_give_a_row(magic: bytes, noise: bytes) -> None:
    for row in (found := rows(magic + noise)):
        row.member.encode()  # valid Unicode
    assert found
