"""A policy as a report shows it (RFC 8460 §4.4, `policy`): what the sender saw, read leniently.

Not a check of the policy: a report may show one that is invalid, and that is just what is to be seen.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from ..vocabulary import Mode

__all__ = ["PolicySeen", "entries", "mode_and_max_age"]

_MODES = frozenset(mode.value for mode in Mode)
_LINE = re.compile(r"\s*(mode|max_age)\s*:\s*([^\s;]*)", re.IGNORECASE)
# Where a policy was pressed into one line, the keys of RFC 8461 §3.2 show where its lines began.
_KEY_INSIDE = re.compile(r"[\s;,]+(?=(?:version|mode|mx|max_age)\s*:)", re.IGNORECASE)
_MAY_HOLD_MORE = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029\\\[]")
_LARGEST_AGE = 10**12


class PolicySeen(NamedTuple):
    """One policy as columns; equal policies are stored once."""

    policy_type: str
    policy_domain: str
    policy_mode: str | None
    policy_max_age: int | None
    policy_string: str
    mx_host: str


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
    found: dict[str, str] = {}
    for line in lines:
        match = _LINE.match(line)
        if match:
            found.setdefault(match[1].lower(), match[2])
    mode = found.get("mode", "").lower()
    age = found.get("max_age", "")
    max_age = int(age) if age.isascii() and age.isdigit() and len(age) <= 13 else None
    return mode if mode in _MODES else None, max_age if max_age is not None and max_age <= _LARGEST_AGE else None


def entries(value: list[str]) -> tuple[list[str], str | None]:
    """Return the entries of a `policy-string` or `mx-host`, one to a line, and what was done to get them.

    An entry may hold several lines, a policy pressed into one, or a JSON array as text (as Microsoft writes TLSA
    records).

    Examples
    --------
    >>> entries(['["3 1 1 ABCD", "3 1 1 EF01"]'])
    (['3 1 1 ABCD', '3 1 1 EF01'], 'unpacked from a JSON array in a string')
    >>> entries(["version: STSv1 mode: none max_age: 60"])
    (['version: STSv1', 'mode: none', 'max_age: 60'], 'split into lines')
    """
    lines: list[str] = []
    treatment = None
    for entry in value:
        if entry.count(":") < 2 and not _MAY_HOLD_MORE.search(entry):
            lines.append(entry)
            continue
        inner = _array_inside(entry)
        if inner is not None:
            treatment = "unpacked from a JSON array in a string"
            lines += inner
            continue
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
