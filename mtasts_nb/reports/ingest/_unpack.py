"""Unpacking: what a file holds, down to the last container, as leaves.

The content decides what a file is, never its name. Nothing is written to disk, nothing is read without a limit, and a
damaged member costs none of its neighbours.
"""

from __future__ import annotations

import binascii
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import PurePath
from typing import BinaryIO, Final, TypeVar

from ...settings import Limits
from ._archives import Member, tar_members, zip_members
from ._budget import Budget, Exhausted, bytes_of, over
from ._exports import csv_reports
from ._json import BLANK, as_utf8, is_ndjson, lines, split_json
from ._mail import mail_results
from ._mime import mbox_messages, without_emlx_frame
from ._model import Deviation, Hints, Leaf, Rejected, Skipped, Unreadable, fault, member_name, named, step_down
from ._postfix import log_reports
from ._sniff import HEAD, Kind, no_report, sniff
from ._sources import ignored
from ._streams import Inflated, Stream, gunzip, is_seekable

__all__ = ["unpack", "unpack_path", "unpack_stream"]

Results = Iterator[Leaf | Rejected | Skipped]
Result = TypeVar("Result", Leaf, Rejected, Skipped, Rejected | Skipped, Leaf | Rejected | Skipped)

#: A file up to this size is read whole, half of it inflated at once; more is streamed.
WHOLE: Final = 8 * 1024 * 1024
_AT_ONCE: Final = WHOLE // 2
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
        Where it comes from; see `_model`.
    limits : Limits
        What it may cost.
    depth : int
        How many containers are around it already.
    hints : Hints, optional
        What surrounds it.
    keep_mail : bool
        Whether the mail that a report came in goes with it, in `Hints.mail`.

    Examples
    --------
    >>> import gzip
    >>> [leaf] = unpack(gzip.compress(b'{"policies": []}'), "a.json.gz", "", Limits())
    >>> leaf.data
    b'{"policies": []}'
    """
    unpacking = _Unpacking(source, limits, Budget(limits, len(data)), keep_mail=keep_mail)
    yield from unpacking.whole(unpacking.of(data, member, depth, hints))


def unpack_path(path: str | bytes, source: str, limits: Limits, *, keep_mail: bool = False) -> Results:
    """Yield what is in a file, streamed where it is large; never an exception.

    A file that is no longer a regular file is rejected without waiting for it.
    """
    try:
        # A FIFO that replaced the file must not block; Windows has neither the flag nor such FIFOs.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        yield Rejected(source, "", "read", "unreadable", str(error))
        return
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        yield Rejected(source, "", "read", "not-a-regular-file", "a FIFO, socket, device or folder, not a regular file")
        return
    with os.fdopen(number, "rb", buffering=0) as file:
        hints = Hints(member_name(PurePath(os.fsdecode(path)).name))
        yield from unpack_stream(file, source, limits, hints=hints, keep_mail=keep_mail)


def unpack_stream(
    file: BinaryIO, source: str, limits: Limits, *, hints: Hints | None = None, keep_mail: bool = False
) -> Results:
    """Yield what is in a binary file object, from its current position; never an exception."""
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

    def results() -> Results:
        head = stream.peek(HEAD)
        if sniff(head) is Kind.ZIP and len(head) == HEAD and is_seekable(file):
            # Its directory is at the end: the file itself is read, and not through the stream.
            yield from unpacking.zip(file, "", 0, hints, on_disk=True)
            return
        data = stream.read(WHOLE + 1)
        if len(data) <= WHOLE:
            yield from unpacking.of(data, "", 0, hints)
        else:
            stream.push(data)
            yield from unpacking.streamed(stream, "", 0, hints)

    yield from unpacking.whole(unpacking.guarded(results(), ""))


class _Unpacking:
    """One source on its way down."""

    __slots__ = ("_keep_mail", "_limits", "_mails", "_source", "budget")

    def __init__(self, source: str, limits: Limits, budget: Budget, *, keep_mail: bool) -> None:
        self._source = source
        self._limits = limits
        #: Pays for what is being read.
        self.budget = budget
        self._keep_mail = keep_mail
        self._mails = 0  # how many mails are around what is being read

    def guarded(self, results: Results, member: str) -> Results:
        """Yield the results, and at what cannot be read a rejection."""
        try:
            yield from results
        except Exhausted:
            raise  # the rest of the source is not read either
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it costs none of its neighbours
            yield self._row(fault(error, "unpack").at(self._source, member))

    def _over(self, limit: str, what: str, member: str) -> Rejected | Skipped:
        return self._row(over(self._limits, limit, what).at(self._source, member))

    def whole(self, results: Results) -> Results:
        """Yield the results, and a rejection of the rest once the source has cost what it may."""
        try:
            yield from results
        except Exhausted as error:
            yield error.at(self._source, "")

    def _sharing(self, results: Results, member: str, share: Budget) -> Results:
        """Yield the results, which `share` pays for, and a rejection of the member once it is exhausted."""
        outer = self.budget
        if share is outer:
            yield from results
            return
        self.budget = share
        try:
            yield from results
        except Exhausted as error:
            yield error.at(self._source, member)
        finally:
            with suppress(Exhausted):  # it is read already
                share.tick(now=True)
            self.budget = outer

    def _row(self, result: Result) -> Result:
        text = bytes_of(result.source, result.member)
        if isinstance(result, Rejected):  # a row of `inputs`, and one of `rejects`
            self.budget.rows(1, text + bytes_of(result.detail))
        self.budget.rows(1, text)
        return result

    def of(self, data: bytes, member: str, depth: int, hints: Hints | None) -> Results:
        """Yield what is in bytes in memory."""
        if depth:
            self.budget.read(len(data))
        return self.guarded(self._of(sniff(data[:HEAD]), data, member, depth, hints), member)

    def streamed(self, stream: Stream, member: str, depth: int, hints: Hints | None) -> Results:
        """Yield what is in a stream of unknown length."""
        return self.guarded(self._from_head(stream, member, depth, hints), member)

    def _from_head(self, stream: Stream, member: str, depth: int, hints: Hints | None) -> Results:
        head = stream.peek(HEAD)
        if len(head) < HEAD:
            yield from self._of(sniff(head), head, member, depth, hints)
        else:
            yield from self._streamed(sniff(head), head, stream, member, depth, hints)

    def _of(self, kind: Kind, data: bytes, member: str, depth: int, hints: Hints | None) -> Results:
        if kind is Kind.JSON:
            yield from self._json(data, member, depth, hints)
        elif kind is Kind.EMPTY or kind is Kind.OTHER or kind is Kind.FOREIGN:
            yield self._row(self._no_report(kind, data, member, hints))
        elif kind is Kind.CSV or kind is Kind.LOG:
            yield from self._rebuilt(kind, data, member, hints)
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
            yield self._row(self._no_report(kind, head, member, hints))
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
        text = gunzip(data, _AT_ONCE)
        if text is None or len(text) > self._limits.expansion_ratio * len(data) or len(data) > self._limits.input_bytes:
            # The stream finds out what is wrong with it, or over which limit.
            yield from self._inflated(Stream(BytesIO(data).read), Kind.GZIP, member, depth, hints)
        else:
            self.budget.inflated = True
            yield from self.of(text, member, depth + 1, hints)

    def _inflated(self, stream: Stream, kind: Kind, member: str, depth: int, hints: Hints | None) -> Results:
        inner = Inflated(stream, kind.value, self._limits, self.budget)
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
                yield self._over("input_bytes", what, member)
            else:
                last = result
        if last is not None and inner.rest:
            remark = Deviation("", repr(inner.rest)[1:], f"bytes after the end of the {kind.value} data ignored")
            last = replace(last, remarks=(*last.remarks, remark))
        if last is not None:
            yield last

    def _leaf(self, data: bytes, member: str, hints: Hints | None) -> Leaf | Rejected | Skipped:
        if len(data) > self._limits.report_bytes:
            return self._over("report_bytes", f"a JSON text of {len(data)} bytes", member)
        return self._row(Leaf(self._source, member, data, hints, budget=self.budget))

    def _json(self, data: bytes, member: str, depth: int, hints: Hints | None) -> Results:
        pieces = split_json(as_utf8(data), self._limits.members)
        if pieces is None:
            yield self._leaf(data, member, hints)
            return
        if depth >= self._limits.nesting:
            raise over(self._limits, "nesting", f"a JSON array inside {depth} containers")
        if not any(piece.startswith((b"{", b"[")) for _, piece in pieces):
            yield self._row(Skipped(self._source, member, "a JSON array without an object in it"))
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
                yield self._over("report_bytes", "a line of JSON is too long", step)
            else:
                yield from self._json_piece(line, step, depth, hints)

    def _mail(self, data: bytes, member: str, depth: int, hints: Hints | None) -> Results:
        def unpack_part(content: bytes, step: str, part_hints: Hints) -> Results:
            return self.of(content, step, depth + 1, part_hints)

        data = without_emlx_frame(data)
        # Only the outermost mail is what its sender signed; a mail forwarded inside may differ, byte for byte.
        raw = data if self._keep_mail and not self._mails else None
        self._mails += 1
        try:
            yield from mail_results(data, self._source, member, self._limits, self.budget, hints, unpack_part, raw)
        finally:
            self._mails -= 1

    def _mbox(self, stream: Stream, member: str, depth: int, hints: Hints | None) -> Results:
        count = 0
        for count, mail in enumerate(mbox_messages(stream, self._limits.input_bytes), 1):
            step = step_down(member, f"message {count}")
            if count > self._limits.members:
                raise over(self._limits, "members", f"more than {self._limits.members} mails in one mbox")
            if mail is None:
                yield self._over("input_bytes", "the mail is too large", step)
            else:
                results = self.guarded(self._mail(mail, step, depth + 1, hints), step)
                yield from self._sharing(results, step, self.budget.member(len(mail)))
        if not count:
            yield self._row(Skipped(self._source, member, "an mbox without a mail"))

    def zip(self, file: BinaryIO, member: str, depth: int, hints: Hints | None, *, on_disk: bool) -> Results:
        """Yield what is in a zip."""
        empty = True
        for entry in zip_members(file, self._limits, self.budget, on_disk=on_disk):
            empty = False
            yield from self._member(entry, member, depth, hints)
        if empty:
            yield self._row(Skipped(self._source, member, "a zip without a file in it"))

    def _tar(self, stream: Stream, member: str, depth: int, hints: Hints | None) -> Results:
        count = 0
        for count, entry in enumerate(tar_members(stream, self.budget), 1):
            if count > self._limits.members:
                raise over(self._limits, "members", f"more than {self._limits.members} members in one tar")
            if isinstance(entry, Unreadable):
                yield self._row(entry.at(self._source, member))
            else:
                yield from self._member(entry, member, depth, hints)
        if not count:
            yield self._row(Skipped(self._source, member, "a tar without a file in it"))

    def _member(self, entry: Member, member: str, depth: int, hints: Hints | None) -> Results:
        name = member_name(entry.name)
        step = step_down(member, name)
        yield from self._sharing(self._of_member(entry, name, step, depth, hints), step, entry.budget)

    def _of_member(self, entry: Member, name: str, step: str, depth: int, hints: Hints | None) -> Results:
        if why := ignored(name) or entry.kind:
            yield self._row(Skipped(self._source, step, why))
        elif isinstance(entry.content, Unreadable):
            yield self._row(entry.content.at(self._source, step))
        else:
            yield from self.streamed(entry.content, step, depth + 1, named(name, hints))

    def _no_report(self, kind: Kind, head: bytes, member: str, hints: Hints | None) -> Rejected | Skipped:
        return no_report(kind, head, (hints and hints.filename) or member or self._source).at(self._source, member)

    def _rebuilt(self, kind: Kind, data: bytes, member: str, hints: Hints | None) -> Results:
        rebuild = csv_reports if kind is Kind.CSV else log_reports
        for number, report in enumerate(rebuild(data, self._limits, self.budget.tick)):
            if number >= self._limits.members:
                raise over(self._limits, "members", f"more than {number} reports in one {kind.value}")
            yield self._row(report.at(self._source, member, hints, self.budget))
