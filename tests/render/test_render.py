"""One document, three ways to show it: nothing is lost, nothing of a stranger's runs, nothing is wider than asked for."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.render import (
    Badge,
    Code,
    Document,
    Figures,
    Fold,
    Items,
    Paragraph,
    Preformatted,
    Quiet,
    Quote,
    Section,
    Steps,
    Strong,
    Table,
    Terms,
    Tone,
    document,
    to_data,
    to_html,
    to_text,
)

HOSTILE = "<script>alert(1)</script>\x1b[2J\u202e\" onload='x'"
INLINES = [HOSTILE, Badge(Tone.BAD, HOSTILE), Code(HOSTILE), Strong(HOSTILE), Quiet(HOSTILE), Quote(HOSTILE)]


def everything(text: str) -> Document:
    line = (text, Badge(Tone.GOOD, text), Code(text), Strong(text), Quiet(text), Quote(text))
    blocks = (
        Paragraph(*line, lead=True),
        Preformatted(text),
        Items([text, line, [Paragraph(text)]], ordered=True),
        Terms([(text, line), (text, [Preformatted(text)])]),
        Steps([(Badge(Tone.UNKNOWN, text), text), (None, line)]),
        Figures([(text, text)]),
        Table(
            {"a": text, "b": text},
            [{"a": text, "b": line}, {"a": Paragraph(text), "b": [Paragraph(text)]}],
            caption=text,
        ),
    )
    return Document((Section(text, (Fold(text, blocks, open=True), *blocks)),))


def test_what_a_stranger_wrote_is_shown_as_text_everywhere() -> None:
    html, text = to_html(everything(HOSTILE), styled=False), to_text(everything(HOSTILE))
    assert "<script" not in html
    assert "onload='" not in html
    assert not {"\x1b", "\u202e"} & set(html + text)
    json.dumps(to_data(everything(HOSTILE)))


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (1234, "1,234"),
        (np.int64(1234), "1,234"),
        (pd.NA, "–"),
        (pd.Timestamp("2026-02-08 14:05", tz="UTC"), "2026-02-08 14:05 UTC"),
        (0, "0"),
        (True, "yes"),
        (None, "–"),
        (float("nan"), "–"),
        ("", "–"),
        (date(2026, 2, 8), "2026-02-08"),
        (datetime(2026, 2, 8, 14, 5, tzinfo=UTC), "2026-02-08 14:05 UTC"),
        ("mx1 `x`", "mx1 <code>x</code>"),
    ],
)
def test_cells(value: object, cell: str) -> None:
    html = to_html(Document((Table({"a": "A"}, [{"a": value}]),)), styled=False)
    assert f">{cell}</td>" in html


def test_a_missing_cell_is_unknown_and_not_zero() -> None:
    assert ">–</td>" in to_html(Document((Table({"a": "A"}, [{}]),)))


def test_rows_beyond_the_first_are_folded_and_not_lost() -> None:
    rows = [{"n": n} for n in range(20)]
    html = to_html(Document((Table({"n": "N"}, rows, first=10, caption="c"),)))
    assert html.count("<tr>") == 22
    assert "<summary>10 more rows</summary>" in html
    assert "<details" not in to_html(Document((Table({"n": "N"}, rows[:12], first=10),)))


@pytest.mark.parametrize("first", [None, 10])
def test_a_long_table_has_its_first_rows_and_a_line_that_counts_the_rest(first: int | None) -> None:
    rows = [{"n": n} for n in range(2500)]
    html = to_html(Document((Table({"n": "N"}, rows, first=first),)))
    assert html.count("<td") == 500
    assert ">499</td>" in html
    assert html.count("<p>2,000 more rows not shown.</p>") == 1


@pytest.mark.parametrize("width", [40, 80, 140])
def test_a_table_that_does_not_fit_is_shown_row_by_row(width: int) -> None:
    wide = Table({"a": "Alpha", "b": "Beta"}, [{"a": "x" * 30, "b": "y" * 30}])
    text = to_text(Document((wide,)), width)
    assert max(map(len, text.splitlines())) <= width
    assert ("Beta" in text.splitlines()[0]) is (width >= 62)


@given(st.text("abc `<\n\t\x00é漢", max_size=80), st.integers(24, 120))
def test_words_fit_the_width_where_they_can(text: str, width: int) -> None:
    short = " ".join(word[:10] for word in text.split())
    for line in to_text(Document((Paragraph(short), Items([short]))), width).splitlines():
        assert len(line) <= width


def test_commands_are_never_wrapped() -> None:
    command = "openssl s_client " * 20
    assert command.strip() in to_text(Document((Preformatted(command.strip()),)), 40)


def test_headings_go_one_down_with_each_section() -> None:
    html = to_html(Document((Section("a", (Section("b", ()),)),)), level=4)
    assert "<h4>a</h4><h5>b</h5>" in html


def test_a_value_without_a_view_says_so() -> None:
    with pytest.raises(TypeError, match="no view is registered for int"):
        document(3)


def test_a_document_refuses_what_is_no_block() -> None:
    with pytest.raises(TypeError, match="cannot hold a dict"):
        to_html(Document((Items([{"a": 1}]),)))  # type: ignore[list-item]


def test_the_title_of_a_whole_document_is_its_first_level_heading() -> None:
    whole = Document((Section("Part", (Paragraph("text"),)),), title=HOSTILE)
    html = to_html(whole, styled=False)
    assert "<script" not in html
    assert html.index("<h1>") < html.index("<h3>Part")
    assert html.count("<h1>") == 1
    assert to_text(Document((Paragraph("text"),), title="Title")) == "Title\n\ntext"
    assert to_data(Document((), title="Title")) == [{"title": "Title"}]
