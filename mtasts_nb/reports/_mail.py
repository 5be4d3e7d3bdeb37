"""The reports in one mail (RFC 8460 §5.3), whatever its shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from ..markup import one_line
from ..settings import Limits
from ._leaf import Hints, Leaf, Passed, Refused, step_down
from ._mime import Mail, Part, decoded, mended, parse_mail
from ._report import Deviation
from ._sniff import Kind, claims_report, foreign_name, sniff

__all__ = ["mail_results"]

#: Content, member, hints: what a part is handed to.
Down = Callable[[bytes, str, Hints], Iterator[Leaf | Refused | Passed]]

NO_REPORT: Final = "a mail without a TLS report"
#: How much of a part is decoded to see what it is.
_HEAD: Final = 4096
_INLINE_REPORT: Final = re.compile(rb'"policies"\s*:')


class _Content(NamedTuple):
    """What a part holds, and what was assumed to get it."""

    data: bytes
    remark: Deviation | None = None


class _Unread(NamedTuple):
    """Why a part holds nothing to read: the reason of a `Refused`, and what the part is."""

    reason: str
    what: str


def mail_results(
    data: bytes, source: str, member: str, limits: Limits, outer: Hints | None, down: Down, raw: bytes | None
) -> Iterator[Leaf | Refused | Passed]:
    """Yield what the parts of a mail give; one `Passed` where none of them holds a report.

    `outer` is what lies around the mail, `raw` what goes into `Hints.mail`. Raises `Unreadable` where the mail's parts
    are nested too deep or are too many.
    """
    mail = parse_mail(data, limits)
    passed: list[Passed] = []
    found = False
    alone = len(mail.parts) == 1 and not mail.media_type.startswith("multipart/")
    for number, part in enumerate(mail.parts, 1):
        name = f"part {number} ({part.filename})" if part.filename else f"part {number}"
        step = member if alone else step_down(member, name)
        content = _candidate(part)
        if isinstance(content, _Content):
            for result in down(content.data, step, _hints(mail, part, outer, raw)):
                if isinstance(result, Passed):
                    passed.append(result)
                    continue
                found = True
                if content.remark and isinstance(result, Leaf):
                    yield replace(result, remarks=(content.remark, *result.remarks))
                else:
                    yield result
        elif content and _claims(part, mail):
            found = True
            yield Refused(source, step, "mail", content.reason, f"a part of type {part.media_type} is {content.what}")
    # A mailbox holds other mails too, with attachments of their own: one row says so, not one for each file in them.
    if found:
        yield from passed
    else:
        yield Passed(source, member, NO_REPORT)


def _hints(mail: Mail, part: Part, outer: Hints | None, raw: bytes | None) -> Hints:
    """Return what lies around a part; where a forwarded mail says nothing, the mail around it may."""
    if outer is None:
        return Hints(part.filename, mail.tls_report_domain, mail.tls_report_submitter, mail.subject, raw)
    return Hints(
        part.filename,
        mail.tls_report_domain or outer.tls_report_domain,
        mail.tls_report_submitter or outer.tls_report_submitter,
        mail.subject or outer.subject,
        raw,
    )


def _candidate(part: Part) -> _Content | _Unread | None:
    """Return a part's content where it may be or hold a report; otherwise why not, or None for text to read."""
    if part.media_type in ("message/rfc822", "message/global"):
        return _Content(*mended(part.encoding, part.body))
    head = decoded(part.encoding, part.body[:_HEAD])
    kind = sniff(head)
    if kind in (Kind.OTHER, Kind.EMPTY) and part.encoding:
        # A gateway that decoded the part and left its header, or encoded it and wrote none.
        plain = sniff(part.body[:_HEAD])
        if plain in (Kind.JSON, Kind.GZIP, Kind.BASE64):
            name = one_line(part.encoding.decode("ascii", "backslashreplace"), 40)
            return _Content(
                part.body, Deviation("", name, "not in the encoding that the part names, taken as it stands")
            )
    if part.media_type in ("text/plain", "text/html") and part.filename is None:
        # The text that people read. A report may stand in it, but a bracket alone does not make one.
        if kind is Kind.JSON and _INLINE_REPORT.search(text := decoded(part.encoding, part.body)):
            return _inline(text)
        return None
    if kind is Kind.EMPTY:
        return _Unread("empty", "empty")
    if kind is Kind.FOREIGN:
        return _Unread("unsupported-format", foreign_name(head))
    if kind is Kind.OTHER:
        return _Unread("not-json", f"no JSON and no known container; it begins {head[:16]!r}")
    return _Content(*mended(part.encoding, part.body))


def _inline(text: bytes) -> _Content:
    """Return the report that a mail's text begins with, without the signature or the list's footer after it."""
    end = text.rfind(b"]" if text.lstrip().startswith(b"[") else b"}") + 1
    rest = text[end:].strip()
    if not end or not rest:
        return _Content(text)
    shown = one_line(rest[:400].decode("utf-8", "replace"), 200)
    return _Content(text[:end], Deviation("", shown, "text after the report ignored"))


def _claims(part: Part, mail: Mail) -> bool:
    """Whether a part says that it is a report, so that it is refused rather than passed over."""
    if "tlsrpt" in part.media_type or (part.filename is not None and claims_report(part.filename)):
        return True
    return mail.is_tlsrpt and part.media_type in ("application/gzip", "application/octet-stream", "application/json")
