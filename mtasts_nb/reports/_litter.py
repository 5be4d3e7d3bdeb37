"""Files that operating systems and mail servers leave about, which no user means when he names a folder."""

from __future__ import annotations

from typing import Final

__all__ = ["litter"]

_NAMES: Final = frozenset(
    (
        "__MACOSX",
        "@eaDir",
        "$RECYCLE.BIN",
        "System Volume Information",
        "Thumbs.db",
        "desktop.ini",
        "lost+found",
        "Icon\r",
    )
)
HIDDEN: Final = "hidden file"
LEFT_BY_SYSTEM: Final = "left by the operating system"


def litter(name: str) -> str:
    """Return why a file of this name, with its folders, is passed over; empty where it is not.

    Examples
    --------
    >>> litter("a/.DS_Store"), litter("__MACOSX/a.json"), litter("./a/b.json")
    ('hidden file', 'left by the operating system', '')
    """
    for step in name.split("/"):
        if step in _NAMES:
            return LEFT_BY_SYSTEM
        if step.startswith(".") and step not in (".", ".."):
            return HIDDEN
    return ""
