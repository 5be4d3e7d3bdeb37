"""Read a text file of one language."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from typing import Any

__all__ = ["languages", "read_data", "read_toml"]


def languages() -> tuple[str, ...]:
    """Return the languages there are texts in.

    Examples
    --------
    >>> languages()
    ('en',)
    """
    folders = (entry for entry in resources.files(__package__).iterdir() if entry.is_dir())
    return tuple(sorted(folder.name for folder in folders if re.fullmatch(r"[a-z]{2}(-[A-Z]{2})?", folder.name)))


def read_toml(name: str, language: str) -> dict[str, Any]:
    """Return the content of `<language>/<name>.toml`.

    Raises
    ------
    LookupError
        There is no text in that language.
    """
    if language not in languages():
        raise LookupError(f"There is no text in the language {language!r}; there is {', '.join(languages())}.")
    path = resources.files(__package__) / language / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def read_data(name: str) -> dict[str, Any]:
    """Return the content of `<name>.toml`: what is the same in every language."""
    return tomllib.loads((resources.files(__package__) / f"{name}.toml").read_text(encoding="utf-8"))
