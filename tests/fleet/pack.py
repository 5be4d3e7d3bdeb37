"""The forms in which reports travel and lie about: .json.gz, mail, mbox, zip.

Written by hand where a library would put in a clock, a platform or a version. What is left to chance between
machines is the deflate stream itself: another build of zlib may compress the same bytes to other ones.
"""

from __future__ import annotations

import base64
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .chance import Chance
from .senders import SenderDay
from .world import DAY

__all__ = ["WrittenReport", "gzipped", "mail", "mbox", "plain_mail", "zipped"]

_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """A report as it leaves its sender: what it is about, its JSON, and its bytes."""

    sender_day: SenderDay
    report: dict[str, Any]
    body: bytes

    @classmethod
    def of(cls, sender_day: SenderDay, report: dict[str, Any]) -> WrittenReport:
        """Return the report with its bytes, as compact JSON."""
        return cls(sender_day, report, json.dumps(report, separators=(",", ":"), ensure_ascii=False).encode())

    @property
    def name(self) -> str:
        """The file name of RFC 8460 §5.1, without an extension."""
        begin = self.sender_day.day * DAY
        return f"{self.sender_day.sender.domain}!{self.sender_day.domain}!{begin}!{begin + DAY - 1}"


def gzipped(data: bytes, level: int = 6) -> bytes:
    """Return one gzip member without time, name or operating system in it (RFC 1952).

    Examples
    --------
    >>> import gzip
    >>> gzip.decompress(gzipped(b"a report"))
    b'a report'
    """
    deflate = zlib.compressobj(level, zlib.DEFLATED, -15)
    stream = deflate.compress(data) + deflate.flush()
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + stream + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def zipped(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a zip archive; what is compressed already is stored."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members:
            member = zipfile.ZipInfo(name, (2026, 9, 16, 9, 0, 0))
            member.create_system = 3
            member.external_attr = 0o644 << 16
            member.compress_type = zipfile.ZIP_STORED if name.endswith(".gz") else zipfile.ZIP_DEFLATED
            archive.writestr(member, data)
    return out.getvalue()


def _date(seconds: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return f"{_DAYS[moment.weekday()]}, {moment.day:02} {_MONTHS[moment.month - 1]} {moment:%Y %H:%M:%S} +0000"


def _wrapped(data: bytes) -> str:
    text = base64.b64encode(data).decode()
    return "\n".join(text[start : start + 76] for start in range(0, len(text), 76))


def _trace(sender: str, address: str, sent: int, chance: Chance) -> list[str]:
    """Return header lines as a mail server of the domain writes them above what the sender signed."""
    queue = chance.token(11, "0123456789ABCDEF")
    signature = chance.token(256, _BASE64)
    signed = "\n\t ".join(signature[start : start + 64] for start in range(0, 256, 64))
    return [
        f"Return-Path: <bounces@{sender}>",
        "Delivered-To: tlsrpt@nordwind.example",
        "Received: from mx1.nordwind.example (mx1.nordwind.example [192.0.2.10])",
        f"\tby store.nordwind.example (LMTP) with LMTPS id {chance.token(16, _BASE64[:62])};",
        f"\t{_date(sent + 3)}",
        f"Received: from out.{sender} (out.{sender} [{address}])",
        "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))",
        f"\tby mx1.nordwind.example (Postfix) with ESMTPS id {queue}",
        f"\tfor <tlsrpt@nordwind.example>; {_date(sent + 2)}",
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={sender}; s=tlsrpt2026;",
        f"\tt={sent}; h=from:to:subject:date:message-id:tls-report-domain:tls-report-submitter;",
        f"\tbh={chance.token(43, _BASE64)}=;",
        f"\tb={signed}",
    ]


def mail(written: WrittenReport, chance: Chance) -> str:
    """Return the report as a multipart/report mail (RFC 8460 §5.3), lines ended by LF."""
    sender_day = written.sender_day
    sender = sender_day.sender
    sent = (sender_day.day + 1) * DAY + sender.delay * 3600 + chance.below(3000)
    mark = f"=_{chance.token(24)}"
    report_id = str(written.report["report-id"])
    note = f"This is an aggregate TLS report from {sender.name} about {sender_day.domain}."
    lines = [
        *_trace(sender.domain, sender.addresses[0], sent, chance),
        f"Date: {_date(sent)}",
        f"From: {sender.name} TLS reports <noreply-tlsrpt@{sender.domain}>".replace(", Inc.", ""),
        "To: tlsrpt@nordwind.example",
        f"Subject: Report Domain: {sender_day.domain} Submitter: {sender.domain}",
        f" Report-ID: <{report_id}>",
        f"Message-ID: <{chance.token(20)}@{sender.domain}>",
        f"TLS-Report-Domain: {sender_day.domain}",
        f"TLS-Report-Submitter: {sender.domain}",
        "TLS-Required: No",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type="tlsrpt"; boundary="{mark}"',
        "",
        f"--{mark}",
        'Content-Type: text/plain; charset="utf-8"',
        "",
        note,
        "",
        f"--{mark}",
        "Content-Type: application/tlsrpt+gzip",
        "Content-Transfer-Encoding: base64",
        f'Content-Disposition: attachment; filename="{written.name}.json.gz"',
        "",
        _wrapped(gzipped(written.body)),
        f"--{mark}--",
        "",
    ]
    return "\n".join(lines)


def plain_mail(sender: str, subject: str, text: str, day: int, chance: Chance) -> str:
    """Return a mail that holds no report, lines ended by LF."""
    sent = day * DAY + 8 * 3600 + chance.below(3000)
    lines = [
        *_trace(sender.partition("@")[2], "198.51.100.250", sent, chance),
        f"Date: {_date(sent)}",
        f"From: {sender}",
        "To: tlsrpt@nordwind.example",
        f"Subject: {subject}",
        f"Message-ID: <{chance.token(20)}@{sender.partition('@')[2]}>",
        "MIME-Version: 1.0",
        'Content-Type: text/plain; charset="utf-8"',
        "",
        text,
        "",
    ]
    return "\n".join(lines)


def mbox(mails: Iterable[tuple[int, str]]) -> bytes:
    """Return an mbox of (day of arrival, mail) in the order given (RFC 4155)."""
    out: list[str] = []
    for day, text in mails:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
        stamp = f"{_DAYS[moment.weekday()]} {_MONTHS[moment.month - 1]} {moment.day:2} 09:00:00 {moment.year}"
        body = "\n".join(f">{line}" if line.startswith("From ") else line for line in text.split("\n"))
        out.append(f"From MAILER-DAEMON {stamp}\n{body}\n")
    return "".join(out).encode()
