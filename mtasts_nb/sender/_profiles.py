"""Sender profiles: where known senders differ from what the RFCs require. Data with sources, no logic.

A rule has a topic and a behaviour. The code that takes a decision asks `Profile.does` for the topic and compares it with
the behaviours that it knows; empty means as the RFC requires. A new rule is an entry in profiles.toml and the place in
the code that applies it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

__all__ = ["STRICT", "Profile", "Rule", "profiles", "topic_texts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One difference of a sender.

    Attributes
    ----------
    topic, behaviour : str
        What it is about, and what the sender does.
    text : str
        The same as a sentence.
    source : str
        The address where it was read.
    """

    topic: str
    behaviour: str
    text: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A known sender.

    Attributes
    ----------
    name, title : str
        For code and for people.
    version, date : str
        What was read, and the day on which it was (ISO 8601): the sender may have changed since.
    source : str
        The project's address, or its documentation.
    product : str
        The mail server whose queue it is; empty where `queue_life` is not known.
    queue_life : int or None
        After how many hours a deferred message bounces by default; None: not known.
    queue_source : str
        The address where that was read.
    rules : tuple of Rule
        Its differences. On a topic in neither these nor `unknown` it is taken to do what the RFC requires.
    unknown : tuple of str
        The topics about which it publishes nothing.
    """

    name: str
    title: str
    version: str = ""
    date: str = ""
    source: str = ""
    product: str = ""
    queue_life: int | None = None
    queue_source: str = ""
    rules: tuple[Rule, ...] = ()
    unknown: tuple[str, ...] = ()

    def does(self, topic: str) -> str:
        """Return its behaviour about a topic; empty if it does what the RFC requires.

        Examples
        --------
        >>> profiles()["mox"].does("content-type"), profiles()["mox"].does("coverage")
        ('any', '')
        """
        return next((rule.behaviour for rule in self.rules if rule.topic == topic), "")


#: The sender that does what the RFCs require.
STRICT = Profile(name="rfc", title="as RFC 8461 requires")


@cache
def profiles() -> Mapping[str, Profile]:
    """Return the known senders by name, without the strict one.

    Examples
    --------
    >>> profiles()["postfix-mta-sts-resolver"].title
    'Postfix with postfix-mta-sts-resolver'
    >>> profiles()["exchange-online"].queue_life, profiles()["gmail"].queue_life
    (24, None)
    """
    entries = {name: entry for name, entry in _data().items() if name != "topics"}
    return MappingProxyType(
        {
            name: Profile(
                name=name,
                rules=tuple(Rule(**rule) for rule in entry.pop("rule", ())),
                unknown=tuple(entry.pop("unknown", ())),
                **entry,
            )
            for name, entry in entries.items()
        }
    )


def topic_texts() -> Mapping[str, str]:
    """Return the topics about which a sender may publish nothing, in words.

    Examples
    --------
    >>> topic_texts()["content-type"]
    'the Content-Type of the policy'
    """
    texts: dict[str, str] = _data()["topics"]
    return texts


def _data() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("profiles.toml").read_text("utf-8"))
