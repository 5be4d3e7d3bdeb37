"""The fast reader: a report that is just as RFC 8460 §4.4 says, decoded by type straight into rows.

Decoding is the check: a key too many or too few, a count that is none, an unknown date form, and the whole report goes
to the lenient reader instead. Nothing is assumed here, so nothing is noted here.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from ._dates import LONGEST_SPAN, strict_moment
from ._tables import Odd
from ._values import LARGEST_COUNT

__all__ = ["Periods", "TypedReport", "decode_report"]

Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_COUNT)]


class _Strict(msgspec.Struct, gc=False, rename="kebab", forbid_unknown_fields=True):
    pass


class _DateRange(_Strict):
    start_datetime: str
    end_datetime: str


class _Summary(_Strict):
    total_successful_session_count: Count
    total_failure_session_count: Count


class _Detail(_Strict):
    result_type: str
    failed_session_count: Count
    sending_mta_ip: str | None = None
    receiving_mx_hostname: str | None = None
    receiving_mx_helo: str | None = None
    receiving_ip: str | None = None
    failure_reason_code: str | None = None
    additional_information: str | None = None


class _Element(_Strict):
    # Reporters repeat the same policy day after day: its bytes are looked up before they are decoded.
    policy: msgspec.Raw
    summary: _Summary
    failure_details: list[_Detail] = []


class TypedReport(_Strict):
    """A report whose shape is right; its values are still to be judged."""

    organization_name: str
    date_range: _DateRange
    contact_info: str
    report_id: str
    policies: Annotated[list[_Element], msgspec.Meta(min_length=1)]


#: bytes -> TypedReport; raises msgspec.MsgspecError, UnicodeDecodeError or RecursionError.
decode_report = msgspec.json.Decoder(TypedReport).decode


class Periods(dict[tuple[str, str], tuple[int, int]]):
    """Begin and end as text to microseconds, remembered; raises `Odd` for a period that needs a remark."""

    def __missing__(self, texts: tuple[str, str]) -> tuple[int, int]:
        start, end = strict_moment(texts[0]), strict_moment(texts[1])
        if start is None or end is None or not 0 <= end - start <= LONGEST_SPAN:
            raise Odd
        if len(self) < 100_000:
            self[texts] = start, end
        return start, end
