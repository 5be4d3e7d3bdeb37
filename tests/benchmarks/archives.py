"""Archives to measure with: reports as reporters send them, from a seed, in whatever packing a bench needs."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

_REPORTERS = [f"Reporter {letter}" for letter in "ABCDEFGH"]
_RESULTS = ("certificate-expired", "starttls-not-supported", "validation-failure", "sts-policy-fetch-error")


def reports(count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Yield reports just as RFC 8460 §4.4 says, all different; half of them have failures."""
    rng = random.Random(seed)
    for number in range(count):
        domain = f"d{rng.randrange(40)}.example"
        day = date(2025, 1, 1) + timedelta(days=number * 400 // count)
        details = [
            {
                "result-type": rng.choice(_RESULTS),
                "sending-mta-ip": f"192.0.2.{rng.randrange(256)}",
                "receiving-mx-hostname": f"mx{rng.randrange(3)}.{domain}",
                "receiving-ip": f"198.51.100.{rng.randrange(9)}",
                "failed-session-count": rng.randrange(1, 20),
                "failure-reason-code": "certificate has expired",
            }
            for _ in range(rng.choice((0, 0, 0, 1, 2, 3)))
        ]
        element: dict[str, Any] = {
            "policy": {
                "policy-type": "sts",
                "policy-string": ["version: STSv1", "mode: enforce", f"mx: *.{domain}", "max_age: 604800"],
                "policy-domain": domain,
                "mx-host": [f"*.{domain}"],
            },
            "summary": {
                "total-successful-session-count": rng.randrange(1000),
                "total-failure-session-count": sum(detail["failed-session-count"] for detail in details),
            },
        }
        if details:
            element["failure-details"] = details
        yield {
            "organization-name": rng.choice(_REPORTERS),
            "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"},
            "contact-info": "smtp-tls-reporting@reporter.example",
            "report-id": f"{day}T00:00:00Z_{domain}_{number}",
            "policies": [element],
        }


def compressed(report: dict[str, Any]) -> bytes:
    """Return a report as its sender attaches it."""
    return gzip.compress(json.dumps(report).encode(), 6, mtime=0)


def folder(path: Path, count: int, seed: int = 1) -> Path:
    """Write small .json.gz files, a thousand to a folder."""
    for number, report in enumerate(reports(count, seed)):
        where = path / f"{number // 1000:03d}"
        if number % 1000 == 0:
            where.mkdir(parents=True)
        (where / f"reporter.example!d.example!{number}.json.gz").write_bytes(compressed(report))
    return path


def mail(report: dict[str, Any], number: int) -> bytes:
    """Return a report mail as it lies in a mailbox: eight Received headers, the report in base64."""
    received = "".join(
        f"Received: from mx{hop}.relay.example (mx{hop}.relay.example [192.0.2.{hop}])\r\n"
        f"\tby mx{hop + 1}.relay.example (Postfix) with ESMTPS id {number:08X}{hop}\r\n"
        f"\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n"
        f"\tfor <tlsrpt@nordwind.example>; Mon, 09 Feb 2026 01:00:0{hop} +0000\r\n"
        for hop in range(8)
    )
    body = base64.encodebytes(compressed(report)).decode().replace("\n", "\r\n")
    name = f"reporter.example!d.example!{number}.json.gz"
    return (
        f"Return-Path: <noreply@reporter.example>\r\n{received}"
        f"Date: Mon, 09 Feb 2026 01:00:00 +0000\r\nMessage-ID: <{number}@reporter.example>\r\n"
        "From: noreply@reporter.example\r\nTo: tlsrpt@nordwind.example\r\n"
        f"Subject: Report Domain: d.example Submitter: reporter.example Report-ID: <{number}>\r\n"
        "TLS-Report-Domain: d.example\r\nTLS-Report-Submitter: reporter.example\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type="tlsrpt"; boundary="----=_part"\r\n\r\n'
        "------=_part\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nThis is an aggregate TLS report.\r\n"
        f'------=_part\r\nContent-Type: application/tlsrpt+gzip; name="{name}"\r\n'
        f'Content-Disposition: attachment; filename="{name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}'
        "------=_part--\r\n"
    ).encode()


def mails(path: Path, count: int) -> Path:
    """Write a folder of .eml files."""
    path.mkdir(parents=True)
    for number, report in enumerate(reports(count, 2)):
        (path / f"{number:05d}.eml").write_bytes(mail(report, number))
    return path


def mbox(path: Path, count: int) -> Path:
    """Write an mbox."""
    with path.open("wb") as file:
        for number, report in enumerate(reports(count, 2)):
            text = mail(report, number).replace(b"\r\n", b"\n")
            file.write(b"From noreply@reporter.example Mon Feb  9 01:00:00 2026\n" + text + b"\n")
    return path
