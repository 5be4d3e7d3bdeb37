"""`make hardening` reuses the tests: each that it names exists, and a case that does not hold makes it fail."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.hardening import __main__ as table
from tests.hardening.soak import MOST_GROWTH, Flat


@pytest.mark.parametrize("name", table.CLASSES)
def test_each_test_that_is_named_exists(root: Path, name: str) -> None:
    for test in table.CLASSES[name]:
        file, _, function = test.partition("::")
        assert re.search(rf"^def {function}", (root / file).read_text(encoding="utf-8"), re.MULTILINE), test


def test_one_case_that_does_not_hold_is_named_and_fails(monkeypatch, capsys) -> None:
    rows = [
        {"test": "a", "outcome": "passed", "seconds": 0.1, "bytes": 5_000_000},
        {"test": "b", "outcome": "failed", "seconds": 2.0},
    ]
    monkeypatch.setattr(table, "_tried", lambda tests: rows)
    monkeypatch.setattr(table, "_soaked", list)
    assert table.main() == 1
    out = capsys.readouterr().out
    assert re.search(r"writers +2 +1 +2.0 s +5 MB", out)
    assert "did not hold: b" in out
    monkeypatch.setattr(table, "_tried", lambda tests: rows[:1])
    assert table.main() == 0
    monkeypatch.setattr(table, "_tried", lambda tests: [])
    assert table.main() == 1, "a class of which nothing ran has not held"


def test_what_grows_has_not_held() -> None:
    assert Flat(1, 1, 1, 0, 0, 0).held
    assert not Flat(1, 1, 1, MOST_GROWTH + 1, 0, 0).held
    assert not Flat(1, 1, 1, 0, 1, 0).held
    assert not Flat(1, 1, 1, 0, 0, 1).held
