"""`mtasts-nb report`: reports in, one HTML file out."""

from __future__ import annotations

import argparse
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SourceError
from ._say import say
from ._sources import SOURCES, add_mailbox_options, sources_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["add"]

_HELP = "make one self-contained HTML file from TLS reports"
_DESCRIPTION = f"""\
Read TLS reports and write the incident postmortem as one HTML file that you can send on: no script, nothing loaded from
anywhere. Without sources, the bundled sample is used.

{SOURCES}

examples:
  mtasts-nb report mailbox.mbox -o report.html
  mtasts-nb report imaps://reports@mail.nordwind.example/INBOX
  mtasts-nb report reports/ --domain nordwind.example
  mtasts-nb report reports/ --period 2026-09-01 2026-09-30 --events changes.csv --title "September" --author "M. Lind"
  mtasts-nb report reports/ --domain nordwind.example --redact -o to-send-on.html
  mtasts-nb report reports/ --notebook 03_failures_over_time -o overview.html"""
_EPILOG = """\
exit status:
  0  the file was written; it lists failures and rejected inputs
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
    when = parser.add_mutually_exclusive_group()
    when.add_argument(
        "--period",
        metavar=("FIRST", "LAST"),
        nargs=2,
        type=_day,
        help="report every incident on these days, both included, such as 2026-09-01 2026-09-30",
    )
    when.add_argument(
        "--latest-incident",
        action="store_true",
        help="report the incident that is still open, or else the one that ended last (the default)",
    )
    parser.add_argument("--title", metavar="TEXT", help="of the document; by default, made from the incident")
    parser.add_argument("--author", metavar="TEXT", help="who writes it")
    parser.add_argument(
        "--events", metavar="CSV", help="your changes and deployments, columns time and text, to show on the timeline"
    )
    parser.add_argument("--probe", metavar="JSON", help="a snapshot from `mtasts-nb probe DOMAIN --save JSON`")
    parser.add_argument(
        "--fixed-at", metavar="TIME", type=_moment, help="when it was fixed, ISO 8601, UTC unless it has an offset"
    )
    parser.add_argument(
        "--redact",
        metavar="SEED",
        nargs="?",
        const=True,
        help="replace domains, hosts, addresses and reporters by pseudonyms; with a secret seed of 20 characters or more, the same in every document",
    )
    parser.add_argument("-o", "--output", metavar="FILE", default="report.html", help="the file to write (report.html)")
    parser.add_argument(
        "--notebook",
        metavar="NAME",
        default="06_incident_postmortem",
        help="which notebook to run, by name or path (06_incident_postmortem)",
    )
    parser.add_argument("--timeout", metavar="S", type=float, default=1800.0, help="longest run of one cell (1800)")
    add_mailbox_options(parser)
    parser.set_defaults(run=run)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write it as 2026-09-01") from error


def _moment(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write it as 2026-09-01T14:05+02:00") from error
    return text


def _parameters(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the notebook's parameters; a mistake in a file is an error before anything is run."""
    given = {name: getattr(arguments, name) for name in ("title", "author", "events", "probe", "fixed_at")}
    if arguments.period:
        first, last = arguments.period
        if last < first:
            raise SourceError(f"The period ends on {last}, before it begins on {first}: give the first day first.")
        given["period"] = (first, last)
    if arguments.latest_incident:
        given["period"] = "latest incident"
    if arguments.events:
        from ..analysis import load_events

        load_events(arguments.events)
    if arguments.probe:
        from ..probe import load_probe

        load_probe(arguments.probe)
    return {name: value for name, value in given.items() if value is not None}


def run(arguments: argparse.Namespace) -> int:
    """Write the file; return the exit status."""
    from ..publish import publish

    if not arguments.sources:
        say("No sources given: using the bundled sample, invented reports about invented domains.")
    path = publish(
        Path(arguments.output),
        *sources_of(arguments),
        domain=arguments.domain,
        notebook=arguments.notebook,
        parameters=_parameters(arguments),
        redact=arguments.redact,
        timeout=arguments.timeout,
    )
    size = path.stat().st_size
    amount = f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{max(1, round(size / 1e3))} kB"
    say(f"{path}: written, {amount}. Open it in any browser.")
    return 0
