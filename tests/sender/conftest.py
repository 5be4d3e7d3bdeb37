"""What the tests of the sender share; `look`, the probe of a fault of the lab, is in the conftest above."""

from __future__ import annotations

import pytest

from mtasts_nb.probe import Probe


@pytest.fixture(scope="session")
def healthy(look) -> Probe:
    """The lab without a fault, mode enforce."""
    return look()


@pytest.fixture(scope="session")
def dane(look) -> Probe:
    """The lab with signed zones and TLSA records that match, mode enforce."""
    return look(variant="dane")
