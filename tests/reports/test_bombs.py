"""Small inputs made to cost much: each is a row of `rejects`, soon and in little memory (`Limits`)."""

from __future__ import annotations

import base64
import gzip
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from mtasts_nb.reports import load
from mtasts_nb.reports._collect import Collector
from mtasts_nb.settings import Limits

TOP = (
    '{"organization-name": "B", "report-id": "%s", "contact-info": "x@b.example", '
    '"date-range": {"start-datetime": "2026-02-08T00:00:00Z", "end-datetime": "2026-02-08T23:59:59Z"}, '
    '"policies": [%s]}'
)
POLICY = (
    '{"policy": {"policy-type": "sts", "policy-domain": "d%d.example"}, "summary": '
    '{"total-successful-session-count": %d, "total-failure-session-count": 0}, "failure-details": [%s]}'
)
DETAIL = '{"result-type":"x","failed-session-count":0}'

#: Loads what it reads, and says how much CPU time and memory that took, and what became of it.
CHILD = """
import json, sys, time
import mtasts_nb as sts
data = sys.stdin.buffer.read()
sts.load(b"{}", b'{"policies": []}', progress=False)
def kib(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))
base, began = kib("VmRSS"), time.process_time()
archive = sts.load(data, b'{"policies": []}', progress=False)
seconds = time.process_time() - began
print(json.dumps({"seconds": seconds, "mib": (kib("VmHWM") - base) / 1024, "inputs": len(archive.inputs),
                  "reasons": sorted(set(archive.rejects["reason"]))}))
"""


def report(policies: str, name: str = "1") -> bytes:
    return (TOP % (name, policies)).encode()


def mail(attachment: bytes) -> bytes:
    top = b"From: a@b.example\nTLS-Report-Domain: d.example\nContent-Type: application/tlsrpt+gzip\n"
    return top + b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(attachment)


def varied(pieces: Iterator[bytes], noise: int) -> bytes:
    """Return the pieces with so much incompressible white space between them that they expand 300 times or less."""
    chance = Random(1)
    return b"".join(piece + bytes(chance.choices(b" \t\n\r", k=noise)) for piece in pieces)


def zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return out.getvalue()


def mail_of_parts(count: int, header: str, body: bytes) -> bytes:
    top = b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n"
    return top + (b"--b\n" + header.encode() + b"\n\n" + body + b"\n") * count


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "65,536 failures in one report": (
        "rows",
        lambda: gzip.compress(report(POLICY % (1, 1, ",".join([DETAIL] * 65_536))), 9),
    ),
    "an array of 40,000 objects in a mail": (
        "rows",
        lambda: mail(gzip.compress(b"[" + b'{"policies":[{}]},' * 40_000 + b"{}]", 9)),
    ),
    "60,000 lines in a zip": ("rows", lambda: zipped("a.json", b'{"policies":[]}\n' * 60_000)),
    "100,000 parts in a mail": ("rows", lambda: gzip.compress(mail_of_parts(100_000, "", b"{}"), 9)),
    "200,000 values without keys": (
        "json-values",
        lambda: gzip.compress(b'{"policies":[' + varied((b"{},{}," for _ in range(200_000)), 1) + b"{}]}", 9),
    ),
    "300,000 unknown keys": (
        "json-values",
        lambda: gzip.compress(b'{"policies":[]' + b"".join(b',"k%d":1' % number for number in range(300_000)) + b"}"),
    ),
    "80,000 policies": (
        "rows",
        lambda: gzip.compress(report(",".join(POLICY % (number, 1, "") for number in range(80_000)))),
    ),
    "a large text with characters beyond 16 bits": (
        "report-bytes",
        lambda: b'{"policies": [], "x": "\xf0\x9f\x98\x80' + b"a" * 17_000_000 + b'"}',
    ),
    "a forwarded mail in a mail in a mail": (
        "expansion-ratio",
        lambda: gzip.compress((b"From: a@b.example\nContent-Type: message/rfc822\n\n" * 7 + b"From: a\n\n") + b"x\n" * 8_000_000, 9),
    ),
}  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured as Linux reports it")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_a_reject_row_in_a_second_and_200_mib(name: str) -> None:
    reason, make = BOMBS[name]
    child = subprocess.run([sys.executable, "-c", CHILD], input=make(), capture_output=True, check=True)
    found = json.loads(child.stdout)
    assert reason in found["reasons"], found
    assert found["seconds"] < 1, found  # CPU time: other processes do not count
    assert found["mib"] < 200, found


def test_text_is_counted_in_bytes() -> None:
    """Three texts of 800 characters are 7,200 bytes, and 3,000 are allowed; the one that exceeds it is in memory already."""
    reports = [
        report(POLICY % (1, 1, DETAIL.replace('"x"', f'"{number}{"€" * 800}"')), str(number)).decode()
        for number in range(3)
    ]
    archive = load(f"[{','.join(reports)}]".encode(), progress=False, limits=Limits(label_bytes=3000))
    assert (len(archive.reports), list(archive.rejects["reason"])) == (2, ["label-bytes"])


def test_long_names_of_parts_are_cut_and_their_text_is_limited() -> None:
    data = mail_of_parts(300, 'Content-Disposition: a; filename="' + "n" * 3000 + '.json"', b"{")
    whole = load(data, progress=False)
    assert whole.inputs["member"].str.len().max() < 600
    cut = load(gzip.compress(data), progress=False, limits=Limits(label_bytes=100_000))
    assert list(cut.rejects["reason"])[-1] == "label-bytes"
    assert cut.inputs["member"].str.len().sum() < 200_000


BLANKS = " " * 120_000


@pytest.mark.parametrize(
    "policy_string",
    [f'"mode: none::{BLANKS}x"', f'"::mode{BLANKS}x"', f'"::{";mode " * 20_000}"', f'"{"mx " * 40_000}::"'],
)
def test_a_policy_of_blanks_costs_no_time(policy_string: str) -> None:
    """299 bytes of gzip took 32 seconds."""
    data = report(POLICY.replace('"policy-type"', f'"policy-string": {policy_string}, "policy-type"') % (1, 1, ""))
    archive = load(gzip.compress(data), progress=False, limits=Limits(cpu_seconds=0.5))
    assert len(archive.reports) == 1


def test_the_time_of_a_source_is_limited_and_its_neighbour_loads() -> None:
    many = b"\n".join(report("", str(number)) for number in range(2000))
    archive = load(gzip.compress(many), report("", "other"), progress=False, limits=Limits(cpu_seconds=0.001))
    assert set(archive.rejects["reason"]) == {"cpu-seconds"}
    assert "other" in set(archive.reports["report_id"])


@pytest.mark.parametrize("kind", ["mbox", "zip"])
def test_hostile_members_use_up_nothing_that_honest_ones_need(kind: str) -> None:
    bomb = gzip.compress(b"[" + b",".join([b'{"policies":[{}]}'] * 20_000) + b"]", 9)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for number in range(40):
            file.writestr(f"{number}.json", bomb if number % 2 else report("", str(number)))
    mails = b"".join(
        b"From x 0:00\n" + mail(bomb if number % 2 else gzip.compress(report("", str(number)))) + b"\n" for number in range(40)
    )  # fmt: skip
    archive = load(mails if kind == "mbox" else out.getvalue(), progress=False)
    assert len(archive.reports) == 20
    assert len(archive.inputs) < 40_000


def test_counts_never_add_up_beyond_int64() -> None:
    largest = report(",".join(POLICY % (number, 10**12, "") for number in range(10)), "%d")
    absurd = report(",".join(POLICY % (number, 10**12, "") for number in range(11)))
    archive = load(largest % 1, absurd, largest % 2, progress=False)
    assert archive.sessions["total_successful_session_count"].sum() == 2 * 10**13
    assert list(archive.rejects["reason"]) == ["counts"]


def test_a_report_that_would_bring_the_sum_of_all_beyond_int64_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mtasts_nb.reports._collect._MOST_SESSIONS", 25)
    reports = [report(POLICY % (1, 10, ""), str(number)) for number in range(4)]
    archive = load(*reports, progress=False)
    assert archive.sessions["total_successful_session_count"].sum() == 20
    assert list(archive.rejects["reason"]) == ["counts"] * 2


@pytest.mark.parametrize(
    ("once", "twice"),
    [
        (
            '"total-failure-session-count": 0',
            '"total-failure-session-count": 5, "total-failure-session-coun\\u0074": 0',
        ),
        ('"policy-type": "sts"', '"policy-type": "tlsa", "policy-typ\\u0065": "sts"'),
        ('"policy-type": "sts"', '"policy-type": "tlsa", "policy-type": "sts"'),
        ('"policies":', '"policies": [], "p\\u006flicies":'),
        ('"policies":', '"policies": [], "policies":'),
        ('"policies":', '"policies" : [], "policies" :'),
        ('"report-id":', '"report-id": "", "report-id":'),
        ('"report-id":', '"report-id": "\\\\\\"", "report-id":'),
        ('"contact-info":', '"contact-info": null, "contact-info":'),
        ('"date-range":', '"date-range": {}, "date-range":'),
        ('"start-datetime":', '"start-datetime": "", "start-datetime":'),
        ('"summary":', '"summary": {}, "summary":'),
        ('"failure-details":', '"failure-details": null, "failure-details":'),
        ('"result-type":', '"result-type": "y", "result-type":'),
        ('"receiving-ip":', '"receiving-ip": "192.0.2.1", "receiving-ip":'),
    ],
)
def test_a_repeated_key_is_found_however_it_is_written(once: str, twice: str) -> None:
    """RFC 7493 §2.3: names are the same if they are, after escapes, the same characters."""
    detail = '{"result-type":"x","receiving-ip":null,"failed-session-count":0}'
    data = report(POLICY % (1, 1, detail)).decode()
    assert Collector(Limits()).add_typed(data.encode(), "")
    assert once in data
    archive = load(data.replace(once, twice).encode(), progress=False)
    assert len(archive.reports) == 1
    assert "key repeated, the last one counts" in set(archive.deviations["treatment"])
