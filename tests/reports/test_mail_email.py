"""The parts that `_mime` cuts out of a mail are those that the standard library's parser finds."""

from __future__ import annotations

import base64
import email
import quopri
from email.message import Message

from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.reports.ingest import Budget
from mtasts_nb.reports.ingest._mime import decode, parse_mail
from mtasts_nb.settings import Limits

Found = list[tuple[str, str | None, bytes]]


def by_email(data: bytes) -> Found:
    """The leaf parts: media type, file name, decoded content; a nested mail counts as its own parts."""
    return [
        (part.get_content_type(), part.get_filename(), part.get_payload(decode=True))
        for part in email.message_from_bytes(data).walk()
        if not part.is_multipart() and isinstance(part, Message)
    ]  # type: ignore[misc]


def by_mime(data: bytes) -> Found:
    found: Found = []
    for part in parse_mail(data, Limits(), Budget(Limits(), len(data))).parts:
        if part.media_type == "message/rfc822":
            found += by_mime(part.body)
        else:
            found.append((part.media_type, part.filename, decode(part.encoding, part.body)[0]))
    return found


NEWLINE = st.sampled_from([b"\n", b"\r\n"])
TEXT = st.text("ab-=_ .,\n", max_size=60).map(str.encode)
TYPES = st.sampled_from(
    [b"text/plain", b"TEXT/Plain; charset=us-ascii", b"application/tlsrpt+gzip", b"application/json", b"image/png"]
)
FILENAMES = st.sampled_from(
    [
        b"",
        b"; filename=a.json",
        b'; filename="a b;c.gz"',
        b';\n\tFILENAME="x=y.json"',
        b"; size=3; filename=a!b!1!2.json.gz",
    ]
)


@st.composite
def leaf(draw: st.DrawFn) -> bytes:
    content = draw(TEXT | st.binary(max_size=80))
    encoding = draw(st.sampled_from([b"base64", b"Base64", b"quoted-printable", b"7bit", b""]))
    if encoding.lower() == b"base64":
        body = base64.encodebytes(content)
    elif encoding == b"quoted-printable":
        body = quopri.encodestring(content.replace(b"\r", b""))
    else:
        body = draw(TEXT)
    fields = [b"Content-Type: " + draw(TYPES)]
    if encoding:
        fields.append(b"Content-Transfer-Encoding: " + encoding)
    if name := draw(FILENAMES):
        fields.append(b"Content-Disposition: attachment" + name)
    if draw(st.booleans()):
        fields.append(b"X-Folded: one\n two\n\tthree")
    # No header at all is possible too, where a blank line says so.
    return b"\n".join(draw(st.permutations(fields)) if draw(st.integers(0, 9)) else []) + b"\n\n" + body


def wrapped(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    @st.composite
    def make(draw: st.DrawFn) -> bytes:
        parts = draw(st.lists(inner, min_size=1, max_size=3))
        if draw(st.integers(0, 4)) == 0:
            return b"Content-Type: message/rfc822\n\nSubject: inner\n" + parts[0]
        # Boundaries that begin alike, within one another.
        boundary = draw(st.sampled_from([b"b", b"b1", b"b12", b"=_b", b"--b", b"b:b"])) + b"%d" % draw(
            st.integers(0, 3)
        )
        while any(b"=%b\n" % boundary in part or b'="%b"\n' % boundary in part for part in parts):
            boundary += b"z"  # RFC 2046 §5.1.1: a boundary does not occur inside
        quote = b'"' if draw(st.booleans()) or b":" in boundary or b"=" in boundary else b""
        tail = draw(st.sampled_from([b"", b" ", b"\t "]))
        return (
            b"Content-Type: multipart/%b; boundary=%b%b%b\n\n" % (draw(st.sampled_from([b"mixed", b"report; report-type=tlsrpt"])), quote, boundary, quote)
            + draw(st.sampled_from([b"", b"preamble\n"]))
            + b"".join(b"--%b%b\n%b\n" % (boundary, tail, part) for part in parts)
            + b"--%b--" % boundary
            + draw(st.sampled_from([b"", b"\n", b"\nepilogue\n"]))
        )  # fmt: skip

    return make()


MAILS = st.recursive(leaf(), wrapped, max_leaves=6)


@given(MAILS, NEWLINE)
def test_the_parts_of_a_mail_are_those_that_email_finds(body: bytes, newline: bytes) -> None:
    mail = (b"From: a@b.example\nSubject: x\n folded\nMIME-Version: 1.0\n" + body).replace(b"\r\n", b"\n")
    mail = mail.replace(b"\n", newline)
    assert by_mime(mail) == by_email(mail)
