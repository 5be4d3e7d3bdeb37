"""What the two TXT records have in common: `v=…; key=value; …` (RFC 8461 §3.1, RFC 8460 §3).

The grammar of both is the same but for the version and one field. The linter of each record brings that field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from mtasts_nb.vocabulary import Effect, Severity

from ._decode import decode
from ._fault import Fault, FaultList, Raw
from ._names import ascii_lower

__all__ = ["Kind", "RecordLint", "lint_record"]

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
    "version:": "the policy file, which is served by HTTPS",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """Which of the two records is read."""

    tag: str  # v=STSv1
    key: str  # the field it must have
    prefix: str  # of the codes of its faults
    subject: str  # what it is called
    rfc: str
    consequence: str  # what breaks in practice
    effect: Effect  # what an error in it does to mail
    absent: Severity  # how wrong it is that there is none
    typo: re.Pattern[str]  # version tags that mean this record


@dataclass(slots=True)
class RecordLint:
    """What a record says, and every fault in it; `value` is that of the field the record must have."""

    kind: Kind
    faults: FaultList = field(default_factory=FaultList)
    value: str | None = None
    extensions: list[tuple[str, str]] = field(default_factory=list)
    readable: bool = True

    def fault(
        self,
        code: str,
        message: str,
        *,
        column: int | None = None,
        key: str | None = None,
        actual: str | None = None,
        expected: str | None = None,
        severity: Severity = Severity.ERROR,
        effect: Effect = Effect.DISABLES_PROTECTION,
        rfc: str | None = None,
    ) -> None:
        """Note a fault; a code that begins with a hyphen gets the record's prefix."""
        self.faults.add(
            Fault(
                code=self.kind.prefix + code if code.startswith("-") else code,
                message=message,
                severity=severity,
                effect=effect,
                column=column,
                field=key,
                actual=actual,
                expected=expected,
                rfc=rfc or self.kind.rfc,
            )
        )


#: Reads the first occurrence of the record's own field: (lint, value, column).
ReadField = Callable[[RecordLint, str, int], None]


def lint_record(raw: Raw, kind: Kind, read: ReadField) -> RecordLint:
    """Return what a record says and every fault in it. Raises nothing, whatever the bytes."""
    lint = RecordLint(kind)
    decoded = decode(raw, subject=f"{kind.subject} record", prefix=kind.prefix, rfc=kind.rfc)
    lint.faults.extend(decoded.faults)
    if not decoded.readable:
        lint.readable = False
        return lint
    text = decoded.text
    if not text.strip("\0 \t\r\n"):
        lint.fault("-empty", "The record is empty.", actual=text[:20], expected=f"{kind.tag}; {kind.key}=…")
        return lint
    text, start = _outer_space(lint, _unwrapped(lint, text))
    parts = list(_parts(text, start))
    fields = _read_version(lint, parts)
    _read_fields(lint, fields, read)
    return lint


def _unwrapped(lint: RecordLint, text: str) -> str:
    """Return the text without what tools and editors put round it."""
    if not text.lstrip().startswith("v=") and (match := _ZONE_LINE.match(text[:400])):
        lint.fault(
            "-zone-line",
            "This is a line of a zone file. The record itself is what stands between the quotation marks.",
            column=1,
            actual=text[: match.end()].strip()[:80],
            expected=lint.kind.tag,
        )
        text = text[match.end() :]
    bare = text.strip(_WSP + "\r\n()")
    if bare[:1] and bare[0] in _QUOTES:
        smart = any(mark in bare for mark in _SMART)
        lint.fault(
            "-quoted",
            "Typographic quotation marks stand round the record. A word processor made them; they are not part of it."
            if smart
            else "Quotation marks stand round the record. dig and zone files print them round each string; in the "
            "field of a DNS panel they become part of the record.",
            column=text.index(bare[0]) + 1,
            actual=bare[:1],
            expected=lint.kind.tag,
        )
        text = _unquoted(bare)
    # `\;` is how some zone editors write a semicolon; the record then holds the backslash.
    head, semicolon, _ = text.partition(";")
    if semicolon and head.endswith("\\"):
        lint.fault(
            "-backslash",
            "A backslash stands before a semicolon. Zone files of some servers need it, the field of a DNS panel "
            "does not: there it becomes part of the record.",
            column=text.index("\\;") + 1,
            actual="\\;",
            expected=";",
        )
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
    """Return the text without white space round it, and the 1-based column at which it begins."""
    blank = _WSP + "\r\n"
    bare = text.lstrip(blank)
    start = len(text) - len(bare) + 1
    if start > 1:
        lint.fault(
            "-leading-space",
            "White space stands before the version; the record must begin with it.",
            column=1,
            actual=text[: start + 20],
            expected=lint.kind.tag,
        )
    # After a last semicolon blanks are allowed, a line end never is.
    tail = bare.rstrip(blank)
    if tail != bare and (not tail.endswith(";") or bare[len(tail) :].strip(_WSP)):
        lint.fault(
            "-trailing-space",
            "White space or a line end stands after the last field.",
            column=start + len(tail),
            actual=bare[-20:],
            expected="the end, or a semicolon",
        )
    return tail, start


def _parts(text: str, column: int) -> Iterator[tuple[int, str]]:
    for part in text.split(";"):
        yield column, part
        column += len(part) + 1


def _read_version(lint: RecordLint, parts: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Judge the version and return the parts that are fields."""
    kind = lint.kind
    column, head = parts[0]
    token = head.rstrip(_WSP)
    rest = list(parts[1:])
    if token == kind.tag:
        if head != token and rest:
            lint.fault(
                "-version-space",
                f"White space stands between `{kind.tag}` and the semicolon. The grammar allows it, but where there "
                f"are several TXT records only those that begin `{kind.tag};` count (erratum 6285): some senders do "
                "not see this one.",
                column=column + len(token),
                actual=head + ";",
                expected=f"{kind.tag};",
                severity=Severity.WARNING,
            )
        return rest
    low = ascii_lower(token[:80])  # long enough for any version, short enough for any pattern
    if token.startswith(kind.tag) and (token[len(kind.tag)] in _WSP + ","):
        after = token[len(kind.tag) :]
        bare = after.lstrip(_WSP + ",")
        lint.fault(
            "-version-delimiter",
            f"A semicolon must stand after `{kind.tag}`.",
            column=column + len(kind.tag),
            actual=token[:80],
            expected=f"{kind.tag};",
        )
        return [(column + len(token) - len(bare), bare), *rest] if bare else rest
    code, message = _version_slip(kind, token, low, rest)
    lint.fault(code, message, column=column, key="v", actual=token[:80], expected=f"{kind.tag};")
    # A first part that is no version at all is read as a field.
    looks_like_version = low.startswith(("v=", "v:", "version", "v =")) or kind.typo.fullmatch(low)
    return (
        [part for part in rest if part[1].strip(_WSP) != kind.tag]
        if looks_like_version
        else [part for part in parts if part[1].strip(_WSP) != kind.tag]
    )


def _version_slip(kind: Kind, token: str, low: str, rest: Sequence[tuple[int, str]]) -> tuple[str, str]:
    tag = kind.tag
    if low == ascii_lower(tag):
        return "-version-case", f"The version is case-sensitive: `{tag}`, not `{token[:40]}`."
    for mark, name in _OTHERS.items():
        if low.startswith(mark) and not low.startswith(ascii_lower(tag)):
            return "-other-kind", f"This is {name}, not a `{kind.subject}` record; it must begin `{tag};`."
    if any(part.strip(_WSP) == tag for _, part in rest):
        return "-version-not-first", f"`{tag}` must be the first field."
    if re.sub(r"[\s\"'“”‘’\\]", "", low) == ascii_lower(tag) or kind.typo.fullmatch(low):
        return "-version-typo", f"The version is misspelt: `{tag}` (seen: `{token[:40]}`)."
    if low.startswith(("v=", "v =", "v:")):
        return "-version-unknown", f"The only version there is, is `{tag}`."
    return "-version-missing", f"The record does not begin with its version, `{tag};`."


def _read_fields(lint: RecordLint, parts: Sequence[tuple[int, str]], read: ReadField) -> None:
    kind = lint.kind
    seen: dict[str, str] = {"v": kind.tag[2:]}
    typo: str | None = None
    for index, (column, part) in enumerate(parts):
        if lint.faults.enough:
            _not_read_on(lint, column)
            return
        text = part.strip(_WSP)
        column += len(part) - len(part.lstrip(_WSP))
        if not text:
            if index < len(parts) - 1:
                lint.fault("-field-empty", "Two semicolons follow one another.", column=column, expected="a field")
            continue
        name, sign, value = text.partition("=")
        if not sign:
            _no_sign(lint, text, column)
            continue
        if not _NAME.fullmatch(name):
            bare = name.strip(_WSP + _QUOTES)
            lint.fault(
                "-key-malformed",
                f"No white space stands round the `=`: write `{bare[:32]}={value.strip()[:40]}`."
                if _NAME.fullmatch(bare)
                else "A key is at most 32 letters, digits, `_`, `-` or `.`, and begins with a letter or digit.",
                column=column,
                actual=text[:120],
                expected="key=value",
            )
            name, value = bare, value.strip(_WSP)
            if ascii_lower(bare) != kind.key:
                continue
            name = kind.key
        if name == kind.key and name not in seen:
            seen[name] = value
            read(lint, value, column + len(name) + 1)
        elif name in seen and name != kind.key:
            _duplicate(lint, name, seen[name], value, column)
        elif name == kind.key:
            _duplicate(lint, name, seen[name], value, column)
            if kind.key == "rua":
                read(lint, value, column + len(name) + 1)
        else:
            seen[name] = value
            if ascii_lower(name).strip("_-.") == kind.key:
                typo = typo or name
                lint.value = lint.value or value
            _extension(lint, name, value, column)
    if kind.key not in seen:
        lint.fault(
            f"{kind.key}-missing",
            f"There is no `{kind.key}`: the record says `{typo}`, which senders do not know."
            if typo
            else f"There is no `{kind.key}`, which the record must have.",
            key=kind.key,
            actual=typo,
            expected=f"{kind.key}=…",
        )


def _not_read_on(lint: RecordLint, column: int) -> None:
    lint.readable = False
    lint.fault("-too-many-faults", "So much is wrong that the rest was not read.", column=column)


def _no_sign(lint: RecordLint, text: str, column: int) -> None:
    expected = f"{lint.kind.key}=…" if lint.kind.key in ascii_lower(text) else "key=value"
    if ascii_lower(text).startswith(("mailto:", "https:")):
        message = "Several addresses are separated by a comma, not by a semicolon."
        expected = "rua=mailto:…,mailto:…"
        lint.value = f"{lint.value},{text}" if lint.value else text
    elif ":" in text:
        message = "Key and value are separated by `=` in the TXT record (a colon belongs to the policy file)."
        key, _, value = text.partition(":")
        if ascii_lower(key.strip()) == lint.kind.key:
            lint.value = lint.value or value.strip()
    else:
        message = "A field is `key=value`; this one has no `=`."
    lint.fault("-field-malformed", message, column=column, actual=text[:120], expected=expected)


def _duplicate(lint: RecordLint, name: str, first: str, value: str, column: int) -> None:
    if name != "rua" and not _good_value(lint, name, value, column):
        return
    same = first == value
    lint.fault(
        "-duplicate-field",
        "There are two `rua` fields. RFC 8460 does not say what a sender makes of the second; put all addresses in "
        "one, separated by commas."
        if name == "rua"
        else f"`{name}` stands there twice. The first counts"
        + ("." if same else f": `{first[:40]}`, not `{value[:40]}`."),
        column=column,
        key=name,
        actual=f"{name}={value[:80]}",
        severity=Severity.ADVICE if same else Severity.WARNING,
        effect=Effect.COSMETIC,
        rfc="RFC 8461 §3.2" if name != "rua" and lint.kind.key == "id" else None,
    )


def _extension(lint: RecordLint, name: str, value: str, column: int) -> None:
    if not _good_value(lint, name, value, column):
        return
    lint.extensions.append((name, value))
    lint.fault(
        "-unknown-field",
        f"{lint.kind.rfc} has no key `{name}`; senders pass over it.",
        column=column,
        key=name,
        actual=f"{name}={value[:80]}",
        severity=Severity.ADVICE,
        effect=Effect.COSMETIC,
    )


def _good_value(lint: RecordLint, name: str, value: str, column: int) -> bool:
    if _VALUE.fullmatch(value):
        return True
    lint.fault(
        "-value-malformed",
        f"`{name}` has no value."
        if not value
        else f"The value of `{name}` has a character that is not allowed: visible ASCII without space, `=` and `;`.",
        column=column + len(name) + 1,
        key=name,
        actual=value[:120],
        expected="a value",
    )
    return False
