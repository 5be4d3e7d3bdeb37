"""An archive in a private folder, for the notebook's kernel to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ..reports import Archive

__all__ = ["store_sources", "stored_sources"]


def store_sources(archive: Archive, folder: Path) -> str:
    """Write an archive into a folder; return Python text for a notebook's parameter `sources`."""
    archive.to_parquet(folder)
    return f"__import__({__name__!r}, fromlist=['stored_sources']).stored_sources({str(folder)!r})"


def stored_sources(path: str) -> list[Archive]:
    """Return the archive that `store_sources` wrote, as the list of sources of a notebook."""
    tables: dict[str, Any] = {file.stem: pd.read_parquet(file) for file in sorted(Path(path).iterdir())}
    return [Archive(**tables)]
