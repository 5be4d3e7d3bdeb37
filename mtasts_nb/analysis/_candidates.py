"""Which causes reported failures may have, with what confidence: from result type, reason codes and who reported them.

`explanations` turns a group of failures and its candidates into concerns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from ..knowledge import CauseText, causes
from ..markup import one_line, plural
from ..vocabulary import (
    Area,
    CauseKind,
    Concern,
    Confidence,
    Effect,
    PolicyType,
    Severity,
    State,
    result_type_of,
)
from ._reported import Reported

__all__ = [
    "Candidate",
    "Explanation",
    "candidates",
    "explanations",
    "unexplained",
]

#: So many candidates are given.
_MOST: Final = 4
#: A cause that so large a part of the failures indicates is as good as certain, or likely.
_CERTAIN: Final = 0.5
_LIKELY: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A cause that reported failures may have.

    Attributes
    ----------
    code : str
        The cause.
    confidence : Confidence
    support, against : tuple of str
        What in the reports speaks for it, and against it.
    """

    code: str
    confidence: Confidence
    support: tuple[str, ...] = ()
    against: tuple[str, ...] = ()


@cache
def _by_type() -> Mapping[str, tuple[CauseText, ...]]:
    """Return the causes that each result type may have, the most frequent first."""
    texts = [text for text in causes().values() if text.kind is not CauseKind.SENDER or text.area is Area.DANE]
    return {
        name: tuple(
            sorted(
                (text for text in texts if name in text.result_types),
                key=lambda text: (text.result_types[name], text.kind is CauseKind.SENDER),
            )
        )
        for name in {name for text in texts for name in text.result_types}
    }


def candidates(group: Reported) -> tuple[Candidate, ...]:
    """Return the causes that a group of reported failures may have, the likeliest first.

    An unregistered result type has those that its reason codes name.

    The order is that of the reason codes, weighed by failed sessions; then whether the policy in the same reports matches
    the host; then the order in the knowledge base.
    """
    usual = _by_type().get(group.result_type, ())
    if not usual and not group.mx:  # nothing says what a failure of an unregistered type is about
        return ()
    known = {text.code for text in usual}
    matched: dict[str, int] = {}
    quotes: dict[str, list[str]] = {}
    certain: set[str] = set()
    for reason, failed in group.reasons:
        codes = group.named_causes(reason)
        if codes:
            code = next((code for code in codes if code in known), codes[0])
            matched[code] = matched.get(code, 0) + failed
            quotes.setdefault(code, []).append(f"“{one_line(reason, 80)}” ({plural(failed, 'failed session')})")
            certain |= {code} if len(codes) == 1 else set()
    support = {code: [f"Reason codes: {', '.join(texts[:3])}."] for code, texts in quotes.items()}
    against: dict[str, list[str]] = {}
    _coverage(group, matched, certain, support, against)
    _hidden_offer(group, matched, certain, support)
    # Senders differ in the result type that they give, so a reason code may name a cause of another type.
    texts = (*usual, *(causes()[code] for code in matched if group.result_type not in causes()[code].result_types))
    left = max(0, group.failed - sum(matched.values()))
    scores = _scores(group, texts, matched, left, against)
    ranked = sorted(texts, key=lambda text: -scores[text.code])[:_MOST]
    return tuple(
        Candidate(
            code=text.code,
            confidence=_confidence(
                group, text, matched, first=position == 0, only=len(usual) == 1,
                certain=text.code in certain or text.code not in matched,
            ),
            support=tuple(support.get(text.code, ())),
            against=tuple(against.get(text.code, ())),
        )
        for position, text in enumerate(ranked)
    )  # fmt: skip


def _coverage(
    group: Reported,
    matched: dict[str, int],
    certain: set[str],
    support: dict[str, list[str]],
    against: dict[str, list[str]],
) -> None:
    code, host = "mx-not-in-policy", one_line(group.mx, 120)
    if group.result_type not in causes()[code].result_types:
        return
    if group.uncovered:
        matched[code] = max(matched.get(code, 0), min(group.failed, group.uncovered))
        certain.add(code)
        count = plural(group.uncovered, "failed session")
        support.setdefault(code, []).append(f"The policy in the same reports does not match {host} ({count}).")
    elif group.covered:
        against.setdefault(code, []).append(f"The policy in the same reports matches {host}.")


def _hidden_offer(group: Reported, matched: dict[str, int], certain: set[str], support: dict[str, list[str]]) -> None:
    code = "mx-starttls-stripped"
    if group.hidden_offer and group.result_type in causes()[code].result_types:
        matched[code] = min(group.failed, matched.get(code, 0) + group.hidden_offer)
        certain.add(code)
        count = plural(group.hidden_offer, "failed session")
        support.setdefault(code, []).append(f"The EHLO answer has X characters in place of STARTTLS ({count}).")


def _scores(
    group: Reported, texts: tuple[CauseText, ...], matched: Mapping[str, int], left: int, against: Mapping[str, object]
) -> dict[str, float]:
    prior = {text.code: 1 / rank if (rank := text.result_types.get(group.result_type)) else 0.0 for text in texts}
    # What only some senders see is on the path to them rather than at the host.
    if group.few and "mx-starttls-stripped" in prior:
        prior["mx-starttls-stripped"] = 1.5
    for code in against:
        prior[code] = prior.get(code, 0.0) * 0.1
    total = sum(prior.values()) or 1.0
    whole = max(1, group.failed)
    return {
        code: matched.get(code, 0) / whole + weight / total * max(left / whole, 0.01) for code, weight in prior.items()
    }


def _confidence(
    group: Reported, text: CauseText, matched: Mapping[str, int], *, first: bool, only: bool, certain: bool
) -> Confidence:
    part = matched.get(text.code, 0) / max(1, group.failed)
    usual = text.result_types.get(group.result_type) == 1
    registered = result_type_of(group.result_type)
    # Where the type names its cause, every other candidate is a sender that uses the type unusually.
    named = usual and registered is not None and registered.names_its_cause
    if first and ((part >= _CERTAIN and certain) or only or named):
        return Confidence.HIGH
    return Confidence.MEDIUM if part >= _LIKELY or (first and usual) else Confidence.LOW


# -- concerns and verdicts


#: What a server may answer to some clients only: bot protection, a block by country.
_TO_SOME_CLIENTS: Final = frozenset({"policy-http-forbidden"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A candidate as a concern.

    Attributes
    ----------
    concern : Concern
    position : int
        Its rank among the explanations of the same failures; 0 is the first.
    candidate : Candidate
    doubted : bool
        Whether a probe does not show it.
    """

    concern: Concern
    position: int
    candidate: Candidate
    doubted: bool = False


def explanations(group: Reported, state: State, likely: Sequence[Candidate], *, probed: bool) -> Iterator[Explanation]:
    """Yield the causes of a group that are worth naming; none for background noise.

    Parameters
    ----------
    group : Reported
    state : State
        What is known of it now.
    likely : sequence of Candidate
        The likeliest first.
    probed : bool
        Whether a probe of the domain contributed to the state.
    """
    if state is State.NOISE:
        return
    if state is State.CACHED_POLICY:
        yield _at_sender("sender-old-policy", group, state, 0)
        return
    # A server's own refusal of one client is at the server, though a probe from elsewhere is let in.
    refused = bool(likely) and likely[0].code in _TO_SOME_CLIENTS and likely[0].confidence is Confidence.HIGH
    path = state is State.THESE_SENDERS and not refused
    if state is State.THESE_SENDERS:
        yield _at_sender("sender-path", group, state, 0 if path and (probed or not likely) else 2)
    if state is State.NOT_REPRODUCIBLE:
        yield _at_sender("not-reproducible", group, state, 1)
    wanted = 1 if state is State.FIXED or (likely and likely[0].confidence is Confidence.HIGH) else 2
    if state is State.REPRODUCED and likely and not likely[0].support:
        wanted = len(likely)
    for position, candidate in enumerate(likely[:wanted]):
        failed = group.failed if position == 0 or state is State.REPRODUCED else 0
        concern = replace(_concern(candidate.code, group, state, candidate.confidence), failed=failed)
        doubted = (
            probed and (state in (State.NOT_REPRODUCIBLE, State.FIXED) or path) and concern.kind is not CauseKind.SENDER
        )
        if doubted and state is not State.FIXED:
            concern = replace(concern, confidence=Confidence.LOW)
        yield Explanation(concern=concern, position=position + doubted, candidate=candidate, doubted=doubted)


def _at_sender(code: str, group: Reported, state: State, position: int) -> Explanation:
    candidate = Candidate(code=code, confidence=Confidence.MEDIUM)
    return Explanation(
        concern=_concern(code, group, state, candidate.confidence), position=position, candidate=candidate
    )


def _concern(code: str, group: Reported, state: State, confidence: Confidence) -> Concern:
    text, effect = causes()[code], group.mail.effect
    return Concern(
        code=code,
        title=text.title,
        kind=text.kind,
        effect=effect,
        severity=Severity.WARNING if effect is Effect.COSMETIC else Severity.ERROR,
        confidence=confidence,
        state=state,
        policy_domain=group.policy_domain,
        mx=(group.mx,) if group.mx else (),
        failed=group.failed,
        dane_only=group.policy_type == PolicyType.TLSA or text.area is Area.DANE,
    )


def unexplained(group: Reported, state: State, likely: Sequence[Candidate]) -> Iterator[Concern]:
    """Yield the concern of failures that no known cause explains; nothing for others."""
    if likely or state not in (State.REPRODUCED, State.REPORTED, State.NOT_OBSERVED):
        return
    count, kind = plural(group.failed, "failed session"), one_line(group.result_type, 60)
    yield Concern(
        code="unexplained-failures",
        title=f"{count} of type {kind}, which no known cause explains",
        kind=CauseKind.OUTCOME,
        effect=group.mail.effect,
        severity=Severity.WARNING,
        confidence=Confidence.LOW,
        state=state,
        policy_domain=group.policy_domain,
        mx=(group.mx,) if group.mx else (),
        failed=group.failed,
    )
