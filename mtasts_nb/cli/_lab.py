"""`mtasts-nb lab`: serve a domain with a fault on loopback, and print how to reach it."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ..render import document
from ._parser import add_command
from ._say import complain, say, say_paragraph, say_table, say_text, show, show_json, write

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from ..lab import Fault, Lab
    from ._parser import Parser

__all__ = ["add"]

_DESCRIPTION = """\
Serve a mail domain on loopback ports of this machine, healthy or with one fault: DNS, the policy host by HTTPS, and
MX hosts with STARTTLS. Nothing leaves the machine, and no special privileges are needed. Ctrl-C ends it.

examples:
  mtasts-nb lab --list                                   every fault, and what it does to mail
  mtasts-nb lab --fault mx-certificate-expired           serve it, and print the commands that check it
  mtasts-nb lab --fault policy-http-301 --probe          probe it once, print the findings, and end

In Python: with mtasts_nb.lab.Lab("mx-certificate-expired") as lab: mtasts_nb.probe(lab.domain, lab.settings)"""


def add(commands: _SubParsersAction[Parser]) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "lab",
        summary="a mail domain on loopback, with any fault switched on",
        description=_DESCRIPTION,
        epilog="exit status: 0 fine, 1 the probe found problems (--probe), 2 could not run.",
        json="print the list, or the probe, as JSON",
    )
    parser.add_argument("--fault", metavar="NAME", help="what is wrong; without it, the domain is healthy")
    parser.add_argument("--variant", metavar="NAME", help="how the domain is set up apart from the fault")
    parser.add_argument("--latency", metavar="MS", type=_milliseconds, default=0.0, help="round trip, in ms (0)")
    parser.add_argument("--list", action="store_true", help="print every fault and every variant, and end")
    parser.add_argument("--probe", action="store_true", help="probe the domain once, print the findings, and end")
    parser.add_argument("--save", metavar="FILE", help="with --probe: save the probe as a JSON snapshot, too")
    parser.add_argument("--domain", metavar="D", default="nordwind.example", help="its name (nordwind.example)")
    parser.set_defaults(run=run)


def _milliseconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of milliseconds from 0 to 10000")
    return value


def run(arguments: argparse.Namespace) -> int:
    """List, or serve until Ctrl-C; return the exit status."""
    if arguments.list:
        _list_json() if arguments.json else _list()
        return 0
    if arguments.json and not arguments.probe:
        return complain("mtasts-nb lab", "--json goes with --list or --probe; Lab.settings has the routes in Python.")
    if arguments.save and not arguments.probe:
        return complain("mtasts-nb lab", "--save goes with --probe: without a probe there is nothing to save.")
    from ..lab import Lab

    with Lab(
        arguments.fault, variant=arguments.variant, domain=arguments.domain, latency=arguments.latency / 1000
    ) as lab:
        if arguments.probe:
            return _probe(lab, arguments.save, as_json=arguments.json)
        ended = threading.Event()
        # Before the lab announces itself: a script that reads that may stop it at once.
        before = signal.signal(signal.SIGTERM, lambda *_: ended.set())
        try:
            _introduce(lab)
            sys.stdout.flush()  # a script that reads the ports from a pipe must not wait for the end
            ended.wait()
        except KeyboardInterrupt:
            say()
        finally:
            signal.signal(signal.SIGTERM, before)
        say("The lab is closed.")
    return 0


def _list() -> None:
    from ..lab import FAULTS, VARIANTS

    say(f"{len(FAULTS)} faults (mtasts-nb lab --fault NAME):")
    area = ""
    rows: list[tuple[str, str, str, str]] = []
    for fault in FAULTS.values():
        if fault.area != area:
            say_table(rows)
            area = fault.area
            say()
            say(area.replace("-", " "))
            rows = [("name", "sender reports", "mail", "what is wrong")]
        rows.append((fault.name, fault.result_type or "–", _delivery(fault), fault.sentence))
    say_table(rows)
    say()
    say(f"{len(VARIANTS)} healthy variants (mtasts-nb lab --variant NAME):")
    say_table([(variant.name, variant.sentence) for variant in VARIANTS.values()])


def _list_json() -> None:
    from ..lab import FAULTS, VARIANTS

    faults = [
        {
            "name": fault.name, "area": fault.area, "result_type": fault.result_type, "delivery": fault.delivery,
            "sentence": fault.sentence,
        }
        for fault in FAULTS.values()
    ]  # fmt: skip
    variants = [{"name": variant.name, "sentence": variant.sentence} for variant in VARIANTS.values()]
    show_json({"faults": faults, "variants": variants})


def _delivery(fault: Fault) -> str:
    return {"without_sts": "without STS", "unknown": "not known"}.get(fault.delivery, fault.delivery)


def _introduce(lab: Lab) -> None:
    from ..lab import commands, hosts

    fault = lab.fault
    say(f"{lab.domain} is served{'' if fault else f', healthy (variant {lab.variant.name})'}.")
    if fault:
        say_paragraph(f"Fault {fault.name}: {fault.sentence} Changed: {fault.changes}.")
        where = f" for {', '.join(fault.hosts)}" if fault.hosts else ""
        only = f", at {', '.join(fault.addresses)} only" if fault.addresses else ""
        reports = f"reports {fault.result_type}{where}{only}" if fault.result_type else "has nothing to report"
        say_paragraph(f"A conformant sender {reports}. Mail in mode enforce: {_delivery(fault)}.")
        if fault.note:
            say_paragraph(fault.note)
    say()
    say("Documentation addresses, and the loopback ports that serve them:")
    say_table([("host", "address", "port", "reached at"), *((a, b, str(c), d) for a, b, c, d in hosts(lab))])
    for command in commands(lab):
        say()
        say(f"# {command.checks}")
        say_text(command.text)
    say()
    say("Ctrl-C ends the lab.")


def _probe(lab: Lab, file: str | None, *, as_json: bool) -> int:
    from ..probe import probe

    result = probe(lab.domain, lab.settings)
    if as_json:
        write(result.to_json())
    else:
        show(document(result))
    if file:
        result.save(Path(file))
        if not as_json:
            say(f"{file}: written.")
    if lab.troubles:
        return complain("mtasts-nb lab", f"a server of the lab failed: {lab.troubles[0]!r}. Please report it.")
    return int(any(finding.severity.rank < 2 for finding in result.findings))
