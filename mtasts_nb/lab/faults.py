"""Every fault the lab can switch on, and every way to be healthy, by name."""

from __future__ import annotations

from ._fault import Fault, Variant
from ._faults_dane import DANE_FAULTS, TLSRPT_FAULTS
from ._faults_mx import MX_FAULTS
from ._faults_mx_certificate import MX_CERTIFICATE_FAULTS
from ._faults_policy_file import POLICY_FILE_FAULTS
from ._faults_policy_host import CERTIFICATE_FAULTS, POLICY_HOST_FAULTS
from ._faults_record import RECORD_FAULTS
from ._variants import VARIANTS

__all__ = ["FAULTS", "VARIANTS", "Fault", "Variant"]

#: Every fault by name, in the order in which a sender would meet it.
FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        *RECORD_FAULTS,
        *POLICY_HOST_FAULTS,
        *CERTIFICATE_FAULTS,
        *POLICY_FILE_FAULTS,
        *MX_FAULTS,
        *MX_CERTIFICATE_FAULTS,
        *DANE_FAULTS,
        *TLSRPT_FAULTS,
    )
}
