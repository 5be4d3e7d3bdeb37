"""Notebooks 05 and 05b: they run offline from any folder, go through the tables of the guides, and correct them."""

from __future__ import annotations

import copy
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import mtasts_nb as sts
from tests.notebooks.in_process import run_in_process

OURS = ("05_policy_and_rollback", "05b_rollout")
PLAN = (
    'domain = "nordwind.example"\nrecord = "v=STSv1; id=20260208;"\n'
    'policy = "version: STSv1\\nmode: enforce\\nmx: mx1.nordwind.example\\nmax_age: 604800\\n"\n'
    'ttl = "soon"\nprevious_max_age = "30 days"\nblocked_since = ""\nsources = []'
)
PARAMETERS = {
    "good": (
        'domain = "nordwind.example"\nrecord = "v=STSv1; id=20260208;"\n'
        'policy = "version: STSv1\\nmode: enforce\\nmx: mx1.nordwind.example\\nmax_age: 604800\\n"\n'
        'mx_hosts = ["mx1.nordwind.example"]\ntlsrpt_record = None'
    ),
    "hostile": (
        'domain = "bücher.example"\nrecord = "<script>alert(1)</script>"\npolicy = "<html><script>alert(1)</script>"\n'
        'mx_hosts = "<script>alert(1)</script>"\ntlsrpt_record = "v=TLSRPTv1; rua=<script>alert(1)</script>"'
    ),
}


@pytest.fixture(scope="module")
def stored(root: Path) -> nbformat.NotebookNode:
    return nbformat.read(root / "notebooks" / f"{OURS[0]}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def rollout(root: Path) -> nbformat.NotebookNode:
    return nbformat.read(root / "notebooks" / f"{OURS[1]}.ipynb", as_version=4)


def run(stored: nbformat.NotebookNode, folder: Path, parameters: str | None = None) -> dict[str, str]:
    """Execute a copy in a folder; what each cell shows, by its id, as HTML where there is any."""
    notebook = copy.deepcopy(stored)
    for cell in notebook.cells:
        if parameters and "parameters" in cell.metadata.get("tags", []):
            cell.source = parameters
    if parameters:
        run_in_process(notebook, folder)
    else:
        NotebookClient(
            notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        ).execute()
    return {
        cell.id: "".join(
            output.get("text", "")
            or output.data.get("text/html")
            or output.metadata.get("image/svg+xml", {}).get("alt")
            or output.data["text/plain"]
            for output in cell.get("outputs", [])
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


@pytest.fixture(scope="module")
def shown(stored: nbformat.NotebookNode, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return run(stored, tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(scope="module")
def plans(rollout: nbformat.NotebookNode, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return run(rollout, tmp_path_factory.mktemp("elsewhere"))


def test_the_sample_names_its_slips(shown: dict[str, str]) -> None:
    assert "sts-record-version-typo" in shown["record"]
    assert "id-character" in shown["record"]
    for code in ("policy-mode-unknown", "pattern-trailing-dot", "policy-max-age-missing"):
        assert code in shown["policy"]
    assert "rua-scheme-missing" in shown["tlsrpt"]


def test_the_corrected_text_stands_beside(shown: dict[str, str]) -> None:
    assert "<strong>v=STSv1; id=20260208;</strong>" in shown["record-beside"]
    assert "<strong>mode: enforce</strong>" in shown["policy-beside"]
    assert "<strong>mx: mx2.nordwind.example</strong>" in shown["policy-beside"]
    assert "rua=mailto:tlsrpt@nordwind.example" in shown["tlsrpt-beside"]


def test_the_host_that_is_not_permitted_is_found_and_mended(shown: dict[str, str]) -> None:
    assert "<td>mx1.nordwind.example</td><td>no</td>" in shown["mx-table"]
    assert "<td>mx2.nordwind.example</td><td>yes</td>" in shown["mx-table"]
    assert shown["mx"].count("mx-not-covered") == 1
    assert "<strong>mx: mx1.nordwind.example</strong>" in shown["mx-beside"]


def test_the_tables_of_the_guides_with_what_is_so(shown: dict[str, str]) -> None:
    # Microsoft 365: the wildcard is right, and does not permit the newer hosts
    assert "<td>no</td>" in shown["m365-wrong"]
    assert "<td>yes</td>" in shown["m365-right"]
    assert "mx-not-covered" in shown["m365-new"]
    # Google Workspace: the pair of the guides permits none of the five classic hosts
    assert shown["google-classic"].count("<td>no</td>") == 5
    assert "*.aspmx.l.google.com" in shown["google-right"]
    assert "<td>yes</td>" in shown["google-new"]
    assert "pattern-broad" in shown["own-wide"]


def test_what_is_drafted_validates(shown: dict[str, str]) -> None:
    assert not sts.validate(policy=shown["draft-policy"].strip()).errors
    assert sts.parse_sts_record(shown["draft-record"].strip())
    assert "https://mta-sts.nordwind.example/.well-known/mta-sts.txt" in shown["places"]


def test_good_texts_give_no_findings(stored: nbformat.NotebookNode, tmp_path: Path) -> None:
    shown = run(stored, tmp_path, PARAMETERS["good"])
    assert shown["load"] == "No findings.\n"
    assert all("No findings" in shown[cell] for cell in ("record", "policy", "mx", "tlsrpt"))


def test_hostile_texts_are_shown_as_text(stored: nbformat.NotebookNode, tmp_path: Path) -> None:
    shown = run(stored, tmp_path, PARAMETERS["hostile"])
    assert not any("<script" in html for html in shown.values() if html.lstrip().startswith("<"))
    assert "policy-html" in shown["policy"]
    assert "xn--bcher-kva.example" in shown["places"]


def test_the_emergency_is_walked_through(plans: dict[str, str]) -> None:
    plan = plans["emergency"]
    assert plan.index("mode: testing") < plan.index("v=STSv1; id=20260909104000;")  # RFC 8461 §8.1
    assert "measured from 4 reporters of this domain" in plan
    assert "The way back to enforce" in plan
    assert "Leave record and file published" in plan


def test_the_forecast_lies_beside_what_the_sample_measured(plans: dict[str, str]) -> None:
    told = plans["forecast"]
    assert told.startswith("Forecast of how senders come back, from 2026-09-09 10:40 UTC on.")
    assert "Measured: 75.0 % to 100 % back" in told
    assert "The old max_age is 7 days." in told
    # Three on the day itself, one later, one that does not say: as the text beside it has it.
    assert plans["spread"].count("<td>applied</td>") == 4
    assert plans["spread"].count("<td>not observed</td>") == 1


def test_removal_waits_for_the_earlier_policy_and_migration_for_the_present_one(plans: dict[str, str]) -> None:
    assert "Not before 2026-09-26 00:00 UTC" in plans["removal"]  # §8.3: thirty days from the end of 26 August
    assert "mode: none" in plans["removal"]
    assert "mx: mx1.suedwind.example\nmx: mx1.nordwind.example" in plans["migration"]
    assert "Not before 2026-09-07 09:00 UTC" in plans["migration"]


def test_the_planner_shows_its_plan_without_a_kernel(plans: dict[str, str]) -> None:
    assert "mode: testing\nmx: mx1.nordwind.example\nmx: mx2.nordwind.example" in plans["planner"]
    assert "Forecast of how senders come back" in plans["planner"]


def test_the_planner_takes_the_texts_given_and_says_what_is_wrong(
    rollout: nbformat.NotebookNode, tmp_path: Path
) -> None:
    shown = run(rollout, tmp_path, PLAN)
    assert "TTL of the record: &#x27;soon&#x27; is not a length of time" in shown["planner"]
