"""The one judge of a policy file (RFC 8461 §3.2): every fault in it, and what can be understood of it all the same."""

from __future__ import annotations

import re

from mtasts_nb.vocabulary import Effect, Severity

from ._decode import decode
from ._fault import Raw
from ._policy_fields import judge_whole, read_field
from ._policy_slips import meant_key, whole_file_slip
from ._policy_state import KEY, RFC, WSP, PolicyLint, Seen

__all__ = ["PolicyLint", "lint_policy"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# Spaces that look like one and are none (RFC 5234 WSP); in the value of an unknown field they are allowed.
_ODD_SPACE = re.compile("[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")


def lint_policy(raw: Raw) -> PolicyLint:
    """Return what a policy file says and every fault in it. Raises nothing, whatever the bytes."""
    lint = PolicyLint()
    decoded = decode(raw, subject="policy file", prefix="policy", rfc=RFC)
    lint.faults.extend(decoded.faults)
    text = decoded.text
    if slip := whole_file_slip(text):
        lint.readable = False
        lint.fault(slip[0], slip[1], 1, actual=text.strip()[:120], expected="version: STSv1")
        return lint
    if not decoded.readable:
        lint.readable = False
        return lint
    if not text.strip("\0 \t\r\n"):
        lint.fault("policy-empty", "The policy file is empty.", actual=text[:20], expected="version: STSv1")
        return lint
    seen = Seen()
    for number, line in enumerate(_lines(text, lint), 1):
        _read_line(lint, seen, number, line)
        if lint.faults.enough:
            lint.readable = False
            lint.fault("policy-too-many-faults", "So much is wrong that the rest was not read.", number + 1)
            return lint
    judge_whole(lint, seen)
    return lint


def _lines(text: str, lint: PolicyLint) -> list[str]:
    """Return the lines without their terminators, LF or CRLF."""
    if "\n" not in text and re.search(r"\\n\s*[A-Za-z]", text):
        lint.fault(
            "policy-escaped-newline",
            "The lines are separated by the two characters `\\n`, not by line ends. In a script, use a real line end.",
            1,
            column=text.index("\\n") + 1,
            actual="\\n",
            expected="LF or CRLF",
        )
        text = re.sub(r"\\r|\\n", lambda match: "\n" if match.group() == "\\n" else "", text)
    crlf = text.count("\r\n")
    if text.count("\r") > crlf:
        offset = next(match.start() for match in re.finditer(r"\r(?!\n)", text))
        lint.fault(
            "policy-bare-cr",
            "A carriage return stands without a line feed. Lines end in LF or CRLF.",
            text.count("\n", 0, offset) + 1,
            column=offset - text.rfind("\n", 0, offset),
            actual="\\r",
            expected="LF or CRLF",
        )
        text = re.sub(r"\r+\n?", "\n", text)
    elif 0 < crlf < text.count("\n"):
        lint.fault(
            "policy-line-ends-mixed",
            "Some lines end in CRLF, others in LF. Both are allowed; a mix shows that two tools wrote the file.",
            severity=Severity.ADVICE,
            effect=Effect.COSMETIC,
        )
    text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" and len(lines) > 1 else lines


def _read_line(lint: PolicyLint, seen: Seen, number: int, line: str) -> None:
    bare = line.strip(WSP)
    if not bare:
        lint.fault(
            "policy-blank-line",
            "A policy has no blank lines, not at its end either (some senders are tolerant of them, strict ones not).",
            number,
            expected="a field",
        )
        return
    if control := _CONTROL.search(line):
        lint.fault(
            "policy-control-character",
            "A control character stands in the line. Retype the line in a plain text editor.",
            number,
            column=control.start() + 1,
            actual=f"\\x{ord(control.group()):02x}",
        )
        bare = _CONTROL.sub("", line).strip(WSP)
    odd = _ODD_SPACE.search(line)
    if odd and _ODD_SPACE.sub("", bare.partition(":")[0]).strip(WSP) in ("version", "mode", "mx", "max_age"):
        lint.fault(
            "policy-value-malformed",
            "A no-break space, or another that is not the plain one, stands in the line: web pages and word processors "
            "leave such. Retype it.",
            number,
            column=odd.start() + 1,
            actual=f"U+{ord(odd.group()):04X}",
            expected="a space, or nothing",
        )
        bare = _ODD_SPACE.sub(" ", bare).strip(WSP)
    if bare.startswith(("#", "//", ";", "--")):
        lint.fault(
            "policy-comment", "A policy file has no comments.", number, actual=bare[:120], expected="a field", column=1
        )
        return
    if line[0] in WSP:
        lint.fault(
            "policy-leading-space",
            "The line begins with white space; a key must stand at its very start.",
            number,
            column=1,
            actual=line[:120],
            expected=bare[:120],
        )
    key, colon, value = bare.partition(":")
    if not colon:
        key, value = _without_colon(lint, number, bare)
        if not key:
            return
    elif key != key.rstrip(WSP):
        key = key.rstrip(WSP)
        lint.fault(
            "policy-space-before-colon",
            f"White space stands before the colon: write `{key[:40]}:`.",
            number,
            column=line.index(":") + 1,
            actual=bare[:120],
            expected=f"{key[:40]}: …",
        )
    value = value.strip(WSP)
    if key == "version" not in seen.first and ";" in value and ("mode" in value or "max_age" in value):
        lint.fault(
            "policy-one-line",
            "The fields stand in one line with semicolons. Each has a line of its own.",
            number,
            actual=bare[:120],
            expected="one field per line",
        )
        for part in bare.split(";")[:100]:
            if part.strip():
                _read_line(lint, seen, number, part.strip())
        return
    read_field(lint, seen, number, key, value)


def _without_colon(lint: PolicyLint, number: int, bare: str) -> tuple[str, str]:
    key, sign, value = bare.partition("=")
    if not sign:
        key, sign, value = bare.partition(" ")
    known = meant_key(key) if _may_be_key(key) else None
    lint.fault(
        "policy-no-colon",
        f"The line has no colon: write `{known or 'key'}: …`."
        if sign != "="
        else f"Key and value are separated by a colon in the policy file (`=` belongs to the TXT record): "
        f"write `{known or 'key'}: …`.",
        number,
        actual=bare[:120],
        expected=f"{known or 'key'}: value",
        key=known,
    )
    return (known, value) if known and value else ("", "")


def _may_be_key(text: str) -> bool:
    """Whether a text may be a key at all: short, and of a key's characters."""
    return KEY.fullmatch(text.strip()) is not None
