"""One incident, one document."""

from __future__ import annotations

from ._case import Case
from ._document import Postmortem, open_case
from ._statements import Facts, Heading
from ._tables import Actions

__all__ = ["Actions", "Case", "Facts", "Heading", "Postmortem", "open_case"]
