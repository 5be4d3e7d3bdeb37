"""`DomainProbe`: its controls say what the run behind them says; without a kernel it is HTML."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path

import pytest

import mtasts_nb as sts
from mtasts_nb.probe import Probe
from mtasts_nb.widgets import DomainProbe
from mtasts_nb.widgets._domain_probe import Stop

from .conftest import HOSTILE


def failing(domain: str, settings: sts.ProbeSettings, begun: Callable[[Stop], None]) -> Probe:
    raise RuntimeError(HOSTILE)


def test_before_any_probe() -> None:
    shown = DomainProbe("nordwind.example")
    assert shown.probe is None
    assert shown._keeping.layout.display == "none", "nothing to save"
    assert (shown._go.disabled, shown._stop.disabled) == (False, True)
    assert "No domain was probed yet." in shown._repr_html_()


def test_a_failing_look_shows_its_message_escaped_and_by_a_word() -> None:
    shown = DomainProbe("nordwind.example", prober=failing)
    assert shown.run() is None
    for html in (shown._status.value, shown._repr_html_()):
        assert 'role="alert"' in html
        assert "Did not work: RuntimeError: " in html
        assert "<script" not in html
        assert "<img" not in html
    assert shown._go.disabled is False


def test_a_click_runs_it_beside_the_notebook_and_the_result_is_shown(seen: Probe) -> None:
    shown = DomainProbe("nordwind.example", prober=lambda *_: seen)
    shown._go.click()
    assert shown.run_state.wait(20)
    assert shown.probe is seen
    assert shown._result.value == seen._repr_html_()
    assert seen._repr_html_() in shown._repr_html_()
    assert shown._bar.layout.visibility == "hidden"


def test_enter_in_the_field_is_as_good_as_the_button(seen: Probe) -> None:
    asked: queue.Queue[str] = queue.Queue()
    shown = DomainProbe("nordw", prober=lambda domain, *_: asked.put(domain) or seen)
    shown._domain._handle_custom_msg({"event": "submit"}, [])
    shown._domain.value = "nordwind.example"  # letters that Enter overtook
    assert asked.get(timeout=20) == "nordwind.example"


def test_saving_says_where_and_a_fault_is_shown(seen: Probe, tmp_path: Path) -> None:
    shown = DomainProbe(probe=seen)
    assert shown._domain.value == "nordwind.example"
    shown._file.value = str(tmp_path / "seen.json")
    shown._save.click()
    assert "Saved to" in shown._saved.value
    assert sts.load_probe(tmp_path / "seen.json") == seen
    shown._save.click()
    assert "seen-2.json" in shown._saved.value, "no file is replaced"
    shown._file.value = str(tmp_path / "no-such-folder" / "seen")
    shown._save.click()
    assert 'role="alert"' in shown._saved.value


def test_the_first_click_saves_under_the_domains_name(
    seen: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = DomainProbe(probe=seen)
    shown._save.click()
    assert [file.name for file in tmp_path.iterdir()] == ["nordwind.example.json"]


def test_the_field_suggests_domains_and_takes_any() -> None:
    shown = DomainProbe("other.example", domains=["nordwind.example", "suedwind.example"])
    assert shown._domain.options == ("nordwind.example", "suedwind.example")
    assert (shown._domain.value, shown._domain.ensure_option) == ("other.example", False)


def test_a_front_end_may_choose_between_the_live_view_and_html(seen: Probe) -> None:
    bundle = DomainProbe(probe=seen)._repr_mimebundle_()
    assert list(bundle) == ["text/plain", "application/vnd.jupyter.widget-view+json", "text/html"]
    assert bundle["text/plain"].startswith("<DomainProbe: Probed nordwind.example")


def test_every_control_has_a_name_for_who_cannot_see_it() -> None:
    for widget in _all(DomainProbe()):
        if widget._model_name.removesuffix("Model") in ("Text", "Combobox", "Button", "FloatProgress"):
            assert widget.description


def _all(widget: object) -> list:
    return [widget, *(below for child in getattr(widget, "children", ()) for below in _all(child))]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Dashboard'"):
        sts.widgets.Dashboard  # noqa: B018
