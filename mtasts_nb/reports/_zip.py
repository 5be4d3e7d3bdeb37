"""A zip archive as members, each read as a stream.

`zipfile` reads the directory. The members are inflated here: `zipfile` gives no bound on what one read of a bzip2
member brings into memory, and opens a member in many times what inflating a report takes.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from ..settings import Limits
from ._streams import CHUNK, Budget, Inflated, Section, Stream, Unreadable, over

__all__ = ["ZipMember", "zip_members"]

_METHODS: Final = {zipfile.ZIP_DEFLATED: "deflate", zipfile.ZIP_BZIP2: "bzip2"}
_OTHER_METHODS: Final = {6: "implode", 9: "deflate64", 14: "LZMA", 93: "Zstandard", 95: "xz", 98: "PPMd", 99: "AES"}
_END: Final = b"PK\x05\x06"
#: The end record is 22 bytes and a comment of at most 65,535.
_END_SEARCH: Final = 22 + 0xFFFF
_ENTRY: Final = b"PK\x01\x02"
_ENCRYPTED: Final = 0x1 | 0x40


class ZipMember(NamedTuple):
    """One member that is no folder. `refusal` says why it cannot be read, `kind` what it is if no regular file."""

    name: str
    kind: str
    refusal: Unreadable | None
    content: Stream


class _Checked:
    """A member's bytes; at their end its size and checksum must be those that the directory states."""

    __slots__ = ("_crc", "_info", "_read", "_size")

    def __init__(self, source: Section | Inflated, info: zipfile.ZipInfo) -> None:
        self._read = source.read
        self._info = info
        self._crc = 0
        self._size = 0

    def read(self, count: int) -> bytes:
        part = self._read(count)
        self._crc = zlib.crc32(part, self._crc)
        self._size += len(part)
        if not part and self._crc != self._info.CRC:
            raise Unreadable(
                "unpack",
                "damaged",
                f"the checksum of the zip member is {self._crc:08x}, the directory says {self._info.CRC:08x}",
            )
        return part


def zip_members(file: BinaryIO, limits: Limits, budget: Budget, *, on_disk: bool) -> Iterator[ZipMember]:
    """Yield each member, in the order of the directory.

    `on_disk` says that the budget does not know the file's size yet: it then learns what was read of it.
    Raises `Unreadable` where the directory cannot be read or has too many entries.
    """
    try:
        _check_directory(file, limits)
        infos = zipfile.ZipFile(file).infolist()
    # What a crafted directory makes zipfile raise, by its source and by fuzzing.
    except (zipfile.BadZipFile, struct.error, NotImplementedError, OSError, ValueError, OverflowError) as error:
        raise Unreadable("unpack", "damaged", f"damaged zip: {error}") from None
    for info in infos:
        name = info.filename or "(no name)"  # a folder has a name that ends in a slash; ZipInfo.is_dir fails on none
        if name.endswith("/"):
            continue
        kind = "symbolic link" if stat.S_ISLNK(info.external_attr >> 16) else ""
        if info.flag_bits & _ENCRYPTED:
            refusal = Unreadable("unpack", "encrypted", "the zip member is encrypted; decrypt it and load it again")
            yield ZipMember(name, kind, refusal, Stream(_nothing))
            continue
        if info.compress_type != zipfile.ZIP_STORED and info.compress_type not in _METHODS:
            label = _OTHER_METHODS.get(info.compress_type, "unknown")
            detail = f"zip compression method {info.compress_type} ({label}) is not supported; repack it with deflate"
            yield ZipMember(name, kind, Unreadable("unpack", "unsupported-compression", detail), Stream(_nothing))
            continue
        try:
            content = _content(file, info, limits, budget, on_disk=on_disk)
        except (OSError, ValueError, OverflowError, Unreadable) as error:
            detail = error.detail if isinstance(error, Unreadable) else f"damaged zip member: {error}"
            yield ZipMember(name, kind, Unreadable("unpack", "damaged", detail), Stream(_nothing))
            continue
        yield ZipMember(name, kind, None, content)


def _nothing(_count: int) -> bytes:
    return b""


def _check_directory(file: BinaryIO, limits: Limits) -> None:
    """Refuse a directory with too many entries before `zipfile` makes an object of each.

    The count that the end record states is not believed: `zipfile` does not look at it either.
    """
    size = file.seek(0, 2)
    tail_at = max(0, size - _END_SEARCH)
    file.seek(tail_at)
    tail = file.read(_END_SEARCH)
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise zipfile.BadZipFile("its end record is missing; the file may be cut off")
    (length,) = struct.unpack_from("<L", tail, at + 12)
    if length == 0xFFFFFFFF:  # zip64: the true length stands in a record before this one
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


def _content(file: BinaryIO, info: zipfile.ZipInfo, limits: Limits, budget: Budget, *, on_disk: bool) -> Stream:
    file.seek(info.header_offset)
    local = file.read(30)
    if len(local) < 30 or local[:4] != b"PK\x03\x04":
        raise Unreadable("unpack", "damaged", "the zip directory points to no member")
    name_size, extra_size = struct.unpack_from("<HH", local, 26)
    file.seek(name_size + extra_size, 1)
    if on_disk:
        budget.taken += info.compress_size
    section = Section(Stream(file.read), info.compress_size)
    method = _METHODS.get(info.compress_type)
    if method is None:
        return Stream(_Checked(section, info).read)
    return Stream(_Checked(Inflated(Stream(section.read), method, limits, budget), info).read)
