"""CONTRIBUTING describes the house as it is: the figure's lines are import-linter's layers, and its files exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def _exists(room: str) -> bool:
    return (ROOT / "mtasts_nb" / room).is_dir() or (ROOT / "mtasts_nb" / f"{room}.py").is_file()


def test_the_figure_shows_the_layers_that_the_lint_checks() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in config["contracts"] if contract["type"] == "layers")
    checked = [{room for room in re.findall(r"[a-z]\w*", layer) if _exists(room)} for layer in layers]
    rows = [line.split("│")[1:-1] for line in TEXT.splitlines() if line.startswith("│")]
    assert [{room.strip() for room in row} for row in rows] == checked


def test_every_room_is_in_the_figure() -> None:
    packages = {path.parent.name for path in (ROOT / "mtasts_nb").glob("*/__init__.py")}
    drawn = {room.strip() for line in TEXT.splitlines() if line.startswith("│") for room in line.split("│")[1:-1]}
    assert packages - drawn == {"lab"}


def test_no_room_is_exempt_from_the_contract_on_circles() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    assert config["exclude_type_checking_imports"] is False
    (contract,) = (contract for contract in config["contracts"] if contract["type"] == "acyclic_siblings")
    assert contract["ancestors"] == ["mtasts_nb"]


def test_its_files_exist() -> None:
    named = re.findall(r"`((?:mtasts_nb|tests|notebooks|data)/[\w./]*)`", TEXT)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []
