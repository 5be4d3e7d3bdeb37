"""Every finding code that a check can emit, read once from `findings/`: how bad it is, its cause and its messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from ..vocabulary import Effect, Severity
from ._read import read_folder

__all__ = ["FindingText", "finding_texts"]

_EFFECTS = {effect.name.lower().replace("_", " "): effect for effect in Effect}


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingText:
    """What is known about one finding code.

    Attributes
    ----------
    code : str
        Stable name, in kebab case.
    severity, effect : Severity, Effect
        Those of the worst case.
    cause : str
        The code of the cause that it is evidence of; empty where it has none.
    rfc : str
        The section that decides; empty where none does.
    consequence : str
        What an error of this code makes senders do; empty where the message says it.
    live : bool
        Whether only a probe of the live domain can show it; otherwise the text of a record or policy does.
    own_fix : str
        What to do, where it has no cause, or a text to publish or to run; else empty: the fix is that of the cause.
    messages : mapping of str to str
        What is wrong, with names in braces, by variant; the empty variant is the usual one.
    """

    code: str
    severity: Severity
    effect: Effect
    cause: str
    rfc: str
    consequence: str
    live: bool
    own_fix: str
    messages: Mapping[str, str]

    def message(self, variant: str = "", **names: object) -> str:
        """Return what is wrong, with the names filled in.

        Examples
        --------
        >>> finding_texts()["policy-http-redirect"].message()
        'The policy URL answers with a redirect. Senders must not follow it (sts-policy-fetch-error).'
        """
        return self.messages[variant].format(**{"rfc": self.rfc} | names)


@cache
def finding_texts() -> Mapping[str, FindingText]:
    """Return every finding code and what is known about it.

    Examples
    --------
    >>> finding_texts()["mx-certificate-self-signed"].cause
    'mx-certificate-untrusted'
    """
    entries: dict[str, dict[str, Any]] = {}
    for content in read_folder("findings").values():
        defaults = content.pop("defaults", {})
        entries |= {code: defaults | entry for code, entry in content.items()}
    return MappingProxyType({code: _text(code, entry, entries) for code, entry in entries.items()})


def _text(code: str, entry: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]]) -> FindingText:
    source = entries[entry.get("message_of", code)]
    return FindingText(
        code=code,
        severity=Severity(entry["severity"]),
        effect=_EFFECTS[entry["effect"]],
        cause=entry.get("cause", ""),
        rfc=entry.get("rfc", ""),
        consequence=entry.get("consequence", ""),
        live=entry.get("live", False),
        own_fix=entry.get("fix", ""),
        messages=MappingProxyType({"": source["message"], **source.get("variants", {})}),
    )
