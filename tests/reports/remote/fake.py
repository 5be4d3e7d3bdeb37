"""An IMAP server that misbehaves where a test wants it to; in all else it serves a few messages as RFC 3501 says."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mtasts_nb.lab._tls import Authority
from mtasts_nb.settings import utc_now

#: Takes the talk, the tag and the arguments of a command; what it returns says whether the command is answered.
Behaviour = Callable[["Talk", bytes, bytes], bool]


class Talk:
    """One connection of a client."""

    def __init__(self, server: Fake, number: int, sock: socket.socket) -> None:
        self.server, self.number, self.sock = server, number, sock
        self.secure = isinstance(sock, ssl.SSLSocket)
        self.file = sock.makefile("rb")

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def line(self) -> bytes:
        return self.file.readline()

    def stop_until_closed(self) -> None:
        """Say nothing more; wait until the client has gone."""
        while self.sock.recv(4096):
            pass


class Fake:
    """What it serves, and what clients sent: each line with whether TLS protected it."""

    def __init__(self, context: ssl.SSLContext, roots: Path, messages: Mapping[int, bytes], behaviours: Mapping[str, Behaviour],
                 greeting: bytes, capabilities: bytes, uidvalidity: Sequence[int], implicit: bool) -> None:  # fmt: skip
        self.context, self.roots, self.messages, self.behaviours = context, roots, messages, behaviours
        self.greeting, self.capabilities, self.uidvalidity = greeting, capabilities, uidvalidity
        self.implicit = implicit
        self.lines: list[tuple[bytes, bool]] = []
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.threads: list[threading.Thread] = []
        self.url = f"{'imaps' if implicit else 'imap'}://reports@localhost:{self.listener.getsockname()[1]}/INBOX"

    def run(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self.serve, args=(sock, self.connections), daemon=True)
            self.threads.append(thread)
            thread.start()

    def serve(self, sock: socket.socket, number: int) -> None:
        with suppress(OSError, ValueError), sock:
            sock.settimeout(20)
            if self.implicit:
                sock = self.context.wrap_socket(sock, server_side=True)
            talk = Talk(self, number, sock)
            with suppress(OSError, ValueError):
                self.converse(talk)
            talk.file.close()
            talk.sock.close()

    def converse(self, talk: Talk) -> None:
        talk.send(self.greeting)
        while line := talk.line():
            self.lines.append((line, talk.secure))
            tag, command, arguments = (*line.rstrip(b"\r\n").split(b" ", 2), b"", b"")[:3]
            name = command.upper().decode()
            if name == "UID":
                what, _, arguments = arguments.partition(b" ")
                name = f"UID {what.decode()}" + (" BODY" if b"BODY" in arguments else " SIZE")
            behaviour = self.behaviours.get(name)
            if behaviour is not None and behaviour(talk, tag, arguments):
                continue
            if self.answer(talk, tag, name, arguments):
                return

    def answer(self, talk: Talk, tag: bytes, name: str, arguments: bytes) -> bool:
        if name == "CAPABILITY":
            talk.send(b"* CAPABILITY " + self.capabilities + b"\r\n")
        elif name == "STARTTLS":
            talk.send(tag + b" OK begin\r\n")
            talk.file.close()
            talk.sock = self.context.wrap_socket(talk.sock, server_side=True)
            talk.file, talk.secure = talk.sock.makefile("rb"), True
            return False
        elif name == "AUTHENTICATE":
            talk.send(b"+ \r\n")
            self.lines.append((talk.line(), talk.secure))
        elif name == "EXAMINE":
            validity = self.uidvalidity[min(talk.number, len(self.uidvalidity)) - 1]
            talk.send(b"* %d EXISTS\r\n* OK [UIDVALIDITY %d] as it is\r\n" % (len(self.messages), validity))
        elif name == "UID FETCH SIZE":
            for number, (uid, mail) in enumerate(self.messages.items(), 1):
                talk.send(b"* %d FETCH (UID %d RFC822.SIZE %d)\r\n" % (number, uid, len(mail)))
        elif name == "UID FETCH BODY":
            for uid in asked(arguments):
                if uid in self.messages:
                    mail = self.messages[uid]
                    # The UID after the literal: RFC 3501 gives no order.
                    talk.send(b"* 1 FETCH (BODY[] {%d}\r\n%b UID %d)\r\n" % (len(mail), mail, uid))
        elif name == "LOGOUT":
            talk.send(b"* BYE\r\n" + tag + b" OK\r\n")
            return True
        talk.send(tag + b" OK done\r\n")
        return False


def asked(arguments: bytes) -> list[int]:
    """Return the UIDs that a FETCH names."""
    return [int(uid) for uid in re.findall(rb"\d+", arguments.split(b" ", 1)[0])]


@contextmanager
def fake(
    folder: Path,
    messages: Mapping[int, bytes],
    behaviours: Mapping[str, Behaviour] | None = None,
    *,
    greeting: bytes = b"* OK ready\r\n",
    capabilities: bytes = b"IMAP4rev1 STARTTLS",
    uidvalidity: Sequence[int] = (7,),
    implicit: bool = True,
) -> Iterator[Fake]:
    """Run a server; `uidvalidity` by connection, the last one for all after it."""
    authority = Authority(utc_now())
    roots = folder / "roots.pem"
    roots.write_bytes(authority.root_pem)
    context = authority.issue("localhost").new_context()
    server = Fake(context, roots, messages, behaviours or {}, greeting, capabilities, uidvalidity, implicit)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        # A listener that is only closed does not wake the thread that waits for it.
        with suppress(OSError):
            server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        for each in (thread, *server.threads):
            each.join(20)
