"""The state behind `DiagnosticFlowchart`: a walk, what its controls offer, and its export as a page. Knows no widget."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..diagnosis import AnsweredBy
from ..files import write_file
from ..markup import html_text, one_line
from ..plots import flowchart
from ..render import document, style, to_html
from ._static import free_files, picture

if TYPE_CHECKING:
    from pathlib import Path

    from ..diagnosis import Walk
    from ..plots import Picture

__all__ = ["FlowchartSession"]

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
_PAGE_STYLE: Final = (
    ":root{color-scheme:light dark;--ground:#fff;--text:#1a1f26;--quiet:#525c68}"
    "@media(prefers-color-scheme:dark){:root{--ground:#14181d;--text:#e7eaee;--quiet:#a9b4c0}}"
    "*{box-sizing:border-box}html{font:100%/1.55 system-ui,-apple-system,Segoe UI,Roboto,Noto Sans,DejaVu Sans,sans-serif}"
    "body{margin:0 auto;max-width:56rem;padding:1.5rem 1.1rem 4rem;background:var(--ground);color:var(--text)}"
    "h1{font-size:1.6rem;line-height:1.25}h3{margin-top:1.8rem}footer{color:var(--quiet)}"
    "code,pre{font:.875em/1.5 ui-monospace,SF Mono,Menlo,Consolas,DejaVu Sans Mono,monospace}pre code{font-size:1em}"
    "figure{margin:1rem 0;overflow:auto;max-height:48rem}figure img{max-width:none}"
    ":focus-visible{outline:3px solid #0a58a8;outline-offset:2px}"
    "@media print{figure{max-height:none}figure img{max-width:100%;height:auto}pre,li,figure{break-inside:avoid}}"
)


class FlowchartSession:
    """One walk, the message after its last move, and how much of the flowchart is shown.

    Each move leaves a sentence in `message`. A move that is not possible changes nothing, and the message says why.

    Parameters
    ----------
    walk : Walk
        Where to start.

    Attributes
    ----------
    walk : Walk
        The walk.
    message : str
        What the last move did, in a sentence.
    problem : bool
        Whether the last move was not possible.
    whole : bool
        Whether the whole flowchart is shown, not only the part around the current position.

    Examples
    --------
    >>> from mtasts_nb.diagnosis import Walk
    >>> session = FlowchartSession(Walk("deferred"))
    >>> session.answer("no")
    >>> session.message
    'You answered no. The walk ends here: The domain does not exist in DNS.'
    """

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.whole = False
        self.problem = False
        self.message = f"{self._from_evidence(0)}{self._where()}"

    def answer(self, answer: str) -> None:
        """Answer the current question."""
        node = self.walk.node
        self._move(lambda: self.walk.answer(answer), f"You answered {answer}.", since=node.id if node else None)

    def overrule(self, number: int, answer: str) -> None:
        """Change the answer at a step (from 0)."""
        position = self.walk.steps[number].position
        self._move(
            lambda: self.walk.overrule(position, answer),
            f"Your answer at step {number + 1} is now {answer}.",
            since=position,
        )

    def back(self) -> None:
        """Go back to the last question that a person answered."""
        if not self.walk.steps:
            self._report("This is the beginning.", problem=True)
            return
        self._move(self.walk.back, "Back.", count=False)

    def restart(self, start: str | None = None) -> None:
        """Start again, from another start if one is given."""
        self._move(lambda: self.walk.restart(start), "From the beginning.", first=0)

    def jump(self, position: str) -> None:
        """Go to a question or a cause from anywhere."""
        self._move(lambda: self.walk.jump(position), "Jumped.", count=False)

    def go_on(self) -> None:
        """Take the cause at the end of the walk as fixed and look for the next one."""
        self._move(self.walk.go_on, "Taken as fixed.")

    @property
    def answered(self) -> list[tuple[str, int]]:
        """The answers that can be changed: a line and the number of the step, the last first."""
        title = self.walk.chart.title
        return [
            (f"{number + 1}. {one_line(title(step.position), 90)} – {step.answer.value}, by {step.by.value}", number)
            for number, step in reversed(list(enumerate(self.walk.steps)))
            if step.answer is not None
        ]

    @property
    def positions(self) -> list[tuple[str, str]]:
        """Where one can jump to: a line and the position, with its area, questions first."""
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
        """Where a walk can start: title and name."""
        return [(title, name) for name, title in self.walk.chart.start_titles.items()]

    @property
    def commands(self) -> str:
        """The shell commands that confirm the cause, a line each; empty if the walk has not ended."""
        commands = self.walk.to_json().get("cause", {}).get("commands", [])
        return "\n".join(command["shell"] for command in commands)

    def picture(self) -> Picture:
        """Return the flowchart with the path taken."""
        return flowchart(self.walk, whole=self.whole)

    def page(self) -> str:
        """Return the walk as one HTML file: the picture, every step, and the end."""
        sheet = _PAGE_STYLE + style()
        digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
        domain = self.walk.evidence.domain
        title = html_text(f"Diagnosis of {domain}" if domain else "Diagnosis", 300)
        end = self.walk.chart.title(self.walk.position) if self.walk.cause else "not reached, a question is open"
        drawing = self.picture()
        policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="referrer" content="no-referrer">'
            f'<title>{title}</title><link rel="icon" href="data:,"><style>{sheet}</style></head>'
            f"<body><main><h1>{title}</h1><p>Result: <strong>{html_text(end, 300)}</strong></p>"
            f"{picture(drawing.svg or '', drawing.alt, scrolls=True)}<h2>Step by step</h2>"
            f"{to_html(document(self.walk), styled=False)}</main>"
            "<footer><p>Made with mtasts-nb. This file contains no script and loads nothing.</p></footer></body></html>\n"
        )

    @property
    def moves(self) -> frozenset[str]:
        """The moves that can be made now, by the names of their methods; one can jump and restart at any time."""
        possible = {
            "answer": self.walk.cause is None,
            "overrule": bool(self.answered),
            "back": bool(self.walk.steps),
            "go_on": self.walk.cause is not None,
        }
        return frozenset(move for move, can in possible.items() if can)

    @property
    def file_name(self) -> str:
        """What an export is called where no name is given; it may hold a stranger's characters."""
        return f"diagnosis-{self.walk.evidence.domain or ''}"

    def export(self, name: str = "") -> tuple[Path, Path]:
        """Write the walk as ``name.html`` and ``name.json``; return the two files. No file is replaced.

        Raises
        ------
        OSError
            They cannot be written.
        """
        page, data = free_files(name, self.file_name, ".html", ".json")
        write_file(page, self.page().encode("utf-8"))
        write_file(data, (json.dumps(self.walk.to_json(), indent=2, ensure_ascii=False) + "\n").encode("utf-8"))
        return page, data

    def _move(
        self,
        move: Callable[[], None],
        done: str,
        *,
        since: str | None = None,
        first: int | None = None,
        count: bool = True,
    ) -> None:
        """Make a move and leave its message; `since` or `first` is from where answers of the evidence are counted."""
        before = len(self.walk.steps) if first is None else first
        try:
            move()
        except ValueError as failure:
            self._report(str(failure), problem=True)
            return
        passed = [number for number, step in enumerate(self.walk.steps) if step.position == since]
        counted = self._from_evidence(passed[-1] + 1 if passed else before) if count else ""
        self._report(f"{done} {counted}{self._where()}")

    def _report(self, text: str, *, problem: bool = False) -> None:
        self.message, self.problem = text, problem

    def _from_evidence(self, first: int) -> str:
        count = sum(step.by is AnsweredBy.EVIDENCE for step in self.walk.steps[first:])
        if not count:
            return ""
        return f"The evidence answered the next {f'{count} questions' if count > 1 else 'question'}. "

    def _where(self) -> str:
        node, cause = self.walk.node, self.walk.cause
        if cause is not None:
            return f"The walk ends here: {one_line(cause.title, 200)}."
        return f"Current question: {one_line(node.question, 200)}" if node is not None else ""
