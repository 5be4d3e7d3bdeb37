"""Reading forward only, through any number of decompressors, with every cost bounded.

Nothing here trusts a size that a file states: only bytes that really came out are counted, and the count stops the
reading. A stream is never read whole unless a caller asks for that many bytes.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, Final, Protocol

from ...settings import Limits
from ._budget import FREE, Budget, over
from ._model import Unreadable

__all__ = ["CHUNK", "Inflated", "Section", "Stream", "gunzip", "is_seekable"]

#: How much is read at a time.
CHUNK: Final = 256 * 1024
#: What a decompressor of xz data may allocate; `xz -9` needs 65 MiB.
_XZ_MEMORY: Final = 96 * 1024 * 1024


class Stream:
    """A forward-only reader with look-ahead, over any function that gives at most so many bytes."""

    __slots__ = ("_at", "_held", "_read")

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._held = b""
        self._at = 0  # what of _held is read already: cheaper than cutting it off each time

    def peek(self, count: int) -> bytes:
        """Return the next bytes, `count` of them unless the stream ends before, and leave them to be read."""
        while len(self._held) - self._at < count:
            more = self._read(max(count - len(self._held) + self._at, 8192))
            if not more:
                break
            self._held, self._at = self._held[self._at :] + more, 0
        return self._held[self._at : self._at + count]

    def some(self, count: int = CHUNK) -> bytes:
        """Return between 1 and `count` bytes, or none at the end."""
        if self._at == len(self._held):
            return self._read(count)
        part = self._held[self._at : self._at + count]
        self._at += len(part)
        return part

    def read(self, count: int) -> bytes:
        """Return exactly `count` bytes, fewer only at the end."""
        first = self.some(count)
        if len(first) == count or not first:
            return first
        parts, missing = [first], count - len(first)
        while missing and (part := self.some(min(missing, CHUNK))):
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def skip(self, count: int) -> int:
        """Pass over up to `count` bytes; return how many there were."""
        left = count
        while left and (part := self.some(min(left, CHUNK))):
            left -= len(part)
        return count - left

    def push(self, data: bytes) -> None:
        """Return bytes to the stream, to be read next."""
        start = self._at - len(data)
        if start >= 0 and self._held.startswith(data, start):
            self._at = start
        else:
            self._held, self._at = data + self._held[self._at :], 0


def is_seekable(file: BinaryIO) -> bool:
    """Return whether a file object can be read in any order."""
    try:
        return file.seekable()
    except (AttributeError, ValueError, OSError):
        return False


class Section:
    """The next `size` bytes of a stream, as a reader of its own."""

    __slots__ = ("_stream", "failed", "left")

    def __init__(self, stream: Stream, size: int) -> None:
        self._stream = stream
        self.left = size
        #: Whether reading raised: nothing after this section can be found.
        self.failed = False

    def read(self, count: int) -> bytes:
        """Return between 1 and `count` bytes, or none at the end of the section."""
        if not self.left:
            return b""
        self.failed = True
        part = self._stream.some(min(count, self.left))
        if not part:
            raise Unreadable("unpack", "truncated", f"the file ends {self.left} bytes before the member does")
        self.failed = False
        self.left -= len(part)
        return part


class _Decompressor(Protocol):
    """What zlib, bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, _max_length: int, /) -> bytes: ...


_NEW: Final[dict[str, Callable[[], _Decompressor]]] = {
    "gzip": lambda: zlib.decompressobj(31),
    "deflate": lambda: zlib.decompressobj(-15),  # as in a zip
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
}
#: The first bytes of a compressed stream.
_MAGIC: Final = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "xz": b"\xfd7zXZ\x00"}


def gunzip(data: bytes, most: int) -> bytes | None:
    """Return what is in a single gzip member with nothing after it; None for anything else, or more than `most` bytes.

    Examples
    --------
    >>> import gzip
    >>> gunzip(gzip.compress(b"{}"), 100), gunzip(gzip.compress(b"{}") + b"more", 100), gunzip(b"{}", 100)
    (b'{}', None, None)
    """
    engine = zlib.decompressobj(31)
    try:
        text = engine.decompress(data, most)
    except zlib.error:
        return None
    return text if engine.eof and not engine.unused_data else None


class Inflated:
    """The decompressed bytes of a stream: all its members, up to what is no longer compressed data.

    What follows the last member (zero padding, a mail gateway's footer) is not read, as gzip(1) does; `rest` has the
    beginning of all but padding.
    """

    __slots__ = (
        "_budget", "_came", "_done", "_engine", "_kind", "_limits", "_members", "_piece", "_stream", "rest", "went",
    )  # fmt: skip

    def __init__(self, stream: Stream, kind: str, limits: Limits, budget: Budget) -> None:
        self._stream = stream
        self._kind = kind
        # What bz2 and lzma received and have not used yet counts as used: less at a time keeps their ratio honest.
        self._piece = CHUNK if kind in ("gzip", "deflate") else 32 * 1024
        self._limits = limits
        self._budget = budget
        budget.inflated = True
        self._engine = _NEW[kind]()
        self._members = 1
        #: Compressed bytes put in.
        self.went = 0
        #: Once all is read: the first bytes after the compressed data.
        self.rest = b""
        self._came = 0  # decompressed bytes that came out
        self._done = False

    def read(self, count: int) -> bytes:
        """Return between 1 and `count` bytes, or none at the end."""
        while not self._done:
            out = self._step(count)
            if self._engine.eof:
                self._end_member()
            if out:
                self._came += len(out)
                self._budget.read(len(out))
                if self._came > FREE and self._came > self._limits.expansion_ratio * self.went:
                    raise over(self._limits, "expansion_ratio", f"{self.went} bytes expand to {self._came} or more")
                return out
        return b""

    def _step(self, count: int) -> bytes:
        # zlib returns the input that it had no room for; bz2 and lzma keep it and say whether they need more.
        feed: bytes = getattr(self._engine, "unconsumed_tail", b"")
        hungry = not feed and getattr(self._engine, "needs_input", True)
        if hungry:
            # After a short member others will follow: what is fed beyond its end is copied back each time.
            feed = self._stream.some(self._piece if self._members == 1 else 4096)
        try:
            out = self._engine.decompress(feed, count)
        except (zlib.error, lzma.LZMAError, OSError, ValueError, MemoryError) as error:
            raise Unreadable("unpack", "damaged", f"damaged {self._kind} data: {error}") from None
        self.went += len(feed) - len(getattr(self._engine, "unconsumed_tail", b""))
        if hungry and not feed and not out and not self._engine.eof:
            raise Unreadable("unpack", "truncated", f"the {self._kind} data end before their end mark")
        return out

    def _end_member(self) -> None:
        rest = self._engine.unused_data
        self.went -= len(rest)
        self._stream.push(rest)
        if self._kind == "deflate":
            self._done = True
            return
        while (byte := self._stream.peek(1)) == b"\0":
            held = self._stream.some(CHUNK)
            self._stream.push(held.lstrip(b"\0"))
        magic = _MAGIC[self._kind]
        if not byte or self._stream.peek(len(magic)) != magic:
            self._done = True
            self.rest = self._stream.peek(16)
            return
        self._members += 1
        if self._members > self._limits.members:
            raise over(self._limits, "members", f"more than {self._limits.members} {self._kind} members in a row")
        self._engine = _NEW[self._kind]()
