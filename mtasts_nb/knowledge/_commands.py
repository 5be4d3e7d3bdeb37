"""Shell commands, with names filled in where that is safe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Command", "filled", "plain_name"]

# A host name that a shell takes for one word and not for an option.
_HOST = re.compile(r"(?=.{1,253}$)(?!-)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True, slots=True)
class Command:
    """A shell command, and what to look for in its output.

    Attributes
    ----------
    shell : str
        One line for a POSIX shell, with the names filled in, or with `DOMAIN` and `MX-HOST` where they are not known.
    shows : str
        What to look for.
    """

    shell: str
    shows: str


def plain_name(name: str | None, placeholder: str) -> str:
    """Return the name where it is a plain host name, else the placeholder: the line is pasted into a shell.

    Examples
    --------
    >>> plain_name("mx1.nordwind.example", "MX-HOST"), plain_name("$(id)", "MX-HOST")
    ('mx1.nordwind.example', 'MX-HOST')
    """
    return name if name is not None and _HOST.fullmatch(name) else placeholder


def filled(text: str, names: Mapping[str, str]) -> str:
    """Return the text with each `{name}` replaced; other braces stay."""
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text
