"""The lab's mail servers that go wrong at one step of the conversation (RFC 5321, RFC 3207)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

from ._tls import SecureStream
from ._world import MailServer

__all__ = ["serve_faulty_mail"]

Say = Callable[..., Coroutine[Any, Any, None]]

_READY = "220 Ready to start TLS"
_REFUSED_ANSWERS = {
    "greeting-554": "554 {name} No SMTP service here",
    "greeting-421": "421 {name} Too many connections, try again later",
}


async def serve_faulty_mail(
    server: MailServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: Callable[[str], None]
) -> None:
    """Talk to a sender up to the step at which this server goes wrong."""
    manner, name = server.manner, server.name

    async def say(*lines: str) -> None:
        writer.write("".join(f"{line}\r\n" for line in lines).encode("ascii"))
        await writer.drain()

    if manner == "silent":
        await reader.read()  # until the client gives up
        return
    if manner == "closes-before-greeting":
        return
    if manner == "endless-greeting":
        while True:
            await say(*[f"220-{name} welcomes you and has a lot to say"] * 100)
            await asyncio.sleep(0)
    if refused := _REFUSED_ANSWERS.get(manner):
        await say(refused.format(name=name))
        if manner == "greeting-554":
            await _until_quit(reader, say)
        return
    await say(f"220 {name} ESMTP ready")
    while line := await reader.readline():
        command = line.decode("latin-1").strip().upper()
        verb = command.partition(" ")[0]
        note(verb)
        if verb == "QUIT":
            await say("221 Bye")
            return
        if verb == "EHLO":
            if manner == "drops-after-ehlo":
                return
            await say(*_ehlo(manner, name))
        elif verb == "HELO":
            await say(f"250 {name}")
        elif verb == "STARTTLS":
            if server.tls != "modern":
                await say(_READY)
                await _old_tls(server.credential.context(server.tls), name, reader, writer)
                return
            if await _starttls(manner, reader, say):
                return
        else:
            await say("530 Must issue a STARTTLS command first" if verb in ("MAIL", "RCPT", "DATA") else "250 OK")


def _ehlo(manner: str, name: str) -> list[str]:
    if manner == "ehlo-refused":
        return ["502 Command not implemented"]
    if manner == "no-starttls":
        return [f"250-{name}", "250-SIZE 33554432", "250 8BITMIME"]
    if manner == "starttls-stripped":
        return [f"250-{name}", "250-SIZE 33554432", "250-XXXXXXXA", "250 8BITMIME"]
    return [f"250-{name}", "250-SIZE 33554432", "250-STARTTLS", "250 8BITMIME"]


async def _starttls(manner: str, reader: asyncio.StreamReader, say: Say) -> bool:
    """Answer STARTTLS; True where the connection is over."""
    answer = {
        "starttls-454": "454 TLS not available due to temporary reason",
        "no-starttls": "502 Command not implemented",
        "ehlo-refused": "502 Command not implemented",
        "starttls-stripped": "500 Syntax error, command unrecognized: XXXXXXXA",
    }.get(manner)
    if answer is not None:
        await say(answer)
        return False
    if manner == "starttls-silent":
        await reader.read()
        return True
    await say(_READY)
    await reader.read(4096)  # the client's hello; unread, it would turn the close into a reset
    if manner == "garbage-in-handshake":
        await say("500 5.5.1 Command unrecognized")
    return True


async def _old_tls(
    context: ssl.SSLContext, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Go on under an old TLS version; tell a client that does not speak it so."""
    stream = SecureStream(context, reader, writer)
    await stream.handshake()
    while line := await stream.read_until(b"\n"):
        verb = line.strip().upper().partition(b" ")[0]
        if verb == b"QUIT":
            await stream.write(b"221 Bye\r\n")
            return
        await stream.write(f"250-{name}\r\n250 8BITMIME\r\n".encode() if verb == b"EHLO" else b"250 OK\r\n")


async def _until_quit(reader: asyncio.StreamReader, say: Say) -> None:
    while line := await reader.readline():
        if line.strip().upper() == b"QUIT":
            await say("221 Bye")
            return
        await say("503 Bad sequence of commands")
