"""One domain seen live: what its DNS, policy host and MX hosts answer to a sender."""

from __future__ import annotations

from ._evidence import Certificate as Certificate
from ._look import probe
from ._probe import Probe
from ._snapshot import load_probe
from ._wording import finding_codes

__all__ = ["Certificate", "Probe", "finding_codes", "load_probe", "probe"]
