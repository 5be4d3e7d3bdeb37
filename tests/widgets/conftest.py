"""Archives and looks that the widgets' tests share."""

from __future__ import annotations

import json

import pytest

import mtasts_nb as sts
from mtasts_nb.probe import Probe
from mtasts_nb.reports import Archive

HOSTILE = "</p><script>alert(1)</script>\u202e\"'<img src=x onerror=alert(1)>"


@pytest.fixture(scope="session")
def sample() -> Archive:
    """The bundled sample."""
    return sts.load(sts.sample_dir(), progress=False)


@pytest.fixture(scope="session")
def seen() -> Probe:
    """A look at the lab with one thing wrong."""
    with sts.lab.Lab("mx-certificate-expired") as lab:
        return sts.probe("nordwind.example", lab.settings)


@pytest.fixture(scope="session")
def hostile_archive() -> Archive:
    """A report of which every text is an attack."""
    report = {
        "organization-name": HOSTILE,
        "contact-info": HOSTILE,
        "report-id": HOSTILE,
        "date-range": {"start-datetime": "2026-03-01T00:00:00Z", "end-datetime": "2026-03-01T23:59:59Z"},
        "policies": [
            {
                "policy": {"policy-type": HOSTILE, "policy-domain": HOSTILE, "policy-string": [HOSTILE]},
                "summary": {"total-successful-session-count": 1, "total-failure-session-count": 3},
                "failure-details": [
                    {"result-type": HOSTILE, "receiving-mx-hostname": HOSTILE, "failed-session-count": 3}
                ],
            }
        ],
    }
    return sts.load(json.dumps(report).encode(), progress=False)
