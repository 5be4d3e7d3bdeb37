"""What a conformant sender would do with what the probe observed, and the TLS-RPT row that it would write.

`simulate` evaluates the evidence of a probe by RFC 8461 §§3–5, and by RFC 7672 if there are TLSA records, and returns
`Outcomes`: rows per MX host and address, and what happens to the message. Pure: no network, no clock.
`sending_operators` says who the senders in reports are; it asks the DNS only on request.
"""

from . import _view as _view  # registers how outcomes are shown
from ._operators import sending_operators
from ._outcomes import COLUMNS, Delivery, Outcomes, ProfileDifference, Row, Unpublished
from ._profiles import Profile, Rule, profiles
from ._simulate import simulate

__all__ = [
    "COLUMNS",
    "Delivery",
    "Outcomes",
    "Profile",
    "ProfileDifference",
    "Row",
    "Rule",
    "Unpublished",
    "profiles",
    "sending_operators",
    "simulate",
]
