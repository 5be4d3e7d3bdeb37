"""`mtasts-nb ingest`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtasts_nb.cli import main
from tests.store.test_ingest import REPORTS


def test_ingest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.json").write_bytes(REPORTS[0])
    asked = ["ingest", str(tmp_path / "in"), "--store", str(tmp_path / "s")]
    assert main([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "store": str(tmp_path / "s"), "version": 1, "added": 1, "known": 0, "skipped": 0, "rejected": 0,
    }  # fmt: skip
    (tmp_path / "in" / "2.json").write_bytes(b'{"policies": 7}')
    assert main(asked) == 1
    text = capsys.readouterr().out
    assert "Reports that were there already" in text
    assert "2026-03-01" in text


def test_what_cannot_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("Dear")
    assert main(["ingest", str(tmp_path / "nothing"), "--store", str(tmp_path / "s")]) == 2
    assert main(["ingest", str(tmp_path / "full"), "--store", str(tmp_path / "full")]) == 2
    assert main(["ingest", str(tmp_path / "full"), "--store", str(tmp_path / "s"), "--scheduler", "nonsense://"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 3
