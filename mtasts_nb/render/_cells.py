"""How a plain value in a table becomes text."""

from __future__ import annotations

from datetime import date, datetime
from numbers import Real

from ..markup import MISSING, is_absent, number, when

__all__ = ["cell_text"]


def cell_text(value: object) -> str | None:
    """Return a plain value as text; None for a line or blocks.

    Examples
    --------
    >>> cell_text(1234), cell_text(True), cell_text(None), cell_text(date(2026, 2, 8)), cell_text("mx1")
    ('1,234', 'yes', '–', '2026-02-08', None)
    """
    if isinstance(value, str | tuple | list):
        return MISSING if value in ("", (), []) else None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_absent(value):
        return MISSING
    if isinstance(value, Real):  # numpy's integers too
        return number(float(value))
    if isinstance(value, datetime | date):
        return when(value)
    return None
