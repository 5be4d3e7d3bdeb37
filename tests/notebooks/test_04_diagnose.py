"""Notebook 04: from the open incident of the sample to a verified fix, and from one's own reports or snapshot."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import mtasts_nb as sts
from mtasts_nb import analysis
from mtasts_nb.errors import SourceError
from mtasts_nb.publish._execute import execute
from mtasts_nb.publish._notebook import find_notebook, with_parameters
from mtasts_nb.reports import Archive
from mtasts_nb.vocabulary import verdict_sentence
from tests.notebooks.in_process import run_in_process


def run(folder: Path, **parameters: object) -> dict[str, str]:
    """Execute a copy in a folder; what each cell shows in words, by its id."""
    node = with_parameters(find_notebook("04_diagnose"), parameters, {})
    if parameters and "domain" not in parameters:
        run_in_process(node, folder)
    else:
        execute(node, "04_diagnose", cwd=str(folder), timeout=300, progress=False)
    return {cell.id: " ".join(map(_words, cell.outputs)) for cell in node.cells if cell.cell_type == "code"}


def _words(output: Any) -> str:
    assert output["output_type"] not in ("error", "stream"), output
    data = output["data"]
    alts = " ".join(kind["alt"] for kind in output["metadata"].values() if isinstance(kind, dict) and "alt" in kind)
    html = re.sub(r"<[^>]+>", " ", re.sub(r'<img [^>]*alt="([^"]*)">', r"\1", data.get("text/html", "")))
    return re.sub(r"\s+", " ", f"{html or data['text/plain']} {alts}")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("elsewhere")
    found = run(folder)
    assert list(folder.iterdir()) == [], "it writes nothing"
    return found


def test_the_open_incident_is_found_in_the_reports(shown: dict[str, str]) -> None:
    assert "tlsa-invalid at mx1.suedwind.example" in shown["load"]
    assert "tlsa-invalid" in shown["incident-figure"]
    first = shown["alone"].index("The TLSA records do not match the certificate")
    assert first < shown["alone"].index("fixed since"), "what is still there before what is over"


def test_the_diagnosis_leads_with_the_verdict_that_all_show(shown: dict[str, str], sample: Archive) -> None:
    verdict = analysis.reported_verdicts(sample)["suedwind.example"]
    wanted = verdict_sentence(replace(verdict, mx=())).removesuffix(".")  # the probe names a further host
    assert f"{verdict.level.value} {wanted}" in " ".join(shown["both"].split())


def test_the_lab_shows_it_and_both_together_say_that_it_is_reproduced(shown: dict[str, str]) -> None:
    assert "tlsa-mismatch" in shown["look"]
    assert "deferred" in shown["sender"]
    assert "reproduced now" in shown["both"]


def test_the_published_form_of_the_flowchart_shows_the_whole_way_and_the_fix(shown: dict[str, str]) -> None:
    text = shown["flowchart"]
    assert "Part of a flowchart of " in text, "the picture's own words"
    for part in ("Is it tlsa-invalid, dnssec-invalid or dane-required?", "from evidence", "How to confirm it",
                 "dig +dnssec TLSA _25._tcp.mx1.suedwind.example", "What to do", "How to verify the fix"):  # fmt: skip
        assert part in text, part


def test_the_fix_is_compared_and_verified(shown: dict[str, str]) -> None:
    assert "2 fixed, 0 new" in shown["fix"]
    assert "No problems found with suedwind.example." in shown["afterwards"]
    assert "Too early" in shown["verify"]
    assert "Fixed" in shown["borne-out"]


def test_the_code_of_the_selection_is_there_to_paste(shown: dict[str, str]) -> None:
    assert "selection = analysis.narrow(archive)" in shown["explore"]


def test_ones_own_reports_and_snapshot(tmp_path: Path) -> None:
    with sts.lab.Lab("mx-certificate-expired") as lab:
        sts.probe("nordwind.example", lab.settings).save(tmp_path / "seen.json")
    shown = run(
        tmp_path,
        sources=[str(sts.sample_dir())],
        domain="nordwind.example",
        snapshot="seen.json",
        fixed_at="2026-11-24",
    )
    assert "mx-certificate-expired" in shown["look"]
    assert "The certificate of an MX host has expired" in shown["both"]
    assert "Fix it, probe again" in shown["fix"], "the fix of a real domain is not simulated"
    assert [path.name for path in tmp_path.iterdir()] == ["seen.json"]


def test_reports_alone_are_enough_and_nothing_is_looked_at(tmp_path: Path) -> None:
    shown = run(tmp_path, sources=[str(sts.sample_dir())])
    assert "No domain was probed yet." in shown["look"]
    assert "The TLSA records do not match the certificate" in shown["flowchart"]


def test_a_domain_that_no_report_is_about_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no report is about other\.example"):
        run(tmp_path, domain="other.example")
