"""Parse the command line, run one command, and never show a traceback."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial

from .._version import __version__
from ..errors import MtaStsNbError
from ._parser import Parser
from ._say import allow_colours, complain

__all__ = ["COMMANDS", "main"]

#: The sub-commands, in the order of the help text: each is a module `_<name>` here, with a function `add`.
COMMANDS = (
    "report", "load", "incidents", "diagnose", "rollback", "probe", "check", "validate", "explain", "ingest", "lab",
    "notebooks",
)  # fmt: skip

FINE, COULD_NOT = 0, 2
_INTERRUPTED = 130  # what a shell expects after SIGINT
_DESCRIPTION = """\
Read SMTP TLS reports (RFC 8460) and check MTA-STS (RFC 8461).

examples:
  mtasts-nb report mailbox.mbox -o report.html    the reports of a mailbox as one HTML file
  mtasts-nb load reports/                         a summary of a folder, in the terminal
  mtasts-nb diagnose reports/                     what is wrong, and what to do
  mtasts-nb probe nordwind.example                a domain as a sender sees it now
  mtasts-nb notebooks                             the guided notebooks, to open in JupyterLab"""
_EPILOG = "exit status: 0 fine, 1 problems found, 2 could not run. See also `mtasts-nb COMMAND --help`."


def _parser() -> argparse.ArgumentParser:
    # So that the longest name of a command and its summary are on one line.
    raw = partial(argparse.RawDescriptionHelpFormatter, max_help_position=16)
    parser = Parser(prog="mtasts-nb", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=raw)
    parser.add_argument("--version", action="version", version=f"mtasts-nb {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for name in COMMANDS:
        importlib.import_module(f"{__package__}._{name}").add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; None takes those of the process.

    Examples
    --------
    >>> main(["nonsense"])
    2
    """
    parser = _parser()
    if "_ARGCOMPLETE" in os.environ:  # the shell asks what may come next
        import argcomplete

        argcomplete.autocomplete(parser)
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:  # argparse ends the process after --help, --version and errors
        return stop.code if isinstance(stop.code, int) else COULD_NOT
    if arguments.command is None:
        parser.print_help()
        return FINE
    allow_colours(not arguments.no_color)
    run: Callable[[argparse.Namespace], int] = arguments.run
    name = f"mtasts-nb {arguments.command}"
    try:
        status = run(arguments)
        sys.stdout.flush()
    except MtaStsNbError as error:
        return complain(name, error)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FINE
    except KeyboardInterrupt:
        complain(name, "stopped.")
        return _INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return complain(name, f"{where}{error.strerror or error}. Check the path and its permissions.")
    except Exception as error:
        if os.environ.get("MTASTS_NB_DEBUG"):
            raise
        return complain(
            name,
            f"unexpected error ({type(error).__name__}: {error}). "
            "Please report it; MTASTS_NB_DEBUG=1 shows where it happened.",
        )
    return status
