"""The flowchart, question by question, with the evidence."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import ipywidgets

from ..diagnosis import Answer, Walk, walk_end
from ..markup import html_text
from ..render import Document, document, to_html
from ._flowchart_session import FlowchartSession
from ._static import LABEL, WRAP, Choice, Live, button, buttons, error, free_files, picture, status

if TYPE_CHECKING:
    from ..diagnosis import WalkEvidence
    from ..probe import Probe
    from ..reports import Source

__all__ = ["DiagnosticFlowchart"]

_WIDE = {"width": "44em", "max_width": "100%"}
#: How large the picture is, with the class of `_static` that makes it so.
_ZOOM: Final = {"fit": "sts-fit", "50 %": "sts-half", "100 %": "sts-full", "150 %": "sts-large"}


class DiagnosticFlowchart(Live):
    """From “mail is being deferred” or “a report shows a failure” to a cause, its fix, and how to verify it.

    What the evidence settles is answered automatically and marked as such; you can overrule it. The picture shows the
    way taken. Without a kernel, and on a published page, the same is shown as HTML.

    Parameters
    ----------
    probe : Probe, optional
        What was observed of the domain.
    archive : Archive, optional
        What was reported about it; best narrowed to one domain (`analysis.narrow`).
    start : {"deferred", "report", "no-reports"}, optional
        Where to start; by default the report if failures are reported, else deferred mail.
    evidence : WalkEvidence, optional
        Instead of probe and archive.

    Attributes
    ----------
    session : FlowchartSession
        The state behind the controls.

    Examples
    --------
    >>> widget = DiagnosticFlowchart()
    >>> widget.answer("no")
    >>> widget.walk.cause.title
    'The domain does not exist in DNS'
    """

    def __init__(
        self,
        probe: Probe | None = None,
        archive: Source | None = None,
        *,
        start: str | None = None,
        evidence: WalkEvidence | None = None,
    ) -> None:
        self._pressed: Any = None
        session = self.session = FlowchartSession(_first_walk(probe, archive, start, evidence))
        self._status = ipywidgets.HTML()
        self._question = ipywidgets.HTML()
        self._answers = {answer: button(answer.value.capitalize(), "primary") for answer in Answer}
        self._go_on = button("Take as fixed: continue")
        self._back = button("Back")
        self._restart = button("Restart")
        self._start = buttons("Start", session.starts, session.walk.start)
        self._answered = Choice("Answered", session.answered, None)
        self._new_answer = buttons("should be", [(answer.value, answer.value) for answer in Answer], Answer.YES.value)
        self._overrule = button("Overrule")
        self._target = Choice("Jump to", session.positions, session.positions[0][1])
        self._jump = button("Go there")
        self._extent = buttons("Picture", [("around this question", False), ("whole flowchart", True)], session.whole)
        self._zoom = buttons("Zoom", list(_ZOOM.items()), "sts-fit")
        self._picture = ipywidgets.HTML()
        self._steps = ipywidgets.HTML()
        self._commands = ipywidgets.Textarea(description="Commands", rows=4, layout=_WIDE, style=LABEL)
        self._name = ipywidgets.Text(description="File name", style=LABEL)
        self._export = button("Export as HTML and JSON")
        self._exported = ipywidgets.HTML()
        for wide in (self._answered, self._target):
            wide.layout.width = "44em"
        for pane, basis in ((self._question, "24em"), (self._picture, "32em")):
            pane.add_class("sts-pane")
            pane.layout.flex = f"1 1 {basis}"
            pane.layout.min_width = "min(100%, 18em)"
        self._picture.add_class(self._zoom.value)
        super().__init__(
            [
                ipywidgets.HBox([self._question, self._picture], layout=WRAP),
                ipywidgets.HBox([*self._answers.values(), self._go_on, self._back, self._restart], layout=WRAP),
                self._status,
                ipywidgets.HBox([self._extent, self._zoom], layout=WRAP),
                ipywidgets.HBox([self._target, self._jump], layout=WRAP),
                ipywidgets.HBox([self._answered, self._new_answer, self._overrule], layout=WRAP),
                self._start,
                ipywidgets.HBox([self._name, self._export, self._exported], layout=WRAP),
                self._commands,
                self._steps,
            ]
        )
        for answer, control in self._answers.items():
            control.on_click(lambda pressed, answer=answer: self._move(partial(session.answer, answer.value), pressed))
        # Lists act by a button beside them: looking through one must not move the walk.
        self._go_on.on_click(lambda pressed: self._move(session.go_on, pressed))
        self._back.on_click(lambda pressed: self._move(session.back, pressed))
        self._restart.on_click(lambda pressed: self._move(lambda: session.restart(self._start.value), pressed))
        self._overrule.on_click(lambda pressed: self._move(self._change_answer, pressed))
        self._jump.on_click(lambda pressed: self._move(lambda: session.jump(self._target.chosen), pressed))
        self._export.on_click(lambda _: self._write())
        self._extent.observe(lambda change: self._show_extent(change["new"]), names="value")
        self._zoom.observe(lambda change: self._show_zoom(change["old"], change["new"]), names="value")
        self._refresh()

    @property
    def walk(self) -> Walk:
        """The walk."""
        return self.session.walk

    def answer(self, answer: str) -> None:
        """Answer the current question: ``yes``, ``no`` or ``cannot tell``."""
        self._move(lambda: self.session.answer(answer))

    def _change_answer(self) -> None:
        if self._answered.chosen is not None:
            self.session.overrule(self._answered.chosen, self._new_answer.value)

    def _move(self, move: Callable[[], None], pressed: Any = None) -> None:
        self._pressed = pressed
        move()
        self._refresh()

    def _show_extent(self, whole: bool) -> None:
        self.session.whole = whole
        self._picture.value = self._picture_html()

    def _show_zoom(self, before: str, now: str) -> None:
        # By a class alone: the picture is not loaded again, and stays where it was scrolled to.
        self._picture.remove_class(before)
        self._picture.add_class(now)

    def _write(self) -> None:
        try:
            page, data = self.session.export(self._name.value)
            self._exported.value = status(f"Written: {page.resolve()} and {data.name}.")
        except OSError as failure:
            self._exported.value = error(str(failure))

    def _refresh(self) -> None:
        session = self.session
        # It scrolls where it is longer than its pane, by keyboard too.
        self._question.value = (
            f'<div class="sts-scroll" role="region" tabindex="0" aria-label="Question">{self._question_html()}</div>'
        )
        self._status.value = self._message()
        self._picture.value = self._picture_html()
        steps = to_html(document(self.walk), styled=False)
        self._steps.value = f"<details><summary>Step by step</summary>{steps}</details>"
        answered = session.answered
        self._answered.offer(answered, answered[0][1] if answered else None)
        self._start.value = self.walk.start
        self._commands.value = session.commands
        self._commands.layout.display = None if session.commands else "none"
        self._name.placeholder = free_files("", session.file_name, ".html", ".json")[0].stem
        self._enable()

    def _enable(self) -> None:
        """Enable the moves that can be made; where the one just made no longer can, the focus goes to the next one."""
        controls = {
            "answer": list(self._answers.values()),
            "go_on": [self._go_on],
            "back": [self._back],
            "overrule": [self._overrule],
        }
        moves = self.session.moves
        lost = False
        for move, group in controls.items():
            for control in group:
                lost = lost or (control is self._pressed and move not in moves)
                control.disabled = move not in moves
        if lost:
            self._pressed = self._go_on if "go_on" in moves else self._answers[Answer.YES]
            self._pressed.focus()

    def _message(self) -> str:
        return (error if self.session.problem else status)(self.session.message)

    def _picture_html(self) -> str:
        drawing = self.session.picture()
        return picture(drawing.svg or "", drawing.alt, scrolls=True)

    def _question_html(self) -> str:
        """Return the current question with the answer of the evidence, or the cause with what to do."""
        walk, node = self.walk, self.walk.node
        if node is None:
            return to_html(Document(walk_end(walk)), styled=False)
        observation, answer = walk.observation(), walk.evidence_answer()
        if answer is not Answer.CANNOT_TELL:
            known = f"Answer from evidence: <strong>{html_text(answer.value)}</strong>. {html_text(observation, 600)}"
        else:
            partly = f" Known: {html_text(observation, 600)}" if observation else ""
            known = f"Not answered from evidence. To answer it, check: {html_text(node.evidence)}{partly}"
        return (
            f"<h3>Question {len(walk.steps) + 1}: {html_text(node.question)}</h3>"
            f"<p>{html_text(node.help)}</p><p>{known}</p>"
        )

    def __repr__(self) -> str:
        return f"<DiagnosticFlowchart: {self.session.message}>"

    def _repr_html_(self) -> str:
        return self._picture_html() + to_html(document(self.walk))


def _first_walk(probe: Probe | None, archive: Source | None, start: str | None, evidence: WalkEvidence | None) -> Walk:
    if evidence is None and (probe is not None or archive is not None):
        from ..diagnosis import diagnose

        return diagnose(probe, archive).walk(start)
    reported = evidence is not None and evidence.result_type is not None
    return Walk(start or ("report" if reported else "deferred"), evidence)
