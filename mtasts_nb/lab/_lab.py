"""The lab itself: every server on its ports, and the settings that reach them."""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

import dns.name

from ..errors import LabError, did_you_mean
from ..files import private_folder
from ..settings import Endpoint, ProbeSettings, utc_now
from ._dns import Datagrams, NameServer, Signer, serve_stream
from ._ports import Loop, Port, Reach, Service, listening, paired, unserved
from ._smtp import MailServer, serve_mail
from ._tls import authority_for
from ._web import WebServer, close_in_handshake, serve_issuers, serve_old_tls, serve_site, site_context
from ._world import ADDRESSES, RESOLVER, healthy_world
from .faults import FAULTS, VARIANTS, Fault, Variant

__all__ = ["Lab", "Request"]

_START_LIMIT = 10.0
_REQUESTS_KEPT = 10_000

Note = Callable[[str], None]
DatagramService = Callable[[], asyncio.DatagramProtocol]
# Made when the first client connects: most ports of a lab never see one.
Tls = Callable[[], ssl.SSLContext]


class Request(NamedTuple):
    """One request of a client: the documentation address and port, and what it asked for."""

    address: str
    port: int
    what: str


class Lab:
    """A small internet on loopback with one domain in it, healthy or with a fault.

    DNS (UDP and TCP), HTTPS and SMTP are real servers on free loopback ports. Every host has documentation addresses;
    `settings.routes` leads each (address, port) to its loopback port, so that a server can differ by address.
    All ports and the one thread are closed on exit.

    Parameters
    ----------
    fault : str, optional
        A name from `FAULTS`; without it the domain is healthy.
    variant : str, optional
        A name from `VARIANTS`: how the domain is set up apart from the fault. The default is ``enforce``, or what the
        fault starts from.
    also : sequence of str
        Further faults, applied after the first. Where two change the same thing, the later one wins; only `fault` has
        a second act.
    domain : str
        The policy domain, directly under `example`.
    others : sequence of str
        Further healthy domains at the same hosts.
    latency : float or mapping of str to float
        Seconds of one round trip: to every server, or by ``dns``, ``https``, ``smtp`` or address.
    now : datetime, optional
        The lab's present, in UTC: certificates are dated around it, and `settings.now` always returns it. The default
        is the system's clock.
    timeout : float
        `settings.timeout`, in seconds.

    Attributes
    ----------
    settings : ProbeSettings
        Reaches the lab; set by `__enter__`.
    requests : deque of Request
        What clients asked for, oldest first, the latest 10,000.
    troubles : list of exceptions
        Exceptions of the lab's own servers; empty unless the lab itself has a bug.

    Raises
    ------
    LabError
        There is no such fault, or the lab cannot start.

    Examples
    --------
    >>> with Lab() as lab:
    ...     lab.settings.nameservers
    ('192.0.2.53',)
    """

    settings: ProbeSettings

    def __init__(
        self,
        fault: str | None = None,
        *,
        variant: str | None = None,
        also: Sequence[str] = (),
        domain: str = "nordwind.example",
        others: Sequence[str] = (),
        latency: float | Mapping[str, float] = 0.0,
        now: datetime | None = None,
        timeout: float = 5.0,
    ) -> None:
        self.fault = _named("fault", fault, FAULTS) if fault is not None else None
        self.variant = _named("variant", variant or (self.fault.variant if self.fault else "enforce"), VARIANTS)
        self.domain = domain
        self.requests: deque[Request] = deque(maxlen=_REQUESTS_KEPT)
        self._latency = latency
        self._now = now
        self._timeout = timeout
        moment = (now or utc_now()).astimezone(UTC)
        self.world = healthy_world(domain, others, moment, authority_for(moment))
        for change in (self.variant, self.fault, *(_named("fault", name, FAULTS) for name in also)):
            if change is not None:
                change.apply(self.world)
        self._loop = Loop(f"lab {fault or 'healthy'}")
        self._stack = ExitStack()

    @property
    def troubles(self) -> list[BaseException]:
        """Exceptions of the lab's own servers."""
        return self._loop.troubles

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def advance(self) -> None:
        """Apply the second act of a fault that shows only between two checks.

        Raises
        ------
        LabError
            The fault has none.
        """
        if self.fault is None or self.fault.later is None:
            raise LabError(f"The fault {self.fault.name if self.fault else None!r} has no second act.")
        self.fault.later(self.world)  # the servers read the plan again for every request

    def latency_of(self, kind: str, address: str) -> float:
        """Return the round trip to a server, in seconds."""
        if isinstance(self._latency, Mapping):
            return self._latency.get(address, self._latency.get(kind, 0.0))
        return self._latency

    def note(self, address: str, port: int, what: str) -> None:
        """Record what a client asked for."""
        self.requests.append(Request(address, port, what))

    # What answers at each kind of server. Tests replace these by servers that send garbage.

    def _name_service(self, server: NameServer, latency: float, note: Note) -> tuple[DatagramService, Service]:
        return functools.partial(Datagrams, server, latency, note), functools.partial(serve_stream, server, note)

    def _web_service(self, server: WebServer, note: Note) -> tuple[Service, Tls | None]:
        """Return what serves port 443 of an address, and the TLS that begins before it."""
        if server.handshake == "close":
            return functools.partial(close_in_handshake, note), None
        context = functools.cache(functools.partial(site_context, server, note))
        if server.tls != "modern":
            return functools.partial(serve_old_tls, server, context, note), None
        return functools.partial(serve_site, server, note), context

    def _mail_service(self, server: MailServer, note: Note) -> Service:
        return functools.partial(serve_mail, server, note)

    def _start(self, stack: ExitStack) -> None:
        roots = stack.enter_context(private_folder()) / "roots.pem"
        roots.write_bytes(self.world.authority.root_pem)
        sockets = _Sockets(stack)
        self._open(sockets)
        now = self._now
        self.settings = ProbeSettings(
            nameservers=(RESOLVER,),
            trust_roots=roots,
            timeout=self._timeout,
            now=utc_now if now is None else lambda: now.astimezone(UTC),
            routes=sockets.routes,
        )
        stack.callback(self._loop.stop)  # last in, first out: the loop ends before its sockets close
        self._loop.start(sockets.ports, sockets.datagrams, _START_LIMIT)

    def _open(self, sockets: _Sockets) -> None:
        """Open the ports of every server of the plan."""
        signer = self._sign_zones()
        for address in (RESOLVER, *ADDRESSES["ns1"], *ADDRESSES["ns2"]):
            latency, note = self.latency_of("dns", address), functools.partial(self.note, address, 53)
            answers = self._name_service(NameServer(self.world, address, signer), latency, note)
            sockets.open_dns(address, *answers, latency)
        for address, web in self.world.web.items():
            service, context = self._web_service(web, functools.partial(self.note, address, 443))
            sockets.open((address, 443), service, web.reach, context, self.latency_of("https", address))
        for address, mail in self.world.mail.items():
            service = self._mail_service(mail, functools.partial(self.note, address, 25))
            sockets.open((address, 25), service, mail.reach, None, self.latency_of("smtp", address))
        for address in ADDRESSES["pki"]:
            note = functools.partial(self.note, address, 80)
            service = functools.partial(serve_issuers, self.world.authority, note)
            sockets.open((address, 80), service, "open", None, self.latency_of("http", address))

    def _sign_zones(self) -> Signer:
        signer = Signer(self.world.moment)
        zones = {zone.origin: zone for zone in self.world.zones}
        for zone in self.world.zones:
            if zone.signed:
                signer.publish(zone, zones[zone.origin.parent()] if zone.origin != dns.name.root else None)
        return signer


_Named = TypeVar("_Named", Fault, Variant)


def _named(kind: str, name: str, table: Mapping[str, _Named]) -> _Named:
    """Return the entry with this name; the error lists similar names."""
    if name in table:
        return table[name]
    hint = did_you_mean(name, table, 0.5)
    raise LabError(f"The lab has no {kind} {name!r}.{hint} `mtasts-nb lab --list` prints them all.")


class _Sockets:
    """The open sockets of a lab, the routes that lead to them, and what answers on each."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.routes: dict[Endpoint, Endpoint] = {}
        self.ports: list[Port] = []
        self.datagrams: list[tuple[socket.socket, DatagramService]] = []

    def _hold(self, endpoint: Endpoint, sock: socket.socket, *further: socket.socket) -> None:
        for each in (sock, *further):
            self._stack.callback(each.close)
        self.routes[endpoint] = sock.getsockname()

    def open(self, endpoint: Endpoint, service: Service, reach: Reach, context: Tls | None, latency: float) -> None:
        """Open a TCP port that is served, refuses, or drops."""
        if reach != "open":
            self._hold(endpoint, *unserved(reach))
            return
        sock = listening()
        self._hold(endpoint, sock)
        self.ports.append(Port(sock, service, context, latency))

    def open_dns(self, address: str, datagrams: DatagramService, stream: Service, latency: float) -> None:
        """Open port 53 of an address, on UDP and TCP."""
        datagram, listener = paired()
        self._hold((address, 53), listener, datagram)
        self.datagrams.append((datagram, datagrams))
        self.ports.append(Port(listener, stream, latency=latency))
