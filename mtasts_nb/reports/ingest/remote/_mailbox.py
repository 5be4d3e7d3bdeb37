"""A mailbox as a source: where it is, and how its password is found."""

from __future__ import annotations

import getpass
import os
import sys
from contextlib import suppress
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from ....errors import SourceError
from ....markup import one_line
from ._state import ReadUids, read_state, write_state
from ._urls import MAILBOXES, scheme_of

__all__ = ["PASSWORD", "TOKEN", "Address", "Mailbox", "Secret"]

#: The environment variables that are asked for a password or an OAuth 2.0 access token.
PASSWORD: Final = "MTASTS_NB_IMAP_PASSWORD"  # noqa: S105 - the name of a variable
TOKEN: Final = "MTASTS_NB_IMAP_TOKEN"  # noqa: S105
_KEYRING: Final = "mtasts-nb"
_PORTS: Final = {"imaps": 993, "imap": 143}


class Address(NamedTuple):
    """What the address of a mailbox says."""

    scheme: str
    user: str
    host: str
    port: int
    folder: str

    @property
    def name(self) -> str:
        """The address as it is shown and stored: complete, percent-encoded, without a password."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{quote(self.user, safe='@+')}@{host}{port}/{quote(self.folder)}"


class Secret(NamedTuple):
    """A password, or with `is_token` an OAuth 2.0 access token."""

    text: str
    is_token: bool

    def __repr__(self) -> str:
        return "Secret(...)"


@dataclass(eq=False)
class Mailbox:
    """A mailbox, to be read by IMAP; a source of `load`. Nothing in it is changed, marked, moved or deleted.

    ``load("imaps://user@host/Folder")`` is the same as ``load(Mailbox("imaps://user@host/Folder"))``. Each message is one
    source, ``imaps://user@host/Folder#UID``.

    The password is the first that there is of: `token`, `password`, the environment variables ``MTASTS_NB_IMAP_TOKEN``
    (an OAuth 2.0 access token, sent by XOAUTH2) and ``MTASTS_NB_IMAP_PASSWORD``, the system's keyring (service
    ``mtasts-nb``, user name ``user@host``; needs the extra ``keyring``), and a prompt. It is sent only under TLS with a
    valid certificate.

    Parameters
    ----------
    url : str
        ``imaps://user@host[:port]/Folder``, or ``imap://`` for a server with STARTTLS on port 143; it is required. The
        folder is INBOX where none is named. A ``%`` or ``/`` in the user name is percent-encoded.
    password, token : str, optional
        Instead of those that are looked for.
    state : str or Path, optional
        A file that remembers which messages were read, by UID and UIDVALIDITY: only others are read, and `load` adds
        them when all is read. None: all messages are read.
    trust_roots : Path or str, optional
        A PEM file of trusted roots; None means the bundled Mozilla roots (certifi).

    Raises
    ------
    SourceError
        The address is none of a mailbox, or has a password in it.

    Examples
    --------
    >>> box = Mailbox("imaps://reports@nordwind.example@mail.nordwind.example/TLS reports", password="secret")
    >>> box
    Mailbox('imaps://reports@nordwind.example@mail.nordwind.example/TLS%20reports')
    """

    url: InitVar[str]
    password: str | None = field(default=None, repr=False, kw_only=True)
    token: str | None = field(default=None, repr=False, kw_only=True)
    state: str | Path | None = field(default=None, kw_only=True)
    trust_roots: str | Path | None = field(default=None, kw_only=True)
    address: Address = field(init=False)
    #: What was read, and is not in the state file yet.
    _read: ReadUids | None = field(default=None, init=False)

    def __post_init__(self, url: str) -> None:
        self.address = _parsed(url)

    def __repr__(self) -> str:
        return f"Mailbox({self.name!r})"

    @property
    def name(self) -> str:
        """The address, without a password."""
        return self.address.name

    def already_read(self) -> ReadUids:
        """Return what the state file says; nothing without one."""
        return read_state(Path(self.state), self.name) if self.state is not None else ReadUids()

    def note_read(self, read: ReadUids) -> None:
        """Note which messages have been read; `save_state` writes it."""
        self._read = read

    def save_state(self) -> None:
        """Write which messages have been read to the state file, if there is one. `load` calls it at its end."""
        if self.state is not None and self._read is not None:
            write_state(Path(self.state), self.name, self._read)
            self._read = None

    def secret(self) -> Secret:
        """Return the password or token.

        Raises
        ------
        SourceError
            There is none, and nobody to ask.
        """
        given = (
            (self.token, True),
            (self.password, False),
            (os.environ.get(TOKEN), True),
            (os.environ.get(PASSWORD), False),
        )
        for text, is_token in given:
            if text:
                return self._checked(Secret(text, is_token))
        text = self._from_keyring() or self._from_prompt()
        if not text:
            raise SourceError(
                f"{self.name}: no password. Set {PASSWORD}, or {TOKEN} for an OAuth 2.0 access token; or store it in the "
                f"system's keyring (service {_KEYRING!r}, user name {self._account!r}; needs pip install 'mtasts-nb[keyring]')."
            )
        return self._checked(Secret(text, is_token=False))

    @property
    def _account(self) -> str:
        return f"{self.address.user}@{self.address.host}"

    def _checked(self, secret: Secret) -> Secret:
        if any(character in secret.text for character in "\r\n\0"):
            raise SourceError(f"{self.name}: the password has a line break or NUL in it. Check where it comes from.")
        return secret

    def _from_keyring(self) -> str:
        try:
            import keyring
        except ImportError:
            return ""
        # A machine without a desktop has no keyring to ask, and each backend says so in its own way.
        with suppress(Exception):
            return keyring.get_password(_KEYRING, self._account) or ""
        return ""

    def _from_prompt(self) -> str:
        if not (sys.stdin and sys.stdin.isatty()) and "ipykernel" not in sys.modules:
            return ""
        # A kernel that runs without a reader, as in a test or a scheduled run, refuses to ask.
        with suppress(EOFError, RuntimeError):
            return getpass.getpass(f"Password of {self.name}: ")
        return ""


def _parsed(url: str) -> Address:
    scheme = scheme_of(url)
    if scheme not in MAILBOXES:
        raise SourceError("The address of a mailbox begins with imaps:// or imap://, such as imaps://user@host/Folder.")
    # Nothing of the text is shown before it is known to have no password in it.
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError:
        raise SourceError(
            f"A mailbox address has a port or host that cannot be read. Expected: {scheme}://user@host:port/Folder."
        ) from None
    account, _, _ = parts.netloc.rpartition("@")
    if ":" in account:
        raise SourceError(
            f"The address of the mailbox on {one_line(host, 100)} has a password in it. Take it out, since addresses are "
            f"shown and stored, and set {PASSWORD} instead. A colon in the user name is written as %3A."
        )
    user, folder = unquote(account), unquote(parts.path[1:]) or "INBOX"
    if not user or not host or parts.query or parts.fragment:
        raise SourceError(
            f"The address {one_line(url, 200)!r} is incomplete or has too much. Expected: {scheme}://user@host/Folder, "
            "with ? and # in the folder's name written as %3F and %23."
        )
    if any(ord(character) < 32 or ord(character) == 127 for character in f"{user}{folder}{host}"):
        raise SourceError(f"The address {one_line(url, 200)!r} has control characters in it, which no mailbox has.")
    return Address(scheme, user, host, port or _PORTS[scheme], folder)
