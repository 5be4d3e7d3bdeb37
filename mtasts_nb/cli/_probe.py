"""`mtasts-nb probe`: one domain as a sender sees it now."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..markup import plural
from ..render import document
from ..vocabulary import Severity
from ._parser import add_command
from ._say import complain, say, show, show_json, write

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from ..probe import Probe
    from ..settings import ProbeSettings
    from ._parser import Parser

__all__ = ["add", "add_probe_options", "settings_of"]

_HELP = "check a domain as a sender does: DNS, policy host, every MX host"
_DESCRIPTION = """\
Ask what a sender would ask of a domain, now: the DNS records, the policy file from every address of the policy host,
STARTTLS and the certificate of every MX host at every address. No mail is sent.

Where outbound port 25 is closed (most offices, homes and clouds), run it with --save on a machine that may send mail,
and load the file here: mtasts_nb.load_probe("FILE").

examples:
  mtasts-nb probe nordwind.example
  mtasts-nb probe nordwind.example --save nordwind.json
  mtasts-nb probe nordwind.example --json | jq .findings
  mtasts-nb probe nordwind.example suedwind.example --save snapshots/
  mtasts-nb probe --load nordwind.json"""
_EPILOG = """\
exit status:
  0  no finding of severity error or warning
  1  there are such findings
  2  could not run: not a domain, no resolver answers, a file that cannot be written"""


def add(commands: _SubParsersAction[Parser]) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "probe",
        summary=_HELP,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        json="print the snapshot instead of text; of several domains, a list of them",
    )
    parser.add_argument("domains", metavar="DOMAIN", nargs="*", help="the part after the @ of a mail address")
    parser.add_argument("--load", metavar="FILE", help="show a saved snapshot instead")
    parser.add_argument(
        "--save", metavar="FILE", help="write the whole evidence as a JSON snapshot; of several domains, a folder"
    )
    parser.add_argument("--commands", action="store_true", help="also print the commands to check each step by hand")
    add_probe_options(parser)
    parser.set_defaults(run=run)


def add_probe_options(parser: argparse.ArgumentParser) -> None:
    """Add how to probe: resolver, time-outs, address families."""
    parser.add_argument(
        "--resolver", metavar="A", action="append", default=[], help="ask this resolver, not the system's; repeatable"
    )
    parser.add_argument(
        "--reference-mx", metavar="HOST", default="", help="an MX host that answers, to compare silent ones with"
    )
    parser.add_argument("--timeout", metavar="S", type=_seconds, default=10.0, help="longest wait for one step (10)")
    parser.add_argument("--deadline", metavar="S", type=_seconds, help="longest wait for all (six times --timeout)")
    parser.add_argument("-4", dest="ipv4_only", action="store_true", help="IPv4 only")
    parser.add_argument("-6", dest="ipv6_only", action="store_true", help="IPv6 only")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0.1 to 3600")
    return value


def settings_of(arguments: argparse.Namespace) -> ProbeSettings:
    """Return the settings that the options of `add_probe_options` ask for; ValueError says what is wrong with one."""
    import ipaddress

    from ..settings import ProbeSettings

    for address in arguments.resolver:
        try:
            ipaddress.ip_address(address)
        except ValueError as error:
            raise ValueError(
                f"--resolver {address!r} is not an IP address. Give one, for example 192.0.2.53."
            ) from error
    if arguments.ipv4_only and arguments.ipv6_only:
        raise ValueError("-4 and -6 exclude each other. Leave both out to try both.")
    return ProbeSettings(
        nameservers=tuple(arguments.resolver),
        timeout=arguments.timeout,
        reference_mx=arguments.reference_mx,
        deadline=arguments.deadline or 6 * arguments.timeout,
        ipv4=not arguments.ipv6_only,
        ipv6=not arguments.ipv4_only,
    )


def run(arguments: argparse.Namespace) -> int:
    """Probe, print, save; return the exit status."""
    name = "mtasts-nb probe"
    if bool(arguments.domains) == (arguments.load is not None):
        return complain(name, "give either a DOMAIN or --load FILE. See: mtasts-nb probe --help")
    try:
        if len(arguments.domains) > 1:
            return _several(arguments)
        result = _probed(arguments)
    except ValueError as error:
        return complain(name, error)
    if arguments.json:
        write(result.to_json())
    else:
        show(document(result))
        if arguments.commands:
            write(f"\n{result.commands}")
    if arguments.save:
        sys.stdout.flush()  # the result is printed first: a file that cannot be written must not lose it
        result.save(Path(arguments.save))
        if not arguments.json:
            say(f"{arguments.save}: written. Load it with mtasts_nb.load_probe(…), here or on another machine.")
    if "resolver-unreachable" in result.findings.codes:
        return complain(name, "no resolver answered; see above.") if not arguments.json else 2
    return _status(result)


def _probed(arguments: argparse.Namespace) -> Probe:
    from ..probe import load_probe, probe

    return load_probe(arguments.load) if arguments.load else probe(arguments.domains[0], settings_of(arguments))


def _status(probe: Probe) -> int:
    return int(any(finding.severity is not Severity.ADVICE for finding in probe.findings))


def _several(arguments: argparse.Namespace) -> int:
    """Probe several domains, print a table of them, save; return the worst exit status."""
    from ..probe import probe_many

    probes = probe_many(arguments.domains, settings_of(arguments), progress=sys.stderr.isatty())
    if arguments.json:
        snapshots = [json.loads(probe.to_json()) for probe in probes]
        show_json({"probes": snapshots, "rejects": [{"text": text, "reason": why} for text, why in probes.rejects]})
    else:
        show(document(probes))
        for probe in probes if arguments.commands else ():
            write(f"\n{probe.commands}")
    if arguments.save:
        sys.stdout.flush()
        folder = Path(arguments.save)
        folder.mkdir(parents=True, exist_ok=True)
        for probe in probes:
            probe.save(folder / f"{probe.domain}.json")
        if not arguments.json:
            say(f"{plural(len(probes), 'snapshot')} written to {folder}.")
    unreachable = any("resolver-unreachable" in probe.findings.codes for probe in probes)
    return 2 if probes.rejects or unreachable or not probes else max(_status(probe) for probe in probes)
