"""Which causes reported failures may have, and how sure that is: from result type, reason codes and who saw them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from ..knowledge import CauseText, cause_texts
from ..markup import one_line, plural

if TYPE_CHECKING:
    from ._reported import Reported

__all__ = ["HIGH", "LOW", "MEDIUM", "Candidate", "candidates"]

HIGH, MEDIUM, LOW = "high", "medium", "low"
#: So many candidates are given.
MOST: Final = 4
#: A cause of which so large a part of the failures speaks is as good as sure.
_SURE: Final = 0.5
_SOME: Final = 0.05
#: Types that say it all: what else is thought of is a sender that words it unusually.
_PLAIN: Final = frozenset(
    {"certificate-expired", "certificate-host-mismatch", "tlsa-invalid", "dnssec-invalid", "dane-required"}
)
_OTHER_SIGNS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A cause that reported failures may have.

    Attributes
    ----------
    code : str
        The cause.
    confidence : str
        ``high``, ``medium`` or ``low``.
    support, against : tuple of str
        What in the reports speaks for it, and against it.
    """

    code: str
    confidence: str
    support: tuple[str, ...]
    against: tuple[str, ...]


@cache
def _of_type(result_type: str) -> tuple[CauseText, ...]:
    texts = [text for text in cause_texts().values() if result_type in text.result_types and text.kind != "sender"]
    texts += [text for text in cause_texts().values() if result_type in text.result_types and text.area == "dane" and text.kind == "sender"]  # fmt: skip
    return tuple(sorted(texts, key=lambda text: text.result_types[result_type]))


@cache
def _named_by(reason: str, result_type: str) -> str | None:
    """Return the cause of which a reason code has words; of several, the one with the longest.

    Examples
    --------
    >>> _named_by("bad https response code: 404", "sts-policy-fetch-error")
    'policy-http-not-found'
    """
    words = f"-{_OTHER_SIGNS.sub('-', reason[:2000].lower()).strip('-')}-"
    best, length = None, 0
    for text in _of_type(result_type):
        for known in text.reasons:
            if len(known) > length and f"-{known}-" in words:
                best, length = text.code, len(known)
    return best


def candidates(group: Reported) -> tuple[Candidate, ...]:
    """Return the causes that a group of reported failures may have, the likeliest first; none for an unknown type.

    The order is that of the reason codes, weighed by failed sessions; then whether the policy in the same reports permits
    the host; then the order in which to think of them.
    """
    texts = _of_type(group.result_type)
    if not texts:
        return ()
    matched: dict[str, int] = {}
    words: dict[str, list[str]] = {}
    for reason, failed in group.reasons:
        code = _named_by(reason, group.result_type)
        if code is not None:
            matched[code] = matched.get(code, 0) + failed
            words.setdefault(code, []).append(f"“{one_line(reason, 80)}” ({plural(failed, 'failed session')})")
    support: dict[str, list[str]] = {code: [f"Reason codes: {', '.join(told[:3])}."] for code, told in words.items()}
    against: dict[str, list[str]] = {}
    _coverage(group, matched, support, against)
    _hidden(group, matched, support)
    left = max(0, group.failed - sum(matched.values()))
    scores = _scores(group, texts, matched, left, against)
    ranked = sorted(texts, key=lambda text: -scores[text.code])[:MOST]
    return tuple(
        Candidate(
            code=text.code,
            confidence=_confidence(group, text, texts, matched, place),
            support=tuple(support.get(text.code, ())),
            against=tuple(against.get(text.code, ())),
        )
        for place, text in enumerate(ranked)
    )


def _coverage(
    group: Reported, matched: dict[str, int], support: dict[str, list[str]], against: dict[str, list[str]]
) -> None:
    code = "mx-not-in-policy"
    if group.result_type not in cause_texts()[code].result_types:
        return
    if group.uncovered:
        matched[code] = max(matched.get(code, 0), min(group.failed, group.uncovered))
        text = f"The policy in the same reports does not permit {one_line(group.mx, 120)} ({plural(group.uncovered, 'failed session')})."
        support.setdefault(code, []).append(text)
    elif group.covered:
        text = f"The policy in the same reports permits {one_line(group.mx, 120)}."
        against.setdefault(code, []).append(text)


def _hidden(group: Reported, matched: dict[str, int], support: dict[str, list[str]]) -> None:
    code = "mx-starttls-stripped"
    if group.hidden_offer and group.result_type in cause_texts()[code].result_types:
        matched[code] = min(group.failed, matched.get(code, 0) + group.hidden_offer)
        text = f"Where STARTTLS should be, the answer to EHLO has X signs ({plural(group.hidden_offer, 'failed session')})."
        support.setdefault(code, []).append(text)


def _scores(
    group: Reported, texts: tuple[CauseText, ...], matched: Mapping[str, int], left: int, against: Mapping[str, object]
) -> dict[str, float]:
    prior = {text.code: 1 / text.result_types[group.result_type] for text in texts}
    # What only some senders meet is on the way rather than at the host; an intermediate is missing for some only.
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
    group: Reported, text: CauseText, texts: tuple[CauseText, ...], matched: Mapping[str, int], place: int
) -> str:
    part = matched.get(text.code, 0) / max(1, group.failed)
    first = place == 0
    plain = group.result_type in _PLAIN and text.result_types[group.result_type] == 1
    if first and (part >= _SURE or len(texts) == 1 or plain):
        return HIGH
    if part >= _SOME or (first and text.result_types[group.result_type] == 1):
        return MEDIUM
    return LOW
