"""The lab is not the judge of itself: postfix-mta-sts-resolver is asked about every fault of record and policy host.

Where it decides otherwise than the fault's data, `second_sender` has to say so and why; where it decides alike, there
is nothing to say.
"""

from __future__ import annotations

import pytest

from mtasts_nb.lab import FAULTS, VARIANTS, Lab
from mtasts_nb.vocabulary import Area
from tests.lab.second_sender import ACCEPTS, LOOKUP_IS_FETCH_ERROR, second_sender

AREAS = (Area.RECORD, Area.POLICY_HOST, Area.POLICY_CERTIFICATE, Area.POLICY_FILE)
POLICY_SIDE = [fault for fault in FAULTS.values() if fault.area in AREAS]
MODES = {"testing": "testing", "mode-none": "none"}


@pytest.fixture(scope="module")
def decide():
    with second_sender() as decide:
        yield decide


def expected(fault):
    """Return what a conformant sender decides by the fault's data; the peer knows no finer words."""
    if fault.result_type is not None and fault.result_type.on_policy_host:
        return "FETCH_ERROR"
    return "NONE" if fault.delivery == "without_sts" else "VALID"


@pytest.mark.parametrize("fault", POLICY_SIDE, ids=[fault.name for fault in POLICY_SIDE])
def test_each_difference_is_explained(decide, fault):
    with Lab(fault.name, timeout=1.0) as lab:
        status, _ = decide(lab)
    if fault.name in ACCEPTS:
        assert (status, expected(fault) == "VALID") == ("VALID", False)
    elif fault.name in LOOKUP_IS_FETCH_ERROR:
        assert (status, expected(fault) == "FETCH_ERROR") == ("FETCH_ERROR", False)
    else:
        assert status == expected(fault)


@pytest.mark.parametrize("variant", VARIANTS)
def test_healthy_is_healthy(decide, variant):
    with Lab(variant=variant, timeout=2.0) as lab:
        assert decide(lab) == ("VALID", MODES.get(variant, "enforce"))
