"""The lab itself: every server on its ports, and the settings that lead there."""

from __future__ import annotations

import asyncio
import difflib
import functools
import socket
import tempfile
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import dns.name

from ..errors import LabError
from ..settings import Endpoint, ProbeSettings, utc_now
from ._authority import authority_for
from ._dns import Datagrams, NameServer, serve_stream
from ._dnssec import Signer
from ._fuzz import Fuzz, fuzz_mail, fuzz_stream, fuzz_web
from ._healthy import healthy_world
from ._net import dropping, listener, paired, refusing
from ._ports import Loop, Port
from ._smtp import serve_mail
from ._smtp_faulty import serve_faulty_mail
from ._web import close_in_handshake, serve_issuers, serve_old_tls, serve_site, site_context
from ._world import ADDRESSES, RESOLVER, MailServer, Reach, WebServer
from .faults import FAULTS, VARIANTS, Fault, Variant

__all__ = ["Lab", "Request"]

_START_LIMIT = 10.0
_REQUESTS_KEPT = 10_000


class Request(NamedTuple):
    """One thing a client asked for: at which documentation address and port, and what."""

    address: str
    port: int
    what: str


class Lab:
    """A small internet on loopback in which one domain can be looked at, healthy or with a fault.

    DNS (UDP and TCP), HTTPS and SMTP are real servers on free loopback ports. Every host has documentation addresses;
    `settings.routes` leads each (address, port) to its loopback port, so that a server can differ by address.
    All ports and the one thread are closed on exit.

    Parameters
    ----------
    fault : str, optional
        A name from `FAULTS`; without it nothing is wrong.
    variant : str, optional
        A name from `VARIANTS`: how the domain is set up where nothing is wrong. The default is ``enforce``, or
        what the fault starts from.
    also : sequence of str
        Further faults, brought on after the first: several things wrong at once. One that replaces what another edits
        wins over it; second acts are those of `fault` alone.
    domain : str
        The policy domain, directly under `example`.
    others : sequence of str
        Further healthy domains at the same hosts.
    latency : float or mapping of str to float
        Seconds of one round trip: to every server, or by ``dns``, ``https``, ``smtp`` or address.
    now : datetime, optional
        The lab's present, in UTC: certificates are dated around it, and `settings.now` stands still at it. The
        default is the system's clock.
    timeout : float
        `settings.timeout`, in seconds.
    fuzz : Fuzz, optional
        Servers that turn to nonsense at one step.

    Attributes
    ----------
    settings : ProbeSettings
        Reaches the lab; there from `__enter__` on.
    requests : deque of Request
        What clients asked, oldest first, the latest 10,000.
    troubles : list of exceptions
        Faults of the lab's own servers; empty unless the lab itself has a bug.

    Raises
    ------
    LabError
        The fault is not known, or the lab cannot start.

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
        fuzz: Fuzz | None = None,
    ) -> None:
        self.fault = _known("fault", fault, FAULTS) if fault is not None else None
        named = variant or (self.fault.variant if self.fault else "enforce")
        self.variant = _known("variant", named, VARIANTS)
        self.domain = domain
        self.requests: deque[Request] = deque(maxlen=_REQUESTS_KEPT)
        self._latency = latency
        self._now = now
        self._timeout = timeout
        self.fuzz = fuzz
        moment = (now or utc_now()).astimezone(UTC)
        self.world = healthy_world(domain, others, moment, authority_for(moment))
        further = [_known("fault", name, FAULTS) for name in also]
        for change in (self.variant, self.fault, *further):
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

    def _start(self, stack: ExitStack) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mtasts-nb-lab-")))
        roots = folder / "roots.pem"
        roots.write_bytes(self.world.authority.root_pem)
        opening = _Opening(stack, self)
        opening.name_servers()
        for address, web in self.world.web.items():
            opening.web(address, web)
        for address, mail in self.world.mail.items():
            opening.mail(address, mail)
        for address in ADDRESSES["pki"]:
            opening.stream(address, 80, "http", functools.partial(serve_issuers, self.world.authority))
        now = self._now
        self.settings = ProbeSettings(
            nameservers=(RESOLVER,),
            trust_roots=roots,
            timeout=self._timeout,
            now=utc_now if now is None else lambda: now.astimezone(UTC),
            routes=opening.routes,
        )
        stack.callback(self._loop.stop)  # last in, first out: the loop ends before its sockets close
        self._loop.start(opening.ports, opening.datagrams, _START_LIMIT)

    def advance(self) -> None:
        """Bring on the second act of a fault that shows only between two looks.

        Raises
        ------
        LabError
            The fault has none.
        """
        if self.fault is None or self.fault.later is None:
            raise LabError(f"The fault {self.fault.name if self.fault else None!r} has no second act.")
        self.fault.later(self.world)  # the servers read the plan anew for every request

    def latency_of(self, kind: str, address: str) -> float:
        """Return the round trip to a server, in seconds."""
        if isinstance(self._latency, Mapping):
            return self._latency.get(address, self._latency.get(kind, 0.0))
        return self._latency

    def note(self, address: str, port: int, what: str) -> None:
        """Keep what a client asked."""
        self.requests.append(Request(address, port, what))


Note = Callable[[str], None]
_Named = TypeVar("_Named", Fault, Variant)


def _known(kind: str, name: str, table: Mapping[str, _Named]) -> _Named:
    """Return what has this name, or say which names are near."""
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=3, cutoff=0.5)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    raise LabError(f"The lab has no {kind} {name!r}.{hint} `mtasts-nb lab --list` prints them all.")


class _Opening:
    """Opens the sockets of a lab and remembers what answers on each."""

    def __init__(self, stack: ExitStack, lab: Lab) -> None:
        self.stack = stack
        self.lab = lab
        self.routes: dict[Endpoint, Endpoint] = {}
        self.ports: list[Port] = []
        self.datagrams: list[tuple[socket.socket, Callable[[], asyncio.DatagramProtocol]]] = []

    def _hold(self, sock: socket.socket, endpoint: Endpoint) -> socket.socket:
        self.stack.callback(sock.close)
        self.routes[endpoint] = sock.getsockname()
        return sock

    def stream(
        self,
        address: str,
        port: int,
        kind: str,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter, Note], Coroutine[Any, Any, None]],
        reach: Reach = "open",
        **options: Any,
    ) -> None:
        """Open a TCP port that is served, refuses, or drops."""
        endpoint = (address, port)
        if reach == "refused":
            self._hold(refusing(), endpoint)
            return
        if reach == "dropped":
            first, *rest = dropping()
            self._hold(first, endpoint)
            for sock in rest:
                self.stack.callback(sock.close)
            return
        note = functools.partial(self.lab.note, address, port)

        async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await serve(reader, writer, note)

        sock = self._hold(listener(), endpoint)
        self.ports.append(Port(sock, service, latency=self.lab.latency_of(kind, address), **options))

    def name_servers(self) -> None:
        """Open the resolver and the authoritative servers, each on UDP and TCP."""
        lab = self.lab
        signer = Signer(lab.world.moment)
        by_origin = {zone.origin: zone for zone in lab.world.zones}
        for zone in lab.world.zones:
            if zone.signed:
                parent = by_origin[zone.origin.parent()] if zone.origin != dns.name.root else None
                signer.publish(zone, parent)
        for address in (RESOLVER, *ADDRESSES["ns1"], *ADDRESSES["ns2"]):
            server = NameServer(lab.world, address, signer)
            latency = lab.latency_of("dns", address)
            note = functools.partial(lab.note, address, 53)
            datagram, stream = paired()
            self._hold(datagram, (address, 53))
            self._hold(stream, (address, 53))
            fuzz = self._fuzz("dns")
            self.datagrams.append((datagram, functools.partial(Datagrams, server, latency, note, fuzz)))
            if fuzz is not None and fuzz.step == "stream":
                serve = functools.partial(fuzz_stream, fuzz, note=note)
            else:
                serve = functools.partial(serve_stream, server, note=note)
            self.ports.append(Port(stream, serve, latency=latency))

    def _fuzz(self, service: str) -> Fuzz | None:
        fuzz = self.lab.fuzz
        return fuzz if fuzz is not None and fuzz.service == service else None

    def web(self, address: str, server: WebServer) -> None:
        """Open port 443 of an address."""
        if server.reach != "open" or server.handshake == "close":
            self.stream(address, 443, "https", close_in_handshake, server.reach)
            return
        context = site_context(server, functools.partial(self.lab.note, address, 443))
        if fuzz := self._fuzz("https"):
            secure = context if fuzz.step in ("headers", "body") else None
            self.stream(address, 443, "https", functools.partial(fuzz_web, fuzz), context=secure)
            return
        if server.tls != "modern":
            self.stream(address, 443, "https", functools.partial(serve_old_tls, server, context))
            return
        self.stream(address, 443, "https", functools.partial(serve_site, server), context=context)

    def mail(self, address: str, server: MailServer) -> None:
        """Open port 25 of an address."""
        context = server.credential.context()
        fuzz = self._fuzz("smtp")

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: Note) -> None:
            if fuzz is not None:
                await fuzz_mail(fuzz, context, reader, writer, note)
            elif server.manner == "well-behaved" and server.tls == "modern":
                await serve_mail(server.name, context, writer, note)
            else:
                await serve_faulty_mail(server, reader, writer, note)

        self.stream(address, 25, "smtp", serve, server.reach)
