"""Loopback ports that answer, refuse, or let a connection time out, and the latency of a distant network."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import suppress

__all__ = ["LOOPBACK", "dropping", "listener", "paired", "pump", "refusing"]

LOOPBACK = "127.0.0.1"


def listener(backlog: int = 128) -> socket.socket:
    """Return a listening socket on a free loopback port."""
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it each answer waits 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.bind((LOOPBACK, 0))
        sock.listen(backlog)
        sock.settimeout(0)
    except BaseException:
        sock.close()
        raise
    return sock


def refusing() -> socket.socket:
    """Return a socket that holds a port on which nobody listens: a connection to it is refused."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.bind((LOOPBACK, 0))
    except BaseException:
        sock.close()
        raise
    return sock


def dropping() -> list[socket.socket]:
    """Return a socket that listens with its queue full, and what fills it: further connections time out.

    A full accept queue makes the kernel ignore the handshake, as a packet filter that drops does.
    """
    server = listener(0)
    held = [server]
    for _ in range(4):
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        held.append(client)
        client.settimeout(0)
        client.connect_ex(server.getsockname())
    return held


def paired() -> tuple[socket.socket, socket.socket]:
    """Return a datagram and a listening stream socket on the same loopback port, as DNS needs."""
    for _ in range(50):
        stream = listener()
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


async def pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    delay: float,
    not_before: float,
    now: Callable[[], float],
) -> None:
    """Pass bytes on, each chunk `delay` seconds after it came, and none before a moment of the loop's clock."""
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
