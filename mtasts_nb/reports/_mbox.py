"""An mbox as a stream of mails (RFC 4155, and the older dialects that real exports use)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ._streams import CHUNK, Stream

__all__ = ["is_mbox", "mbox_messages"]

#: How far a separator line and the beginning of the header after it may reach.
_LOOK: Final = 1024
_FIELD: Final = re.compile(rb"[!-9;-~]{1,200}:|>From ")
_TIME: Final = re.compile(rb"\d:\d\d")
_QUOTED: Final = re.compile(rb"^>(>*From )", re.MULTILINE)


def _separates(data: bytes, at: int) -> bool:
    """Whether the `From ` line at this place begins a mail, rather than being a line of some mail's text.

    Writers that do not quote such lines are common. A true separator has a time or is short, and a header follows it.
    """
    end = data.find(b"\n", at, at + _LOOK)
    if end < 0 or not _FIELD.match(data, end + 1):
        return False
    line = data[at:end]
    after_blank = at == 0 or data[at - 2 : at - 1] == b"\n" or data[at - 3 : at - 1] == b"\n\r"
    return _TIME.search(line) is not None or (after_blank and len(line.split()) <= 2)


def is_mbox(head: bytes) -> bool:
    """Whether a file that begins like this is an mbox.

    Examples
    --------
    >>> is_mbox(b"From - Mon Jan  5 00:00:00 2026\\nSubject: x\\n\\n"), is_mbox(b"From here on, all is well.\\n")
    (True, False)
    """
    return head.startswith(b"From ") and _separates(head, 0)


def mbox_messages(stream: Stream, largest: int) -> Iterator[bytes | None]:
    """Yield each mail without its separator line; None for one of more than `largest` bytes, which is passed over."""
    # Of the present mail: pieces of it that left `held`, how many bytes they are, and where the rest starts.
    pieces: list[bytes] = []
    size = start = search = 0
    # Some programs put a byte order mark or blank lines first.
    held, ended = stream.some(CHUNK).removeprefix(b"\xef\xbb\xbf").lstrip(), False
    while True:
        at = held.find(b"\nFrom ", search)
        if at >= 0 and (ended or at + _LOOK < len(held)):
            search = at + 1
            if _separates(held, search):
                if size + search - start > largest:
                    yield None
                elif mail := _mail(pieces, held[start:search]):
                    yield mail
                pieces, size, start = [], 0, search
            continue
        if ended:
            break
        search = at if at >= 0 else max(search, len(held) - len(b"\nFrom"))
        if search - start > 4 * CHUNK:
            moved = search - 4  # what stands before a separator says whether it is one
            size += moved - start
            if size <= largest:
                pieces.append(held[start:moved])
            else:
                pieces.clear()
            start = moved
        chunk = stream.some(CHUNK)
        ended = not chunk
        held, search, start = held[start:] + chunk, search - start, 0
    if size + len(held) - start > largest:
        yield None
    elif mail := _mail(pieces, held[start:]):
        yield mail


def _mail(pieces: list[bytes], last: bytes) -> bytes:
    """Return a mail from its pieces: separator line and closing blank line dropped, quoted `From ` lines restored."""
    mail = b"".join((*pieces, last))
    while mail.startswith((b"From ", b">From ")):
        mail = mail[(mail.find(b"\n") + 1) or len(mail) :]
    if b">From " in mail:
        mail = _QUOTED.sub(rb"\1", mail)
    if mail.endswith(b"\n\n"):
        return mail[:-1]
    return mail[:-2] if mail.endswith(b"\r\n\r\n") else mail
