"""One value of a report, read leniently: what it is taken for, and what was assumed to get there.

Every function takes whatever JSON can hold and never raises. The second part of its answer is the treatment, None where
nothing had to be assumed.
"""

from __future__ import annotations

import ipaddress
import json
import re
from functools import lru_cache

from ..vocabulary import UNKNOWN, PolicyType, ResultType

__all__ = [
    "LARGEST_COUNT",
    "REGISTERED",
    "is_address",
    "is_plain_host",
    "is_plain_word",
    "read_count",
    "read_host",
    "read_text",
    "read_word",
    "shown",
]

#: No reporter sees more sessions in a day; what is above is a fault or an attack.
LARGEST_COUNT = 10**12
#: The words of RFC 8460 §4.3 and §4.4, for which blanks and underscores may stand in place of hyphens.
REGISTERED = frozenset({*(item.value for item in ResultType), *(item.value for item in PolicyType)})

_SURROGATE = re.compile("[\ud800-\udfff]")
_WHOLE = re.compile(r"\s*([+-]?\d{1,30})(?:\.0*)?\s*", re.ASCII)
_BLANKS = re.compile(r"[\s_]+")
_SHOWN = 200


def shown(value: object) -> str | None:
    """Return a raw value as text for a deviation, shortened; None for an absent or null one.

    Examples
    --------
    >>> shown(None), shown(-3), shown("x"), shown([1])
    (None, '-3', 'x', '[1]')
    """
    if value is None:
        return None
    if isinstance(value, str):
        text = value
    elif isinstance(value, list | dict) and len(value) > _SHOWN:
        text = f"{len(value)} entries"
    else:
        text = _as_json(value)
    if not text.isascii():
        text = _SURROGATE.sub("�", text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"


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


def read_word(value: object) -> tuple[str, str | None]:
    """Return a result type or policy type in lower case, `unknown` where there is none.

    One that is not registered is kept (RFC 8460 §6.6 lets the registry grow).

    Examples
    --------
    >>> read_word(" Certificate_Expired "), read_word("x-new"), read_word(None)
    (('certificate-expired', 'folded'), ('x-new', None), ('unknown', 'absent, taken as unknown'))
    """
    text, treatment = read_text(value)
    if text is None or not text.strip():
        return UNKNOWN, "absent, taken as unknown" if text is None else "empty, taken as unknown"
    word = text.strip().lower()
    hyphened = _BLANKS.sub("-", word)
    if hyphened in REGISTERED:
        word = hyphened
    return word, treatment or (None if word == text else "folded")


def is_plain_word(text: str) -> bool:
    """Return whether a result type or policy type needs no remark."""
    return read_word(text) == (text, None)


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
    host = text.strip().lower()
    host = host.removesuffix(".")
    if not host:
        return None, "empty, taken as absent"
    return host, treatment or (None if host == text else "folded")


def is_plain_host(text: str) -> bool:
    """Return whether a host name needs no remark."""
    return read_host(text) == (text, None)


@lru_cache(maxsize=65536)
def is_address(text: str) -> bool:
    """Return whether a text is an IPv4 or IPv6 address.

    Examples
    --------
    >>> is_address("192.0.2.1"), is_address("2001:db8::1"), is_address("192.0.2.256")
    (True, True, False)
    """
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
