"""Servers that turn to nonsense at one step: for tests of what must survive any server."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..errors import LabError

__all__ = ["FUZZ_MANNERS", "FUZZ_STEPS", "Fuzz", "fuzz_datagrams", "fuzz_mail", "fuzz_stream", "fuzz_web"]

Note = Callable[[str], None]

#: At which steps each kind of server can turn to nonsense.
FUZZ_STEPS: dict[str, tuple[str, ...]] = {
    "dns": ("datagram", "stream"),
    "https": ("connect", "handshake", "headers", "body"),
    "smtp": ("greeting", "ehlo", "starttls", "handshake", "ehlo-after-tls"),
}
#: What it does there: seeded random bytes, an early close, a byte now and then without an end, lines without an end.
FUZZ_MANNERS = ("random", "close", "drip", "endless")

_DRIP = 0.02
_LINES = {"greeting": b"220-", "ehlo": b"250-", "starttls": b"220-", "ehlo-after-tls": b"250-", "headers": b"X-More: "}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzz:
    """Where and how the lab's servers of one kind turn to nonsense.

    Attributes
    ----------
    service : {"dns", "https", "smtp"}
        Which servers.
    step : str
        When, one of `FUZZ_STEPS`.
    manner : str
        How, one of `FUZZ_MANNERS`.
    seed : int
        Of the random bytes; the same seed gives the same bytes.

    Raises
    ------
    LabError
        There is no such step or manner.
    """

    service: Literal["dns", "https", "smtp"]
    step: str
    manner: str
    seed: int = 0

    def __post_init__(self) -> None:
        steps = FUZZ_STEPS.get(self.service, ())
        if self.step not in steps or self.manner not in FUZZ_MANNERS:
            raise LabError(
                f"There is no step {self.step!r} of {self.service!r} with manner {self.manner!r} to fuzz; "
                f"steps are {', '.join(steps)}, manners {', '.join(FUZZ_MANNERS)}."
            )

    def chance(self) -> random.Random:
        """Return a new source of random bytes."""
        return random.Random(self.seed)  # noqa: S311 (repeatable, not secret)


async def _nonsense(fuzz: Fuzz, writer: asyncio.StreamWriter) -> None:
    """Do at a step what the manner says; return when the connection is to be closed."""
    chance = fuzz.chance()
    line = _LINES.get(fuzz.step, b"")
    if fuzz.manner == "close":
        return
    if fuzz.manner == "random":
        # Bare, or dressed as the line that is due: a parser falls over the second more often.
        for _ in range(chance.randint(1, 8)):
            writer.write((line if chance.random() < 0.5 else b"") + chance.randbytes(chance.randint(0, 2000)))
            await writer.drain()
        if chance.random() < 0.5:
            return
        await asyncio.Event().wait()
    if fuzz.manner == "drip":
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


def fuzz_datagrams(fuzz: Fuzz, question: bytes, answer: bytes | None) -> list[bytes]:
    """Return the datagrams that come instead of one answer."""
    chance = fuzz.chance()
    if fuzz.step == "stream":  # truncated, so that the client asks again by TCP
        header = bytearray(answer or question)
        header[2] |= 0x82
        return [bytes(header)]
    if fuzz.manner == "close":
        return []
    if fuzz.manner == "random":
        head = question[:2] if chance.random() < 0.7 else b""
        return [head + chance.randbytes(chance.randint(0, 600)) for _ in range(chance.randint(1, 5))]
    if fuzz.manner == "drip":
        return [bytes([byte]) for byte in (answer or question)[:200]]
    # A flood of answers to other questions, each nearly the right one.
    proper = bytearray(answer or question)
    flood = []
    for _ in range(200):
        changed = bytearray(proper)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        flood.append(bytes(changed))
    return flood


async def fuzz_stream(fuzz: Fuzz, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: Note) -> None:
    """Be a name server over TCP that turns to nonsense."""
    await reader.readexactly(2)
    note("stream")
    if fuzz.manner == "endless":
        writer.write(b"\xff\xff")
    await _nonsense(fuzz, writer)


async def fuzz_web(fuzz: Fuzz, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: Note) -> None:
    """Be a policy host that turns to nonsense: before TLS, in the handshake, or in the answer."""
    note(fuzz.step)
    if fuzz.step == "handshake":
        await reader.read(4096)
    elif fuzz.step in ("headers", "body"):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        if fuzz.step == "body":
            chunked = b"Transfer-Encoding: chunked" if fuzz.seed % 2 else b"Content-Encoding: gzip"
            writer.write(b"Content-Type: text/plain\r\n" + chunked + b"\r\n\r\n")
    await _nonsense(fuzz, writer)


async def fuzz_mail(
    fuzz: Fuzz,
    context: ssl.SSLContext,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    note: Note,
) -> None:
    """Be a mail server that turns to nonsense at a step of the conversation."""
    note(fuzz.step)
    steps = FUZZ_STEPS["smtp"]
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
    await _nonsense(fuzz, writer)
