"""How news is shown: a line with its level and what happened, and what was observed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..analysis import listed
from ..knowledge import result_type_text
from ..markup import number, one_line, plural, span, when
from ..render import Document, Inline, Paragraph, document
from ..vocabulary import verdict_badge
from ._values import Change, Kind, KnownPolicy, News, PolicySeen, Problem

__all__ = ["headline"]

_CHANGES: Final = {Change.NEW: "New", Change.WORSE: "Worse", Change.OVER: "Over", Change.CHANGED: "Changed"}


@document.register
def _(news: News) -> Document:
    first: tuple[Inline, ...] = (f"{_CHANGES[news.change]}: {headline(news)}.",)
    if news.change is not Change.OVER:
        first = (verdict_badge(news.level), " ", *first)
    texts = () if news.change is Change.OVER else _changed(news) if news.problem is None else _what_to_do(news.problem)
    return Document([Paragraph(*first), *(Paragraph(text) for text in texts)])


@document.register
def _(problem: Problem) -> Document:
    return Document((Paragraph(verdict_badge(problem.level), f" Open: {_headline(problem)}."),))


def headline(news: News) -> str:
    """Return in one line what the news is about."""
    if news.policy is not None:
        return f"the policy of {one_line(news.policy.domain, 253)} is now {_policy(news.policy)}"
    assert news.problem is not None
    return _headline(news.problem)


def _headline(problem: Problem) -> str:
    hosts = f" at {listed([one_line(host, 120) for host in problem.hosts])}" if problem.hosts else ""
    domains = listed([one_line(domain, 253) for domain in problem.domains])
    match problem.kind:
        case Kind.INCIDENT:
            types = listed([one_line(code, 60) for code in problem.codes])
            return (
                f"{types}{hosts} for {domains}: {plural(problem.failed, 'failed session')} from {when(problem.first)} to "
                f"{when(problem.last)}, reported by {plural(len(problem.reporters), 'reporter')}"
            )
        case Kind.FINDING:
            return f"{', '.join(problem.codes)}{hosts} for {domains}"
        case Kind.SILENT_REPORTER:
            name = listed([one_line(name, 120) for name in problem.reporters])
            return f"no report from {name} since that about {when(problem.last)}"
        case _:
            about = f" about {domains}" if problem.domains else ""
            return f"no report{about} from anyone since those of {when(problem.last)}"


def _changed(news: News) -> Iterator[str]:
    if news.before is not None:
        yield f"Before: {_policy(news.before)}."
    if news.same_id:
        yield (
            "The id of the _mta-sts record is the same as before. Senders with a cached policy do not fetch the new one "
            "until theirs expires: publish a new id (RFC 8461 §8.1)."
        )


def _what_to_do(problem: Problem) -> Iterator[str]:
    if problem.kind is Kind.INCIDENT:
        yield one_line(result_type_text(problem.codes[0]).short, 300)
    elif problem.kind is Kind.FINDING:
        yield one_line(problem.detail, 600)
        if problem.fix:
            yield one_line(problem.fix, 600)
    elif problem.kind is Kind.SILENT_REPORTER:
        yield (
            "It sent reports regularly. Check that they are not filtered as spam, and that the mailbox is not full; it may "
            "also have stopped to send you mail, or to send reports."
        )
    else:
        yield (
            "Reports came regularly. Check the rua of the _smtp._tls record, the MX and the size limit of its mailbox, and "
            "what moves reports from there to here."
        )


def _policy(policy: PolicySeen | KnownPolicy) -> str:
    age = f", max_age {span(policy.max_age)}" if policy.max_age is not None else ""
    hosts = listed([one_line(pattern, 120) for pattern in policy.mx], 5)
    return f"mode {one_line(policy.mode, 20)}{age}, {number(len(policy.mx))} mx: {hosts}"
