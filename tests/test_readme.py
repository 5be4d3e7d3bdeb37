"""The README promises only what works: its Python runs, its commands exist, its files are there."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest

import mtasts_nb as sts
from mtasts_nb import cli

README = Path(__file__).resolve().parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8")
CONSOLE = "\n".join(re.findall(r"^```console\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
COMMANDS = sorted(set(re.findall(r"^mtasts-nb .*?(?=\s+#|$)", CONSOLE, re.MULTILINE)))


def test_its_python_session_gives_what_it_shows() -> None:
    result = doctest.testfile(str(README), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("line", COMMANDS)
def test_its_commands_are_understood(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, *options = (word for word in shlex.split(line)[1:] if word.startswith("--") or word.isalpha())
    assert cli.main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert [option for option in options if option.startswith("--") and option not in text] == []


def test_its_make_targets_exist() -> None:
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", TEXT, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_its_names_and_files_exist() -> None:
    for name in re.findall(r"`sts\.([\w.]+)", TEXT):
        holder: object = sts
        for part in name.split("."):
            holder = getattr(holder, part)
    for name in re.findall(r"^\| `(\d\d\w+)`", TEXT, re.MULTILINE):
        assert (sts.notebooks_dir() / f"{name}.ipynb").is_file(), name
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", TEXT):
        assert (README.parent / link).exists(), link


def test_every_stored_notebook_is_in_its_table() -> None:
    stored = {path.stem for path in sts.notebooks_dir().glob("*.ipynb")}
    assert stored <= set(re.findall(r"^\| `(\d\d\w+)`", TEXT, re.MULTILINE))
