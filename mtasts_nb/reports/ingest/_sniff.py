"""What a file is, by its first bytes and never by its name."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from ._archives import is_tar
from ._exports import CSV_HEADER
from ._json import BLANK, as_utf8
from ._mime import is_mail, is_mbox
from ._model import Unreadable
from ._postfix import LOG_LINE, LOG_MARK

__all__ = ["HEAD", "Kind", "foreign_name", "is_report_name", "no_report", "sniff"]

#: How many bytes are enough to decide.
HEAD: Final = 64 * 1024


class Kind(Enum):
    """The kinds of content that are distinguished."""

    JSON = "JSON"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZIP = "zip"
    TAR = "tar"
    MBOX = "mbox"
    MAIL = "mail"
    BASE64 = "base64"
    CSV = "CSV"
    LOG = "log"
    FOREIGN = "foreign"
    EMPTY = "empty"
    OTHER = "other"


_MAGIC: Final = (
    (b"\x1f\x8b", Kind.GZIP),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"BZh", Kind.BZIP2),
    (b"\xfd7zXZ\0", Kind.XZ),
)
#: Containers that are recognised and not opened: what they are, and what to do.
_FOREIGN: Final = (
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it and load the folder"),
    (b"Rar!\x1a\x07", "a RAR archive: unpack it and load the folder"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data: decompress it and load the result"),
    (b"\x04\x22\x4d\x18", "LZ4 data: decompress it and load the result"),
    (b"\x1f\x9d", "compress (.Z) data: decompress it and load the result"),
    (b"LZIP", "lzip data: decompress it and load the result"),
    (b"!BDN", "an Outlook data file (.pst): export the folder as .eml files or mbox"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Outlook message (.msg) or Office file: save the mail as .eml"),
    (b"\x78\x9f\x3e\x22", "a TNEF attachment (winmail.dat): have the sender turn off rich text"),
)
_BASE64_START: Final = (b"H4sI", b"eyJ", b"ewog", b"ewo")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/\r\n]+={0,2}\s*")
_REPORT_NAME: Final = re.compile(r"(?<=[^!])![^!]+!\d+!\d|\.json(?:\.(?:gz|bz2|xz))?$|tlsrpt", re.IGNORECASE)


def sniff(head: bytes) -> Kind:
    """Return what a file is that begins with these bytes, up to `HEAD` of them.

    Examples
    --------
    >>> sniff(b'{"organization-name": "x"}'), sniff(b"\\x1f\\x8b\\x08"), sniff(b"Hello")
    (<Kind.JSON: 'JSON'>, <Kind.GZIP: 'gzip'>, <Kind.OTHER: 'other'>)
    """
    if head.startswith(b"{"):
        return Kind.JSON
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if is_tar(head):
        return Kind.TAR
    text = head.lstrip(BLANK)
    if not text:
        return Kind.EMPTY
    if text[0] in b"\xef\xfe\xff" or head[:4].count(0):
        text = as_utf8(head[: len(head) & ~3][:4096]).lstrip(BLANK)
    if text.startswith((b"{", b"[")):
        return Kind.JSON
    if text.startswith(CSV_HEADER):
        return Kind.CSV
    if is_mbox(text):
        return Kind.MBOX
    if is_mail(text):
        return Kind.MAIL
    if LOG_MARK in text and LOG_LINE.search(text):
        return Kind.LOG
    if foreign_name(text):
        return Kind.FOREIGN
    if text.startswith(_BASE64_START) and _BASE64.fullmatch(text[:4096]):
        return Kind.BASE64  # as some HTTPS gateways store a posted body
    return Kind.OTHER


def foreign_name(head: bytes) -> str:
    """Return what a file of a kind that is not opened is, and what to do with it; empty for other kinds."""
    return next((text for magic, text in _FOREIGN if head.lstrip(BLANK).startswith(magic)), "")


def no_report(kind: Kind, head: bytes, name: str) -> Unreadable:
    """Return what there is to say of something that is neither JSON nor a container: its first bytes, its name."""
    if kind is Kind.FOREIGN:
        reason, detail = "unsupported-format", foreign_name(head)
    elif kind is Kind.EMPTY:
        reason, detail = "empty", "only white space and NULs" if head else "empty"
    else:
        reason, detail = "not-json", f"neither JSON nor a known container; it begins {head[:24]!r}"
    if kind is Kind.FOREIGN or is_report_name(name):
        return Unreadable("unpack", reason, detail)
    what = "no report: neither JSON nor mail nor a known container" if kind is Kind.OTHER else detail
    return Unreadable("unpack", reason, what, no_report=True)


def is_report_name(name: str) -> bool:
    """Whether a file of this name should be a report: the content decides, but a broken one is rejected, not skipped.

    Examples
    --------
    >>> is_report_name("b.example!d.example!1767225600!1767311999.json.gz"), is_report_name("README.txt")
    (True, False)
    """
    return _REPORT_NAME.search(name) is not None
