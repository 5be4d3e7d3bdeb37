"""Which notebook, and what is put into it."""

from __future__ import annotations

import ast
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.errors import PublishError
from mtasts_nb.publish._notebook import _literal, find_notebook, names_of_bundled, with_parameters

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3) | st.tuples(inner)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_a_value_comes_out_as_it_went_in(value: Any) -> None:
    text = _literal("x", value)
    assert len(ast.parse(text, mode="eval").body.__class__.__name__) > 0, "one expression, whatever the text holds"
    assert eval(text) == value  # the text is ours


@pytest.mark.parametrize("value", [date(2026, 2, 8), datetime(2026, 2, 8, 9, tzinfo=UTC), float("inf")])
def test_days_and_infinity_too(value: object) -> None:
    assert eval(_literal("x", value)) == value


def test_a_path_becomes_text() -> None:
    assert eval(_literal("x", Path("a/b"))) == str(Path("a/b"))


def test_a_value_that_cannot_be_written_down_is_refused() -> None:
    with pytest.raises(PublishError, match="parameter 'x' is a object"):
        _literal("x", object())


def test_the_guided_notebooks_are_found_by_name_with_or_without_suffix() -> None:
    for name in names_of_bundled():
        found = find_notebook(name)
        assert found.guided
        assert find_notebook(f"{name}.ipynb").sha256 == found.sha256


@pytest.mark.parametrize("name", ["07_nothing", "no/such/thing.ipynb", "../06_incident_postmortem", ""])
def test_an_unknown_notebook_is_told_with_those_there_are(name: str) -> None:
    with pytest.raises(PublishError, match="06_incident_postmortem"):
        find_notebook(name)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b'{"cells": 1}', b"{"])
def test_a_file_that_is_no_notebook_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(PublishError, match="not a notebook that can be read"):
        find_notebook(path)


def test_parameters_go_after_the_tagged_cell(stored, cell) -> None:
    path = stored("# T", cell("domain = None\nsources: list = []", tags=["parameters"]), cell("use(domain)"))
    node = with_parameters(find_notebook(path), {"domain": "a.example"}, {"sources": "['x']"})
    assert [one.source for one in node.cells[1:]] == [
        "domain = None\nsources: list = []",
        "domain = 'a.example'\nsources = ['x']",
        "use(domain)",
    ]


def test_an_unknown_parameter_is_told_with_those_there_are(stored, cell) -> None:
    path = stored(cell("domain = None\nstart = end = None\na.b = c[0] = 1", tags=["parameters"]))
    with pytest.raises(PublishError, match=r"mine has no parameter domian\. It has domain, end, start\."):
        with_parameters(find_notebook(path), {"domian": "x"}, {})


def test_a_notebook_without_the_tag_takes_no_parameters(stored, cell) -> None:
    path = stored(cell("domain = None"))
    with pytest.raises(PublishError, match="no cell tagged 'parameters', so domain cannot be set"):
        with_parameters(find_notebook(path), {"domain": "x"}, {})
    assert len(with_parameters(find_notebook(path), {}, {}).cells) == 1


def test_a_notebook_of_an_older_minor_format_is_read(tmp_path: Path) -> None:
    cell = {"cell_type": "markdown", "metadata": {}, "source": "# T"}  # without an id, as before 4.5
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    assert find_notebook(path).node.cells[0].source == "# T"
