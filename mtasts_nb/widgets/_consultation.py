"""A walk through the flowchart with what its controls offer, say and write. Knows no widget."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..markup import one_line
from ..plots import flowchart as drawing
from ._walk_page import page

if TYPE_CHECKING:
    from ..diagnosis import Walk
    from ..plots import Picture

__all__ = ["Consultation", "View"]

_AREAS: Final = {
    "start": "Report",
    "mx": "MX hosts",
    "mx-certificate": "Certificate of an MX host",
    "dane": "DANE",
    "record": "Record",
    "policy-host": "Policy host",
    "policy-certificate": "Certificate of the policy host",
    "policy-file": "Policy file",
    "reporting": "Reporting",
    "sender": "Senders",
}


class View(StrEnum):
    """How much of the flowchart is drawn."""

    WAY = "the way taken"
    EVERY_STEP = "every question of the way"
    WHOLE = "the whole flowchart"


class Consultation:
    """One walk, the last thing there is to say about it, and how it is drawn.

    Each move leaves a sentence in `message`. What cannot be done changes nothing, and says why.

    Parameters
    ----------
    walk : Walk
        Where to begin.

    Attributes
    ----------
    walk : Walk
        Where one stands.
    message : str
        What the last move did, in a sentence.
    problem : bool
        Whether the last move could not be made.
    view : View
        What `picture` shows.

    Examples
    --------
    >>> from mtasts_nb.diagnosis import Walk
    >>> talk = Consultation(Walk("held"))
    >>> talk.answer("no")
    >>> talk.message
    'You answered no. This is the end of the way: The domain does not exist in DNS.'
    """

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.view = View.WAY
        self.problem = False
        self.message = f"{self._by_evidence(0)}{self._where()}"

    # -- moving

    def answer(self, answer: str) -> None:
        """Answer the present question."""
        asked = self.walk.node
        self._do(lambda: self.walk.answer(answer), f"You answered {answer}.", since=asked.id if asked else None)

    def overrule(self, number: int, answer: str) -> None:
        """Answer the question passed at a step (from 0) otherwise."""
        place = self.walk.steps[number].place
        self._do(
            lambda: self.walk.overrule(place, answer),
            f"Step {number + 1} is now answered {answer}, by you.",
            since=place,
        )

    def back(self) -> None:
        """Go back to the last question that a person answered."""
        if not self.walk.steps:
            self._say("This is the beginning.", problem=True)
            return
        self._do(self.walk.back, "Back.", by_evidence=False)

    def restart(self, start: str | None = None) -> None:
        """Begin anew, from another start if one is given."""
        self._do(lambda: self.walk.restart(start), "From the beginning.", anew=True)

    def jump(self, place: str) -> None:
        """Go to a question or a cause from anywhere."""
        self._do(lambda: self.walk.jump(place), "Jumped.", by_evidence=False)

    def go_on(self) -> None:
        """Take the cause that was found as mended and look for the next."""
        self._do(self.walk.go_on, "Taken as mended.")

    # -- what there is

    @property
    def passed(self) -> list[tuple[str, int]]:
        """The questions passed that can be answered otherwise: a line and the number of the step, the last first."""
        steps = list(enumerate(self.walk.steps))
        return [
            (
                f"{number + 1}. {one_line(self.walk.chart.title(step.place), 90)} – {step.answer.value}, by {step.by}",
                number,
            )
            for number, step in reversed(steps)
            if step.answer is not None
        ]

    @property
    def places(self) -> list[tuple[str, str]]:
        """Where one can jump to: a line and the place, by area, questions first."""
        chart = self.walk.chart
        questions = [
            (f"{_AREAS.get(node.area, node.area)}: {one_line(node.question, 110)}", name)
            for name, node in chart.nodes.items()
        ]
        causes = [
            (f"Cause, {_AREAS.get(leaf.area, leaf.area)}: {one_line(leaf.title, 100)}", code)
            for code, leaf in chart.leaves.items()
        ]
        return [*questions, *causes]

    @property
    def starts(self) -> list[tuple[str, str]]:
        """Where a walk can begin: title and name."""
        return [(title, name) for name, title in self.walk.chart.start_titles.items()]

    @property
    def commands(self) -> str:
        """The shell commands that confirm the cause, a line each; empty where the walk has not ended."""
        told = self.walk.to_json().get("cause", {}).get("commands", [])
        return "\n".join(command["shell"] for command in told)

    def picture(self) -> Picture:
        """Return the flowchart with the way lit, as much of it as `view` says."""
        chart = self.walk.chart
        return drawing(chart, self.walk, whole_chart=self.view is View.WHOLE, fold=self.view is View.WAY)

    # -- writing

    def page(self) -> str:
        """Return the walk as one HTML file: the picture, every step, and the end."""
        return page(self.walk, self.picture())

    def export(self, name: str, *, replace: bool = False) -> tuple[Path, Path]:
        """Write the walk as ``name.html`` and ``name.json``; return the two files.

        Raises
        ------
        ValueError
            There is no name, or such a file is there and not `replace`.
        OSError
            They cannot be written.
        """
        given = name.strip().removesuffix(".html").removesuffix(".json")
        if not given:
            raise ValueError("give the files a name, for example diagnosis.")
        base = Path(given).expanduser()
        files = base.with_name(base.name + ".html"), base.with_name(base.name + ".json")
        there = [file.name for file in files if file.exists()]
        if there and not replace:
            raise ValueError(f"{one_line(', '.join(there))} is there already: choose another name, or tick “replace”.")
        files[0].write_text(self.page(), encoding="utf-8")
        files[1].write_text(json.dumps(self.walk.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        self._say(f"Written: {one_line(files[0].resolve())} and {one_line(files[1].name)}.")
        return files

    # -- saying

    def _do(
        self,
        move: Callable[[], None],
        done: str,
        *,
        since: str | None = None,
        anew: bool = False,
        by_evidence: bool = True,
    ) -> None:
        before = 0 if anew else len(self.walk.steps)
        try:
            move()
        except ValueError as failure:
            self._say(str(failure), problem=True)
            return
        passed = [number for number, step in enumerate(self.walk.steps) if step.place == since]
        first = passed[-1] + 1 if passed else before
        told = self._by_evidence(first) if by_evidence else ""
        self._say(f"{done} {told}{self._where()}")

    def _say(self, text: str, *, problem: bool = False) -> None:
        self.message, self.problem = text, problem

    def _by_evidence(self, first: int) -> str:
        count = sum(step.by == "evidence" for step in self.walk.steps[first:])
        if not count:
            return ""
        return (
            f"The evidence answered the next {count} questions. "
            if count > 1
            else "The evidence answered the next question. "
        )

    def _where(self) -> str:
        node, cause = self.walk.node, self.walk.cause
        if cause is not None:
            return f"This is the end of the way: {one_line(cause.title, 200)}."
        return f"The question now: {one_line(node.question, 200)}" if node is not None else ""
