"""The lab's loopback ports: they answer, refuse, or let a connection time out, served by one thread and event loop."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import LabError

__all__ = ["Loop", "Port", "Reach", "Service", "listening", "paired", "unserved"]

log = logging.getLogger(__name__)

#: Whether a port answers: `refused` sends RST, `dropped` lets the connection time out.
Reach = Literal["open", "refused", "dropped"]
#: Serves one connection and returns at its end.
Service = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]
# What a client that leaves or sends garbage raises in a server. Anything else is a bug of the lab.
_CLIENT_FAULTS = (OSError, EOFError, ssl.SSLError, asyncio.LimitOverrunError, UnicodeError)
_STREAM_LIMIT = 64 * 1024
_STOP_LIMIT = 10.0
_PAUSE = 0.05
_LOOPBACK = "127.0.0.1"


def _bound() -> socket.socket:
    """Return a TCP socket on a free loopback port."""
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it each answer waits 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.bind((_LOOPBACK, 0))
    except BaseException:
        sock.close()
        raise
    return sock


def listening(backlog: int = 128) -> socket.socket:
    """Return a listening socket on a free loopback port."""
    sock = _bound()
    sock.listen(backlog)
    sock.settimeout(0)
    return sock


def unserved(reach: Reach) -> list[socket.socket]:
    """Return the sockets that keep a port, the first one's, from being served: it refuses or drops connections.

    A port that is bound and not listened on refuses. A full accept queue makes the kernel ignore the handshake, as a
    packet filter that drops does.
    """
    if reach == "refused":
        return [_bound()]
    server = listening(0)
    sockets = [server]
    for _ in range(4):
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sockets.append(client)
        client.settimeout(0)
        client.connect_ex(server.getsockname())
    return sockets


def paired() -> tuple[socket.socket, socket.socket]:
    """Return a datagram and a listening stream socket on the same loopback port, as DNS needs."""
    for _ in range(50):
        stream = listening()
        datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagram.bind(stream.getsockname())
            datagram.settimeout(0)
        except OSError as error:
            datagram.close()
            stream.close()
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return datagram, stream
    raise OSError(errno.EADDRINUSE, "no loopback port is free for both UDP and TCP")


@dataclass(frozen=True, slots=True)
class Port:
    """A listening socket and what answers on it.

    Attributes
    ----------
    listening : socket.socket
        Where connections arrive.
    service : callable
        Serves a connection as streams.
    context : callable or None
        Gives the TLS that begins with the first byte; called for each connection.
    latency : float
        Seconds of one round trip.
    """

    listening: socket.socket
    service: Service
    context: Callable[[], ssl.SSLContext] | None = None
    latency: float = 0.0


class Loop:
    """An event loop in a thread of its own that serves ports until it is stopped."""

    def __init__(self, name: str) -> None:
        self.troubles: list[BaseException] = []
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._connections: set[asyncio.Task[None]] = set()

    def start(
        self,
        ports: list[Port],
        datagrams: list[tuple[socket.socket, Callable[[], asyncio.DatagramProtocol]]],
        limit: float,
    ) -> None:
        """Serve in a new thread; return when every port is served.

        Raises
        ------
        LabError
            The loop did not come up within `limit` seconds.
        """
        ready: Future[None] = Future()

        def run() -> None:
            try:
                with asyncio.Runner() as runner:
                    runner.run(self._serve(ports, datagrams, ready))
            except BaseException as error:  # noqa: BLE001 (it crosses the thread)
                if not ready.done():
                    ready.set_exception(error)
                else:
                    self._trouble(error)

        # A daemon, so that a lab that was never closed does not keep the interpreter from ending.
        self._thread = threading.Thread(target=run, name=self._name, daemon=True)
        self._thread.start()
        try:
            ready.result(limit)
        except TimeoutError as error:
            self.stop()
            raise LabError(f"The lab did not start within {limit:g} s; is the machine very busy? Try again.") from error

    def stop(self) -> None:
        """End every connection and the thread."""
        loop, stop, thread = self._loop, self._stop, self._thread
        if loop is not None and stop is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                loop.call_soon_threadsafe(stop.set)
        if thread is not None:
            thread.join(_STOP_LIMIT)
            if thread.is_alive():
                raise LabError(f"The lab's thread {self._name} did not end within {_STOP_LIMIT:g} s; please report it.")
        self._thread = None

    def _trouble(self, error: BaseException) -> None:
        self.troubles.append(error)
        log.error("a lab server failed", exc_info=error)

    def _on_loop_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException) and not isinstance(error, _CLIENT_FAULTS):
            self._trouble(error)

    async def _serve(
        self,
        ports: list[Port],
        datagrams: list[tuple[socket.socket, Callable[[], asyncio.DatagramProtocol]]],
        ready: Future[None],
    ) -> None:
        loop = self._loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_loop_error)
        self._stop = asyncio.Event()
        transports = []
        try:
            for sock, protocol in datagrams:
                transport, _ = await loop.create_datagram_endpoint(protocol, sock=sock)
                transports.append(transport)
            for port in ports:
                self._watch(port)
            ready.set_result(None)
            await self._stop.wait()
        finally:
            for port in ports:
                loop.remove_reader(port.listening)
            tasks = list(self._connections)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for transport in transports:
                transport.abort()
            await asyncio.sleep(0)  # lets the aborted transports close their sockets

    def _watch(self, port: Port) -> None:
        if self._loop is not None and self._stop is not None and not self._stop.is_set():
            self._loop.add_reader(port.listening, self._accept, port)

    def _accept(self, port: Port) -> None:
        """Accept one waiting connection and serve it."""
        try:
            connection, _ = port.listening.accept()
        except BlockingIOError:
            return  # the client has left already
        except OSError as error:  # out of file descriptors, say: try again when some may be free
            self._trouble(error)
            loop = asyncio.get_running_loop()
            loop.remove_reader(port.listening)
            loop.call_later(_PAUSE, self._watch, port)
            return
        connection.settimeout(0)
        task = asyncio.create_task(self._connection(port, connection))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        # Here, and not in the task: one that is cancelled before its first step runs none of its code.
        task.add_done_callback(lambda _: connection.close())

    async def _connection(self, port: Port, connection: socket.socket) -> None:
        try:
            if port.latency > 0:
                await self._distant(port, connection)
            else:
                await self._near(port, connection)
        except _CLIENT_FAULTS:
            pass
        except Exception as error:  # noqa: BLE001 (kept in `troubles`; one connection must not end the lab)
            self._trouble(error)

    async def _near(self, port: Port, connection: socket.socket) -> None:
        """Serve one connection."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(_STREAM_LIMIT)
        writers: list[asyncio.StreamWriter] = []
        # With a callback the protocol knows that it is a server's, which StreamWriter.start_tls asks.
        protocol = asyncio.StreamReaderProtocol(reader, lambda _, writer: writers.append(writer))
        context = port.context() if port.context is not None else None
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=context)
        try:
            await port.service(reader, writers[0])
            writers[0].close()
            await writers[0].wait_closed()
        finally:
            transport.abort()

    async def _distant(self, port: Port, connection: socket.socket) -> None:
        """Serve one connection through a relay that passes every byte on half a round trip late."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        half = port.latency / 2
        jobs: list[asyncio.Task[None]] = []
        writers: list[asyncio.StreamWriter] = []
        near, far = socket.socketpair()
        try:
            near.settimeout(0)
            far.settimeout(0)
            outer_reader, outer_writer = await asyncio.open_connection(sock=connection)
            writers.append(outer_writer)
            inner_reader, inner_writer = await asyncio.open_connection(sock=near)
            writers.append(inner_writer)
            # The kernel has completed the handshake already; at a distance the client's first byte would arrive 1.5 round
            # trips after its SYN, and the server's first one 2 round trips after.
            jobs += [
                asyncio.create_task(self._near(port, far)),
                asyncio.create_task(_pump(outer_reader, inner_writer, half, begin + 3 * half, loop.time)),
                asyncio.create_task(_pump(inner_reader, outer_writer, half, begin + 4 * half, loop.time)),
            ]
            await asyncio.gather(*jobs)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
            for writer in writers:
                writer.transport.abort()
            near.close()
            far.close()


async def _pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    delay: float,
    not_before: float,
    now: Callable[[], float],
) -> None:
    """Pass bytes on, each chunk `delay` seconds after it arrived, and none before a moment of the loop's clock."""
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)

    async def deliver() -> None:
        while True:
            due, chunk = await queue.get()
            await asyncio.sleep(max(0.0, due - now()))
            if not chunk:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            writer.write(chunk)
            await writer.drain()

    delivery = asyncio.ensure_future(deliver())
    try:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                await queue.put((max(not_before, now() + delay), chunk))
        await queue.put((max(not_before, now() + delay), b""))
        with suppress(OSError, RuntimeError):
            await delivery
    finally:
        delivery.cancel()
