"""What the caller pointed at, as inputs: paths, folders, glob patterns, bytes and file objects."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import SourceError
from ..settings import Limits
from ._leaf import Input, Passed, Refused
from ._walk import glob_base, label, special, unreadable, walk

__all__ = ["iter_inputs"]

Found = Iterator[Input | Refused | Passed]


def iter_inputs(sources: Sequence[object], limits: Limits) -> Found:
    """Return what there is to read, in a stable order: the sources as given, below a folder sorted by name.

    Parameters
    ----------
    sources : sequence
        Strings and `os.PathLike` are paths of files or folders, or glob patterns (``**`` for any folders); bytes,
        bytearray, memoryview and file objects are content; an iterable stands for what it gives.
    limits : Limits
        Lists within lists may be nested as deep as containers.

    Returns
    -------
    iterator of Input, Refused or Passed
        `Refused` for what is no regular file or cannot be looked at, `Passed` for hidden files and system litter.

    Raises
    ------
    SourceError
        Before anything is read: a path is not there, a pattern matches nothing, a folder holds no file.
    TypeError
        A source is of another type.

    Examples
    --------
    >>> [found.source for found in iter_inputs([b"{}", [b"[]"]], Limits())]
    ['<bytes 1>', '<bytes 2>']
    """
    flat = list(_flat(sources, limits.nesting))
    if not flat:
        raise SourceError("No source was given. Name a file, a folder or a glob pattern.")
    return chain.from_iterable([_opened(source, number) for number, source in enumerate(flat, 1)])


def _flat(sources: Iterable[object], levels: int) -> Iterator[object]:
    for source in sources:
        if isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview)) or hasattr(source, "read"):
            yield source
        elif isinstance(source, Iterable) and not isinstance(source, dict) and levels:
            yield from _flat(source, levels - 1)
        else:
            raise TypeError(
                f"a source is a path, a glob pattern, bytes, a binary file object or a list of these, "
                f"not {type(source).__name__}"
            )


def _opened(source: object, number: int) -> Iterable[Input | Refused | Passed]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return (Input(f"<bytes {number}>", None, bytes(source)),)
    if hasattr(source, "read"):
        return (_file_object(source, number),)
    return _path(os.fsdecode(cast("str | os.PathLike[str]", source)))


def _file_object(source: object, number: int) -> Input:
    name = getattr(source, "name", None)
    shown = label(name) if isinstance(name, str) and name else f"<file {number}>"
    # A file opened as text has the bytes underneath; a StringIO has none, and its text is encoded as it is read.
    return Input(shown, None, cast("BinaryIO", getattr(source, "buffer", source)))


def _path(given: str) -> Iterable[Input | Refused | Passed]:
    text = given
    if not given:  # Path("") would be the current folder
        raise _not_there(given, "is not there")
    if given.startswith("~") and not os.path.lexists(given):
        text = os.path.expanduser(given)  # noqa: PTH111 - Path.expanduser raises where there is no such user
    try:
        mode = Path(text).stat().st_mode
    except FileNotFoundError:
        if Path(text).is_symlink():
            return (Refused(label(given), "", "read", "unreadable", "a symbolic link that leads nowhere"),)
        return _glob(text, given)
    except (NotADirectoryError, ValueError) as error:
        raise _not_there(given, str(error)) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise _not_there(given, "is too long for a path") from None
        return (unreadable(given, error),)
    if stat.S_ISREG(mode):
        return (Input(label(given), text),)
    if stat.S_ISDIR(mode):
        return _at_least_one(walk(text), f"The folder {label(given)!r} holds no file")
    return (special(given, mode),)


def _is_json(given: str) -> bool:
    return given.lstrip().startswith(("{", '[{"'))


def _not_there(given: str, why: str) -> SourceError:
    hint = " A report's text is given as bytes: load(text.encode())." if _is_json(given) else ""
    return SourceError(
        f"{label(given[:200])!r} {why} (looked in {label(str(Path.cwd()))!r}). "
        f"Name a file, a folder or a glob pattern that is there.{hint}"
    )


def _glob(pattern: str, given: str) -> Iterable[Input | Refused | Passed]:
    split = glob_base(pattern)
    if split is None or _is_json(given):
        raise _not_there(given, "is not there")
    base, parts = split
    if not Path(base).is_dir():
        raise _not_there(given, f"matches nothing: the folder {label(base)!r} is not there")
    return _at_least_one(walk(base, parts), f"The pattern {label(given)!r} matches no file")


def _at_least_one(found: Found, otherwise: str) -> Found:
    """Return the same with its beginning looked at; raise `SourceError` where there is nothing to read."""
    first: list[Input | Refused | Passed] = []
    for item in found:
        first.append(item)
        if not isinstance(item, Passed):
            return chain(first, found)
    passed = (
        f"; {len(first)} passed over (such as {first[0].source!r}: {cast('Passed', first[0]).reason})" if first else ""
    )
    raise SourceError(
        f"{otherwise} (looked in {label(str(Path.cwd()))!r}){passed}. "
        "Name a folder with .json, .gz, .zip, .tar, .eml or mbox files, or a Maildir."
    )
