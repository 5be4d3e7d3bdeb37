"""A canary in every field of an archive, a probe, the events and the parameters: none is in the redacted page or what it is made from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import mtasts_nb as sts
from mtasts_nb.publish._redact_data import redacted_archive, redacted_probe
from mtasts_nb.publish._redact_names import Pseudonyms
from mtasts_nb.reports import Archive, schema
from tests.publish.test_redact_text import decodings

_NUMBERS = count(100)


def _canary() -> str:
    return f"zqx{next(_NUMBERS)}vkw"


def _report(day: int) -> dict[str, Any]:
    """Return a report with a canary in each text, beside what redaction keeps."""
    c = _canary
    detail = {
        "sending-mta-ip": "203.0.113.77",
        "receiving-mx-hostname": f"mx.{c()}.test",
        "receiving-mx-helo": f"{c()}.test",
        "receiving-ip": "2001:db8:77::77",
        "failed-session-count": 40,
        "additional-information": f"https://{c()}.test/{c()}",
    }
    reasons = [
        f"3 1 1 {'ab' * 32} {c()}", f"certificate has expired: {c()}", f"550 5.7.1 {c()}", f"{c()}[.]test", f"%7A%71%78 {c()}",
        f"tls{c()} {c()}.TEST:25 [{c()}]", f"=7A=71=78{c()}", f"{c()}@{c()}.test", f"X509_V_ERR_{c()}", f"\u202e{c()}\u200b",
    ]  # fmt: skip
    types = ["validation-failure", "certificate-expired", f"{c()}-failed"]
    details = [
        {**detail, "result-type": types[number % 3], "failure-reason-code": reason}
        for number, reason in enumerate(reasons)
    ]
    policy = {
        "policy-type": "sts",
        "policy-domain": "zqxbase.test",
        "policy-string": ["version: STSv1", "mode: enforce", f"mx: *.{c()}.test", "max_age: 604800", f"{c()}: {c()}", f"# {c()}"],
        "mx-host": [f"*.{c()}.test"],
        c(): c(),
    }  # fmt: skip
    when = f"2026-03-{day:02}"
    return {
        "organization-name": "Zqxorg Vkw",
        "contact-info": f"{c()}@{c()}.test",
        "report-id": f"{when}-{c()}",
        c(): {c(): c()},
        "date-range": {"start-datetime": f"{when}T00:00:00Z", "end-datetime": f"{when}T23:59:59Z"},
        "policies": [
            {
                "policy": policy,
                "summary": {"total-successful-session-count": 3, "total-failure-session-count": 400},
                "failure-details": details,
            },
            {"policy": {"policy-type": c(), "policy-domain": f"{c()}.test"}, "summary": {"total-failure-session-count": f"1 {c()}"}},
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(_canary())
    for day in range(1, 8):
        (folder / f"{_canary()}!{_canary()}.test!{day}.json").write_text(json.dumps(_report(day)))
    (folder / f"{_canary()}.json").write_text(f'{{"{_canary()}')
    return folder


def _canaries_in(text: str) -> bool:
    return any("zqx" in reading or "vkw" in reading for reading in decodings(text))


def test_none_is_in_the_archive(sources: Path) -> None:
    archive = sts.load(sources, progress=False)
    assert _canaries_in(_tables(archive))
    assert not _canaries_in(_tables(redacted_archive(archive, Pseudonyms(b"a"))))


def _tables(archive: Archive) -> str:
    return "\n".join(getattr(archive, table).to_csv() for table in schema.SCHEMA) + " ".join(map(str, archive.sources))


def test_none_is_in_the_probe() -> None:
    """Every text of a snapshot is somebody else's, also where this package writes a code."""
    with sts.lab.Lab("dane-mismatch") as lab:
        probe = sts.probe("nordwind.example", lab.settings)
    marked = _marked(probe)
    assert sum(text.count("zqx") for text in _texts(marked)) > 100
    made = list(_texts(redacted_probe(marked, Pseudonyms(b"a"))))
    assert [text for text in made if _canaries_in(text)] == []


def _marked(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _marked(getattr(value, field.name)) for field in fields(value)})
    if isinstance(value, tuple):
        return tuple(map(_marked, value))
    if isinstance(value, bytes):
        return value + b" zqxbytes"
    return f"{value} {_canary()}" if type(value) is str else value


def _texts(value: Any) -> Iterator[str]:
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _texts(getattr(value, field.name))
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, bytes | str):
        yield value.decode("latin-1") if isinstance(value, bytes) else str(value)


def test_none_is_in_the_page(sources: Path, tmp_path: Path) -> None:
    events = tmp_path / f"{_canary()}.csv"
    events.write_text(
        f"time,text\n2026-03-02T09:00Z,key changed by {_canary()} ({_canary()}.test)\n"
        f"2026-03-03,3 1 1 {'ab' * 32} {_canary()}\n"
    )
    out = sts.publish(
        tmp_path / "x.html",
        sources,
        parameters={"title": f"Outage at {_canary()}", "author": f"{_canary()} {_canary()}", "events": events},
        redact=True,
        progress=False,
    )
    page = out.read_text(encoding="utf-8")
    assert "key changed by …" in page
    assert "Outage at …" in page
    assert not _canaries_in(page)


def test_senders_and_hosts_that_our_own_texts_name_can_be_redacted(tmp_path: Path) -> None:
    """The most common reporters and MX hosts are in playbooks, too: no reason to refuse the page."""
    report = _report(1)
    for number, (reporter, host) in enumerate(
        [("Google Inc.", "aspmx.l.google.com"), ("Microsoft Corporation", "zqxbase-test.mail.protection.outlook.com")]
    ):
        report |= {"organization-name": reporter, "report-id": str(number)}
        for detail in report["policies"][0]["failure-details"]:
            detail["receiving-mx-hostname"] = host
        (tmp_path / f"{number}.json").write_text(json.dumps(report))
    out = sts.publish(tmp_path / "x.html", tmp_path, redact=True, progress=False)
    page = out.read_text(encoding="utf-8").casefold()
    assert not any(name in page for name in ("google inc", "microsoft corporation", "aspmx", "outlook.com"))
