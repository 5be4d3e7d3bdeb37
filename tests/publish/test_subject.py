"""What a page says it is about, and from what: what its notebook takes, and what was given."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import mtasts_nb as sts
from mtasts_nb.publish._notebook import Notebook, find_notebook
from mtasts_nb.publish._publish import _about

NOW = datetime(2026, 2, 8, 12, 0, tzinfo=UTC)


def about(found: Notebook, *sources: str, domain: str | None = None) -> tuple[str, str, bool]:
    told = _about(found, sources, domain, {}, NOW)
    return told.subject, told.origin, bool(told.warning)


OWN, SAMPLE = "the notebook’s own texts and examples", "the bundled sample archive"


@pytest.mark.parametrize(
    ("notebook", "domain", "expected"),
    [
        ("06_incident_postmortem", None, ("All domains", SAMPLE, True)),
        ("06_incident_postmortem", "nordwind.example", ("nordwind.example", SAMPLE, True)),
        ("01_probe_a_domain", None, ("", OWN, False)),  # takes no reports: nothing of the sample is in it
        ("01_probe_a_domain", "nordwind.example", ("nordwind.example", OWN, False)),
    ],
)
def test_a_guided_notebook(notebook: str, domain: str | None, expected: tuple[str, str, bool]) -> None:
    assert about(find_notebook(notebook), domain=domain) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("x = 1", ("", OWN, False)),
        ("sources = []\ndomain = None", ("All domains", "the sources that the notebook names", False)),
        (
            "sources = []\ndomain = 'suedwind.example'",
            ("suedwind.example", "the sources that the notebook names", False),
        ),
        ("domain = some_function()", ("", OWN, False)),
        ("domain = (", ("", OWN, False)),
    ],
)
def test_a_notebook_of_ones_own(stored, cell, parameters: str, expected: tuple[str, str, bool]) -> None:
    assert about(find_notebook(stored(cell(parameters, tags=["parameters"])))) == expected


def test_sources_that_are_given_are_named(tmp_path: Path) -> None:
    found = find_notebook("02_load_tls_reports")
    assert about(found, "reports.mbox") == ("All domains", "reports.mbox", False)
    assert about(found, str(sts.sample_dir()))[1:] == (SAMPLE, True)
