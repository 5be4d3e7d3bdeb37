"""Fields, a plan, the forecast, and the texts to copy, for a rollback from enforce."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import ipywidgets

from ..errors import MtaStsNbError, ParameterError
from ..markup import when
from ..moments import utc_moment
from ..render import Document, Fold, Preformatted, Terms, to_html
from ..settings import utc_now
from ._static import WRAP, Live, button, error, picture, status

if TYPE_CHECKING:
    from ..probe import Probe
    from ..reports import Source
    from ..rollout import RollbackPlan, SenderModel

__all__ = ["FIELDS", "Rollback", "RollbackPlanner", "Stage", "length_of"]

_WIDE = {"width": "44em", "max_width": "100%"}
_WIDE_LABEL = {"description_width": "11em"}
_SINCE: Final = "Deferred since (UTC)"


class Stage(StrEnum):
    """How far a rollback is."""

    EDITING = "editing"
    PLANNED = "planned"
    FILE_PUBLISHED = "file published"
    RECORD_PUBLISHED = "record published"


#: The fields, each with its name in a message.
FIELDS: Final = {
    "domain": "policy domain",
    "policy": "policy file",
    "record": "record",
    "ttl": "TTL of the record",
    "previous_max_age": "earlier max_age",
    "blocked_since": "deferred since",
}
_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LENGTH = re.compile(r"(\d{1,12})\s*(s|m|min|h|d|w|second|minute|hour|day|week)?s?", re.IGNORECASE)
_LONGEST: Final = 70_000


def length_of(text: str) -> timedelta | None:
    """Return a length of time as people write it; None for an empty text.

    Raises
    ------
    ValueError
        The text is not a length of time.

    Examples
    --------
    >>> length_of("3600") == length_of("1 h") == length_of("60 minutes"), length_of(" ")
    (True, None)
    """
    stripped = text.strip()
    if not stripped:
        return None
    match = _LENGTH.fullmatch(stripped)
    if match is None:
        raise ValueError(f"{stripped[:60]!r} is not a length of time: expected seconds, or 1 h, 2 days, 1 week")
    unit = (match[2] or "s").lower()
    return timedelta(seconds=min(int(match[1]) * _UNITS.get(unit, _UNITS[unit[0]]), 10**10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """The state of a rollback; each method returns the next one. Knows no widget.

    Attributes
    ----------
    given : dict of str to str
        The texts in the fields, by the names of `FIELDS`.
    stage : Stage
        How far it is. The record cannot be published before the file is (RFC 8461 §8.1).
    plan : RollbackPlan or None
        For the texts in the fields; None while something is missing or wrong.
    problem : str
        What is wrong, and what was expected; empty where nothing is.
    file_at, record_at : datetime or None
        When they were published, UTC.
    source, probe, model : optional
        As `plan_rollback` takes them.

    Examples
    --------
    >>> state = Rollback().edit("policy", "version: STSv1\\nmode: enforce\\nmx: mx1.nordwind.example\\nmax_age: 604800\\n")
    >>> state = state.edit("record", "v=STSv1; id=1;").edit("ttl", "1 h").make(datetime(2026, 2, 8, 18))
    >>> state.stage, state.record_published(datetime(2026, 2, 8, 19)).problem
    (<Stage.PLANNED: 'planned'>, 'First publish the policy file on every server and confirm it here; then the record.')
    """

    given: dict[str, str] = field(default_factory=dict)
    stage: Stage = Stage.EDITING
    plan: RollbackPlan | None = None
    problem: str = ""
    file_at: datetime | None = None
    record_at: datetime | None = None
    source: Source | None = None
    probe: Probe | None = None
    model: SenderModel | None = None

    def edit(self, name: str, text: str) -> Rollback:
        """Return the state with another text in a field; a plan for other texts is dropped."""
        if name not in FIELDS:
            raise KeyError(f"{name!r}: expected one of {', '.join(FIELDS)}")
        text = text[:_LONGEST]
        if self.given.get(name, "") == text:
            return self
        return replace(self.start_over(), given={**self.given, name: text})

    def make(self, now: datetime) -> Rollback:
        """Return the state with a plan for the texts in the fields, or with the problem."""
        try:
            plan = self._planned(now, None)
        except (MtaStsNbError, ValueError) as error:
            return replace(self, stage=Stage.EDITING, plan=None, problem=str(error), file_at=None, record_at=None)
        return replace(self, stage=Stage.PLANNED, plan=plan, problem="", file_at=None, record_at=None)

    def file_published(self, now: datetime) -> Rollback:
        """Return the state after the policy file is out."""
        if self.stage is not Stage.PLANNED:
            return replace(self, problem=_NOT_NOW[self.stage])
        return replace(self, stage=Stage.FILE_PUBLISHED, file_at=now, problem="")

    def record_published(self, now: datetime) -> Rollback:
        """Return the state after the record is out: the forecast counts from now, the texts are those published."""
        if self.stage is not Stage.FILE_PUBLISHED or self.plan is None:
            return replace(self, problem=_NOT_NOW[self.stage])
        try:
            plan = self._planned(now, self.plan.record)
        except (MtaStsNbError, ValueError) as error:  # the clock went back, or a field holds a time after now
            return replace(self, problem=str(error))
        return replace(self, stage=Stage.RECORD_PUBLISHED, plan=plan, record_at=now, problem="")

    def start_over(self) -> Rollback:
        """Return the state with the same texts and nothing published."""
        return Rollback(given=self.given, source=self.source, probe=self.probe, model=self.model)

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
            probe=self.probe,
            blocked_since=text["blocked_since"] or None,
            new_record=record,
            model=self.model,
            now=lambda: now,
        )

    def _length(self, name: str) -> timedelta | None:
        try:
            return length_of(self.given.get(name, ""))
        except ValueError as error:
            raise ValueError(f"{_capital(FIELDS[name])}: {error}.") from None

    @property
    def message(self) -> str:
        """The present stage and what comes next, in a sentence or two."""
        if self.stage is Stage.FILE_PUBLISHED:
            return (
                f"The file was published at {when(self.file_at)}. Check it as a sender does; then publish the record, and "
                "confirm it here."
            )
        if self.stage is Stage.RECORD_PUBLISHED:
            return (
                f"Both were published by {when(self.record_at)}. The forecast starts then. Now find and fix the cause."
            )
        if self.stage is Stage.PLANNED:
            return "Next: publish the policy file on every server that serves it. Then confirm it here."
        return "Paste the policy and the record as they are now, enter the record's TTL, and make the plan."

    def summary(self) -> dict[str, Any]:
        """Return the texts in the fields, each under the name of its field, without the empty ones."""
        return {FIELDS[name]: text for name in FIELDS if (text := self.given.get(name, "").strip())}


def _unquoted(text: str) -> str:
    """Return a record without the quotation marks of `dig`; of a record in several strings, the strings joined."""
    strings = re.findall(r'"([^"]*)"', text)
    return "".join(strings) if strings and text.startswith('"') and text.endswith('"') else text


#: Why a button does not apply in a stage.
_NOT_NOW: Final = {
    Stage.EDITING: "First make the plan, then publish the policy file, then the record.",
    Stage.PLANNED: "First publish the policy file on every server and confirm it here; then the record.",
    Stage.FILE_PUBLISHED: "The file is published already; next is the record.",
    Stage.RECORD_PUBLISHED: "Both are published already. Start over for another change.",
}


def _moment_picker(text: str) -> Any:
    """Return a picker of a time in UTC; empty where the text is not one: the plan's message says what is wrong with it."""
    with suppress(ParameterError):
        value = utc_moment(text).replace(tzinfo=None) if text.strip() else None
        return ipywidgets.NaiveDatetimePicker(value=value, description=_SINCE, style=_WIDE_LABEL)
    return ipywidgets.NaiveDatetimePicker(description=_SINCE, style=_WIDE_LABEL)


def _iso(moment: datetime | None) -> str:
    return moment.isoformat(timespec="minutes") if moment else ""


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


class RollbackPlanner(Live):
    """What to publish to go from enforce to testing, in the right order, and when senders deliver again.

    Two buttons record what is published, the file before the record (RFC 8461 §8.1); the forecast starts then. The
    plan is in `.plan` for the cells below. Without a kernel, and on a published page, the same is shown as HTML.

    Parameters
    ----------
    policy, record : str
        The texts in the fields at first: policy file and `_mta-sts` record as they are now.
    ttl : int or str
        Of that record; seconds, or ``1 h``.
    previous_max_age : int or str
        The longest max_age of the policies before this one; empty: none.
    source : Source, optional
        Reports about the domain, from which the forecast learns.
    domain : str
        The policy domain.
    blocked_since : str
        Since when mail is deferred, ``2026-02-08T09:00`` in UTC; empty: not known.
    probe : Probe, optional
        The domain as it was observed live: where a service hosts the policy, the plan says to change the file there.
    model : SenderModel, optional
        What is assumed of senders.
    now : callable
        Gives the present time, UTC.

    Attributes
    ----------
    state : Rollback
        The state behind the controls.

    Examples
    --------
    >>> policy = "version: STSv1\\nmode: enforce\\nmx: mx1.nordwind.example\\nmax_age: 604800\\n"
    >>> planner = RollbackPlanner(policy, "v=STSv1; id=1;", 3600, now=lambda: datetime(2026, 2, 8, 18))
    >>> planner.plan.record
    'v=STSv1; id=20260208180000;'
    """

    def __init__(
        self,
        policy: str = "",
        record: str = "",
        ttl: int | str = "",
        previous_max_age: int | str = "",
        source: Source | None = None,
        *,
        domain: str = "",
        blocked_since: str = "",
        probe: Probe | None = None,
        model: SenderModel | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._now = now
        given = {
            "domain": domain, "policy": policy, "record": record, "ttl": str(ttl),
            "previous_max_age": str(previous_max_age), "blocked_since": blocked_since,
        }  # fmt: skip
        self.state = Rollback(given=given, source=source, probe=probe, model=model)
        hints = {
            "domain": "the part after the @",
            "policy": "the file as it is served",
            "record": "what dig +short TXT _mta-sts.your.example prints",
            "ttl": "seconds, or 1 h",
            "previous_max_age": "the longest one; empty: never longer than now",
        }
        self._fields: dict[str, Any] = {}
        for name, text in FIELDS.items():
            if name == "blocked_since":
                self._fields[name] = _moment_picker(blocked_since)
                self._fields[name].observe(lambda change: self._edited("blocked_since", _iso(change["new"])), "value")
                continue
            kind = ipywidgets.Textarea if name == "policy" else ipywidgets.Text
            more = {"rows": 6} if name == "policy" else {}
            self._fields[name] = kind(
                value=given[name], description=_capital(text), placeholder=hints[name], style=_WIDE_LABEL,
                layout=_WIDE if name in ("policy", "record") else {"width": "30em", "max_width": "100%"},
                continuous_update=False, **more,
            )  # fmt: skip
            self._fields[name].observe(lambda change, name=name: self._edited(name, change["new"]), names="value")
        self._make = button("Make the plan", "primary")
        self._file = button("The policy file is published")
        self._record = button("The record is published")
        self._over = button("Start over")
        self._status = ipywidgets.HTML()
        copy = {"layout": _WIDE, "style": _WIDE_LABEL}
        self._file_text = ipywidgets.Textarea(description="1. Policy file", rows=6, **copy)
        self._record_text = ipywidgets.Text(description="2. Record", **copy)
        self._result = ipywidgets.HTML()
        self._texts = ipywidgets.VBox(
            [ipywidgets.HTML("<p>To copy and paste:</p>"), self._file_text, self._record_text]
        )
        super().__init__(
            [
                *self._fields.values(),
                ipywidgets.HBox([self._make, self._file, self._record, self._over], layout=WRAP),
                self._status,
                self._texts,
                self._result,
            ]
        )
        self._make.on_click(lambda _: self.make())
        self._file.on_click(lambda _: self._published(self.state.file_published(self._now()), self._record))
        self._record.on_click(lambda _: self._published(self.state.record_published(self._now()), self._over))
        self._over.on_click(lambda _: self._to(self.state.start_over()))
        if policy.strip():
            self.make()
        else:
            self._refresh()

    @property
    def plan(self) -> RollbackPlan | None:
        """The plan for the texts in the fields; None where there is none."""
        return self.state.plan

    def make(self) -> RollbackPlan | None:
        """Make the plan for the texts in the fields, and return it; None where something is missing or wrong."""
        self._to(self.state.make(self._now()))
        return self.plan

    def _edited(self, name: str, text: str) -> None:
        self._to(self.state.edit(name, text))

    def _published(self, state: Rollback, following: Any) -> None:
        self._to(state)
        # The pressed button is disabled now; the keyboard focus would be lost with it.
        following.focus()

    def _to(self, state: Rollback) -> None:
        self.state = state
        self._refresh()

    def _refresh(self) -> None:
        state = self.state
        self._file.disabled = state.stage is not Stage.PLANNED
        self._record.disabled = state.stage is not Stage.FILE_PUBLISHED
        self._status.value = self._message()
        self._texts.layout.display = None if state.plan else "none"
        self._file_text.value = state.plan.policy if state.plan else ""
        self._record_text.value = state.plan.record if state.plan else ""
        self._result.value = self._results()

    def _message(self) -> str:
        problem = error(self.state.problem) if self.state.problem else ""
        return problem + status(self.state.message)

    def _results(self) -> str:
        """Return plan and forecast as HTML."""
        if self.state.plan is None:
            return ""
        from ..plots import alt_text, forecast, to_svg

        ax = forecast(self.state.plan)
        return picture(to_svg(ax), alt_text(ax)) + self.state.plan._repr_html_()

    def __repr__(self) -> str:
        return f"<RollbackPlanner: {self.state.stage.value}. {self.state.problem or self.state.message}>"

    def _repr_html_(self) -> str:
        texts = [(name, (Preformatted(text),)) for name, text in self.state.summary().items()]
        given = Document((Fold("Given", (Terms(texts),)),) if texts else ())
        return self._message() + to_html(given, styled=False) + self._results()
