"""Bytes to decoded JSON documents, in whatever encoding and packing collectors store them.

I-JSON (RFC 7493) is UTF-8 without a byte order mark, one document, no repeated keys. What differs and can be understood
is read, and the caller is told what was assumed.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import NoReturn

from ..markup import plural
from ..settings import Limits
from ._report import Deviation, Unreadable
from ._values import shown

__all__ = ["decode_documents"]

# The longer mark first: UTF-32 LE begins like UTF-16 LE.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# A string, whole, so that the brackets in it do not count; or a bracket.
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[][{}]', re.DOTALL)
_PADDING = " \t\r\n\x00\x1a"
# int() refuses more digits; no count has as many.
_MOST_DIGITS = 300

Step = tuple[str, object, tuple[Deviation, ...]]


def decode_documents(data: bytes, limits: Limits) -> Iterator[Step]:
    """Yield the documents that a JSON text holds, each with its place and what was assumed.

    The place is empty for a single document, else ``item 2`` in an array or ``document 2`` in a sequence.

    Raises
    ------
    Unreadable
        The text is no JSON, or an array has too many members, or it is nested too deep.
    """
    text, treatment = _text(data)
    assumed = [Deviation("", None, treatment)] if treatment else []
    decoder = _Decoder(tuple(assumed))
    # It cannot be deeper than it has opening brackets.
    if text.count("{") + text.count("[") > limits.json_depth and _depth(text) > limits.json_depth:
        raise Unreadable("decode", "json-depth", f"nested deeper than {limits.json_depth} levels (Limits.json_depth)")
    place, number, position = "", 0, 0
    while True:
        document, position = decoder.next(text, position)
        while position < len(text) and text[position] in _PADDING + "\x1e,":
            position += 1
        number += 1
        if position < len(text) or number > 1:
            place = f"document {number}"
        if number > limits.members:
            raise Unreadable("decode", "members", f"more than {limits.members} documents in one text (Limits.members)")
        yield from _items(document, place, decoder.assumed(), limits)
        if position >= len(text):
            return


def _items(document: object, place: str, assumed: tuple[Deviation, ...], limits: Limits) -> Iterator[Step]:
    if not isinstance(document, list) or not any(isinstance(item, dict | list) for item in document):
        yield place, document, assumed
        return
    if len(document) > limits.members:
        raise Unreadable(
            "decode", "members", f"an array of {len(document)} documents (Limits.members: {limits.members})"
        )
    for number, item in enumerate(document, 1):
        yield (f"{place} > " if place else "") + f"item {number}", item, assumed


def _text(data: bytes) -> tuple[str, str | None]:
    encoding, marked = "utf-8", False
    for mark, name in _MARKS:
        if data.startswith(mark):
            encoding, marked, data = name, True, data[len(mark) :]
            break
    else:
        # JSON begins with an ASCII character: zero bytes beside it tell UTF-16 and UTF-32 (RFC 4627 §3).
        head = data.lstrip(b"\x00")[:1] and data[:4].ljust(4, b" ")
        if head and head[:3] == b"\x00\x00\x00":
            encoding = "utf-32-be"
        elif head and head[1:4] == b"\x00\x00\x00" and len(data) % 4 == 0:
            encoding = "utf-32-le"
        elif head and head[0] == 0:
            encoding = "utf-16-be"
        elif head and head[1] == 0 and len(data) > 2:
            encoding = "utf-16-le"
    treatment = f"{encoding.upper()}{' with a byte order mark' if marked else ''}, expected plain UTF-8"
    if encoding == "utf-8":
        treatment = "begins with a byte order mark" if marked else ""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text, treatment = data.decode(encoding, "replace"), f"not valid {encoding.upper()}; the bad bytes replaced"
    stripped = text.strip(_PADDING)
    if not treatment and text.rstrip(" \t\r\n") != text.rstrip(_PADDING):
        treatment = "padding at the end taken off"
    return stripped, treatment or None


def _depth(text: str) -> int:
    """Return how deep objects and arrays are nested."""
    depth = deepest = 0
    for found in _BRACKET.finditer(text):
        char = found.group()
        if char in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "}]":
            depth -= 1
    return deepest


class _Decoder:
    def __init__(self, assumed: tuple[Deviation, ...]) -> None:
        self._text_assumed = assumed
        self._found: list[Deviation] = []
        # strict=False lets raw line breaks and tabs stand in a string: gateways unfold lines.
        self._json = json.JSONDecoder(strict=False, object_pairs_hook=self._pairs, parse_constant=self._constant)

    def next(self, text: str, position: int) -> tuple[object, int]:
        self._found.clear()
        if not text:
            raise Unreadable("decode", "empty", "nothing in it; expected a JSON text")
        try:
            try:
                return self._json.raw_decode(text, position)
            except json.JSONDecodeError:
                raise
            except ValueError:  # a number with more digits than int() takes
                self._found.clear()
                patient = json.JSONDecoder(
                    strict=False, object_pairs_hook=self._pairs, parse_constant=self._constant, parse_int=self._whole
                )
                return patient.raw_decode(text, position)
        except json.JSONDecodeError as error:
            _refuse(error, text)
        except RecursionError:
            raise Unreadable("decode", "json-depth", "nested too deep to be read") from None

    def assumed(self) -> tuple[Deviation, ...]:
        return (*self._text_assumed, *self._found)

    def _pairs(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        result = dict(pairs)
        if len(result) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen and len(self._found) < 100:
                    self._found.append(Deviation(str(shown(key)), None, "key repeated, the last one counts"))
                seen.add(key)
        return result

    @staticmethod
    def _whole(digits: str) -> object:
        return int(digits) if len(digits) <= _MOST_DIGITS else digits

    @staticmethod
    def _constant(name: str) -> object:
        return name  # NaN and Infinity as text: no count, and said so where they stand


def _refuse(error: json.JSONDecodeError, text: str) -> NoReturn:
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        raise Unreadable(
            "decode", "truncated", f"the JSON text ends in the middle, after {plural(len(text), 'character')}"
        ) from None
    found = shown(text[error.pos : error.pos + 20])
    raise Unreadable(
        "decode", "not-json", f"no JSON at line {error.lineno}, column {error.colno}: {error.msg}; found {found!r}"
    ) from None
