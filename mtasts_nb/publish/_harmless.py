"""What a redacted text may keep: words of the protocols and of this package's own texts, and numbers; and their names."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from ..bundled import notebooks_dir
from ..vocabulary import PolicyType, ResultType

__all__ = ["PROTOCOL_LABELS", "REPORT_KEYS", "is_harmless", "is_number", "own_texts"]

#: Labels that say what a name is for, and nothing about whose it is (RFC 8461 §3.1, §3.2; RFC 8460 §3; RFC 7672 §3).
PROTOCOL_LABELS = frozenset({"*", "mta-sts", "_mta-sts", "_smtp", "_tls", "_25", "_tcp"})
#: Members of the objects in a report (RFC 8460 §4.4), written as the readers do; they have the form of host names.
REPORT_KEYS = frozenset(
    f"{key}.{member}"
    for key, members in {
        "date-range": ("start-datetime", "end-datetime"),
        "policy": ("policy-type", "policy-string", "policy-domain", "mx-host", "mx-host-pattern"),
        "summary": ("total-successful-session-count", "total-failure-session-count"),
    }.items()
    for member in members
)
# Words that are somebody's name when they begin with a capital.
_NAMES_TOO = frozenset({"bill", "dane", "grant", "mark", "marks", "max", "may", "page", "post", "ray", "rich", "rose", "will"})  # fmt: skip
# Counts, ports, versions, status codes and spans. Longer ones may be an address or a queue id.
_NUMBER = re.compile(
    r"[+-]?\d{1,5}(\.\d{1,5}){0,2}(%|ms|s|min|h|d|kb|mb|gb)?|\d{1,3}(,\d{3}){1,3}|X{4,}A?", re.IGNORECASE
)
_SEPARATORS = re.compile(r"[\s,;()\[\]{}\"'“”’!?:]+")
_MID_SENTENCE = re.compile(r"(?<=[A-Za-z0-9,] )[A-Z][A-Za-z]+|(?<=\()[A-Z][A-Za-z]+")
_ALNUM = re.compile(r"[A-Za-z0-9]+")


def is_number(text: str) -> bool:
    """Return whether a text is a number that cannot be an address, alone or with a unit.

    Examples
    --------
    >>> is_number("4.7.0"), is_number("12.5%"), is_number("203.0.113.9"), is_number("3405803785")
    (True, True, False, False)
    """
    return _NUMBER.fullmatch(text) is not None


def is_harmless(word: str, *, begins: bool = False) -> bool:
    """Return whether a word names nobody: one of the protocols, or of this package's own texts.

    Parameters
    ----------
    word : str
        Letters and digits only.
    begins : bool
        Whether it begins a sentence. Elsewhere a capital makes a name of a common word.

    Examples
    --------
    >>> is_harmless("certificate"), is_harmless("EXPIRED"), is_harmless("Anna"), is_harmless("cloudflare")
    (True, True, False, False)
    >>> is_harmless("somewhere"), is_harmless("Somewhere"), is_harmless("Somewhere", begins=True)
    (True, False, True)
    """
    lower = word.lower()
    title = word != lower and word != word.upper()
    if title and lower in _NAMES_TOO:
        return False
    return lower in _protocol_words() or (lower in _words_of_ours() and (word == lower or (begins and title)))


@cache
def _protocol_words() -> frozenset[str]:
    """Return words that may be written in any case: the list beside this module, the RFCs' types, known reason codes."""
    listed = (resources.files(__package__) / "_plain_words.txt").read_text(encoding="utf-8")
    lines = [line for line in listed.splitlines() if not line.startswith("#")]
    knowledge = resources.files("mtasts_nb.knowledge") / "reason_codes"
    codes = [text for table in _tables(knowledge) for source in table.values() for text in _strings(source["texts"])]
    return frozenset(
        word.lower() for text in (*lines, *ResultType, *PolicyType, *codes) for word in _ALNUM.findall(text)
    )


@cache
def _words_of_ours() -> frozenset[str]:
    """Return the words in lower case of our texts; not those that are written as names elsewhere in them."""
    texts = [*_knowledge(), *_cells("markdown")]
    names = {name.lower() for text in texts for name in _MID_SENTENCE.findall(text)}
    words = {word.strip(".") for text in texts for word in _SEPARATORS.split(text)}
    return frozenset(word for word in words - names if word.isascii() and word.isalpha() and word.islower())


def own_texts() -> list[str]:
    """Return every text of the knowledge base, and the cells of the guided notebooks."""
    return [*_knowledge(), *_cells("markdown", "code")]


def _knowledge() -> Iterator[str]:
    for room in ("knowledge", "sender"):
        for table in _tables(resources.files(f"mtasts_nb.{room}")):
            yield from _strings(table)


def _cells(*kinds: str) -> Iterator[str]:
    for path in sorted(notebooks_dir().glob("*.ipynb")):
        cells = json.loads(path.read_bytes())["cells"]
        yield from ("".join(cell["source"]) for cell in cells if cell["cell_type"] in kinds)


def _tables(folder: Traversable) -> Iterator[dict[str, Any]]:
    """Read the data files of a folder and of those in it."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _tables(entry)
        elif entry.name.endswith(".toml"):
            yield tomllib.loads(entry.read_text(encoding="utf-8"))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)
