"""One kind of parser for all commands: the options that each has, and errors that name what was probably meant."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import did_you_mean
from ..markup import one_line
from ._say import complain

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["Parser", "add_command"]


class Parser(argparse.ArgumentParser):
    """Argument errors as one line that says what to do."""

    def error(self, message: str) -> NoReturn:
        """Print the line and end with status 2, could not run."""
        end = "" if message.endswith("?") else "."
        raise SystemExit(complain(self.prog, f"{message}{end} See: {self.prog} --help"))

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse; what is not known is an error of the command that it was given to, which knows what was meant."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            first = unknown[0]
            if first.startswith("-") and first != "-":
                options = [name for name in self._option_string_actions if name.startswith("--")]
                hint = did_you_mean(first.partition("=")[0], options)
                self.error(f"there is no option {one_line(first, 80)}.{hint}".removesuffix("."))
            self.error(f"unexpected argument {one_line(first, 80)!r}")
        return parsed, []

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Check a value that must be one of a few, the name of a command among them."""
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        what = "command" if action.dest == "command" else "/".join(action.option_strings) or action.metavar
        hint = did_you_mean(str(value), choices) or f" Expected: {', '.join(choices)}"
        self.error(f"there is no {what} {one_line(value, 80)!r}.{hint}".removesuffix("."))


def add_command(
    commands: _SubParsersAction[Parser], name: str, *, summary: str, description: str, epilog: str, json: str = ""
) -> Parser:
    """Return the parser of a new command, with the options that all have.

    Parameters
    ----------
    commands : action
        Of the main parser.
    name, summary, description, epilog : str
        Name, its line in the list of commands, and what ``--help`` shows before and after the options.
    json : str, optional
        What ``--json`` prints; without it there is no such option.
    """
    parser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--no-color", action="store_true", help="no colours, as if NO_COLOR was set")
    if json:
        parser.add_argument("--json", action="store_true", help=json)
    return parser
