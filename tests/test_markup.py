"""The one place that escapes: what a stranger wrote is shown as what it is, and runs nowhere."""

from __future__ import annotations

import csv
import io
import math
import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb import markup

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # surrogates too: JSON can carry lone ones


class _Reader(HTMLParser):
    """Collects what a browser would see as tags, and as text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(ANY_TEXT)
def test_html_text_is_text_in_content_and_in_an_attribute(text: str) -> None:
    shown = markup.html_text(text)
    reader = _Reader()
    reader.feed(f'<p title="{shown}">{shown}</p>')
    reader.close()
    assert reader.tags == ["p"]
    assert not set("<>\"'") & set(shown)
    shown.encode("utf-8")  # no lone surrogate is left


@given(ANY_TEXT)
def test_svg_text_is_well_formed_xml(text: str) -> None:
    shown = markup.svg_text(text)
    element = ET.fromstring(f'<text id="{shown}">{shown}</text>')
    assert len(element) == 0


@given(ANY_TEXT)
def test_terminal_text_is_one_line_without_control_sequences(text: str) -> None:
    shown = markup.terminal_text(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("mx\u202egnp.example", "mx\\u202egnp.example"),  # right-to-left override
        ("mx\u200b1.example", "mx\\u200b1.example"),  # zero width space
        ("a\u00adb", "a\\xadb"),  # soft hyphen
        ("a\U000e0041b", "a\\U000e0041b"),  # tag character
        ("a\x1b]0;x\x07b", "a\\x1b]0;x\\x07b"),  # terminal title sequence
        ("a\ud800b", "a\\ud800b"),  # lone surrogate
    ],
)
def test_characters_that_hide_or_reorder_text_are_shown_as_escapes(hidden: str, shown: str) -> None:
    assert markup.one_line(hidden) == shown
    assert markup.html_text(hidden) == shown


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        *((text, f"'{text}") for text in ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "-", "+49 30 123")),
        *(
            (text, f"'{text}")
            for text in ("＝1+1", "＋1", "－1+1", "＠SUM(A1)", "  =1", "\u3000=1", "\u2003＝1", '"=1', "'=1")
        ),
        ("\t=1", "'\t'=1"),
        ("\r=1", "\\x0d=1"),
        ("\u200b=1", "\\u200b=1"),
        ("a;=1", "a;'=1"),  # where `;` is the separator, a cell begins there
        ("a; =1;@B", "a;' =1;'@B"),
        ("a\t=1\n+1", "a\t'=1\n'+1"),
        ("\x1b[2J\u202ex", "\\x1b[2J\\u202ex"),
    ],
)
def test_a_spreadsheet_runs_no_cell(text: str, cell: str) -> None:
    assert markup.csv_cell(text) == cell


@pytest.mark.parametrize("value", ["-3", "+4.5", "-1e9", "mx1.nordwind.example", "", 5, -2, None, 1.5])
def test_numbers_and_plain_text_stay_as_they_are_in_csv(value: object) -> None:
    assert markup.csv_cell(value) == value


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_csv_cells_come_back_but_for_the_guard(cells: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out).writerow([markup.csv_cell(cell) for cell in cells])
    (row,) = csv.reader(io.StringIO(out.getvalue(), newline="")) or [[]]
    assert [cell.replace("'", "") for cell in row] == [markup.visible(cell).replace("'", "") for cell in cells]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (999, "999"), (1000, "1,000"), (-1234, "-1,234"), (None, "–"), (math.nan, "–"), (1e6, "1,000,000")],
)
def test_number(value: float | None, shown: str) -> None:
    assert markup.number(value) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (0, 10, "0 %"),
        (10, 10, "100 %"),
        (1, 10**9, "< 0.1 %"),
        (10**9 - 1, 10**9, "> 99.9 %"),
        (1, 3, "33.3 %"),
        (0, 0, "–"),  # no session at all: the share is not known
        (None, 5, "–"),
        (1, None, "–"),
        (12, 10, "120.0 %"),  # details above the total happen; the figure is not hidden
    ],
)
def test_share_is_never_rounded_to_none_or_all(part: float | None, whole: float | None, shown: str) -> None:
    assert markup.share(part, whole) == shown


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_some_is_never_shown_as_none_and_not_all_never_as_all(part: int, whole: int) -> None:
    if part < whole:
        assert markup.share(part, whole) not in ("0 %", "0.0 %", "100 %", "100.0 %")


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(hours=36), "1 day 12 hours"),
        (timedelta(days=30, minutes=5), "30 days"),  # the next unit is empty: no false precision
        (timedelta(seconds=-90), "-1 minute 30 seconds"),
        (None, "–"),
        (pd.NaT, "–"),
    ],
)
def test_span(length: timedelta | None, shown: str) -> None:
    assert markup.span(length) == shown


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2026, 2, 8, 14, 5, tzinfo=UTC), "2026-02-08 14:05 UTC"),
        (pd.Timestamp("2026-02-08 15:05", tz="Europe/Berlin"), "2026-02-08 14:05 UTC"),
        (date(2026, 2, 8), "2026-02-08"),
        (pd.NaT, "–"),
        (None, "–"),
    ],
)
def test_when_gives_utc(moment: datetime | date | None, shown: str) -> None:
    assert markup.when(moment) == shown


def test_clip_says_how_much_it_left_out() -> None:
    clipped = markup.clip("x" * 1000, 50)
    kept = clipped.count("x")
    assert len(clipped) <= 60
    assert f"({1000 - kept} more)" in clipped
