"""`mtasts-nb diagnose`: causes of what reports and a probe show, with the fix and how to verify it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..errors import MtaStsNbError
from ..render import document
from ._archives import VERSION, open_archive, rows, verdict_json
from ._parser import add_command
from ._say import show, show_json
from ._sources import SOURCES, add_mailbox_options, sources_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from ..diagnosis import Diagnosis
    from ..probe import Probe
    from ._parser import Parser

__all__ = ["add"]

_DESCRIPTION = f"""\
Say what is wrong and what to do: the causes of reported failures, of what a probe shows, or of both compared, each with
its evidence, its fix, and the commands that verify it.

{SOURCES}

examples:
  mtasts-nb diagnose reports/
  mtasts-nb diagnose reports/ --domain nordwind.example --live
  mtasts-nb diagnose reports/ --probe nordwind.json
  mtasts-nb diagnose --probe nordwind.json --json | jq .causes"""
_EPILOG = """\
exit status:
  0  no problem was found
  1  something needs attention, or too little is known to say
  2  could not run: no such path, no report found, not a snapshot"""


def add(commands: _SubParsersAction[Parser]) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "diagnose",
        summary="what is wrong, and what to do",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        json="print verdict, causes and steps as JSON",
    )
    parser.add_argument("sources", metavar="SOURCES", nargs="*", help="where the reports are")
    parser.add_argument("--domain", metavar="D", help="only this policy domain")
    live = parser.add_mutually_exclusive_group()
    live.add_argument("--probe", metavar="JSON", help="a snapshot from `mtasts-nb probe DOMAIN --save JSON`")
    live.add_argument("--live", action="store_true", help="probe the --domain now")
    add_mailbox_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Diagnose and print; return the exit status."""
    from ..analysis import narrow
    from ..diagnosis import diagnose

    if not (arguments.sources or arguments.probe or arguments.live):
        raise MtaStsNbError("nothing to diagnose. Name SOURCES, --probe JSON, or --domain D --live.")
    probe = _probed(arguments)
    domain = arguments.domain or (probe.domain if probe else None)
    archive = open_archive(sources_of(arguments)) if arguments.sources else None
    # Reports about other domains only are no error beside a probe: its domain may have none yet.
    if archive is not None and (probe is None or domain in set(archive.sessions["policy_domain"].astype("str"))):
        archive = narrow(archive, domain)
    diagnosis = diagnose(probe, archive)
    if arguments.json:
        show_json(_to_json(diagnosis))
    else:
        show(document(diagnosis))
    from ..vocabulary import Level

    return int(diagnosis.verdict.level is not Level.FINE)


def _probed(arguments: argparse.Namespace) -> Probe | None:
    from ..probe import load_probe, probe

    if arguments.probe:
        from ..reports import domain_name

        snapshot = load_probe(arguments.probe)
        if arguments.domain and snapshot.domain != domain_name(arguments.domain):
            raise MtaStsNbError(f"--probe is a snapshot of {snapshot.domain}, not of {arguments.domain}.")
        return snapshot
    if not arguments.live:
        return None
    if not arguments.domain:
        raise MtaStsNbError("--live probes one domain. Name it with --domain.")
    try:
        return probe(arguments.domain)
    except ValueError as error:
        raise MtaStsNbError(str(error)) from error


def _to_json(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "version": VERSION,
        "domain": diagnosis.domain,
        "verdict": verdict_json(diagnosis.verdict),
        "causes": rows(diagnosis.to_frame()),
        "plan": [
            {"step": step.step, "status": step.status.value, "evidence": step.evidence} for step in diagnosis.plan
        ],
        "not_observed": [{"what": what, "why": why} for what, why in diagnosis.not_observed],
    }
