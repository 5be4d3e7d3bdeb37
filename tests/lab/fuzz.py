"""A lab whose servers send garbage at one step: for tests of what must survive any server."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from mtasts_nb.lab import Lab
from mtasts_nb.lab._dns import Datagrams

__all__ = ["BEHAVIOURS", "STEPS", "Fuzz", "FuzzedLab"]

Note = Callable[[str], None]

#: At which steps each kind of server can send garbage.
STEPS: dict[str, tuple[str, ...]] = {
    "dns": ("datagram", "stream"),
    "https": ("connect", "handshake", "headers", "body"),
    "smtp": ("greeting", "ehlo", "starttls", "handshake", "ehlo-after-tls"),
}
#: What it does there: seeded random bytes, an early close, a byte now and then without an end, lines without an end.
BEHAVIOURS = ("random", "close", "drip", "endless")

_DRIP = 0.02
_LINES = {"greeting": b"220-", "ehlo": b"250-", "starttls": b"220-", "ehlo-after-tls": b"250-", "headers": b"X-More: "}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzz:
    """Where and how the lab's servers of one kind send garbage.

    Attributes
    ----------
    service : {"dns", "https", "smtp"}
        Which servers.
    step : str
        When, one of `STEPS`.
    behaviour : str
        How, one of `BEHAVIOURS`.
    seed : int
        Of the random bytes; the same seed gives the same bytes.
    """

    service: Literal["dns", "https", "smtp"]
    step: str
    behaviour: str
    seed: int = 0

    def __post_init__(self) -> None:
        assert self.step in STEPS[self.service]
        assert self.behaviour in BEHAVIOURS

    def chance(self) -> random.Random:
        """Return a new source of random bytes."""
        return random.Random(self.seed)


async def _garbage(fuzz: Fuzz, writer: asyncio.StreamWriter) -> None:
    """Behave as asked at a step; return when the connection is to be closed."""
    chance = fuzz.chance()
    line = _LINES.get(fuzz.step, b"")
    if fuzz.behaviour == "close":
        return
    if fuzz.behaviour == "random":
        # Bare, or dressed as the line that is due: a parser falls over the second more often.
        for _ in range(chance.randint(1, 8)):
            writer.write((line if chance.random() < 0.5 else b"") + chance.randbytes(chance.randint(0, 2000)))
            await writer.drain()
        if chance.random() < 0.5:
            return
        await asyncio.Event().wait()
    if fuzz.behaviour == "drip":
        while True:
            writer.write(bytes([chance.choice(line or b"\x16\x03\x01")]))
            await writer.drain()
            await asyncio.sleep(_DRIP)
    # Lines, or one line without an end.
    end = b"\r\n" if chance.random() < 0.7 else b""
    while True:
        writer.write((line + b"a" * chance.randint(0, 900) + end) * 16)
        await writer.drain()
        await asyncio.sleep(0)


def _fuzz_datagrams(fuzz: Fuzz, question: bytes, answer: bytes | None) -> list[bytes]:
    """Return the datagrams that come instead of one answer."""
    chance = fuzz.chance()
    if fuzz.step == "stream":  # truncated, so that the client asks again by TCP
        header = bytearray(answer or question)
        header[2] |= 0x82
        return [bytes(header)]
    if fuzz.behaviour == "close":
        return []
    if fuzz.behaviour == "random":
        head = question[:2] if chance.random() < 0.7 else b""
        return [head + chance.randbytes(chance.randint(0, 600)) for _ in range(chance.randint(1, 5))]
    if fuzz.behaviour == "drip":
        return [bytes([byte]) for byte in (answer or question)[:200]]
    # A flood of answers to other questions, each nearly the right one.
    proper = bytearray(answer or question)
    flood = []
    for _ in range(200):
        changed = bytearray(proper)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        flood.append(bytes(changed))
    return flood


async def _fuzz_stream(fuzz: Fuzz, note: Note, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a name server over TCP that sends garbage."""
    await reader.readexactly(2)
    note("stream")
    if fuzz.behaviour == "endless":
        writer.write(b"\xff\xff")
    await _garbage(fuzz, writer)


async def _fuzz_web(fuzz: Fuzz, note: Note, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a policy host that sends garbage: before TLS, in the handshake, or in the answer."""
    note(fuzz.step)
    if fuzz.step == "handshake":
        await reader.read(4096)
    elif fuzz.step in ("headers", "body"):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        if fuzz.step == "body":
            chunked = b"Transfer-Encoding: chunked" if fuzz.seed % 2 else b"Content-Encoding: gzip"
            writer.write(b"Content-Type: text/plain\r\n" + chunked + b"\r\n\r\n")
    await _garbage(fuzz, writer)


async def _fuzz_mail(
    fuzz: Fuzz,
    context: ssl.SSLContext,
    note: Note,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Be a mail server that sends garbage at a step of the conversation."""
    note(fuzz.step)
    steps = STEPS["smtp"]
    for step in steps[: steps.index(fuzz.step)]:
        if step == "handshake":
            await writer.start_tls(context)
            continue
        writer.write(
            {
                "greeting": b"220 mx1 ESMTP ready\r\n",
                "ehlo": b"250-mx1\r\n250 STARTTLS\r\n",
                "starttls": b"220 Ready to start TLS\r\n",
            }[step]
        )
        await writer.drain()
        # At the handshake the client's hello is what comes next, and TLS reads it.
        if step != "starttls" or fuzz.step == "handshake":
            await reader.read(4096)
    if fuzz.step == "ehlo-after-tls":
        await reader.readline()
    await _garbage(fuzz, writer)


class _FuzzedDatagrams(Datagrams):
    def __init__(self, fuzz: Fuzz, *arguments) -> None:
        super().__init__(*arguments)
        self.fuzz = fuzz

    def answers(self, data: bytes) -> list[bytes]:
        return _fuzz_datagrams(self.fuzz, data, self.server.answer(data, stream=False))


class FuzzedLab(Lab):
    """A lab whose servers of one kind send garbage at one step."""

    def __init__(self, fuzz: Fuzz, **options) -> None:
        super().__init__(**options)
        self.fuzz = fuzz

    def _name_service(self, server, latency, note):
        datagrams, stream = super()._name_service(server, latency, note)
        if self.fuzz.service == "dns":
            datagrams = partial(_FuzzedDatagrams, self.fuzz, server, latency, note)
        if self.fuzz.step == "stream":
            stream = partial(_fuzz_stream, self.fuzz, note)
        return datagrams, stream

    def _web_service(self, server, note):
        service, context = super()._web_service(server, note)
        if self.fuzz.service == "https":
            return partial(_fuzz_web, self.fuzz, note), context if self.fuzz.step in ("headers", "body") else None
        return service, context

    def _mail_service(self, server, note):
        if self.fuzz.service == "smtp":
            return partial(_fuzz_mail, self.fuzz, server.credential.context(), note)
        return super()._mail_service(server, note)
