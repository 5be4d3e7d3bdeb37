"""SECURITY.md says what the code does: its table of limits, in the order and with the values of `Limits`."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from mtasts_nb.settings import ALLOWANCE_BYTES, Limits

_UNITS = {"": 1, "s": 1, "KiB": 1024, "MiB": 1024 * 1024}


def test_the_table_of_limits_is_that_of_the_code(root: Path) -> None:
    text = (root / "SECURITY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d.,]+) ?(\w*) \|", text, re.MULTILINE)
    documented = [(name, float(value.replace(",", "")) * _UNITS[unit]) for name, value, unit in rows]
    assert documented == [(field.name, field.default) for field in fields(Limits)]
    assert f"each {ALLOWANCE_BYTES // 1024} KiB of it" in text
