"""`mtasts-nb report`: reports in, one HTML file out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ._say import say

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["add"]

_HELP = "make one self-contained HTML file from TLS reports"
_DESCRIPTION = """\
Read TLS reports and write the incident postmortem as one HTML file: no script, nothing loaded from anywhere, fit to
send on. Without sources, the bundled sample is taken.

SOURCES are files, folders of any depth, or patterns: JSON, gzip, zip, tar, mails, mbox, Maildir, in one another.

examples:
  mtasts-nb report mailbox.mbox -o report.html
  mtasts-nb report reports/ --domain nordwind.example
  mtasts-nb report reports/ --notebook 03_failures_over_time -o overview.html"""
_EPILOG = """\
exit status:
  0  the file was written; failures and refused inputs are told in it
  2  it was not: no such path, no report found, or the notebook could not be run"""


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "report",
        help=_HELP,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sources", metavar="SOURCES", nargs="*", help="where the reports are; none: the bundled sample")
    parser.add_argument("--domain", metavar="D", help="only this policy domain")
    parser.add_argument("-o", "--output", metavar="FILE", default="report.html", help="the file to write (report.html)")
    parser.add_argument(
        "--notebook",
        metavar="NAME",
        default="06_incident_postmortem",
        help="which notebook to run, by name or path (06_incident_postmortem)",
    )
    parser.add_argument("--timeout", metavar="S", type=float, default=1800.0, help="longest run of one cell (1800)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file; return the exit status."""
    from ..publish import publish

    if not arguments.sources:
        say("No sources given: taking the bundled sample, invented reports about invented domains.")
    path = publish(
        Path(arguments.output),
        *arguments.sources,
        domain=arguments.domain,
        notebook=arguments.notebook,
        timeout=arguments.timeout,
    )
    size = path.stat().st_size
    amount = f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{max(1, round(size / 1e3))} kB"
    say(f"{path}: written, {amount}. Open it in any browser.")
    return 0
