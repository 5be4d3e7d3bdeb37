"""The fast reader: a report exactly as RFC 8460 §4.4 specifies, decoded by type.

Decoding is the check: a key too many or too few, a count that is not one, an unknown form of date, and the whole report
goes to the lenient reader instead. Nothing is assumed here, so nothing is noted here.
"""

from __future__ import annotations

import json
from typing import Annotated, Final

import msgspec

from ._model import NeedsLenientReader, Result
from ._values import LONGEST_SPAN, strict_moment

__all__ = [
    "TEXTS_OF_DETAIL",
    "TEXTS_OF_ELEMENT",
    "TEXTS_OF_REPORT",
    "Periods",
    "TypedReport",
    "check_keys",
    "count_texts",
    "decode_report",
]

#: How many texts each part has when none is absent, keys included: a report without its `policies`, an element of
#: `policies` without its `policy` and `failure-details`, a failure detail.
TEXTS_OF_REPORT: Final = 12
TEXTS_OF_ELEMENT: Final = 4
TEXTS_OF_DETAIL: Final = 15


class _DateRange(msgspec.Struct, gc=False, rename="kebab", forbid_unknown_fields=True):
    start_datetime: str
    end_datetime: str


class _Element(Result, kw_only=True):
    # Reporters repeat the same policy day after day: its bytes are looked up before they are decoded.
    policy: msgspec.Raw


class TypedReport(msgspec.Struct, gc=False, rename="kebab", forbid_unknown_fields=True):
    """A report whose shape is right; its values are still to be checked."""

    organization_name: str
    date_range: _DateRange
    contact_info: str
    report_id: str
    policies: Annotated[list[_Element], msgspec.Meta(min_length=1)]


#: bytes -> TypedReport; raises msgspec.MsgspecError, UnicodeDecodeError or RecursionError.
decode_report = msgspec.json.Decoder(TypedReport).decode


#: Remembered periods; a text of one has at most 32 characters, so that all together take less than 4 MB.
_MOST_PERIODS: Final = 10_000


class Periods(dict[tuple[str, str], tuple[int, int]]):
    """Begin and end as text to microseconds, remembered; raises `NeedsLenientReader` for a period that needs a remark."""

    def __missing__(self, texts: tuple[str, str]) -> tuple[int, int]:
        start, end = strict_moment(texts[0]), strict_moment(texts[1])
        if start is None or end is None or not 0 <= end - start <= LONGEST_SPAN:
            raise NeedsLenientReader
        if len(self) < _MOST_PERIODS:
            self[texts] = start, end
        return start, end


def count_texts(data: bytes) -> int:
    """Return how many texts a valid JSON text has, keys included; -1 where that needs a closer look.

    A decoder keeps one value of a repeated key, however it is written; the texts that it did not keep show here.

    Examples
    --------
    >>> count_texts(b'{"a": "x", "a": 1}'), count_texts(rb'["a \\"quote\\""]'), count_texts(rb'["a backslash: \\\\"]')
    (3, 1, -1)
    """
    marks = data.count(b'"')
    if b"\\" in data:
        if b"\\\\" in data:
            return -1
        marks -= data.count(b'\\"')
    return marks // 2


def check_keys(data: bytes) -> object:
    """Return the document in a JSON text; raises `NeedsLenientReader` where a key is repeated in an object."""
    try:
        return json.loads(data, object_pairs_hook=_once)
    except ValueError:
        raise NeedsLenientReader from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise NeedsLenientReader
    return values
