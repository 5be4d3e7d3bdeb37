"""One reason for or against a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["AGAINST", "FOR", "NOTE", "SAYS", "UNKNOWN", "Reason"]

FOR, AGAINST, UNKNOWN, NOTE = "for", "against", "cannot tell", "note"
#: In the order in which they are shown.
SAYS: Final = (AGAINST, UNKNOWN, FOR, NOTE)


@dataclass(frozen=True, slots=True)
class Reason:
    """What was looked at, what it says, what was found, and what was asked for."""

    topic: str
    says: str
    found: str
    expected: str = ""
