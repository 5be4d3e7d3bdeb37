"""What the texts of senders say: reason codes, log lines and bounces, from `meanings.toml` and `reason_codes/`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from ._read import read_data, read_folder

__all__ = [
    "MX",
    "POLICY_HOST",
    "ReasonMatch",
    "ReasonMeaning",
    "causes_of_reason",
    "reason_matches",
    "reason_meanings",
    "reason_side",
    "words_of",
]

#: What a text may be about.
MX: Final = "mx"
POLICY_HOST: Final = "policy-host"

# A number with dots is one word: a status code is not found in an address.
_WORD = re.compile(r"\d+(?:\.\d+)+|[^\W_]+")
#: So many characters of a text are read, and two parts of one wording are at most so far apart.
_READ: Final = 65536
_READ_OF_REASON: Final = 2000
_APART: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonMeaning:
    """A fact that senders put in many wordings.

    Attributes
    ----------
    code, says : str
        Its key, and the fact in one sentence.
    causes : mapping of str to tuple of str
        Codes of causes by what the text is about (`MX`, `POLICY_HOST`), the most likely first. Of several, the text does
        not say which one.
    general : bool
        Whether it counts only where nothing more specific is said.
    """

    code: str
    says: str
    causes: Mapping[str, tuple[str, ...]]
    general: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonMatch:
    """A wording that occurs in a text.

    Attributes
    ----------
    meaning : ReasonMeaning
    wording, source : str
        As in the table, and where the wording is defined.
    side : str
        `MX` or `POLICY_HOST`, where the source is about one of them only; else empty.
    """

    meaning: ReasonMeaning
    wording: str
    source: str
    side: str

    def causes(self, side: str = "") -> tuple[str, ...]:
        """Return the codes of its causes at a side; without one, those at the side of the source, else at both.

        Examples
        --------
        >>> (match,) = reason_matches("x509: certificate has expired or is not yet valid")
        >>> match.causes("mx")
        ('mx-certificate-expired', 'mx-certificate-not-yet-valid')
        """
        sides = [side or self.side] if side or self.side else [MX, POLICY_HOST]
        return tuple(code for name in sides for code in self.meaning.causes.get(name, ()))


@dataclass(frozen=True, slots=True)
class _Wording:
    """One text of the table: its parts as words, with a blank at both ends, its longest word, and the limits of its use."""

    match: ReasonMatch
    parts: tuple[str, ...]
    longest: str
    whole: bool
    reported: bool
    needs_side: bool

    @property
    def length(self) -> int:
        return sum(map(len, self.parts))


@cache
def reason_meanings() -> Mapping[str, ReasonMeaning]:
    """Return every meaning by its code.

    Examples
    --------
    >>> reason_meanings()["http-redirect"].says
    'The policy host answered with a redirect.'
    """
    return MappingProxyType(
        {
            code: ReasonMeaning(
                code=code,
                says=entry["says"],
                causes=MappingProxyType({side: tuple(entry[side]) for side in (MX, POLICY_HOST) if side in entry}),
                general=entry.get("general", False),
            )
            for code, entry in read_data("meanings").items()
        }
    )


@cache
def _wordings() -> tuple[_Wording, ...]:
    return tuple(
        _Wording(
            ReasonMatch(
                meaning=reason_meanings()[code], wording=text, source=entry["source"], side=entry.get("at", "")
            ),
            tuple(words_of(part) for part in text.split("…")),
            max(words_of(text).split(), key=len),
            entry.get("whole", False),
            entry.get("reported", False),
            entry.get("needs-side", False),
        )
        for file in read_folder("reason_codes").values()
        for entry in file.values()
        for code, texts in entry["texts"].items()
        for text in texts
    )


def words_of(text: str) -> str:
    """Return the words of a text in lower case, each with a blank on both sides; only the first 65,536 characters count.

    Examples
    --------
    >>> words_of("[5.7.323] X509_V_ERR_CERT_HAS_EXPIRED!")
    ' 5.7.323 x509 v err cert has expired '
    """
    return f" {' '.join(_WORD.findall(text[:_READ].casefold()))} "


def reason_matches(text: str, side: str = "", *, reported: bool = False) -> tuple[ReasonMatch, ...]:
    """Return what a text says, the most specific first: one match for each meaning, none for an unknown text.

    Parameters
    ----------
    text : str
        From a stranger, of any length: the time to read it grows with its length, and only its beginning is read.
    side : str, optional
        What it is about, where that is known: `MX` or `POLICY_HOST`.
    reported : bool, optional
        Whether it is the reason code of a reported failure: there, single words say enough.

    Examples
    --------
    >>> [match.meaning.code for match in reason_matches("error:num=20:unable to get local issuer certificate")]
    ['certificate-issuer']
    >>> reason_matches("HTTP status 404"), reason_matches("HTTP status 404", POLICY_HOST)[0].meaning.code
    ((), 'http-not-found')
    """
    wordings = _wordings_in(text, side, reported)
    specific = [wording for wording in wordings if not wording.match.meaning.general]
    first = {wording.match.meaning.code: wording.match for wording in reversed(specific or wordings)}
    return tuple(reversed(first.values()))


def causes_of_reason(text: str, side: str, *, reported: bool = False) -> tuple[str, ...]:
    """Return the causes that a reason code names, by its most specific wording that names any; none for an unknown one.

    Only its first 2,000 characters are read: a stranger may send many long ones.

    Examples
    --------
    >>> causes_of_reason("HTTP status 404", POLICY_HOST), causes_of_reason("the printer is out of paper", MX)
    (('policy-http-not-found',), ())
    """
    matches = reason_matches(text[:_READ_OF_REASON], side, reported=reported)
    return next((codes for match in matches if (codes := match.causes(side))), ())


def reason_side(text: str) -> str:
    """Return what a text is about, where its wordings belong to one side only: `MX` or `POLICY_HOST`; else empty.

    Examples
    --------
    >>> reason_side("SSL verify error: depth=0 error=certificate has expired"), reason_side("certificate has expired")
    ('mx', '')
    """
    sides = {wording.match.side for wording in _wordings_in(text, "", reported=False)} - {""}
    return sides.pop() if len(sides) == 1 else ""


def _wordings_in(text: str, side: str, reported: bool) -> list[_Wording]:
    """Return the wordings in a text, the longest first, without those that lie within a longer one."""
    words = words_of(text)
    alone = re.sub(r"^ [245]\d\d ", " ", words)  # a reply code before a status code adds nothing
    matches: list[tuple[_Wording, list[tuple[int, int]]]] = []
    distinct = set(words.split())
    for wording in _wordings():
        if wording.longest not in distinct:  # rules out most of them at once
            continue
        if side and wording.match.side not in ("", side):
            continue
        if wording.needs_side and not side:
            continue
        if not reported and (wording.reported or (wording.whole and wording.parts[0] not in (words, alone))):
            continue
        if spans := _spans(words, wording.parts):
            matches.append((wording, spans))
    matches.sort(key=lambda each: -each[0].length)
    return [
        wording
        for number, (wording, spans) in enumerate(matches)
        if not any(_within(spans, other) for _, other in matches[:number])
    ]


def _spans(words: str, parts: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return where the parts are, in their order and close together; nothing where they are not."""
    start = words.find(parts[0])
    while start >= 0:
        spans = [(start, start + len(parts[0]))]
        for part in parts[1:]:
            # Neighbours share a blank.
            begin = words.find(part, spans[-1][1] - 1, spans[-1][1] + _APART)
            if begin < 0:
                break
            spans.append((begin, begin + len(part)))
        else:
            return spans
        start = words.find(parts[0], spans[0][1] - 1)
    return []


def _within(spans: list[tuple[int, int]], other: list[tuple[int, int]]) -> bool:
    """Return whether every span lies in what another, longer wording takes, gaps included."""
    begin, end = other[0][0], other[-1][1]
    return all(begin <= first and last <= end for first, last in spans)
