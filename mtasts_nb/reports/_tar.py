"""A tar archive as a stream of members (POSIX.1-2017 pax, ustar, GNU and old formats).

Not `tarfile`: that reads a header's stated size into memory before any limit can speak, and several versions of it in
use loop or backtrack on crafted headers. Reading needs only a name, a size and a kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from ._streams import Section, Stream, Unreadable

__all__ = ["BLOCK", "TarMember", "is_tar", "tar_members"]

#: Everything in a tar comes in blocks of this many bytes.
BLOCK: Final = 512
#: A long name or a pax header beyond this is no honest one.
_LONGEST_HEADER: Final = 64 * 1024
_OCTAL: Final = re.compile(rb"[ \0]*([0-7]+)[ \0]*\Z")
_PAX: Final = re.compile(rb"(\d{1,6}) ([^=\n]{1,200})=")
_KINDS: Final = {b"1": "hard link", b"2": "symbolic link", b"3": "device", b"4": "device", b"6": "FIFO"}
_FILES: Final = (b"0", b"\0", b"7")


class TarMember(NamedTuple):
    """One member that is no folder: its name, what it is, and its bytes, to be read before the next one is asked for.

    `kind` is empty for a regular file.
    """

    name: str
    kind: str
    content: Section


def _number(field: bytes) -> int | None:
    """Return a header's number, octal or GNU's base 256; None where it is neither."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    if not field.strip(b" \0"):
        return 0
    found = _OCTAL.match(field)
    return int(found[1], 8) if found else None


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
    while (found := _PAX.match(data, at)) and (length := int(found[1])) > found.end() - at:
        records[found[2].decode("utf-8", "replace")] = data[found.end() : at + length - 1]
        at += length
    return records


def _headers(stream: Stream) -> Iterator[tuple[bytes, int] | Unreadable]:
    """Yield each header with the size it states; where one is damaged, a refusal, and then the next that is not."""
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


def tar_members(stream: Stream) -> Iterator[TarMember | Unreadable]:
    """Yield each member with the stream at its first byte; what the caller leaves unread is passed over.

    A damaged header gives an `Unreadable`, and the members after it are found again. Raises `Unreadable` where the
    archive ends within a member.
    """
    long_name: str | None = None
    pax: dict[str, bytes] = {}
    for found in _headers(stream):
        if isinstance(found, Unreadable):
            yield found
            continue
        header, size = found
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
        # A sparse file's bytes are stored without its holes, behind a map of them: not a document as it stands.
        sparse = kind == b"S" or any(key.startswith("GNU.sparse") for key in pax)
        long_name, pax = None, {}
        # Links and devices have no bytes of their own, whatever size their header states.
        section = Section(stream, 0 if kind in _KINDS else size)
        if kind in _FILES and not name.endswith("/"):
            yield TarMember(name, "sparse file" if sparse else "", section)
        elif kind not in (b"5", *_FILES):
            yield TarMember(name, _KINDS.get(kind, "sparse file" if sparse else "special file"), section)
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
