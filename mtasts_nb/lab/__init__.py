"""An internet on loopback: real DNS, HTTPS and SMTP servers, with any fault switched on.

Names are imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._fuzz import FUZZ_MANNERS as FUZZ_MANNERS
    from ._fuzz import FUZZ_STEPS as FUZZ_STEPS
    from ._fuzz import Fuzz as Fuzz
    from ._lab import Lab as Lab
    from ._lab import Request as Request
    from ._reach import Command as Command
    from ._reach import commands as commands
    from ._reach import hosts as hosts
    from .faults import FAULTS as FAULTS
    from .faults import VARIANTS as VARIANTS
    from .faults import Fault as Fault
    from .faults import Variant as Variant

_HOME = {
    "FAULTS": "faults",
    "FUZZ_MANNERS": "_fuzz",
    "FUZZ_STEPS": "_fuzz",
    "VARIANTS": "faults",
    "Command": "_reach",
    "Fault": "faults",
    "Fuzz": "_fuzz",
    "Lab": "_lab",
    "Request": "_lab",
    "Variant": "faults",
    "commands": "_reach",
    "hosts": "_reach",
}

__all__ = [
    "FAULTS",
    "FUZZ_MANNERS",
    "FUZZ_STEPS",
    "VARIANTS",
    "Command",
    "Fault",
    "Fuzz",
    "Lab",
    "Request",
    "Variant",
    "commands",
    "hosts",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
