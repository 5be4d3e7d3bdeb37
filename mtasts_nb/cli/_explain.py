"""`mtasts-nb explain`: what a bounce, a log line or a reason code means, and what to do."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..errors import MtaStsNbError
from ..render import document
from ._parser import add_command
from ._say import show, show_json

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from ._parser import Parser

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


def add(commands: _SubParsersAction[Parser]) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "explain",
        summary="what a bounce, a log line or a reason code means",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        json="print JSON",
    )
    parser.add_argument("text", metavar="TEXT", nargs="*", help="the text; without one, or with -: standard input")
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
        show_json(explanation.to_json())
    else:
        show(document(explanation))
    return 0 if explanation.known else 1
