"""A plan: what to publish or change, in which order and when, how to check it, and why; and a calendar of phases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import pandas as pd

from ..markup import plural, span, terminal_text, when
from ..policy import Policy, StsRecord, parse_sts_record
from ..render import Rendered, frame
from ..vocabulary import Findings, Mode
from ._present import Present, check_texts, next_record, with_mode

__all__ = ["Calendar", "Phase", "Plan", "PlanStep", "calendar", "publish_steps"]

_DAY: Final = 86_400
_WEEK: Final = 7 * _DAY
_MONTH: Final = 30 * _DAY
#: Reports about a day come after it, from some senders two days later (RFC 8460 §4.1 asks for daily ones).
_LATE: Final = timedelta(days=2)
_FRIDAY: Final = 4
_AT: Final = time(9, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """One step of a plan.

    Attributes
    ----------
    when : datetime
        When, UTC; with `not_before`, the earliest moment at which it is safe.
    what : str
        What to do, in one sentence.
    where : str
        Where the text belongs: an address or a record's name.
    text : str
        The text to paste, as it is; empty where there is none.
    command, check : str
        How to check it: a command for a POSIX shell, or text where there is none.
    expect : str
        What the check shows when all is well.
    why : str
        What goes wrong without it.
    rfc : str
        The section that decides, or another source.
    not_before : bool
        Whether `when` is the earliest moment; later is fine.
    """

    when: datetime
    what: str
    where: str = ""
    text: str = ""
    command: str = ""
    check: str = ""
    expect: str = ""
    why: str = ""
    rfc: str = ""
    not_before: bool = False


_FIELDS: Final = tuple(column.name for column in fields(PlanStep))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Plan(Rendered):
    """Steps in order; a list in a notebook, text in a terminal (`print`), a DataFrame by `to_frame`.

    Attributes
    ----------
    title : str
        Its purpose.
    domain : str
        The policy domain; ``your.example`` where none was given.
    made : datetime
        The moment for which it was made, UTC; the dates count from it.
    steps : tuple of PlanStep
        In order of time.
    notes : tuple of str
        What else a reader must know, a sentence or two each.
    findings : Findings
        What `validate` says of the texts to paste. There is no error in them: a text with one is not proposed.
    """

    title: str
    domain: str
    made: datetime
    steps: tuple[PlanStep, ...]
    notes: tuple[str, ...] = ()
    findings: Findings = field(default_factory=Findings)

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame, one row per step: ``step`` (int64), ``when`` (datetime64[us, UTC]), ``not_before`` (bool),
        and as text what, where, text, command, check, expect, why, rfc.
        """  # noqa: D205 - the columns are the summary
        rows = [{"step": number, **{name: getattr(step, name) for name in _FIELDS}} for number, step in enumerate(self.steps, 1)]  # fmt: skip
        texts = [name for name in _FIELDS if name not in ("when", "not_before")]
        made = frame(rows, ["step", "when", "not_before", *texts])
        made["when"] = pd.to_datetime(made["when"], utc=True).astype("datetime64[us, UTC]")
        return made.astype({"step": "int64", "not_before": "bool", **dict.fromkeys(texts, "str")})

    def __repr__(self) -> str:
        first = f", the first {when(self.steps[0].when)}" if self.steps else ""
        return f"<{type(self).__name__} for {terminal_text(self.domain, 80)}: {plural(len(self.steps), 'step')}{first}>"


def publish_steps(
    there: Present, at: datetime, texts: tuple[str, str], what: str, *, expect: str, why: str, rfc: str
) -> Iterator[PlanStep]:
    """Yield the two steps of every change: the policy file first, then the record (RFC 8461 §8.1)."""
    policy, record = texts
    yield PlanStep(
        when=at, what=what, where=there.file_place, text=policy, command=there.fetch_command,
        expect=f"{expect}, from every address of the policy host", why=why, rfc=rfc, not_before=at > there.made,
    )  # fmt: skip
    yield PlanStep(
        when=at, what="Then change the record.", where=f"{there.record_name} (TXT)", text=record,
        command=there.record_command,
        expect=f"the new id from each of your name servers; resolvers may cache the old one for {span(there.ttl)}",
        why="Senders compare ids. With the old id, a sender with a cached policy does not fetch the new file until that "
        "policy expires.",
        rfc="RFC 8461 §3.1, §5.1", not_before=at > there.made,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of the way to enforce.

    Attributes
    ----------
    not_before : datetime
        The earliest moment, UTC, if the condition has been met from the first day on.
    mode : Mode
        What senders do in it when validation fails.
    max_age : int
        In seconds.
    condition : str
        What must be true before it begins.
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
class Calendar(Rendered):
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
        columns = [column.name for column in fields(Phase)]
        made = frame([[getattr(phase, name) for name in columns] for phase in self.phases], columns)
        made["not_before"] = pd.to_datetime(made["not_before"], utc=True).astype("datetime64[us, UTC]")
        return made.astype({"mode": "str", "max_age": "int64", "condition": "str", "policy": "str", "record": "str"})


def calendar(
    policy: Policy,
    record: StsRecord | None,
    start: datetime,
    *,
    fixed_at: datetime | None = None,
    first_record: str | None = None,
    clean_days: int = 14,
    testing_days: int = 7,
    enforce_days: int = 30,
) -> Calendar:
    """Return the way from testing back to enforce: the phases that deployment guides name, with dates.

    Testing with a max_age of a day; testing with a week after two clean weeks; enforce with a week; enforce with a month
    after one clean month. Nothing is changed on a Friday, Saturday or Sunday, so that staff is there the day after.

    Parameters
    ----------
    policy, record : Policy, StsRecord or None
        What was published before; hosts and unknown fields stay.
    start : datetime
        When testing begins, UTC.
    fixed_at : datetime, optional
        When the cause is or was fixed, UTC; None: when testing begins.
    first_record : str, optional
        The record with which testing begins, where it is already made.
    clean_days : int
        Days without failures before the max_age goes to a week: two weeks.
    testing_days : int
        Days in testing with that max_age before enforce. Guides name none; a week is the max_age itself, after which each
        sender has checked once more.
    enforce_days : int
        Clean days in enforce before the max_age goes to a month: one month.

    Raises
    ------
    ValueError
        A number of days is below one.
    """
    lengths = {"clean_days": clean_days, "testing_days": testing_days, "enforce_days": enforce_days}
    for name, count in lengths.items():
        if not 1 <= count <= 3650:
            raise ValueError(f"{name} is {count}: expected a number of days, 1 to 3650")
    # The day of the fix is part failure, part not: the first whole day counts.
    clean_from = max(start, fixed_at or start).date() + timedelta(days=1)
    longer = _working(clean_from + timedelta(days=clean_days) + _LATE)
    enforce = _working(longer.date() + timedelta(days=testing_days))
    month = _working(enforce.date() + timedelta(days=1 + enforce_days) + _LATE)
    wanted = (
        (start, Mode.TESTING, _DAY, "now: no more mail is deferred"),
        (
            longer,
            Mode.TESTING,
            _WEEK,
            f"after {_days(clean_days)} without failures at an MX host, all reports received",
        ),
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
