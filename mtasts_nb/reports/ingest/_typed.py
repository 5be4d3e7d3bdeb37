"""The fast reader: a report with the keys and types that RFC 8460 §4.4 specifies, decoded by type.

Decoding is the check: a key too many, a count that is not one, and the whole report goes to the lenient reader instead.
Parts that are repeated from report to report, the period and each policy, are read leniently, once, and their remarks
remembered.
"""

from __future__ import annotations

import json
from typing import Annotated, Final

import msgspec

from ._lenient import Period, read_period
from ._model import NeedsLenientReader, Result

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


class TypedReport(msgspec.Struct, gc=False, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A report whose shape is right; its values are still to be checked."""

    date_range: _DateRange
    organization_name: str | None = None
    contact_info: str | None = None
    report_id: str | None = None
    policies: Annotated[list[_Element], msgspec.Meta(min_length=1)]


#: bytes -> TypedReport; raises msgspec.MsgspecError, UnicodeDecodeError or RecursionError.
decode_report = msgspec.json.Decoder(TypedReport).decode


#: Remembered periods; a text of one has at most 40 characters, so that all together take less than 10 MB.
_MOST_PERIODS: Final = 10_000


class Periods(dict[tuple[str, str], Period]):
    """Begin and end as text to microseconds and what was assumed, remembered; what needs more raises `NeedsLenientReader`."""

    def __missing__(self, texts: tuple[str, str]) -> Period:
        period = read_period(*texts)
        if len(self) < _MOST_PERIODS:
            self[texts] = period
        return period


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
