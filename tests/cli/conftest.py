"""A folder with one report, for the commands that read reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

REPORT = {
    "organization-name": "Post",
    "contact-info": "tls@post.example",
    "report-id": "1",
    "date-range": {"start-datetime": "2026-03-01T00:00:00Z", "end-datetime": "2026-03-01T23:59:59Z"},
    "policies": [
        {
            "policy": {"policy-type": "sts", "policy-domain": "nordwind.example"},
            "summary": {"total-successful-session-count": 3, "total-failure-session-count": 1},
            "failure-details": [{"result-type": "certificate-expired", "failed-session-count": 1}],
        }
    ],
}


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "1.json").write_text(json.dumps(REPORT))
    return folder
