"""The flowchart, question by question, with the evidence at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from ..diagnosis import Answer, Walk
from ..markup import html_text
from ._consultation import Consultation, View
from ._static import Choice, Live, buttons, error, picture, status

if TYPE_CHECKING:
    from ..diagnosis import Clues
    from ..probe import Probe
    from ..reports import Source

__all__ = ["DiagnosticFlowchart"]

_WRAP = {"flex_flow": "row wrap"}
_WIDE = {"width": "44em", "max_width": "100%"}


class DiagnosticFlowchart(Live):
    """From “mail is being held back” or “a report shows a failure” to a cause, its fix, and how to verify it.

    What the evidence settles is answered by itself, and shown as such; it can be overruled. The picture shows the way
    taken. Without a kernel, and on a published page, the same is shown as HTML.

    Parameters
    ----------
    probe : Probe, optional
        What was seen of the domain.
    archive : Archive, optional
        What was reported about it; best narrowed to one domain (`diagnosis.narrow`).
    start : {"held", "report"}, optional
        Where to begin; with reports of failures at the report, else at the mail that is held back.
    clues : Clues, optional
        In place of probe and archive.

    Attributes
    ----------
    consultation : Consultation
        The state behind the controls.

    Examples
    --------
    >>> shown = DiagnosticFlowchart()
    >>> shown.answer("no")
    >>> shown.walk.cause.title
    'The domain does not exist in DNS'
    """

    def __init__(
        self,
        probe: Probe | None = None,
        archive: Source | None = None,
        *,
        start: str | None = None,
        clues: Clues | None = None,
    ) -> None:
        self.consultation = Consultation(_begin(probe, archive, start, clues))
        talk = self.consultation
        self._status = ipywidgets.HTML()
        self._question = ipywidgets.HTML()
        self._answers = {answer: _button(answer.value.capitalize(), "primary") for answer in Answer}
        self._go_on = _button("Taken as mended: look further")
        self._back = _button("Back")
        self._restart = _button("Restart")
        self._start = buttons("Start", talk.starts, talk.walk.start)
        self._passed = Choice("Passed", talk.passed, None)
        self._otherwise = buttons("is rather", [(answer.value, answer.value) for answer in Answer], Answer.YES.value)
        self._overrule = _button("Overrule")
        self._place = Choice("Jump to", talk.places, talk.places[0][1])
        self._jump = _button("Go there")
        self._view = buttons("Drawn is", [(view.value, view) for view in View], talk.view)
        self._drawn = ipywidgets.HTML()
        self._steps = ipywidgets.HTML()
        self._commands = ipywidgets.Textarea(
            description="Commands", rows=4, layout=_WIDE, style={"description_width": "8em"}
        )
        self._name = ipywidgets.Text(
            description="File name", placeholder="diagnosis", style={"description_width": "8em"}
        )
        self._replace = ipywidgets.Checkbox(
            description="replace files of that name", indent=False, layout={"width": "auto"}
        )
        self._export = _button("Export as HTML and JSON")
        for wide in (self._passed, self._place):
            wide.layout.width = "44em"
        super().__init__(
            [
                self._question,
                ipywidgets.HBox([*self._answers.values(), self._go_on, self._back], layout=_WRAP),
                self._status,
                self._commands,
                self._drawn,
                self._view,
                self._steps,
                ipywidgets.HBox([self._passed, self._otherwise, self._overrule], layout=_WRAP),
                ipywidgets.HBox([self._place, self._jump], layout=_WRAP),
                ipywidgets.HBox([self._start, self._restart], layout=_WRAP),
                ipywidgets.HBox([self._name, self._replace, self._export], layout=_WRAP),
            ]
        )
        for answer, button in self._answers.items():
            button.on_click(lambda _, answer=answer: self.answer(answer.value))
        # Lists act by a button beside them: looking through one must not move the walk.
        self._go_on.on_click(lambda _: self._move(talk.go_on))
        self._back.on_click(lambda _: self._move(talk.back))
        self._restart.on_click(lambda _: self._move(lambda: talk.restart(self._start.value)))
        self._overrule.on_click(lambda _: self._move(self._overruled))
        self._jump.on_click(lambda _: self._move(lambda: talk.jump(self._place.chosen)))
        self._export.on_click(lambda _: self._write())
        self._view.observe(lambda change: self._look(change["new"]), names="value")
        self._refresh()

    @property
    def walk(self) -> Walk:
        """Where one stands."""
        return self.consultation.walk

    def answer(self, answer: str) -> None:
        """Answer the present question: ``yes``, ``no`` or ``cannot tell``."""
        self._move(lambda: self.consultation.answer(answer))

    def _overruled(self) -> None:
        if self._passed.chosen is not None:
            self.consultation.overrule(self._passed.chosen, self._otherwise.value)

    def _move(self, move: Any) -> None:
        move()
        self._refresh()

    def _look(self, view: View) -> None:
        self.consultation.view = view
        self._drawn.value = self._picture()

    def _write(self) -> None:
        try:
            self.consultation.export(self._name.value, replace=self._replace.value)
            self._status.value = self._message()
        except (OSError, ValueError) as failure:
            self._status.value = error(str(failure))

    def _refresh(self) -> None:
        talk = self.consultation
        ended = talk.walk.cause is not None
        self._question.value = self._asked()
        self._status.value = self._message()
        self._drawn.value = self._picture()
        self._steps.value = f"<details><summary>Step by step</summary>{talk.walk.to_html()}</details>"
        self._passed.offer(talk.passed, talk.passed[0][1] if talk.passed else None)
        self._start.value = talk.walk.start
        self._commands.value = talk.commands
        # Out of sight, not disabled: a button that is disabled while it has the focus loses it.
        self._commands.layout.display = None if ended else "none"
        self._go_on.layout.display = None if ended else "none"

    def _message(self) -> str:
        return (error if self.consultation.problem else status)(self.consultation.message)

    def _picture(self) -> str:
        drawn = self.consultation.picture()
        # The whole flowchart made to fit could not be read.
        return picture(drawn.svg or "", drawn.alt, scrolls=self.consultation.view is View.WHOLE)

    def _asked(self) -> str:
        """Return the present question with what the evidence says to it, or the cause with what to do."""
        walk = self.walk
        node, cause = walk.node, walk.cause
        if cause is not None:
            return f"<p>The end of the way.</p>{walk.end_html()}"
        assert node is not None
        seen, settled = walk.evidence(), walk.settled()
        if settled is not Answer.CANNOT_TELL:
            found = f"The evidence says <strong>{html_text(settled.value)}</strong>: {html_text(seen, 600)}"
        else:
            known = f" So far: {html_text(seen, 600)}" if seen else ""
            found = f"The evidence cannot tell. It would need: {html_text(node.evidence)}{known}"
        return (
            f"<h3>Question {len(walk.steps) + 1}: {html_text(node.question)}</h3>"
            f"<p>{html_text(node.help)}</p><p>{found}</p>"
        )

    def __repr__(self) -> str:
        return f"<DiagnosticFlowchart: {self.consultation.message}>"

    def _repr_html_(self) -> str:
        return self._picture() + self.walk.to_html()


def _button(text: str, style: str = "") -> Any:
    return ipywidgets.Button(description=text, button_style=style, layout={"width": "auto", "min_width": "8em"})


def _begin(probe: Probe | None, archive: Source | None, start: str | None, clues: Clues | None) -> Walk:
    if clues is None and (probe is not None or archive is not None):
        from ..diagnosis import diagnose

        return diagnose(probe, archive).walk(start)
    reported = clues is not None and clues.result_type is not None
    return Walk(start or ("report" if reported else "held"), clues)
