"""Notebook 01: runs offline on the lab, shows each step beside the command to check it by hand, and takes a snapshot."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import mtasts_nb as sts
from mtasts_nb.publish._execute import execute
from mtasts_nb.publish._notebook import find_notebook, with_parameters
from tests.notebooks.in_process import run_in_process

NAME = "01_probe_a_domain"


def run(folder: Path, **parameters: object) -> dict[str, str]:
    """What each cell shows, by its id, in words."""
    node: Any = with_parameters(find_notebook(NAME), parameters, {})
    if parameters:
        run_in_process(node, folder)
    else:
        execute(node, NAME, cwd=str(folder), timeout=120, progress=False)
    shown = {}
    for cell in node.cells:
        if cell.cell_type == "code":
            html = " ".join("".join(out["data"].get("text/html", "")) for out in cell.outputs if "data" in out)
            shown[cell.id] = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
    return shown


@pytest.fixture(scope="module")
def as_stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return run(tmp_path_factory.mktemp("as-stored"))


def test_the_look_shows_a_healthy_domain(as_stored):
    assert "mode enforce" in as_stored["look"]
    assert "No findings" in as_stored["findings"]
    assert "fault" not in as_stored["look"]


@pytest.mark.parametrize(
    ("cell", "command"),
    [
        ("record", "dig +short TXT _mta-sts.nordwind.example"),
        ("reporting", "dig +short TXT _smtp._tls.nordwind.example"),
        ("policy", "curl -sS -i --max-time 60 https://mta-sts.nordwind.example/.well-known/mta-sts.txt"),
        ("policy", "-o /dev/null -D - --max-time 60 https://mta-sts.nordwind.example/.well-known/mta-sts.txt"),
        ("mx", "dig +short MX nordwind.example"),
        ("certificate", "-verify_hostname mta-sts.nordwind.example"),
        ("mx", "-starttls smtp -connect mx2.nordwind.example:25"),
    ],
)
def test_the_seven_commands_are_beside_what_the_probe_observed(as_stored, cell, command):
    assert command in as_stored[cell]
    assert "The probe observed:" in as_stored[cell]
    assert "curl -I https" not in as_stored[cell]  # HEAD is not what senders send


def test_the_fault_is_shown_named_and_compared(as_stored):
    assert "mx-certificate-expired" in as_stored["fault"]
    assert "mx2.nordwind.example" in as_stored["compare"]
    assert "3 domains" in as_stored["many"]


def test_a_snapshot_from_elsewhere(tmp_path):
    with sts.lab.Lab("policy-http-404") as lab:
        sts.probe("nordwind.example", lab.settings).save(tmp_path / "seen.json")
    shown = run(tmp_path, snapshot=str(tmp_path / "seen.json"), fault="mx-no-starttls")
    assert "policy-http-not-found" in shown["findings"]
    assert "mx-starttls-missing" in shown["fault"]
