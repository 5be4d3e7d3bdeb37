"""The causes of failures, read once from the text files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from ._commands import Command, filled, plain_name
from ._text import read_data, read_toml

__all__ = ["AREAS", "KINDS", "CauseText", "cause_texts"]

#: What a cause is about; each has a file of its own per language.
AREAS = (
    "record", "policy-host", "policy-certificate", "policy-file", "mx", "mx-certificate", "dane", "reporting", "sender",
)  # fmt: skip
#: ``fault``: to mend now; ``latent``: works today, will not or not for all; ``sender``: not at this domain;
#: ``vantage``: nothing could be seen from here; ``outcome``: where a search ends without a fault.
KINDS = ("fault", "latent", "sender", "vantage", "outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseText:
    """What is known about one cause. Names of hosts are filled in by the methods; the texts hold ``{domain}``.

    Attributes
    ----------
    code : str
        Stable name, in kebab case.
    area, kind : str
        One of `AREAS`; one of `KINDS`.
    title : str
        A few words.
    effect : mapping of str to str
        What it does to mail, by policy mode: ``enforce``, ``testing``, ``none``.
    rfc : str
        The sections that decide.
    findings : tuple of str
        Codes of the findings that show it.
    result_types : mapping of str to int
        What senders report (RFC 8460 §4.3), with the place in which to think of this cause.
    reasons : tuple of str
        Words of senders' failure-reason-code, small letters and hyphens.
    myth, fact : str
        What many guides say and what the RFC says; empty where they agree.
    """

    code: str
    area: str
    kind: str
    title: str
    effect: Mapping[str, str]
    rfc: str
    findings: tuple[str, ...]
    result_types: Mapping[str, int]
    reasons: tuple[str, ...]
    myth: str
    fact: str
    _meaning: str
    _fix: str
    _verify: str
    _providers: Mapping[str, str]
    _commands: tuple[Command, ...]

    def meaning(self, domain: str | None = None) -> str:
        """Return what is wrong and what senders make of it."""
        return _named(self._meaning, domain)

    def fix(self, domain: str | None = None) -> str:
        """Return what to do."""
        return _named(self._fix, domain)

    def verify(self, domain: str | None = None) -> str:
        """Return how to see that it is mended."""
        return _named(self._verify, domain)

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers at which the fix differs."""
        return tuple(self._providers)

    def at_provider(self, provider: str, domain: str | None = None) -> str:
        """Return what is different at a provider; empty where nothing is known to be.

        What is said of ``Cloudflare`` holds for ``Cloudflare Pages`` and ``Cloudflare Workers`` too, where nothing is
        said of these.
        """
        family = provider.partition(" ")[0]
        return _named(self._providers.get(provider) or self._providers.get(family, ""), domain)

    def commands(self, domain: str | None = None, mx: str | None = None) -> tuple[Command, ...]:
        """Return how to confirm it. A name that is not a plain host name is left out: the line is for a shell.

        Examples
        --------
        >>> cause_texts()["mx-certificate-expired"].commands("nordwind.example", "$(id)")[0].shell.split()[5]
        'MX-HOST:25'
        """
        names = {"domain": plain_name(domain, "DOMAIN"), "mx": plain_name(mx, "MX-HOST")}
        return tuple(Command(filled(one.shell, names), filled(one.shows, names)) for one in self._commands)


def _named(text: str, domain: str | None) -> str:
    return filled(text, {"domain": plain_name(domain, "DOMAIN")})


@cache
def cause_texts(language: str = "en") -> Mapping[str, CauseText]:
    """Return every cause by its code, in the order in which a sender would meet it.

    Raises
    ------
    LookupError
        There is no text in that language.

    Examples
    --------
    >>> cause_texts()["mx-not-in-policy"].effect["testing"]
    'The mail is delivered all the same; the failure is reported.'
    """
    words: dict[str, Any] = {}
    for area in AREAS:
        words |= read_toml(f"causes/{area.replace('-', '_')}", language)
    effects, general = read_toml("effects", language), read_toml("commands", language)
    shells = read_data("commands")

    def command(name: str, shows: Mapping[str, str]) -> Command:
        return Command(shells[name], shows.get(name) or general[name])

    return MappingProxyType(
        {
            code: CauseText(
                code=code,
                area=data["area"],
                kind=data["kind"],
                title=words[code]["title"],
                effect=MappingProxyType(effects[data["effect"]]),
                rfc=data["rfc"],
                findings=tuple(data.get("findings", ())),
                result_types=MappingProxyType(data.get("result_types", {})),
                reasons=tuple(data.get("reasons", ())),
                myth=words[code].get("myth", ""),
                fact=words[code].get("fact", ""),
                _meaning=words[code]["meaning"],
                _fix=words[code]["fix"],
                _verify=words[code]["verify"],
                _providers=MappingProxyType(words[code].get("providers", {})),
                _commands=tuple(command(name, words[code].get("shows", {})) for name in data["commands"]),
            )
            for code, data in read_data("causes").items()
        }
    )
