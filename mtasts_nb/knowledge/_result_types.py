"""The explanation of each result type, read once from the text files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from ._commands import Command, filled, plain_name
from ._text import read_toml

__all__ = ["ResultTypeText", "explain", "result_type_texts"]

_UNREGISTERED = "unregistered"


@dataclass(frozen=True, slots=True)
class ResultTypeText:
    """What a result type means and what to do about it.

    Attributes
    ----------
    code : str
        The result type, as in RFC 8460 §4.3; also ``unattributed``, ``unknown`` and ``unregistered``.
    title, short, meaning, fix, rfc : str
        A heading; one sentence for everybody; what the sender saw; what to do; the section.
    where : str
        ``mx``, ``policy-host``, ``dane`` or ``unknown``: what has to be mended.
    severity : str
        ``critical``, ``high`` or ``unknown``.
    effect : mapping of str to str
        What it does to mail, by policy mode.
    causes : tuple of str
        The usual ones, the likeliest first.
    myth, fact : str
        What many guides say and what the RFC says; empty where they agree.
    """

    code: str
    title: str
    short: str
    where: str
    severity: str
    meaning: str
    effect: Mapping[str, str]
    causes: tuple[str, ...]
    fix: str
    rfc: str
    myth: str
    fact: str
    _commands: tuple[Command, ...]

    @property
    def holds_mail(self) -> bool:
        """Whether it can hold mail back by itself: a fault at the policy host cannot (RFC 8461 §5)."""
        return self.where in ("mx", "dane")

    def commands(self, domain: str | None = None, mx: str | None = None) -> tuple[Command, ...]:
        """Return the commands for one domain and MX host.

        A name that is not a plain host name is left out, since the line is meant to be pasted into a shell and the
        name may come from a stranger's report.

        Examples
        --------
        >>> explain("certificate-expired").commands(mx="mx1.nordwind.example")[0].shell.split()[5]
        'mx1.nordwind.example:25'
        >>> explain("certificate-expired").commands(mx="x; rm -rf ~")[0].shell.split()[5]
        'MX-HOST:25'
        """
        names = {"domain": plain_name(domain, "DOMAIN"), "mx": plain_name(mx, "MX-HOST")}
        return tuple(Command(filled(one.shell, names), filled(one.shows, names)) for one in self._commands)

    def causes_for(self, domain: str | None = None) -> tuple[str, ...]:
        """Return the causes, with the domain's name filled in."""
        return tuple(filled(cause, {"domain": plain_name(domain, "DOMAIN")}) for cause in self.causes)


@cache
def result_type_texts(language: str = "en") -> Mapping[str, ResultTypeText]:
    """Return the explanation of every result type, by its name.

    Raises
    ------
    LookupError
        There is no text in that language.

    Examples
    --------
    >>> result_type_texts()["tlsa-invalid"].where
    'dane'
    """
    texts = {}
    for code, entry in read_toml("result_types", language).items():
        texts[code] = ResultTypeText(
            code=code,
            title=entry["title"],
            short=entry["short"],
            where=entry["where"],
            severity=entry["severity"],
            meaning=entry["meaning"],
            effect=MappingProxyType({mode: entry[mode] for mode in ("enforce", "testing", "none")}),
            causes=tuple(entry["causes"]),
            fix=entry["fix"],
            rfc=entry["rfc"],
            myth=entry.get("myth", ""),
            fact=entry.get("fact", ""),
            _commands=tuple(Command(one["shell"], one["shows"]) for one in entry["commands"]),
        )
    return MappingProxyType(texts)


def explain(result_type: str, language: str = "en") -> ResultTypeText:
    """Return what a result type means; one that is in no registry gets a text that says so.

    Examples
    --------
    >>> explain("sts-webpki-invalid").where, explain("x-own-type").title
    ('policy-host', 'Result type not in the registry')
    """
    texts = result_type_texts(language)
    return texts.get(result_type) or texts[_UNREGISTERED]
