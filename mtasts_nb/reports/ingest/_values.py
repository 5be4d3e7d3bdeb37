"""One value of a report, read leniently: what it is taken for, and what was assumed to get there.

Every `read_` function takes whatever JSON can contain. The second part of its answer is the treatment, None where
nothing had to be assumed. None of them raises, but `read_moment`: without a date a report is of no use.
"""

from __future__ import annotations

import ipaddress
import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from socket import AF_INET, AF_INET6, inet_pton

import msgspec

from ...vocabulary import UNKNOWN, Mode, fold_type
from ._model import LARGEST_COUNT

__all__ = [
    "DAY",
    "LONGEST_SPAN",
    "DateError",
    "excerpt",
    "is_address",
    "is_plain_host",
    "is_plain_type",
    "mode_and_max_age",
    "read_count",
    "read_host",
    "read_moment",
    "read_text",
    "read_type",
    "split_entries",
    "strict_moment",
]

SECOND = 1_000_000
DAY = 86_400 * SECOND
#: RFC 8460 §4.1 asks for a period of one UTC day; a longer one is noted.
LONGEST_SPAN = 25 * 3600 * SECOND

_SURROGATE = re.compile("[\ud800-\udfff]")
_WHOLE = re.compile(r"\s*([+-]?\d{1,30})(?:\.0*)?\s*", re.ASCII)
_LONGEST = 200


def excerpt(value: object) -> str | None:
    """Return a raw value as text for a deviation, shortened; None for an absent or null one.

    Examples
    --------
    >>> excerpt(None), excerpt(-3), excerpt("x"), excerpt([1])
    (None, '-3', 'x', '[1]')
    """
    if value is None:
        return None
    if isinstance(value, str):
        text = value
    elif isinstance(value, list | dict) and len(value) > _LONGEST:
        text = f"{len(value)} entries"
    else:
        text = _as_json(value)
    if not text.isascii():
        text = _SURROGATE.sub("�", text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def _as_json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):  # a number of thousands of digits, or too deep
        return f"a {type(value).__name__}"


def read_text(value: object) -> tuple[str | None, str | None]:
    """Return text, None where there is none.

    Examples
    --------
    >>> read_text(7)
    ('7', 'taken as text')
    """
    if value is None or (isinstance(value, str) and value.isascii()):
        return value, None
    treatment = None
    if not isinstance(value, str):
        value, treatment = _as_json(value), "taken as text"
    clean = _SURROGATE.sub("�", value)
    return clean, treatment if clean == value else "half a surrogate pair replaced"


def read_count(value: object) -> tuple[int, str | None]:
    """Return a number of sessions, 0 where none can be understood.

    Examples
    --------
    >>> read_count("12"), read_count(3.0), read_count(-1), read_count(None)
    ((12, 'number read from text'), (3, 'whole number read from a fraction'), (0, 'negative, taken as 0'), (0, 'absent, taken as 0'))
    """
    if value is None:
        return 0, "absent, taken as 0"
    treatment = None
    if isinstance(value, str) and (match := _WHOLE.fullmatch(value)):
        value, treatment = int(match[1]), "number read from text"
    elif isinstance(value, float) and value.is_integer():
        value, treatment = int(value), "whole number read from a fraction"
    if not isinstance(value, int) or isinstance(value, bool):
        return 0, "not a whole number, taken as 0"
    if value < 0:
        return 0, "negative, taken as 0"
    if value > LARGEST_COUNT:
        return 0, "above 10^12, taken as 0"
    return value, treatment


def read_type(value: object) -> tuple[str, str | None]:
    """Return a result type or policy type in its registered spelling, `unknown` where there is none.

    Examples
    --------
    >>> read_type(" Certificate_Expired "), read_type("x-new"), read_type(None)
    (('certificate-expired', 'folded'), ('x-new', None), ('unknown', 'absent, taken as unknown'))
    """
    text, treatment = read_text(value)
    if text is None or not text.strip():
        return UNKNOWN, "absent, taken as unknown" if text is None else "empty, taken as unknown"
    name = fold_type(text)
    return name, treatment or (None if name == text else "folded")


def read_host(value: object) -> tuple[str | None, str | None]:
    """Return a host or domain name in lower case without its last dot, None where there is none.

    Examples
    --------
    >>> read_host("MX1.Example."), read_host("")
    (('mx1.example', 'folded'), (None, 'empty, taken as absent'))
    """
    text, treatment = read_text(value)
    if text is None:
        return None, None
    host = text.strip().lower().removesuffix(".")
    if not host:
        return None, "empty, taken as absent"
    return host, treatment or (None if host == text else "folded")


def is_plain_type(text: str) -> bool:
    """Return whether a result type or policy type needs no remark."""
    return read_type(text) == (text, None)


def is_plain_host(text: str) -> bool:
    """Return whether a host name needs no remark."""
    return read_host(text) == (text, None)


def is_address(text: str) -> bool:
    """Return whether a text is an IPv4 or IPv6 address.

    Examples
    --------
    >>> is_address("192.0.2.1"), is_address("2001:db8::1"), is_address("192.0.2.256")
    (True, True, False)
    """
    try:
        # A tenth of the time of `ipaddress`, which alone knows IPv6 zones and says no the same way on every system.
        inet_pton(AF_INET6 if ":" in text else AF_INET, text)
    except (OSError, ValueError):
        try:
            ipaddress.ip_address(text)
        except ValueError:
            return False
    return True


# -- a policy as the sender saw it; not a check of the policy: a report may show an invalid one

_MODES = frozenset(mode.value for mode in Mode)
_LINE = re.compile(r"\s*(mode|max_age)\s*:\s*([^\s;]*)", re.IGNORECASE)
# Where a policy was joined into one line, the keys of RFC 8461 §3.2 show where its lines began.
# A run is tried once, at its beginning, and whole: it may have a million blanks.
_KEY_INSIDE = re.compile(r"(?<![\s;,])[\s;,]++(?=(?:version|mode|mx|max_age)\s*+:)", re.IGNORECASE)
_MAY_HOLD_MORE = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029\\\[]")


def mode_and_max_age(lines: list[str]) -> tuple[str | None, int | None]:
    """Return the mode and the max_age that policy lines name; None for what they do not.

    For a repeated key the first one counts (RFC 8461 §3.2).

    Examples
    --------
    >>> mode_and_max_age(["version: STSv1", "mode: Enforce", "max_age:86400"])
    ('enforce', 86400)
    >>> mode_and_max_age(["3 1 1 0C72AC70B745AC19998811B131D662C9AC69DBDBE7CB23E5B514B56664C5D3D6"])
    (None, None)
    """
    values: dict[str, str] = {}
    for line in lines:
        if match := _LINE.match(line):
            values.setdefault(match[1].lower(), match[2])
    mode, age = values.get("mode", "").lower(), values.get("max_age", "")
    max_age = int(age) if age.isascii() and age.isdigit() and len(age) <= 13 else None
    return mode if mode in _MODES else None, max_age if max_age is not None and max_age <= 10**12 else None


def split_entries(value: list[str]) -> tuple[list[str], str | None]:
    """Return the entries of a `policy-string` or `mx-host`, one to a line, and what was done to get them.

    An entry may have several lines, or be a policy joined into one line, or a JSON array as text (as Microsoft writes
    TLSA records).

    Examples
    --------
    >>> split_entries(['["3 1 1 ABCD", "3 1 1 EF01"]'])
    (['3 1 1 ABCD', '3 1 1 EF01'], 'unpacked from a JSON array in a string')
    >>> split_entries(["version: STSv1 mode: none max_age: 60"])
    (['version: STSv1', 'mode: none', 'max_age: 60'], 'split into lines')
    """
    lines: list[str] = []
    treatment = None
    for entry in value:
        if entry.count(":") < 2 and not _MAY_HOLD_MORE.search(entry):
            lines.append(entry)
        elif (inner := _array_inside(entry)) is not None:
            treatment = "unpacked from a JSON array in a string"
            lines += inner
        else:
            # A generator that escapes twice leaves backslash and n in the text.
            text = entry.replace("\\r\\n", "\n").replace("\\n", "\n")
            parts = [part for line in text.splitlines() for part in _KEY_INSIDE.split(line)]
            if len(parts) > 1:
                treatment = treatment or "split into lines"
            lines += parts
    return [line.strip() for line in lines if line.strip()], treatment


def _array_inside(text: str) -> list[str] | None:
    if not text.lstrip().startswith("["):
        return None
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace"), type=list[str])
    except msgspec.MsgspecError:
        return None


# -- moments, as microseconds since 1970 UTC

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The first draft of TLS reporting is of 2016; a moment outside these years is a zero value of the reporter's software.
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
_OTHER_FORM = "not in the form of RFC 3339, understood anyway"


class DateError(ValueError):
    """A value cannot be understood as a moment."""


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

    RFC 8460 §4.4 asks for RFC 3339. Other forms that can be understood are taken, numbers as seconds since 1970.

    Raises
    ------
    DateError
        The value cannot be understood as a moment.

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
    hours, minutes, seconds = int(hour or 0), int(minute or 0), int(second or 0)
    # 24:00:00 (ISO 8601) and a leap second :60 (RFC 3339 §5.7) exist; the sum carries them over.
    if hours > 24 or minutes > 59 or seconds > 60:
        raise DateError("no such time of day")
    microseconds = int((fraction or "0")[:6].ljust(6, "0"))
    offset = timedelta()
    if hour and zone and zone[0] in "+-":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:].lstrip(":") or 0))
        offset = -offset if zone[0] == "-" else offset
    try:
        moment = datetime(int(year), int(month), int(day), tzinfo=UTC) - offset
        moment += timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)
    except (ValueError, OverflowError) as error:
        raise DateError(str(error)) from None
    if hour is None:
        treatment = "has no time of day, taken as midnight UTC"
    elif zone is None:
        treatment = "has no time zone, taken as UTC"
    else:
        treatment = "converted to UTC" if offset else _OTHER_FORM
    return _microseconds(moment), treatment


def _from_mail_date(text: str) -> int:
    try:
        moment = parsedate_to_datetime(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise DateError("not a date") from None
    return _microseconds(moment)


def _from_epoch(seconds: float) -> int:
    try:
        # Thirteen digits are milliseconds, as JavaScript counts.
        return _microseconds(_EPOCH + timedelta(seconds=seconds / 1000 if seconds > 10**11 else seconds))
    except OverflowError:
        raise DateError("out of range") from None


def _microseconds(moment: datetime) -> int:
    if not _FIRST_YEAR <= moment.year < _LAST_YEAR:
        raise DateError(f"the year {moment.year} is not plausible")
    return (moment - _EPOCH) // _MICROSECOND
