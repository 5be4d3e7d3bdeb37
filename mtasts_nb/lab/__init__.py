"""An internet on loopback: real DNS, HTTPS and SMTP servers, with any fault switched on.

Names are imported on first use: the servers need none of what the fleet of senders needs, and the other way round.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import fleet as fleet
    from ._lab import Lab as Lab
    from .faults import FAULTS as FAULTS
    from .faults import VARIANTS as VARIANTS
    from .faults import Fault as Fault
    from .faults import Variant as Variant

_HOME = {"FAULTS": "faults", "VARIANTS": "faults", "Fault": "faults", "Lab": "_lab", "Variant": "faults"}

__all__ = ["FAULTS", "VARIANTS", "Fault", "Lab", "Variant", "fleet"]


def __getattr__(name: str) -> object:
    if name == "fleet":
        return importlib.import_module(".fleet", __name__)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
