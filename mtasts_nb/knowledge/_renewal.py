"""How clients that renew certificates treat the private key, read once from `renewal.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType

from ._read import read_data

__all__ = ["RenewalClient", "renewal_clients"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalClient:
    """What a client does with the key as it renews a certificate.

    Attributes
    ----------
    title : str
    new_key : bool
        Whether it makes a new key by default: then a TLSA record of usage 3 no longer matches.
    keep, roll : str
        How to keep the key; how to change it on purpose, with its record published before.
    source : str
        Where that was read.
    date : date
        When.
    """

    title: str
    new_key: bool
    keep: str
    roll: str
    source: str
    date: date


@cache
def renewal_clients() -> Mapping[str, RenewalClient]:
    """Return each client by its name in lower case.

    Examples
    --------
    >>> [name for name, client in renewal_clients().items() if client.new_key]
    ['certbot', 'caddy']
    """
    return MappingProxyType(
        {
            name: RenewalClient(
                title=entry["title"],
                new_key=entry["renews"] == "new key",
                keep=entry["keep"],
                roll=entry["roll"],
                source=entry["source"],
                date=date.fromisoformat(entry["date"]),
            )
            for name, entry in read_data("renewal").items()
        }
    )
