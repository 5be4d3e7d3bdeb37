"""When reports that came regularly have stopped: one rule for a check and for the question why none arrive."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd

__all__ = ["REGULAR_DAYS", "is_regular", "silent_since"]

#: Silence says something only of who reported on so many days of the last weeks in which it reported at all.
REGULAR_DAYS: Final = 10
_WEEKS: Final = 8
#: Silence is longer than this, and than twice the longest pause before it: reports come late, and not at weekends.
_LEAST: Final = 4
_EPOCH: Final = date(1970, 1, 1)


def silent_since(days: pd.Series, until: date) -> date | None:
    """Return the last day with a report, if reports came regularly and there have been none for longer than ever.

    Parameters
    ----------
    days : Series of datetime64, UTC
        The days with a report, in any order.
    until : date
        The day up to which reports could have arrived.

    Examples
    --------
    >>> days = pd.Series(pd.date_range("2026-03-01", periods=10, tz="UTC"))
    >>> silent_since(days, date(2026, 3, 14)), silent_since(days, date(2026, 3, 15))
    (None, datetime.date(2026, 3, 10))
    """
    known = _recent(days)
    if len(known) < REGULAR_DAYS:
        return None
    last = _EPOCH + timedelta(days=int(known[-1]))
    return last if (until - last).days > max(_LEAST, 2 * int(np.diff(known).max())) else None


def is_regular(days: pd.Series) -> bool:
    """Return whether reports came on enough days to know what is normal."""
    return len(_recent(days)) >= REGULAR_DAYS


def _recent(days: pd.Series) -> np.ndarray:
    known = np.unique(days.to_numpy("datetime64[D]").astype("int64"))
    return known[known > known[-1] - 7 * _WEEKS] if len(known) else known
