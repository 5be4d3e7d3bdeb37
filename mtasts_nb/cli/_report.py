"""`mtasts-nb report`: reports in, one HTML file out."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PublishError, SourceError
from ..files import read_file
from ..markup import number
from ._archives import first_rows, head, open_archive, to_json, verdicts
from ._parser import add_command
from ._say import say, show, show_json, write
from ._sources import SOURCES, add_mailbox_options, sources_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from ..reports import Archive
    from ._parser import Parser

__all__ = ["add"]

#: The environment variable that may hold the seed of a redaction.
_SEED = "MTASTS_NB_REDACT_SEED"
_LONGEST_SEED = 4096
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
  2  it was not: no such path, no report by_domain, or the notebook could not be run"""


def add(commands: _SubParsersAction[Parser]) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "report",
        summary=_HELP,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        json="print what was done, verdicts and rejected inputs as JSON",
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
        metavar="SEEDFILE",
        nargs="?",
        const=True,
        help="replace domains, hosts, addresses and reporters by pseudonyms; the same in every document, with a secret seed of "
        f"20 characters or more in this file, or in the environment variable {_SEED}",
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


def _redaction(asked: str | bool | None) -> str | bool | None:
    """Return the seed of the redaction, from a file or the environment: a command is seen by others and kept in a history."""
    if asked is None:
        return None
    if isinstance(asked, str):
        try:
            return read_file(Path(asked), _LONGEST_SEED).decode("utf-8", "replace").strip()
        except OSError as error:
            raise PublishError(
                f"The seed of --redact cannot be read: {error.strerror or error}. Give a file that holds the seed, or set "
                f"{_SEED}; or give no file: the pseudonyms are then of this document only."
            ) from error
    return os.environ.get(_SEED, "").strip() or True


def run(arguments: argparse.Namespace) -> int:
    """Write the file and print what is in it; return the exit status."""
    from ..analysis import narrow
    from ..bundled import sample_dir
    from ..publish import publish

    parameters = _parameters(arguments)
    if not arguments.sources and not arguments.json:
        say("No sources given: using the bundled sample, invented reports about invented domains.")
    # Read here too, so that a mistake in a name and the verdict are known before the page is made.
    sources = sources_of(arguments)
    whole = open_archive(sources or [str(sample_dir())])
    archive = narrow(whole, arguments.domain)
    by_domain = verdicts(archive)
    if not arguments.json:
        show(*head(archive, by_domain))
        _show_rejects(archive)
        sys.stdout.flush()
    if sys.stderr.isatty():
        write("Making the page …", sys.stderr)
    path = publish(
        Path(arguments.output),
        *sources,
        archive=whole if sources else None,
        domain=arguments.domain,
        notebook=arguments.notebook,
        parameters=parameters,
        redact=_redaction(arguments.redact),
        timeout=arguments.timeout,
    )
    size = path.stat().st_size
    if arguments.json:
        show_json(to_json(archive, by_domain, file=str(path), bytes=size))
    else:
        amount = f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{max(1, round(size / 1e3))} kB"
        say()
        say(f"{path}: written, {amount}. Open it in any browser.")
    return 0


def _show_rejects(archive: Archive) -> None:
    from ..analysis import arrivals, refusals

    counts = {row["what"]: row["count"] for row in arrivals(archive).frame.to_dict("records")}
    say()
    say(f"{'; '.join(f'{what}: {number(count)}' for what, count in counts.items() if count)}.")
    if len(archive.rejects):
        say()
        show(first_rows(refusals(archive), "source member reason detail", "; the page lists all"))
