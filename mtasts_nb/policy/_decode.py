"""Bytes or text to text, and what was wrong with it on the way. Nothing is lost: undecodable bytes stay visible."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from ._fault import MAX_TEXT, Fault, Raw

__all__ = ["Decoded", "as_raw", "decode"]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, its faults as a whole, and whether it is worth reading on."""

    text: str
    faults: tuple[Fault, ...]
    readable: bool = True


def as_raw(raw: Raw) -> str | bytes:
    """Return the text as it came, for keeping."""
    return raw if isinstance(raw, str) else bytes(raw)


def decode(raw: Raw, *, subject: str, prefix: str, rfc: str) -> Decoded:
    """Return the text of a record or policy, cut at the cap, with the faults of its encoding.

    A byte that is not UTF-8 becomes a lone surrogate (PEP 383), which no grammar takes.
    """
    faults: list[Fault] = []
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else bytes(raw)
    if len(data) > MAX_TEXT:
        faults.append(
            Fault(
                code=f"{prefix}-too-large",
                message=f"The {subject} is longer than 64 KiB ({len(data):,} bytes). Senders stop reading there.",
                actual=f"{len(data):,} bytes",
                expected="at most 65,536 bytes",
                rfc="RFC 8461 §3.3" if prefix == "policy" else "RFC 1035 §3.2.1",
            )
        )
        head = raw[:MAX_TEXT] if isinstance(raw, str) else data[:MAX_TEXT].decode("latin-1")
        return Decoded(head, (*faults,), readable=False)
    if isinstance(raw, str) and not raw.startswith("\ufeff"):
        return Decoded(raw, ())
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        faults.append(
            Fault(
                code=f"{prefix}-utf16",
                message=f"The {subject} is UTF-16 (a Windows editor's “Unicode”). Save it as UTF-8 without BOM.",
                line=1,
                column=1,
                actual=data[:8].hex(" "),
                expected="UTF-8",
                rfc=rfc,
            )
        )
        return Decoded(data.decode("utf-16", "replace"), (*faults,))
    if data.startswith(codecs.BOM_UTF8):
        faults.append(
            Fault(
                code=f"{prefix}-bom",
                message=f"The {subject} begins with a byte order mark, which belongs to the first key for a sender. "
                "Save it as UTF-8 without BOM.",
                line=1,
                column=1,
                actual="ef bb bf",
                expected="the first field",
                rfc=rfc,
            )
        )
        data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return Decoded(data.decode("utf-8"), (*faults,))
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", "surrogateescape")
        start = data.rfind(b"\n", 0, error.start) + 1
        column = len(data[start : error.start].decode("utf-8", "surrogateescape")) + 1
        faults.append(
            Fault(
                code=f"{prefix}-not-utf8",
                message=f"A byte of the {subject} is not UTF-8. Retype the character, or save the text as UTF-8.",
                line=data.count(b"\n", 0, error.start) + 1,
                column=column,
                actual=data[error.start : error.start + 4].hex(" "),
                expected="UTF-8",
                rfc=rfc,
            )
        )
        return Decoded(text, (*faults,))
