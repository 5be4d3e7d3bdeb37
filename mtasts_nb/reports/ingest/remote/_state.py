"""Which messages of a mailbox have been read, in a file that the user names.

A UID counts only under the UIDVALIDITY that the server gave with it (RFC 3501 §2.3.1.1): where that changed, the mailbox
was made again, and nothing of it has been read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ....errors import SourceError
from ....files import read_file, write_file

__all__ = ["ReadUids", "read_state", "write_state"]

_FORMAT: Final = "mtasts-nb mailbox state 1"
_LARGEST: Final = 64 * 1024 * 1024
#: UIDs and UIDVALIDITY are 32-bit numbers (RFC 3501 §9).
_MOST: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class ReadUids:
    """The UIDs read of one mailbox.

    Attributes
    ----------
    uidvalidity : int
        The value under which they count; 0 where the server gave none, and then they never count again.
    uids : set of int
    """

    uidvalidity: int = 0
    uids: AbstractSet[int] = field(default_factory=frozenset)

    def to_text(self) -> str:
        """Return the UIDs as a sequence set (RFC 3501 §9).

        Examples
        --------
        >>> ReadUids(1, {1, 2, 3, 7}).to_text()
        '1:3,7'
        """
        return ",".join(f"{first}:{last}" if last > first else f"{first}" for first, last in _spans(self.uids))


def _spans(uids: Iterable[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for uid in sorted(uids):
        if spans and uid == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], uid)
        else:
            spans.append((uid, uid))
    return spans


def _uids(text: str) -> frozenset[int]:
    uids: set[int] = set()
    for part in text.split(",") if text else ():
        first, _, last = part.partition(":")
        low, high = int(first), int(last or first)
        if not 0 < low <= high <= _MOST or high - low > 10_000_000:
            raise ValueError(part)
        uids.update(range(low, high + 1))
    return frozenset(uids)


def read_state(path: Path, name: str) -> ReadUids:
    """Return what was read of the mailbox of that name; nothing where there is no file yet.

    Raises
    ------
    SourceError
        The file is something else, or damaged.
    """
    entry = _mailboxes(path).get(name, {})
    try:
        return ReadUids(int(entry.get("uidvalidity", 0)), _uids(str(entry.get("uids", ""))))
    except (AttributeError, TypeError, ValueError):
        raise _damaged(path, "its UIDs cannot be read") from None


def write_state(path: Path, name: str, state: ReadUids) -> None:
    """Write what was read of one mailbox; what the file says of others stays.

    Raises
    ------
    SourceError
        The file cannot be written, or is something else.
    """
    mailboxes = {**_mailboxes(path), name: {"uidvalidity": state.uidvalidity, "uids": state.to_text()}}
    text = json.dumps({"format": _FORMAT, "mailboxes": mailboxes}, indent=1, sort_keys=True)
    try:
        write_file(path, text.encode())
    except OSError as error:
        raise SourceError(
            f"The state file {path} cannot be written: {error.strerror or error}. The messages will be read again next time."
        ) from None


def _mailboxes(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_file(path, _LARGEST))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _damaged(path, str(error.strerror or error)) from None
    except (ValueError, RecursionError):
        raise _damaged(path, "it is not JSON") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise _damaged(path, f"it does not have the format {_FORMAT!r}")
    mailboxes = content.get("mailboxes")
    if not isinstance(mailboxes, dict):
        raise _damaged(path, "it lists no mailboxes")
    return mailboxes


def _damaged(path: Path, why: str) -> SourceError:
    return SourceError(
        f"{path} is not the state of a mailbox: {why}. Name another file; without one, all messages are read."
    )
