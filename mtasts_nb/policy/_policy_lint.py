"""The one judge of a policy file (RFC 8461 §3.2): its lines, and every fault in them."""

from __future__ import annotations

import re

from ._fault import Raw, decode
from ._policy_fields import PolicyLint, Scan, judge_whole, meant_key, read_field

__all__ = ["lint_policy", "something_else"]

_WSP = " \t"
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# Spaces other than the plain one (RFC 5234 WSP); in the value of an unknown field they are allowed.
_OTHER_SPACE = re.compile("[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")


def lint_policy(raw: Raw) -> PolicyLint:
    """Return what a policy file says and every fault in it. Raises nothing, whatever the bytes."""
    lint = PolicyLint()
    decoded = decode(raw, subject="policy file", prefix="policy")
    lint.faults.extend(decoded.faults)
    text = decoded.text
    if code := something_else(text):
        lint.readable = False
        lint.fault(code, line=1, actual=text.strip()[:120], expected="version: STSv1")
        return lint
    if not decoded.readable:
        lint.readable = False
        return lint
    if not text.strip("\0 \t\r\n"):
        lint.fault("policy-empty", actual=text[:20], expected="version: STSv1")
        return lint
    scan = Scan()
    for number, line in enumerate(_lines(text, lint), 1):
        _read_line(lint, scan, number, line)
        if lint.faults.enough:
            lint.readable = False
            lint.fault("policy-too-many-faults", line=number + 1)
            return lint
    judge_whole(lint, scan)
    return lint


def something_else(text: str) -> str | None:
    """Return the code of what the text is instead of a policy; None where it may be a policy.

    Examples
    --------
    >>> something_else("<!DOCTYPE html><title>404</title>")
    'policy-html'
    """
    head = text[:2000].lstrip(" \t\r\n").lower()
    if head.startswith(("<!doctype", "<html", "<head", "<body", "<?xml", "<!--", "<div", "<script", "<svg")):
        return "policy-html"
    if head.startswith(("{", "[")):
        return "policy-json"
    return "policy-is-record" if head.startswith(("v=stsv", "v=sts1", '"v=stsv')) else None


def _lines(text: str, lint: PolicyLint) -> list[str]:
    """Return the lines without their terminators, LF or CRLF."""
    if "\n" not in text and re.search(r"\\n\s*[A-Za-z]", text):
        column = text.index("\\n") + 1
        lint.fault("policy-escaped-newline", line=1, column=column, actual="\\n", expected="LF or CRLF")
        text = re.sub(r"\\r|\\n", lambda match: "\n" if match.group() == "\\n" else "", text)
    crlf = text.count("\r\n")
    if text.count("\r") > crlf:
        offset = next(match.start() for match in re.finditer(r"\r(?!\n)", text))
        line, column = text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
        lint.fault("policy-bare-cr", line=line, column=column, actual="\\r", expected="LF or CRLF")
        text = re.sub(r"\r+\n?", "\n", text)
    elif 0 < crlf < text.count("\n"):
        lint.fault("policy-line-ends-mixed")
    text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" and len(lines) > 1 else lines


def _read_line(lint: PolicyLint, scan: Scan, number: int, line: str) -> None:
    bare = line.strip(_WSP)
    if not bare:
        lint.fault("policy-blank-line", line=number, expected="a field")
        return
    if control := _CONTROL.search(line):
        actual = f"\\x{ord(control.group()):02x}"
        lint.fault("policy-control-character", line=number, column=control.start() + 1, actual=actual)
        bare = _CONTROL.sub("", line).strip(_WSP)
    space = _OTHER_SPACE.search(line)
    if space and _OTHER_SPACE.sub("", bare.partition(":")[0]).strip(_WSP) in ("version", "mode", "mx", "max_age"):
        lint.fault(
            "policy-value-malformed",
            "space",
            line=number,
            column=space.start() + 1,
            actual=f"U+{ord(space.group()):04X}",
            expected="a space, or nothing",
        )
        bare = _OTHER_SPACE.sub(" ", bare).strip(_WSP)
    if bare.startswith(("#", "//", ";", "--")):
        lint.fault("policy-comment", line=number, column=1, actual=bare[:120], expected="a field")
        return
    if line[0] in _WSP:
        lint.fault("policy-leading-space", line=number, column=1, actual=line[:120], expected=bare[:120])
    key, colon, value = bare.partition(":")
    if not colon:
        key, value = _without_colon(lint, number, bare)
        if not key:
            return
    elif key != key.rstrip(_WSP):
        key = key.rstrip(_WSP)
        right = f"{key[:40]}:"
        lint.fault(
            "policy-space-before-colon",
            line=number,
            column=line.index(":") + 1,
            actual=bare[:120],
            expected=f"{right} …",
            text=right,
        )
    value = value.strip(_WSP)
    if key == "version" not in scan.first and ";" in value and ("mode" in value or "max_age" in value):
        lint.fault("policy-one-line", line=number, actual=bare[:120], expected="one field per line")
        for part in bare.split(";")[:100]:
            if part.strip():
                _read_line(lint, scan, number, part.strip())
        return
    _read_key(lint, scan, number, key, value)


def _without_colon(lint: PolicyLint, number: int, bare: str) -> tuple[str, str]:
    key, separator, value = bare.partition("=")
    variant = "equals" if separator else ""
    if not separator:
        key, _, value = bare.partition(" ")
    known = meant_key(key) if _KEY.fullmatch(key.strip()) else None
    lint.fault(
        "policy-no-colon",
        variant,
        line=number,
        actual=bare[:120],
        expected=f"{known or 'key'}: value",
        field=known,
        text=known or "key",
    )
    return (known, value) if known and value else ("", "")


def _read_key(lint: PolicyLint, scan: Scan, number: int, key: str, value: str) -> None:
    if not _KEY.fullmatch(key):
        meant = meant_key(key) if len(key) <= 40 else None
        lint.fault(
            "policy-key-malformed",
            "meant" if meant else "",
            line=number,
            column=1,
            actual=key[:80],
            expected=meant or "a key",
            field=meant,
            text=meant,
        )
        if meant is None:
            return
        key = meant
    read_field(lint, scan, number, key, value)
