"""Prose in one file per document: a change of wording is one change of that file. `UPDATE_GOLDEN=1` writes them again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def check(file: Path, texts: Mapping[str, object]) -> None:
    """Compare the texts of values, each under its name, with what the file holds."""
    text = "\n".join(f"== {name}\n\n{value}\n" for name, value in texts.items())
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
