"""The causes of failures, read once from `causes/`, one file per area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from ..vocabulary import Area, CauseKind
from ._commands import Command, command, filled, names_of
from ._findings import finding_texts
from ._providers import hosted_note
from ._read import read_data, read_folder

__all__ = ["CauseText", "causes"]

#: What a service that hosts policies has in its hands (RFC 8461 §8.2).
_HOSTED = frozenset({Area.RECORD, Area.POLICY_HOST, Area.POLICY_CERTIFICATE, Area.POLICY_FILE})


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseText:
    """What is known about one cause. The methods fill in the names of domain and MX host.

    Attributes
    ----------
    code : str
        Stable name, in kebab case.
    area : Area
        What it concerns.
    kind : CauseKind
        What sort of thing it is.
    title : str
        A few words.
    effect : mapping of str to str
        What it does to mail, by policy mode: ``enforce``, ``testing``, ``none``.
    rfc : str
        The sections that decide.
    findings : tuple of str
        Codes of the findings that are evidence of it.
    result_types : mapping of str to int
        What senders report (RFC 8460 §4.3), with the rank of this cause among those of that result type: 1 is first.
    myth, fact : str
        What many guides say and what the RFC says; empty where they agree.
    """

    code: str
    area: Area
    kind: CauseKind
    title: str
    effect: Mapping[str, str]
    rfc: str
    findings: tuple[str, ...]
    result_types: Mapping[str, int]
    myth: str
    fact: str
    _meaning: str
    _fix: str
    _prevent: str
    _verify: str
    _providers: Mapping[str, str]
    _commands: Mapping[str, str]

    def meaning(self, domain: str | None = None) -> str:
        """Return what is wrong and what senders do then."""
        return filled(self._meaning, names_of(domain))

    def fix(self, domain: str | None = None) -> str:
        """Return what to do now."""
        return filled(self._fix, names_of(domain))

    def prevent(self, domain: str | None = None) -> str:
        """Return how to avoid it next time; empty where the fix is permanent.

        Examples
        --------
        >>> causes()["record-multiple"].prevent()
        'To announce a new policy, change the id in the existing record; do not add another record.'
        """
        return filled(self._prevent, names_of(domain))

    def verify(self, domain: str | None = None) -> str:
        """Return how to confirm that it is fixed."""
        return filled(self._verify, names_of(domain))

    @property
    def command_names(self) -> tuple[str, ...]:
        """The names of the commands that confirm it (`command`)."""
        return tuple(self._commands)

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers at which the fix differs."""
        return tuple(self._providers)

    def at_provider(self, provider: str, domain: str | None = None) -> str:
        """Return what is different at a provider; empty where nothing is known to be.

        The text for ``Cloudflare`` also applies to ``Cloudflare Pages`` and ``Cloudflare Workers`` where they have none
        of their own. A service that hosts policies has one text for everything that is in its hands.
        """
        family = provider.partition(" ")[0]
        text = self._providers.get(provider) or self._providers.get(family, "")
        if not text and self.area in _HOSTED:
            text = hosted_note(provider)
        return filled(text, names_of(domain))

    def commands(self, domain: str | None = None, mx: str | None = None) -> tuple[Command, ...]:
        """Return how to confirm it. A name that is not a plain host name is left out: the line is for a shell.

        Examples
        --------
        >>> causes()["mx-certificate-expired"].commands("nordwind.example", "$(id)")[0].shell.split()[5]
        'MX-HOST:25'
        """
        return tuple(command(name, domain, mx, shows=shows) for name, shows in self._commands.items())


@cache
def causes() -> Mapping[str, CauseText]:
    """Return every cause by its code, in the order of the areas: that in which a sender meets them.

    Examples
    --------
    >>> causes()["mx-not-in-policy"].effect["testing"]
    'The mail is delivered anyway; the failure is reported.'
    >>> causes()["mx-no-address"].findings
    ('mx-no-address', 'mx-address-private')
    """
    effects, files = read_data("effects"), read_folder("causes")
    evidence: dict[str, list[str]] = {}
    for code, text in finding_texts().items():
        evidence.setdefault(text.cause, []).append(code)
    ranks: dict[str, dict[str, int]] = {}
    for result_type, entry in read_data("result_types").items():
        for rank, code in enumerate(entry.get("causes", ()), 1):
            ranks.setdefault(code, {})[result_type] = rank
    return MappingProxyType(
        {
            code: _cause(code, area, entry, effects, tuple(evidence.get(code, ())), ranks.get(code, {}))
            for area in Area
            for code, entry in files[area.replace("-", "_")].items()
        }
    )


def _cause(
    code: str,
    area: Area,
    entry: Mapping[str, Any],
    effects: Mapping[str, Any],
    findings: tuple[str, ...],
    ranks: Mapping[str, int],
) -> CauseText:
    shows = entry.get("shows", {})
    return CauseText(
        code=code,
        area=Area(entry.get("area", area)),
        kind=CauseKind(entry["kind"]),
        title=entry["title"],
        effect=MappingProxyType(effects[entry["effect"]]),
        rfc=entry["rfc"],
        findings=findings,
        result_types=MappingProxyType(ranks),
        myth=entry.get("myth", ""),
        fact=entry.get("fact", ""),
        _meaning=entry["meaning"],
        _fix=entry["fix"],
        _prevent=entry.get("prevent", ""),
        _verify=entry["verify"],
        _providers=MappingProxyType(entry.get("providers", {})),
        _commands=MappingProxyType({name: shows.get(name, "") for name in entry["commands"]}),
    )
