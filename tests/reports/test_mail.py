"""Report mails in every shape that reporters, gateways and mail programs give them (RFC 8460 §5.3)."""

from __future__ import annotations

import base64
import gzip
import io
import quopri
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.reports.ingest import Deviation, Hints, Leaf, Rejected, Skipped, _mime, unpack
from mtasts_nb.reports.ingest._streams import Stream
from mtasts_nb.settings import Limits

REPORT = b'{"organization-name": "B", "report-id": "1", "policies": [{"policy": {"policy-type": "sts"}}]}'
OTHER = b'{"organization-name": "B", "report-id": "2", "policies": []}'
GZ = gzip.compress(REPORT, mtime=0)
NAME = "b.example!d.example!1767225600!1767311999!x.json.gz"
NO_REPORT = "a mail without a TLS report"

Rows = list[Leaf | Rejected | Skipped]


def rows(mail: bytes, limits: Limits | None = None, *, keep_mail: bool = False) -> Rows:
    return list(unpack(mail, "mail.eml", "", limits or Limits(), keep_mail=keep_mail))


def texts(mail: bytes) -> list[bytes]:
    found = rows(mail)
    assert all(isinstance(row, Leaf) for row in found), found
    return [row.data for row in found if isinstance(row, Leaf)]


def hints(mail: bytes) -> Hints:
    [row] = rows(mail)
    assert isinstance(row, Leaf)
    assert row.hints
    return row.hints


def b64(data: bytes) -> bytes:
    return base64.encodebytes(data)


TOP = b"""\
Received: from mx.b.example ([192.0.2.1]) by mail.d.example; Mon, 05 Jan 2026 00:10:00 +0000
From: tlsrpt@b.example
To: reports@d.example
Subject: Report Domain: d.example Submitter: b.example Report-ID: <1@b.example>
TLS-Report-Domain: d.example
TLS-Report-Submitter: b.example
MIME-Version: 1.0
"""
PROSE = b"Content-Type: text/plain; charset=us-ascii\n\nThis is an aggregate TLS report from b.example.\n"
ATTACHED = (
    b"Content-Type: application/tlsrpt+gzip\nContent-Transfer-Encoding: base64\n"
    b"Content-Disposition: attachment; filename=" + NAME.encode() + b"\n\n" + b64(GZ)
)


def multipart(
    *parts: bytes, kind: bytes = b"report; report-type=tlsrpt", boundary: bytes = b"=_b1", top: bytes = TOP
) -> bytes:
    return (
        top
        + b'Content-Type: multipart/%b; boundary="%b"\n\n' % (kind, boundary)
        + b"".join(b"--%b\n%b\n" % (boundary, part) for part in parts)
        + b"--%b--\n" % boundary
    )


def single(kind: bytes, encoding: bytes, body: bytes, top: bytes = TOP) -> bytes:
    return top + b"Content-Type: %b\nContent-Transfer-Encoding: %b\n\n%b" % (kind, encoding, body)


USUAL = multipart(PROSE, ATTACHED)


def part(kind: bytes, body: bytes, encoding: bytes = b"base64") -> bytes:
    return b"Content-Type: %b\nContent-Transfer-Encoding: %b\n\n%b" % (kind, encoding, body)


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in members:
            file.writestr(name, data)
    return out.getvalue()


LF64 = b64(GZ)
BROKEN_LINES = b"\n".join(LF64[at : at + 10] for at in range(0, len(LF64), 10))


@pytest.mark.parametrize(
    "mail",
    [
        pytest.param(USUAL, id="multipart/report"),
        pytest.param(USUAL.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(b"\r\n" + USUAL.replace(b"\n", b"\r\n"), id="a blank line first"),
        pytest.param(b"\xef\xbb\xbf" + USUAL, id="a BOM first"),
        pytest.param(multipart(PROSE, ATTACHED, kind=b"mixed"), id="multipart/mixed"),
        pytest.param(multipart(ATTACHED), id="no prose"),
        pytest.param(multipart(ATTACHED, PROSE), id="the report first"),
        pytest.param(multipart(multipart(PROSE, b"Content-Type: text/html\n\n<p>x</p>", kind=b"alternative", boundary=b"in", top=b""), ATTACHED), id="prose in two forms"),
        pytest.param(multipart(multipart(PROSE, ATTACHED, boundary=b"in", top=b""), b"Content-Type: text/plain\n\nlist footer", kind=b"mixed"), id="wrapped by a mailing list"),
        pytest.param(multipart(multipart(ATTACHED, boundary=b"=_b1x", top=b"")), id="one boundary is the start of another"),
        pytest.param(multipart(PROSE, ATTACHED)[: -len(b"--=_b1--\n")], id="closing boundary absent"),
        pytest.param(USUAL.replace(b"--=_b1\n", b"--=_b1  \t\n"), id="blanks after the boundary"),
        pytest.param(USUAL + b"\nepilogue --=_b1 epilogue", id="epilogue"),
        pytest.param(USUAL.replace(b'boundary="=_b1"', b"boundary==_b1"), id="boundary without quotes"),
        pytest.param(USUAL.replace(b'boundary="=_b1"', b"charset=x;\n\tboundary=\"=_b1\"\n"[:-1]), id="folded header"),
        pytest.param(USUAL.replace(b'boundary="=_b1"', b"boundary*0=\"=_\"; boundary*1=b1"), id="boundary in RFC 2231 pieces"),
        pytest.param(USUAL.replace(b"multipart/report;", b"Multipart/Report (a comment);"), id="comment in the type"),
        pytest.param(USUAL.replace(b"Content-", b"content-"), id="lower case names"),
        pytest.param(USUAL.replace(b"Content-", b"CONTENT-").replace(b": base64", b":BASE64 "), id="upper case, no blank"),
        pytest.param(single(b"application/tlsrpt+gzip", b"base64", b64(GZ)), id="single part, tlsrpt+gzip"),
        pytest.param(single(b"application/tlsrpt+json", b"7bit", REPORT), id="single part, tlsrpt+json"),
        pytest.param(single(b"application/tlsrpt+json", b"quoted-printable", quopri.encodestring(REPORT)), id="quoted-printable"),
        pytest.param(single(b"application/tlsrpt", b"8bit", REPORT), id="application/tlsrpt"),
        pytest.param(single(b"application/gzip", b"binary", GZ), id="binary"),
        pytest.param(single(b"application/json", b"base64", b64(REPORT)), id="application/json"),
        pytest.param(single(b"application/octet-stream", b"base64", b64(GZ)), id="octet-stream"),
        pytest.param(single(b"application/x-gzip", b"quoted-printable", quopri.encodestring(GZ, quotetabs=True).replace(b"\r", b"=0D")), id="gzip as quoted-printable"),
        pytest.param(single(b"text/json", b"8bit", REPORT), id="text/json"),
        pytest.param(single(b"text/plain", b"7bit", REPORT), id="the report as the text of the mail"),
        pytest.param(TOP + b"\n" + REPORT, id="no Content-Type"),
        pytest.param(single(b"application/zip", b"base64", b64(zipped(("a.json", REPORT)))), id="application/zip"),
        pytest.param(single(b"application/tlsrpt+gzip", b"base64", b64(gzip.compress(GZ))), id="gzip in gzip"),
        pytest.param(single(b"application/tlsrpt+gzip", b"base64", b64(REPORT)), id="called gzip, and is not"),
        pytest.param(single(b"application/tlsrpt+json", b"base64", b64(GZ)), id="called json, and is gzip"),
        pytest.param(single(b"application/tlsrpt+gzip", b"base64", LF64.replace(b"\n", b"").rstrip(b"=")), id="one line, padding absent"),
        pytest.param(single(b"application/tlsrpt+gzip", b"base64", BROKEN_LINES), id="odd line lengths"),
        pytest.param(single(b"application/tlsrpt+gzip", b"base64", b"! " + LF64.replace(b"\n", b" \xff\n*")), id="junk characters"),
        pytest.param(single(b"application/tlsrpt+gzip", b"base64", LF64 + b"\n_______\nTLS list\nhttps://list.example/\n"), id="list footer after base64"),
        pytest.param(single(b"application/tlsrpt+gzip", b"base64", b64(GZ[:70]) + b64(GZ[70:])), id="two padded pieces"),
        pytest.param(single(b"application/tlsrpt+gzip", b"7bit", b64(GZ)), id="base64, and does not say so"),
        pytest.param(single(b"application/tlsrpt+json", b"base64", REPORT), id="says base64, and is not"),
        pytest.param(single(b"application/tlsrpt+json", b"x-unheard-of", REPORT), id="unknown encoding"),
        pytest.param(multipart(b"\n" + REPORT), id="a part without headers"),
        pytest.param(multipart(REPORT), id="a part without headers or the blank line"),
        pytest.param(b"From b@b.example Mon Jan  5 00:00:00 2026\n" + USUAL, id="with its mbox line"),
        pytest.param(b"%-10d\n" % len(USUAL) + USUAL + b"<?xml version='1.0'?><plist/>", id="as Apple Mail stores it"),
        pytest.param(multipart(PROSE, b"Content-Type: message/rfc822\n\n" + USUAL.replace(b"=_b1", b"=_b2")), id="forwarded"),
        pytest.param(multipart(PROSE, part(b"message/rfc822", b64(USUAL))), id="forwarded, in base64"),
        pytest.param(multipart(PROSE, part(b'application/octet-stream; name="f.eml"', b64(USUAL))), id="forwarded as a file"),
        pytest.param(multipart(b"\n" + USUAL.replace(b"=_b1", b"=_b2"), kind=b"digest"), id="in a digest"),
        pytest.param(multipart(PROSE, b"Content-Type: message/rfc822\n\n" + multipart(b"Content-Type: message/rfc822\n\n" + USUAL.replace(b"=_b1", b"=_b3"), boundary=b"=_b2")), id="forwarded twice"),
    ],
)  # fmt: skip
def test_the_one_report_in_a_mail_is_found(mail: bytes) -> None:
    assert texts(mail) == [REPORT]


FOOTER = b"\n-- \nTLS list, https://list.example/\n"
EXCERPT = "-- TLS list, https://list.example/"
PADDED = b64(GZ + b"\0" * ((1 - len(GZ)) % 3))  # zero padding, so that the base64 ends in "=="


@pytest.mark.parametrize(
    ("mail", "remark"),
    [
        pytest.param(USUAL, None, id="nothing"),
        pytest.param(single(b"application/gzip", b"base64", PADDED), None, id="nothing, padded"),
        pytest.param(
            single(b"application/gzip", b"base64", PADDED + FOOTER),
            Deviation("", EXCERPT, "text after the base64 ignored"),
            id="list footer",
        ),
        pytest.param(
            single(b"application/gzip", b"base64", PADDED.rstrip(b"\n=")),
            Deviation("", None, "base64 damaged or without its padding, repaired"),
            id="no padding",
        ),
        pytest.param(
            single(b"application/json", b"base64", REPORT),
            Deviation("", "base64", "not in the encoding that the part names, read without decoding"),
            id="decoded by a gateway that left the header",
        ),
        pytest.param(
            single(b"text/plain", b"8bit", b"\n" + REPORT + FOOTER),
            Deviation("", EXCERPT, "text after the report ignored"),
            id="a report as the mail's text, with a signature",
        ),
        pytest.param(
            single(b"text/plain", b"8bit", b"[" + REPORT + b"]" + FOOTER),
            Deviation("", EXCERPT, "text after the report ignored"),
            id="an array as the mail's text, with a signature",
        ),
    ],
)
def test_what_was_repaired_or_left_out_goes_with_the_report(mail: bytes, remark: Deviation | None) -> None:
    [row] = rows(mail)
    assert isinstance(row, Leaf)
    assert row.data.strip() == REPORT
    assert row.remarks == ((remark,) if remark else ())


def test_what_was_repaired_goes_with_each_report_in_it() -> None:
    remark = Deviation("", EXCERPT, "text after the base64 ignored")
    body = b64(zipped(("1.json", REPORT), ("2.json", OTHER), ("3.json.gz", GZ + b"oops")))
    found = rows(
        single(b"application/zip", b"base64", body.rstrip() + b"==" * (not body.rstrip().endswith(b"=")) + FOOTER)
    )
    after = Deviation("", "'oops'", "bytes after the end of the gzip data ignored")
    assert [row.remarks for row in found if isinstance(row, Leaf)] == [(remark,), (remark,), (remark, after)]


def test_two_reports_in_one_mail_are_two() -> None:
    mail = multipart(PROSE, ATTACHED, part(b'application/tlsrpt+json; name="two.json"', b64(OTHER)))
    found = rows(mail)
    assert [(row.member, row.data) for row in found if isinstance(row, Leaf)] == [
        (f"part 2 ({NAME})", REPORT),
        ("part 3 (two.json)", OTHER),
    ]
    assert texts(single(b"application/json", b"8bit", REPORT + b"\n" + OTHER)) == [REPORT, OTHER]
    assert texts(single(b"application/zip", b"base64", b64(zipped(("1", REPORT), ("2", OTHER))))) == [REPORT, OTHER]


@pytest.mark.parametrize(
    ("header", "filename"),
    [
        (b"Content-Disposition: attachment; filename=a.json", "a.json"),
        (b'Content-Disposition: attachment; filename="a b;c.json"', "a b;c.json"),
        (b'Content-Disposition: attachment;\n\tfilename="a.json"', "a.json"),
        (b'Content-Disposition: ATTACHMENT; FileName="a.json"; size=3', "a.json"),
        (b'Content-Type: application/json; name="a.json"', "a.json"),
        (b'Content-Type: application/json; name="t.json"\nContent-Disposition: inline; filename="d.json"', "d.json"),
        (b'Content-Disposition: attachment; filename*0="a!d.example!1!"; filename*1="2.json"', "a!d.example!1!2.json"),
        (b"Content-Disposition: attachment;\n filename*0*=UTF-8''gr%C3%BC; filename*1*=n.json", "grün.json"),
        (b"Content-Disposition: attachment; filename*=iso-8859-1'de'gr%FCn.json", "grün.json"),
        (b"Content-Disposition: attachment; filename*=no-such'de'gr%FCn.json", "grün.json"),
        (b'Content-Disposition: attachment; filename="=?utf-8?B?Z3LDvG4uanNvbg==?="', "grün.json"),
        (b'Content-Disposition: attachment; filename="=?utf-8?Q?gr=C3=BC?= =?utf-8?Q?n.json?="', "grün.json"),
        (b'Content-Disposition: attachment; filename="=?utf-8?B?broken"', "=?utf-8?B?broken"),
        (b'Content-Disposition: attachment; filename="gr\xc3\xbcn.json"', "grün.json"),
        (b'Content-Disposition: attachment; filename="a\\"b.json"', 'a"b.json'),
        (b"Content-Disposition: attachment; filename=", None),
        (b"Content-Disposition: attachment", None),
        (b"Content-Disposition: ;;;=;filename", None),
        (b"Content-Disposition: attachment; filename*99999999999999999999999=a", "a"),
    ],
)
def test_the_file_name_is_read_in_each_way_of_writing_it(header: bytes, filename: str | None) -> None:
    assert hints(multipart(b"%b\n\n%b" % (header, REPORT))).filename == filename


def test_the_headers_around_a_report_go_with_it() -> None:
    found = hints(USUAL)
    subject = "Report Domain: d.example Submitter: b.example Report-ID: <1@b.example>"
    assert found == Hints(NAME, "d.example", "b.example", subject, None, b"Mon, 05 Jan 2026 00:10:00 +0000")
    [row] = rows(USUAL, keep_mail=True)
    assert isinstance(row, Leaf)
    assert row.hints == Hints(NAME, "d.example", "b.example", subject, USUAL, b"Mon, 05 Jan 2026 00:10:00 +0000")


@pytest.mark.parametrize(
    ("subject", "read"),
    [
        (b"=?utf-8?Q?Report_Domain:_d.example?=", "Report Domain: d.example"),
        (b"Report Domain: d.example\n Submitter: b.example", "Report Domain: d.example Submitter: b.example"),
        (b"=?no-such-charset?Q?x?=", "=?no-such-charset?Q?x?="),
        (b"gr\xfc\xdfe", "gr\ufffd\ufffde"),
        (b"a\0b\x1b[31m", "a\0b\x1b[31m"),
    ],
)
def test_the_subject_is_one_line_of_valid_text(subject: bytes, read: str) -> None:
    top = b"Subject: " + subject + b"\nTLS-Report-Domain: d.example\n"
    found = hints(single(b"application/json", b"8bit", REPORT, top))
    assert found.subject == read
    assert found.tls_report_domain == "d.example"


def test_a_forwarded_mail_speaks_for_itself_and_its_signature_is_not_at_hand() -> None:
    inner = USUAL.replace(b"=_b1", b"=_b2").replace(b"d.example", b"inner.example")
    [row] = rows(multipart(PROSE, b"Content-Type: message/rfc822\n\n" + inner), keep_mail=True)
    assert isinstance(row, Leaf)
    assert row.hints
    assert row.hints.tls_report_domain == "inner.example"
    assert row.hints.mail is None
    assert row.member == f"part 2 > part 2 ({NAME.replace('d.example', 'inner.example')})"
    # Where it says nothing, the mail around it does.
    bare = b"Subject: fwd\n\n" + REPORT
    [row] = rows(multipart(PROSE, b"Content-Type: message/rfc822\n\n" + bare))
    assert isinstance(row, Leaf)
    assert row.hints
    assert (row.hints.tls_report_domain, row.hints.subject) == ("d.example", "fwd")


def test_what_lies_in_an_attached_archive_keeps_the_mail_s_headers() -> None:
    [row] = rows(single(b"application/zip", b"base64", b64(zipped(("x/in.json", REPORT)))), keep_mail=True)
    assert isinstance(row, Leaf)
    assert row.hints
    assert (row.member, row.hints.filename, row.hints.tls_report_domain) == ("x/in.json", "in.json", "d.example")
    assert row.hints.mail is not None


PLAIN_TOP = b"From: a@b.example\nSubject: lunch\nMIME-Version: 1.0\n"


@pytest.mark.parametrize(
    "mail",
    [
        pytest.param(PLAIN_TOP + b"\nShall we?\n", id="text"),
        pytest.param(PLAIN_TOP, id="headers alone"),
        pytest.param(PLAIN_TOP + b"\n", id="empty body"),
        pytest.param(PLAIN_TOP + b"\n[a bracket] and {braces}", id="text that begins with a bracket"),
        pytest.param(PLAIN_TOP + b"\n{\"lunch\": true}", id="JSON in a text that is no report"),
        pytest.param(multipart(PROSE, part(b"image/png", b64(b"\x89PNG\r\n\x1a\n")), kind=b"mixed", top=PLAIN_TOP), id="a picture"),
        pytest.param(multipart(PROSE, part(b"application/zip", b64(zipped(("1.jpg", b"\xff\xd8"), ("2.jpg", b"\xff\xd8")))), top=PLAIN_TOP), id="a zip of pictures"),
        pytest.param(multipart(PROSE, part(b"application/x-7z", b64(b"7z\xbc\xaf\x27\x1c")), top=PLAIN_TOP), id="a 7-Zip archive"),
        pytest.param(multipart(PROSE, b"Content-Type: message/rfc822\n\n" + PLAIN_TOP + b"\nx", top=PLAIN_TOP), id="a forwarded mail"),
        pytest.param(multipart(PROSE, kind=b"report; report-type=delivery-status", top=PLAIN_TOP), id="a bounce"),
        pytest.param(multipart(top=PLAIN_TOP), id="a multipart of nothing"),
        pytest.param(PLAIN_TOP + b"Content-Type: multipart/mixed\n\n--x\n\ny\n--x--", id="a multipart without boundary"),
        pytest.param(PLAIN_TOP + b'Content-Type: multipart/mixed; boundary=""\n\n--\n\ny\n----', id="an empty boundary"),
    ],
)  # fmt: skip
def test_a_mail_without_a_report_is_one_skipped_row(mail: bytes) -> None:
    assert rows(mail) == [Skipped("mail.eml", "", NO_REPORT)]


@pytest.mark.parametrize(
    ("mail", "stage", "reason"),
    [
        pytest.param(single(b"application/tlsrpt+gzip", b"base64", b64(GZ[:40])), "unpack", "truncated", id="cut off"),
        pytest.param(single(b"application/tlsrpt+gzip", b"base64", b""), "mail", "empty", id="empty"),
        pytest.param(single(b"application/tlsrpt+json", b"8bit", b"removed by the virus scanner"), "mail", "not-json", id="replaced"),
        pytest.param(single(b"application/octet-stream", b"8bit", b"garbage"), "mail", "not-json", id="a report mail by its headers"),
        pytest.param(multipart(part(b"application/x-7z; name=report.json", b64(b"7z\xbc\xaf\x27\x1c")), top=PLAIN_TOP), "mail", "unsupported-format", id="7-Zip by a report's name"),
    ],
)  # fmt: skip
def test_a_part_that_says_it_is_a_report_and_is_not_readable_is_refused(mail: bytes, stage: str, reason: str) -> None:
    [row] = rows(mail)
    assert isinstance(row, Rejected)
    assert (row.stage, row.reason) == (stage, reason)


def test_the_prose_of_a_report_mail_is_no_row_and_a_damaged_part_costs_no_other() -> None:
    broken = part(b"application/tlsrpt+gzip; name=x.json.gz", b64(GZ[:40]))
    found = rows(multipart(PROSE, broken, ATTACHED))
    assert [type(row) for row in found] == [Rejected, Leaf]


def test_files_of_an_attached_archive_beside_a_report_are_passed_over_one_by_one() -> None:
    found = rows(single(b"application/zip", b"base64", b64(zipped(("README", b"x"), ("a.json", REPORT)))))
    assert [type(row) for row in found] == [Leaf, Skipped]


def test_multiparts_nested_too_deep_and_too_many_parts_are_refused() -> None:
    mail = ATTACHED
    for level in range(12):
        mail = multipart(mail, boundary=b"b%d" % level, top=b"")
    [row] = rows(TOP + mail)
    assert isinstance(row, Rejected)
    assert (row.stage, row.reason) == ("mail", "nesting")
    assert "nesting=8" in row.detail
    [row] = rows(multipart(*[PROSE] * 30), Limits(members=20))
    assert isinstance(row, Rejected)
    assert (row.stage, row.reason) == ("mail", "members")


MBOX_LINE = b"From tlsrpt@b.example Mon Jan  5 00:10:00 2026\n"


@pytest.mark.parametrize("line", [MBOX_LINE, b"From - Mon Jan 05 00:10:00 2026\n", b"From nobody\n", b"From 1234@xxx Mon Jan 05 00:10:00 +0000 2026\n"])  # fmt: skip
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_an_mbox_gives_each_mail_by_its_number(line: bytes, newline: bytes) -> None:
    plain = PLAIN_TOP + b"\nFrom here on, no report.\nFrom there, too.\n"
    mbox = b"".join(line + mail + b"\n" for mail in (USUAL, plain, USUAL.replace(b"=_b1", b"=_b2"))).replace(
        b"\n", newline
    )
    found = rows(mbox)
    assert [(type(row), row.member) for row in found] == [
        (Leaf, f"message 1 > part 2 ({NAME})"),
        (Skipped, "message 2"),
        (Leaf, f"message 3 > part 2 ({NAME})"),
    ]


def test_quoted_from_lines_of_an_mbox_are_restored() -> None:
    body = b'{"policies": [],\n\nFrom a:\n\n"contact-info": "x"}\n'
    quoted = TOP + b"\n" + body.replace(b"\nFrom ", b"\n>From ")
    assert [row.data for row in rows(MBOX_LINE + quoted + b"\n") if isinstance(row, Leaf)] == [body]
    twice = TOP + b"\n" + body.replace(b"\nFrom ", b"\n>>From ")
    assert [row.data for row in rows(MBOX_LINE + twice + b"\n") if isinstance(row, Leaf)] == [
        body.replace(b"\nFrom", b"\n>From")
    ]


def test_a_from_line_in_a_body_does_not_cut_a_mail() -> None:
    prose = (
        PROSE
        + b"\nFrom time to time: we send this.\nFrom: me\n\nFrom a long way off\nX: y\n\nFrom 10:30 on\nnone came\n"
    )
    assert len(rows(MBOX_LINE + multipart(prose, ATTACHED) + b"\n" + MBOX_LINE + USUAL)) == 2


def test_the_mail_of_an_mbox_is_kept_as_it_was_before_it_was_filed() -> None:
    found = rows((MBOX_LINE + USUAL + b"\n") * 2, keep_mail=True)
    assert [row.hints.mail for row in found if isinstance(row, Leaf) and row.hints] == [USUAL, USUAL]


def test_a_mail_too_large_is_refused_and_its_neighbours_are_read() -> None:
    large = multipart(PROSE, part(b"image/png", b"A" * 3_000_000))
    mbox = b"".join(MBOX_LINE + mail + b"\n" for mail in (USUAL, large, USUAL))
    found = rows(mbox, Limits(input_bytes=100_000))
    assert [(type(row), row.member[:9]) for row in found] == [
        (Leaf, "message 1"),
        (Rejected, "message 2"),
        (Leaf, "message 3"),
    ]
    assert isinstance(found[1], Rejected)
    assert "input_bytes=100000" in found[1].detail


@pytest.mark.parametrize("size", [1, 100, 1000, 5000, 70_000, 300_000, 1_500_000])
def test_mails_of_any_size_come_out_of_an_mbox_whole(size: int) -> None:
    mails = [multipart(PROSE + b"x" * (size * number // 7), ATTACHED) for number in range(8)]
    mbox = b"".join(MBOX_LINE + mail + b"\n" for mail in mails)
    found = rows(mbox, keep_mail=True)
    assert [row.hints.mail for row in found if isinstance(row, Leaf) and row.hints] == mails


@given(st.lists(st.text("xy\n", max_size=60), min_size=1, max_size=6), st.integers(1, 400), st.booleans())
def test_where_an_mbox_is_cut_for_reading_makes_no_difference(texts: list[str], piece: int, short: bool) -> None:
    mails = [b"Subject: x\n\n" + text.encode() + b"x" * 30 * len(text) + b"\n" for text in texts]
    line = b"From nobody\n" if short else MBOX_LINE
    mbox = b"".join(line + mail + b"\n" for mail in mails)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_mime, "CHUNK", piece)
        patch.setattr(_mime, "_SEPARATOR_REACH", 80)
        assert list(_mime.mbox_messages(Stream(io.BytesIO(mbox).read), 10_000)) == mails
