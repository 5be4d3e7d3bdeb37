"""Who runs a domain's MX hosts or its policy host, from `providers.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ._read import read_data

__all__ = ["Provider", "hosted_note", "mail_provider", "providers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider, and how to recognise it. All names are in lower case.

    Attributes
    ----------
    name : str
        As people know it.
    form : str
        Which of its kinds of MX hosts, where it has several; else empty.
    mx, cname : tuple of str
        Domains in which the names of its MX hosts end, and those that CNAMEs of policy hosts lead to.
    headers : tuple of (str, str)
        Response headers of its web servers: a name, and a part of the value (empty: any value).
    advice : str
        What its customers should know about the patterns of a policy.
    hosted : bool
        Whether it serves the policy of its customers, so that they change it there (RFC 8461 §8.2).
    source : str
        Where that was read; empty: in its own set-up instructions.
    """

    name: str
    form: str = ""
    mx: tuple[str, ...] = ()
    cname: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    advice: str = ""
    hosted: bool = False
    source: str = ""

    @property
    def label(self) -> str:
        """Its name, with the form of its MX hosts where it has several."""
        return f"{self.name} ({self.form})" if self.form else self.name


@lru_cache(maxsize=1)
def providers() -> tuple[Provider, ...]:
    """Return the known providers.

    Examples
    --------
    >>> [one.mx for one in providers() if one.name == "Fastmail"]
    [('messagingengine.com',)]
    """
    return tuple(
        Provider(
            name=entry["name"],
            form=entry.get("form", ""),
            mx=tuple(entry.get("mx", ())),
            cname=tuple(entry.get("cname", ())),
            advice=entry.get("advice", ""),
            hosted=entry.get("hosted", False),
            source=entry.get("source", ""),
            headers=tuple((header["name"], header["value"].lower()) for header in entry.get("header", ())),
        )
        for entry in read_data("providers")["provider"]
    )


def mail_provider(host: str) -> Provider | None:
    """Return the provider of an MX host or pattern, None where it is not a known one.

    Parameters
    ----------
    host : str
        In lower case.

    Examples
    --------
    >>> mail_provider("alt1.aspmx.l.google.com").name
    'Google Workspace'
    """
    name = host.removeprefix("*.").removesuffix(".")
    return next((known for known in providers() if any(f".{name}".endswith(f".{end}") for end in known.mx)), None)


def hosted_note(name: str) -> str:
    """Return what customers of a service that hosts policies have to know; empty where it is not one.

    ``{domain}`` stands for the policy domain.

    Examples
    --------
    >>> hosted_note("EasyDMARC")[:47], hosted_note("Netlify")
    ('This service hosts your policy: change it there', '')
    """
    return read_data("providers")["hosted"] if any(known.hosted and known.name == name for known in providers()) else ""
