"""A walk through the flowchart: the current question or cause, and who gave each answer, the evidence or a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from ...knowledge import CauseText
from ...render import Rendered
from ._flow import Answer, Flowchart, Node, flowchart

__all__ = ["AnsweredBy", "Walk", "WalkEvidence", "WalkStep"]


class AnsweredBy(StrEnum):
    """How a position was left: by an answer of the evidence or of a person, from a cause taken as fixed, by a jump."""

    EVIDENCE = "evidence"
    YOU = "you"
    FIXED = "fixed"
    JUMP = "jump"


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkEvidence:
    """What a probe and reports contribute to a walk.

    Attributes
    ----------
    causes : mapping of str to str
        The causes that are shown, by code, each with what shows it.
    observed : mapping of str to str
        What was observed, by the words of `Node.needs`, each with the observation.
    result_type : str or None
        The reported result type that is looked into.
    reported : str
        Where that result type was reported: one sentence.
    domain, mx : str
        For the commands; empty if not known.
    providers : tuple of str
        Who runs the domain's hosts, where known.
    """

    causes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    observed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    result_type: str | None = None
    reported: str = ""
    domain: str = ""
    mx: str = ""
    providers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkStep:
    """One position that was passed.

    Attributes
    ----------
    position : str
        The id of a node, or the code of a cause that was taken as fixed to go on.
    answer : Answer or None
        None for a jump, and for a cause that was taken as fixed.
    by : AnsweredBy
        Who answered.
    evidence_answer : Answer
        The answer of the evidence, whether or not a person answered.
    observation : str
        The observations that support the answer of the evidence.
    """

    position: str
    answer: Answer | None
    by: AnsweredBy
    evidence_answer: Answer
    observation: str

    @property
    def overruled(self) -> bool:
        """Whether a person gave a different answer than the evidence."""
        return self.by is AnsweredBy.YOU and self.evidence_answer not in (Answer.CANNOT_TELL, self.answer)


class Walk(Rendered):
    """A walk through the flowchart, from one of its starts to a cause.

    The evidence answers what it can. The walk stops at a cause, and at the first question that the evidence cannot
    answer, unless the evidence shows a cause further on: then the question is left open.

    Parameters
    ----------
    start : str
        ``deferred``: mail is being deferred; ``report``: a report shows a failure.
    evidence : WalkEvidence, optional
        Without it, every question is for a person.

    Raises
    ------
    ValueError
        There is no such start.

    Examples
    --------
    >>> walk = Walk("report", WalkEvidence(result_type="sts-webpki-invalid"))
    >>> walk.node.question
    'Fundamental 3 of 3: is the certificate of the policy host valid?'
    >>> [step.answer.value for step in walk.steps]
    ['yes', 'yes']
    >>> for answer in ("no", "no", "yes"):
    ...     walk.answer(answer)
    >>> walk.cause.title
    'The certificate of the policy host has expired'
    """

    def __init__(self, start: str = "deferred", evidence: WalkEvidence | None = None) -> None:
        self.chart: Flowchart = flowchart()
        self.evidence = evidence or WalkEvidence()
        self._start = start
        self._steps: list[WalkStep] = []
        self._by_hand: dict[str, Answer] = {}
        self._position = ""
        self.restart(start)

    @property
    def start(self) -> str:
        """``deferred`` or ``report``."""
        return self._start

    @property
    def position(self) -> str:
        """The id of the current node, or the code of the cause at which the walk has ended."""
        return self._position

    @property
    def steps(self) -> tuple[WalkStep, ...]:
        """The positions passed, in order; the current one is not among them."""
        return tuple(self._steps)

    @property
    def node(self) -> Node | None:
        """The current question; None at a cause."""
        return self.chart.nodes.get(self._position)

    @property
    def cause(self) -> CauseText | None:
        """The cause at which the walk has ended; None while there is a question."""
        return self.chart.leaves.get(self._position)

    @property
    def fixed(self) -> frozenset[str]:
        """The causes that were taken as fixed to go on."""
        return frozenset(step.position for step in self._steps if step.by is AnsweredBy.FIXED)

    @property
    def path(self) -> tuple[str, ...]:
        """Every position, the current one last."""
        return (*(step.position for step in self._steps), self._position)

    @property
    def edges(self) -> tuple[tuple[str, Answer, str], ...]:
        """Every edge taken: from, answer, to; without jumps."""
        pairs = zip(self._steps, self.path[1:], strict=True)
        return tuple((step.position, step.answer, end) for step, end in pairs if step.answer is not None)

    def evidence_answer(self, position: str | None = None) -> Answer:
        """Return the answer of the evidence to a question, by default the current one."""
        node = self.chart.nodes.get(position or self._position)
        if node is None:
            return Answer.CANNOT_TELL
        return self.chart.answer(node, self._open_causes, self.evidence.observed.keys(), self.evidence.result_type)

    def observation(self, position: str | None = None) -> str:
        """Return what was observed about a question or a cause; empty if nothing was."""
        here = position or self._position
        if here in self.chart.leaves:
            return self.evidence.causes.get(here, "")
        node = self.chart.nodes[here]
        if node.problem is None:
            return self.evidence.reported if self.evidence.result_type else ""
        if self.evidence_answer(here) is node.problem:
            branch = self.chart.branches[here] - self.fixed
            return "; ".join(text for code, text in self.evidence.causes.items() if code in branch)
        return "; ".join(self.evidence.observed[need] for need in node.needs if need in self.evidence.observed)

    @property
    def _open_causes(self) -> frozenset[str]:
        return frozenset(self.evidence.causes) - self.fixed

    def answer(self, answer: Answer | str) -> None:
        """Answer the current question, and go on as far as the evidence leads.

        Raises
        ------
        ValueError
            The answer is none of ``yes``, ``no``, ``cannot tell``; or there is no question to answer.
        """
        node = self.node
        if node is None:
            raise ValueError("The walk has ended at a cause: there is no question to answer. Go on, back, or restart.")
        given = Answer(answer)
        self._by_hand[node.id] = given
        self._take(node, given, AnsweredBy.YOU)
        self.advance()

    def advance(self) -> None:
        """Go on as far as the evidence and earlier answers of a person lead."""
        while (node := self.node) is not None:
            if node.id in self._by_hand:
                self._take(node, self._by_hand[node.id], AnsweredBy.YOU)
                continue
            answer = self.evidence_answer()
            if answer is Answer.CANNOT_TELL and not self._leads_on(node):
                return
            self._take(node, answer, AnsweredBy.EVIDENCE)

    def _leads_on(self, node: Node) -> bool:
        """Return whether the evidence shows a cause further on: then this question is left open."""
        return not self.chart.reachable(node.to[Answer.CANNOT_TELL]).isdisjoint(self._open_causes)

    def overrule(self, position: str, answer: Answer | str) -> None:
        """Change the answer to a question that was passed, and go on from there.

        Raises
        ------
        ValueError
            The walk has not passed that question, or the answer is none of the three.
        """
        given = Answer(answer)
        passed = [
            number for number, step in enumerate(self._steps) if step.position == position and step.answer is not None
        ]
        if not passed:
            raise ValueError(
                f"The walk has not passed {position!r}; it has passed {', '.join(self.path[:-1]) or 'nothing'}."
            )
        self._cut(passed[-1])
        self.answer(given)

    def back(self) -> None:
        """Go back to the last question that a person answered, or if there is none, to the previous one."""
        if not self._steps:
            return
        by_hand = [number for number, step in enumerate(self._steps) if step.by is not AnsweredBy.EVIDENCE]
        self._cut(by_hand[-1] if by_hand else len(self._steps) - 1)

    def restart(self, start: str | None = None) -> None:
        """Start again, with no answers but those of the evidence.

        Raises
        ------
        ValueError
            There is no such start.
        """
        name = start or self._start
        if name not in self.chart.starts:
            raise ValueError(f"There is no start {name!r}; there is {', '.join(self.chart.starts)}.")
        self._start, self._steps, self._position = name, [], self.chart.starts[name]
        self._by_hand.clear()
        self.advance()

    def jump(self, position: str) -> None:
        """Go to a question or a cause from anywhere; a question is asked even if the evidence answers it.

        Raises
        ------
        ValueError
            There is no such position.
        """
        if position not in self.chart.nodes and position not in self.chart.leaves:
            raise ValueError(f"The flowchart has no {position!r}.")
        if position == self._position:
            return
        self._append(None, AnsweredBy.JUMP, self.evidence_answer())
        self._by_hand.pop(position, None)
        self._position = position

    def go_on(self) -> None:
        """Take the cause at which the walk has ended as fixed, and look for the next one.

        Raises
        ------
        ValueError
            The walk has not ended at a cause, or there is nothing after it.
        """
        leaf = self._position
        if leaf not in self.chart.leaves:
            raise ValueError("The walk has not ended at a cause: answer the question first.")
        fork = next(
            (
                node
                for step in self._steps
                if (node := self.chart.nodes.get(step.position)) is not None
                and node.problem is not None
                and leaf in self.chart.branches[node.id]
                and step.answer is node.problem
            ),
            None,
        )
        if fork is None or fork.problem is None or fork.all_clear is None:
            raise ValueError("There is nothing after this: the walk is at its end.")
        self._append(None, AnsweredBy.FIXED, Answer.CANNOT_TELL)
        # Answers given inside the branch were about this cause.
        for name in (fork.id, *self.chart.reachable(fork.to[fork.problem])):
            self._by_hand.pop(name, None)
        more = self.evidence_answer(fork.id) is fork.problem
        self._position = fork.id if more else fork.to[fork.all_clear]
        self.advance()

    def _take(self, node: Node, answer: Answer, by: AnsweredBy) -> None:
        self._append(answer, by, self.evidence_answer())
        self._position = node.to[answer]

    def _append(self, answer: Answer | None, by: AnsweredBy, evidence_answer: Answer) -> None:
        self._steps.append(
            WalkStep(
                position=self._position,
                answer=answer,
                by=by,
                evidence_answer=evidence_answer,
                observation=self.observation(),
            )
        )

    def _cut(self, number: int) -> None:
        """Undo every step from a number on, and the answers given by hand in them."""
        self._position = self._steps[number].position
        for step in self._steps[number:]:
            self._by_hand.pop(step.position, None)
        del self._steps[number:]

    def to_json(self) -> dict[str, Any]:
        """Return the walk as plain data: start, each step with who answered it and from what evidence, and the end."""
        chart, cause, evidence = self.chart, self.cause, self.evidence
        data: dict[str, Any] = {
            "start": self.start,
            "start_title": chart.start_titles[self.start],
            "domain": evidence.domain,
            "result_type": evidence.result_type,
            "steps": [
                {
                    "position": step.position,
                    "question": chart.title(step.position),
                    "answer": None if step.answer is None else step.answer.value,
                    "by": step.by.value,
                    "evidence_answer": step.evidence_answer.value,
                    "overruled": step.overruled,
                    "evidence": step.observation,
                }
                for step in self.steps
            ],
            "position": self.position,
            "title": chart.title(self.position),
            "ended": cause is not None,
        }
        if cause is not None:
            domain = evidence.domain
            data["cause"] = {
                "code": cause.code,
                "title": cause.title,
                "meaning": cause.meaning(domain),
                "evidence": self.observation(),
                "effect": dict(cause.effect),
                "commands": [
                    {"shell": command.shell, "shows": command.shows}
                    for command in cause.commands(domain or None, evidence.mx or None)
                ],
                "fix": cause.fix(domain),
                "prevent": cause.prevent(domain),
                "providers": self.provider_notes(),
                "verify": cause.verify(domain),
                "rfc": cause.rfc,
            }
        return data

    def provider_notes(self) -> dict[str, str]:
        """Return what is different about the fix at each of the domain's providers; empty while there is no cause."""
        if self.cause is None:
            return {}
        notes = {name: self.cause.at_provider(name, self.evidence.domain) for name in self.evidence.providers}
        return {name: note for name, note in notes.items() if note}

    def __repr__(self) -> str:
        kind = "cause" if self.cause else "question"
        return f"<Walk from {self._start!r}: {len(self._steps)} steps, at the {kind} {self._position!r}>"
