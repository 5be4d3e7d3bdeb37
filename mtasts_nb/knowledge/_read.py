"""Read the data files of this package."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

__all__ = ["read_data", "read_folder"]


def read_data(name: str) -> dict[str, Any]:
    """Return the content of `<name>.toml`."""
    return tomllib.loads((resources.files(__package__) / f"{name}.toml").read_text(encoding="utf-8"))


def read_folder(name: str) -> dict[str, dict[str, Any]]:
    """Return the content of each file of a folder, by its name without the suffix, in alphabetical order."""
    files = sorted((resources.files(__package__) / name).iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text(encoding="utf-8"))
        for file in files
        if file.name.endswith(".toml")
    }
