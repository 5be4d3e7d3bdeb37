"""The lab's mail servers: aiosmtpd with STARTTLS (RFC 3207), and servers that fail at one step (RFC 5321)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, TLSSetupException

from ._ports import Reach
from ._tls import Credential, SecureStream, TlsVersion

__all__ = ["Behaviour", "MailServer", "serve_mail"]

Note = Callable[[str], None]

#: What a mail server does: a new one is a word here, a few lines in `_serve_faulty`, and a fault in `faults/_mx.py`.
Behaviour = Literal[
    "normal",
    "silent",
    "closes-before-greeting",
    "greeting-554",
    "greeting-421",
    "endless-greeting",
    "ehlo-refused",
    "drops-after-ehlo",
    "no-starttls",
    "starttls-stripped",
    "starttls-454",
    "starttls-silent",
    "closes-in-handshake",
    "garbage-in-handshake",
]

_GREETINGS = {
    "greeting-554": "554 {name} No SMTP service here",
    "greeting-421": "421 {name} Too many connections, try again later",
}
# What the answer to EHLO has instead of `250-STARTTLS`.
_OFFERS: dict[str, tuple[str, ...]] = {"no-starttls": (), "starttls-stripped": ("250-XXXXXXXA",)}
# The answers to STARTTLS after which the conversation goes on in cleartext.
_STARTTLS_REFUSED = {
    "starttls-454": "454 TLS not available due to temporary reason",
    "no-starttls": "502 Command not implemented",
    "ehlo-refused": "502 Command not implemented",
    "starttls-stripped": "500 Syntax error, command unrecognized: XXXXXXXA",
}


@dataclass(slots=True)
class MailServer:
    """What answers on port 25 of one address; `name` is in its greeting."""

    name: str
    credential: Credential
    reach: Reach = "open"
    tls: TlsVersion = "modern"
    behaviour: Behaviour = "normal"


async def serve_mail(
    server: MailServer, note: Note, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Serve one connection until it ends."""
    if server.behaviour == "normal" and server.tls == "modern":
        await _serve_normal(server.name, server.credential.context(), note, writer)
    else:
        await _serve_faulty(server, note, reader, writer)


class _Receiver:
    """Accepts every command a sender gives before a message, and no message."""

    def __init__(self, note: Note) -> None:
        self.note = note

    async def handle_EHLO(  # noqa: N802 (aiosmtpd finds its hooks by name)
        self, _server: SMTP, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Return the lines of the answer to EHLO, without AUTH: an MX does not offer it."""
        session.host_name = hostname
        self.note("EHLO after TLS" if session.ssl is not None else "EHLO")
        return [line for line in responses if not line.startswith("250-AUTH")]

    async def handle_RCPT(self, *_args: Any) -> str:  # noqa: N802
        """Refuse recipients: the lab accepts no mail."""
        return "550 5.7.1 This server receives no mail"


class _Connection(SMTP):
    """aiosmtpd on one accepted connection; `gone` is set when the connection has ended."""

    gone: asyncio.Event

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802 (aiosmtpd finds its commands by name)
        """Start TLS; a client that rejects the certificate is no event worth a line in a log."""
        try:
            await super().smtp_STARTTLS(arg)
        except TLSSetupException:
            if isinstance(self._original_transport, asyncio.WriteTransport):
                self._original_transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.gone.set()


async def _serve_normal(name: str, context: ssl.SSLContext, note: Note, writer: asyncio.StreamWriter) -> None:
    protocol = _Connection(
        _Receiver(note),
        hostname=name,
        ident="ESMTP ready",
        tls_context=context,
        loop=asyncio.get_running_loop(),
        timeout=120,
    )
    protocol.gone = asyncio.Event()
    writer.transport.set_protocol(protocol)
    protocol.connection_made(writer.transport)
    await protocol.gone.wait()


async def _serve_faulty(
    server: MailServer, note: Note, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Talk to a sender up to the step at which this server fails."""
    behaviour, name = server.behaviour, server.name

    async def say(*lines: str) -> None:
        writer.write("".join(f"{line}\r\n" for line in lines).encode("ascii"))
        await writer.drain()

    if behaviour == "silent":
        await reader.read()  # until the client leaves
        return
    if behaviour == "closes-before-greeting":
        return
    while behaviour == "endless-greeting":
        await say(*[f"220-{name} welcomes you and has a lot to say"] * 100)
        await asyncio.sleep(0)
    await say(_GREETINGS.get(behaviour, "220 {name} ESMTP ready").format(name=name))
    if behaviour == "greeting-421":
        return
    while line := await reader.readline():
        command = line.decode("latin-1").strip().upper()
        verb = command.partition(" ")[0]
        if verb == "QUIT":
            note(verb)
            await say("221 Bye")
            return
        if behaviour == "greeting-554":
            await say("503 Bad sequence of commands")
            continue
        note(verb)
        if verb == "EHLO":
            if behaviour == "drops-after-ehlo":
                return
            offer = _OFFERS.get(behaviour, ("250-STARTTLS",))
            await say(
                *["502 Command not implemented"]
                if behaviour == "ehlo-refused"
                else [f"250-{name}", "250-SIZE 33554432", *offer, "250 8BITMIME"]
            )
        elif verb == "HELO":
            await say(f"250 {name}")
        elif verb == "STARTTLS" and behaviour in _STARTTLS_REFUSED:
            await say(_STARTTLS_REFUSED[behaviour])
        elif verb == "STARTTLS":
            if behaviour == "starttls-silent":
                await reader.read()
                return
            await say("220 Ready to start TLS")
            if behaviour in ("closes-in-handshake", "garbage-in-handshake"):
                await reader.read(4096)  # the client's hello; unread, it would turn the close into a reset
                if behaviour == "garbage-in-handshake":
                    await say("500 5.5.1 Command unrecognized")
            else:
                await _serve_old_tls(server, reader, writer)
            return
        else:
            await say("530 Must issue a STARTTLS command first" if verb in ("MAIL", "RCPT", "DATA") else "250 OK")


async def _serve_old_tls(server: MailServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Go on under an old TLS version; a client that does not speak it gets an alert."""
    stream = SecureStream(server.credential.context(server.tls), reader, writer)
    await stream.handshake()
    while line := await stream.read_until(b"\n"):
        verb = line.strip().upper().partition(b" ")[0]
        if verb == b"QUIT":
            await stream.write(b"221 Bye\r\n")
            return
        await stream.write(f"250-{server.name}\r\n250 8BITMIME\r\n".encode() if verb == b"EHLO" else b"250 OK\r\n")
