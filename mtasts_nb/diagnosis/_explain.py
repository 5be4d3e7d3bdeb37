"""From a text in hand (a bounce, a log line, a reason code) to its causes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from ..knowledge import (
    MX,
    POLICY_HOST,
    Command,
    ReasonMatch,
    causes,
    command,
    finding_texts,
    mail_provider,
    reason_matches,
    reason_side,
    result_type_texts,
)
from ..render import Rendered
from ..vocabulary import Confidence, ResultType
from ._decoded import decoded
from ._message import READ, Message, read_message
from .flowchart import Answer, Walk, WalkEvidence, flowchart

__all__ = ["ExplainedCause", "TextExplanation", "explain"]

#: So many causes are given.
_MOST: Final = 4
#: What to check where a text is not known, in this order.
_CHECKS: Final = ("dig-record", "curl-policy", "dig-mx", "openssl-mx", "openssl-mx-dates", "dig-tlsa")
_FRAME: Final = " \t\r\n[](){}<>\"'`.,;:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedCause:
    """One cause that a text may have.

    Attributes
    ----------
    code : str
        The cause; the texts are in `walk.cause`.
    confidence : Confidence
        ``high`` where the text says it, ``medium`` where it fits best, ``low`` where it is possible.
    path : tuple of (str, Answer)
        Its place in the flowchart: the id of each question from the start, with the answer that leads on.
    walk : Walk
        A walk that has ended at the cause, with the names in the text; go on from there with its methods.
    """

    code: str
    confidence: Confidence
    path: tuple[tuple[str, Answer], ...]
    walk: Walk


@dataclass(frozen=True, kw_only=True)
class TextExplanation(Rendered):
    """What a text means, as far as it is known.

    Attributes
    ----------
    text : str
        As given and decoded, at most 65,536 characters.
    message : Message
        Names, codes and the delivery that it names.
    readings : tuple of ReasonMatch
        The wordings that it has, the most specific first; each with its meaning and source.
    finding : str
        The code of a finding, where the text is one.
    causes : tuple of ExplainedCause
        The most likely first; at most four. Empty where nothing is known, or where the wording says nothing about the domain.
    """

    text: str
    message: Message
    readings: tuple[ReasonMatch, ...] = ()
    finding: str = ""
    causes: tuple[ExplainedCause, ...] = ()

    @property
    def known(self) -> bool:
        """Whether anything in it is known. What is not is never guessed."""
        return bool(self.readings or self.causes or self.finding or self.message.result_type)

    @property
    def either_side(self) -> bool:
        """Whether it may be about an MX host as well as about the policy host."""
        return not self.message.side and any(
            not reading.side and len(reading.meaning.causes) > 1 for reading in self.readings
        )

    @property
    def next_checks(self) -> tuple[Command, ...]:
        """What to check where the text alone does not tell the cause: commands, names filled in."""
        mx = self.message.mx[0] if self.message.mx else None
        return () if self.causes else tuple(command(name, self.message.domain or None, mx) for name in _CHECKS)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data.

        Examples
        --------
        >>> explain("4.7.325").to_json()["causes"][0]["code"]
        'mx-certificate-name'
        """
        message = self.message
        return {
            "text": self.text,
            "known": self.known,
            "result_type": message.result_type.value if message.result_type else None,
            "statuses": list(message.statuses),
            "delivery": message.delivery.value,
            "policy_domain": message.domain,
            "mx": list(message.mx),
            "about": message.side or None,
            "finding": self.finding or None,
            "readings": [
                {
                    "meaning": reading.meaning.code,
                    "says": reading.meaning.says,
                    "wording": reading.wording,
                    "source": reading.source,
                }
                for reading in self.readings
            ],
            "causes": [
                {
                    "confidence": each.confidence.value,
                    "path": [{"question": node, "answer": answer.value} for node, answer in each.path],
                    **each.walk.to_json()["cause"],
                }
                for each in self.causes
            ],
            "next_checks": [{"shell": each.shell, "shows": each.shows} for each in self.next_checks],
        }

    def __repr__(self) -> str:
        codes = ", ".join(f"{each.code} ({each.confidence})" for each in self.causes)
        return f"<TextExplanation: {codes or ('known, no cause' if self.known else 'not known')}>"


def explain(text: str) -> TextExplanation:
    """Return what a bounce, a log line or a reason code means: causes, effect on mail, fix, commands.

    Known are the result types of RFC 8460, the codes of this kit's causes and findings, status codes of Exchange Online,
    and the wordings of `knowledge/reason_codes/`: Postfix, Exim, KumoMTA, Gmail, OpenSSL, Go, .NET, Java, curl and others.

    Parameters
    ----------
    text : str
        One line or a whole bounce, also a saved mail with parts in base64 or quoted-printable. It may be hostile: at most 65,536 characters are read, and nothing in it is followed.

    Raises
    ------
    ValueError
        The text is empty.

    Examples
    --------
    >>> one = explain("550 5.7.323 tlsa-invalid: The domain failed DANE validation")
    >>> one.causes[0].code, one.message.delivery.value, one.causes[0].path[-1][0]
    ('dane-tlsa-mismatch', 'bounced', 'tlsa-matches')
    >>> explain("The printer is out of paper").known
    False
    """
    if not text.strip():
        raise ValueError("The text is empty: give a bounce, a log line, a reason code or a result type.")
    text = decoded(text)[:READ]
    message, code = read_message(text), text.strip(_FRAME).casefold().replace("_", "-")
    if code in causes():
        return TextExplanation(text=text, message=message, causes=_explained([(code, Confidence.HIGH)], message))
    if code in finding_texts():
        cause = finding_texts()[code].cause
        named = [(cause, Confidence.HIGH)] if cause else []
        return TextExplanation(text=text, message=message, finding=code, causes=_explained(named, message))
    # A word of one program may say what the whole text is about.
    message = replace(message, side=message.side or reason_side(text))
    readings = reason_matches(text, message.side)
    ranked: dict[str, Confidence] = {}
    for cause, confidence in (*_by_wording(readings, message.side), *_by_type(readings, message.result_type)):
        ranked.setdefault(cause, confidence)
    first = sorted(ranked.items(), key=lambda each: each[1].rank)[:_MOST]  # the sort is stable
    return TextExplanation(text=text, message=message, readings=readings, causes=_explained(first, message))


def _by_wording(readings: tuple[ReasonMatch, ...], side: str) -> Iterator[tuple[str, Confidence]]:
    """Yield causes of the wordings; certain is one that a specific wording alone has."""
    for number, reading in enumerate(readings):
        sides = [side or reading.side] if side or reading.side else [MX, POLICY_HOST]
        by_side = [codes for name in sides if (codes := reading.causes(name))]
        certain = len(by_side) == 1 and len(by_side[0]) == 1 and not reading.meaning.general
        for codes in by_side:
            best = Confidence.HIGH if certain else Confidence.MEDIUM
            yield codes[0], best if number == 0 or certain else Confidence.LOW
            yield from ((cause, Confidence.LOW) for cause in codes[1:])


def _by_type(readings: tuple[ReasonMatch, ...], result_type: ResultType | None) -> Iterator[tuple[str, Confidence]]:
    """Yield the usual causes of a result type, where the wording says no more."""
    if result_type is None or any(reading.meaning.causes and not reading.meaning.general for reading in readings):
        return
    for number, text in enumerate(result_type_texts()[result_type].ranked):
        named = Confidence.HIGH if result_type.names_its_cause else Confidence.MEDIUM
        yield text.code, named if number == 0 else Confidence.LOW


def _explained(ranked: list[tuple[str, Confidence]], message: Message) -> tuple[ExplainedCause, ...]:
    return tuple(
        ExplainedCause(code=code, confidence=confidence, path=path, walk=walk)
        for code, confidence in ranked
        for path, walk in [_placed(code, message)]
    )


def _placed(code: str, message: Message) -> tuple[tuple[tuple[str, Answer], ...], Walk]:
    """Return the place of a cause in the flowchart, and a walk that has ended there."""
    chart = flowchart()
    provider = mail_provider(message.mx[0]) if message.mx else None
    start = "report" if message.result_type in causes()[code].result_types else "deferred"
    evidence = WalkEvidence(
        causes={code: ""},
        result_type=message.result_type if start == "report" else None,
        domain=message.domain,
        mx=message.mx[0] if message.mx else "",
        providers=(provider.name,) if provider else (),
    )
    walk = Walk(start, evidence)
    walk.jump(code)
    return chart.path_to(code, start), walk
