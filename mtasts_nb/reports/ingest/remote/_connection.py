"""A connection to an IMAP server (RFC 3501) that a server cannot make wait, or take, more than it is allowed."""

from __future__ import annotations

import imaplib
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import certifi
from imap_tools import BaseMailBox
from imap_tools.errors import ImapToolsError

from ....errors import SourceError
from ....markup import one_line
from ._mailbox import TOKEN, Address, Mailbox, Secret

__all__ = ["FAULTS", "Connection", "connect", "without_secret"]

#: What goes wrong with a server: it says no, breaks the protocol, or cannot be reached.
FAULTS: Final = (imaplib.IMAP4.error, ImapToolsError, OSError, EOFError, ValueError)
#: Everything but the content of messages: greeting, capabilities, the list of a folder with two million messages.
_TALK: Final = 64 * 1024 * 1024
_CHUNK: Final = 64 * 1024
#: Response codes of RFC 5530 that say why a login failed. Other text of a server may repeat what it was sent.
_REASONS: Final = {
    "AUTHENTICATIONFAILED": "user name or password is wrong",
    "AUTHORIZATIONFAILED": "the user may not use this mailbox",
    "EXPIRED": "the password has expired",
    "PRIVACYREQUIRED": "the server requires more encryption",
    "CONTACTADMIN": "the server's administrator has to be asked",
    "UNAVAILABLE": "the server cannot check passwords at the moment",
    "LIMIT": "there are too many connections already",
}


class _Bounded(imaplib.IMAP4):
    """An IMAP connection whose reads end: after a time, and after so many bytes."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._buffer = b""
        self._at = 0  # where the part of the buffer begins that is not read yet
        self._buffered_from: object = None
        self._until = 0.0
        self._left = 0
        self.allow(_TALK)

    def allow(self, count: int) -> None:
        """Begin the time of a command, which may be answered by so many bytes."""
        self._until = time.monotonic() + self._seconds
        self._left = count

    def read(self, size: int) -> bytes:
        """Return a literal of this size."""
        if size > self._left:
            raise self.abort(f"the server announced {size} bytes, more than the {self._left} that are expected")
        parts = [self._taken(min(size, len(self._buffer) - self._at))]
        missing = size - len(parts[0])
        while missing:
            part = self._more(missing)
            parts.append(part)
            missing -= len(part)
        self._left -= size
        return b"".join(parts)

    def readline(self) -> bytes:
        """Return one line."""
        self._check_buffer()
        parts = []
        while not (end := self._buffer.find(b"\n", self._at) + 1):
            parts.append(self._counted(self._taken(len(self._buffer) - self._at)))
            self._buffer, self._at = self._more(_CHUNK), 0
        return b"".join((*parts, self._counted(self._taken(end - self._at))))

    def _taken(self, count: int) -> bytes:
        """Return the next bytes of the buffer."""
        self._at += count
        return self._buffer[self._at - count : self._at]

    def _counted(self, part: bytes) -> bytes:
        self._left -= len(part)
        if self._left < 0:
            raise self.abort("the server sent more than is expected")
        return part

    def _check_buffer(self) -> None:
        """Refuse what was sent before TLS began and would be taken for its content."""
        if self._buffered_from is not self.sock:
            if self._at < len(self._buffer):
                raise self.abort("the server sent data before TLS began that would be read after it")
            self._buffered_from = self.sock

    def _more(self, most: int) -> bytes:
        self._check_buffer()
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"no complete answer within {self._seconds:g} s")
        self.sock.settimeout(left)
        try:
            part = self.sock.recv(min(most, _CHUNK))
        except TimeoutError:
            raise TimeoutError(f"no complete answer within {self._seconds:g} s") from None
        if not part:
            raise self.abort("the server closed the connection")
        return part


class _Implicit(_Bounded, imaplib.IMAP4_SSL):
    """TLS from the first byte."""

    def __init__(self, address: Address, context: ssl.SSLContext, seconds: float) -> None:
        _Bounded.__init__(self, seconds)
        imaplib.IMAP4_SSL.__init__(self, address.host, address.port, ssl_context=context, timeout=seconds)


class _Starttls(_Bounded):
    """TLS by STARTTLS; the constructor ends with TLS, or with an exception."""

    def __init__(self, address: Address, context: ssl.SSLContext, seconds: float) -> None:
        _Bounded.__init__(self, seconds)
        imaplib.IMAP4.__init__(self, address.host, address.port, seconds)
        try:
            self.starttls(ssl_context=context)
        except BaseException:
            with suppress(OSError):
                self.shutdown()
            raise


class Connection(BaseMailBox):
    """One connection, logged in, with the folder selected to be read only.

    Attributes
    ----------
    uidvalidity : int
        Under which UIDs count; 0 where the server does not say.
    messages : int
        How many there are.
    """

    client: _Bounded

    def __init__(self, address: Address, context: ssl.SSLContext, seconds: float) -> None:
        self._place, self._context, self._seconds = address, context, seconds
        self.uidvalidity = 0
        self.messages = 0
        super().__init__()

    def _get_mailbox_client(self) -> _Bounded:
        kind = _Implicit if self._place.scheme == "imaps" else _Starttls
        return kind(self._place, self._context, self._seconds)

    def log_in(self, secret: Secret) -> None:
        """Log in; raises one of `FAULTS`."""
        user, text = self._place.user, secret.text
        self.client.allow(_TALK)
        if secret.is_token:
            self.xoauth2(user, text, None)
        elif user.isascii() and text.isascii():
            self.login(user, text, None)
        else:
            self.login_utf8(user, text, None)

    def select(self) -> None:
        """Select the folder, read only (RFC 3501 §6.3.2)."""
        self.client.allow(_TALK)
        _, counts = self.folder.set(self._place.folder, readonly=True)
        self.messages = _number(counts)
        self.uidvalidity = _number(self.client.response("UIDVALIDITY")[1])

    def fetch_data(self, uids: str, items: str, most: int) -> list[bytes | tuple[bytes, bytes]]:
        """Return the data of these messages, as imaplib gives it; the answer may have `most` bytes."""
        self.client.allow(most)
        status, data = self.client.uid("FETCH", uids, items)
        if status != "OK":
            raise self.client.error(f"the server answers FETCH with {status}")
        return [part for part in data if part]

    def close(self) -> None:
        """Log out, and close the connection whatever the server answers."""
        with suppress(*FAULTS):
            self.client.allow(_TALK)
            self.client.logout()
        self.drop()

    def drop(self) -> None:
        """Close the connection to a server that answers no more."""
        with suppress(*FAULTS):
            self.client.shutdown()


def _number(data: object) -> int:
    last = data[-1] if isinstance(data, list) and data else None
    return int(last) if isinstance(last, bytes) and last.isdigit() and len(last) <= 10 else 0


@contextmanager
def _explained(mailbox: Mailbox, secret: Secret | None = None) -> Iterator[None]:
    """Turn what goes wrong with a server into a `SourceError` in which there is no password."""
    address = mailbox.address
    where = f"{mailbox.name}: no connection to port {address.port} of {one_line(address.host, 100)}"
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise SourceError(
            f"{mailbox.name}: its certificate is not valid: {one_line(error.verify_message, 200)}. Nothing was sent. For a CA "
            "of your own, name its PEM file: Mailbox(…, trust_roots=…), or --trust-roots."
        ) from None
    except ssl.SSLError as error:
        raise SourceError(
            f"{where} under TLS: {one_line(error.reason or error, 200)}. imaps:// is TLS from the first byte (port 993), "
            "imap:// is STARTTLS (port 143)."
        ) from None
    except FAULTS as error:
        text = one_line(without_secret(str(error), secret), 200)
        raise SourceError(f"{where}: {text}. Check host and port, and that the server offers TLS.") from None


def without_secret(text: str, secret: Secret | None) -> str:
    """Return a text, or nothing of it where it repeats a password.

    Examples
    --------
    >>> without_secret("no such user: hunter2", Secret("hunter2", False))
    '(not shown: it repeats the password)'
    """
    if secret is None:
        return text
    raw = secret.text.encode()
    # As it is, as Python writes bytes, and as SASL sends it.
    forms = (secret.text, repr(raw)[2:-1], repr(secret.text)[1:-1], b64encode(raw).decode().rstrip("="))
    return "(not shown: it repeats the password)" if any(form in text for form in forms) else text


def connect(mailbox: Mailbox, secret: Secret, seconds: float) -> Connection:
    """Return a connection to the mailbox, with its folder selected to be read only.

    Raises
    ------
    SourceError
        There is none: host, certificate, password or folder; the message says which.
    """
    try:
        context = ssl.create_default_context(cafile=str(mailbox.trust_roots or certifi.where()))
    except OSError as error:  # ssl.SSLError is one
        raise SourceError(
            f"{one_line(mailbox.trust_roots, 200)} cannot be read as trusted roots: {one_line(error.strerror or error, 100)}. "
            "Expected: a PEM file of CA certificates."
        ) from None
    with _explained(mailbox, secret):
        connection = Connection(mailbox.address, context, seconds)
    try:
        _log_in(mailbox, connection, secret)
        _select(mailbox, connection, secret)
    except BaseException:
        connection.drop()
        raise
    return connection


def _log_in(mailbox: Mailbox, connection: Connection, secret: Secret) -> None:
    with _explained(mailbox, secret):
        try:
            connection.log_in(secret)
        except (imaplib.IMAP4.abort, OSError):
            raise
        except (imaplib.IMAP4.error, ImapToolsError) as error:
            reason = next((text for code, text in _REASONS.items() if f"[{code}]" in str(error)), "no reason given")
            what = "the access token" if secret.is_token else "the password"
            hint = f" A provider that wants OAuth 2.0 takes no password: set {TOKEN}." if not secret.is_token else ""
            raise SourceError(f"{mailbox.name}: the server does not accept {what}: {reason}.{hint}") from None


def _select(mailbox: Mailbox, connection: Connection, secret: Secret) -> None:
    with _explained(mailbox, secret):
        try:
            connection.select()
        except (imaplib.IMAP4.abort, OSError):
            raise
        except (imaplib.IMAP4.error, ImapToolsError) as error:
            text = one_line(without_secret(str(error), secret), 200)
            raise SourceError(
                f"{mailbox.name}: there is no folder {one_line(mailbox.address.folder, 100)!r}, or it may not be read. The "
                f"server's answer: {text}. Folders below others are named with the server's separator, often / or a dot."
            ) from None
