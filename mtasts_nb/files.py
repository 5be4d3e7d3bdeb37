"""Files: written in one step, read only where they are regular and no larger than expected; temporary folders that go.

A reader of a file that is written here sees the old content or the new one, whatever happens meanwhile: an error, a full
disk, a signal, a loss of power.
"""

from __future__ import annotations

import errno
import os
import secrets
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

__all__ = ["private_folder", "read_file", "replacing", "write_file"]

_BINARY: Final = getattr(os, "O_BINARY", 0)
#: What ends a process without running its `finally` blocks.
_ENDING: Final = tuple(number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None)
_SPECIAL: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_file(path: str | Path, most: int) -> bytes:
    """Return the content of a regular file of at most `most` bytes; never waits for a FIFO or a device.

    Raises
    ------
    OSError
        There is no such file, it cannot be read, is larger, or is a folder, FIFO, socket or device; `strerror` says
        which.

    Examples
    --------
    >>> read_file("/", 100)
    Traceback (most recent call last):
    OSError: [Errno 22] it is a folder, not a regular file: '/'
    """
    name = os.fspath(path)
    if "\0" in name:
        raise OSError(errno.EINVAL, "the name contains a NUL character", name)
    # Checked before it is opened, since to open a device may have an effect, and after, since it may have changed.
    _require_regular(Path(name).stat(), name)
    number = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
    with os.fdopen(number, "rb") as file:
        _require_regular(os.fstat(number), name)
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes, the most that is expected", name)
    return content


def _require_regular(status: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((kind for is_kind, kind in _SPECIAL if is_kind(status.st_mode)), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", name)


def write_file(path: str | Path, content: bytes) -> Path:
    """Write a file in one step, as `replacing` does; return its path."""
    with replacing(path) as stream:
        stream.write(content)
    return Path(path)


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """Give a stream whose content becomes the file when the block ends; after an exception nothing has changed.

    The content is on the disk before it gets its name. An existing file keeps its mode and, where the system allows it, its
    owner; a new one has the mode that any new file has. Of a symbolic link the target is replaced. What is no regular
    file, such as ``/dev/stdout``, is written to directly.

    Raises
    ------
    OSError
        The file cannot be written; `filename` is the path as given.
    """
    name = os.fspath(path)
    try:
        before = os.stat(name)  # noqa: PTH116 - of what a link points to
    except FileNotFoundError:
        before = None
    if before is not None and not stat.S_ISREG(before.st_mode):
        with open(name, "wb") as stream:  # noqa: PTH123
            yield stream
        return
    if before is not None and not os.access(name, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)
    target = Path(os.path.realpath(name))
    draft = target.with_name(f".{secrets.token_hex(8)}.part")
    with _ending_in_order():
        try:
            number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, _mode(before))
            with os.fdopen(number, "wb") as stream:
                _keep_owner_and_mode(number, before)
                yield stream
                stream.flush()
                os.fsync(number)
            draft.replace(target)
            _sync_folder(target.parent)
        except OSError as error:
            if error.filename not in (None, str(draft)):
                raise
            raise type(error)(error.errno, error.strerror, name) from error
        finally:
            draft.unlink(missing_ok=True)


def _mode(before: os.stat_result | None) -> int:
    """Return the mode to create a draft with; the system takes the umask off, which cannot be read without setting it."""
    return 0o666 if before is None else stat.S_IMODE(before.st_mode) & 0o777


def _keep_owner_and_mode(number: int, before: os.stat_result | None) -> None:
    if before is None or not hasattr(os, "fchmod"):
        return
    with suppress(PermissionError):  # only root may give a file away
        os.fchown(number, before.st_uid, before.st_gid)
    os.fchmod(number, stat.S_IMODE(before.st_mode))


def _sync_folder(folder: Path) -> None:
    """Put the new name on the disk too; not every system can (Windows, some network file systems)."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


@contextmanager
def private_folder() -> Iterator[Path]:
    """Give a temporary folder that only this user can read; it is gone afterwards, after SIGTERM and SIGHUP too.

    Examples
    --------
    >>> with private_folder() as folder:
    ...     folder.is_dir()
    True
    >>> folder.exists()
    False
    """
    with (
        _ending_in_order(),
        tempfile.TemporaryDirectory(prefix="mtasts-nb-", ignore_cleanup_errors=True) as name,
    ):
        yield Path(name)


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the block first, and end the process then as they do.

    Only where nothing else handles them: what a program has set, or ignores (``nohup``), stays. Signals reach the main
    thread alone; in another one this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def stop(number: int, _: Any) -> None:
        if not received:  # a second one must not interrupt the cleaning up
            received.append(number)
            raise SystemExit(128 + number)

    taken = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
        if received:
            signal.raise_signal(received[0])
