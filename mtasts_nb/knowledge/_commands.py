"""Every shell command that the kit prints, from `commands.toml`, with names filled in where that is safe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from ._read import read_data

__all__ = ["Command", "command", "command_names", "filled", "names_of"]

# A host name that a shell takes for one word and not for an option.
_HOST = re.compile(r"(?=.{1,253}$)(?!-)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True, slots=True)
class Command:
    """A shell command, and what to look for in its output.

    Attributes
    ----------
    shell : str
        For a POSIX shell, with the names filled in, or with `DOMAIN` and `MX-HOST` where they are not known. A command
        of two parts has a line for each.
    shows : str
        What to look for in its output.
    """

    shell: str
    shows: str


def names_of(domain: str | None = None, mx: str | None = None) -> dict[str, str]:
    """Return what to fill into a command: a name that is not a plain host name gives its placeholder instead.

    The line is meant to be pasted into a shell, and the name may come from a stranger's report.

    Examples
    --------
    >>> names_of("nordwind.example", "$(id)")
    {'domain': 'nordwind.example', 'mx': 'MX-HOST'}
    """
    return {
        key: name if name is not None and _HOST.fullmatch(name) else placeholder
        for key, name, placeholder in (("domain", domain, "DOMAIN"), ("mx", mx, "MX-HOST"))
    }


def filled(text: str, names: Mapping[str, str]) -> str:
    """Return the text with each `{name}` replaced; other braces stay."""
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text


@cache
def _commands() -> Mapping[str, Command]:
    return MappingProxyType(
        {name: Command(entry["shell"], entry["shows"]) for name, entry in read_data("commands").items()}
    )


def command_names() -> tuple[str, ...]:
    """Return the names of all commands.

    Examples
    --------
    >>> "dig-record" in command_names()
    True
    """
    return tuple(_commands())


def command(name: str, domain: str | None = None, mx: str | None = None, *, shows: str = "") -> Command:
    """Return a command for one domain and MX host.

    Parameters
    ----------
    name : str
        One of `command_names`.
    domain, mx : str, optional
        Left out where they are not plain host names.
    shows : str, optional
        What to look for, instead of the general text.

    Examples
    --------
    >>> command("dig-record", "nordwind.example").shell
    'dig +short TXT _mta-sts.nordwind.example'
    """
    general, names = _commands()[name], names_of(domain, mx)
    return Command(filled(general.shell, names), filled(shows or general.shows, names))
