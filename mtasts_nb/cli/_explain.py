"""`mtasts-nb explain`: what a bounce, a log line or a reason code means, and what to do."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from ..errors import MtaStsNbError
from ..render import document
from ._say import show, write

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["add"]

_DESCRIPTION = """\
Explain a text that mail servers write when TLS, MTA-STS or DANE fails: a bounce (NDR), a log line, a status code, the
failure-reason-code or the result type of a TLS report, or a code of this kit. It leads to the causes, the effect on
mail, the fix, the commands that confirm it, and the place in the flowchart. No network is used.

Known are Exchange Online, Postfix, Exim, KumoMTA, Gmail, OpenSSL, Go, .NET, Java, curl and others. A text that is not
known is shown as such; no cause is guessed.

examples:
  mtasts-nb explain '550 5.7.323 tlsa-invalid: The domain failed DANE validation'
  mtasts-nb explain sts-webpki-invalid
  mtasts-nb explain --json < bounce.txt
  grep 'status=deferred' /var/log/mail.log | tail -1 | mtasts-nb explain"""
_EPILOG = """\
exit status:
  0  the text is known
  1  the text is not known; what to check next is printed
  2  there is no text"""
_MOST = 1 << 20


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "explain",
        help="what a bounce, a log line or a reason code means",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("text", metavar="TEXT", nargs="*", help="the text; without one, or with -: standard input")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Explain and print; return the exit status."""
    from ..diagnosis import explain

    text = " ".join(arguments.text)
    if text in ("", "-") and (text == "-" or not sys.stdin.isatty()):
        text = sys.stdin.buffer.read(_MOST).decode("utf-8", "replace")
    if not text.strip():
        raise MtaStsNbError("no text given. Name it in quotation marks, or pipe it in; --help has examples.")
    explanation = explain(text)
    if arguments.json:
        # ASCII, so that a terminal in the C locale shows it, and no control sequence of a stranger has any effect.
        write(json.dumps(explanation.to_json(), indent=2))
    else:
        show(document(explanation))
    return 0 if explanation.known else 1
