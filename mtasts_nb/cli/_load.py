"""`mtasts-nb load`: a summary of an archive of reports in the terminal, and its tables as files."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..render import Block, Document, Figures, Paragraph, Strong, document
from ._say import say, show
from ._sources import SOURCES, add_mailbox_options, sources_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from ..analysis import Table
    from ..reports import Archive

__all__ = ["add"]

_DESCRIPTION = f"""\
Read TLS reports and print a summary: inputs by outcome, days, reporters, domains, failures, rejected inputs and
assumptions.

{SOURCES}

examples:
  mtasts-nb load reports/
  mtasts-nb load mailbox.mbox --domain nordwind.example --out tables/
  mtasts-nb load imaps://reports@mail.nordwind.example/INBOX"""
_EPILOG = """\
exit status:
  0  every input was read, or holds no report
  1  some inputs were rejected; the rest was read
  2  nothing could be read: no such path, or no report found"""
#: Most rows of one table in the terminal.
_ROWS = 10


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "load",
        help="read TLS reports and print a summary",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
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
    from ..reports import load

    if arguments.out:
        # Before messages count as read: a folder that cannot be written must not cost them.
        Path(arguments.out).mkdir(parents=True, exist_ok=True)
    archive = load(*sources_of(arguments), dkim=arguments.dkim).require_reports()
    rejected = len(archive.rejects)
    archive = narrow(archive, arguments.domain)
    show(_summary(archive))
    if arguments.out:
        files = [*archive.to_csv(arguments.out), *archive.to_parquet(arguments.out)]
        say()
        say(f"{len(files)} tables written to {arguments.out}")
    return 1 if rejected else 0


def _summary(archive: Archive) -> Document:
    from .. import analysis

    groups = analysis.reported(archive)
    verdicts = sorted(analysis.reported_verdicts(archive, groups).values(), key=lambda verdict: verdict.level.rank)
    statements = (*analysis.story(archive).statements, *analysis.scope(archive).statements)
    tables = (
        (analysis.overview(archive, groups), "attention policy_domain policy_type failed sessions share why"),
        (analysis.by_result_type(archive), "result_type policy_domain policy_type failed share first last"),
        (analysis.timeline(archive), "start end state result_type receiving_mx_hostname failed_session_count"),
        (analysis.by_reporter(archive), "organization_name policy_type days sessions failed last"),
        (analysis.refusals(archive), "source member reason detail"),
        (analysis.assumptions(archive), "times field treatment"),
    )
    return Document(
        (
            _table(analysis.arrivals(archive), "what count"),
            *(block for verdict in verdicts[:_ROWS] for block in document(verdict).body),
            Figures(analysis.key_figures(archive).figures),
            *(Paragraph(Strong(label), f" {text}") for label, text in statements),
            *(_table(table, columns) for table, columns in tables),
        )
    )


def _table(table: Table, columns: str) -> Block:
    """Return the first rows of a table, with the columns that fit a terminal."""
    more = f" The first {_ROWS} of {len(table)} rows; --out DIR writes all." if len(table) > _ROWS else ""
    first = table.only(columns.split(), _ROWS)
    return document(replace(first, caption=first.caption + more)).body[0]
