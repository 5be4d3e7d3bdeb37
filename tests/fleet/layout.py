"""How an operator's folder looks after four months: mailbox exports, a zip, loose files, and things that are no report."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mtasts_nb.errors import LabError

from .chance import Chance
from .pack import WrittenReport, gzipped, mail, mbox, plain_mail, zipped
from .truth import TRUTH_COLUMNS, truth_csv
from .world import Timeline

__all__ = ["ArchiveSummary", "lay_out"]

_README = """\
# A sample archive of TLS reports

Everything here is made up: the domains, the reporters, the addresses (RFC 5737, RFC 3849), the events. No signature
in the mails is real. `make sample` writes it anew, the same each time.

It is what an operator of nordwind.example and suedwind.example might have kept from July to October 2026: mailboxes
exported, a zip of what an HTTPS collector and a script had put aside, loose files and mails, some of them twice, one
cut off, some that are no report. The report mailbox was full on one weekend in August: nothing of it was kept.

`truth.csv` says what happened, counted from the reports as they were written. It is not a report, and no analysis
reads it: the tests hold it against what an analysis finds.
"""

_ZIP_README = "Reports of August and the first half of September, put aside on 2026-09-16.\nOne folder per domain.\n"

_OTHER_MAIL = (
    (
        "mailbox-nearly-full", 34, "mailer-daemon@nordwind.example", "Your mailbox is nearly full",
        "The mailbox tlsrpt@nordwind.example holds 98 % of its quota.\nNew mail will be refused when it is full.",
    ),
    (
        "out-of-office", 101, "b.petersen@grosskontor.example", "Out of office: Your question on our TLS reports",
        "I am back on 2 November. In urgent cases write to postmaster@grosskontor.example.",
    ),
    (
        "question", 109, "hostmaster@suedwind.example", "policy file",
        "Do we still serve mta-sts.txt? The new site went live on Tuesday.\nFrom Thursday on I am at the other site.",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArchiveSummary:
    """What was written: distinct reports, files, and bytes over all files."""

    reports: int
    files: int
    size: int


def _date(day: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%d")


def _crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


class _Layout:
    """Sorts reports into places by month and by how they came; `files` is the result."""

    def __init__(self, first: int, seed: int) -> None:
        self.first = first
        self.seed = seed
        self.files: dict[str, bytes] = {}
        self.boxes: dict[str, list[tuple[int, str, str]]] = {}
        self.zip: list[tuple[str, bytes]] = []

    def chance(self, written: WrittenReport, use: str) -> Chance:
        """Return a stream of its own for each report, whatever else is in the archive."""
        return Chance(self.seed, use, written.name)

    def put(self, written: WrittenReport) -> None:
        """Put a report where it belongs."""
        sender_day = written.sender_day
        date = _date(sender_day.day)
        month = date[:7]
        if "2026-08-01" <= date < "2026-09-16":
            # A few are kept as plain JSON, as an HTTPS collector leaves them.
            plain = sender_day.sender.slug == "kranich"
            name = f"{sender_day.domain}/{written.name}.json"
            self.zip.append((name, written.body) if plain else (name + ".gz", gzipped(written.body)))
        elif not sender_day.sender.by_mail:
            self.files[f"https/{month}/{written.name}.json.gz"] = gzipped(written.body)
        elif date < "2026-10-01":
            if date < "2026-08-01":
                self.box("mailbox-2026-07.mbox", written)
            else:
                self.files[f"attachments/{month}/{written.name}.json.gz"] = gzipped(written.body)
        elif date < "2026-10-16":
            self.box("mailbox-2026-10.mbox", written)
        else:
            self.eml(written)

    def box(self, name: str, written: WrittenReport) -> None:
        """Add a report to an mbox."""
        text = mail(written, self.chance(written, "mail"))
        self.boxes.setdefault(name, []).append((written.sender_day.day + 1, written.name, text))

    def eml(self, written: WrittenReport) -> None:
        """Add a report as a mail file of its own."""
        name = f"{_date(written.sender_day.day)}-{written.sender_day.sender.slug}-{written.sender_day.domain.partition('.')[0]}"
        self.files[f"mail/{name}.eml"] = _crlf(mail(written, self.chance(written, "mail")))


def _of(reports: Iterable[WrittenReport], slug: str, domain: str, date: str) -> WrittenReport | None:
    """Return the first report of a sender about a domain from a day on."""
    return next(
        (
            w
            for w in reports
            if (w.sender_day.sender.slug, w.sender_day.domain) == (slug, domain) and _date(w.sender_day.day) >= date
        ),
        None,
    )


def _add_copies(layout: _Layout, reports: list[WrittenReport]) -> None:
    """Add what came twice: saved twice, relayed, put into the zip again; and two with the same identity, but other figures."""
    nord, sued = "nordwind.example", "suedwind.example"
    for slug, domain, date in (
        ("kranich", nord, "2026-07-07"),
        ("bluefinch", nord, "2026-09-21"),
        ("grosskontor", sued, "2026-09-18"),
        ("meridian", nord, "2026-09-25"),
    ):
        if twice := _of(reports, slug, domain, date):
            month = _date(twice.sender_day.day)[:7]
            layout.files[f"https/{month}/{twice.name}.json (1).gz"] = gzipped(twice.body)
    for slug, domain, date in (("bluefinch", nord, "2026-10-20"), ("talweg", sued, "2026-10-27")):
        if relayed := _of(reports, slug, domain, date):
            layout.eml(relayed)
    if again := _of(reports, "freistil", nord, "2026-08-11"):
        layout.zip.append((f"again/{again.name}.json.gz", gzipped(again.body)))
    for slug, date in (("kranich", "2026-09-29"), ("bluefinch", "2026-10-02")):
        if first := _of(reports, slug, nord, date):
            corrected = _corrected(first)
            month = _date(first.sender_day.day)[:7]
            layout.files[f"https/{month}/{first.name}!corrected.json.gz"] = gzipped(corrected.body)


def _corrected(written: WrittenReport) -> WrittenReport:
    """Return a report of the same identity whose sender counted a few successful sessions more."""
    report: dict[str, Any] = {**written.report, "policies": [dict(entry) for entry in written.report["policies"]]}
    summary = dict(report["policies"][0]["summary"])
    summary["total-successful-session-count"] += 3
    report["policies"][0]["summary"] = summary
    return WrittenReport.of(written.sender_day, report)


def lay_out(
    folder: Path, reports: list[WrittenReport], timelines: Mapping[str, Timeline], first: int, days: int, seed: int
) -> ArchiveSummary:
    """Write the archive and its truth; see `fleet.write_sample`."""
    layout = _Layout(first, seed)
    # A download that broke off: nobody can read what it said, so it is not in the truth either.
    lost = _of(reports, "meridian", "nordwind.example", "2026-09-19")
    readable = [written for written in reports if written is not lost]
    for written in readable:
        layout.put(written)
    if lost:
        whole = gzipped(lost.body)
        layout.files[f"attachments/{_date(lost.sender_day.day)[:7]}/{lost.name}.json.gz"] = whole[: len(whole) * 2 // 3]
    _add_copies(layout, readable)
    for name, day, sender, subject, text in _OTHER_MAIL:
        if day < days:
            message = plain_mail(sender, subject, text, first + day, Chance(seed, name))
            layout.files[f"mail/{name}.eml"] = _crlf(message)
            if name == "question":
                layout.boxes.setdefault("mailbox-2026-10.mbox", []).append((first + day, name, message))
    for name, mails in layout.boxes.items():
        layout.files[name] = mbox((day, text) for day, _, text in sorted(mails))
    if layout.zip:
        layout.files["put-aside-2026-09-16.zip"] = zipped([("README.txt", _ZIP_README.encode()), *sorted(layout.zip)])
    layout.files["README.md"] = _README.encode()
    layout.files["truth.csv"] = truth_csv(readable, timelines, first + days - 1).encode()
    _clear(folder)
    for name, data in sorted(layout.files.items()):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return ArchiveSummary(len(readable), len(layout.files), sum(map(len, layout.files.values())))


def _clear(folder: Path) -> None:
    """Remove an earlier archive of ours from the folder; refuse a folder that holds something else."""
    if not folder.exists():
        folder.mkdir(parents=True)
        return
    truth = folder / "truth.csv"
    ours = truth.is_file() and truth.read_text(encoding="utf-8").startswith(",".join(TRUTH_COLUMNS))
    if any(folder.iterdir()) and not ours:
        raise LabError(f"{folder} holds files, but no sample archive to replace. Name a new or empty folder.")
    for name in ("attachments", "https", "mail"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for pattern in ("*.mbox", "*.zip", "README.md", "truth.csv"):
        for path in folder.glob(pattern):
            path.unlink()
