"""`mtasts-nb incidents`: the spans of days in which failures exceed their baseline, as a table."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ..markup import plural
from ..render import document
from ._archives import VERSION, open_archive, rows
from ._parser import add_command
from ._say import columns, show, show_json
from ._sources import SOURCES, add_mailbox_options, sources_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from ..analysis import Table
    from ._parser import Parser

__all__ = ["add"]

_DESCRIPTION = f"""\
Read TLS reports and list the incidents: for each policy domain, MX host and result type the days on which failures
exceed the baseline of their own history.

{SOURCES}

examples:
  mtasts-nb incidents reports/
  mtasts-nb incidents mailbox.mbox --domain nordwind.example --ongoing
  mtasts-nb incidents reports/ --json | jq '.incidents[0]'"""
_EPILOG = """\
exit status:
  0  no incident is ongoing
  1  at least one is
  2  nothing could be read: no such path, or no report found"""
#: From so many columns of the terminal on, these columns of the table.
_COLUMNS: Final = {
    130: "start end state result_type receiving_mx_hostname policy_domain policy_type failed_session_count confidence",
    96: "start end state result_type where failed_session_count",
    0: "start state result_type where failed_session_count",
}


def add(commands: _SubParsersAction[Parser]) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "incidents",
        summary="list the incidents in TLS reports",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        json="print every column of every incident as JSON",
    )
    parser.add_argument("sources", metavar="SOURCES", nargs="+", help="where the reports are")
    parser.add_argument("--domain", metavar="D", help="only this policy domain")
    parser.add_argument("--ongoing", action="store_true", help="only those that are not over")
    add_mailbox_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Find and print; return the exit status."""
    from ..analysis import cells, find_incidents, incident_table, narrow

    archive = narrow(open_archive(sources_of(arguments)), arguments.domain)
    incidents = find_incidents(archive)
    ongoing = incidents[incidents["ongoing"]]
    if arguments.json:
        show_json({"version": VERSION, "incidents": rows(ongoing if arguments.ongoing else incidents)})
    elif arguments.ongoing:
        caption = f"{len(ongoing)} of {plural(len(incidents), 'incident')} not known to be over."
        _show(incident_table(ongoing, cells(archive), caption, "No incident is ongoing."))
    else:
        _show(incident_table(incidents, cells(archive)))
    return int(len(ongoing) > 0)


def _show(table: Table) -> None:
    """Print the columns that fit the terminal; the policy domain where reports name no MX host."""
    from ..analysis import NO_MX

    mx = table.frame["receiving_mx_hostname"]
    frame = table.frame.assign(where=mx.where(mx != NO_MX, table.frame["policy_domain"]))
    headings = {**table.headings, "where": "MX host, or domain"}
    chosen = next(names for least, names in _COLUMNS.items() if columns() >= least)
    show(document(replace(table, frame=frame, headings=headings).only(chosen.split())))
