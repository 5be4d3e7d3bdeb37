"""The notebook that one is in: found, only as it is saved, and published once."""

from __future__ import annotations

import importlib
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

import mtasts_nb as sts
from mtasts_nb.errors import PublishError
from mtasts_nb.publish import _execute
from mtasts_nb.publish._notebook import find_notebook
from mtasts_nb.publish._session import open_notebook, require_saved
from mtasts_nb.render import PUBLISHING


def shell(*ran: str, kernel: object = "a kernel", **names: object) -> Any:
    return SimpleNamespace(kernel=kernel, user_ns=names, history_manager=SimpleNamespace(input_hist_raw=["", *ran]))


def test_it_is_found_from_the_session_of_the_kernel_alone(stored, cell) -> None:
    path = stored(cell("1"))
    session = {"JPY_SESSION_NAME": str(path)}
    assert open_notebook(shell(), session) == path
    assert open_notebook(shell(kernel=None), session) is None, "a program that a notebook starts"
    assert open_notebook(shell(), {}) is None
    assert open_notebook(shell(), {"JPY_SESSION_NAME": "/home/me/console-1"}) is None
    assert open_notebook(shell(__vsc_ipynb_file__=str(path)), {}) == path
    assert open_notebook(None, session) is None, "outside of a notebook"
    with pytest.raises(PublishError, match="no such file now"):
        open_notebook(shell(), {"JPY_SESSION_NAME": str(path.with_name("renamed.ipynb"))})


def test_a_cell_that_is_not_in_the_file_is_not_saved(stored, cell) -> None:
    notebook = find_notebook(stored(cell("1 + 1"), cell("sts.publish('x.html')\n")))
    require_saved(notebook, shell("1 + 1", "sts.publish('x.html')"))
    with pytest.raises(PublishError, match=r"changes that are not saved.*Ctrl\+S"):
        require_saved(notebook, shell("1 + 2"))


def test_the_notebook_one_is_in_is_published_with_its_own_sentences_and_sources(
    tmp_path: Path, stored, cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    path = stored(
        nbformat.v4.new_markdown_cell("# The night of the key change\n\nWe rotated the key too early."),
        cell(f"sources = [{str(tmp_path / 'in')!r}]", tags=["parameters"]),
        cell("import mtasts_nb as sts\nsts.publish('never.html')"),
    )
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module("mtasts_nb.publish._publish")
    monkeypatch.setattr(module, "open_notebook", lambda: path)
    monkeypatch.setattr(module, "require_saved", lambda notebook: None)
    page = sts.publish(tmp_path / "x.html", progress=False).read_text(encoding="utf-8")
    assert "We rotated the key too early." in page
    assert str(tmp_path / "in") in page, "the sources that it names are the evidence"
    assert "the sample archive" not in page
    assert not (tmp_path / "never.html").exists(), "the call in the published notebook does nothing"


def test_a_call_in_a_notebook_that_is_being_published_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PUBLISHING, "1")
    assert sts.publish(tmp_path / "x.html") == tmp_path / "x.html"
    assert list(tmp_path.iterdir()) == []


def test_a_copy_of_a_guided_notebook_is_of_the_sample_until_it_names_sources(tmp_path: Path) -> None:
    guided = find_notebook("03_failures_over_time")
    copy = tmp_path / "03_failures_over_time.ipynb"
    text = (sts.notebooks_dir() / copy.name).read_text(encoding="utf-8")
    copy.write_text(text, encoding="utf-8")
    assert (guided.reads_sample, find_notebook(copy).reads_sample) == (True, True)
    copy.write_text(text.replace('"sources = []', "\"sources = ['reports']"), encoding="utf-8")
    assert (find_notebook(copy).reads_sample, find_notebook(copy).sources) == (False, ("reports",))


@pytest.mark.parametrize(
    ("here", "progress", "disabled"),
    [(True, True, False), (True, False, True), (False, True, True), (False, False, True)],
)
def test_a_bar_is_shown_in_a_notebook_and_none_where_it_would_fill_a_log(
    monkeypatch: pytest.MonkeyPatch, here: bool, progress: bool, disabled: bool
) -> None:
    monkeypatch.setattr(_execute, "in_notebook", lambda: here)
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with _execute._bar(nbformat.v4.new_notebook(), "report", progress=progress) as bar:
        assert bool(bar.disable) is disabled
