"""A walk through the flowchart: where one stands, which answers the evidence made, and which a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ...knowledge import CauseText
from ._flow import Answer, Flowchart, Node, flowchart

__all__ = ["Clues", "Walk", "WalkStep"]

#: Who made an answer.
BY_EVIDENCE, BY_HAND, MENDED, JUMPED = "evidence", "you", "mended", "jump"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What evidence has to say to the flowchart.

    Attributes
    ----------
    found : mapping of str to str
        The causes that it shows, by code, each with what shows it.
    observed : mapping of str to str
        What was observed, by the words of `Node.needs`, each with what was seen.
    result_type : str or None
        The result type in the reports that is looked into.
    reported : str
        Where that result type was reported: in a sentence.
    domain, mx : str
        For the commands; empty where not known.
    providers : tuple of str
        Who runs the domain's hosts, where known.
    """

    found: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    observed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    result_type: str | None = None
    reported: str = ""
    domain: str = ""
    mx: str = ""
    providers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkStep:
    """One place passed.

    Attributes
    ----------
    place : str
        The id of a node, or the code of a cause that was taken as mended to go on.
    answer : Answer or None
        None where one jumped away, or went on from a cause.
    by : str
        ``evidence``, ``you``, ``mended`` or ``jump``.
    settled : Answer
        What the evidence says, whoever answered; ``cannot tell`` where it says nothing.
    evidence : str
        What was seen, as far as it settles the answer.
    """

    place: str
    answer: Answer | None
    by: str
    settled: Answer
    evidence: str

    @property
    def overruled(self) -> bool:
        """Whether a person answered otherwise than the evidence."""
        return self.by == BY_HAND and self.settled not in (Answer.CANNOT_TELL, self.answer)


class Walk:
    """A walk through the flowchart, from one of its starts to a cause. Holds no widget and asks nobody.

    What the evidence settles is answered at once, and shown as such; the walk stops at a cause, and at the first question
    that the evidence cannot tell, unless it shows a cause further on: then the question is left open.

    Parameters
    ----------
    start : str
        ``held``: mail is being held back; ``report``: a report shows a failure.
    clues : Clues, optional
        What the evidence has to say; without it every question is for a person.
    chart : Flowchart, optional
        The English one by default.

    Raises
    ------
    ValueError
        There is no such start.

    Examples
    --------
    >>> walk = Walk("report", Clues(result_type="sts-webpki-invalid"))
    >>> walk.node.question
    'Third fundamental: is the certificate of the policy host good?'
    >>> [step.answer.value for step in walk.steps]
    ['yes', 'yes']
    >>> for answer in ("no", "no", "yes"):
    ...     walk.answer(answer)
    >>> walk.cause.title
    'The certificate of the policy host has expired'
    """

    def __init__(self, start: str = "held", clues: Clues | None = None, chart: Flowchart | None = None) -> None:
        self.chart = chart or flowchart()
        self.clues = clues or Clues()
        self._start = start
        self._steps: list[WalkStep] = []
        self._by_hand: dict[str, Answer] = {}
        self._place = ""
        self.restart(start)

    # -- where one stands

    @property
    def start(self) -> str:
        """``held`` or ``report``."""
        return self._start

    @property
    def place(self) -> str:
        """The id of the present node, or the code of the cause at which the walk has ended."""
        return self._place

    @property
    def steps(self) -> tuple[WalkStep, ...]:
        """The places passed, in order; the present one is not among them."""
        return tuple(self._steps)

    @property
    def node(self) -> Node | None:
        """The present question; None at a cause."""
        return self.chart.nodes.get(self._place)

    @property
    def cause(self) -> CauseText | None:
        """The cause at which the walk has ended; None while there is a question."""
        return self.chart.leaves.get(self._place)

    @property
    def mended(self) -> frozenset[str]:
        """The causes that were taken as mended to go on."""
        return frozenset(step.place for step in self._steps if step.by == MENDED)

    @property
    def path(self) -> tuple[str, ...]:
        """Every place, the present one last: what a drawing shows lit."""
        return (*(step.place for step in self._steps), self._place)

    @property
    def edges(self) -> tuple[tuple[str, Answer, str], ...]:
        """Every way taken: from, answer, to; without jumps."""
        pairs = zip(self._steps, self.path[1:], strict=True)
        return tuple((step.place, step.answer, end) for step, end in pairs if step.answer is not None)

    def settled(self, place: str | None = None) -> Answer:
        """Return what the evidence answers to a question; the present one by default."""
        node = self.chart.nodes.get(place or self._place)
        if node is None:
            return Answer.CANNOT_TELL
        found = self.clues.found.keys() - self.mended
        return self.chart.answer(node, found, self.clues.observed.keys(), self.clues.result_type)

    def evidence(self, place: str | None = None) -> str:
        """Return what was seen about a question or a cause; empty where nothing was."""
        here = place or self._place
        if here in self.chart.leaves:
            return self.clues.found.get(here, "")
        node = self.chart.nodes[here]
        if node.trouble is None:
            return self.clues.reported if self.clues.result_type else ""
        if self.settled(here) is node.trouble:
            branch = self.chart.branches[here] - self.mended
            return "; ".join(text for code, text in self.clues.found.items() if code in branch)
        return "; ".join(self.clues.observed[need] for need in node.needs if need in self.clues.observed)

    # -- moving

    def answer(self, answer: Answer | str) -> None:
        """Answer the present question, and go on as far as the evidence leads.

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
        self._take(node, given, BY_HAND)
        self.advance()

    def advance(self) -> None:
        """Go on as far as the evidence leads, and answers given before by a person."""
        while (node := self.node) is not None:
            if node.id in self._by_hand:
                self._take(node, self._by_hand[node.id], BY_HAND)
                continue
            settled = self.settled()
            if settled is Answer.CANNOT_TELL and not self._leads_on(node):
                return
            self._take(node, settled, BY_EVIDENCE)

    def _leads_on(self, node: Node) -> bool:
        """Return whether the evidence shows a cause further on: what it cannot tell here is left open for that."""
        return not self.chart.reachable(node.cannot_tell).isdisjoint(self.clues.found.keys() - self.mended)

    def overrule(self, place: str, answer: Answer | str) -> None:
        """Answer a question passed otherwise than it was, and go on from there.

        Raises
        ------
        ValueError
            The walk has not passed that question, or the answer is none of the three.
        """
        given = Answer(answer)
        passed = [number for number, step in enumerate(self._steps) if step.place == place and step.answer is not None]
        if not passed:
            raise ValueError(
                f"The walk has not passed {place!r}; it has passed {', '.join(self.path[:-1]) or 'nothing'}."
            )
        self._cut(passed[-1])
        self.answer(given)

    def back(self) -> None:
        """Go back to the last question that a person answered, or where there is none, to the one before; it is asked anew."""
        if not self._steps:
            return
        by_hand = [number for number, step in enumerate(self._steps) if step.by != BY_EVIDENCE]
        self._cut(by_hand[-1] if by_hand else len(self._steps) - 1)

    def restart(self, start: str | None = None) -> None:
        """Begin anew, with no answer but those of the evidence.

        Raises
        ------
        ValueError
            There is no such start.
        """
        named = start or self._start
        if named not in self.chart.starts:
            raise ValueError(f"There is no start {named!r}; there is {', '.join(self.chart.starts)}.")
        self._start, self._steps, self._place = named, [], self.chart.starts[named]
        self._by_hand.clear()
        self.advance()

    def jump(self, place: str) -> None:
        """Go to a question or a cause from anywhere; a question is asked, even where the evidence settles it.

        Raises
        ------
        ValueError
            There is no such place.
        """
        if place not in self.chart.nodes and place not in self.chart.leaves:
            raise ValueError(f"The flowchart has no {place!r}.")
        if place == self._place:
            return
        self._steps.append(
            WalkStep(place=self._place, answer=None, by=JUMPED, settled=self.settled(), evidence=self.evidence())
        )
        self._by_hand.pop(place, None)
        self._place = place

    def go_on(self) -> None:
        """Take the cause that was found as mended, and look for the next.

        Raises
        ------
        ValueError
            The walk has not ended at a cause, or there is nothing after it.
        """
        leaf = self._place
        if leaf not in self.chart.leaves:
            raise ValueError("The walk has not ended at a cause: answer the question first.")
        fork = next(
            (
                step.place
                for step in self._steps
                if step.place in self.chart.branches
                and leaf in self.chart.branches[step.place]
                and step.answer is self.chart.nodes[step.place].trouble
            ),
            None,
        )
        if fork is None:
            raise ValueError("There is nothing after this: the walk is at its end.")
        self._steps.append(
            WalkStep(place=leaf, answer=None, by=MENDED, settled=Answer.CANNOT_TELL, evidence=self.evidence())
        )
        # Answers given inside the branch were about this cause.
        for name in (fork, *self._inside(fork)):
            self._by_hand.pop(name, None)
        node = self.chart.nodes[fork]
        more = self.settled(fork) is node.trouble
        clear = node.clear
        self._place = fork if more or clear is None else node.way(clear)
        self.advance()

    def _inside(self, fork: str) -> frozenset[str]:
        """Return the nodes to which the trouble of a node leads."""
        node = self.chart.nodes[fork]
        return self.chart.reachable(node.way(node.trouble)) if node.trouble is not None else frozenset()

    def _take(self, node: Node, answer: Answer, by: str) -> None:
        step = WalkStep(place=node.id, answer=answer, by=by, settled=self.settled(), evidence=self.evidence())
        self._steps.append(step)
        self._place = node.way(answer)

    def _cut(self, number: int) -> None:
        """Undo every step from a number on, and the answers given by hand in them."""
        self._place = self._steps[number].place
        for step in self._steps[number:]:
            self._by_hand.pop(step.place, None)
        del self._steps[number:]

    # -- showing

    def to_json(self) -> dict[str, Any]:
        """Return the walk as plain data: start, each step with question, answer, who gave it and on what, and the end."""
        from ._view import as_data

        return as_data(self)

    def to_html(self) -> str:
        """Return the walk as static HTML: the way taken, and the cause with commands, fix and how to verify it.

        It brings no style of its own, so that it fits into a page whose policy forbids one; a notebook adds it.
        """
        from ._view import as_html

        return as_html(self)

    def end_html(self) -> str:
        """Return only the end of `to_html`: the cause with all that belongs to it, or the question that is open."""
        from ._view import end_html

        return end_html(self)

    def _repr_html_(self) -> str:
        from ._view import STYLE

        return STYLE + self.to_html()

    def __str__(self) -> str:
        from ._view import as_text

        return as_text(self)

    def __repr__(self) -> str:
        where = "at the cause" if self.cause else "at the question"
        return f"<Walk from {self._start!r}: {len(self._steps)} steps, {where} {self._place!r}>"
