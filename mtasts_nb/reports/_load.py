"""`load`: from sources to an `Archive`."""

from __future__ import annotations

import gc
import os
import zlib
from collections.abc import Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from ..settings import Limits
from ._archive import Archive
from ._collect import Collector
from ._containers import unpack, unpack_path, unpack_stream
from ._dkim import DkimCheck, DnsFunc
from ._frames import frames
from ._leaf import Hints, Input, Leaf, Passed, Refused
from ._progress import Progress
from ._read_ahead import INFLATED, UNREAD, ReadAhead, useful_workers
from ._sources import iter_inputs

if TYPE_CHECKING:
    from os import PathLike
    from typing import BinaryIO

    Given = str | PathLike[str] | bytes | bytearray | memoryview | BinaryIO

__all__ = ["load"]

#: A report of an ordinary day is far smaller; a file up to this size is read in one call.
_SMALL: Final = 64 * 1024
_FREE: Final = 1024 * 1024
_OPEN_FLAGS: Final = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK"))
_DEFAULT_LIMITS: Final = Limits()


def load(
    *sources: Given | Archive,
    progress: bool = True,
    workers: int | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    verify_dkim: bool | DnsFunc = False,
) -> Archive:
    """Return all TLS reports (RFC 8460) that the sources hold, as tables.

    What can be understood is loaded, what had to be assumed is a row of `Archive.deviations`, what cannot be read is a
    row of `Archive.rejects`, and everything looked at is a row of `Archive.inputs`. One bad input costs no other.

    Parameters
    ----------
    *sources : str, path, bytes or binary file object
        Files, folders of any depth, globs, or content: JSON, gzip, zip, tar (plain, gzip, xz, bzip2), mails, mbox,
        Maildir, NDJSON, JSON arrays, in one another; told apart by content, never by name. An Archive alone is given
        back as it is: what is written for sources works on what is loaded already.
    progress : bool, optional
        Show a progress bar when it takes longer than two seconds.
    workers : int, optional
        How many processes, this one included. Those beside it read and inflate small files ahead, and wait side by
        side for a slow disk or network folder; they are started for long lists only. None: as many as there are
        cores, at most 4. 1: no other process.
    limits : Limits, optional
        How much one input may cost.
    verify_dkim : bool or callable, optional
        Check the DKIM signatures of the mails at hand (RFC 8460 §3), one row of `Archive.deviations` per mail, field
        ``dkim``. A report is loaded whatever the answer; reports that did not come as a mail have no such row. This
        asks the DNS. A callable is asked instead: it takes a name (bytes) and ``timeout`` and returns the TXT record
        (bytes) or None.

    Returns
    -------
    Archive
        Without any row in `reports` if the sources hold no report; `Archive.require_reports` makes that an error.

    Raises
    ------
    SourceError
        There is nothing to look at: no such path, a glob without a match, an empty folder.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> archive = sts.load(b'{"policies": 7}', b"no report")
    >>> archive.inputs[["source", "outcome"]].to_csv(index=False)
    'source,outcome\\n<bytes 1>,rejected\\n<bytes 2>,skipped\\n'
    """
    if workers is not None and workers < 1:
        raise ValueError(f"load: workers must be at least 1, not {workers}")
    for source in sources:
        if isinstance(source, Archive):
            if len(sources) > 1:
                raise TypeError(
                    "load: an Archive is loaded already and cannot be joined with other sources; give it alone"
                )
            return source
    given = tuple(source for source in sources if not isinstance(source, Archive))
    found = iter_inputs(given, limits)
    dkim = DkimCheck(verify_dkim if callable(verify_dkim) else None) if verify_dkim else None
    loader = _Loader(Collector(limits), limits, dkim)
    # Millions of rows are made and none of them is in a cycle; the collector would look at them again and again.
    collecting = gc.isenabled()
    gc.disable()
    try:
        with Progress(show=progress) as shown, ReadAhead(useful_workers(workers) if loader.roomy else 1) as ahead:
            for batch in ahead.batches(found):
                for item, kind, data in zip(*batch, strict=True):
                    if kind != INFLATED or not loader.collector.add_typed(data, item.source):
                        loader.take(item, data if kind != UNREAD else None)
                    shown.step()
            tables = frames(loader.collector)
    finally:
        if collecting:
            gc.enable()
    return Archive(looked_at=[_label(source) for source in given], **tables)


def _label(source: object) -> str:
    if isinstance(source, str | PurePath):
        return os.fsencode(source).decode("utf-8", "backslashreplace")
    return f"<{type(source).__name__}>"


class _Loader:
    """Takes inputs one after another."""

    def __init__(self, collector: Collector, limits: Limits, dkim: DkimCheck | None) -> None:
        self.collector = collector
        self.limits = limits
        self.dkim = dkim
        # What is read without any ado is at most as large as this: smaller limits are for the unpackers to keep.
        self.roomy = limits.report_bytes >= _FREE and limits.input_bytes >= _SMALL

    def take(self, item: Input | Refused | Passed, data: bytes | None = None) -> None:
        """Take one input; `data` is the content of its file, where it has been read."""
        if isinstance(item, Refused | Passed):
            self.collector.set_aside(item)
            return
        source, path, stream = item
        try:
            if path is None:
                self._take_stream(source, stream)
                return
            if data is None:
                data = _read_small(path)
            if data is None:
                self._gather(unpack_path(path, source, self.limits, keep_mail=self.dkim is not None))
            else:
                self._take_small(data, source, os.fsdecode(path).rpartition(os.sep)[2])
        except OSError as error:
            detail = f"{error.strerror or error}; check that it can be read"
            self.collector.set_aside(Refused(source, "", "read", "unreadable", detail))

    def _take_small(self, data: bytes, source: str, filename: str | None) -> None:
        """Take a content that is in memory: the most frequent kind without any ado, all others by unpacking."""
        hints = Hints(filename=filename) if filename else None
        text = self._plain(data) if self.roomy and len(data) < _SMALL else None
        if text is not None and self.collector.add_typed(text, source):
            return
        # Several documents, one after the other, are for the unpackers to name.
        if text is not None and b"\n{" not in text and b"}{" not in text:
            self.collector.add(text, source, "", hints)
            return
        self._gather(unpack(data, source, "", self.limits, hints=hints, keep_mail=self.dkim is not None))

    @staticmethod
    def _plain(data: bytes) -> bytes | None:
        """Return what looks like one JSON object, as it is or in one gzip member; None for all else."""
        if data[:2] == b"\x1f\x8b":
            inflater = zlib.decompressobj(31)
            try:
                data = inflater.decompress(data, _FREE)
            except zlib.error:
                return None
            if not inflater.eof or inflater.unused_data:
                return None
        return data if data[:1] == b"{" and len(data) < _FREE else None

    def _take_stream(self, source: str, stream: bytes | BinaryIO | None) -> None:
        if stream is None:
            raise AssertionError  # an Input has a path or a stream
        if isinstance(stream, bytes):
            self._take_small(stream, source, None)
        else:
            self._gather(unpack_stream(stream, source, self.limits, keep_mail=self.dkim is not None))

    def _gather(self, results: Iterable[Leaf | Refused | Passed]) -> None:
        for result in results:
            if not isinstance(result, Leaf):
                self.collector.set_aside(result)
                continue
            hints = result.hints
            self.collector.add(result.data, result.source, result.member, hints)
            for remark in result.remarks:
                self.collector.deviate(result.source, result.member, remark)
            if self.dkim is not None and hints is not None and hints.mail is not None:
                self.collector.deviate(result.source, result.member, self.dkim.of(hints.mail))


def _read_small(path: str | bytes) -> bytes | None:
    """Return the file's content; None if it is not small, and then it is to be streamed."""
    descriptor = os.open(path, _OPEN_FLAGS)
    try:
        data = os.read(descriptor, _SMALL)
    finally:
        os.close(descriptor)
    return data if len(data) < _SMALL else None
