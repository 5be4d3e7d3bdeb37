"""Read the data files of this package."""

from __future__ import annotations

import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

__all__ = ["read_data", "read_folder"]

#: When deferred mail bounces, which many texts say: `{queue_life}` in the files. The sender profiles have the sources.
_QUEUE_LIFE: Final = "Exchange Online: after 24 hours; most others: after 4 to 5 days"


def read_data(name: str) -> dict[str, Any]:
    """Return the content of `<name>.toml`."""
    return _read(resources.files(__package__) / f"{name}.toml")


def read_folder(name: str) -> dict[str, dict[str, Any]]:
    """Return the content of each file of a folder, by its name without the suffix, in alphabetical order."""
    files = sorted((resources.files(__package__) / name).iterdir(), key=lambda file: file.name)
    return {file.name.removesuffix(".toml"): _read(file) for file in files if file.name.endswith(".toml")}


def _read(file: Traversable) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8").replace("{queue_life}", _QUEUE_LIFE))
