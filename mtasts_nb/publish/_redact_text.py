"""Free text with the names in it replaced: it is built again from parts that are known to be harmless, and from no others.

What is not a word of the protocols or of our own texts, a number, a date or punctuation becomes a pseudonym where it is a
known name, a host name or an address, and an ellipsis where it is anything else: so nothing has to be searched for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ._harmless import is_harmless, is_number
from ._redact_names import Pseudonyms, as_address, as_host

__all__ = ["LEFT_OUT", "redacted_text"]

LEFT_OUT = "…"
_EDGE = r"(?<![\w.:/=-])"
_TOKEN = re.compile(
    # TLSA data (RFC 6698 §2.2), a date or time (RFC 3339), a reply with its status code (RFC 3463).
    rf"{_EDGE}(?P<tlsa>[0-3] [01] [0-2]) ?(?P<hash>(?:[0-9a-f] ?){{8,}})(?![\w.:%\[(@-])"
    rf"|(?P<time>{_EDGE}(?:20\d\d-[01]\d-[0-3]\d(?:[T ][0-2]\d:[0-5]\d(?::[0-6]\d(?:\.\d{{1,6}})?)?)?|[0-2]\d:[0-5]\d(?::[0-6]\d)?)"
    r"(?:Z|[+-][01]\d:?[0-5]\d)?(?![\w:-]|\.\w)|"
    rf"{_EDGE}[245]\d\d[ -][245]\.\d{{1,3}}\.\d{{1,3}}(?![\w.:-]))"
    r"|(?P<chunk>[^\s,;()\[\]<>\"'`|!?=…“”’–—→·§~]+)"
    r"|(?P<gap>.)",
    re.DOTALL | re.IGNORECASE,
)
# Words and numbers with single signs between them; nothing that HTML, a URL, MIME or a program would read otherwise.
_COMPOUND = re.compile(r"_?[A-Za-z0-9]+(?:[._+-]{1,2}[A-Za-z0-9]+)*")
_LITERAL = re.compile(r"(?:ipv6:)?([0-9a-f:.]*[0-9a-f:])(?:%[\w.-]+)?((?:/\d{1,3})?)", re.IGNORECASE)
_EDGES = re.compile(r"([.:/-]{0,3})(.*?)([.:/-]{0,3})", re.DOTALL)
_BEFORE_SENTENCE = '.!?:[("“\n'
# Four numbers in a row may be an address or letters, however they are separated.
_RUN = re.compile(r"(?<![A-Za-z0-9])\d+(?:[\W_]{1,3}\d+){3,}")
# A count with its thousands separated, such as 12,345: no part of an address.
_GROUPED = re.compile(r"(?<![\w.,])([1-9]\d{0,2}(?:,\d{3}){1,2})(?![\w]|[.,]\d)")
# Quoted-printable (RFC 2045 §6.7).
_QUOTED = re.compile(r"(?<![A-Za-z])=\d[0-9A-Fa-f]")
_REPEATED = re.compile(rf"{LEFT_OUT}(?:[\s_.+-]*{LEFT_OUT})+")


def redacted_text(text: str, names: Pseudonyms) -> str:
    """Return a text, a stranger's or an author's, with names as pseudonyms and whatever is not known to be harmless as ``…``.

    Examples
    --------
    >>> names = Pseudonyms(b"for this example only", given={"nordwind.example": "domain-a.example"})
    >>> redacted_text("X509_V_ERR_CERT_HAS_EXPIRED at nordwind.example:25 by Anna (ticket 4F2A9B), 2026-02-08", names)
    'X509_V_ERR_CERT_HAS_EXPIRED at domain-a.example:25 by … (ticket …), 2026-02-08'
    """
    made: list[str] = []
    loose: list[str] = []

    def close() -> None:
        """Check what was kept since the last pseudonym as a whole."""
        parts = _GROUPED.split(_QUOTED.sub(LEFT_OUT, "".join(loose)))
        made.extend(part if position % 2 else _RUN.sub(LEFT_OUT, part) for position, part in enumerate(parts))
        loose.clear()

    for part, is_pseudonym in _parts(text, names):
        if is_pseudonym:
            close()
            made.append(part)
        else:
            loose.append(part)
    close()
    return _REPEATED.sub(LEFT_OUT, "".join(made))


def _parts(text: str, names: Pseudonyms) -> Iterator[tuple[str, bool]]:
    """Return the parts of which the text is built again, each with whether it is a pseudonym, a date or a code."""
    at = 0
    for start, end, pseudonym in [*names.names_in(text), (len(text), len(text), "")]:
        for match in _TOKEN.finditer(text, at, start):
            if match["hash"]:
                yield f"{match['tlsa']} {names.hexadecimal(match['hash'])}", True
                if match["hash"].endswith(" "):
                    yield " ", False
            elif match["time"]:
                yield match["time"], True
            elif match["chunk"]:
                before = text[max(0, match.start() - 4) : match.start()].rstrip(" ")
                yield from _chunk(match["chunk"], not before or before[-1] in _BEFORE_SENTENCE, names)
            else:
                gap = match["gap"]
                yield gap if gap.isprintable() or gap in "\n\t" else " ", False
        if pseudonym:
            yield pseudonym, True
        at = end


def _chunk(chunk: str, begins: bool, names: Pseudonyms) -> Iterator[tuple[str, bool]]:
    if "::" in chunk:  # an IPv6 address, or nothing that we write
        known = _known(chunk.rstrip(".-/"), names) or _known(chunk.rstrip(".:-/"), names)
        yield known or LEFT_OUT, known is not None
        return
    edges = _EDGES.fullmatch(chunk)
    lead, core, tail = edges.groups() if edges else ("", chunk, "")
    yield lead, False
    yield from _core(core, begins, names) if core else ()
    yield tail, False


def _core(core: str, begins: bool, names: Pseudonyms) -> Iterator[tuple[str, bool]]:
    if (known := _known(core, names)) is not None:
        yield known, True
    elif core in ("%", "*") or is_number(core) or _is_compound(core, begins):
        yield core, False
    elif "@" not in core and (parts := re.split(r"(://|[/:])", core))[1:]:
        for position, part in enumerate(parts):
            if position and is_number(part) and parts[position - 1] == ":" and is_number(parts[position - 2]):
                yield LEFT_OUT, False  # groups of an IPv6 address
            elif position % 2:
                yield part, False
            elif part:
                yield from _core(part, begins and not position, names)
    else:
        yield LEFT_OUT, False


def _known(core: str, names: Pseudonyms) -> str | None:
    """Return the pseudonym of an address, with its prefix length, or of a host name."""
    literal = _LITERAL.fullmatch(core)
    if literal and any(sign in literal[1] for sign in ".:") and as_address(literal[1]) is not None:
        return names.address(literal[1]) + literal[2]
    return names.host(core) if as_host(core) else None


def _is_compound(core: str, begins: bool) -> bool:
    if not _COMPOUND.fullmatch(core):
        return False
    words = re.split(r"[._+-]+", core.removeprefix("_"))
    return all(
        is_harmless(word, begins=begins and not position) or (len(word) <= 3 and is_number(word))
        for position, word in enumerate(words)
    )
