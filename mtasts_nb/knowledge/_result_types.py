"""What each result type means, and the causes, commands and fix of its ranked causes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from ..vocabulary import result_type_of
from ._causes import CauseText, causes
from ._commands import Command, command
from ._read import read_data

__all__ = ["ResultTypeText", "result_type_text", "result_type_texts"]

_UNREGISTERED = "unregistered"
# So many of the causes of a result type are named: the ones that occur.
_NAMED = 4


@dataclass(frozen=True, slots=True)
class ResultTypeText:
    """What a result type means and what to do about it.

    Attributes
    ----------
    code : str
        The result type, as in RFC 8460 §4.3; also ``unattributed``, ``unknown`` and ``unregistered``.
    title, short, meaning, rfc : str
        A heading; one sentence for everyone; what the sender observed; the section.
    effect : mapping of str to str
        What it does to mail, by policy mode.
    ranked : tuple of CauseText
        Its causes, the most likely first.
    myth, fact : str
        What many guides say and what the RFC says; empty where they agree.
    """

    code: str
    title: str
    short: str
    meaning: str
    effect: Mapping[str, str]
    rfc: str
    myth: str
    fact: str
    ranked: tuple[CauseText, ...]
    _fix: str

    @property
    def where(self) -> str:
        """What has to be fixed: ``mx``, ``policy-host``, ``dane`` or ``unknown``."""
        registered = result_type_of(self.code)
        if registered is None:
            return "unknown"
        return "policy-host" if registered.on_policy_host else "dane" if registered.needs_dane else "mx"

    @property
    def causes(self) -> tuple[str, ...]:
        """The usual causes, the most likely first.

        Examples
        --------
        >>> result_type_text("tlsa-invalid").causes[0]
        'The TLSA records do not match the certificate'
        """
        return tuple(cause.title for cause in self.ranked[:_NAMED])

    @property
    def fix(self) -> str:
        """What to do, without names."""
        return self.fix_for()

    def fix_for(self, domain: str | None = None) -> str:
        """Return what to do now: the fix of the most likely cause, after finding out that it is the one."""
        if not self.ranked:
            return self._fix
        first = self.ranked[0].fix(domain)
        return first if self._named else f"Find out which cause applies. If it is the first one: {first}"

    def prevent_for(self, domain: str | None = None) -> str:
        """Return how to avoid it next time; empty where the result type does not name its cause, or nothing is known."""
        return self.ranked[0].prevent(domain) if self.ranked and self._named else ""

    @property
    def _named(self) -> bool:
        registered = result_type_of(self.code)
        return registered is not None and registered.names_its_cause

    def commands(self, domain: str | None = None, mx: str | None = None) -> tuple[Command, ...]:
        """Return the commands that tell its most likely causes apart, for one domain and MX host.

        A name that is not a plain host name is left out, since the line is meant to be pasted into a shell and the
        name may come from a stranger's report.

        Examples
        --------
        >>> result_type_text("certificate-expired").commands(mx="mx1.nordwind.example")[0].shell.split()[5]
        'mx1.nordwind.example:25'
        >>> result_type_text("certificate-expired").commands(mx="x; rm -rf ~")[0].shell.split()[5]
        'MX-HOST:25'
        """
        named = dict.fromkeys(name for cause in self.ranked[:_NAMED] for name in cause.command_names)
        return tuple(command(name, domain, mx) for name in named)


@cache
def result_type_texts() -> Mapping[str, ResultTypeText]:
    """Return the explanation of every result type, by its name.

    Examples
    --------
    >>> result_type_texts()["tlsa-invalid"].where
    'dane'
    """
    effects = read_data("effects")
    return MappingProxyType(
        {
            code: ResultTypeText(
                code=code,
                title=entry["title"],
                short=entry["short"],
                meaning=entry["meaning"],
                effect=MappingProxyType(effects[entry["effect"]]),
                rfc=entry["rfc"],
                myth=entry.get("myth", ""),
                fact=entry.get("fact", ""),
                ranked=tuple(causes()[cause] for cause in entry.get("causes", ())),
                _fix=entry.get("fix", ""),
            )
            for code, entry in read_data("result_types").items()
        }
    )


def result_type_text(result_type: str) -> ResultTypeText:
    """Return what a result type means; one that is in no registry gets a text that says so.

    Examples
    --------
    >>> result_type_text("sts-webpki-invalid").where, result_type_text("x-own-type").title
    ('policy-host', 'Result type not in the registry')
    """
    texts = result_type_texts()
    return texts.get(result_type) or texts[_UNREGISTERED]
