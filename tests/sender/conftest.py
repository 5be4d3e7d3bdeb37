"""What the tests of the sender share: a probe of each fault and variant of the lab, taken once for all workers."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

import pytest

from mtasts_nb.lab import Lab
from mtasts_nb.probe import Probe, load_probe, probe

DOMAIN = "nordwind.example"
# Faults that show by waiting until the time of a step is over.
SHORT, LONG = 1.2, 10.0
WAITING = frozenset(
    {"record-timeout", "nameserver-silent", "policy-host-timeout", "policy-host-silent", "policy-host-slow",
     "mx-timeout", "port-25-closed", "mx-silent", "mx-starttls-silent"}
)  # fmt: skip


@pytest.fixture(scope="session")
def look(tmp_path_factory) -> Callable[..., Probe]:
    """A probe of the lab with a fault, or of a healthy variant; kept as a snapshot that every worker finds."""
    base = tmp_path_factory.getbasetemp()
    # Under xdist each worker has a folder of its own in one that they share.
    shelf = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "probes-of-the-lab"
    shelf.mkdir(exist_ok=True)

    @functools.cache
    def take(fault: str | None = None, variant: str | None = None) -> Probe:
        file = shelf / f"{fault or 'healthy'}-{variant or 'default'}.json"
        if not file.exists():
            chosen = {"variant": variant} if variant else {}
            with Lab(fault, timeout=SHORT if fault in WAITING else LONG, **chosen) as lab:
                seen = probe(DOMAIN, lab.settings)
            draft = file.with_suffix(f".{os.getpid()}")
            seen.save(draft)
            draft.replace(file)
        return load_probe(file)

    return take


@pytest.fixture(scope="session")
def healthy(look) -> Probe:
    """The lab without a fault, mode enforce."""
    return look()


@pytest.fixture(scope="session")
def dane(look) -> Probe:
    """The lab with signed zones and TLSA records that match, mode enforce."""
    return look(variant="dane")
