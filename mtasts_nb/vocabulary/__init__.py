"""The RFCs' terms, used everywhere: result types, policy types, modes, each scale once, and what a finding holds.

Severity and effect are two things: severity says how wrong something is, effect says what it does to mail.
"""

from __future__ import annotations

from ._finding import *
from ._states import *
from ._terms import *
from ._verdict import *
from ._view import *
