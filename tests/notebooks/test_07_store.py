"""Notebook 07 runs offline, on the sample, with workers of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtasts_nb.publish._execute import execute
from mtasts_nb.publish._notebook import find_notebook, with_parameters


def test_it_runs_and_the_workers_agree(tmp_path: Path) -> None:
    pytest.importorskip("deltalake")
    pytest.importorskip("distributed")
    node = with_parameters(find_notebook("07_beyond_one_machine"), {}, {})
    execute(node, "07_beyond_one_machine", cwd=str(tmp_path), timeout=300, progress=False)
    texts = [
        "".join(output.get("text", "") or output["data"].get("text/plain", ""))
        for cell in node.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    assert "added by the second run: 0\n" in texts
    assert "True" in texts
    assert not list(tmp_path.iterdir())
