"""A bounce mail as it was saved, with its text encoded for the way: the text that a person would read (RFC 2045 §6)."""

from __future__ import annotations

import quopri
import re
from base64 import b64decode
from typing import Final

__all__ = ["decoded"]

_ENCODING = re.compile(r"content-transfer-encoding:[ \t]*(base64|quoted-printable)\b", re.IGNORECASE)
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4}\s*){8,}(?:[A-Za-z0-9+/]{2,3}={0,2})?\s*")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
# A line that goes on, and a byte in hexadecimal: a body that was copied without its header.
_SOFT_BREAK = re.compile(r"=\r?\n")
_BYTE = re.compile(r"=(?:[89A-F][0-9A-F]|3D|20\r?\n)")
#: A longer text is read as it is.
_MOST: Final = 1_000_000


def decoded(text: str) -> str:
    """Return a text with the parts readable that are in base64 or quoted-printable; any other text as it is.

    Read line by line, in linear time. A part that is no text stays as it is.

    Examples
    --------
    >>> decoded("Content-Transfer-Encoding: base64\\n\\nNC43LjMyMyB0bHNhLWludmFsaWQ=\\n--end").splitlines()[2]
    '4.7.323 tlsa-invalid'
    >>> decoded("lost connection after STARTTLS") == "lost connection after STARTTLS"
    True
    """
    if len(text) > _MOST:
        return text
    if _ENCODING.search(text):
        return _parts(text.splitlines())
    if _BASE64.fullmatch(text.strip()):
        return _plain(text, "base64")
    if _SOFT_BREAK.search(text) and _BYTE.search(text):
        return _plain(text, "quoted-printable")
    return text


def _parts(lines: list[str]) -> str:
    """Return the lines of a mail with each encoded body decoded: from the end of its header to the next boundary."""
    read: list[str] = []
    body: list[str] = []
    encoding, inside = "", False
    for line in (*lines, "--"):
        if inside and line.startswith("--"):
            read.append(_plain("\n".join(body), encoding))
            encoding, inside, body = "", False, []
        if inside:
            body.append(line)
            continue
        read.append(line)
        if match := _ENCODING.match(line):
            encoding = match[1].lower()
        elif encoding and not line.strip():
            inside = True
    return "\n".join(read[:-1])


def _plain(body: str, encoding: str) -> str:
    raw = body.encode("utf-8", "replace")
    if encoding == "base64":
        # It may be cut off anywhere: one letter alone is no byte.
        letters = _NO_BASE64.sub(b"", raw)
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        plain = b64decode(letters + b"=" * (-len(letters) % 4))
    else:
        plain = quopri.decodestring(raw)
    text = plain.decode("utf-8", "replace")
    # What is no text (an image, a key) tells nothing.
    return body if text.count("\N{REPLACEMENT CHARACTER}") > len(text) / 10 else text
