"""The button that publishes the notebook that it is in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mtasts_nb.errors import PublishError
from mtasts_nb.widgets import PublishButton


def test_it_publishes_under_a_free_name_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[tuple[Path, Any]] = []

    def publish(out: Path, *, redact: object, progress: bool) -> Path:
        asked.append((out, redact))
        out.write_text("page")
        return out

    shown = PublishButton(publish)
    shown.start().join()
    shown._redact.value = True
    shown.start().join()
    assert [(out.name, redact) for out, redact in asked] == [("report.html", None), ("report-2.html", True)]
    assert "report-2.html" in shown._status.value


def test_what_is_wrong_is_shown_beside_it() -> None:
    def publish(out: Path, **options: object) -> Path:
        raise PublishError("<b>it is not saved")

    shown = PublishButton(publish)
    shown.start().join()
    assert 'role="alert"' in shown._status.value
    assert "&lt;b&gt;it is not saved" in shown._status.value


def test_a_page_does_not_show_it() -> None:
    assert PublishButton(lambda out: out)._repr_html_() == ""
