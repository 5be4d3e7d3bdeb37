"""Fields, a plan, the forecast, and the texts to copy, for a rollback from enforce."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ipywidgets

from ..markup import html_text
from ..settings import utc_now
from ._rollback_steps import FIELDS, Rollback, Stage
from ._static import Live, error, picture, said

if TYPE_CHECKING:
    from ..reports import Source
    from ..rollout import RollbackPlan, SenderModel

__all__ = ["RollbackPlanner"]

_WIDE = {"width": "44em", "max_width": "100%"}
_NARROW = {"width": "22em", "max_width": "100%"}
_LABEL = {"description_width": "11em"}


class RollbackPlanner(Live):
    """What to publish to get from enforce to testing, in the right order, and when senders come back.

    Two buttons say what is published, the file before the record (RFC 8461 §8.1); from then on the forecast counts. The
    plan is in `.plan` for the cells below. Without a kernel, and on a published page, the same is shown as HTML.

    Parameters
    ----------
    policy, record : str
        What the fields hold at first: policy file and `_mta-sts` record as they are now.
    ttl : int or str
        Of that record; seconds, or ``1 h``.
    previous_max_age : int or str
        The longest max_age of the policies before this one; empty: none.
    source : Source, optional
        Reports about the domain, from which the forecast learns.
    domain : str
        The policy domain.
    blocked_since : str
        Since when mail is held back, ``2026-02-08T09:00`` in UTC; empty: not known.
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
        model: SenderModel | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._now = now
        given = {
            "domain": domain, "policy": policy, "record": record, "ttl": str(ttl),
            "previous_max_age": str(previous_max_age), "blocked_since": blocked_since,
        }  # fmt: skip
        self.state = Rollback(given=given, source=source, model=model)
        hints = {
            "domain": "what stands after the @",
            "policy": "the file as it is served",
            "record": "what dig +short TXT _mta-sts.your.example prints",
            "ttl": "seconds, or 1 h",
            "previous_max_age": "the longest one; empty: never longer than now",
            "blocked_since": "2026-02-08T09:00, UTC; empty: not known",
        }
        self._fields: dict[str, Any] = {}
        for name, words in FIELDS.items():
            kind = ipywidgets.Textarea if name == "policy" else ipywidgets.Text
            more = {"rows": 6} if name == "policy" else {}
            self._fields[name] = kind(
                value=given[name], description=f"{words[0].upper()}{words[1:]}", placeholder=hints[name], style=_LABEL,
                layout=_WIDE if name in ("policy", "record") else {"width": "30em", "max_width": "100%"},
                continuous_update=False, **more,
            )  # fmt: skip
            self._fields[name].observe(lambda change, name=name: self._edited(name, change["new"]), names="value")
        self._make = ipywidgets.Button(description="Make the plan", button_style="primary", layout=_NARROW)
        self._file = ipywidgets.Button(description="The policy file is published", layout=_NARROW)
        self._record = ipywidgets.Button(description="The record is published", layout=_NARROW)
        self._over = ipywidgets.Button(description="Start over", layout=_NARROW)
        self._status = ipywidgets.HTML()
        copy = {"layout": _WIDE, "style": _LABEL}
        self._file_text = ipywidgets.Textarea(description="1. Policy file", rows=6, **copy)
        self._record_text = ipywidgets.Text(description="2. Record", **copy)
        self._result = ipywidgets.HTML()
        self._texts = ipywidgets.VBox(
            [ipywidgets.HTML("<p>To copy and paste:</p>"), self._file_text, self._record_text]
        )
        wrap = {"flex_flow": "row wrap"}
        super().__init__(
            [
                *self._fields.values(),
                ipywidgets.HBox([self._make, self._file, self._record, self._over], layout=wrap),
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
        """The plan for what stands in the fields; None where there is none."""
        return self.state.plan

    def make(self) -> RollbackPlan | None:
        """Make the plan for what stands in the fields, and return it; None where something is missing or wrong."""
        self._to(self.state.make(self._now()))
        return self.plan

    def _edited(self, name: str, text: str) -> None:
        self._to(self.state.edit(name, text))

    def _published(self, state: Rollback, following: Any) -> None:
        self._to(state)
        # The button pressed is disabled now; the keyboard's focus would be lost with it.
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
        self._result.value = self._shown()

    def _message(self) -> str:
        problem = error(self.state.problem) if self.state.problem else ""
        return problem + said(self.state.message)

    def _shown(self) -> str:
        """Return plan and forecast as HTML."""
        if self.state.plan is None:
            return ""
        from ..plots import alt_text, forecast, to_svg

        ax = forecast(self.state.plan)
        return picture(to_svg(ax), alt_text(ax)) + self.state.plan._repr_html_()

    def __repr__(self) -> str:
        return f"<RollbackPlanner: {self.state.stage.value}. {self.state.problem or self.state.message}>"

    def _repr_html_(self) -> str:
        given = "".join(
            f"<dt>{html_text(name)}</dt><dd><pre>{html_text(text, 4000)}</pre></dd>"
            for name, text in self.state.summary().items()
        )
        entered = f"<details><summary>What was given</summary><dl>{given}</dl></details>" if given else ""
        return self._message() + entered + self._shown()
