"""TLS ended by hand, for servers whose refusal must reach the client.

When a handshake fails, asyncio drops the connection, and with it the alert that says why (RFC 8446 §6.2).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

__all__ = ["SecureStream"]

_CHUNK = 16 * 1024
_HEAD_LIMIT = 16 * 1024


class SecureStream:
    """The server's side of one TLS connection, over a connection's streams."""

    def __init__(self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._buffer = b""

    async def _do(self, step: Callable[[], bytes | int | None]) -> bytes | int | None:
        """Take one step of TLS, with all the reading and writing below that it needs."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                await self._flush()
                data = await self._reader.read(_CHUNK)
                if not data:
                    raise ConnectionResetError("the client left") from None
                self._incoming.write(data)
            finally:
                await self._flush()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            self._writer.write(self._outgoing.read())
            await self._writer.drain()

    async def handshake(self) -> None:
        """Complete the handshake; a refusal is sent before the error is raised."""
        await self._do(self._tls.do_handshake)

    async def write(self, data: bytes) -> None:
        """Send bytes."""
        await self._do(lambda: self._tls.write(data))

    async def read_until(self, end: bytes) -> bytes:
        """Return what comes up to and with `end`; nothing where the client leaves before."""
        while end not in self._buffer:
            try:
                chunk = await self._do(lambda: self._tls.read(_CHUNK))
            except (OSError, ssl.SSLError):
                return b""
            if not isinstance(chunk, bytes) or not chunk or len(self._buffer) > _HEAD_LIMIT:
                return b""
            self._buffer += chunk
        found, _, self._buffer = self._buffer.partition(end)
        return found + end
