"""The members of a tar or zip archive, each to be read as a stream.

Tar (POSIX.1-2017 pax, ustar, GNU and old formats): not `tarfile`. That reads a header's stated size into memory before
any limit can apply, and several versions of it in use loop or backtrack on crafted headers. Reading needs only a name,
a size and a kind.

Zip: `zipfile` reads the directory. The members are inflated here: `zipfile` sets no bound on what one read of a bzip2
member brings into memory, and takes many times as long to open a member as inflating a report takes.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from ...settings import Limits
from ._budget import Budget, over
from ._model import Unreadable
from ._streams import CHUNK, Inflated, Section, Stream

__all__ = ["Member", "is_tar", "tar_members", "zip_members"]


class Member(NamedTuple):
    """One member that is not a folder: its name, what it is if not a regular file (else empty), bytes and budget.

    The bytes of a member of a tar have to be read before the next member is asked for.
    """

    name: str
    kind: str
    content: Stream | Unreadable
    budget: Budget


# -- tar

#: Everything in a tar comes in blocks of this many bytes.
BLOCK: Final = 512
#: No honest long name or pax header is longer.
_LONGEST_HEADER: Final = 64 * 1024
_OCTAL: Final = re.compile(rb"[ \0]*([0-7]+)[ \0]*\Z")
_PAX: Final = re.compile(rb"(\d{1,6}) ([^=\n]{1,200})=")
_KINDS: Final = {b"1": "hard link", b"2": "symbolic link", b"3": "device", b"4": "device", b"6": "FIFO"}
_FILES: Final = (b"0", b"\0", b"7")


def _number(field: bytes) -> int | None:
    """Return a header's number, octal or GNU's base 256; None where it is neither."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    if not field.strip(b" \0"):
        return 0
    match = _OCTAL.match(field)
    return int(match[1], 8) if match else None


def is_tar(head: bytes) -> bool:
    """Whether a file that begins with these 512 bytes or more is a tar archive: its checksum is right."""
    if len(head) < BLOCK or not head[0]:
        return False
    header = head[:BLOCK]
    checksum = _number(header[148:156])
    # The checksum field itself counts as eight blanks.
    return checksum is not None and checksum == sum(header) - sum(header[148:156]) + 256


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _pax(data: bytes) -> dict[str, bytes]:
    """Return the records of a pax extended header: `length key=value` and a newline, the length counting it all."""
    records: dict[str, bytes] = {}
    at = 0
    while (match := _PAX.match(data, at)) and (length := int(match[1])) > match.end() - at:
        records[match[2].decode("utf-8", "replace")] = data[match.end() : at + length - 1]
        at += length
    return records


def _headers(stream: Stream) -> Iterator[tuple[bytes, int] | Unreadable]:
    """Yield each header with the size it states; for damaged ones a single `Unreadable`, then the next sound one."""
    after_end = lost = False
    while header := stream.read(BLOCK):
        if not any(header):  # two of them end the archive; others may have been appended
            after_end = True
            continue
        if len(header) < BLOCK and not after_end:
            raise Unreadable("unpack", "truncated", "the tar ends in the middle of a header")
        size = _number(header[124:136]) if is_tar(header) else None
        if size is not None and size < 1 << 62:
            after_end = lost = False
            yield header, size
        elif after_end:
            return  # what follows the end is not part of the archive
        elif not lost:
            lost = True
            yield Unreadable("unpack", "damaged", "a tar header is damaged; the member after it is lost")


class _Taken:
    """A member's bytes, counted as they are read: the size that a header states may be a lie."""

    __slots__ = ("_budget", "_section")

    def __init__(self, section: Section, budget: Budget) -> None:
        self._section = section
        self._budget = budget

    def read(self, count: int) -> bytes:
        part = self._section.read(count)
        self._budget.taken += len(part)
        return part


def tar_members(stream: Stream, budget: Budget) -> Iterator[Member | Unreadable]:
    """Yield each member with the stream at its first byte; what the caller leaves unread is skipped.

    A damaged header gives an `Unreadable`, and the members after it are still read. Raises `Unreadable` where the
    archive ends within a member.
    """
    long_name: str | None = None
    pax: dict[str, bytes] = {}
    for next_header in _headers(stream):
        if isinstance(next_header, Unreadable):
            yield next_header
            continue
        header, size = next_header
        kind = header[156:157]
        if kind in (b"L", b"K", b"x", b"g"):
            if size > _LONGEST_HEADER:
                detail = f"a tar extended header of {size} bytes; the most is {_LONGEST_HEADER}"
                raise Unreadable("unpack", "damaged", detail)
            body = stream.read(size + -size % BLOCK)[:size]
            if kind == b"L":
                long_name = _text(body)
            elif kind == b"x":
                pax = _pax(body)
            continue
        name = long_name or _text(pax.get("path", b"")) or _name(header)
        if digits := re.fullmatch(rb"\d{1,18}", pax.get("size", b"")):
            size = int(digits[0])
        # A sparse file's bytes are stored without its holes, behind a map of them: not a document.
        sparse = kind == b"S" or any(key.startswith("GNU.sparse") for key in pax)
        long_name, pax = None, {}
        # Links and devices have no bytes of their own, whatever size their header states.
        section = Section(stream, 0 if kind in _KINDS else size)
        share = budget.member(BLOCK)
        content = Stream(section.read if share is budget else _Taken(section, share).read)
        if kind in _FILES and not name.endswith("/"):
            yield Member(name, "sparse file" if sparse else "", content, share)
        elif kind not in (b"5", *_FILES):
            yield Member(name, _KINDS.get(kind, "sparse file" if sparse else "special file"), content, share)
        if section.failed:
            return
        while section.read(1 << 20):
            pass
        if kind not in _KINDS:
            stream.skip(-size % BLOCK)


def _name(header: bytes) -> str:
    """Return the name field, with the prefix that ustar puts elsewhere."""
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


# -- zip

_METHODS: Final = {zipfile.ZIP_DEFLATED: "deflate", zipfile.ZIP_BZIP2: "bzip2"}
_OTHER_METHODS: Final = {6: "implode", 9: "deflate64", 14: "LZMA", 93: "Zstandard", 95: "xz", 98: "PPMd", 99: "AES"}
_END: Final = b"PK\x05\x06"
#: The end record is 22 bytes and a comment of at most 65,535.
_END_SEARCH: Final = 22 + 0xFFFF
_ENTRY: Final = b"PK\x01\x02"
_ENCRYPTED: Final = 0x1 | 0x40


class _Checked:
    """A member's bytes; at their end the checksum must be the one that the directory states."""

    __slots__ = ("_crc", "_info", "_read", "_stored")

    def __init__(self, source: Section | Inflated, info: zipfile.ZipInfo, budget: Budget) -> None:
        self._read = source.read
        self._stored = None if isinstance(source, Inflated) else budget
        self._info = info
        self._crc = 0

    def read(self, count: int) -> bytes:
        part = self._read(count)
        if self._stored is not None:  # what is inflated is counted there
            self._stored.read(len(part))
        self._crc = zlib.crc32(part, self._crc)
        if not part and self._crc != self._info.CRC:
            raise Unreadable(
                "unpack",
                "damaged",
                f"the checksum of the zip member is {self._crc:08x}, the directory says {self._info.CRC:08x}",
            )
        return part


def zip_members(file: BinaryIO, limits: Limits, budget: Budget, *, on_disk: bool) -> Iterator[Member]:
    """Yield each member, in the order of the directory; one that cannot be read has an `Unreadable` as its content.

    `on_disk` says that the budget does not know the file's size yet: it then learns what was read of it.
    Raises `Unreadable` where the directory cannot be read, has too many entries, or has entries that share bytes.
    """
    try:
        size = _check_directory(file, limits)
        infos = zipfile.ZipFile(file).infolist()
    # What a crafted directory makes zipfile raise, by its source and by fuzzing.
    except (zipfile.BadZipFile, struct.error, NotImplementedError, OSError, ValueError, OverflowError) as error:
        raise Unreadable("unpack", "damaged", f"damaged zip: {error}") from None
    _check_overlaps(infos)
    for info in infos:
        name = info.filename or "(no name)"  # a folder has a name that ends in a slash; ZipInfo.is_dir fails on none
        if name.endswith("/"):
            continue
        content: Stream | Unreadable
        # The directory has 46 bytes for each member, the member itself has 30 in front of it.
        stored = 76 + min(info.compress_size, max(0, size - info.header_offset))
        share = budget.member(stored)
        if on_disk:
            budget.taken += stored
        try:
            content = _content(file, info, limits, share)
        except Unreadable as error:
            content = error
        except (OSError, ValueError, OverflowError) as error:
            content = Unreadable("unpack", "damaged", f"damaged zip member: {error}")
        yield Member(name, "symbolic link" if stat.S_ISLNK(info.external_attr >> 16) else "", content, share)


def _check_overlaps(infos: list[zipfile.ZipInfo]) -> None:
    """Reject a directory whose entries share bytes of the file: no program writes one, and a bomb is made of them."""
    end = 0
    for start, length in sorted((info.header_offset, info.compress_size) for info in infos if info.compress_size):
        if start < end:
            raise Unreadable("unpack", "overlap", "members of the zip share bytes of the file, as a zip bomb's do")
        end = start + 30 + length


def _check_directory(file: BinaryIO, limits: Limits) -> int:
    """Return the size of the file; reject a directory with too many entries before `zipfile` makes an object of each.

    The count that the end record states is not believed: `zipfile` ignores it too.
    """
    size = file.seek(0, 2)
    tail_at = max(0, size - _END_SEARCH)
    file.seek(tail_at)
    tail = file.read(_END_SEARCH)
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise zipfile.BadZipFile("its end record is missing; the file may be cut off")
    (length,) = struct.unpack_from("<L", tail, at + 12)
    if length == 0xFFFFFFFF:  # zip64: the true length is in a record before this one
        at = max(0, tail.rfind(b"PK\x06\x06", 0, at))
        length = struct.unpack_from("<Q", tail, at + 40)[0] if at + 48 <= len(tail) else size
    directory = Section(Stream(file.read), min(length, size))
    file.seek(max(0, tail_at + at - length))
    count, last = 0, b""
    while part := directory.read(CHUNK):
        count += (last + part).count(_ENTRY)
        last = part[-3:]
        if count > limits.members:
            raise over(limits, "members", f"a zip of more than {limits.members} members")
    return size


def _content(file: BinaryIO, info: zipfile.ZipInfo, limits: Limits, budget: Budget) -> Stream:
    if info.flag_bits & _ENCRYPTED:
        raise Unreadable("unpack", "encrypted", "the zip member is encrypted; decrypt it and load it again")
    method = _METHODS.get(info.compress_type)
    if method is None and info.compress_type != zipfile.ZIP_STORED:
        label = _OTHER_METHODS.get(info.compress_type, "unknown")
        detail = f"zip compression method {info.compress_type} ({label}) is not supported; repack it with deflate"
        raise Unreadable("unpack", "unsupported-compression", detail)
    file.seek(info.header_offset)
    local = file.read(30)
    if len(local) < 30 or local[:4] != b"PK\x03\x04":
        raise Unreadable("unpack", "damaged", "the zip directory points to no member")
    name_size, extra_size = struct.unpack_from("<HH", local, 26)
    file.seek(name_size + extra_size, 1)
    section = Section(Stream(file.read), info.compress_size)
    content: Section | Inflated = section if method is None else Inflated(Stream(section.read), method, limits, budget)
    return Stream(_Checked(content, info, budget).read)
