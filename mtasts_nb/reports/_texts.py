"""JSON texts: which encoding, and whether one file holds several (an array, NDJSON, one after another)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Final

import msgspec

from ._streams import CHUNK, Stream

__all__ = ["BLANK", "as_utf8", "is_ndjson", "lines", "split_json"]

#: White space, and what collectors put around a text: a NUL, the record separator of RFC 7464.
BLANK: Final = b" \t\r\n\0\x1e"
_BOMS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
#: Where the NULs are in four bytes of ASCII characters (RFC 4627 §3): the encoding without a BOM.
_NULS: Final[dict[tuple[bool, ...], str]] = {
    (True, False, True, False): "utf-16-be",
    (False, True, False, True): "utf-16-le",
    (True, True, True, False): "utf-32-be",
    (False, True, True, True): "utf-32-le",
}
_BETWEEN_OBJECTS: Final = re.compile(rb"\}[\s\0\x1e]*\{")
_SEPARATORS: Final = re.compile(r"[\s,\0\x1e]*")
#: A larger array is taken apart item by item: it may hold millions of them.
_AT_ONCE: Final = 1024 * 1024
_DECODER: Final = json.JSONDecoder()


def as_utf8(data: bytes) -> bytes:
    """Return the text in UTF-8 without a BOM; bytes in no Unicode encoding come back as they are.

    Examples
    --------
    >>> as_utf8("{}".encode("utf-16")), as_utf8("{}".encode("utf-16-be")), as_utf8(b"caf\\xe9")
    (b'{}', b'{}', b'caf\\xe9')
    """
    for bom, name in _BOMS:
        if data.startswith(bom):
            return data[3:] if name == "utf-8-sig" else data.decode(name, "replace").encode("utf-8", "replace")
    encoding = _NULS.get(tuple(byte == 0 for byte in data[:4]))
    return data.decode(encoding, "replace").encode("utf-8", "replace") if encoding else data


def _whole(line: bytes) -> bool:
    """Whether a line is a whole JSON object."""
    if not (line.startswith(b"{") and line.endswith(b"}")):
        return False
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return False
    return True


def is_ndjson(head: bytes) -> bool:
    """Whether a UTF-8 text that begins like this has one object to a line: the first line is a whole one, others follow."""
    text = head.removeprefix(_BOMS[0][0]).lstrip(BLANK)
    end = text.find(b"\n")
    return 0 < end < len(text.rstrip(BLANK)) and _whole(text[:end].rstrip(BLANK))


def split_json(text: bytes, most: int) -> list[tuple[str, bytes]] | None:
    """Return the JSON texts in one UTF-8 text, each with its name; None where it is one text.

    A damaged text costs none of its neighbours: what cannot be told apart comes as one last piece. Of more than `most`
    texts, one more than that is given.

    Examples
    --------
    >>> split_json(b'[{"a": 1}, {"b": 2}]', 10)
    [('item 1', b'{"a": 1}'), ('item 2', b'{"b": 2}')]
    >>> split_json(b'{"a": 1}\\n{"b": 2}\\n', 10)
    [('line 1', b'{"a": 1}'), ('line 2', b'{"b": 2}')]
    >>> split_json(b'{"a": {"b": 2}}', 10)
    """
    text = text.strip(BLANK)
    if text.startswith(b"["):
        return _items(_array(text), most)
    if is_ndjson(text):
        return list(islice(_numbered(text), most + 1))
    if not _BETWEEN_OBJECTS.search(text):
        return None
    numbered = list(islice(_numbered(text), most + 1))
    first = numbered[:1000]
    if 2 * sum(line.startswith(b"{") and line.endswith(b"}") for _, line in first) > len(first) > 1:
        return numbered
    items = _items(_scanned(text, ""), most)
    return items if len(items) > 1 else None


def _items(values: Iterable[bytes], most: int) -> list[tuple[str, bytes]]:
    return [(f"item {number}", value) for number, value in enumerate(islice(values, most + 1), 1)]


def _numbered(text: bytes) -> Iterator[tuple[str, bytes]]:
    number = start = 0
    while start < len(text):
        end = text.find(b"\n", start)
        end = len(text) if end < 0 else end
        number += 1
        if line := text[start:end].strip(BLANK):
            yield f"line {number}", line
        start = end + 1


def _array(text: bytes) -> Iterator[bytes]:
    if len(text) <= _AT_ONCE:
        with suppress(msgspec.MsgspecError, RecursionError, ValueError):
            yield from [bytes(raw) for raw in msgspec.json.decode(text, type=list[msgspec.Raw])]
            return
    yield from _scanned(text[1:], "]")


def _scanned(raw: bytes, end: str) -> Iterator[bytes]:
    """Yield each value in turn, and at the first that is damaged all that is left."""
    text = raw.decode("utf-8", "surrogateescape")
    at = 0
    while True:
        at = _SEPARATORS.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing too
        if at == len(text) or (end and text.startswith(end, at)):
            return
        try:
            _, stop = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            stop = len(text)
        yield text[at:stop].encode("utf-8", "surrogateescape")
        at = stop


def lines(stream: Stream, longest: int) -> Iterator[tuple[str, bytes | None]]:
    """Yield each line that is not blank, with its number; None for one of more than `longest` bytes."""
    number, held, size = 1, [b""], 0
    while chunk := stream.some(CHUNK):
        first, *rest = chunk.split(b"\n")
        size += len(first)
        if size <= longest:
            held.append(first)
        for line in rest:
            if size > longest:
                yield f"line {number}", None
            elif whole := b"".join(held).removeprefix(_BOMS[0][0]).strip(BLANK):
                yield f"line {number}", whole
            number, held, size = number + 1, [line], len(line)
    if size > longest:
        yield f"line {number}", None
    elif whole := b"".join(held).strip(BLANK):
        yield f"line {number}", whole
