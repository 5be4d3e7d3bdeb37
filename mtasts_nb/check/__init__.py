"""What is new since the last run: incidents, findings of a probe, silent reporters, changed policies; each announced once.

`observe` turns reports and probes into data, the pure function `decide` compares them with the `State` of the last run,
and `deliver` sends the news on.
"""

from __future__ import annotations

from ._decide import decide
from ._deliver import post, send_mail
from ._observe import observe
from ._prometheus import prometheus
from ._state import load_state, save_state
from ._values import Change, Kind, Known, KnownPolicy, News, Observed, PolicySeen, Problem, State
from ._view import headline

__all__ = [
    "Change",
    "Kind",
    "Known",
    "KnownPolicy",
    "News",
    "Observed",
    "PolicySeen",
    "Problem",
    "State",
    "decide",
    "headline",
    "load_state",
    "observe",
    "post",
    "prometheus",
    "save_state",
    "send_mail",
]
