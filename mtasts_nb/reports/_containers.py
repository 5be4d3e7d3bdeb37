"""Unpacking: what a file holds, down to the last container, as leaves.

What a file is, its content says and never its name. Nothing is written to disk, nothing is read without a bound, and a
damaged member costs none of its neighbours.
"""

from __future__ import annotations

import binascii
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import PurePath
from typing import BinaryIO, Final

from ..settings import Limits
from ._leaf import Hints, Leaf, Passed, Refused, member_name, named, step_down
from ._litter import litter
from ._mail import mail_results
from ._mbox import mbox_messages
from ._mime import without_emlx_frame
from ._report import Deviation
from ._sniff import HEAD, Kind, claims_report, foreign_name, sniff
from ._streams import Budget, Inflated, Stream, Unreadable, over
from ._tar import tar_members
from ._texts import BLANK, as_utf8, is_ndjson, lines, split_json
from ._zip import zip_members

__all__ = ["Unreadable", "unpack", "unpack_path", "unpack_stream"]

Results = Iterator[Leaf | Refused | Passed]

#: A file up to this size is read whole; a larger one is streamed.
WHOLE: Final = 8 * 1024 * 1024
#: What is inflated at once; more goes through a stream.
_AT_ONCE: Final = 4 * 1024 * 1024
_COMPRESSED: Final = (Kind.GZIP, Kind.BZIP2, Kind.XZ)
_READ_WHOLE: Final = (Kind.MAIL, Kind.BASE64)


def unpack(
    data: bytes,
    source: str,
    member: str,
    limits: Limits,
    *,
    depth: int = 0,
    hints: Hints | None = None,
    keep_mail: bool = False,
) -> Results:
    """Yield what is in these bytes: one result or more, and never an exception.

    Parameters
    ----------
    data : bytes
        The content of a file.
    source, member : str
        Where it comes from, as `_leaf` has it.
    limits : Limits
        What it may cost.
    depth : int
        How many containers are around it already.
    hints : Hints, optional
        What lies around it.
    keep_mail : bool
        Whether the mail that a report came in goes with it, in `Hints.mail`.

    Examples
    --------
    >>> import gzip
    >>> [leaf] = unpack(gzip.compress(b'{"policies": []}'), "a.json.gz", "", Limits())
    >>> leaf.data
    b'{"policies": []}'
    """
    yield from _Unpacking(source, limits, Budget(limits, len(data)), keep_mail=keep_mail).of(data, member, depth, hints)


def unpack_path(path: str | bytes, source: str, limits: Limits, *, keep_mail: bool = False) -> Results:
    """Yield what is in a file, streamed where it is large; never an exception.

    A file that is no regular one by now is refused without waiting for it.
    """
    try:
        # A FIFO that took the file's place must not block; Windows has neither the flag nor such FIFOs.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        yield Refused(source, "", "read", "unreadable", str(error))
        return
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        yield Refused(source, "", "read", "not-a-regular-file", "a FIFO, socket, device or folder, not a file")
        return
    with os.fdopen(number, "rb", buffering=0) as file:
        hints = Hints(member_name(PurePath(os.fsdecode(path)).name))
        yield from unpack_stream(file, source, limits, hints=hints, keep_mail=keep_mail)


def unpack_stream(
    file: BinaryIO, source: str, limits: Limits, *, hints: Hints | None = None, keep_mail: bool = False
) -> Results:
    """Yield what is in a binary file object, from where it stands; never an exception."""
    budget = Budget(limits)
    read = file.read

    def counted(count: int) -> bytes:
        try:
            part: object = read(count) or b""
        except (OSError, ValueError) as error:
            raise Unreadable("read", "unreadable", str(error)) from None
        if isinstance(part, str):  # a StringIO
            part = part.encode("utf-8", "surrogatepass")
        if not isinstance(part, bytes):
            raise Unreadable("read", "unreadable", f"read() gave {type(part).__name__}; expected bytes")
        budget.taken += len(part)
        return part

    unpacking = _Unpacking(source, limits, budget, keep_mail=keep_mail)
    stream = Stream(counted)
    try:
        head = stream.peek(HEAD)
        if sniff(head) is Kind.ZIP and len(head) == HEAD and _seekable(file):
            # Its directory is at the end: the file itself is read, and not through the stream.
            yield from unpacking.zip(file, "", 0, hints, on_disk=True)
            return
        data = stream.read(WHOLE + 1)
        stream.push(data)
    except Unreadable as error:
        yield Refused(source, "", error.stage, error.reason, error.detail)
        return
    if len(data) <= WHOLE:
        yield from unpacking.of(data, "", 0, hints)
    else:
        yield from unpacking.streamed(stream, "", 0, hints)


def _seekable(file: BinaryIO) -> bool:
    try:
        return file.seekable()
    except (AttributeError, ValueError, OSError):
        return False


class _Unpacking:
    """One source on its way down."""

    __slots__ = ("_budget", "_keep_mail", "_limits", "_mails", "_source")

    def __init__(self, source: str, limits: Limits, budget: Budget, *, keep_mail: bool) -> None:
        self._source = source
        self._limits = limits
        self._budget = budget
        self._keep_mail = keep_mail
        self._mails = 0  # how many mails are around what is being read

    def of(self, data: bytes, member: str, depth: int, hints: Hints | None) -> Results:
        """Yield what is in bytes at hand."""
        try:
            yield from self._of(sniff(data[:HEAD]), data, member, depth, hints)
        except Unreadable as error:
            yield Refused(self._source, member, error.stage, error.reason, error.detail)
        except RecursionError:
            yield self._refused(member, over(self._limits, "nesting", "containers nested too deep"))

    def streamed(self, stream: Stream, member: str, depth: int, hints: Hints | None) -> Results:
        """Yield what is in a stream, of which nothing says how long it is."""
        try:
            head = stream.peek(HEAD)
            if len(head) < HEAD:
                yield from self._of(sniff(head), head, member, depth, hints)
            else:
                yield from self._streamed(sniff(head), head, stream, member, depth, hints)
        except Unreadable as error:
            yield Refused(self._source, member, error.stage, error.reason, error.detail)
        except RecursionError:
            yield self._refused(member, over(self._limits, "nesting", "containers nested too deep"))

    def _of(self, kind: Kind, data: bytes, member: str, depth: int, hints: Hints | None) -> Results:
        if kind is Kind.JSON:
            yield from self._json(data, member, depth, hints)
        elif kind is Kind.EMPTY or kind is Kind.OTHER or kind is Kind.FOREIGN:
            yield self._no_report(kind, data, member, hints)
        elif depth >= self._limits.nesting:
            raise over(self._limits, "nesting", f"a {kind.value} inside {depth} containers")
        elif len(data) > self._limits.input_bytes and (kind in _READ_WHOLE or (kind is Kind.ZIP and depth)):
            raise over(self._limits, "input_bytes", f"a {kind.value} of {len(data)} bytes")
        elif kind is Kind.GZIP:
            yield from self._gzip(data, member, depth, hints)
        elif kind is Kind.MAIL:
            yield from self._mail(data, member, depth, hints)
        elif kind is Kind.ZIP:
            yield from self.zip(BytesIO(data), member, depth, hints, on_disk=False)
        elif kind is Kind.BASE64:
            try:
                plain = binascii.a2b_base64(data)
            except binascii.Error as error:
                raise Unreadable("unpack", "damaged", f"damaged base64: {error}") from None
            yield from self.of(plain, member, depth + 1, hints)
        else:
            yield from self._streamed(kind, data, Stream(BytesIO(data).read), member, depth, hints)

    def _streamed(
        self, kind: Kind, head: bytes, stream: Stream, member: str, depth: int, hints: Hints | None
    ) -> Results:
        if kind is Kind.EMPTY or kind is Kind.OTHER or kind is Kind.FOREIGN:
            yield self._no_report(kind, head, member, hints)
        elif kind is Kind.JSON and is_ndjson(head):
            yield from self._ndjson(stream, member, depth, hints)
        elif kind is Kind.JSON and not head.lstrip(BLANK).startswith(b"["):
            yield from self._json(self._read(stream, "report_bytes", kind), member, depth, hints)
        elif depth >= self._limits.nesting:
            raise over(self._limits, "nesting", f"a {kind.value} inside {depth} containers")
        elif kind in _COMPRESSED:
            yield from self._inflated(stream, kind, member, depth, hints)
        elif kind is Kind.TAR:
            yield from self._tar(stream, member, depth, hints)
        elif kind is Kind.MBOX:
            yield from self._mbox(stream, member, depth, hints)
        else:
            yield from self._of(kind, self._read(stream, "input_bytes", kind), member, depth, hints)

    def _read(self, stream: Stream, limit: str, kind: Kind) -> bytes:
        most: int = getattr(self._limits, limit)
        data = stream.read(most + 1)
        if len(data) > most:
            raise over(self._limits, limit, f"a {kind.value} of more than {most} bytes")
        return data

    def _gzip(self, data: bytes, member: str, depth: int, hints: Hints | None) -> Results:
        engine = zlib.decompressobj(31)
        try:
            out = engine.decompress(data, _AT_ONCE)
        except zlib.error:
            out = b""  # the stream below says what is wrong with it
        honest = len(out) <= self._limits.expansion_ratio * len(data) and len(data) <= self._limits.input_bytes
        if engine.eof and not engine.unused_data and honest:
            self._budget.charge(len(out))
            yield from self.of(out, member, depth + 1, hints)
        else:
            yield from self._inflated(Stream(BytesIO(data).read), Kind.GZIP, member, depth, hints)

    def _inflated(self, stream: Stream, kind: Kind, member: str, depth: int, hints: Hints | None) -> Results:
        inner = Inflated(stream, kind.value, self._limits, self._budget)
        # What follows the compressed data shows when all is read: the last report of several waits for that.
        last: Leaf | None = None
        for result in self.streamed(Stream(inner.read), member, depth + 1, hints):
            if last is not None:
                yield last
                last = None
            if not isinstance(result, Leaf):
                yield result
            elif result.member == member and inner.went > self._limits.input_bytes:  # compression adds no step
                what = f"a compressed report of {inner.went} bytes"
                yield self._refused(member, over(self._limits, "input_bytes", what))
            else:
                last = result
        if last is not None and inner.rest:
            remark = Deviation("", repr(inner.rest)[1:], f"bytes after the end of the {kind.value} data ignored")
            last = replace(last, remarks=(*last.remarks, remark))
        if last is not None:
            yield last

    def _leaf(self, data: bytes, member: str, hints: Hints | None) -> Leaf | Refused:
        if len(data) > self._limits.report_bytes:
            return self._refused(member, over(self._limits, "report_bytes", f"a JSON text of {len(data)} bytes"))
        return Leaf(self._source, member, data, hints)

    def _json(self, data: bytes, member: str, depth: int, hints: Hints | None) -> Results:
        pieces = split_json(as_utf8(data), self._limits.members)
        if pieces is None:
            yield self._leaf(data, member, hints)
            return
        if depth >= self._limits.nesting:
            raise over(self._limits, "nesting", f"a JSON array inside {depth} containers")
        if not any(piece.startswith((b"{", b"[")) for _, piece in pieces):
            yield Passed(self._source, member, "a JSON array without an object in it")
            return
        for number, (name, piece) in enumerate(pieces):
            if number >= self._limits.members:
                raise over(self._limits, "members", f"more than {number} JSON texts in one file")
            yield from self._json_piece(piece, step_down(member, name), depth, hints)

    def _json_piece(self, piece: bytes, member: str, depth: int, hints: Hints | None) -> Results:
        if piece.startswith(b"["):
            yield from self.of(piece, member, depth + 1, hints)
        else:
            yield self._leaf(piece, member, hints)

    def _ndjson(self, stream: Stream, member: str, depth: int, hints: Hints | None) -> Results:
        for number, (name, line) in enumerate(lines(stream, self._limits.report_bytes)):
            if number >= self._limits.members:
                raise over(self._limits, "members", f"more than {self._limits.members} lines of JSON")
            step = step_down(member, name)
            if line is None:
                yield self._refused(step, over(self._limits, "report_bytes", "a line of JSON is too long"))
            else:
                yield from self._json_piece(line, step, depth, hints)

    def _mail(self, data: bytes, member: str, depth: int, hints: Hints | None) -> Results:
        def down(content: bytes, step: str, part_hints: Hints) -> Results:
            return self.of(content, step, depth + 1, part_hints)

        data = without_emlx_frame(data)
        # The outermost mail alone is what its sender signed; a mail forwarded inside need not be, byte for byte.
        raw = data if self._keep_mail and not self._mails else None
        self._mails += 1
        try:
            yield from mail_results(data, self._source, member, self._limits, hints, down, raw)
        finally:
            self._mails -= 1

    def _mbox(self, stream: Stream, member: str, depth: int, hints: Hints | None) -> Results:
        count = 0
        for count, mail in enumerate(mbox_messages(stream, self._limits.input_bytes), 1):
            step = step_down(member, f"message {count}")
            if count > self._limits.members:
                raise over(self._limits, "members", f"more than {self._limits.members} mails in one mbox")
            if mail is None:
                yield self._refused(step, over(self._limits, "input_bytes", "the mail is too large", "mail"))
            else:
                yield from self._guarded(self._mail, mail, step, depth + 1, hints)
        if not count:
            yield Passed(self._source, member, "an mbox without a mail")

    def _guarded(
        self,
        read: Callable[[bytes, str, int, Hints | None], Results],
        data: bytes,
        member: str,
        depth: int,
        hints: Hints | None,
    ) -> Results:
        try:
            yield from read(data, member, depth, hints)
        except Unreadable as error:
            yield self._refused(member, error)

    def zip(self, file: BinaryIO, member: str, depth: int, hints: Hints | None, *, on_disk: bool) -> Results:
        """Yield what is in a zip."""
        found = False
        try:
            for entry in zip_members(file, self._limits, self._budget, on_disk=on_disk):
                found = True
                name = member_name(entry.name)
                step = step_down(member, name)
                if passed := litter(name) or entry.kind:
                    yield Passed(self._source, step, passed)
                elif entry.refusal:
                    yield self._refused(step, entry.refusal)
                else:
                    yield from self.streamed(entry.content, step, depth + 1, named(name, hints))
        except Unreadable as error:
            yield self._refused(member, error)
            return
        if not found:
            yield Passed(self._source, member, "a zip without a file in it")

    def _tar(self, stream: Stream, member: str, depth: int, hints: Hints | None) -> Results:
        count = 0
        for count, entry in enumerate(tar_members(stream), 1):
            if count > self._limits.members:
                raise over(self._limits, "members", f"more than {self._limits.members} members in one tar")
            if isinstance(entry, Unreadable):
                yield self._refused(member, entry)
                continue
            name = member_name(entry.name)
            step = step_down(member, name)
            if passed := litter(name) or entry.kind:
                yield Passed(self._source, step, passed)
            else:
                content = Stream(entry.content.read)
                yield from self.streamed(content, step, depth + 1, named(name, hints))
        if not count:
            yield Passed(self._source, member, "a tar without a file in it")

    def _no_report(self, kind: Kind, head: bytes, member: str, hints: Hints | None) -> Refused | Passed:
        """Return the end of something that is neither JSON nor a container."""
        if kind is Kind.FOREIGN:
            return Refused(self._source, member, "unpack", "unsupported-format", foreign_name(head))
        name = hints.filename if hints and hints.filename else member or self._source
        if kind is Kind.EMPTY:
            what = "empty" if not head else "only white space and NULs"
            if claims_report(name):
                return Refused(self._source, member, "unpack", "empty", f"{what}; expected a report as JSON")
            return Passed(self._source, member, what)
        if claims_report(name):
            detail = f"neither JSON nor a known container; it begins {head[:24]!r}"
            return Refused(self._source, member, "unpack", "not-json", detail)
        return Passed(self._source, member, "no report: neither JSON nor mail nor a known container")

    def _refused(self, member: str, why: Unreadable) -> Refused:
        return Refused(self._source, member, why.stage, why.reason, why.detail)
