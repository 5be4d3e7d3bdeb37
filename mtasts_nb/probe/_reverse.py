"""The host names of addresses by reverse DNS, each confirmed by the addresses of that name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from ..settings import ProbeSettings
from ..vocabulary import Status
from ._evidence import is_host_name
from .wire._dns import Resolver, system_nameservers
from .wire._network import Network, address_problem

__all__ = ["ReverseName", "reverse_names"]

_THREADS = 8
#: An address has one name as a rule; some have a list.
_MOST_NAMES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseName:
    """What reverse DNS says of one address.

    Attributes
    ----------
    address : str
    host : str
        The first name that leads back to the address; empty where there is none.
    claimed : str
        The first name that the address has, confirmed or not: anyone can write any name there.
    status : Status
        Not observed where a lookup was not answered, or the address is not one of the internet.
    """

    address: str
    host: str = ""
    claimed: str = ""
    status: Status = Status.COMPLETED


def reverse_names(addresses: Iterable[str], settings: ProbeSettings) -> dict[str, ReverseName]:
    """Return what reverse DNS says of each address; within `settings.deadline` in all.

    Private addresses are not asked about: the question would leave this network.
    """
    unique = list(dict.fromkeys(addresses))
    with _resolver(settings) as resolver, ThreadPoolExecutor(_THREADS, "mtasts-nb reverse") as executor:
        answers = executor.map(lambda address: _name(address, resolver, settings), unique)
        return dict(zip(unique, answers, strict=True))


@contextmanager
def _resolver(settings: ProbeSettings) -> Iterator[Resolver]:
    network = Network(settings)
    try:
        yield Resolver(network, settings.nameservers or system_nameservers())
    finally:
        network.stop()
        network.close()


def _name(address: str, resolver: Resolver, settings: ProbeSettings) -> ReverseName:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ReverseName(address=address, status=Status.NOT_OBSERVED)
    if address_problem(address) and not settings.allow_private:
        return ReverseName(address=address, status=Status.NOT_OBSERVED)
    pointers = resolver.ask(ip.reverse_pointer, "PTR")
    if pointers.status is not Status.COMPLETED:
        return ReverseName(address=address, status=Status.NOT_OBSERVED)
    names = [name.lower() for name in pointers.texts if is_host_name(name)][:_MOST_NAMES]
    observed = True
    for name in names:
        forward = resolver.ask(name, "A" if ip.version == 4 else "AAAA")
        if any(_same(text, ip) for text in forward.texts):
            return ReverseName(address=address, host=name, claimed=names[0])
        observed &= forward.status is Status.COMPLETED
    status = Status.COMPLETED if observed else Status.NOT_OBSERVED
    return ReverseName(address=address, claimed=names[0] if names else "", status=status)


def _same(text: str, ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return ipaddress.ip_address(text) == ip
    except ValueError:
        return False
