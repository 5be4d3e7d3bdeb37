"""JSON texts as collectors store them: which encoding, several in one file, and each as a document.

I-JSON (RFC 7493) is UTF-8 without a byte order mark, one document, no repeated keys. What differs and can be understood
is read, and what was assumed is noted.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Final, NoReturn

import msgspec

from ...markup import plural
from ...settings import Limits
from ._budget import over
from ._exports import reports_in_result
from ._model import Deviation, Unreadable
from ._streams import CHUNK, Stream
from ._values import excerpt

__all__ = ["BLANK", "as_utf8", "decode_document", "is_ndjson", "lines", "split_json"]

#: White space, and what collectors put around a text: a NUL, the record separator of RFC 7464.
BLANK: Final = b" \t\r\n\0\x1e"
_PADDING: Final = " \t\r\n\x00\x1a\x1e"
# The longer mark first: UTF-32 LE begins like UTF-16 LE.
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: Where the NULs are in four bytes of ASCII characters (RFC 4627 §3): the encoding without a BOM.
_NULS: Final[dict[tuple[bool, ...], str]] = {
    (True, False, True, False): "utf-16-be",
    (False, True, False, True): "utf-16-le",
    (True, True, True, False): "utf-32-be",
    (False, True, True, True): "utf-32-le",
}
_BETWEEN_OBJECTS: Final = re.compile(rb"\}[\s,\0\x1e]*\{")
_SEPARATORS: Final = re.compile(r"[\s,\0\x1e]*")
# A string, whole, so that the brackets in it do not count; or a bracket.
_BRACKET: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[][{}]', re.DOTALL)
#: A larger array is taken apart item by item: it may have millions of them.
_AT_ONCE: Final = 1024 * 1024
# strict=False accepts raw line breaks and tabs in a string: gateways unfold lines.
_DECODER: Final = json.JSONDecoder(strict=False)
# int() and str() refuse more digits than 4,300.
_MOST_DIGITS: Final = 4000
_MOST_REPEATED_KEYS: Final = 100


def _encoding(data: bytes) -> tuple[str, bytes]:
    """Return the encoding of a JSON text, and its byte order mark."""
    head = data[:4]
    if head.isascii() and 0 not in head:  # nearly all
        return "utf-8", b""
    for bom, name in _BOMS:
        if data.startswith(bom):
            return name, bom
    return _NULS.get(tuple(byte == 0 for byte in head), "utf-8"), b""


def as_utf8(data: bytes) -> bytes:
    """Return the text in UTF-8 without a BOM; bytes in no Unicode encoding come back as they are.

    Examples
    --------
    >>> as_utf8("{}".encode("utf-16")), as_utf8("{}".encode("utf-16-be")), as_utf8(b"caf\\xe9")
    (b'{}', b'{}', b'caf\\xe9')
    """
    name, bom = _encoding(data)
    data = data[len(bom) :]
    return data if name == "utf-8" else data.decode(name, "replace").encode("utf-8", "replace")


# -- several texts in one file


def _is_whole(text: bytes) -> bool:
    """Whether a text is one JSON object and nothing else."""
    if not (text.startswith(b"{") and text.endswith(b"}")):
        return False
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return False
    return True


def is_ndjson(head: bytes) -> bool:
    """Whether a UTF-8 text that begins like this has one object per line: the first line is whole, others follow."""
    text = head.removeprefix(codecs.BOM_UTF8).lstrip(BLANK)
    end = text.find(b"\n")
    return 0 < end < len(text.rstrip(BLANK)) and _is_whole(text[:end].rstrip(BLANK))


def split_json(text: bytes, most: int) -> list[tuple[str, bytes]] | None:
    """Return the JSON texts in one UTF-8 text, each with its name; None where it is a single text.

    A damaged text costs none of its neighbours: what cannot be separated comes as one last piece. Of more than `most`
    texts, `most` + 1 are given.

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
    if _is_whole(text):
        return reports_in_result(text)
    if is_ndjson(text):
        return list(islice(_numbered(text), most + 1))
    if not _BETWEEN_OBJECTS.search(text):
        return None
    numbered = list(islice(_numbered(text), most + 1))
    first = numbered[:1000]
    if 2 * sum(line.startswith(b"{") and line.endswith(b"}") for _, line in first) > len(first) > 1:
        return numbered
    items = _items(_scanned(text, ""), most)
    return items if len(items) > 1 and items[1][1].startswith(b"{") else None


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
    """Yield each line that is not blank, with its number; None for a line of more than `longest` bytes."""
    number, held, size = 1, [b""], 0
    ended = False
    while not ended:
        chunk = stream.some(CHUNK)
        ended = not chunk
        first, *rest = chunk.split(b"\n")
        size += len(first)
        if size <= longest:
            held.append(first)
        for line in [*rest, b""] if ended else rest:
            if size > longest:
                yield f"line {number}", None
            elif whole := b"".join(held).removeprefix(codecs.BOM_UTF8).strip(BLANK):
                yield f"line {number}", whole
            number, held, size = number + 1, [line], len(line)


# -- one text


def decode_document(data: bytes, limits: Limits) -> tuple[object, list[Deviation]]:
    """Return the document in a JSON text, and what was assumed.

    Raises
    ------
    Unreadable
        The text is not JSON, or nested too deep.
    """
    text, treatment = _text(data)
    assumed = [Deviation("", None, treatment)] if treatment else []
    if not text:
        raise Unreadable("decode", "empty", "empty; expected a JSON text")
    # It cannot be deeper than it has opening brackets.
    if text.count("{") + text.count("[") > limits.json_depth and _depth(text) > limits.json_depth:
        raise Unreadable("decode", "json-depth", f"nested deeper than {limits.json_depth} levels (Limits.json_depth)")
    if sum(map(text.count, "{[,")) > limits.json_values:
        raise over(limits, "json_values", f"more than {limits.json_values} values in one report", "decode")
    repeated: list[str] = []

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        values = dict(items)
        if len(values) < len(items):
            seen: set[str] = set()
            for key, _ in items:
                if key in seen and len(repeated) < _MOST_REPEATED_KEYS:
                    repeated.append(key)
                seen.add(key)
        return values

    # NaN and Infinity become text, and are noted where a count is expected.
    decoder = json.JSONDecoder(strict=False, object_pairs_hook=pairs, parse_constant=str, parse_int=_whole_number)
    try:
        document, end = decoder.raw_decode(text)
    except json.JSONDecodeError as error:
        _reject(error, text)
    except RecursionError:
        raise Unreadable("decode", "json-depth", "nested too deep to be read") from None
    assumed += [Deviation(str(excerpt(key)), None, "key repeated, the last one counts") for key in repeated]
    if rest := text[end:].strip(_PADDING + ","):
        assumed.append(Deviation("", excerpt(rest), "text after the JSON text ignored"))
    return document, assumed


def _text(data: bytes) -> tuple[str, str | None]:
    """Return a JSON text without its padding, and what was assumed to read it."""
    encoding, bom = _encoding(data)
    if encoding != "utf-8":
        treatment = f"{encoding.upper()}{' with a byte order mark' if bom else ''}, expected plain UTF-8"
    else:
        treatment = "begins with a byte order mark" if bom else ""
    data = data[len(bom) :]
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text, treatment = data.decode(encoding, "replace"), f"not valid {encoding.upper()}; invalid bytes replaced"
    if not treatment and text.rstrip(" \t\r\n") != text.rstrip(_PADDING):
        treatment = "padding at the end removed"
    return text.strip(_PADDING), treatment or None


def _depth(text: str) -> int:
    """Return how deep objects and arrays are nested."""
    depth = deepest = 0
    for match in _BRACKET.finditer(text):
        char = match.group()
        if char in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "}]":
            depth -= 1
    return deepest


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _reject(error: json.JSONDecodeError, text: str) -> NoReturn:
    if error.pos >= len(text) or error.msg.startswith("Unterminated string"):
        length = plural(len(text), "character")
        raise Unreadable("decode", "truncated", f"the JSON text ends too early, after {length}") from None
    beginning = excerpt(text[error.pos : error.pos + 20])
    raise Unreadable(
        "decode", "not-json", f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}; read {beginning!r}"
    ) from None
