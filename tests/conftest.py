"""What all tests share: how hypothesis searches, where Chromium is, and probes of the lab, taken once for all workers."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.archive_of import archive_of as archive_of
from tests.archive_of import sample as sample

if TYPE_CHECKING:
    from mtasts_nb.probe import Probe

# An optional syntax check of jsonschema builds 38 grammars when nbformat imports it: 2 s in every worker, for formats
# that no notebook field has.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

# A shared machine is slow at times: no deadline per example. CI must give the same answer twice. What is searched
# for in 40 examples each time is searched for in more with `HYPOTHESIS_PROFILE=thorough`.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)
settings.register_profile("ci", parent=settings.get_profile("local"), derandomize=True)
settings.register_profile("thorough", parent=settings.get_profile("local"), max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "local"))


# `nohup make test &` ignores these, and a process hands on what it ignores, but not what it handles: the commands under
# test begin as they would at a prompt.
for _name in ("SIGINT", "SIGHUP"):
    if (_number := getattr(signal, _name, None)) is not None and signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case of bytes by its length: raw bytes are unreadable, and compressed ones hold the time."""
    return f"{argname}-of-{len(val)}-bytes" if isinstance(val, bytes) else None


def pytest_collection_finish() -> None:
    """Leave what is loaded by now out of every later search for garbage: a million objects that stay to the end."""
    gc.collect()
    gc.freeze()


ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of an installed Chromium; the test is skipped where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """A Chromium, driven by Playwright. For one module only: while it runs, its loop is the thread's."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


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
    from mtasts_nb.lab import Lab
    from mtasts_nb.probe import load_probe, probe

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
            brought_back = load_probe(seen.save(draft))
            # Whoever asks gets the snapshot: it must say all that the look itself said.
            assert brought_back == seen
            assert brought_back.findings == seen.findings
            draft.replace(file)
        return load_probe(file)

    return take
