"""What reports alone show: what failed, where, for whom, since when, and how far to trust it.

Every function takes a `Source` (an `Archive`) and returns a value that shows itself in a notebook: a `Table` with its
rows in `.frame`, or statements. A notebook holds calls of these, so that every number in it is tested.
"""

from __future__ import annotations

from . import _view as _view  # registers how the values are shown
from ._breakdown import *
from ._candidates import *
from ._cells import *
from ._events import *
from ._meanings import *
from ._quality import *
from ._reported import *
from ._silence import *
from ._summary import *
from ._table import *
from ._urgency import *
from ._verdicts import *
from .incidents import *
from .policy_history import *
