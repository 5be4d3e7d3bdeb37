"""One conversation with an MX host, as a sender begins it: banner, EHLO, STARTTLS, handshake, EHLO, QUIT.

MAIL FROM is never sent. STARTTLS is sent even if it is not offered, to distinguish a server without TLS from one whose
offer is removed in transit (RFC 3207 §6).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from ...vocabulary import Status
from .._attempts import SmtpAttempt, SmtpReply, SmtpRequest, TlsSession
from ._https import IssuerFetcher
from ._network import Network, StepError, Stream
from ._threads import Once
from ._tls import Offer, client_context, handshake

__all__ = ["Beside", "Conversations", "converse"]

#: Starts a function in another thread.
Beside: TypeAlias = Callable[[Callable[[], TlsSession | None]], "Future[TlsSession | None]"]

#: Longest reply that is read, in lines and in bytes; RFC 5321 §4.5.3.1.5 allows 512 a line.
MOST_LINES = 100
MOST_BYTES = 16 * 1024
#: Longest line that is kept, in characters.
LONGEST_LINE = 512
#: Servers delay the banner on purpose, to detect spammers: senders wait five minutes (RFC 5321 §4.5.3.2.1). This many
#: times the timeout of a step is allowed for it here.
GREETING_PATIENCE = 3.0


class _Dialogue:
    """Commands and replies on a stream."""

    def __init__(self, network: Network, stream: Stream) -> None:
        self._network = network
        self._stream = stream
        self._buffer = b""

    @property
    def leftover(self) -> bool:
        """Whether more than the last reply was received: before a handshake that is an injection (CVE-2011-0411)."""
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
                text = line[:80].decode("utf-8", "backslashreplace")
                raise StepError("not-smtp", f"not an SMTP reply ({step}): {text!r}")
            lines.append(line[4:].decode("utf-8", "backslashreplace")[:LONGEST_LINE])
            if mark != b"-":
                return SmtpReply(code=int(code), lines=tuple(lines))
            if len(lines) >= MOST_LINES:
                raise StepError("not-smtp", f"more than {MOST_LINES} lines in one reply: {step}")


class _Conversation:
    """What has been observed so far; kept if the next step fails."""

    def __init__(self) -> None:
        self.stage = "connect"
        self.greeting: SmtpReply | None = None
        self.ehlo: SmtpReply | None = None
        self.offered: bool | None = None
        self.starttls: SmtpReply | None = None
        self.tls: TlsSession | None = None
        self.ehlo_after_tls: SmtpReply | None = None

    def run(self, network: Network, stream: Stream, name: str, offer: Offer) -> None:
        """Go on to the end, or to a `StepError`."""
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
        self.tls = handshake(network, stream, name, client_context(offer))
        self.stage = "ehlo-after-tls"
        self.ehlo_after_tls = dialogue.command(hello)
        if self.ehlo_after_tls.code != 250:
            raise StepError(f"ehlo-{self.ehlo_after_tls.code}", f"answer to EHLO under TLS {self.ehlo_after_tls}")
        self.stage = "done"


def _talk(network: Network, request: SmtpRequest, conversation: _Conversation, offer: Offer = "current",
          on_connect: Callable[[], None] | None = None) -> None:  # fmt: skip
    with network.turn(request.address, request.port):
        stream = network.connect(request.address, request.port)
        try:
            if on_connect is not None:
                on_connect()
            conversation.run(network, stream, request.mx, offer)
        finally:
            # Politeness, not evidence: the server's 221 is not waited for.
            if conversation.stage != "handshake":
                with suppress(StepError):
                    stream.send(b"QUIT\r\n", network.step(), "QUIT")
            stream.close()


def _older_session(network: Network, request: SmtpRequest, offer: Offer) -> TlsSession | None:
    """Return what the host negotiates if older TLS is offered; None if that fails too."""
    conversation = _Conversation()
    with suppress(StepError):
        _talk(network, request, conversation, offer)
    return conversation.tls


def converse(
    network: Network, request: SmtpRequest, issuers: IssuerFetcher, beside: Beside | None = None
) -> SmtpAttempt:
    """Return one conversation with an MX host at one address.

    With `beside`, which starts a function in another thread, a second one tries whether the host still negotiates TLS 1.0 or
    1.1. It begins when the first has connected: a host that limits connections rejects the later one.
    """
    begun = time.monotonic()
    conversation = _Conversation()
    status, reason, detail, older = Status.COMPLETED, "", "", None
    still: list[Future[TlsSession | None]] = []

    def try_old() -> None:
        if beside is not None:
            still.append(beside(partial(_older_session, network, request, "older only")))

    try:
        _talk(network, request, conversation, on_connect=try_old)
    except StepError as error:
        status, reason, detail = error.status, error.reason, error.detail
    seconds = time.monotonic() - begun
    failed = conversation.stage == "handshake" and reason in ("tls", "closed")
    tried = failed or bool(still and conversation.tls is not None)
    if failed:
        older = _older_session(network, request, "older too")
    elif still and conversation.tls is not None and (second := still[0].result()):
        older = replace(second, chain=())  # the certificate is that of the first conversation
    if conversation.tls is not None and not detail:
        detail = f"{conversation.tls.version}, {conversation.tls.cipher}"
    return SmtpAttempt(
        request=request, status=status, stage=conversation.stage, reason=reason, detail=detail,
        seconds=seconds, greeting=conversation.greeting, ehlo=conversation.ehlo,
        starttls_offered=conversation.offered, starttls=conversation.starttls,
        ehlo_after_tls=conversation.ehlo_after_tls, tls=issuers.validated(conversation.tls, request.mx),
        older_tls=issuers.validated(older, request.mx), older_tls_tried=tried,
    )  # fmt: skip


class Conversations:
    """Each MX host is connected to once per address in a run, for all of its domains that are probed.

    If another probe ran out of time, this one connects by itself.
    """

    def __init__(self) -> None:
        self._attempts: Once[tuple[SmtpRequest, bool], SmtpAttempt] = Once()

    def hold(
        self, network: Network, request: SmtpRequest, issuers: IssuerFetcher, beside: Beside | None = None
    ) -> SmtpAttempt:
        """Return the conversation (see `converse`), held now or by another probe of the run."""
        own = False

        def compute() -> SmtpAttempt:
            nonlocal own
            own = True
            return converse(network, request, issuers, beside)

        try:
            # It ends by the other probe's deadline, which may be later than ours, or at once when the run is stopped.
            attempt = self._attempts.get((request, beside is not None), compute, timeout=network.whole.left())
        except TimeoutError:
            detail = network.whole.error("waiting for another probe's conversation with this host").detail
            return SmtpAttempt(
                request=request, status=Status.NOT_OBSERVED, stage="connect", reason="deadline", detail=detail
            )
        return attempt if own or attempt.observed else converse(network, request, issuers, beside)
