"""Every fault the lab can have, and every healthy variant, by name."""

from __future__ import annotations

from ._certificates import MX_CERTIFICATE_FAULTS, POLICY_CERTIFICATE_FAULTS
from ._fault import Fault, Variant
from ._mx import DANE_FAULTS, MX_FAULTS
from ._policy_host import POLICY_FILE_FAULTS, POLICY_HOST_FAULTS
from ._record import RECORD_FAULTS, TLSRPT_FAULTS
from ._variants import VARIANTS

__all__ = ["FAULTS", "VARIANTS", "Fault", "Variant"]

#: Every fault by name, in the order in which a sender would meet it.
FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        *RECORD_FAULTS,
        *POLICY_HOST_FAULTS,
        *POLICY_CERTIFICATE_FAULTS,
        *POLICY_FILE_FAULTS,
        *MX_FAULTS,
        *MX_CERTIFICATE_FAULTS,
        *DANE_FAULTS,
        *TLSRPT_FAULTS,
    )
}
