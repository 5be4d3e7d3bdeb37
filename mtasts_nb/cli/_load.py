"""`mtasts-nb load`: a summary of an archive of reports in the terminal, and its tables as files."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..markup import plural
from ..render import Document, Paragraph, Strong
from ._archives import ROWS, first_rows, head, open_archive, rows, to_json, verdicts
from ._parser import add_command
from ._say import say, show, show_json
from ._sources import SOURCES, add_mailbox_options, sources_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from collections.abc import Sequence

    from ..analysis import Table
    from ..reports import Archive
    from ..vocabulary import Verdict
    from ._parser import Parser

__all__ = ["add"]

_DESCRIPTION = f"""\
Read TLS reports and print a summary: the verdict on each domain, then inputs by outcome, incidents, failures, reporters,
rejected inputs and assumptions.

{SOURCES}

examples:
  mtasts-nb load reports/
  mtasts-nb load mailbox.mbox --domain nordwind.example --out tables/
  mtasts-nb load imaps://reports@mail.nordwind.example/INBOX
  mtasts-nb load reports/ --json | jq .verdicts"""
_EPILOG = """\
exit status:
  0  every input was read, or holds no report
  1  some inputs were rejected; the rest was read
  2  nothing could be read: no such path, or no report by_domain"""


def add(commands: _SubParsersAction[Parser]) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "load",
        summary="read TLS reports and print a summary",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        json="print verdicts, counts, incidents and rejected inputs as JSON",
    )
    parser.add_argument("sources", metavar="SOURCES", nargs="+", help="where the reports are")
    parser.add_argument("--domain", metavar="D", help="only this policy domain")
    parser.add_argument("--out", metavar="DIR", help="also write every table there, as CSV and as Parquet")
    parser.add_argument(
        "--dkim",
        choices=("off", "check", "require"),
        default="off",
        help="check the DKIM signatures of report mails by DNS; require: reject reports without a valid one (default: off)",
    )
    add_mailbox_options(parser, state=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read and print; return the exit status."""
    from ..analysis import narrow

    if arguments.out:
        # Before messages count as read: a folder that cannot be written must not cost them.
        Path(arguments.out).mkdir(parents=True, exist_ok=True)
    archive = open_archive(sources_of(arguments), dkim=arguments.dkim)
    rejected = len(archive.rejects)
    archive = narrow(archive, arguments.domain)
    by_domain = verdicts(archive)
    files = []
    if arguments.out:
        files = [*archive.to_csv(arguments.out), *archive.to_parquet(arguments.out)]
    if arguments.json:
        from ..analysis import find_incidents

        incidents = rows(find_incidents(archive))
        show_json(to_json(archive, by_domain, incidents=incidents, files=[str(file) for file in files]))
    else:
        show(_summary(archive, by_domain))
        if files:
            say()
            say(f"{len(files)} tables written to {arguments.out}")
    return 1 if rejected else 0


def _overview(archive: Archive) -> Table:
    """Return the verdicts as a table, without the domains that are fine where there are many."""
    from ..analysis import overview
    from ..vocabulary import Level

    table = overview(archive)
    rows = table.frame[table.frame["attention"] != Level.FINE]
    if len(table) <= ROWS or rows.empty:
        return table
    left_out = table.frame["policy_domain"].nunique() - rows["policy_domain"].nunique()
    caption = f"{table.caption} {plural(left_out, 'domain')} without a problem left out."
    return replace(table, frame=rows.reset_index(drop=True), caption=caption)


def _summary(archive: Archive, by_domain: Sequence[Verdict]) -> Document:
    from .. import analysis

    statements = (*analysis.story(archive).statements, *analysis.scope(archive).statements)
    tables = (
        (analysis.arrivals(archive), "what count"),
        (_overview(archive), "attention policy_domain policy_type failed sessions share why"),
        (analysis.by_result_type(archive), "result_type policy_domain policy_type failed share first last"),
        (analysis.timeline(archive), "start end state result_type receiving_mx_hostname failed_session_count"),
        (analysis.by_reporter(archive), "organization_name policy_type days sessions failed last"),
        (analysis.refusals(archive), "source member reason detail"),
        (analysis.assumptions(archive), "times field treatment"),
    )
    return Document(
        (
            *head(archive, by_domain),
            *(Paragraph(Strong(label), f" {text}") for label, text in statements),
            *(first_rows(table, columns, "; --out DIR writes all") for table, columns in tables),
        )
    )
