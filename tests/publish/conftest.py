"""Notebooks made by hand, and pages published once for all tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest

import mtasts_nb as sts
from mtasts_nb.publish._page import About, page

NOON = datetime(2026, 2, 8, 12, 0, tzinfo=UTC)
#: Each tries to become something else than text: HTML, script, markdown, a formula for MathJax, a template, a link.
HOSTILE = (
    '<script>document.title="pwned"</script><img src="https://evil.example/x.png" onerror="document.title=1">'
    "<svg onload=alert(1)><style>*{display:none}</style><iframe src=https://evil.example></iframe>"
    "](javascript:alert(1)) ![x](https://evil.example/y.png) **bold** `code` | $$\\require{enclose}\\href{javascript:1}{x}$$"
    " {{ 7*7 }} {% raw %} &lt;b&gt; \u202e\u0007 --> ]]> </pre></td></table> "
)


def _cell(source: str, *outputs: dict[str, Any], tags: Sequence[str] = (), **metadata: object) -> Any:
    made = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags), **metadata})
    made.outputs = [nbformat.from_dict(output) for output in outputs]
    return made


def _shown(data: dict[str, object], metadata: dict[str, object] | None = None) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": metadata or {}}


@pytest.fixture(scope="session")
def cell() -> Callable[..., Any]:
    """Makes a code cell from its source, its outputs, and its tags."""
    return _cell


@pytest.fixture(scope="session")
def shown() -> Callable[..., dict[str, Any]]:
    """Makes an output from its data by kind, and its metadata."""
    return _shown


@pytest.fixture(scope="session")
def hostile() -> str:
    """A text that tries to become anything but text."""
    return HOSTILE


@pytest.fixture(scope="session")
def made() -> Callable[..., Any]:
    """Makes cells: text becomes a markdown cell."""

    def make(*cells: object) -> Any:
        return nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_markdown_cell(one) if isinstance(one, str) else one for one in cells]
        )

    return make


@pytest.fixture(scope="session")
def page_of(made: Callable[..., Any]) -> Callable[..., str]:
    """Lays cells out as a page, without running anything."""
    about = About(
        notebook="a_notebook",
        sha256="0" * 64,
        made="2026-02-08 12:00 UTC",
        made_iso="2026-02-08T12:00:00Z",
        versions={"mtasts-nb": "1.0", "Python": "3.11"},
        parameters={"sources": "reports/"},
        subject="nordwind.example",
        origin="reports/",
    )
    return lambda *cells: page(made(*cells), about)


@pytest.fixture
def stored(tmp_path: Path, made: Callable[..., Any]) -> Callable[..., Path]:
    """Writes a notebook with these cells; gives its path."""

    def write(*cells: object, name: str = "mine") -> Path:
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(made(*cells), path)
        return path

    return write


@pytest.fixture(scope="session")
def postmortem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The main job: the bundled sample as a page."""
    return sts.publish(tmp_path_factory.mktemp("page") / "report.html", progress=False, now=lambda: NOON)


def _hostile_report(day: int) -> bytes:
    when = f"2026-03-{day:02}"
    detail = {
        "result-type": HOSTILE,
        "sending-mta-ip": HOSTILE,
        "receiving-mx-hostname": HOSTILE,
        "receiving-mx-helo": HOSTILE,
        "receiving-ip": HOSTILE,
        "failed-session-count": 40,
        "additional-information": HOSTILE,
        "failure-reason-code": HOSTILE,
    }
    policy = {"policy-type": HOSTILE, "policy-string": [HOSTILE], "policy-domain": HOSTILE, "mx-host": [HOSTILE]}
    known = {**detail, "result-type": "validation-failure"}
    return json.dumps(
        {
            "organization-name": HOSTILE,
            "contact-info": HOSTILE,
            "report-id": f"{HOSTILE}{day}",
            "date-range": {"start-datetime": f"{when}T00:00:00Z", "end-datetime": f"{when}T23:59:59Z"},
            "policies": [
                {
                    "policy": {**policy, "policy-type": kind},
                    "summary": {"total-successful-session-count": 0, "total-failure-session-count": 90},
                    "failure-details": [detail, known],
                }
                for kind in (HOSTILE, "sts")
            ],
        }
    ).encode()


@pytest.fixture(scope="session")
def hostile_sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of reports whose every text is an attack, in files whose names are one."""
    folder = tmp_path_factory.mktemp("hostile")
    name = HOSTILE.replace("/", "_").replace("\x07", "")[:120]
    for day in (1, 2, 3):
        (folder / f"{day}{name}.json").write_bytes(_hostile_report(day))
    (folder / f"bad{name}.json").write_bytes(b'{"report-id": "<b>cut')
    return folder


@pytest.fixture(scope="session")
def hostile_page(tmp_path_factory: pytest.TempPathFactory, hostile_sources: Path) -> Path:
    """A page made from such reports."""
    out = tmp_path_factory.mktemp("page") / "hostile.html"
    return sts.publish(out, hostile_sources, progress=False, now=lambda: NOON)
