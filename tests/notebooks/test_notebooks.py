"""The guided notebooks: stored well, and running top to bottom, offline, from anywhere, on any archive."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

import mtasts_nb as sts
from mtasts_nb.publish._execute import execute
from mtasts_nb.publish._notebook import find_notebook, names_of_bundled, with_parameters
from tests.notebooks.in_process import run_in_process

OURS = ("00_start_here", "02_load_tls_reports", "03_failures_over_time", "06_incident_postmortem")


def _run(name: str, cwd: Path, **parameters: object) -> Any:
    node = with_parameters(find_notebook(name), parameters, {})
    if parameters:
        return run_in_process(node, cwd)
    return execute(node, name, cwd=str(cwd), timeout=300, progress=False)


def _outputs(node: Any) -> list[Any]:
    return [output for cell in node.cells if cell.cell_type == "code" for output in cell.outputs]


def _said(node: Any) -> str:
    """All that the notebook shows in words."""
    html = " ".join("".join(output["data"].get("text/html", "")) for output in _outputs(node) if "data" in output)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def _write(path: Path, day: int, good: int, failed: int) -> None:
    when = f"2026-03-{day:02}"
    details = [
        {
            "result-type": "certificate-expired",
            "receiving-mx-hostname": "mx1.nordwind.example",
            "failed-session-count": failed,
        }
    ]
    report = {
        "organization-name": "Post",
        "contact-info": "tls@post.example",
        "report-id": when,
        "date-range": {"start-datetime": f"{when}T00:00:00Z", "end-datetime": f"{when}T23:59:59Z"},
        "policies": [
            {
                "policy": {"policy-type": "sts", "policy-domain": "nordwind.example", "policy-string": ["version: STSv1", "mode: enforce", "mx: mx1.nordwind.example", "max_age: 86400"]},
                "summary": {"total-successful-session-count": good, "total-failure-session-count": failed},
                "failure-details": details if failed else [],
            }
        ],
    }  # fmt: skip
    path.write_text(json.dumps(report))


@pytest.mark.parametrize("name", names_of_bundled())
def test_stored_without_outputs_with_fixed_ids_and_one_parameters_cell(name: str) -> None:
    path = sts.notebooks_dir() / f"{name}.ipynb"
    node = json.loads(path.read_text(encoding="utf-8"))
    nbformat.validate(node)
    cells = node["cells"]
    assert [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in cells) == 1
    first_code = next(cell for cell in cells if cell["cell_type"] == "code")
    assert "parameters" in first_code["metadata"].get("tags", []), "one parameters cell, at the top"
    ids = [cell["id"] for cell in cells]
    assert len(ids) == len(set(ids))
    assert node["metadata"]["kernelspec"]["name"] == "python3"
    assert "".join(cells[0]["source"]).startswith("# ")


def test_each_links_to_the_one_before_and_after_at_both_ends_and_the_first_to_all() -> None:
    names = names_of_bundled()
    linked = {}
    for name in names:
        node = json.loads((sts.notebooks_dir() / f"{name}.ipynb").read_text(encoding="utf-8"))
        second, *_, last = node["cells"][1:]
        assert second["source"] == last["source"], name
        assert second["metadata"]["tags"] == last["metadata"]["tags"] == ["remove-cell"], "no links on a page"
        linked[name] = re.findall(r"\]\((\w+)\.ipynb\)", "".join(last["source"]))
        found = re.findall(r"\]\((\w+)\.ipynb\)", json.dumps(node))
        assert set(found) <= set(names), "no link leads nowhere"
        if name == names[0]:
            assert set(names[1:]) <= set(found)
    for before, after in itertools.pairwise(names):
        assert after in linked[before]
        assert before in linked[after]


@pytest.mark.parametrize("name", OURS)
def test_it_runs_on_the_sample_from_any_folder(name: str, tmp_path: Path) -> None:
    node = _run(name, tmp_path)
    outputs = _outputs(node)
    assert outputs
    assert [output for output in outputs if output["output_type"] in ("error", "stream")] == [], "no error, no warning"
    for output in outputs:
        for kind in ("image/svg+xml", "image/png"):
            if kind in output["data"]:
                assert len(output["metadata"][kind]["alt"]) > 40, "a figure says what it shows"
    assert list(tmp_path.iterdir()) == [], "it writes nothing"
    assert "nordwind.example" in _said(node)


def test_one_report_without_a_failure(tmp_path: Path) -> None:
    _write(tmp_path / "1.json", 1, 1, 0)
    said = _said(_run("06_incident_postmortem", tmp_path, sources=["1.json"]))
    assert "On 2026-03-01, no failure was reported." in said
    assert "No failure was reported, so there is nothing to explain." in said
    assert "Nothing was rejected." in said
    assert "1 input" in said
    assert "1 reports" not in said


def test_a_period_without_a_report_is_said_to_be_unknown(tmp_path: Path) -> None:
    _write(tmp_path / "1.json", 1, 1, 5)
    said = _said(_run("03_failures_over_time", tmp_path, sources=["1.json"], start="2027-01-01"))
    assert "Not known: no report came for this period. That is not the same as no failure." in said
    assert "No report came: nothing is known about any domain." in said


def test_a_domain_and_a_period_narrow_everything(tmp_path: Path) -> None:
    for day in range(1, 9):
        _write(tmp_path / f"{day}.json", day, 0 if day == 4 else 50, 30 if day == 4 else 0)
    (tmp_path / "events.csv").write_text("time,text\n2026-03-04T10:00Z,key changed\n")
    node = _run(
        "06_incident_postmortem",
        tmp_path,
        sources=["."],
        domain="NORDWIND.example",
        period=("2026-03-03", "2026-03-05"),
        title="A bad night",
        events="events.csv",
    )
    said = _said(node)
    assert "A bad night" in said
    assert "On 2026-03-04, 30 of 30 sessions under MTA-STS for nordwind.example (100 %) failed" in said
    assert "Mail from 1 reporter was deferred on 1 day" in said
    assert "Reports read 3 They are in" in said
    assert "8 reports" in said, "what an incident is held against is evidence too"
    assert "key changed" in said
    alts = [output["metadata"].get("image/svg+xml", {}).get("alt", "") for output in _outputs(node)]
    assert any("Event 1, 2026-03-04 10:00 UTC: key changed." in alt for alt in alts)


def test_the_corrected_facts_are_in_the_guide() -> None:
    """Where many guides go wrong, the first notebook says what the RFCs say."""
    cells = json.loads((sts.notebooks_dir() / "00_start_here.ipynb").read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    assert "curl -I " not in text.replace("`curl -I`", "")
    assert all("-verify_hostname" in line for line in text.splitlines() if "openssl s_client" in line)
    for fact in (
        "It is *sts-webpki-invalid*", "Only subjectAltName counts", "It is deferred and tried again",
        "Not `aspmx.l.google.com`", "`mx.microsoft`", "defers no mail",
    ):  # fmt: skip
        assert fact in text, fact
