"""The flowchart as data: questions, ways on, and causes at its leaves."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from types import MappingProxyType

from ...knowledge import CauseText, cause_texts, read_data, read_toml

__all__ = ["Answer", "Flowchart", "Node", "flowchart"]


class Answer(StrEnum):
    """The three ways on from every node."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One question.

    Attributes
    ----------
    id : str
        Stable name, in kebab case; no cause has the same.
    area : str
        What it is about: ``start``, or an area of causes.
    question, help : str
        To be answered by yes, no or cannot tell; how a person finds the answer.
    evidence : str
        What the kit looks at to answer it.
    yes, no, cannot_tell : str
        The way on: the id of a node, or the code of a cause.
    trouble : Answer or None
        Which answer leads to causes; None for a question about the result type.
    needs : tuple of str
        What has to have been observed to rule the trouble out.
    types : tuple of str
        Result types for which the answer is yes.
    """

    id: str
    area: str
    question: str
    help: str
    evidence: str
    yes: str
    no: str
    cannot_tell: str
    trouble: Answer | None
    needs: tuple[str, ...]
    types: tuple[str, ...]

    def way(self, answer: Answer) -> str:
        """Return where an answer leads to."""
        return {Answer.YES: self.yes, Answer.NO: self.no, Answer.CANNOT_TELL: self.cannot_tell}[answer]

    @property
    def ways(self) -> Mapping[Answer, str]:
        """Where each answer leads to."""
        return {answer: self.way(answer) for answer in Answer}

    @property
    def clear(self) -> Answer | None:
        """The answer that leads past the trouble; None for a question about the result type."""
        return None if self.trouble is None else Answer.NO if self.trouble is Answer.YES else Answer.YES


@dataclass(frozen=True)
class Flowchart:
    """Questions and causes, from either end: a report shows a failure, or mail is being held back.

    Attributes
    ----------
    nodes : mapping of str to Node
        Every question by its id, in the order in which they are drawn.
    leaves : mapping of str to CauseText
        Every cause that it ends in, by its code.
    starts : mapping of str to str
        ``report`` and ``held``, each with the id of its first node.
    start_titles : mapping of str to str
        What each start is called.

    Examples
    --------
    >>> chart = flowchart()
    >>> chart.nodes[chart.starts["report"]].question
    'Does the result type in the report begin with sts-?'
    """

    nodes: Mapping[str, Node]
    leaves: Mapping[str, CauseText]
    starts: Mapping[str, str]
    start_titles: Mapping[str, str]

    def is_leaf(self, place: str) -> bool:
        """Return whether a place is a cause and no question."""
        return place in self.leaves

    def title(self, place: str) -> str:
        """Return the question of a node or the title of a cause."""
        return self.leaves[place].title if place in self.leaves else self.nodes[place].question

    @property
    def edges(self) -> tuple[tuple[str, Answer, str], ...]:
        """Every way on: from, answer, to."""
        return tuple((node.id, answer, way) for node in self.nodes.values() for answer, way in node.ways.items())

    def reachable(self, place: str) -> frozenset[str]:
        """Return every node and leaf that can be reached from a place, itself included."""
        seen, queue = {place}, deque([place])
        while queue:
            node = self.nodes.get(queue.popleft())
            for way in () if node is None else node.ways.values():
                if way not in seen:
                    seen.add(way)
                    queue.append(way)
        return frozenset(seen)

    @cached_property
    def branches(self) -> Mapping[str, frozenset[str]]:
        """For each node with trouble: the causes to which that answer leads."""
        return MappingProxyType(
            {
                node.id: frozenset(self.leaves) & self.reachable(node.way(node.trouble))
                for node in self.nodes.values()
                if node.trouble is not None
            }
        )

    def parting(self, first: str, second: str) -> Node | None:
        """Return the first question that tells two causes apart; None where there is none.

        Examples
        --------
        >>> flowchart().parting("mx-certificate-untrusted", "mx-certificate-chain-incomplete").id
        'mx-chain'
        """
        return next(
            (self.nodes[name] for name, causes in self.branches.items() if (first in causes) != (second in causes)),
            None,
        )

    def path(self, cause: str, start: str) -> tuple[str, ...]:
        """Return a shortest way from a start to a cause, both included, over answers other than cannot tell.

        Raises
        ------
        KeyError
            The start is not one of `starts`.
        """
        first = self.starts[start]
        came: dict[str, str] = {first: ""}
        queue = deque([first])
        while queue:
            place = queue.popleft()
            if place == cause:
                back = [place]
                while came[back[-1]]:
                    back.append(came[back[-1]])
                return tuple(reversed(back))
            node = self.nodes.get(place)
            for way in () if node is None else (node.yes, node.no):
                if way not in came:
                    came[way] = place
                    queue.append(way)
        return ()

    def answer(
        self, node: Node, found: Collection[str], observed: Collection[str], result_type: str | None = None
    ) -> Answer:
        """Return the answer that evidence gives to a question.

        Parameters
        ----------
        node : Node
        found : collection of str
            Causes that the evidence shows.
        observed : collection of str
            What was observed: words of `Node.needs`.
        result_type : str, optional
            The result type in the report that is looked into.
        """
        if node.trouble is None:
            if result_type is None:
                return Answer.CANNOT_TELL
            return Answer.YES if result_type in node.types else Answer.NO
        if not self.branches[node.id].isdisjoint(found):
            return node.trouble
        clear = node.clear
        return clear if clear is not None and set(node.needs) <= set(observed) else Answer.CANNOT_TELL


@cache
def flowchart(language: str = "en") -> Flowchart:
    """Return the flowchart in a language.

    Raises
    ------
    LookupError
        There is no text in that language.
    """
    data, words, causes = read_data("flow"), read_toml("flow", language), cause_texts(language)
    nodes = {
        name: Node(
            id=name,
            area=one["area"],
            question=words["nodes"][name]["question"],
            help=words["nodes"][name]["help"],
            evidence=words["nodes"][name]["evidence"],
            yes=one["yes"],
            no=one["no"],
            cannot_tell=one["unclear"],
            trouble=Answer(one["trouble"]) if "trouble" in one else None,
            needs=tuple(one.get("needs", ())),
            types=tuple(one.get("types", ())),
        )
        for name, one in data["nodes"].items()
    }
    ends = {way for node in nodes.values() for way in node.ways.values()} - set(nodes)
    return Flowchart(
        nodes=MappingProxyType(nodes),
        leaves=MappingProxyType({code: text for code, text in causes.items() if code in ends}),
        starts=MappingProxyType(data["starts"]),
        start_titles=MappingProxyType(words["starts"]),
    )
