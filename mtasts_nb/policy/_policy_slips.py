"""The usual slips in a policy file, each with its name: what was written, and what was meant."""

from __future__ import annotations

import difflib
import re

from mtasts_nb.vocabulary import Mode

from ._names import ascii_lower

__all__ = ["LARGEST_MAX_AGE", "max_age_slip", "meant_key", "mode_slip", "version_slip", "whole_file_slip"]

#: About a year, in seconds (RFC 8461 §3.2).
LARGEST_MAX_AGE = 31_557_600

_QUOTES = "\"'`“”„‟‘’‚‛«»"
_KEYS = {"version": "version", "mode": "mode", "mx": "mx", "maxage": "max_age"}
_KEY_SLIPS = {
    "v": "version",
    "ver": "version",
    "policy": "mode",
    "mxs": "mx",
    "mxhost": "mx",
    "mxhosts": "mx",
    "host": "mx",
    "ttl": "max_age",
    "age": "max_age",
    "max": "max_age",
    "maxagesec": "max_age",
    "maxageseconds": "max_age",
}
_MODE_SLIPS = {
    "enforced": Mode.ENFORCE,
    "enforcing": Mode.ENFORCE,
    "enforcement": Mode.ENFORCE,
    "strict": Mode.ENFORCE,
    "reject": Mode.ENFORCE,
    "test": Mode.TESTING,
    "tests": Mode.TESTING,
    "report": Mode.TESTING,
    "reporting": Mode.TESTING,
    "monitor": Mode.TESTING,
    "off": Mode.NONE,
    "disabled": Mode.NONE,
}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}


def meant_key(key: str) -> str | None:
    """Return which of the four keys a key was meant to be, None where it is none of them.

    Examples
    --------
    >>> meant_key("max-age"), meant_key("Mode"), meant_key("contact")
    ('max_age', 'mode', None)
    """
    bare = re.sub(r"[\s_.\"'-]", "", ascii_lower(key[:40]))
    if meant := _KEYS.get(bare) or _KEY_SLIPS.get(bare):
        return meant
    close = difflib.get_close_matches(bare, _KEYS, n=1, cutoff=0.8)
    return _KEYS[close[0]] if close else None


def version_slip(value: str) -> str:
    """Return what is wrong with the value of `version`, as a sentence."""
    if ascii_lower(value) == "stsv1":
        return f"The version is case-sensitive: `STSv1`, not `{value}`."
    if value.strip(_QUOTES) == "STSv1":
        return "The version stands without quotation marks."
    if re.fullmatch(r"(?i)v=stsv?1;?", value):
        return "`v=STSv1` belongs to the TXT record; the policy file says `version: STSv1`."
    if re.fullmatch(r"(?i)(sts|v)?[-_ .]?v?[-_ ]?1(\.0)?", value):
        return "The version is spelt `STSv1`."
    return "The only version there is, is `STSv1`."


def mode_slip(value: str) -> tuple[str, Mode | None]:
    """Return what is wrong with the value of `mode`, and which mode was meant."""
    bare = ascii_lower(value.strip(_QUOTES + ".;, "))
    if bare != value and bare in list(Mode):
        if bare == ascii_lower(value):
            return f"The mode is case-sensitive: `{bare}`.", Mode(bare)
        return f"The mode stands alone, without quotation marks or other signs: `{bare}`.", Mode(bare)
    if meant := _MODE_SLIPS.get(bare):
        return f"There is no such mode; `{meant.value}` was probably meant.", meant
    close = difflib.get_close_matches(bare[:20], [mode.value for mode in Mode], n=1, cutoff=0.75)
    if close:
        return f"There is no such mode; `{close[0]}` was probably meant.", Mode(close[0])
    return "The mode is `enforce`, `testing` or `none`.", None


def max_age_slip(value: str) -> tuple[str, str, int | None]:
    """Return the code of what is wrong with the value of `max_age`, a sentence, and the seconds that were meant."""
    if re.fullmatch(r"[0-9]+", value):
        if len(value) <= 10:
            return "range", "The largest max_age is 31557600 (about a year).", LARGEST_MAX_AGE
        return "range", "max_age has at most ten digits, and is at most 31557600 (about a year).", LARGEST_MAX_AGE
    short = value[:60]
    if re.fullmatch(r"-[0-9]+", short):
        return "negative", "max_age cannot be negative.", None
    bare = short.strip(_QUOTES + ";, ")
    if bare != short and re.fullmatch(r"[0-9]{1,10}", bare):
        return "quoted", "max_age is digits only, without quotation marks or other signs.", _in_range(int(bare))
    if re.fullmatch(r"[0-9]{1,3}([ ,.'_ ][0-9]{3})+", short):
        return "grouped", "max_age is digits only, without separators.", _in_range(int(re.sub(r"\D", "", short)))
    if match := re.fullmatch(r"([0-9]{1,9})\s*([smhdwy])[a-z]*\.?", ascii_lower(short)):
        seconds = int(match.group(1)) * _UNITS[match.group(2)]
        return "unit", f"max_age is in seconds, without a unit: {seconds}.", _in_range(seconds)
    if re.fullmatch(r"\+?[0-9]{1,10}(\.0*)?", short):
        return "not-a-number", "max_age is a whole number: digits only.", _in_range(int(float(short)))
    return "not-a-number", "max_age is a number of seconds, digits only.", None


def _in_range(seconds: int) -> int:
    return min(seconds, LARGEST_MAX_AGE)


def whole_file_slip(text: str) -> tuple[str, str] | None:
    """Return the code of what the text is instead of a policy, and a sentence; None where it may be a policy.

    Examples
    --------
    >>> whole_file_slip("<!DOCTYPE html><title>404</title>")[0]
    'policy-html'
    """
    head = text[:2000].lstrip(" \t\r\n").lower()
    if head.startswith(("<!doctype", "<html", "<head", "<body", "<?xml", "<!--", "<div", "<script", "<svg")):
        return (
            "policy-html",
            "This is a web page, not a policy: often a start, error or login page served with status 200.",
        )
    if head.startswith(("{", "[")):
        return "policy-json", "This is JSON, not a policy: lines of `key: value`."
    if head.startswith(("v=stsv", "v=sts1", '"v=stsv')):
        return "policy-is-record", "This is the TXT record of `_mta-sts`, not the policy file."
    return None
