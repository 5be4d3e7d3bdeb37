"""What the caller gives, as inputs: paths, folders, glob patterns, bytes and file objects; none of them opened yet."""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

from ...errors import SourceError
from ...settings import Limits
from ._model import Input, Rejected, Skipped, fault
from .remote import Mailbox, bucket_items, is_remote, scheme_of

__all__ = ["flat_sources", "ignored", "iter_inputs", "label"]

Items = Iterator[Input | Rejected | Skipped]
#: The parts of a pattern below its fixed folder, compiled; None stands for `**`.
Pattern = tuple[re.Pattern[str] | None, ...]

_HIDDEN: Final = "hidden file"
_LEFT_BY_SYSTEM: Final = "left by the operating system"
#: Files that operating systems and mail servers create, which no user means when naming a folder.
_SYSTEM_FILES: Final = frozenset(
    ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "Thumbs.db", "desktop.ini", "lost+found", "Icon\r")
)  # fmt: skip
_MAILDIR: Final = {"cur", "new", "tmp"}
_UNDELIVERED: Final = "in a Maildir's tmp: its delivery was not finished"
_WILDCARD: Final = re.compile(r"[*?\[]")
_BY_NAME: Final = attrgetter("name")
_FILE_TYPES: Final = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


def iter_inputs(sources: Sequence[object], limits: Limits) -> Items:
    """Return what there is to read, in a stable order: the sources as given, below a folder sorted by name.

    Parameters
    ----------
    sources : sequence
        Strings and `os.PathLike` are paths of files or folders, or glob patterns (``**`` for any folders); bytes,
        bytearray, memoryview and file objects give the content itself; a `Mailbox`, and a text that begins as the address of
        a mailbox or bucket, gives its messages or objects; an iterable stands for its elements.
    limits : Limits
        Lists within lists may be nested as deep as containers.

    Returns
    -------
    iterator of Input, Rejected or Skipped
        `Rejected` for what is not a regular file or cannot be read, `Skipped` for hidden files and system files.

    Raises
    ------
    SourceError
        Before anything is read: a path does not exist, a pattern matches nothing, a folder has no file, a mailbox or bucket
        cannot be opened.
    TypeError
        A source is of another type.

    Examples
    --------
    >>> [item.source for item in iter_inputs([b"{}", [b"[]"]], Limits())]
    ['<bytes 1>', '<bytes 2>']
    """
    flat = flat_sources(sources, limits)
    if not flat:
        raise SourceError("No source was given. Name a file, a folder or a glob pattern.")
    return chain.from_iterable([_isolated(source, number, limits) for number, source in enumerate(flat, 1)])


def flat_sources(sources: Iterable[object], limits: Limits) -> list[object]:
    """Return the sources without the lists that they are in."""
    return list(_flat(sources, limits.nesting))


def label(path: str) -> str:
    """Return a path as valid Unicode: bytes that are not UTF-8 are written as escapes.

    Examples
    --------
    >>> label("a\\udcff.json")
    'a\\\\xff.json'
    """
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")


def ignored(name: str) -> str:
    """Return why a file of this name, with its folders, is skipped; empty where it is not.

    Examples
    --------
    >>> ignored("a/.DS_Store"), ignored("__MACOSX/a.json"), ignored("./a/b.json")
    ('hidden file', 'left by the operating system', '')
    """
    for step in name.split("/"):
        if step in _SYSTEM_FILES:
            return _LEFT_BY_SYSTEM
        if step.startswith(".") and step not in (".", ".."):
            return _HIDDEN
    return ""


def _flat(sources: Iterable[object], levels: int) -> Iterator[object]:
    for source in sources:
        if isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview, Mailbox)) or hasattr(source, "read"):
            yield source
        elif isinstance(source, Iterable) and not isinstance(source, dict) and levels:
            yield from _flat(source, levels - 1)
        else:
            raise TypeError(
                f"a source is a path, a glob pattern, bytes, a binary file object or a list of these, "
                f"not {type(source).__name__}"
            )


def _isolated(source: object, number: int, limits: Limits) -> Items:
    """Return what there is to read in a source; an exception that nobody expected costs no other source."""
    name = source if isinstance(source, str) else f"<{type(source).__name__} {number}>"
    try:
        return _guarded(_opened(source, number, limits), name)
    except SourceError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        return iter((_unreadable(name, error),))


def _guarded(items: Iterable[Input | Rejected | Skipped], name: str) -> Items:
    try:
        yield from items
    except Exception as error:  # noqa: BLE001 - see `_isolated`
        yield _unreadable(name, error)


def _opened(source: object, number: int, limits: Limits) -> Iterable[Input | Rejected | Skipped]:
    if isinstance(source, Mailbox):
        from .remote._imap import mailbox_items  # only where it is needed: it brings imaplib and ssl

        return mailbox_items(source, limits)
    if isinstance(source, str) and is_remote(source):
        return (
            _opened(Mailbox(source), number, limits)
            if "imap" in scheme_of(source)
            else bucket_items(source, limits, ignored)
        )
    if isinstance(source, (bytes, bytearray, memoryview)):
        return (Input(f"<bytes {number}>", None, bytes(source)),)
    if hasattr(source, "read"):
        name = getattr(source, "name", None)
        # A file opened as text has the bytes underneath; a StringIO has none, and its text is encoded as it is read.
        stream = cast("BinaryIO", getattr(source, "buffer", source))
        return (Input(label(name) if isinstance(name, str) and name else f"<file {number}>", None, stream),)
    return _path(os.fsdecode(cast("str | os.PathLike[str]", source)))


def _path(given: str) -> Iterable[Input | Rejected | Skipped]:
    text = given
    if not given:  # Path("") would be the current folder
        raise _missing(given, "does not exist")
    if given.startswith("~") and not os.path.lexists(given):
        text = os.path.expanduser(given)  # noqa: PTH111 - Path.expanduser raises where there is no such user
    try:
        mode = Path(text).stat().st_mode
    except FileNotFoundError:
        if Path(text).is_symlink():
            return (Rejected(label(given), "", "read", "unreadable", "a symbolic link to a path that does not exist"),)
        return _glob(text, given)
    except (NotADirectoryError, ValueError) as error:
        raise _missing(given, str(error)) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise _missing(given, "is too long for a path") from None
        # What Windows says to a name with a wildcard in it.
        if getattr(error, "winerror", None) == 123:
            return _glob(text, given)
        return (_unreadable(given, error),)
    if stat.S_ISREG(mode):
        return (Input(label(given), text),)
    if stat.S_ISDIR(mode):
        return _at_least_one(_walk(text), f"The folder {label(given)!r} has no file in it")
    return (_special(given, mode),)


def _is_json(given: str) -> bool:
    return given.lstrip().startswith(("{", '[{"'))


def _missing(given: str, why: str) -> SourceError:
    hint = " A report's text is given as bytes: load(text.encode())." if _is_json(given) else ""
    return SourceError(
        f"{label(given[:200])!r} {why} (current folder: {label(str(Path.cwd()))!r}). "
        f"Name an existing file, folder or glob pattern.{hint}"
    )


def _glob(pattern: str, given: str) -> Iterable[Input | Rejected | Skipped]:
    if not _WILDCARD.search(pattern) or _is_json(given):
        raise _missing(given, "does not exist")
    base, parts = _compiled(pattern)
    if not Path(base).is_dir():
        raise _missing(given, f"matches nothing: there is no folder {label(base)!r}")
    return _at_least_one(_walk(base, parts), f"The pattern {label(given)!r} matches no file")


def _compiled(pattern: str) -> tuple[str, Pattern]:
    """Return the fixed folder of a glob pattern, and the parts of the pattern below it."""
    steps = Path(pattern).parts
    first = next(number for number, step in enumerate(steps) if _WILDCARD.search(step))
    base = str(Path(*steps[:first])) if first else ""
    parts = steps[first:]
    # Several `**` in a row mean the same as a single `**`.
    kept = [part for number, part in enumerate(parts) if part != "**" or parts[number - 1 : number] != ("**",)]
    return base, tuple(None if part == "**" else re.compile(fnmatch.translate(part)) for part in kept)


def _at_least_one(items: Items, problem: str) -> Items:
    """Return the same items; raise `SourceError` where there is nothing to read among them."""
    first: list[Input | Rejected | Skipped] = []
    for item in items:
        first.append(item)
        if not isinstance(item, Skipped):
            return chain(first, items)
    skipped = (
        f"; {len(first)} skipped (such as {first[0].source!r}: {cast('Skipped', first[0]).reason})" if first else ""
    )
    raise SourceError(
        f"{problem} (current folder: {label(str(Path.cwd()))!r}){skipped}. "
        "Name a folder with .json, .gz, .zip, .tar, .eml or mbox files, or a Maildir."
    )


def _special(path: str, mode: int) -> Rejected:
    what = next((name for test, name in _FILE_TYPES if test(mode)), "a special file")
    return Rejected(label(path), "", "read", "not-a-regular-file", f"{what}, not a regular file; it was not opened")


def _unreadable(path: str, error: Exception) -> Rejected:
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    if isinstance(error, OSError):
        return Rejected(text, "", "read", "unreadable", f"{error.strerror or error}")
    unreadable = fault(error, "read")
    return Rejected(text, "", unreadable.stage, unreadable.reason, unreadable.detail)


# -- folders


class _Folder(NamedTuple):
    path: str
    #: How far a pattern may have matched; None where everything in the folder counts.
    states: frozenset[int] | None


def _walk(folder: str, pattern: Pattern = ()) -> Items:
    """Yield what is in a folder, in the order of the names; with a pattern, what matches it.

    Each folder is read once, whatever links lead to it. A folder that matches the pattern counts whole. In a Maildir,
    each file in cur and new is one mail, each in tmp is skipped.
    """
    seen: set[tuple[int, int]] = set()
    # Explicit, because a tree may be deeper than Python's stack. Each entry is the rest of one folder.
    stack = [_entries(_Folder(folder, frozenset((0,)) if pattern else None), seen, pattern)]
    while stack:
        for item in stack[-1]:
            if isinstance(item, _Folder):
                stack.append(_entries(item, seen, pattern))
                break
            yield item
        else:
            stack.pop()


def _advance(states: frozenset[int], name: str, pattern: Pattern) -> frozenset[int] | None:
    """Return how far the pattern may have matched after one more step of the path; None where it matches whole."""
    after: set[int] = set()
    todo = list(states)
    while todo:
        state = todo.pop()
        part = pattern[state]
        if part is None:
            after.add(state)
            # `**` stands for no folder too.
            if state + 1 == len(pattern):
                after.add(state + 1)
            else:
                todo.append(state + 1)
        elif part.match(name):
            after.add(state + 1)
    return None if len(pattern) in after else frozenset(after)


def _entries(
    folder: _Folder, seen: set[tuple[int, int]], pattern: Pattern
) -> Iterator[Input | Rejected | Skipped | _Folder]:
    try:
        status = Path(folder.path).stat()
        key = (status.st_dev, status.st_ino)
        if key in seen:
            if folder.states is None:
                yield Skipped(label(folder.path), "", "a folder already read under another name")
            return
        seen.add(key)
        with os.scandir(folder.path or os.curdir) as listing:
            entries = sorted(listing, key=_BY_NAME)
    except OSError as error:
        if folder.states is None or not isinstance(error, FileNotFoundError):
            yield _unreadable(folder.path, error)
        return
    maildir = {entry.name for entry in entries if entry.name in _MAILDIR} == _MAILDIR
    prefix = "" if folder.path else f".{os.sep}"
    for entry in entries:
        after = None if folder.states is None else _advance(folder.states, entry.name, pattern)
        if after is not None and not after:
            continue
        path = entry.path.removeprefix(prefix)
        try:
            if entry.is_file():
                if after is None:
                    why = ignored(entry.name)
                    yield Skipped(label(path), "", why) if why else Input(label(path), path)
            elif entry.is_dir():
                why = ignored(entry.name)
                # Maildir++ gives its folders hidden names.
                if why and not (why == _HIDDEN and Path(path, "cur").is_dir()):
                    if after is None:
                        yield Skipped(label(path), "", f"{why}: a folder, not read")
                elif maildir and entry.name == "tmp" and after is None:
                    yield from (Skipped(label(str(mail)), "", _UNDELIVERED) for mail in sorted(Path(path).iterdir()))
                else:
                    yield _Folder(path, after)
            elif after is None:
                yield _special(path, entry.stat().st_mode)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it costs none of its neighbours
            yield _unreadable(path, error)
