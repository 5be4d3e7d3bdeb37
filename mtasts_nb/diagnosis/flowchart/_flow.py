"""The flowchart as data: questions, where each answer leads, and causes at its leaves."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from types import MappingProxyType

from ...knowledge import CauseText, causes, read_data
from ...vocabulary import ResultType

__all__ = ["Answer", "Flowchart", "Node", "flowchart"]


class Answer(StrEnum):
    """The answers to every question."""

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
        What it concerns: ``start``, or an area of causes.
    question, help : str
        To be answered with yes, no or cannot tell; how a person finds the answer.
    evidence : str
        What answers it where a probe or reports are given.
    to : mapping of Answer to str
        Where each answer leads: the id of a node, or the code of a cause.
    problem : Answer or None
        Which answer leads to causes; None for a question about the result type.
    needs : tuple of str
        What must have been observed to rule the problem out.
    result_types : tuple of str
        Result types for which the answer is yes.
    """

    id: str
    area: str
    question: str
    help: str
    evidence: str
    to: Mapping[Answer, str]
    problem: Answer | None
    needs: tuple[str, ...]
    result_types: tuple[str, ...]

    @property
    def all_clear(self) -> Answer | None:
        """The answer that rules the problem out; None for a question about the result type."""
        return None if self.problem is None else Answer.NO if self.problem is Answer.YES else Answer.YES


@dataclass(frozen=True)
class Flowchart:
    """Questions and causes, from either end: a report shows a failure, or mail is being deferred.

    A position is the id of a node or the code of a cause.

    Attributes
    ----------
    nodes : mapping of str to Node
        Every question by its id, in the order of the file.
    leaves : mapping of str to CauseText
        Every cause that it ends in, by its code.
    starts : mapping of str to str
        ``deferred``, ``report`` and ``no-reports``, each with the id of its first node.
    start_titles : mapping of str to str
        What each start is called.

    Examples
    --------
    >>> chart = flowchart()
    >>> chart.nodes[chart.starts["report"]].question
    'Does the result type in the report start with sts-?'
    """

    nodes: Mapping[str, Node]
    leaves: Mapping[str, CauseText]
    starts: Mapping[str, str]
    start_titles: Mapping[str, str]

    def title(self, position: str) -> str:
        """Return the question of a node or the title of a cause."""
        return self.leaves[position].title if position in self.leaves else self.nodes[position].question

    @property
    def edges(self) -> tuple[tuple[str, Answer, str], ...]:
        """Where every answer leads: from, answer, to."""
        return tuple((node.id, answer, end) for node in self.nodes.values() for answer, end in node.to.items())

    def reachable(self, position: str) -> frozenset[str]:
        """Return every node and leaf that can be reached from a position, itself included."""
        reached, queue = {position}, deque([position])
        while queue:
            node = self.nodes.get(queue.popleft())
            for end in () if node is None else node.to.values():
                if end not in reached:
                    reached.add(end)
                    queue.append(end)
        return frozenset(reached)

    def path_to(self, position: str, start: str = "deferred") -> tuple[tuple[str, Answer], ...]:
        """Return the shortest way from a start to a position: each question with its answer, yes or no where possible.

        Examples
        --------
        >>> flowchart().path_to("policy-certificate-expired", "report")[0]
        ('about-policy-host', <Answer.YES: 'yes'>)
        """
        for answers in ((Answer.YES, Answer.NO), tuple(Answer)):
            ways: dict[str, tuple[tuple[str, Answer], ...]] = {self.starts[start]: ()}
            queue = deque(ways)
            while queue:
                here = queue.popleft()
                if here == position:
                    return ways[here]
                for answer in answers if here in self.nodes else ():
                    end = self.nodes[here].to[answer]
                    if end not in ways:
                        ways[end] = (*ways[here], (here, answer))
                        queue.append(end)
        return ()

    @cached_property
    def branches(self) -> Mapping[str, frozenset[str]]:
        """For each node with a problem: the causes to which that answer leads."""
        return MappingProxyType(
            {
                node.id: frozenset(self.leaves) & self.reachable(node.to[node.problem])
                for node in self.nodes.values()
                if node.problem is not None
            }
        )

    def question_between(self, first: str, second: str) -> Node | None:
        """Return the first question that distinguishes two causes; None if there is none.

        Examples
        --------
        >>> flowchart().question_between("mx-certificate-untrusted", "mx-certificate-chain-incomplete").id
        'mx-chain'
        """
        return next(
            (self.nodes[name] for name, causes in self.branches.items() if (first in causes) != (second in causes)),
            None,
        )

    def answer(
        self, node: Node, causes: Collection[str], observed: Collection[str], result_type: str | None = None
    ) -> Answer:
        """Return the answer that evidence gives to a question.

        Parameters
        ----------
        node : Node
        causes : collection of str
            Causes that the evidence shows.
        observed : collection of str
            What was observed: words of `Node.needs`.
        result_type : str, optional
            The reported result type that is looked into.
        """
        if node.problem is None:
            if result_type is None:
                return Answer.CANNOT_TELL
            return Answer.YES if result_type in node.result_types else Answer.NO
        if not self.branches[node.id].isdisjoint(causes):
            return node.problem
        clear = node.all_clear
        return clear if clear is not None and set(node.needs) <= set(observed) else Answer.CANNOT_TELL


@cache
def flowchart() -> Flowchart:
    """Return the flowchart."""
    data = read_data("flow")
    nodes = {
        name: Node(
            id=name,
            area=entry["area"],
            question=entry["question"],
            help=entry["help"],
            evidence=entry["evidence"],
            to=MappingProxyType({answer: entry["to"][answer.replace(" ", "-")] for answer in Answer}),
            problem=Answer(entry["problem"]) if "problem" in entry else None,
            needs=tuple(entry.get("needs", ())),
            result_types=(
                *(kind for kind in ResultType if kind.area in entry.get("areas", ())),
                *entry.get("result_types", ()),
            ),
        )
        for name, entry in data["nodes"].items()
    }
    ends = {end for node in nodes.values() for end in node.to.values()} - set(nodes)
    starts = data["starts"]
    return Flowchart(
        nodes=MappingProxyType(nodes),
        leaves=MappingProxyType({code: text for code, text in causes().items() if code in ends}),
        starts=MappingProxyType({name: start["first"] for name, start in starts.items()}),
        start_titles=MappingProxyType({name: start["title"] for name, start in starts.items()}),
    )
