"""A reader of the sample archive that uses none of the package's own readers."""

from __future__ import annotations

import email
import gzip
import mailbox
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Json", "Leaf", "Read", "leaves", "plain"]

Json = dict[str, Any]


class Leaf(NamedTuple):
    """Something that holds a report or could: where it lies, the name it came under, its bytes as they were sent."""

    place: str
    name: str
    data: bytes


def of_mail(place: str, message: email.message.Message) -> Iterator[Leaf]:
    parts = [part for part in message.walk() if part.get_filename()]
    for part in parts:
        yield Leaf(place, part.get_filename() or "", part.get_payload(decode=True))  # type: ignore[arg-type]
    if not parts:
        yield Leaf(place, "", message.get_payload(decode=True))  # type: ignore[arg-type]


def leaves(folder: Path) -> Iterator[Leaf]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        place = path.relative_to(folder).as_posix()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                yield from (Leaf(f"{place}/{name}", name, archive.read(name)) for name in archive.namelist())
        elif path.suffix == ".mbox":
            box = mailbox.mbox(path)
            for number, message in enumerate(box):
                yield from of_mail(f"{place}/{number}", message)
            box.close()
        elif path.suffix == ".eml":
            yield from of_mail(place, email.message_from_bytes(path.read_bytes()))
        else:
            yield Leaf(place, path.name, path.read_bytes())


def plain(data: bytes) -> bytes | None:
    """The bytes without compression, None where it is cut off."""
    try:
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except EOFError:
        return None


class Read(NamedTuple):
    """A report as found: place, the domain that its file name gives, the object."""

    place: str
    domain: str
    report: Json

    @property
    def day(self) -> date:
        return datetime.fromisoformat(self.report["date-range"]["start-datetime"].replace("Z", "")).date()

    @property
    def who(self) -> str:
        return self.report["organization-name"]

    @property
    def identity(self) -> tuple[str, ...]:
        span = self.report["date-range"]
        return (self.who, self.report["report-id"], span["start-datetime"], span["end-datetime"], self.domain)

    def details(self) -> Iterator[tuple[str, Json]]:
        """Policy type and failure detail."""
        for entry in self.report["policies"]:
            found = entry.get("failure-details") or []
            for detail in [found] if isinstance(found, dict) else found:
                yield entry["policy"]["policy-type"].lower(), detail
