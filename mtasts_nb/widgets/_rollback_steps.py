"""Where one stands in a rollback: what was given, what is published, and what comes next. Knows no widget."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from ..errors import MtaStsNbError
from ..markup import when

if TYPE_CHECKING:
    from ..reports import Source
    from ..rollout import RollbackPlan, SenderModel

__all__ = ["FIELDS", "Rollback", "Stage", "length_of"]


class Stage(StrEnum):
    """How far one has come."""

    EDITING = "editing"
    PLANNED = "planned"
    FILE_PUBLISHED = "file published"
    RECORD_PUBLISHED = "record published"


#: What is asked, and how a missing answer is called.
FIELDS: Final = {
    "domain": "policy domain",
    "policy": "policy file",
    "record": "record",
    "ttl": "TTL of the record",
    "previous_max_age": "earlier max_age",
    "blocked_since": "held back since",
}
_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LENGTH = re.compile(r"(\d{1,12})\s*(s|m|min|h|d|w|second|minute|hour|day|week)?s?", re.IGNORECASE)
_LONGEST: Final = 70_000


def length_of(text: str) -> timedelta | None:
    """Return a length of time as people write it; None for an empty text.

    Raises
    ------
    ValueError
        It is none.

    Examples
    --------
    >>> length_of("3600") == length_of("1 h") == length_of("60 minutes"), length_of(" ")
    (True, None)
    """
    shown = text.strip()
    if not shown:
        return None
    match = _LENGTH.fullmatch(shown)
    if match is None:
        raise ValueError(f"{shown[:60]!r} is not a length of time: expected seconds, or 1 h, 2 days, 1 week")
    unit = (match[2] or "s").lower()
    return timedelta(seconds=min(int(match[1]) * _UNITS.get(unit, _UNITS[unit[0]]), 10**10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """One state; each method returns the next one.

    Attributes
    ----------
    given : dict of str to str
        What stands in the fields, by the names of `FIELDS`.
    stage : Stage
        How far one has come. The record cannot be told to be published before the file is (RFC 8461 §8.1).
    plan : RollbackPlan or None
        For what stands in the fields; None while something is missing or wrong.
    problem : str
        What is wrong, and what was expected; empty where nothing is.
    file_at, record_at : datetime or None
        When they were told to be published, UTC.
    source : Source or None
        Reports about the domain.
    model : SenderModel or None
        What is assumed of senders.

    Examples
    --------
    >>> state = Rollback().edit("policy", "version: STSv1\\nmode: enforce\\nmx: mx1.nordwind.example\\nmax_age: 604800\\n")
    >>> state = state.edit("record", "v=STSv1; id=1;").edit("ttl", "1 h").make(datetime(2026, 2, 8, 18))
    >>> state.stage, state.record_published(datetime(2026, 2, 8, 19)).problem
    (<Stage.PLANNED: 'planned'>, 'First publish the policy file on every server, and say so; then the record.')
    """

    given: dict[str, str] = field(default_factory=dict)
    stage: Stage = Stage.EDITING
    plan: RollbackPlan | None = None
    problem: str = ""
    file_at: datetime | None = None
    record_at: datetime | None = None
    source: Source | None = None
    model: SenderModel | None = None

    def edit(self, name: str, text: str) -> Rollback:
        """Return the state with another text in a field; a plan for other texts is dropped."""
        if name not in FIELDS:
            raise KeyError(f"{name!r}: expected one of {', '.join(FIELDS)}")
        text = text[:_LONGEST]
        if self.given.get(name, "") == text:
            return self
        return Rollback(given={**self.given, name: text}, source=self.source, model=self.model)

    def make(self, now: datetime) -> Rollback:
        """Return the state with a plan for what stands in the fields, or with the problem."""
        try:
            plan = self._planned(now, None)
        except (MtaStsNbError, ValueError) as error:
            return replace(self, stage=Stage.EDITING, plan=None, problem=str(error), file_at=None, record_at=None)
        return replace(self, stage=Stage.PLANNED, plan=plan, problem="", file_at=None, record_at=None)

    def file_published(self, now: datetime) -> Rollback:
        """Return the state after the policy file is out."""
        if self.stage is not Stage.PLANNED:
            return replace(self, problem=_NOT_YET[self.stage])
        return replace(self, stage=Stage.FILE_PUBLISHED, file_at=now, problem="")

    def record_published(self, now: datetime) -> Rollback:
        """Return the state after the record is out: the forecast counts from now, the texts are those published."""
        if self.stage is not Stage.FILE_PUBLISHED or self.plan is None:
            return replace(self, problem=_TOO_EARLY[self.stage])
        try:
            plan = self._planned(now, self.plan.record)
        except (MtaStsNbError, ValueError) as error:  # the clock went back, or a field holds a time after now
            return replace(self, problem=str(error))
        return replace(self, stage=Stage.RECORD_PUBLISHED, plan=plan, record_at=now, problem="")

    def start_over(self) -> Rollback:
        """Return the state with the same texts and nothing published."""
        return Rollback(given=self.given, source=self.source, model=self.model)

    def _planned(self, now: datetime, record: str | None) -> RollbackPlan:
        from ..rollout import plan_rollback

        text = {name: self.given.get(name, "").strip() for name in FIELDS}
        if not text["policy"]:
            raise ValueError("The policy file is missing: paste it as it is served.")
        ttl = self._length("ttl")
        if ttl is None:
            raise ValueError(
                "The TTL of the record is missing: the number before IN in what dig TXT prints, in seconds."
            )
        return plan_rollback(
            self.given["policy"],
            _unquoted(text["record"]) or None,
            ttl,
            self._length("previous_max_age"),
            self.source,
            domain=text["domain"] or None,
            blocked_since=text["blocked_since"] or None,
            new_record=record,
            model=self.model,
            now=lambda: now,
        )

    def _length(self, name: str) -> timedelta | None:
        try:
            return length_of(self.given.get(name, ""))
        except ValueError as error:
            raise ValueError(f"{FIELDS[name][0].upper()}{FIELDS[name][1:]}: {error}.") from None

    @property
    def message(self) -> str:
        """Where one stands and what comes next, in a sentence or two."""
        told = {
            Stage.EDITING: "Paste the policy and the record as they are now, give the record's TTL, and make the plan.",
            Stage.PLANNED: "Next: publish the policy file on every server that serves it. Then say so here.",
            Stage.FILE_PUBLISHED: f"The file is out since {when(self.file_at)}. Look at it as a sender does; then publish the "
            "record, and say so here.",
            Stage.RECORD_PUBLISHED: f"Both are out since {when(self.record_at)}. The forecast counts from then. Now find and "
            "mend the cause.",
        }
        return told[self.stage]

    def summary(self) -> dict[str, Any]:
        """Return what stands in the fields, each under its name in words, without the empty ones."""
        return {FIELDS[name]: text for name in FIELDS if (text := self.given.get(name, "").strip())}


def _unquoted(text: str) -> str:
    """Return a record without the quotation marks of `dig`; of a record in several strings, the strings joined."""
    strings = re.findall(r'"([^"]*)"', text)
    return "".join(strings) if strings and text.startswith('"') and text.endswith('"') else text


_NOT_YET: Final = {
    Stage.EDITING: "First make the plan: what is in the fields has none yet.",
    Stage.FILE_PUBLISHED: "The file is published already; next is the record.",
    Stage.RECORD_PUBLISHED: "Both are published already. Start over for another change.",
}
_TOO_EARLY: Final = {
    Stage.EDITING: "First make the plan, then publish the policy file, then the record.",
    Stage.PLANNED: "First publish the policy file on every server, and say so; then the record.",
    Stage.FILE_PUBLISHED: "",
    Stage.RECORD_PUBLISHED: "Both are published already. Start over for another change.",
}
