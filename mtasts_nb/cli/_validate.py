"""`mtasts-nb validate`: the DNS records and the policy file as text, checked without any network."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from ..errors import MtaStsNbError
from ..files import read_file
from ..render import Items, Section, document
from ..vocabulary import Findings, Severity
from ._parser import add_command
from ._say import say, show, show_json

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from ._parser import Parser

__all__ = ["add"]

_DESCRIPTION = """\
Check the texts of MTA-STS and TLS reporting, as they are or before you publish them: the `_mta-sts` record
(RFC 8461 section 3.1), the policy file (3.2), the `_smtp._tls` record (RFC 8460 section 3), and the patterns of the
policy against your MX hosts. Every fault is listed, with its effect on mail and the text to paste. No network is used.

examples:
  mtasts-nb validate --record 'v=STSv1; id=20260208180000;' --policy mta-sts.txt
  mtasts-nb validate --policy mta-sts.txt --mx mx1.nordwind.example mx2.nordwind.example
  curl -s https://mta-sts.nordwind.example/.well-known/mta-sts.txt | mtasts-nb validate --policy -"""
_EPILOG = """\
exit status:
  0  no error and no warning
  1  errors or warnings were found
  2  nothing could be checked: no text given, or the file cannot be read"""
# Far beyond the 64 KiB at which a policy is refused; the rest of an endless stream is of no interest.
_MOST = 1 << 20


def add(commands: _SubParsersAction[Parser]) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "validate",
        summary="check DNS records and a policy file, offline",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        json="print JSON",
    )
    parser.add_argument(
        "--record", metavar="TXT", action="append", help="the _mta-sts record; several times: all TXT records there"
    )
    parser.add_argument("--policy", metavar="FILE", help="the policy file; - reads standard input")
    parser.add_argument(
        "--tlsrpt", metavar="TXT", action="append", help="the _smtp._tls record; several times: all TXT records there"
    )
    parser.add_argument(
        "--mx", metavar="HOST", nargs="+", action="extend", help="the MX hosts, to compare with the policy's patterns"
    )
    parser.add_argument(
        "--domain", metavar="D", help="print where to publish the texts for this domain; it is not looked up"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check and print; return the exit status."""
    from ..policy import places, validate

    if not (arguments.record or arguments.tlsrpt or arguments.policy):
        raise MtaStsNbError("no text given. Name --record, --policy or --tlsrpt; --help has examples.")
    if arguments.mx and not arguments.policy:
        raise MtaStsNbError("--mx is compared with the patterns of a policy. Name the file with --policy.")
    where = places(arguments.domain) if arguments.domain else {}
    findings = validate(
        record=_one_or_all(arguments.record),
        policy=_read(arguments.policy) if arguments.policy else None,
        mx_hosts=arguments.mx,
        tlsrpt_record=_one_or_all(arguments.tlsrpt),
    )
    if arguments.json:
        _print_json(findings, where)
    else:
        _print_text(findings, {key: text for key, text in where.items() if _given(arguments, key)})
    return 1 if any(finding.severity is not Severity.ADVICE for finding in findings) else 0


def _one_or_all(texts: list[str] | None) -> str | list[str] | None:
    """Return the one text that was given, or all of them as what the name holds."""
    return texts[0] if texts is not None and len(texts) == 1 else texts


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read(_MOST)
    try:
        return read_file(name, _MOST)
    except OSError as error:
        raise MtaStsNbError(
            f"{name}: {error.strerror or error}. Name a file that holds the policy, or - for standard input."
        ) from error


def _given(arguments: argparse.Namespace, key: str) -> bool:
    return bool({"record": arguments.record, "policy": arguments.policy, "tlsrpt_record": arguments.tlsrpt}[key])


def _print_text(findings: Findings, places: dict[str, str]) -> None:
    show(document(findings))
    if places:
        say()
        show(Section("Where to publish the texts", [Items(list(places.values()))]))
        if {"record", "policy"} <= places.keys():
            say("Publish the policy file first, then the record with a new id (RFC 8461 §8.1).")


def _print_json(findings: Findings, places: dict[str, str]) -> None:
    answer: dict[str, object] = {
        "findings": json.loads(findings.to_json()),
        "corrected": dict(findings.corrected),
    }
    if places:
        answer["places"] = places
    show_json(answer)
