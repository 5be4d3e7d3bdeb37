"""A text beside its correction, hosts beside patterns, and where the texts belong."""

from __future__ import annotations

import pytest

from mtasts_nb.errors import MtaStsNbError
from mtasts_nb.policy import beside, mx_table, places


def test_changed_lines_are_marked_and_equal_ones_are_not() -> None:
    view = beside("a: 1\r\nb: 2\r\nc: 3\r\n", "a: 1\nb: 4\nc: 3\nd: 5\n")
    assert view.rows() == [
        ("a: 1", "a: 1", False), ("b: 2", "b: 4", True), ("c: 3", "c: 3", False), ("", "d: 5", True),
    ]  # fmt: skip
    assert view._repr_html_().count("<strong>") == 3


@pytest.mark.parametrize("after", [None, "a: <b>\n"])
def test_without_a_correction_the_text_is_shown_as_it_is(after: str | None) -> None:
    view = beside("a: <b>\n", after)
    assert "a: &lt;b&gt;" in view._repr_html_()
    assert "a: <b>" in str(view)


def test_hostile_text_is_shown_as_text() -> None:
    view = beside(b"<script>\xff\x1b[2J\n", "<script>x\n")
    assert "<script" not in view._repr_html_()
    assert "\x1b" not in str(view) + view._repr_html_()


def test_hosts_beside_patterns() -> None:
    table = mx_table(
        "mx: mx1.nordwind.example\nmx: *.suedwind.example", "mx1.nordwind.example.\nsuedwind.example\nx.test"
    )
    assert [(row.mx_host, row.covered, row.pattern) for row in table] == [
        ("mx1.nordwind.example", True, "mx1.nordwind.example"),
        ("suedwind.example", False, "*.suedwind.example"),
        ("x.test", False, None),
    ]
    assert repr(table) == "<MxTable: 1 of 3 hosts covered>"
    assert table[2].why_not == "No pattern is similar."
    assert "no</td>" in table._repr_html_()
    frame = table.to_frame()
    assert frame["covered"].tolist() == [True, False, False]
    assert frame["why_not"].isna().tolist() == [True, False, False]


def test_places_of_a_domain() -> None:
    assert places("Bücher.example.") == {
        "record": "_mta-sts.xn--bcher-kva.example (TXT)",
        "policy": "https://mta-sts.xn--bcher-kva.example/.well-known/mta-sts.txt",
        "tlsrpt_record": "_smtp._tls.xn--bcher-kva.example (TXT)",
    }
    for wrong in ("", "nord wind", "a..b", "nordwind.example\nx", "*.nordwind.example"):
        with pytest.raises(MtaStsNbError, match="not a domain name"):
            places(wrong)
