"""The lab's well-behaved mail servers: aiosmtpd with STARTTLS (RFC 3207), to which only the certificate matters."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from aiosmtpd.smtp import SMTP, TLSSetupException

__all__ = ["serve_mail"]


class _Receiver:
    """Takes every command a sender gives before a message, and no message."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self.note = note

    async def handle_EHLO(  # noqa: N802 (aiosmtpd finds its hooks by name)
        self, _server: SMTP, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Return the lines of the answer to EHLO, without AUTH: an MX does not offer it."""
        session.host_name = hostname
        self.note("EHLO after TLS" if session.ssl is not None else "EHLO")
        return [line for line in responses if not line.startswith("250-AUTH")]

    async def handle_RCPT(self, *_args: Any) -> str:  # noqa: N802
        """Refuse recipients: the lab takes no mail."""
        return "550 5.7.1 This server receives no mail"


class _Connection(SMTP):
    """aiosmtpd on one accepted connection, which tells when the connection is gone."""

    gone: asyncio.Event

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802 (aiosmtpd finds its commands by name)
        """Start TLS; a client that does not like the certificate is no event worth a line in a log."""
        try:
            await super().smtp_STARTTLS(arg)
        except TLSSetupException:
            if isinstance(self._original_transport, asyncio.WriteTransport):
                self._original_transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.gone.set()


async def serve_mail(
    name: str, context: ssl.SSLContext, writer: asyncio.StreamWriter, note: Callable[[str], None]
) -> None:
    """Be a well-behaved mail server on a connection until it ends."""
    protocol = _Connection(
        _Receiver(note),
        hostname=name,
        ident="ESMTP ready",
        tls_context=context,
        loop=asyncio.get_running_loop(),
        timeout=120,
    )
    protocol.gone = asyncio.Event()
    transport = writer.transport
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    await protocol.gone.wait()
