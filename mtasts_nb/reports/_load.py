"""`load`: from sources to an `Archive`."""

from __future__ import annotations

import gc
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..settings import Limits
from ._archive import Archive, Stored
from ._collect import Collector
from ._frames import frames
from ._origins import Dkim, Origins, received_at
from .ingest import (
    DkimCheck,
    DnsFunc,
    Hints,
    Input,
    Leaf,
    Mailbox,
    Rejected,
    Skipped,
    flat_sources,
    gunzip,
    iter_inputs,
    unpack,
    unpack_path,
    unpack_stream,
)

if TYPE_CHECKING:
    from os import PathLike
    from typing import BinaryIO

    Given = str | PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Mailbox

__all__ = ["Part", "load", "load_parts"]

Item = Input | Rejected | Skipped
Results = Iterable[Leaf | Rejected | Skipped]
#: The content of a small file; None: not read yet, because it is large, or not a file.
Content = bytes | Exception | None

#: A report of an ordinary day is far smaller; a file up to this size is read in one call.
_SMALL: Final = 64 * 1024
_FREE: Final = 1024 * 1024
#: A row of a report in the form of RFC 8460 takes so many bytes at least: a failure detail's two keys.
_LEAST_ROW: Final = 42
_OPEN_FLAGS: Final = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK"))
_DEFAULT_LIMITS: Final = Limits()
_BATCH: Final = 64
#: Bytes of messages or objects in memory at a time, and the last one.
_MOST_HELD: Final = 8 * 1024 * 1024
#: A local disk answers in less than a tenth of this, in seconds per file; a network folder may not.
_SLOW: Final = 0.0005
_DEFAULT_WORKERS: Final = 16
_PATIENCE: Final = 2.0
_ONCE: Final = (None,)
#: Earlier than any mail.
_SAVED: Final = -(2**63)
#: Later than any other: its mail does not say when.
_LAST: Final = 2**62


def load(
    *sources: Given | Archive | Stored,
    progress: bool = True,
    workers: int | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    verify_dkim: bool | DnsFunc = False,
    dkim: str = Dkim.OFF,
) -> Archive:
    """Return all TLS reports (RFC 8460) in the sources, as tables.

    What can be understood is loaded, what had to be assumed is a row of `Archive.deviations`, what cannot be read is a
    row of `Archive.rejects`, and everything that was read is a row of `Archive.inputs`. One bad input costs no other.

    Parameters
    ----------
    *sources : str, path, bytes or binary file object
        Files, folders of any depth, globs, or content: JSON, gzip, zip, tar (plain, gzip, xz, bzip2), mails, mbox,
        Maildir, NDJSON, JSON arrays, exports of parsedmarc (JSON, CSV), logs with Postfix's TLSRPT lines, in one another;
        recognised by content, never by name. ``imaps://user@host/Folder`` is a mailbox (see `Mailbox` for the password
        and for reading only new messages); ``s3://bucket/prefix``, ``gs://…`` and ``az://…`` are buckets, with the extra
        ``buckets``. An Archive alone is returned as it is, a store alone as the Archive of its reports: code written for
        sources also works on what is loaded already.
    progress : bool, optional
        Show a progress bar when it takes longer than two seconds.
    workers : int, optional
        How many small files to read at the same time from a folder that answers slowly, such as a network folder. A
        folder that answers fast is read file by file. None: 16. 1: always file by file.
    limits : Limits, optional
        How much one input may cost.
    verify_dkim : bool or callable, optional
        True: as ``dkim="check"``. A callable is asked in place of the DNS: it takes a name (bytes) and ``timeout`` and
        returns the TXT record (bytes) or None.
    dkim : {"off", "check", "require"}, optional
        What to do about the DKIM signatures of report mails (RFC 8460 §3). "check" queries the DNS and notes the verdict
        on each mail, one row of `Archive.deviations` per report, field ``dkim``, and the signer in `reports.signed_by`; a
        report is loaded whatever the answer. "require" also rejects each report that did not come in a mail with a
        valid signature. What could not be checked in the time for it is noted as not checked.

    Returns
    -------
    Archive
        Without any row in `reports` if the sources have no report; `Archive.require_reports` makes that an error.

    Raises
    ------
    SourceError
        There is nothing to read: no such path, a glob without a match, an empty folder, a mailbox or bucket that cannot be
        opened.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> archive = sts.load(b'{"policies": 7}', b"no report")
    >>> archive.inputs[["source", "outcome"]].to_csv(index=False)
    'source,outcome\\n<bytes 1>,rejected\\n<bytes 2>,skipped\\n'
    """
    for source in sources:
        if isinstance(source, Archive | Stored):
            if len(sources) > 1:
                raise TypeError(
                    f"load: a {type(source).__name__} is loaded already and cannot be joined with other sources; give it alone"
                )
            return source.to_archive()
    flat = flat_sources(sources, limits)
    items = iter_inputs(flat, limits)
    ((archive, _),) = load_parts(
        items, progress=progress, workers=workers, limits=limits, verify_dkim=verify_dkim, dkim=dkim
    )
    archive.sources = tuple(_label(source) for source in sources)
    for mailbox in flat:
        if isinstance(mailbox, Mailbox):
            mailbox.save_state()  # not before all is read: what is lost on the way is read again
    return archive


def load_parts(
    items: Iterator[Item],
    *,
    size: int | None = None,
    progress: bool = True,
    workers: int | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    verify_dkim: bool | DnsFunc = False,
    dkim: str = Dkim.OFF,
) -> Iterator[Part]:
    """Yield what `load` returns in parts of `size` reports, one after another, so that memory is bounded.

    A report and all that is known about it are in one part; two copies of a report may be in two.

    Parameters
    ----------
    items : iterator
        What there is to read, as `ingest.iter_inputs` gives it.
    size : int, optional
        Reports in a part; the last has fewer, and may have none. None: one part.
    progress, workers, limits, verify_dkim, dkim
        As in `load`.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"load: workers must be at least 1, not {workers}")
    loader = _Loader(limits, _origins(verify_dkim, dkim))
    # Millions of rows are made and none of them is in a cycle; the garbage collector would check them over and over.
    collecting = gc.isenabled()
    gc.disable()
    try:
        for batch, contents in _with_progress(_with_contents(items, workers or _DEFAULT_WORKERS), show=progress):
            for item, content in zip(batch, contents, strict=True):
                for _ in loader.take(item, content):
                    if size is not None and len(loader.collector.keys) >= size:
                        yield loader.part()
        yield loader.part()
    finally:
        loader.origins.close()
        if collecting:
            gc.enable()


def _origins(verify_dkim: bool | DnsFunc, dkim: str) -> Origins:
    if dkim not in set(Dkim):
        raise ValueError(f"load: dkim is one of {', '.join(Dkim)}, not {dkim!r}")
    how = Dkim(dkim)
    if how is Dkim.OFF and verify_dkim:
        how = Dkim.CHECK
    check = None if how is Dkim.OFF else DkimCheck(verify_dkim if callable(verify_dkim) else None)
    return Origins(check, how)


def _label(source: object) -> str:
    if isinstance(source, str | PurePath):
        return os.fsencode(source).decode("utf-8", "backslashreplace")
    if isinstance(source, Mailbox):
        return source.name
    return f"<{type(source).__name__}>"


def _with_contents(items: Iterator[Item], workers: int) -> Iterator[tuple[list[Item], Sequence[Content]]]:
    """Yield the items in batches, each with the contents of its small files.

    Once a batch was slow to read, threads read the following batches ahead: they wait for a network folder side by
    side. For a fast disk one thread is faster: reading takes so little time that several only wait for each other.
    """
    batches = iter(lambda: _batch(items, _BATCH), [])
    for batch in batches:
        began = time.perf_counter()
        contents = [_read_small(item) for item in batch]
        slow = time.perf_counter() - began > _SLOW * len(batch)
        yield batch, contents
        if slow and workers > 1:
            break
    else:
        return
    ahead: deque[tuple[list[Item], Future[list[Content]]]] = deque()
    executor = ThreadPoolExecutor(workers, "mtasts-nb read")
    try:
        # Small batches, so that all threads have some of the first ones.
        while batch := _batch(items, _BATCH // 8):
            ahead.append((batch, executor.submit(lambda batch: [_read_small(item) for item in batch], batch)))
            if len(ahead) > 2 * workers:
                batch, future = ahead.popleft()
                yield batch, future.result()
        for batch, future in ahead:
            yield batch, future.result()
    finally:
        executor.shutdown(cancel_futures=True)


def _batch(items: Iterator[Item], most: int) -> list[Item]:
    """Return the next items, fewer where the messages or objects among them have many bytes."""
    batch: list[Item] = []
    held = 0
    for item in islice(items, most):
        batch.append(item)
        if isinstance(item, Input) and isinstance(item.stream, bytes):
            held += len(item.stream)
            if held > _MOST_HELD:
                break
    return batch


def _read_small(item: Item) -> Content:
    """Return a file's content; None if it is not small, and then it is to be streamed, or not a file."""
    if not isinstance(item, Input) or item.path is None:
        return None
    try:
        descriptor = os.open(item.path, _OPEN_FLAGS)
        try:
            data = os.read(descriptor, _SMALL)
        finally:
            os.close(descriptor)
    except Exception as error:  # noqa: BLE001 - the row of this file, whatever it is
        return error
    return data if len(data) < _SMALL else None


def _with_progress(
    batches: Iterator[tuple[list[Item], Sequence[Content]]], *, show: bool
) -> Iterator[tuple[list[Item], Sequence[Content]]]:
    """Yield the batches; after two seconds show a bar. tqdm is imported only then."""
    bar: Any = None
    began, count = time.monotonic(), 0
    try:
        for batch, contents in batches:
            yield batch, contents
            count += len(batch)
            if bar is None and show and time.monotonic() - began > _PATIENCE:
                from tqdm.auto import tqdm

                bar = tqdm(unit=" inputs", desc="TLS reports", bar_format="{desc}: {n_fmt}{unit}")
            if bar is not None:
                bar.update(count - bar.n)
    finally:
        if bar is not None:
            bar.close()


class Part(NamedTuple):
    """A part of what is loaded, and by the order of its reports the dates in their mails' first Received fields."""

    archive: Archive
    dates: Mapping[int, bytes]

    def received(self) -> dict[str, int]:
        """Return by report key when the first mail with it was received, in microseconds from 1970-01-01.

        A report of which a copy did not come by mail is not in it: its owner saved it, before any mail.
        """
        if not self.dates:
            return {}
        moments: dict[str, int] = {}
        for at, key in enumerate(self.archive.inputs["report_key"].dropna().tolist()):
            date = self.dates.get(at)
            moment = received_at(date)
            when = _SAVED if date is None else _LAST if moment is None else int(moment.timestamp()) * 1_000_000
            moments[key] = min(when, moments.get(key, _LAST))
        return {key: moment for key, moment in moments.items() if moment != _SAVED}


class _Loader:
    """Takes inputs one after another."""

    def __init__(self, limits: Limits, origins: Origins) -> None:
        self.collector = Collector(limits)
        self.origins = origins
        self._limits = limits
        # Small files are read without the unpackers; smaller limits are for the unpackers to enforce.
        self._direct = (
            limits.report_bytes >= _FREE
            and limits.input_bytes >= _SMALL
            and limits.rows >= _FREE // _LEAST_ROW
            and limits.label_bytes >= _FREE
        )

    def part(self) -> Part:
        """Return what was taken since the last part."""
        collector, self.collector = self.collector, Collector(self._limits)
        settled = self.origins.settle(collector)
        return Part(Archive(sources=(), **frames(collector, settled)), settled.received)

    def take(self, item: Item, content: Content) -> Iterable[None]:
        """Take one input, with its content if that has been read; never raises. What is returned is to be used up.

        An input with many reports in it is taken report by report, so that the collector can be emptied in between.
        """
        try:
            gathered = self._take(item, content)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it costs none of its neighbours
            self.collector.refuse(error, item.source, "")
            return _ONCE
        return _ONCE if gathered is None else self._gather(gathered, item.source)

    def _take(self, item: Item, content: Content) -> Results | None:
        keep_mail = self.origins.checks
        if not isinstance(item, Input):
            self.collector.set_aside(item)
        elif isinstance(content, OSError):
            detail = f"{content.strerror or content}; check that it can be read"
            self.collector.set_aside(Rejected(item.source, "", "read", "unreadable", detail))
        elif isinstance(content, Exception):
            raise content
        elif content is not None and item.path is not None:
            return self._take_small(content, item.source, item.path)
        elif item.path is not None:
            return unpack_path(item.path, item.source, self._limits, keep_mail=keep_mail)
        elif isinstance(item.stream, bytes):
            return self._take_small(item.stream, item.source, None)
        elif item.stream is not None:
            return unpack_stream(item.stream, item.source, self._limits, keep_mail=keep_mail)
        return None

    def _take_small(self, data: bytes, source: str, path: str | None) -> Results | None:
        """Take a content in memory: the most frequent kinds, JSON and gzip, directly, all others by unpacking."""
        depth = 0
        if self._direct and len(data) < _SMALL:
            compressed = data[:2] == b"\x1f\x8b"
            text = gunzip(data, _FREE) if compressed else data
            if text and text[:1] == b"{":
                if self.collector.add_typed(text, source):
                    if self.origins.checks:
                        self.origins.note(source, "", len(self.collector.keys) - 1, None)
                    return None
                data, depth = text, int(compressed)
        hints = Hints(filename=PurePath(path).name) if path else None
        keep_mail = self.origins.checks
        return unpack(data, source, "", self._limits, depth=depth, hints=hints, keep_mail=keep_mail)

    def _gather(self, results: Results, source: str) -> Iterator[None]:
        """Take what is in a container, one at a time."""
        try:
            for result in results:
                self._add(result)
                yield
        except Exception as error:  # noqa: BLE001 - as in `take`
            self.collector.refuse(error, source, "")

    def _add(self, result: Leaf | Rejected | Skipped) -> None:
        if not isinstance(result, Leaf):
            self.collector.set_aside(result)
            return
        number = len(self.collector.keys)
        self.collector.add(result.data, result.source, result.member, result.hints, result.budget)
        for remark in result.remarks:
            self.collector.deviate(result.source, result.member, remark)
        if result.hints or self.origins.checks:
            report = number if len(self.collector.keys) > number else None
            self.origins.note(result.source, result.member, report, result.hints)
