"""One domain seen live: what its DNS, policy host and MX hosts answer to a sender."""

from __future__ import annotations

from ._wording import finding_codes

__all__ = ["finding_codes"]
