"""Figures of TLS reports: ``(source, *, …, ax=None) -> Axes``, one colour per result type, alt text for each.

None of them touches pyplot: a figure shows itself as the last value of a notebook cell, or by `show`, and is gone when
nothing refers to it any more.
"""

from __future__ import annotations

from ._coverage import *
from ._flowchart import *
from ._forecast import *
from ._heat import *
from ._incident import *
from ._over_time import *
from ._policy_history import *
from ._share import *
from ._show import *
from ._style import *
