"""`mtasts-nb load`: what an archive of reports holds, in the terminal and as tables."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ._say import say, say_paragraph, say_table

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from ..analysis import Table
    from ..reports import Archive

__all__ = ["add"]

_DESCRIPTION = """\
Read TLS reports and print what is there: inputs by outcome, span, reporters, domains, failures, what was refused and
what was assumed.

SOURCES are files, folders of any depth, or patterns: JSON, gzip, zip, tar, mails, mbox, Maildir, in one another.

examples:
  mtasts-nb load reports/
  mtasts-nb load mailbox.mbox --domain nordwind.example --out tables/"""
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
        help="read TLS reports and print what they say",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sources", metavar="SOURCES", nargs="+", help="where the reports are")
    parser.add_argument("--domain", metavar="D", help="only this policy domain")
    parser.add_argument("--out", metavar="DIR", help="also write every table there, as CSV and as Parquet")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read and print; return the exit status."""
    from ..analysis import narrow
    from ..reports import load

    archive = load(*arguments.sources).require_reports()
    rejected = len(archive.rejects)
    archive = narrow(archive, arguments.domain)
    _print(archive)
    if arguments.out:
        files = [*archive.to_csv(arguments.out), *archive.to_parquet(arguments.out)]
        say()
        say(f"{len(files)} tables written to {arguments.out}")
    return 1 if rejected else 0


def _print(archive: Archive) -> None:
    from .. import analysis

    _table(analysis.arrivals(archive), ("what", "count"))
    say()
    for figure, words in analysis.key_figures(archive).figures:
        say(f"{figure} {words}")
    say()
    for label, text in (*analysis.story(archive).statements, *analysis.scope(archive).statements):
        say_paragraph(f"{label} {text}")
    for table, columns in (
        (
            analysis.overview(archive),
            ("attention", "policy_domain", "policy_type", "failed", "sessions", "share", "why"),
        ),
        (
            analysis.by_result_type(archive),
            ("result_type", "policy_domain", "policy_type", "failed", "share", "first", "last"),
        ),
        (
            analysis.timeline(archive),
            ("start", "end", "state", "result_type", "receiving_mx_hostname", "failed_session_count"),
        ),
        (analysis.by_reporter(archive), ("organization_name", "policy_type", "days", "sessions", "failed", "last")),
        (analysis.refusals(archive), ("source", "member", "reason", "detail")),
        (analysis.assumptions(archive), ("times", "field", "treatment")),
    ):
        say()
        _table(table, columns)


def _table(table: Table, columns: tuple[str, ...]) -> None:
    """Print the first rows of a table, and how many were left out."""
    if not len(table):
        say(table.nothing)
        return
    say_paragraph(table.caption)
    rows = table.rows(_ROWS)
    headings = [table.headings[name] for name in columns]
    say_table(
        [headings, *([row[name] for name in columns] for row in rows)],
        numeric=[position for position, name in enumerate(columns) if name in table.numeric],
    )
    if len(table) > len(rows):
        say(f"  … and {len(table) - len(rows)} more; --out DIR writes all")
