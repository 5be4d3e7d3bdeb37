"""One conversation with an MX host, as a sender begins it: greeting, EHLO, STARTTLS, handshake, EHLO, QUIT.

No MAIL FROM is ever sent. Where STARTTLS is not offered it is asked for all the same, to tell a server without TLS from
one whose offer something on the way hides (RFC 3207 §6).
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace

from ..vocabulary import Status
from ._certificates import TrustStore
from ._evidence import SmtpAttempt, SmtpReply, SmtpRequest, TlsSession
from ._https import IssuerFetcher, validated
from ._network import Network, StepError, Stream
from ._tls import client_context, handshake

__all__ = ["Conversations", "converse"]

#: Longest reply that is read, in lines and in bytes; RFC 5321 §4.5.3.1.5 allows 512 a line.
MOST_LINES = 100
MOST_BYTES = 16 * 1024
#: Longest line that is kept, in characters.
LONGEST_LINE = 512
#: Servers delay the greeting on purpose, to tell spammers from senders, who wait five minutes (RFC 5321 §4.5.3.2.1).
#: So many times the timeout of a step it is given here.
GREETING_PATIENCE = 3.0


class _Dialogue:
    """Commands and replies on a stream."""

    def __init__(self, network: Network, stream: Stream) -> None:
        self._network = network
        self._stream = stream
        self._buffer = b""

    @property
    def leftover(self) -> bool:
        """Whether more came than the last reply: before a handshake that is an injection (CVE-2011-0411)."""
        return bool(self._buffer)

    def command(self, line: str) -> SmtpReply:
        """Send a command and return the reply."""
        self._stream.send(f"{line}\r\n".encode("ascii"), self._network.step(), f"sending {line.split()[0]}")
        return self.reply(f"the answer to {line.split()[0]}")

    def reply(self, step: str, *, patience: float = 1.0) -> SmtpReply:
        """Return the next reply; one deadline for the whole of it."""
        deadline = self._network.step(patience)
        lines: list[str] = []
        read = 0
        while True:
            while b"\n" not in self._buffer:
                part = self._stream.receive(4096, deadline, step)
                read += len(part)
                if not part:
                    raise StepError("closed", f"the connection was closed: {step}")
                self._buffer += part
                if read > MOST_BYTES:
                    raise StepError("not-smtp", f"more than {MOST_BYTES} bytes in one reply: {step}")
            raw, self._buffer = self._buffer.split(b"\n", 1)
            line = raw.rstrip(b"\r")
            code, mark = line[:3], line[3:4]
            if not (len(code) == 3 and code.isdigit() and code[:1] in b"2345" and mark in (b"", b" ", b"-")):
                shown = line[:80].decode("utf-8", "backslashreplace")
                raise StepError("not-smtp", f"not an SMTP reply ({step}): {shown!r}")
            lines.append(line[4:].decode("utf-8", "backslashreplace")[:LONGEST_LINE])
            if mark != b"-":
                return SmtpReply(code=int(code), lines=tuple(lines))
            if len(lines) >= MOST_LINES:
                raise StepError("not-smtp", f"more than {MOST_LINES} lines in one reply: {step}")


class _Conversation:
    """What has been seen so far; kept also when the next step breaks."""

    def __init__(self) -> None:
        self.stage = "connect"
        self.greeting: SmtpReply | None = None
        self.ehlo: SmtpReply | None = None
        self.offered: bool | None = None
        self.starttls: SmtpReply | None = None
        self.tls: TlsSession | None = None
        self.ehlo_after_tls: SmtpReply | None = None

    def run(self, network: Network, stream: Stream, name: str, *, older: bool = False) -> None:
        """Talk until the end, or until a `StepError`."""
        dialogue = _Dialogue(network, stream)
        hello = f"EHLO {network.settings.helo_name}"
        self.stage = "greeting"
        self.greeting = dialogue.reply("the greeting", patience=GREETING_PATIENCE)
        if self.greeting.code != 220:
            raise StepError(f"greeting-{self.greeting.code}", f"greeting {self.greeting}")
        self.stage = "ehlo"
        self.ehlo = dialogue.command(hello)
        if self.ehlo.code != 250:
            raise StepError(f"ehlo-{self.ehlo.code}", f"answer to EHLO {self.ehlo}")
        self.offered = any(line.strip().upper() == "STARTTLS" for line in self.ehlo.lines[1:])
        self.stage = "starttls"
        self.starttls = dialogue.command("STARTTLS")
        if self.starttls.code != 220:
            reason = "starttls-refused" if self.offered else "starttls-missing"
            raise StepError(reason, f"STARTTLS is {'' if self.offered else 'not '}offered; asked for, {self.starttls}")
        if dialogue.leftover:
            raise StepError("not-smtp", "more bytes follow the answer to STARTTLS before the handshake")
        self.stage = "handshake"
        self.tls = handshake(network, stream, name, client_context(older=older))
        self.stage = "ehlo-after-tls"
        self.ehlo_after_tls = dialogue.command(hello)
        if self.ehlo_after_tls.code != 250:
            raise StepError(f"ehlo-{self.ehlo_after_tls.code}", f"answer to EHLO under TLS {self.ehlo_after_tls}")
        self.stage = "done"


def _talk(network: Network, request: SmtpRequest, seen: _Conversation, *, older: bool = False) -> None:
    with network.turn(request.address, request.port):
        stream = network.connect(request.address, request.port)
        try:
            seen.run(network, stream, request.mx, older=older)
        finally:
            # Politeness, not evidence: the server's 221 is not waited for.
            if seen.stage != "handshake":
                with suppress(StepError):
                    stream.send(b"QUIT\r\n", network.step(), "QUIT")
            stream.close()


def converse(network: Network, request: SmtpRequest, store: TrustStore, issuers: IssuerFetcher) -> SmtpAttempt:
    """Return one conversation with an MX host at one address."""
    begun = time.monotonic()
    seen = _Conversation()
    status, reason, detail, older = Status.COMPLETED, "", "", None
    try:
        _talk(network, request, seen)
    except StepError as error:
        status = Status.FAILED if error.observed else Status.NOT_OBSERVED
        reason, detail = error.reason, error.detail
    if seen.stage == "handshake" and reason in ("tls", "closed"):
        again = _Conversation()
        with suppress(StepError):
            _talk(network, request, again, older=True)
        older = again.tls
    if seen.tls is not None and not detail:
        detail = f"{seen.tls.version}, {seen.tls.cipher}"
    attempt = SmtpAttempt(
        request=request, status=status, stage=seen.stage, reason=reason, detail=detail,
        seconds=time.monotonic() - begun, greeting=seen.greeting, ehlo=seen.ehlo, starttls_offered=seen.offered,
        starttls=seen.starttls, ehlo_after_tls=seen.ehlo_after_tls,
    )  # fmt: skip
    return replace(attempt, tls=validated(seen.tls, request.mx, store, issuers),
                   older_tls=validated(older, request.mx, store, issuers))  # fmt: skip


class Conversations:
    """Each MX host is spoken to once per address in a run, however many of its domains are looked at.

    What one look could not observe for want of time, another tries by itself.
    """

    def __init__(self) -> None:
        self._held: dict[SmtpRequest, Future[SmtpAttempt]] = {}
        self._lock = threading.Lock()

    def hold(self, network: Network, request: SmtpRequest, store: TrustStore, issuers: IssuerFetcher) -> SmtpAttempt:
        """Return the conversation, held now or by another look of the run."""
        with self._lock:
            other = self._held.get(request)
            mine: Future[SmtpAttempt] = Future()
            if other is None:
                self._held[request] = mine
        if other is not None:
            try:
                # It ends by the other look's deadline, which may lie beyond ours, or at once when the run is stopped.
                attempt = other.result(timeout=network.whole.left())
            except TimeoutError:
                detail = network.whole.error("waiting for the conversation that another look holds").detail
                return SmtpAttempt(
                    request=request, status=Status.NOT_OBSERVED, stage="connect", reason="deadline", detail=detail
                )
            return attempt if attempt.status is not Status.NOT_OBSERVED else converse(network, request, store, issuers)
        try:
            mine.set_result(converse(network, request, store, issuers))
        except BaseException as error:
            mine.set_exception(error)
            raise
        return mine.result()
