"""What people ask that is no cause, read once from the text files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from ._text import read_toml

__all__ = ["Topic", "topics"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A question and its answer.

    Attributes
    ----------
    code, title, text, rfc : str
        Stable name; the question; the answer; the sections that decide.
    causes : tuple of str
        Codes of the causes to look at.
    myth, fact : str
        What many guides say and what the RFC says; empty where they agree.
    """

    code: str
    title: str
    text: str
    rfc: str
    causes: tuple[str, ...]
    myth: str = ""
    fact: str = ""


@cache
def topics(language: str = "en") -> Mapping[str, Topic]:
    """Return every topic by its code.

    Raises
    ------
    LookupError
        There is no text in that language.

    Examples
    --------
    >>> topics()["enforce-holds-mail"].causes[0]
    'mx-not-in-policy'
    """
    return MappingProxyType(
        {
            code: Topic(
                code=code,
                title=told["title"],
                text=told["text"],
                rfc=told["rfc"],
                causes=tuple(told["causes"]),
                myth=told.get("myth", ""),
                fact=told.get("fact", ""),
            )
            for code, told in read_toml("topics", language).items()
        }
    )
