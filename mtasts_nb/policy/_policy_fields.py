"""The fields of a policy file: each value by its grammar (RFC 8461 §3.2), then the file as a whole."""

from __future__ import annotations

import re

from mtasts_nb.vocabulary import Effect, Mode, Severity

from ._names import ascii_lower, pattern_doubt, pattern_fault
from ._policy_slips import LARGEST_MAX_AGE, max_age_slip, meant_key, mode_slip, version_slip
from ._policy_state import KEY, PolicyLint, Seen

__all__ = ["judge_whole", "read_field"]

# sts-policy-ext-value: visible characters and UTF-8; spaces only between them; a lone surrogate is a byte that is not.
_VALUE = re.compile("[\x21-\x7e\x80-\ud7ff\ue000-\U0010ffff]+(?: +[\x21-\x7e\x80-\ud7ff\ue000-\U0010ffff]+)*")
_MAX_AGE = re.compile(r"[0-9]{1,10}")
_DAY = 86_400
_WEEK = 604_800
_TYPOS_LOOKED_AT = 50  # a comparison of spellings costs; a file has a handful of unknown keys


def read_field(lint: PolicyLint, seen: Seen, number: int, key: str, value: str) -> None:
    """Judge one field: its key, and the value of those that RFC 8461 knows."""
    if not KEY.fullmatch(key):
        meant = meant_key(key) if len(key) <= 40 else None
        lint.fault(
            "policy-key-malformed",
            f"This is no key; `{meant}` was probably meant."
            if meant
            else "A key is at most 32 letters, digits, `_`, `-` or `.`, and begins with a letter or digit.",
            number,
            column=1,
            actual=key[:80],
            expected=meant or "a key",
            key=meant,
        )
        if meant is None:
            return
        key = meant
    if key == "mx":
        seen.first.setdefault("mx", (number, value))
        _read_mx(lint, seen, number, value)
        return
    if key in seen.first:
        _read_duplicate(lint, seen, number, key, value)
        return
    seen.first[key] = (number, value)
    match key:
        case "version":
            _read_version(lint, number, value)
        case "mode":
            _read_mode(lint, number, value)
        case "max_age":
            _read_max_age(lint, number, value)
        case _:
            _read_extension(lint, seen, number, key, value)


def _read_version(lint: PolicyLint, number: int, value: str) -> None:
    lint.version = "STSv1"
    if value != "STSv1":
        lint.fault(
            "policy-version-unknown",
            version_slip(value[:80]),
            number,
            actual=value[:80],
            expected="STSv1",
            key="version",
        )


def _read_mode(lint: PolicyLint, number: int, value: str) -> None:
    if value in list(Mode):
        lint.mode = Mode(value)
        return
    message, lint.mode = mode_slip(value[:80])
    lint.fault(
        "policy-mode-unknown", message, number, actual=value[:80], expected="enforce, testing or none", key="mode"
    )


def _read_max_age(lint: PolicyLint, number: int, value: str) -> None:
    if _MAX_AGE.fullmatch(value) and int(value) <= LARGEST_MAX_AGE:
        lint.max_age = int(value)
        return
    kind, message, lint.max_age = max_age_slip(value)
    lint.fault(
        f"policy-max-age-{kind}",
        message,
        number,
        actual=value[:80],
        expected="a number from 0 to 31557600",
        key="max_age",
    )


def _read_mx(lint: PolicyLint, seen: Seen, number: int, value: str) -> None:
    if fault := pattern_fault(value):
        lint.fault(
            fault.code,
            fault.message,
            number,
            actual=value[:300],
            expected=", ".join(fault.meant[:5]) or "a host name, or `*.` and a host name",
            key="mx",
            rfc=fault.rfc,
        )
        for meant in fault.meant:
            if seen.patterns.setdefault(ascii_lower(meant), number) == number:
                lint.mx.append(meant)
        return
    if doubt := pattern_doubt(value):
        lint.fault(
            doubt.code,
            doubt.message,
            number,
            actual=value,
            key="mx",
            severity=doubt.severity,
            effect=doubt.effect,
            rfc=doubt.rfc,
        )
    first = seen.patterns.setdefault(ascii_lower(value), number)
    if first != number:
        lint.fault(
            "pattern-duplicate",
            f"The same pattern stands in line {first}.",
            number,
            actual=value,
            key="mx",
            severity=Severity.ADVICE,
            effect=Effect.COSMETIC,
        )
    lint.mx.append(value)
    lint.mx_lines.append((number, value))


def _read_duplicate(lint: PolicyLint, seen: Seen, number: int, key: str, value: str) -> None:
    line, first = seen.first[key]
    if not _VALUE.fullmatch(value):
        _malformed_value(lint, number, key, value)
        return
    same = first == value
    lint.fault(
        "policy-duplicate-field",
        f"`{key}` stands in line {line} already. The first counts, this one is ignored"
        + ("." if same else f": the policy says `{first[:60]}`, not `{value[:60]}`."),
        number,
        actual=f"{key}: {value[:80]}",
        key=key,
        severity=Severity.ADVICE if same else Severity.WARNING,
        effect=Effect.COSMETIC if same or key not in _KNOWN else Effect.DISABLES_PROTECTION,
    )


_KNOWN = ("version", "mode", "max_age")


def _read_extension(lint: PolicyLint, seen: Seen, number: int, key: str, value: str) -> None:
    meant = None
    if seen.typos < _TYPOS_LOOKED_AT:
        seen.typos += 1
        meant = meant_key(key)
    if not _VALUE.fullmatch(value):
        _malformed_value(lint, number, key, value)
        return
    lint.extensions.append((key, value))
    if meant is None:
        lint.fault(
            "policy-unknown-field",
            "RFC 8461 has no such key; senders pass over it.",
            number,
            actual=f"{key}: {value[:80]}",
            key=key,
            severity=Severity.ADVICE,
            effect=Effect.COSMETIC,
        )
    else:
        lint.misspelt.add(key)
        seen.meant.setdefault(meant, (number, key, value))
        seen.misspelt.append((number, key, value, meant))
        if meant == "mx":
            fault = pattern_fault(value)
            lint.mx.extend(fault.meant if fault else (value,))


def _malformed_value(lint: PolicyLint, number: int, key: str, value: str) -> None:
    lint.fault(
        "policy-value-malformed",
        f"`{key}` has no value."
        if not value
        else f"The value of `{key}` has a character that is not allowed: visible characters, single spaces between.",
        number,
        actual=value[:120],
        expected="a value",
        key=key,
    )


_REQUIRED = {
    "version": ("policy-version-missing", "version: STSv1"),
    "mode": ("policy-mode-missing", "mode: enforce, testing or none"),
    "max_age": ("policy-max-age-missing", "max_age: 604800"),
}


def judge_whole(lint: PolicyLint, seen: Seen) -> None:
    """Note what only the whole file shows: fields that are missing, values that fit together badly."""
    for key, (code, expected) in _REQUIRED.items():
        if key in seen.first:
            continue
        if typo := seen.meant.get(key):
            line, written, value = typo
            message = f"There is no `{key}`: line {line} says `{written}`, which senders do not know."
            _understand(lint, key, value)
            seen.misspelt.remove((line, written, value, key))  # said here
        else:
            line, message = 0, f"There is no `{key}`, which every policy must have."
        lint.fault(code, message, line or None, expected=expected, key=key)
    if "mx" not in seen.first and lint.mode is not Mode.NONE:
        typo = seen.meant.get("mx")
        seen.misspelt = [entry for entry in seen.misspelt if entry[3] != "mx"]
        lint.fault(
            "policy-mx-missing",
            f"There is no `mx`: line {typo[0]} says `{typo[1]}`, which senders do not know."
            if typo
            else "There is no `mx`, which every policy must have unless its mode is none.",
            typo[0] if typo else None,
            expected="mx: …",
            key="mx",
        )
    for line, written, value, key in seen.misspelt:
        spelling = "Keys are case-sensitive" if ascii_lower(written) == key else "Senders do not know this key"
        lint.fault(
            "policy-key-typo",
            f"{spelling}: `{written}` is passed over; `{key}` was probably meant.",
            line,
            column=1,
            actual=f"{written}: {value[:80]}",
            expected=f"{key}: …",
            key=key,
            severity=Severity.WARNING,
        )
    _judge_values(lint, seen)


def _understand(lint: PolicyLint, key: str, value: str) -> None:
    """Take over the value of a field whose key was misspelt."""
    if key == "mode":
        lint.mode = Mode(value) if value in list(Mode) else mode_slip(value[:80])[1]
    elif key == "max_age":
        right = _MAX_AGE.fullmatch(value) and int(value) <= LARGEST_MAX_AGE
        lint.max_age = int(value) if right else max_age_slip(value)[2]
    elif key == "version":
        lint.version = "STSv1"


def _judge_values(lint: PolicyLint, seen: Seen) -> None:
    line = seen.first.get("max_age", (None, ""))[0]
    if lint.mode is Mode.NONE:
        if lint.mx and "mode" in seen.first:
            lint.fault(
                "policy-none-with-mx",
                "In mode none the mx patterns mean nothing; they are left over. The file may do without them.",
                seen.first["mx"][0] if "mx" in seen.first else None,
                actual=", ".join(lint.mx[:5]),
                key="mx",
                severity=Severity.ADVICE,
                effect=Effect.COSMETIC,
            )
        return
    if lint.max_age is None or not _MAX_AGE.fullmatch(seen.first.get("max_age", (0, ""))[1]):
        return  # what was only guessed is not judged
    if lint.max_age < _DAY:
        lint.fault(
            "policy-max-age-short",
            "A max_age of 0 is never cached: whoever can disturb the next fetch switches the policy off."
            if lint.max_age == 0
            else "max_age is under a day. Senders forget the policy before they look again, and whoever can disturb "
            "a fetch switches it off. The RFC expects weeks or more.",
            line,
            actual=str(lint.max_age),
            expected="86400 while testing, 604800 or more in enforce",
            key="max_age",
            severity=Severity.WARNING,
        )
    elif lint.max_age < _WEEK and lint.mode is Mode.ENFORCE:
        lint.fault(
            "policy-max-age-under-week",
            "In enforce the RFC expects a max_age of weeks or more; a short one is right only while you may still "
            "have to go back.",
            line,
            actual=str(lint.max_age),
            expected="604800 or more",
            key="max_age",
            severity=Severity.ADVICE,
            effect=Effect.COSMETIC,
        )
