"""What a conformant sender would do with what the probe saw, and the TLS-RPT row that it would write.

`simulate` takes the evidence of a probe through RFC 8461 §§3–5, and RFC 7672 where there are TLSA records, and gives
`Outcomes`: rows per MX host and address, and the message's fate. Pure: no network, no clock.
"""

from ._outcomes import COLUMNS, Delivery, Outcomes, Row
from ._profiles import Otherwise, Profile, Rule, profiles
from ._simulate import simulate

__all__ = ["COLUMNS", "Delivery", "Otherwise", "Outcomes", "Profile", "Row", "Rule", "profiles", "simulate"]
