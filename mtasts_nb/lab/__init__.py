"""An internet on loopback: real DNS, HTTPS and SMTP servers, with any fault switched on."""

from __future__ import annotations

from ._commands import Command, commands, hosts
from ._lab import Lab, Request
from .faults import FAULTS, VARIANTS, Fault, Variant

__all__ = ["FAULTS", "VARIANTS", "Command", "Fault", "Lab", "Request", "Variant", "commands", "hosts"]
