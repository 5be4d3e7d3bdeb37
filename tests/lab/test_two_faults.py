"""Several faults at once: each is there."""

from __future__ import annotations

import pytest

from mtasts_nb.errors import LabError
from mtasts_nb.lab import FAULTS, Lab
from mtasts_nb.probe import probe


@pytest.mark.parametrize(
    ("first", "second"),
    [("record-two", "mx-certificate-expired"), ("policy-http-404", "mx-no-starttls"), ("tlsrpt-missing", "mx-cname")],
)
def test_both_are_seen(first, second):
    with Lab(first, also=(second,)) as lab:
        codes = set(probe("nordwind.example", lab.settings).findings.codes)
    assert codes >= {*FAULTS[first].expects, *FAULTS[second].expects}
    assert lab.fault.name == first


def test_further_faults_stand_without_a_first():
    with Lab(also=("record-two",)) as lab:
        assert "sts-record-multiple" in probe("nordwind.example", lab.settings).findings.codes


def test_an_unknown_one_is_named():
    with pytest.raises(LabError, match="no fault 'record-tow'"):
        Lab("mx-cname", also=("record-tow",))
