"""Which policy each reporter applied on which day, and how a change spreads."""

from __future__ import annotations

from ._history import PolicyHistory, policy_history, spread

__all__ = ["PolicyHistory", "policy_history", "spread"]
