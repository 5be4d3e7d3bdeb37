"""The state file: what was announced, versioned, written in one step."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from ..errors import StateError
from ..files import read_file, write_file
from ..markup import one_line
from ._values import State

__all__ = ["SCHEMA", "load_state", "save_state"]

#: The name and version of the schema; the version grows when an older reader would misread the file.
SCHEMA: Final = "mtasts-nb check 1"
_LARGEST: Final = 64 * 1024 * 1024


class _Head(msgspec.Struct):
    schema: object = None


class _File(msgspec.Struct):
    schema: str
    state: State


def load_state(path: str | Path) -> State:
    """Return the state in a file; an empty one where there is no file yet.

    Raises
    ------
    StateError
        It cannot be read, is damaged, or was written by a newer version: nothing would be announced once then.
    """
    file = Path(path)
    try:
        content = read_file(file, _LARGEST)
    except FileNotFoundError:
        return State()
    except OSError as error:
        raise StateError(f"the state in {one_line(file)} cannot be read: {error.strerror or error}.") from error
    hint = "Give another file, or move this one away; then everything that is open is announced again."
    try:
        schema = msgspec.json.decode(content, type=_Head).schema
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(f"the state in {one_line(file)} is damaged: {one_line(error, 200)}. {hint}") from error
    if schema != SCHEMA:
        raise StateError(
            f"the state in {one_line(file)} is not one that this version reads: its schema is "
            f"{one_line(repr(schema), 80)}, expected {SCHEMA!r}. {hint}"
        )
    try:
        return msgspec.json.decode(content, type=_File, strict=True).state
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise StateError(f"the state in {one_line(file)} is damaged: {one_line(error, 200)}. {hint}") from error


def save_state(state: State, path: str | Path) -> Path:
    """Write the state in one step; return the file."""
    whole = {"schema": SCHEMA, "state": state}
    return write_file(path, msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n")
