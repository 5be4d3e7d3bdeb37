"""Folders and glob patterns as sorted files, each once, none of them opened."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Final

from ._leaf import Input, Passed, Refused
from ._litter import HIDDEN, litter

__all__ = ["glob_base", "label", "special", "unreadable", "walk"]

_BY_NAME: Final = attrgetter("name")
_MAILDIR: Final = {"cur", "new", "tmp"}
_UNDELIVERED: Final = "in a Maildir's tmp: its delivery was not finished"

#: The parts of a pattern below its fixed folder, compiled; None stands for `**`.
Pattern = tuple[re.Pattern[str] | None, ...]


def label(path: str) -> str:
    """Return a path as valid Unicode: bytes that are not UTF-8 are shown as escapes.

    Examples
    --------
    >>> label("a\\udcff.json")
    'a\\\\xff.json'
    """
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")


def special(path: str, mode: int) -> Refused:
    """Return the refusal of what is neither a file nor a folder."""
    names = (
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a character device"),
        (stat.S_ISBLK, "a block device"),
    )
    what = next((name for test, name in names if test(mode)), "something special")
    return Refused(label(path), "", "read", "not-a-regular-file", f"{what}, not a file; it was not opened")


def unreadable(path: str, error: OSError) -> Refused:
    """Return the refusal of a path that the operating system does not let us look at."""
    return Refused(label(path), "", "read", "unreadable", f"{error.strerror or error}")


def glob_base(text: str) -> tuple[str, Pattern] | None:
    """Return the fixed folder of a glob pattern and the pattern's parts below it; None for a text without wildcards.

    Examples
    --------
    >>> base, parts = glob_base("mail/2026-*/**/*.gz")
    >>> base, len(parts)
    ('mail', 3)
    >>> glob_base("mail/a.json")
    """
    if not re.search(r"[*?\[]", text):
        return None
    steps = Path(text).parts
    first = next(number for number, step in enumerate(steps) if re.search(r"[*?\[]", step))
    base = str(Path(*steps[:first])) if first else ""
    parts = steps[first:]
    # Several `**` in a row say no more than one.
    kept = [part for number, part in enumerate(parts) if part != "**" or parts[number - 1 : number] != ("**",)]
    return base, tuple(None if part == "**" else re.compile(fnmatch.translate(part)) for part in kept)


def walk(folder: str, pattern: Pattern = ()) -> Iterator[Input | Refused | Passed]:
    """Yield what is in a folder, in the order of the names; with a pattern, what matches it.

    Each folder is read once, whatever links lead to it. A folder that matches the pattern counts whole.
    """
    seen: set[tuple[int, int]] = set()
    # Explicit, for a tree may be deeper than Python's stack. Each entry is what is still to come of one folder.
    start = _entries(folder, seen, frozenset((0,)) if pattern else None, pattern)
    stack = [start]
    while stack:
        for item in stack[-1]:
            if isinstance(item, _Folder):
                stack.append(_entries(item.path, seen, item.states, pattern))
                break
            yield item
        else:
            stack.pop()


class _Folder:
    __slots__ = ("path", "states")

    def __init__(self, path: str, states: frozenset[int] | None) -> None:
        self.path = path
        self.states = states


def _advance(states: frozenset[int], name: str, pattern: Pattern) -> frozenset[int]:
    """Return how far the pattern may have matched after one more step of the path."""
    after: set[int] = set()
    todo = list(states)
    while todo:
        state = todo.pop()
        if state == len(pattern):
            continue
        part = pattern[state]
        if part is None:
            after.add(state)
            # `**` stands for no folder at all, too.
            if state + 1 == len(pattern):
                after.add(state + 1)
            else:
                todo.append(state + 1)
        elif part.match(name):
            after.add(state + 1)
    return frozenset(after)


def _entries(
    folder: str, seen: set[tuple[int, int]], states: frozenset[int] | None, pattern: Pattern
) -> Iterator[Input | Refused | Passed | _Folder]:
    try:
        status = Path(folder).stat()
        key = (status.st_dev, status.st_ino)
        if key in seen:
            if states is None:
                yield Passed(label(folder), "", "a folder read before, under another name")
            return
        seen.add(key)
        with os.scandir(folder or os.curdir) as listing:
            entries = sorted(listing, key=_BY_NAME)
    except OSError as error:
        if states is None or not isinstance(error, FileNotFoundError):
            yield unreadable(folder, error)
        return
    names = {entry.name for entry in entries if entry.name in _MAILDIR}
    maildir = names == _MAILDIR
    prefix = "" if folder else "./"
    for entry in entries:
        name = entry.name
        after = None
        if states is not None:
            after = _advance(states, name, pattern)
            if not after:
                continue
            if len(pattern) in after:
                after = None
        path = entry.path.removeprefix(prefix)
        try:
            if entry.is_file():
                if after is None:
                    yield Passed(label(path), "", why) if (why := litter(name)) else Input(label(path), path)
            elif entry.is_dir():
                why = litter(name)
                # Maildir++ keeps its folders under hidden names.
                if why and not (why == HIDDEN and Path(path, "cur").is_dir()):
                    if after is None:
                        yield Passed(label(path), "", f"{why}: a folder, not looked into")
                elif maildir and name == "tmp" and after is None:
                    yield from _undelivered(path)
                else:
                    yield _Folder(path, after)
            elif after is None:
                yield special(path, entry.stat().st_mode)
        except OSError as error:
            yield unreadable(path, error)


def _undelivered(folder: str) -> Iterator[Passed | Refused]:
    try:
        paths = sorted(str(path) for path in Path(folder).iterdir())
    except OSError as error:
        yield unreadable(folder, error)
        return
    for path in paths:
        yield Passed(label(path), "", _UNDELIVERED)
