"""Sender profiles: where known senders act otherwise than the RFC asks. Data with sources, no logic."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ._outcomes import Delivery, Outcomes

__all__ = ["STRICT", "TOPICS", "Otherwise", "Profile", "Rule", "profiles"]

#: What a rule may be about, and what it may say; the first of each is what the RFC asks.
TOPICS: Mapping[str, tuple[str, ...]] = {
    "sts": ("applied", "none"),
    "record": ("one", "prefix", "any-prefix", "delimiter", "joined"),  # RFC 8461 §3.1
    "record-id": ("checked", "unchecked", "not-needed"),  # §3.1
    "content-type": ("text/plain", "any"),  # §3.2
    "common-name": ("ignored", "accepted"),  # §3.3
    "blank-lines": ("refused", "skipped"),  # §3.2
    "lines": ("refused", "skipped"),  # §3.2
    "repeated": ("first", "last", "refused"),  # §3.2
    "max-age": ("limited", "capped", "any-number"),  # §3.2
    "patterns": ("checked", "unchecked"),  # §3.2
    "coverage": ("host", "certificate"),  # §4.1
    "testing": ("reported", "ignored"),  # §5
    "dane": ("both", "instead", "overridden"),  # §2
    "dane-insecure-mx": ("plain", "dane"),  # RFC 7672 §2.2.1
    "greeting-5xx": ("next", "bounce"),  # RFC 5321 §4.2.1
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that a sender does otherwise.

    Attributes
    ----------
    topic, does : str
        A key of `TOPICS` and one of its values.
    says : str
        The same in a sentence.
    source : str
        Where it was read: an address.
    """

    topic: str
    does: str
    says: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A known sender.

    Attributes
    ----------
    name, title : str
        For code and for people.
    seen : str
        The version or commit that was read.
    source : str
        The project's address.
    rules : tuple of Rule
        What it does otherwise. What is not listed was not found to differ.
    """

    name: str
    title: str
    seen: str = ""
    source: str = ""
    rules: tuple[Rule, ...] = ()

    def does(self, topic: str) -> str:
        """Return what it does about a topic.

        Examples
        --------
        >>> profiles()["mox"].does("content-type"), profiles()["mox"].does("coverage")
        ('any', 'host')
        """
        return next((rule.does for rule in self.rules if rule.topic == topic), TOPICS[topic][0])


#: The sender that does what the RFCs ask.
STRICT = Profile(name="rfc", title="as RFC 8461 asks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Otherwise:
    """A profile that would act otherwise.

    Attributes
    ----------
    profile, title : str
        The sender.
    delivery : Delivery
        The message's fate with it.
    outcomes : Outcomes
        All that it would do.
    why : str
        What it does otherwise, in sentences.
    sources : tuple of str
        Where that was read.
    """

    profile: str
    title: str
    delivery: Delivery
    outcomes: Outcomes
    why: str
    sources: tuple[str, ...]


@cache
def profiles() -> Mapping[str, Profile]:
    """Return the known senders by name, without the strict one.

    Examples
    --------
    >>> profiles()["postfix-mta-sts-resolver"].title
    'Postfix with postfix-mta-sts-resolver'
    """
    text = resources.files(__package__).joinpath("profiles.toml").read_text("utf-8")
    found = {}
    for name, entry in tomllib.loads(text).items():
        rules = tuple(Rule(**rule) for rule in entry.pop("rule"))
        for rule in rules:
            if rule.does not in TOPICS[rule.topic][1:]:
                raise ValueError(
                    f"profiles.toml, {name}: {rule.topic} = {rule.does!r} is not one of {TOPICS[rule.topic]}"
                )
        found[name] = Profile(name=name, rules=rules, **entry)
    return found
