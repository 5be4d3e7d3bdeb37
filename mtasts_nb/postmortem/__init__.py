"""One incident, one document."""

from __future__ import annotations

from ._case import Case, open_case

__all__ = [
    "Case",
    "open_case",
]
