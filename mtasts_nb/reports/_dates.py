"""Moments as reporters write them, to microseconds since 1970 UTC.

RFC 8460 §4.4 asks for RFC 3339. What is written otherwise but can be understood is taken, and the caller is told what
was assumed. A moment outside the years below is taken for none: a zero value of the reporter's software, not a date.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

__all__ = ["DAY", "LONGEST_SPAN", "DateError", "read_moment", "strict_moment"]

SECOND = 1_000_000
DAY = 86_400 * SECOND
#: RFC 8460 §4.1 asks for a period of one UTC day; more than this is worth a word.
LONGEST_SPAN = 25 * 3600 * SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The first draft of TLS reporting is of 2016.
_FIRST_YEAR, _LAST_YEAR = 2010, 2100
_STRICT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[Zz]|[+-]00:00)", re.ASCII)
_LENIENT = re.compile(
    r"(\d{4})[-/.]?(\d\d)[-/.]?(\d\d)"
    r"(?:(?:[Tt]|\s+|_)(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?"
    # Go prints a time with its zone twice: 2026-02-08 00:00:00 +0000 UTC
    r"\s*(?:([Zz]|UTC|GMT|utc|gmt|[+-]\d\d:?(?:\d\d)?)(?:(?<=\d)\s+[A-Z]{3,5})?)?",
    re.ASCII,
)
_EPOCH_TEXT = re.compile(r"\d{9,13}", re.ASCII)


class DateError(ValueError):
    """What stands there is no moment that can be understood."""


def strict_moment(text: str) -> int | None:
    """Return an RFC 3339 moment in UTC as microseconds since 1970; None for anything else.

    Examples
    --------
    >>> strict_moment("2026-02-08T00:00:00Z")
    1770508800000000
    >>> strict_moment("2026-02-08 00:00") is None
    True
    """
    if not _STRICT.fullmatch(text):
        return None
    try:
        return _microseconds(datetime.fromisoformat(text.upper()))
    except ValueError:
        return None


def read_moment(value: object) -> tuple[int, str | None]:
    """Return a moment as microseconds since 1970 UTC, and what was assumed (None: nothing).

    Parameters
    ----------
    value : object
        What stands in the report: text, or a number of seconds since 1970.

    Raises
    ------
    DateError
        No moment can be made of it.

    Examples
    --------
    >>> read_moment("2026-02-08T02:00:00+02:00")
    (1770508800000000, 'converted to UTC')
    >>> read_moment("2026-02-08 00:00:00")
    (1770508800000000, 'has no time zone, taken as UTC')
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_epoch(value), "taken as seconds since 1970"
    if not isinstance(value, str):
        raise DateError("not a date")
    strict = strict_moment(value)
    if strict is not None:
        return strict, None
    text = value.strip()
    if _EPOCH_TEXT.fullmatch(text):
        return _from_epoch(int(text)), "taken as seconds since 1970"
    match = _LENIENT.fullmatch(text)
    return _from_parts(match) if match else (_from_mail_date(text), "read as a mail date, converted to UTC")


def _from_parts(match: re.Match[str]) -> tuple[int, str | None]:
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), tzinfo=UTC)
    except ValueError as error:
        raise DateError(str(error)) from None
    hours, minutes, seconds = int(hour or 0), int(minute or 0), int(second or 0)
    # 24:00:00 (ISO 8601) and a leap second :60 (RFC 3339 §5.7) exist; the sum carries them over.
    if hours > 24 or minutes > 59 or seconds > 60:
        raise DateError("no such time of day")
    moment += timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if fraction:
        moment += timedelta(microseconds=int(fraction[:6].ljust(6, "0")))
    if hour is None:
        return _microseconds(moment), "has no time of day, taken as midnight UTC"
    if zone is None:
        return _microseconds(moment), "has no time zone, taken as UTC"
    if zone[0] not in "+-":
        return _microseconds(moment), "not in the form of RFC 3339, understood all the same"
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:].lstrip(":") or 0))
    try:
        moment = moment - offset if zone[0] == "+" else moment + offset
    except OverflowError:
        raise DateError("out of range") from None
    return _microseconds(
        moment
    ), "converted to UTC" if offset else "not in the form of RFC 3339, understood all the same"


def _from_mail_date(text: str) -> int:
    try:
        moment = parsedate_to_datetime(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise DateError("not a date") from None
    return _microseconds(moment)


def _from_epoch(seconds: float) -> int:
    # Thirteen digits are milliseconds, as JavaScript counts.
    if seconds > 10**11:
        seconds /= 1000
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise DateError("out of range") from None
    return _microseconds(moment)


def _microseconds(moment: datetime) -> int:
    if not _FIRST_YEAR <= moment.year < _LAST_YEAR:
        raise DateError(f"the year {moment.year} cannot be meant")
    return (moment - _EPOCH) // _MICROSECOND
