"""What the two TXT records have in common: `v=…; key=value; …` (RFC 8461 §3.1, RFC 8460 §3).

The grammar of both is the same but for the version and one field. The linter of each record brings that field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from ..errors import RecordError
from ..knowledge import finding_texts
from ..markup import one_line, plural
from ..vocabulary import Effect, Severity
from ._fault import FaultList, Raw, as_raw, as_text, decode, new_fault
from ._names import ascii_lower

__all__ = ["Kind", "RecordLint", "lint_record", "only_record", "parsed", "split_rrset"]

_WSP = " \t"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_VALUE = re.compile(r"[\x21-\x3a\x3c\x3e-\x7e]+")
_SMART = "“”„‟‘’‚‛«»`´"
_QUOTES = "\"'" + _SMART
_ZONE_LINE = re.compile(r"\s*[A-Za-z0-9_.@-]{1,255}\s+(?:[0-9]{1,10}\s+)?(?:IN\s+)?TXT\s+", re.IGNORECASE)
_OTHERS = {
    "v=spf1": "an SPF record",
    "v=dmarc1": "a DMARC record",
    "v=dkim1": "a DKIM key",
    "v=bimi1": "a BIMI record",
    "v=stsv1": "an `_mta-sts` record",
    "v=tlsrptv1": "a `_smtp._tls` record",
    "version:": "the policy file, which is served over HTTPS",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """Which of the two records is read.

    Attributes
    ----------
    tag, key : str
        How it begins, ``v=STSv1``, and the field it must have.
    prefix : str
        Of the codes of its faults.
    subject : str
        The DNS label that it is called by.
    typo : re.Pattern
        Version tags that were meant to be `tag`.
    """

    tag: str
    key: str
    prefix: str
    subject: str
    typo: re.Pattern[str]

    @property
    def rfc(self) -> str:
        """The section that defines it."""
        return finding_texts()[f"{self.prefix}-missing"].rfc

    @property
    def consequence(self) -> str:
        """What senders do where the record does not count."""
        return finding_texts()[f"{self.prefix}-multiple"].consequence

    @property
    def effect(self) -> Effect:
        """What an error in it does to mail."""
        return finding_texts()[f"{self.prefix}-missing"].effect


@dataclass(slots=True)
class RecordLint:
    """What a record says, and every fault in it; `value` is that of the field the record must have."""

    kind: Kind
    faults: FaultList = field(default_factory=FaultList)
    value: str | None = None
    extensions: list[tuple[str, str]] = field(default_factory=list)
    readable: bool = True

    def fault(self, code: str, variant: str = "", **details: Any) -> None:
        """Note a fault; a code that begins with a hyphen gets the record's prefix. Details are those of `new_fault`."""
        code = self.kind.prefix + code if code.startswith("-") else code
        self.faults.add(
            new_fault(
                code, variant, **{"tag": self.kind.tag, "key": self.kind.key, "record": self.kind.subject} | details
            )
        )


#: Reads one occurrence of the record's own field: (lint, value, column).
ReadField = Callable[[RecordLint, str, int], None]


def lint_record(raw: Raw, kind: Kind, read: ReadField) -> RecordLint:
    """Return what a record says and every fault in it. Raises nothing, whatever the bytes."""
    lint = RecordLint(kind)
    decoded = decode(raw, subject=f"{kind.subject} record", prefix=kind.prefix)
    lint.faults.extend(decoded.faults)
    if not decoded.readable:
        lint.readable = False
        return lint
    text = decoded.text
    if not text.strip("\0 \t\r\n"):
        lint.fault("-empty", actual=text[:20], expected=f"{kind.tag}; {kind.key}=…")
        return lint
    text, start = _outer_space(lint, _unwrapped(lint, text))
    _read_fields(lint, _read_version(lint, text, start), start + len(text), read)
    return lint


def parsed(lint: RecordLint, raw: Raw) -> RecordLint:
    """Return the lint of a valid record.

    Raises
    ------
    RecordError
        The first fault that is an error.
    """
    fault = lint.faults.first_error
    if fault is None:
        return lint
    raise RecordError(
        fault.sentence(),
        reason="syntax",
        column=fault.column,
        field=fault.field,
        actual=fault.actual,
        expected=fault.expected,
        rfc=fault.rfc,
        raw=as_raw(raw),
    )


def split_rrset(texts: Iterable[Raw], tag: str) -> tuple[list[str | bytes], list[str | bytes]]:
    """Return the texts that begin with the version and a semicolon, and those that do not."""
    kept: list[str | bytes] = []
    discarded: list[str | bytes] = []
    for text in [texts] if isinstance(texts, str | bytes | bytearray | memoryview) else texts:
        raw = as_raw(text)
        counts = raw.startswith(f"{tag};") if isinstance(raw, str) else raw.startswith(f"{tag};".encode())
        (kept if counts else discarded).append(raw)
    return kept, discarded


def only_record(texts: Iterable[Raw], kind: Kind) -> str | bytes:
    """Return the one record of an RRset that counts.

    Raises
    ------
    RecordError
        Reason ``missing`` or ``multiple``.
    """
    kept, discarded = split_rrset(texts, kind.tag)
    if len(kept) == 1:
        return kept[0]
    reason = "multiple" if kept else "missing"
    actual = " | ".join(one_line(as_text(raw), 80) for raw in (kept or discarded)[:5])
    message = finding_texts()[f"{kind.prefix}-{reason}"].message(tag=kind.tag, count=len(kept))
    ignored = f"{plural(len(discarded), 'other TXT record')} ignored." if discarded and not kept else ""
    detail = f"Found: {actual} ({kind.rfc})." if actual else f"({kind.rfc})"
    raise RecordError(
        " ".join(filter(None, (message, kind.consequence, ignored, detail))),
        reason=reason,
        actual=actual or None,
        expected=f"exactly one record that begins {kind.tag};",
        rfc=kind.rfc,
        raw="\n".join(as_text(raw) for raw in kept + discarded),
    )


def _unwrapped(lint: RecordLint, text: str) -> str:
    """Return the text without what tools and editors put around it."""
    tag = lint.kind.tag
    if not text.lstrip().startswith("v=") and (match := _ZONE_LINE.match(text[:400])):
        lint.fault("-zone-line", column=1, actual=text[: match.end()].strip()[:80], expected=tag)
        text = text[match.end() :]
    bare = text.strip(_WSP + "\r\n()")
    if bare[:1] and bare[0] in _QUOTES:
        smart = any(mark in bare for mark in _SMART)
        column = text.index(bare[0]) + 1
        lint.fault("-quoted", "typographic" if smart else "", column=column, actual=bare[:1], expected=tag)
        text = _unquoted(bare)
    # `\;` is how some zone editors write a semicolon; the record then holds the backslash.
    head, semicolon, _ = text.partition(";")
    if semicolon and head.endswith("\\"):
        lint.fault("-backslash", column=text.index("\\;") + 1, actual="\\;", expected=";")
        text = text.replace("\\;", ";")
    return text


def _unquoted(text: str) -> str:
    """Return the strings of a quoted record, joined as a sender joins them (RFC 8461 §3.1)."""
    if text[0] != '"' or text[-1] != '"':
        return text.strip(_QUOTES)
    inside = False
    joined: list[str] = []
    for match in re.finditer(r'\\(.)|(")|[^"\\]+', text, re.DOTALL):
        if match.group(2):
            inside = not inside
        elif inside:
            joined.append(match.group(1) or match.group())
    return "".join(joined)


def _outer_space(lint: RecordLint, text: str) -> tuple[str, int]:
    """Return the text without white space around it, and the 1-based column at which it begins."""
    blank = _WSP + "\r\n"
    bare = text.lstrip(blank)
    start = len(text) - len(bare) + 1
    if start > 1:
        lint.fault("-leading-space", column=1, actual=text[: start + 20], expected=lint.kind.tag)
    # After a last semicolon blanks are allowed, a line end never is.
    tail = bare.rstrip(blank)
    if tail != bare and (not tail.endswith(";") or bare[len(tail) :].strip(_WSP)):
        column = start + len(tail)
        lint.fault("-trailing-space", column=column, actual=bare[-20:], expected="the end, or a semicolon")
    return tail, start


def _parts(text: str, column: int) -> Iterator[tuple[int, str]]:
    for part in text.split(";"):
        yield column, part
        column += len(part) + 1


def _read_version(lint: RecordLint, text: str, start: int) -> Iterator[tuple[int, str]]:
    """Judge the version and return the parts that are fields, each with its column."""
    kind = lint.kind
    parts = _parts(text, start)
    column, head = next(parts)
    token = head.rstrip(_WSP)
    if token == kind.tag:
        if head != token and ";" in text:
            lint.fault("-version-space", column=column + len(token), actual=head + ";", expected=f"{kind.tag};")
        return parts
    low = ascii_lower(token[:80])  # long enough for any version, short enough for any pattern
    if token.startswith(kind.tag) and (token[len(kind.tag)] in _WSP + ","):
        after = token[len(kind.tag) :]
        bare = after.lstrip(_WSP + ",")
        lint.fault("-version-delimiter", column=column + len(kind.tag), actual=token[:80], expected=f"{kind.tag};")
        return chain([(column + len(token) - len(bare), bare)] if bare else [], parts)
    code, names = _version_mistake(kind, token, low, text)
    lint.fault(code, column=column, field="v", actual=token[:80], expected=f"{kind.tag};", **names)
    # A first part that is not a version at all is read as a field.
    is_version = low.startswith(("v=", "v:", "version", "v =")) or kind.typo.fullmatch(low)
    fields = parts if is_version else chain([(column, head)], parts)
    return (part for part in fields if part[1].strip(_WSP) != kind.tag)


def _version_mistake(kind: Kind, token: str, low: str, text: str) -> tuple[str, dict[str, str]]:
    """Return the code of what is wrong with a version tag, and the names for its message."""
    tag = ascii_lower(kind.tag)
    if low == tag:
        return "-version-case", {"text": token[:40]}
    for mark, name in _OTHERS.items():
        if low.startswith(mark) and not low.startswith(tag):
            return "-other-kind", {"other": name}
    if re.search(rf";[ \t]*{kind.tag}[ \t]*(;|$)", text):
        return "-version-not-first", {}
    if re.sub(r"[\s\"'“”‘’\\]", "", low) == tag or kind.typo.fullmatch(low):
        return "-version-typo", {"text": token[:40]}
    return "-version-unknown" if low.startswith(("v=", "v =", "v:")) else "-version-missing", {}


def _read_fields(lint: RecordLint, parts: Iterable[tuple[int, str]], end: int, read: ReadField) -> None:
    kind = lint.kind
    seen: dict[str, str] = {"v": kind.tag[2:]}
    typo: str | None = None
    for column, part in parts:
        if lint.faults.enough:
            lint.readable = False
            lint.fault("-too-many-faults", column=column)
            return
        text = part.strip(_WSP)
        if not text:
            if column + len(part) < end:  # a last semicolon is allowed
                lint.fault("-field-empty", column=column + len(part), expected="a field")
            continue
        column += len(part) - len(part.lstrip(_WSP))
        name, equals, value = text.partition("=")
        if not equals:
            _without_equals(lint, text, column)
            continue
        if not _NAME.fullmatch(name):
            bare = name.strip(_WSP + _QUOTES)
            lint.fault(
                "-key-malformed",
                "space" if _NAME.fullmatch(bare) else "",
                column=column,
                actual=text[:120],
                expected="key=value",
                text=f"{bare[:32]}={value.strip()[:40]}",
            )
            if ascii_lower(bare) != kind.key:
                continue
            name, value = kind.key, value.strip(_WSP)
        if name in seen:
            _duplicate(lint, name, seen[name], value, column)
            if name == kind.key == "rua":
                read(lint, value, column + len(name) + 1)
            continue
        seen[name] = value
        if name == kind.key:
            read(lint, value, column + len(name) + 1)
            continue
        if ascii_lower(name).strip("_-.") == kind.key:
            typo = typo or name
            lint.value = lint.value or value
        _extension(lint, name, value, column)
    if kind.key not in seen:
        variant = "typo" if typo else ""
        lint.fault(f"{kind.key}-missing", variant, field=kind.key, actual=typo, expected=f"{kind.key}=…", text=typo)


def _without_equals(lint: RecordLint, text: str, column: int) -> None:
    key = lint.kind.key
    variant, expected = "", f"{key}=…" if key in ascii_lower(text) else "key=value"
    if ascii_lower(text).startswith(("mailto:", "https:")):
        variant, expected = "address", "rua=mailto:…,mailto:…"
        lint.value = f"{lint.value},{text}" if lint.value else text
    elif ":" in text:
        variant = "colon"
        name, _, value = text.partition(":")
        if ascii_lower(name.strip()) == key:
            lint.value = lint.value or value.strip()
    lint.fault("-field-malformed", variant, column=column, actual=text[:120], expected=expected)


def _duplicate(lint: RecordLint, name: str, first: str, value: str, column: int) -> None:
    if name != "rua" and not _good_value(lint, name, value, column):
        return
    same = first == value
    lint.fault(
        "-duplicate-field",
        "rua" if name == "rua" else "same" if same else "",
        column=column,
        field=name,
        actual=f"{name}={value[:80]}",
        severity=Severity.ADVICE if same else None,
        name=name,
        first=first[:40],
        text=value[:40],
    )


def _extension(lint: RecordLint, name: str, value: str, column: int) -> None:
    if _good_value(lint, name, value, column):
        lint.extensions.append((name, value))
        lint.fault("-unknown-field", column=column, field=name, actual=f"{name}={value[:80]}", name=name)


def _good_value(lint: RecordLint, name: str, value: str, column: int) -> bool:
    if _VALUE.fullmatch(value):
        return True
    lint.fault(
        "-value-malformed",
        "" if value else "empty",
        column=column + len(name) + 1,
        field=name,
        actual=value[:120],
        expected="a value",
        name=name,
    )
    return False
