"""The messages of a mailbox, as inputs: read with BODY.PEEK, in groups of small ones, and nothing left out silently."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from ....errors import SourceError
from ....markup import one_line, plural
from ....settings import Limits
from .._model import Input, Rejected, Skipped
from ._connection import FAULTS, Connection, connect, without_secret
from ._mailbox import Mailbox, Secret
from ._state import ReadUids

__all__ = ["mailbox_items"]

Items = Iterator[Input | Rejected | Skipped]

_UID: Final = re.compile(rb"\bUID (\d{1,10})\b")
_SIZE: Final = re.compile(rb"\bRFC822\.SIZE (\d{1,19})\b")
_LITERAL: Final = re.compile(rb"BODY\[\] \{\d+\}$")
#: Messages fetched by one command: so many, or so many bytes.
_GROUP: Final = 50
_GROUP_BYTES: Final = 1024 * 1024
#: What an answer may have beside the messages: flags, and what the server says of other messages.
_BESIDE: Final = 256 * 1024
#: Servers round sizes, or count line ends in another way.
_SLACK: Final = 64 * 1024
#: After so many failed connections in a row the rest of the mailbox is given up.
_MOST_FAILED: Final = 3


def mailbox_items(mailbox: Mailbox, limits: Limits) -> Items:
    """Return the messages of a mailbox that were not read yet, each as one input.

    The folder is listed at once, so that a wrong password is an error before anything is read; the messages are fetched
    as they are asked for, over a second connection.

    Raises
    ------
    SourceError
        The mailbox cannot be opened, or is empty; the state file cannot be read.
    """
    already = mailbox.already_read()
    reader = _Reader(mailbox, mailbox.secret(), limits)
    sizes = reader.listed()
    remarks: list[Rejected | Skipped] = []
    if already.uidvalidity and already.uidvalidity != reader.uidvalidity:
        detail = (
            f"UIDVALIDITY has changed from {already.uidvalidity} to {reader.uidvalidity or 'none'}: the folder was made "
            "again, so all its messages are read"
        )
        remarks.append(Skipped(mailbox.name, "", detail))
    elif already.uidvalidity:
        count = len(sizes)
        sizes = {uid: size for uid, size in sizes.items() if uid not in already.uids}
        reader.read |= already.uids
        if count > len(sizes):
            remarks.append(
                Skipped(mailbox.name, "", f"{plural(count - len(sizes), 'message')} read before, see the state file")
            )
    elif not sizes:
        raise SourceError(f"{mailbox.name} has no message. Name the folder that TLS reports are delivered to.")
    return chain(remarks, reader.messages(sizes))


class _Reader:
    """Reads one mailbox; makes a new connection where one was lost."""

    def __init__(self, mailbox: Mailbox, secret: Secret, limits: Limits) -> None:
        self._mailbox, self._secret, self._limits = mailbox, secret, limits
        self._connection: Connection | None = None
        self._failed = 0
        self.uidvalidity = 0
        self.read: set[int] = set()

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._mailbox, self._secret, self._limits.network_seconds)
        return self._connection

    def close(self) -> None:
        """Log out and close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.drop()

    def listed(self) -> dict[int, int]:
        """Return the size of each message by its UID, in the order of the UIDs."""
        connection = self._open()
        try:
            self.uidvalidity = connection.uidvalidity
            if not connection.messages:
                return {}
            data = connection.fetch_data("1:*", "(UID RFC822.SIZE)", _BESIDE + 200 * connection.messages)
        except FAULTS as error:
            self._drop()
            raise SourceError(f"{self._mailbox.name}: its messages cannot be listed: {self._text(error)}.") from None
        finally:
            self.close()
        sizes = {}
        for line in data:
            if isinstance(line, bytes) and (uid := _UID.search(line)) and (size := _SIZE.search(line)):
                sizes[int(uid[1])] = int(size[1])
        return dict(sorted(sizes.items()))

    def messages(self, sizes: Mapping[int, int]) -> Items:
        """Yield each of these messages, and a rejection for each that cannot be read."""
        most = self._limits.members
        chosen = dict(list(sizes.items())[:most])
        try:
            for group in _groups(chosen, self._limits.input_bytes):
                size = chosen[group[0]]
                if size > self._limits.input_bytes:
                    yield self._rejected(
                        group[0], "input-bytes",
                        f"a message of {size} bytes: the limit is input_bytes={self._limits.input_bytes}; to allow more, "
                        "call load(..., limits=Limits(input_bytes=...))",
                    )  # fmt: skip
                    continue
                yield from self._group(group, chosen)
                if self._failed >= _MOST_FAILED:
                    left = sum(uid > group[-1] for uid in chosen)
                    if left:
                        yield self._rest(left, f"the connection failed {_MOST_FAILED} times in a row")
                    break
        finally:
            self.close()
            self._mailbox.note_read(ReadUids(self.uidvalidity, frozenset(self.read)))
        if len(sizes) > most:
            yield self._rest(len(sizes) - most, f"the limit is members={most}")

    def _rest(self, count: int, why: str) -> Rejected:
        detail = f"{plural(count, 'message')} not read: {why}; load it again to read {'it' if count == 1 else 'them'}"
        return Rejected(self._mailbox.name, "", "read", "unreadable", detail)

    def _group(self, uids: Sequence[int], sizes: Mapping[int, int]) -> Items:
        """Yield the messages of a group; where the group fails, one by one."""
        bodies: dict[int, bytes] = {}
        why = "the server did not send it; it may have been deleted meanwhile"
        try:
            bodies = self._bodies(uids, sum(min(sizes[uid], self._limits.input_bytes) for uid in uids))
            self._failed = 0
        except SourceError as error:
            why, self._failed = str(error), _MOST_FAILED
        except FAULTS as error:
            why = self._text(error)
            refused = isinstance(error, imaplib.IMAP4.error) and not isinstance(error, imaplib.IMAP4.abort)
            if not refused:
                self._drop()
            if len(uids) > 1:
                for uid in uids:
                    if self._failed >= _MOST_FAILED:
                        yield self._rejected(uid, "unreadable", why)
                    else:
                        yield from self._group((uid,), sizes)
                return
            self._failed += not refused
        for uid in uids:
            if uid not in bodies:
                yield self._rejected(uid, "unreadable", why)
                continue
            yield Input(f"{self._mailbox.name}#{uid}", None, bodies[uid])
            self.read.add(uid)

    def _bodies(self, uids: Sequence[int], expected: int) -> dict[int, bytes]:
        """Return the messages by UID; raises `SourceError` where the mailbox is not the one that was listed."""
        connection = self._open()
        if connection.uidvalidity != self.uidvalidity:
            raise SourceError("the folder was made again while it was read (UIDVALIDITY has changed)")
        most = expected + _BESIDE + _SLACK * len(uids)
        data = connection.fetch_data(",".join(map(str, uids)), "(UID BODY.PEEK[])", most)
        bodies: dict[int, bytes] = {}
        for position, part in enumerate(data):
            if not isinstance(part, tuple) or not _LITERAL.search(part[0]):
                continue
            # The UID is before the literal or after it (RFC 3501 §7.4.2 gives no order).
            after = data[position + 1] if position + 1 < len(data) else b""
            uid = _UID.search(part[0]) or (_UID.search(after) if isinstance(after, bytes) else None)
            if uid and int(uid[1]) in uids:
                bodies.setdefault(int(uid[1]), part[1])
        return bodies

    def _rejected(self, uid: int, reason: str, detail: str) -> Rejected:
        return Rejected(f"{self._mailbox.name}#{uid}", "", "read", reason, detail)

    def _text(self, error: BaseException) -> str:
        return one_line(without_secret(str(error), self._secret), 200)


def _groups(sizes: Mapping[int, int], largest: int) -> Iterator[list[int]]:
    """Yield the UIDs in groups to be fetched by one command; a large message is a group of its own."""
    group: list[int] = []
    total = 0
    for uid, size in sizes.items():
        if group and (len(group) >= _GROUP or total + size > min(_GROUP_BYTES, largest)):
            yield group
            group, total = [], 0
        group.append(uid)
        total += size
    if group:
        yield group
