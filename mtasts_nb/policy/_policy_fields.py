"""The fields of a policy file: each value by its grammar (RFC 8461 §3.2), then the file as a whole."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import Any

from ..vocabulary import Effect, Mode, Severity
from ._fault import FaultList, new_fault
from ._names import ascii_lower, pattern_doubt, pattern_fault

__all__ = ["PolicyLint", "Scan", "judge_whole", "meant_key", "read_field"]

#: About a year, in seconds (RFC 8461 §3.2).
_LARGEST_MAX_AGE = 31_557_600
_DAY = 86_400
_WEEK = 604_800
_MAX_AGE = re.compile(r"[0-9]{1,10}")
# sts-policy-ext-value: visible characters and UTF-8; spaces only between them; a lone surrogate is a byte that is not.
_VALUE = re.compile("[\x21-\x7e\x80-\ud7ff\ue000-\U0010ffff]+(?: +[\x21-\x7e\x80-\ud7ff\ue000-\U0010ffff]+)*")
_TYPOS_COMPARED = 50  # a comparison of spellings costs; a file has a handful of unknown keys
_QUOTES = "\"'`“”„‟‘’‚‛«»"
_KEYS = {"version": "version", "mode": "mode", "mx": "mx", "maxage": "max_age"}
_KEY_MISTAKES = {
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
_MODE_MISTAKES = {
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
_REQUIRED = {
    "version": ("policy-version-missing", "version: STSv1"),
    "mode": ("policy-mode-missing", "mode: enforce, testing or none"),
    "max_age": ("policy-max-age-missing", "max_age: 604800"),
}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}


@dataclass(slots=True)
class PolicyLint:
    """What a policy file says, and every fault in it.

    `version`, `mode`, `max_age`, `mx` and `extensions` hold what was understood, mistakes corrected; `mx_lines` the line
    of each valid pattern.
    """

    faults: FaultList = field(default_factory=FaultList)
    version: str | None = None
    mode: Mode | None = None
    max_age: int | None = None
    mx: list[str] = field(default_factory=list)
    mx_lines: list[tuple[int, str]] = field(default_factory=list)
    extensions: list[tuple[str, str]] = field(default_factory=list)
    misspelt: set[str] = field(default_factory=set)  # keys of extensions that were meant to be others
    readable: bool = True

    @property
    def applied_mx(self) -> tuple[str, ...]:
        """The patterns that a sender applies: those of an `mx` field, not those of a key that was meant to be one."""
        return tuple(pattern for _, pattern in self.mx_lines)

    def fault(self, code: str, variant: str = "", **details: Any) -> None:
        """Note a fault, with the details of `new_fault`."""
        self.faults.add(new_fault(code, variant, **details))


@dataclass(slots=True)
class Scan:
    """What the linter needs to remember from line to line."""

    first: dict[str, tuple[int, str]] = field(default_factory=dict)  # key -> line, value
    meant: dict[str, tuple[int, str, str]] = field(default_factory=dict)  # key -> line, key as written, value
    patterns: dict[str, int] = field(default_factory=dict)
    misspelt: list[tuple[int, str, str, str]] = field(default_factory=list)  # line, key as written, value, key meant
    typos: int = 0


def meant_key(key: str) -> str | None:
    """Return which of the four keys a key was meant to be; None where it is none of them.

    Examples
    --------
    >>> meant_key("max-age"), meant_key("Mode"), meant_key("contact")
    ('max_age', 'mode', None)
    """
    bare = re.sub(r"[\s_.\"'-]", "", ascii_lower(key[:40]))
    if meant := _KEYS.get(bare) or _KEY_MISTAKES.get(bare):
        return meant
    close = difflib.get_close_matches(bare, _KEYS, n=1, cutoff=0.8)
    return _KEYS[close[0]] if close else None


def _version_mistake(value: str) -> str:
    """Return which message of `policy-version-unknown` describes a value."""
    if ascii_lower(value) == "stsv1":
        return "case"
    if value.strip(_QUOTES) == "STSv1":
        return "quoted"
    if re.fullmatch(r"(?i)v=stsv?1;?", value):
        return "record"
    return "spelling" if re.fullmatch(r"(?i)(sts|v)?[-_ .]?v?[-_ ]?1(\.0)?", value) else ""


def _mode_mistake(value: str) -> tuple[str, Mode | None]:
    """Return which message of `policy-mode-unknown` describes a value, and which mode was meant."""
    bare = ascii_lower(value.strip(_QUOTES + ".;, "))
    if bare != value and bare in list(Mode):
        return "case" if bare == ascii_lower(value) else "quoted", Mode(bare)
    if meant := _MODE_MISTAKES.get(bare):
        return "meant", meant
    close = difflib.get_close_matches(bare[:20], [mode.value for mode in Mode], n=1, cutoff=0.75)
    return ("meant", Mode(close[0])) if close else ("", None)


def _max_age_mistake(value: str) -> tuple[str, str, int | None]:
    """Return what is wrong with a max_age: the end of the code, the variant, and the seconds that were meant."""
    if re.fullmatch(r"[0-9]+", value):
        return "range", "" if len(value) <= 10 else "digits", _LARGEST_MAX_AGE
    short = value[:60]
    if re.fullmatch(r"-[0-9]+", short):
        return "negative", "", None
    bare = short.strip(_QUOTES + ";, ")
    if bare != short and re.fullmatch(r"[0-9]{1,10}", bare):
        return "quoted", "", _in_range(int(bare))
    if re.fullmatch(r"[0-9]{1,3}([ ,.'_ ][0-9]{3})+", short):
        return "grouped", "", _in_range(int(re.sub(r"\D", "", short)))
    if match := re.fullmatch(r"([0-9]{1,9})\s*([smhdwy])[a-z]*\.?", ascii_lower(short)):
        return "unit", "", int(match.group(1)) * _UNITS[match.group(2)]
    if re.fullmatch(r"\+?[0-9]{1,10}(\.0*)?", short):
        return "not-a-number", "whole", _in_range(int(float(short)))
    return "not-a-number", "", None


def _in_range(seconds: int) -> int:
    return min(seconds, _LARGEST_MAX_AGE)


def read_field(lint: PolicyLint, scan: Scan, number: int, key: str, value: str) -> None:
    """Judge one field, by the grammar of its value for the keys that RFC 8461 defines."""
    if key == "mx":
        scan.first.setdefault("mx", (number, value))
        _read_mx(lint, scan, number, value)
        return
    if key in scan.first:
        _read_duplicate(lint, scan, number, key, value)
        return
    scan.first[key] = (number, value)
    match key:
        case "version":
            lint.version = "STSv1"
            if value != "STSv1":
                short = value[:80]
                lint.fault(
                    "policy-version-unknown",
                    _version_mistake(short),
                    line=number,
                    field=key,
                    actual=short,
                    expected="STSv1",
                    text=short,
                )
        case "mode":
            _read_mode(lint, number, value)
        case "max_age":
            _read_max_age(lint, number, value)
        case _:
            _read_extension(lint, scan, number, key, value)


def _read_mode(lint: PolicyLint, number: int, value: str) -> None:
    if value in list(Mode):
        lint.mode = Mode(value)
        return
    short, expected = value[:80], "enforce, testing or none"
    variant, lint.mode = _mode_mistake(short)
    lint.fault(
        "policy-mode-unknown", variant, line=number, field="mode", actual=short, expected=expected, text=lint.mode
    )


def _read_max_age(lint: PolicyLint, number: int, value: str) -> None:
    if _MAX_AGE.fullmatch(value) and int(value) <= _LARGEST_MAX_AGE:
        lint.max_age = int(value)
        return
    kind, variant, seconds = _max_age_mistake(value)
    lint.max_age = None if seconds is None else _in_range(seconds)
    lint.fault(
        f"policy-max-age-{kind}",
        variant,
        line=number,
        field="max_age",
        actual=value[:80],
        expected="a number from 0 to 31557600",
        text=seconds,
    )


def _read_mx(lint: PolicyLint, scan: Scan, number: int, value: str) -> None:
    if fault := pattern_fault(value):
        lint.fault(
            fault.code,
            fault.variant,
            line=number,
            field="mx",
            actual=value[:300],
            expected=", ".join(fault.meant[:5]) or "a host name, or `*.` and a host name",
            **fault.names,
        )
        for meant in fault.meant:
            if scan.patterns.setdefault(ascii_lower(meant), number) == number:
                lint.mx.append(meant)
        return
    if doubt := pattern_doubt(value):
        lint.fault(doubt.code, doubt.variant, line=number, field="mx", actual=value, **doubt.names)
    first = scan.patterns.setdefault(ascii_lower(value), number)
    if first != number:
        lint.fault("pattern-duplicate", line=number, field="mx", actual=value, other=first)
    lint.mx.append(value)
    lint.mx_lines.append((number, value))


def _read_duplicate(lint: PolicyLint, scan: Scan, number: int, key: str, value: str) -> None:
    line, first = scan.first[key]
    if not _VALUE.fullmatch(value):
        _malformed_value(lint, number, key, value)
        return
    same = first == value
    lint.fault(
        "policy-duplicate-field",
        "same" if same else "",
        line=number,
        field=key,
        actual=f"{key}: {value[:80]}",
        severity=Severity.ADVICE if same else None,
        effect=Effect.COSMETIC if same or key not in _REQUIRED else None,
        key=key,
        other=line,
        first=first[:60],
        text=value[:60],
    )


def _read_extension(lint: PolicyLint, scan: Scan, number: int, key: str, value: str) -> None:
    meant = None
    if scan.typos < _TYPOS_COMPARED:
        scan.typos += 1
        meant = meant_key(key)
    if not _VALUE.fullmatch(value):
        _malformed_value(lint, number, key, value)
        return
    lint.extensions.append((key, value))
    if meant is None:
        lint.fault("policy-unknown-field", line=number, field=key, actual=f"{key}: {value[:80]}")
        return
    lint.misspelt.add(key)
    scan.meant.setdefault(meant, (number, key, value))
    scan.misspelt.append((number, key, value, meant))
    if meant == "mx":
        fault = pattern_fault(value)
        lint.mx.extend(fault.meant if fault else (value,))


def _malformed_value(lint: PolicyLint, number: int, key: str, value: str) -> None:
    variant = "" if value else "empty"
    lint.fault(
        "policy-value-malformed", variant, line=number, field=key, actual=value[:120], expected="a value", name=key
    )


def judge_whole(lint: PolicyLint, scan: Scan) -> None:
    """Note what only the whole file shows: fields that are missing, values that do not fit together."""
    for key, (code, expected) in _REQUIRED.items():
        if key in scan.first:
            continue
        line, written = None, None
        if typo := scan.meant.get(key):
            line, written, value = typo
            _understand(lint, key, value)
            scan.misspelt.remove((line, written, value, key))  # named here
        _missing(lint, code, key, line, written, expected)
    if "mx" not in scan.first and lint.mode is not Mode.NONE:
        line, written, _ = scan.meant.get("mx", (None, None, ""))
        scan.misspelt = [entry for entry in scan.misspelt if entry[3] != "mx"]
        _missing(lint, "policy-mx-missing", "mx", line, written, "mx: …")
    for line, written, value, key in scan.misspelt:
        lint.fault(
            "policy-key-typo",
            "case" if ascii_lower(written) == key else "",
            line=line,
            column=1,
            field=key,
            actual=f"{written}: {value[:80]}",
            expected=f"{key}: …",
            name=written,
            key=key,
        )
    _judge_values(lint, scan)


def _missing(lint: PolicyLint, code: str, key: str, line: int | None, written: str | None, expected: str) -> None:
    variant = "typo" if written else ""
    lint.fault(code, variant, line=line, field=key, expected=expected, key=key, other=line, text=written)


def _understand(lint: PolicyLint, key: str, value: str) -> None:
    """Keep the value of a field whose key was misspelt."""
    if key == "mode":
        lint.mode = Mode(value) if value in list(Mode) else _mode_mistake(value[:80])[1]
    elif key == "max_age":
        seconds = int(value) if _MAX_AGE.fullmatch(value) else _max_age_mistake(value)[2]
        lint.max_age = None if seconds is None else _in_range(seconds)
    elif key == "version":
        lint.version = "STSv1"


def _judge_values(lint: PolicyLint, scan: Scan) -> None:
    if lint.mode is Mode.NONE:
        if lint.mx and "mode" in scan.first:
            line = scan.first["mx"][0] if "mx" in scan.first else None
            lint.fault("policy-none-with-mx", line=line, field="mx", actual=", ".join(lint.mx[:5]))
        return
    line, value = scan.first.get("max_age", (None, ""))
    if lint.max_age is None or not _MAX_AGE.fullmatch(value):
        return  # a value that was only guessed is not judged
    if lint.max_age < _DAY:
        lint.fault(
            "policy-max-age-short",
            "" if lint.max_age else "zero",
            line=line,
            field="max_age",
            actual=str(lint.max_age),
            expected="86400 while testing, 604800 or more in enforce",
        )
    elif lint.max_age < _WEEK and lint.mode is Mode.ENFORCE:
        lint.fault(
            "policy-max-age-under-week", line=line, field="max_age", actual=str(lint.max_age), expected="604800 or more"
        )
