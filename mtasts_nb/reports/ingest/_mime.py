"""The mails of an mbox (RFC 4155), and the parts of a mail (RFC 5322, 2045, 2046) with their decoding.

Not `email`: its parser takes 150 to 300 µs for a report mail, needs many times the mail's size in memory, and some
headers keep it busy for minutes. This parser searches for bytes, in time linear in the mail; a property test compares
its parts with those of `email`. `email` still reads the parameters that are written in a harder way.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from contextlib import suppress
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from typing import Final, NamedTuple, cast

from ...markup import one_line
from ...settings import Limits
from ._budget import Budget, bytes_of, over
from ._model import Deviation, member_name
from ._streams import CHUNK, Stream

__all__ = ["Mail", "Part", "decode", "is_mail", "is_mbox", "mbox_messages", "parse_mail", "without_emlx_frame"]


class Part(NamedTuple):
    """One part without further parts in it; `body` as it is in the mail, in `encoding`."""

    media_type: str
    filename: str | None
    encoding: bytes
    body: bytes


class Mail(NamedTuple):
    """What of a mail matters for a report in it."""

    parts: list[Part]
    media_type: str
    is_tlsrpt: bool  # whether it declares itself a report mail (RFC 8460 §5.3)
    tls_report_domain: str | None
    tls_report_submitter: str | None
    subject: str | None
    received: bytes | None  # the first Received field, which the recipient's own server wrote


#: The fields that mails begin with; a text of other `key: value` lines is not a mail.
_KNOWN: Final = re.compile(
    rb"^(?:arc-[a-z-]+|authentication-results|cc|content-[a-z-]+|date|delivered-to|dkim-signature|domainkey-signature|from"
    rb"|message-id|mime-version|received|received-spf|reply-to|return-path|sender|subject|tls-report-[a-z]+|to"
    rb"|x-[a-z0-9-]+)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_FIELD_NAME: Final = re.compile(rb"[A-Za-z0-9_.-]{1,200}[ \t]*:")
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_FOLD: Final = re.compile(rb"\r?\n")
_SPACE: Final = re.compile(r"\s+")
_EMLX: Final = re.compile(rb"(\d{1,10}) *\n(?=[A-Za-z0-9_.-]{1,200}:)")
#: A longer value, or one with more semicolons, quotes and backslashes, has no honest use: `email` takes quadratic time
#: for the parameters in it.
_LONGEST_VALUE: Final = 4096
_MOST_MARKS: Final = 200
#: A value without comments, escapes, RFC 2231 or RFC 2047, and its parameters.
_PLAIN: Final = re.compile(
    rb'([a-z0-9.+-]+(?:/[a-z0-9.+-]+)?)((?:[ \t]*;\s*[a-z-]+=(?:"[^"<\\\r\n][^"\\\r\n]*"|[^\s"<\\;()*]+))*)[ \t]*;?',
    re.IGNORECASE,
)
_PARAMETER: Final = re.compile(rb';\s*([a-z-]+)=(?:"([^"]*)"|([^\s";]+))', re.IGNORECASE)
#: What follows a boundary on its line (RFC 2046 §5.1.1); two hyphens close the multipart.
_DELIMITER_END: Final = re.compile(rb"(--)?[ \t]*\r?(?:\n|\Z)")


def is_mail(head: bytes) -> bool:
    """Whether a file that begins like this is a mail: a header block with a field that mails have.

    Examples
    --------
    >>> is_mail(b"Subject: x\\nFrom: a@b.example\\n\\n"), is_mail(b"version: STSv1\\nmode: none\\n")
    (True, False)
    """
    if head[:1].isdigit():
        head = without_emlx_frame(head)
    if not _FIELD_NAME.match(head):
        return False
    if _KNOWN.match(head):
        return True
    blank = _BLANK_LINE.search(head, 0, 65536)
    return _KNOWN.search(head, 0, blank.start() + 1 if blank else 65536) is not None


def without_emlx_frame(data: bytes) -> bytes:
    """Return the mail of an Apple Mail file (.emlx): its length on a line, the mail, a property list. Others unchanged.

    Examples
    --------
    >>> without_emlx_frame(b"12    \\nSubject: x\\n\\n<?xml ...")
    b'Subject: x\\n\\n'
    """
    frame = _EMLX.match(data)
    return data[frame.end() : frame.end() + int(frame[1])] if frame else data


def parse_mail(data: bytes, limits: Limits, budget: Budget) -> Mail:
    """Return the parts of a mail, which the budget pays for as for rows.

    Raises `Unreadable` where they are nested too deep or are too many.
    """
    # Some programs put a byte order mark or blank lines first.
    first = len(data) - len(data.removeprefix(b"\xef\xbb\xbf").lstrip())
    head, at = _header(data, first, len(data))
    lowered = head.lower()
    media_type, parameters = _content_type(head, lowered, "text/plain")
    parts: list[Part] = []
    _collect(data, at, len(data), head, lowered, media_type, parameters, limits, budget, 0, parts)
    domain = _text_field(head, lowered, b"tls-report-domain")
    return Mail(
        parts,
        media_type,
        domain is not None or parameters.get("report-type", "").lower() == "tlsrpt",
        domain,
        _text_field(head, lowered, b"tls-report-submitter"),
        _text_field(head, lowered, b"subject"),
        _field(head, lowered, b"received"),
    )


def _header(data: bytes, start: int, end: int) -> tuple[bytes, int]:
    """Return the header block with LF before and after it, and where the body starts."""
    if data.startswith((b"\n", b"\r\n"), start, end):
        return b"\n", data.find(b"\n", start) + 1
    if not _FIELD_NAME.match(data, start, end):  # a body without any header, and without the blank line before it
        return b"\n", start
    blank = _BLANK_LINE.search(data, start, end)
    if blank is None:
        return b"\n%b\n" % data[start:end], end
    return b"\n%b" % data[start : blank.start() + 1], blank.end()


def _field(head: bytes, lowered: bytes, name: bytes) -> bytes | None:
    """Return the value of the first field of that name, still folded."""
    at = lowered.find(b"\n%b:" % name)
    if at < 0:
        return None
    at += len(name) + 2
    end = head.find(b"\n", at)
    while head.startswith((b" ", b"\t"), end + 1):
        end = head.find(b"\n", end + 1)
    return head[at : min(end, at + _LONGEST_VALUE)].strip()


def _text_field(head: bytes, lowered: bytes, name: bytes) -> str | None:
    raw = _field(head, lowered, name)
    return None if raw is None else _words(raw.decode("utf-8", "replace"))


def _words(text: str) -> str:
    """Return a text on one line, with its encoded words (RFC 2047) decoded where that is possible."""
    if "=?" in text:
        with suppress(MessageError, ValueError, LookupError):  # text that cannot be decoded is kept as it is
            text = str(make_header(decode_header(_SPACE.sub(" ", text))))
        text = text.encode("utf-8", "replace").decode()
    return text if text.isprintable() else _SPACE.sub(" ", text)


def _split_value(name: str, value: bytes) -> tuple[str, dict[str, str]]:
    """Return a structured field's main value in lower case, and its parameters; the first of a name counts."""
    plain = _PLAIN.fullmatch(value)
    if plain is None or b"=?" in value or not value.isascii():
        return _split_complex_value(name, value)
    parameters: dict[str, str] = {}
    if plain[2]:
        for key, quoted, bare in _PARAMETER.findall(plain[2]):
            parameters.setdefault(key.lower().decode(), (quoted or bare).decode())
    return plain[1].lower().decode(), parameters


def _split_complex_value(name: str, value: bytes) -> tuple[str, dict[str, str]]:
    main = value.partition(b";")[0].partition(b"(")[0].strip().lower().decode("ascii", "replace")
    parameters: dict[str, str] = {}
    if sum(map(value.count, (b";", b'"', b"\\"))) > _MOST_MARKS:
        return main, parameters
    message = Message()
    message[name] = _FOLD.sub(b"", value).decode("utf-8", "replace")
    with suppress(ValueError, LookupError, TypeError, AttributeError):  # e.g. a continuation numbered with 5,000 digits
        _, *pairs = message.get_params([("", "")], header=name)
        for key, content in cast("list[tuple[str, str | tuple[str | None, str | None, str]]]", pairs):
            text = content if isinstance(content, str) else _from_rfc2231(*content)
            parameters.setdefault(key.lower(), _words(text.strip()))
    return main, parameters


def _from_rfc2231(charset: str | None, _language: str | None, text: str) -> str:
    """Return the text whose octets `email` gives as Latin-1 characters."""
    try:
        return text.encode("latin-1").decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):
        return text


def _content_type(head: bytes, lowered: bytes, default: str) -> tuple[str, dict[str, str]]:
    value = _field(head, lowered, b"content-type")
    if value is None:
        return default, {}
    media_type, parameters = _split_value("Content-Type", value)
    return (media_type if media_type.count("/") == 1 else "text/plain"), parameters  # RFC 2045 §5.2


def _collect(
    data: bytes,
    start: int,
    end: int,
    head: bytes,
    lowered: bytes,
    media_type: str,
    parameters: dict[str, str],
    limits: Limits,
    budget: Budget,
    level: int,
    parts: list[Part],
) -> None:
    """Add the parts of an entity whose body is `data[start:end]`."""
    boundary = parameters.get("boundary", "").rstrip() if media_type.startswith("multipart/") else ""
    if boundary:
        if level > limits.nesting:
            raise over(limits, "nesting", "multiparts of one mail are nested too deep", "mail")
        default = "message/rfc822" if media_type == "multipart/digest" else "text/plain"
        before = len(parts)
        for first, last in _spans(data, start, end, b"--" + boundary.encode("utf-8", "replace")):
            sub_head, at = _header(data, first, last)
            sub_lowered = sub_head.lower()
            sub_type, sub_parameters = _content_type(sub_head, sub_lowered, default)
            _collect(data, at, last, sub_head, sub_lowered, sub_type, sub_parameters, limits, budget, level + 1, parts)
        if len(parts) > before:
            return
    if len(parts) >= limits.members:
        raise over(limits, "members", f"the mail has more than {limits.members} parts", "mail")
    disposition = _field(head, lowered, b"content-disposition")
    filename = _split_value("Content-Disposition", disposition)[1].get("filename") if disposition else None
    encoding = _field(head, lowered, b"content-transfer-encoding") or b""
    name = filename or parameters.get("name")
    part = Part(media_type, name and member_name(name), encoding.lower(), data[start:end])
    budget.rows(1, bytes_of(media_type, part.filename) + len(encoding))
    parts.append(part)


def _spans(data: bytes, start: int, end: int, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each part of a multipart starts and ends; the last one may lack the delimiter that ends it."""
    first = -1
    at = data.find(delimiter, start, end)
    while at >= 0:
        # A delimiter is a line of its own, and the line end before it belongs to it (RFC 2046 §5.1.1).
        if (at == start or data[at - 1] == 0x0A) and (tail := _DELIMITER_END.match(data, at + len(delimiter), end)):
            if first >= 0:
                last = at - 1 if at > first else at
                yield first, last - 1 if last > first and data[last - 1] == 0x0D else last
            if tail[1]:
                return
            first = tail.end()
        at = data.find(delimiter, at + len(delimiter), end)
    if 0 <= first < end:
        yield first, end


_NOT_BASE64: Final = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))


def decode(encoding: bytes, body: bytes) -> tuple[bytes, Deviation | None]:
    """Return a part's content (RFC 2045 §6), and what had to be repaired or left out to get it.

    Examples
    --------
    >>> decode(b"quoted-printable", b"=7B=\\n}"), decode(b"8bit", b"as it is")
    ((b'{}', None), (b'as it is', None))
    >>> decode(b"base64", b"aGk=\\n-- \\nA list's footer.")
    (b'hi', Deviation(field='', value="-- A list's footer.", treatment='text after the base64 ignored'))
    """
    if encoding == b"base64":
        return _from_base64(body)
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(body), None
    return body, None


def _from_base64(body: bytes) -> tuple[bytes, Deviation | None]:
    pad = body.find(b"=")
    rest = b"" if pad < 0 else body[pad:].strip(b"= \t\r\n")
    remark = None
    # What follows the padding is a further padded piece, or a list's footer, which is not base64.
    if rest and len(rest.translate(None, _NOT_BASE64)) < len(b"".join(rest.split())):
        remark = Deviation("", one_line(rest[:400].decode("utf-8", "replace"), 200), "text after the base64 ignored")
        body, rest = body[:pad], b""
    if not rest:
        try:
            return binascii.a2b_base64(body), remark
        except binascii.Error:
            pass
    pieces = []
    for piece in re.findall(rb"[^=]+", body.translate(None, _NOT_BASE64)):
        usable = len(piece) - (len(piece) % 4 == 1)
        pieces.append(binascii.a2b_base64(piece[:usable] + b"=" * (-usable % 4)))
    return b"".join(pieces), remark or Deviation("", None, "base64 damaged or without its padding, repaired")


# -- mbox, and the older dialects that real exports use

#: How far a separator line and the beginning of the header after it may reach.
_SEPARATOR_REACH: Final = 1024
_AFTER_SEPARATOR: Final = re.compile(rb"[!-9;-~]{1,200}:|>From ")
_TIME: Final = re.compile(rb"\d:\d\d")
_QUOTED: Final = re.compile(rb"^>(>*From )", re.MULTILINE)


def _separates(data: bytes, at: int) -> bool:
    """Whether the `From ` line at this position begins a mail, rather than being a line of a mail's text.

    Writers that do not quote such lines are common. A true separator has a time or is short, and a header follows it.
    """
    end = data.find(b"\n", at, at + _SEPARATOR_REACH)
    if end < 0 or not _AFTER_SEPARATOR.match(data, end + 1):
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
    """Yield each mail without its separator line; None for a mail of more than `largest` bytes, which is skipped."""
    # Of the current mail: pieces of it that left `held`, how many bytes they are, and where the rest starts.
    pieces: list[bytes] = []
    size = start = search = 0
    # Some programs put a byte order mark or blank lines first.
    held, ended = stream.some(CHUNK).removeprefix(b"\xef\xbb\xbf").lstrip(), False
    while True:
        at = held.find(b"\nFrom ", search)
        if at >= 0 and (ended or at + _SEPARATOR_REACH < len(held)):
            search = at + 1
            if _separates(held, search):
                if size + search - start > largest:
                    yield None
                elif mail := _without_separator(pieces, held[start:search]):
                    yield mail
                pieces, size, start = [], 0, search
            continue
        if ended:
            break
        search = at if at >= 0 else max(search, len(held) - len(b"\nFrom"))
        if search - start > 4 * CHUNK:
            moved = search - 4  # what comes before a `From ` line decides whether it separates
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
    elif mail := _without_separator(pieces, held[start:]):
        yield mail


def _without_separator(pieces: list[bytes], last: bytes) -> bytes:
    """Return a mail from its pieces: separator line and closing blank line dropped, quoted `From ` lines restored."""
    mail = b"".join((*pieces, last))
    while mail.startswith((b"From ", b">From ")):
        mail = mail[(mail.find(b"\n") + 1) or len(mail) :]
    if b">From " in mail:
        mail = _QUOTED.sub(rb"\1", mail)
    if mail.endswith(b"\n\n"):
        return mail[:-1]
    return mail[:-2] if mail.endswith(b"\r\n\r\n") else mail
