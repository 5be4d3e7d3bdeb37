"""The way back to enforce, with dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from ..markup import html_table, plural, span, when
from ..policy import Policy, StsRecord, parse_sts_record
from ..vocabulary import Mode
from ._plan import wrapped
from ._present import check_texts, next_record, with_mode

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Calendar", "Phase", "calendar"]

_DAY: Final = 86_400
_WEEK: Final = 7 * _DAY
_MONTH: Final = 30 * _DAY
#: Reports about a day come after it, from some senders two days later (RFC 8460 §4.1 asks for daily ones).
LATE: Final = timedelta(days=2)
_FRIDAY: Final = 4
_AT: Final = time(9, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of the way to enforce.

    Attributes
    ----------
    not_before : datetime
        The earliest moment, UTC, if the condition has been met from the first day on.
    mode : Mode
        What senders do meanwhile when validation fails.
    max_age : int
        In seconds.
    condition : str
        What must be so before it begins.
    policy, record : str
        The texts to publish, the file first (RFC 8461 §8.1).
    """

    not_before: datetime
    mode: Mode
    max_age: int
    condition: str
    policy: str
    record: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """The phases in order; a table in a notebook.

    Attributes
    ----------
    phases : tuple of Phase
        The first is the one that the plan itself publishes.
    clean_from : date
        The first day that may count as clean, UTC.
    """

    phases: tuple[Phase, ...]
    clean_from: date

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame, one row per phase: ``not_before`` (datetime64[us, UTC]), ``mode``, ``max_age`` (int64), ``condition``, ``policy``, ``record`` (str)."""
        import pandas as pd

        columns = ["not_before", "mode", "max_age", "condition", "policy", "record"]
        rows = [{name: getattr(phase, name) for name in columns} | {"mode": phase.mode.value} for phase in self.phases]
        frame = pd.DataFrame(rows, columns=columns)
        frame["not_before"] = pd.to_datetime(frame["not_before"], utc=True).astype("datetime64[us, UTC]")
        return frame.astype({"mode": "str", "max_age": "int64", "condition": "str", "policy": "str", "record": "str"})

    def _rows(self) -> Iterator[dict[str, object]]:
        for phase in self.phases:
            yield {
                "not_before": when(phase.not_before.date()),
                "policy": f"{phase.mode.value}, max_age {phase.max_age} ({span(phase.max_age)})",
                "condition": phase.condition,
                "record": phase.record,
            }

    @property
    def caption(self) -> str:
        """What the dates rest on, in a sentence."""
        return (
            f"The way back to enforce, if every day from {when(self.clean_from)} on is clean. A day with failures begins the "
            "count anew. Each change: the file first, then the record with its new id."
        )

    def __str__(self) -> str:
        lines = wrapped(self.caption)
        for row in self._rows():
            lines += wrapped(f"{row['policy']}: {row['condition']}", f"  {row['not_before']}  ", " " * 14)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        headings = {"not_before": "Not before", "policy": "Policy", "condition": "When", "record": "Record"}
        return html_table(self._rows(), headings, caption=self.caption)


def calendar(
    policy: Policy,
    record: StsRecord | None,
    start: datetime,
    *,
    mended: datetime | None = None,
    first_record: str | None = None,
    clean_days: int = 14,
    testing_days: int = 7,
    enforce_days: int = 30,
    late: timedelta = LATE,
) -> Calendar:
    """Return the way from testing back to enforce: the phases that deployment guides name, with dates.

    Testing with a max_age of a day; testing with a week after two clean weeks; enforce with a week; enforce with a month
    after one clean month. Nothing is changed on a Friday, Saturday or Sunday, so that somebody is there the day after.

    Parameters
    ----------
    policy, record : Policy, StsRecord or None
        What was published before; hosts and unknown fields stay.
    start : datetime
        When testing begins, UTC.
    mended : datetime, optional
        When the cause is or was mended, UTC; None: when testing begins.
    first_record : str, optional
        The record with which testing begins, where it is already made.
    clean_days : int
        Days without failures before the max_age goes to a week: two weeks.
    testing_days : int
        Days in testing with that max_age before enforce. Guides name none; a week is the max_age itself, after which each
        sender has looked once more.
    enforce_days : int
        Clean days in enforce before the max_age goes to a month: one month.
    late : timedelta
        How long reports about a day take to arrive.

    Raises
    ------
    ValueError
        A number of days is below one.
    """
    lengths = {"clean_days": clean_days, "testing_days": testing_days, "enforce_days": enforce_days}
    for name, days in lengths.items():
        if not 1 <= days <= 3650:
            raise ValueError(f"{name} is {days}: expected a number of days, 1 to 3650")
    # The day of the repair is part failure, part not: the first whole day counts.
    clean_from = max(start, mended or start).date() + timedelta(days=1)
    longer = _working(clean_from + timedelta(days=clean_days) + late)
    enforce = _working(longer.date() + timedelta(days=testing_days))
    month = _working(enforce.date() + timedelta(days=1 + enforce_days) + late)
    wanted = (
        (start, Mode.TESTING, _DAY, "now: nothing more is held back"),
        (longer, Mode.TESTING, _WEEK, f"after {_days(clean_days)} without failures at an MX, and their reports are in"),
        (enforce, Mode.ENFORCE, _WEEK, f"after {_days(testing_days)} more without failures"),
        (month, Mode.ENFORCE, _MONTH, f"after {_days(enforce_days)} without failures in enforce"),
    )
    phases: list[Phase] = []
    used: list[str] = []
    for moment, mode, max_age, condition in wanted:
        text = with_mode(policy, mode, max_age)
        line = first_record if first_record and not phases else next_record(record, moment, used)
        used.append(parse_sts_record(line).id)
        phases.append(
            Phase(not_before=moment, mode=mode, max_age=max_age, condition=condition, policy=text, record=line)
        )
    check_texts(*((phase.policy, phase.record) for phase in phases))
    return Calendar(tuple(phases), clean_from)


def _days(count: int) -> str:
    return {7: "a week", 14: "two weeks", 30: "a month"}.get(count, plural(count, "day"))


def _working(day: date) -> datetime:
    """Return the morning of a day, or of the Monday after it where it is a Friday, Saturday or Sunday."""
    if day.weekday() >= _FRIDAY:
        day += timedelta(days=7 - day.weekday())
    return datetime.combine(day, _AT)
