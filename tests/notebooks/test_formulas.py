"""A stranger's ``$…$`` in JupyterLab, in a real browser: no output of a notebook hands it to MathJax."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.hardening.hostile import DOMAIN, reports
from tests.notebooks.jupyterlab import error_outputs, jupyterlab, open_in_lab, run_all

pytestmark = pytest.mark.browser

#: Each form that JupyterLab's MathJax takes for a formula, in all texts of a report.
FORMULAS: Final = ["Post $x^2$", "$$y$$", "\\(z^3\\)", "a $b_1$ and $c$"]
#: Those that read reports.
NOTEBOOKS: Final = (
    "00_start_here", "02_load_tls_reports", "03_failures_over_time", "04_diagnose", "06_incident_postmortem",
)  # fmt: skip
TYPESET: Final = "mjx-container, .MathJax, .MathJax_Preview"
OUTPUT: Final = ".jp-OutputArea-output"
CONTROL: Final = "sources = []\nfrom IPython.display import HTML\nHTML('<p>$x^2$</p>')"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("lab")
    (folder / "reports").mkdir()
    for number, report in enumerate(reports(FORMULAS, DOMAIN)):
        (folder / "reports" / f"{number}.json").write_bytes(report)
    with jupyterlab(folder) as address:
        for name in NOTEBOOKS:
            _set(folder / "work" / f"{name}.ipynb", f"sources = [{str(folder / 'reports')!r}]\ndomain = {DOMAIN!r}")
        _set(folder / "work" / "scratch.ipynb", CONTROL)
        yield address


def _set(file: Path, parameters: str) -> None:
    """Add lines to the parameters cell of a notebook."""
    notebook = json.loads(file.read_text(encoding="utf-8"))
    cell = next(cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", ()))
    cell["source"] = f"{''.join(cell['source'])}\n{parameters}"
    file.write_text(json.dumps(notebook), encoding="utf-8")


def test_mathjax_is_there(page: Any, lab: str) -> None:
    """Else the tests below would show nothing."""
    open_in_lab(page, lab, "scratch")
    run_all(page)
    page.locator(OUTPUT).locator(TYPESET).first.wait_for(state="attached")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_output_typesets_what_a_report_says(page: Any, lab: str, name: str) -> None:
    open_in_lab(page, lab, name)
    run_all(page)
    assert error_outputs(page) == []
    assert any("$x^2$" in text for text in page.locator(OUTPUT).all_inner_texts()), "it is shown, as it is"
    # One more output, which is typeset: by then all before it would be.
    page.evaluate(
        """async source => {
            const {commands, shell} = window.jupyterapp;
            await commands.execute('notebook:insert-cell-below');
            shell.currentWidget.content.activeCell.model.sharedModel.setSource(source);
            await commands.execute('notebook:run-cell');
        }""",
        CONTROL,
    )
    page.locator(OUTPUT).locator(TYPESET).first.wait_for(state="attached")
    assert page.locator(OUTPUT).locator(TYPESET).count() == 1
