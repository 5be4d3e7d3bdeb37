"""Who runs a domain's MX hosts or its policy host, from `providers.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ._read import read_data

__all__ = ["Provider", "providers"]


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
    """

    name: str
    form: str = ""
    mx: tuple[str, ...] = ()
    cname: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


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
            headers=tuple((header["name"], header["value"].lower()) for header in entry.get("header", ())),
        )
        for entry in read_data("providers")["provider"]
    )
