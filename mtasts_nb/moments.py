"""Days and times that people give: ISO 8601 only, since 01.09. and 09/01 mean different days to different readers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from .errors import ParameterError
from .markup import one_line

__all__ = ["is_day", "utc_moment"]


def is_day(value: str | date | datetime) -> bool:
    """Whether a value is a whole day, not a moment of it.

    Examples
    --------
    >>> is_day("2026-02-28"), is_day("2026-02-28T09:00")
    (True, False)
    """
    if isinstance(value, str):
        return len(value.strip()) <= len("2026-02-28") and ":" not in value
    return not isinstance(value, datetime)


def utc_moment(value: str | date | datetime, name: str = "time") -> datetime:
    """Return a moment in UTC; of a day, its beginning.

    Parameters
    ----------
    value : str, date or datetime
        Text in ISO 8601. UTC where it has no offset.
    name : str
        What it is, for the message.

    Raises
    ------
    ParameterError
        It is neither; also for `NaT`.

    Examples
    --------
    >>> utc_moment("2026-09-01T14:05+02:00").isoformat()
    '2026-09-01T12:05:00+00:00'
    >>> utc_moment("01.09.2026", "start")
    Traceback (most recent call last):
    mtasts_nb.errors.ParameterError: start is '01.09.2026': expected a day as 2026-09-01, or a time as 2026-09-01T14:05+02:00 (UTC without an offset)
    """
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time())
        moment.strftime("")  # pandas' missing time is a datetime too, and has no text
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        raise ParameterError(
            f"{name} is {one_line(repr(value), 60)}: expected a day as 2026-09-01, or a time as "
            "2026-09-01T14:05+02:00 (UTC without an offset)"
        ) from None
