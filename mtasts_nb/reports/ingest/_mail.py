"""The reports in one mail (RFC 8460 §5.3), whatever its shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from ...markup import one_line
from ...settings import Limits
from ._budget import Budget, bytes_of
from ._mime import Mail, Part, decode, parse_mail
from ._model import Deviation, Hints, Leaf, Rejected, Skipped, Unreadable, step_down
from ._sniff import Kind, foreign_name, is_report_name, sniff

__all__ = ["mail_results"]

#: Content, member, hints: reads the content of a part.
Unpack = Callable[[bytes, str, Hints], Iterator[Leaf | Rejected | Skipped]]

NO_REPORT: Final = "a mail without a TLS report"
#: How much of a part is decoded to see what it is.
_HEAD: Final = 4096
_INLINE_REPORT: Final = re.compile(rb'"policies"\s*:')


def mail_results(
    data: bytes,
    source: str,
    member: str,
    limits: Limits,
    budget: Budget,
    outer: Hints | None,
    unpack: Unpack,
    raw: bytes | None,
) -> Iterator[Leaf | Rejected | Skipped]:
    """Yield what the parts of a mail give; a single `Skipped` where none of them is or contains a report.

    `budget` pays for the parts, `outer` is what surrounds the mail, `raw` what goes into `Hints.mail`. Raises `Unreadable` where the mail's parts
    are nested too deep or are too many.
    """
    mail = parse_mail(data, limits, budget)
    skipped: list[Skipped] = []
    reports = False
    alone = len(mail.parts) == 1 and not mail.media_type.startswith("multipart/")
    for number, part in enumerate(mail.parts, 1):
        name = f"part {number} ({part.filename})" if part.filename else f"part {number}"
        step = member if alone else step_down(member, name)
        try:
            content = _content(part)
        except Unreadable as error:
            if _is_meant_as_report(part, mail):
                reports = True
                budget.rows(1, bytes_of(source, step, error.detail))
                yield error.at(source, step)
            continue
        if content is None:
            continue
        text, remark = content
        for result in unpack(text, step, _hints(mail, part, outer, raw)):
            if isinstance(result, Skipped):
                skipped.append(result)
                continue
            reports = True
            if remark and isinstance(result, Leaf):
                result = replace(result, remarks=(remark, *result.remarks))
            yield result
    # A mailbox has other mails too, with attachments of their own: one row per mail, not one for each file in it.
    if reports:
        yield from skipped
    else:
        budget.rows(1, bytes_of(source, member))
        yield Skipped(source, member, NO_REPORT)


def _hints(mail: Mail, part: Part, outer: Hints | None, raw: bytes | None) -> Hints:
    """Return the hints for a part; what a forwarded mail leaves out, the mail around it may supply."""
    outer = outer or Hints()
    return Hints(
        part.filename,
        mail.tls_report_domain or outer.tls_report_domain,
        mail.tls_report_submitter or outer.tls_report_submitter,
        mail.subject or outer.subject,
        raw,
        # A mail inside a mail has what fields its author likes.
        _date_of(mail.received) if outer.received is None else outer.received,
    )


def _date_of(received: bytes | None) -> bytes:
    """Return the date of a Received field, which is after its last semicolon (RFC 5321 §4.4)."""
    return (received or b"").rpartition(b";")[2].strip()[:100]


def _content(part: Part) -> tuple[bytes, Deviation | None] | None:
    """Return a part's content where it may be or contain a report, and what was assumed; None for text to read.

    Raises `Unreadable` where the part is neither.
    """
    if part.media_type in ("message/rfc822", "message/global"):
        return decode(part.encoding, part.body)
    head, _ = decode(part.encoding, part.body[:_HEAD])
    kind = sniff(head)
    undecoded = kind in (Kind.OTHER, Kind.EMPTY) and part.encoding and sniff(part.body[:_HEAD])
    if undecoded in (Kind.JSON, Kind.GZIP, Kind.BASE64):
        # A gateway that decoded the part and left its header, or encoded it and wrote none.
        name = one_line(part.encoding.decode("ascii", "backslashreplace"), 40)
        return part.body, Deviation("", name, "not in the encoding that the part names, read without decoding")
    if part.media_type in ("text/plain", "text/html") and part.filename is None:
        # The text that people read. A report may be in it, but a bracket alone does not make one.
        if kind is Kind.JSON:
            text, _ = decode(part.encoding, part.body)
            return _inline(text) if _INLINE_REPORT.search(text) else None
        return None
    what = {
        Kind.EMPTY: ("empty", "empty"),
        Kind.FOREIGN: ("unsupported-format", foreign_name(head)),
        Kind.OTHER: ("not-json", f"neither JSON nor a known container; it begins {head[:16]!r}"),
    }.get(kind)
    if what is not None:
        raise Unreadable("mail", what[0], f"a part of type {part.media_type} is {what[1]}")
    return decode(part.encoding, part.body)


def _inline(text: bytes) -> tuple[bytes, Deviation | None]:
    """Return the report that a mail's text begins with, without the signature or the list's footer after it."""
    end = text.rfind(b"]" if text.lstrip().startswith(b"[") else b"}") + 1
    rest = text[end:].strip()
    if not end or not rest:
        return text, None
    excerpt = one_line(rest[:400].decode("utf-8", "replace"), 200)
    return text[:end], Deviation("", excerpt, "text after the report ignored")


def _is_meant_as_report(part: Part, mail: Mail) -> bool:
    """Whether a part declares itself a report, so that it is rejected rather than skipped."""
    if "tlsrpt" in part.media_type or (part.filename is not None and is_report_name(part.filename)):
        return True
    return mail.is_tlsrpt and part.media_type in ("application/gzip", "application/octet-stream", "application/json")
