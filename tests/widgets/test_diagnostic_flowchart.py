"""`DiagnosticFlowchart`: its controls lead and follow the walk; without a kernel it is HTML."""

from __future__ import annotations

from pathlib import Path

import ipywidgets
import pytest

from mtasts_nb import analysis
from mtasts_nb.diagnosis import WalkEvidence
from mtasts_nb.lab import Lab
from mtasts_nb.probe import Probe, probe
from mtasts_nb.reports import Archive
from mtasts_nb.widgets import DiagnosticFlowchart

from .conftest import HOSTILE

TLSA = WalkEvidence(
    result_type="tlsa-invalid",
    reported="10,286 failed sessions",
    causes={"dane-tlsa-mismatch": "3 1 1 does not match"},
    observed={"tlsa": "TLSA records came"},
    domain="suedwind.example",
    mx="mx1.suedwind.example",
)


def buttons(widget) -> dict[str, ipywidgets.Button]:
    found = {widget.description: widget} if isinstance(widget, ipywidgets.Button) else {}
    for child in getattr(widget, "children", ()):
        found |= buttons(child)
    return found


def test_without_evidence_every_question_is_asked_from_held_mail_on() -> None:
    shown = DiagnosticFlowchart()
    assert shown.walk.start == "deferred"
    assert "Question 1: Does the domain exist in DNS?" in shown._question.value
    assert "Not answered from evidence. To answer it, check: " in shown._question.value
    assert shown._commands.layout.display == "none"
    buttons(shown)["Yes"].click()
    assert "Question 2: " in shown._question.value
    assert "You answered yes." in shown._status.value


def test_what_is_reported_begins_at_the_report_and_ends_where_the_evidence_leads() -> None:
    shown = DiagnosticFlowchart(evidence=TLSA)
    assert shown.walk.start == "report"
    assert "The TLSA records do not match the certificate" in shown._question.value
    assert "What to do" in shown._question.value
    assert "mx1.suedwind.example" in shown._commands.value
    assert shown._commands.layout.display is None


def test_a_probe_and_reports_are_evidence_each_and_together(sample: Archive, seen: Probe) -> None:
    """From the report where a failure is reported, from the mail that is held back where only the domain was seen."""
    reports = analysis.narrow(sample, "suedwind.example")
    assert DiagnosticFlowchart(archive=reports).walk.cause.code == "dane-tlsa-mismatch"
    alone = DiagnosticFlowchart(seen)
    assert (alone.walk.start, alone.walk.cause.code) == ("deferred", "mx-certificate-expired")
    with Lab("dane-mismatch", domain="suedwind.example") as lab:
        both = DiagnosticFlowchart(probe("suedwind.example", lab.settings), reports)
    assert (both.walk.start, both.walk.cause.code) == ("report", "dane-tlsa-mismatch")
    assert {step.by for step in both.walk.steps} == {"evidence"}


def test_overrule_back_jump_restart_and_further() -> None:
    shown = DiagnosticFlowchart(evidence=TLSA)
    press = buttons(shown)
    shown._answered.pick(shown._answered.choices[0][1])
    shown._new_answer.value = "yes"
    press["Overrule"].click()
    assert [step.position for step in shown.walk.steps if step.overruled] == ["tlsa-matches"]
    press["Restart"].click()
    assert shown.walk.cause.code == "dane-tlsa-mismatch"
    press["Take as fixed: continue"].click()
    assert shown.walk.fixed == {"dane-tlsa-mismatch"}
    press["Back"].click()
    assert shown.walk.cause.code == "dane-tlsa-mismatch"
    shown._target.pick("mx-old-tls")
    assert shown.walk.position == "dane-tlsa-mismatch", "going through a list moves nothing"
    press["Go there"].click()
    assert shown.walk.position == "mx-old-tls"
    shown._start.value = "deferred"
    press["Restart"].click()
    assert shown.walk.start == "deferred"


def test_what_the_evidence_says_to_a_question_jumped_to_is_shown_before_it_is_answered() -> None:
    shown = DiagnosticFlowchart(evidence=TLSA)
    shown._target.pick("tlsa-matches")
    buttons(shown)["Go there"].click()
    assert "Answer from evidence: <strong>no</strong>. 3 1 1 does not match" in shown._question.value


def test_how_much_is_drawn_is_a_choice() -> None:
    shown = DiagnosticFlowchart(evidence=TLSA)
    assert 'alt="Part of a flowchart' in shown._picture.value
    shown._extent.value = True
    assert 'alt="A flowchart' in shown._picture.value
    assert 'class="sts-scroll" role="region" tabindex="0"' in shown._picture.value, "made to fit it could not be read"
    buttons(shown)["Restart"].click()
    assert 'alt="A flowchart' in shown._picture.value, "the choice stays"


def test_the_picture_is_zoomed_by_a_class_and_not_loaded_again() -> None:
    shown = DiagnosticFlowchart(evidence=TLSA)
    before = shown._picture.value
    shown._zoom.value = "sts-large"
    assert shown._picture._dom_classes[-1] == "sts-large"
    assert "sts-fit" not in shown._picture._dom_classes
    assert shown._picture.value == before


def test_export_gives_files_at_the_first_click_and_says_so_beside_the_button(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = DiagnosticFlowchart(evidence=TLSA)
    assert shown._name.placeholder == "diagnosis-suedwind.example"
    press = buttons(shown)["Export as HTML and JSON"]
    press.click()
    assert "Written: " in shown._exported.value
    assert {file.suffix for file in tmp_path.iterdir()} == {".html", ".json"}
    row = next(box for box in shown.children if press in getattr(box, "children", ()))
    assert row.children.index(shown._exported) == row.children.index(press) + 1
    shown._name.value = str(tmp_path / "no-such-folder" / "walk")
    press.click()
    assert 'role="alert"' in shown._exported.value
    assert "no-such-folder" in shown._exported.value


def test_the_static_form_shows_the_picture_every_step_and_the_end() -> None:
    shown = DiagnosticFlowchart(evidence=TLSA)
    html = shown._repr_mimebundle_()["text/html"]
    assert "data:image/svg+xml;base64," in html
    assert 'alt="Part of a flowchart of ' in html
    for step in shown.walk.steps:
        assert step.observation in html
    for text in ("How to confirm it", "What to do", "How to verify the fix"):
        assert text in html


def test_every_control_has_a_name() -> None:
    shown = DiagnosticFlowchart(evidence=TLSA)
    controls = (
        ipywidgets.Button,
        ipywidgets.Combobox,
        ipywidgets.ToggleButtons,
        ipywidgets.Text,
        ipywidgets.Textarea,
        ipywidgets.Checkbox,
    )

    def walk_all(widget):
        yield widget
        for child in getattr(widget, "children", ()):
            yield from walk_all(child)

    found = [widget for widget in walk_all(shown) if isinstance(widget, controls)]
    assert len(found) > 10
    assert [widget for widget in found if not widget.description] == []
    # JupyterLab takes the arrow keys and letters pressed in these for its own.
    taken = (ipywidgets.Dropdown, ipywidgets.Select, ipywidgets.RadioButtons, ipywidgets.SelectionSlider)
    assert [widget for widget in walk_all(shown) if isinstance(widget, taken)] == []


def test_only_moves_that_can_be_made_are_enabled_and_the_focus_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    focused: list[str] = []
    monkeypatch.setattr(ipywidgets.Button, "focus", lambda button: focused.append(button.description))
    shown = DiagnosticFlowchart()
    press = buttons(shown)
    disabled = {name for name, button in press.items() if button.disabled}
    assert disabled == {"Take as fixed: continue", "Back", "Overrule"}
    press["No"].click()
    assert shown.walk.cause is not None
    assert press["No"].disabled
    assert focused == ["Take as fixed: continue"], "the pressed button cannot be pressed any more"
    press["Back"].click()
    assert {name for name, button in press.items() if button.disabled} == disabled
    assert focused == ["Take as fixed: continue", "Yes"]


def test_question_and_picture_come_first_in_panes_of_one_height() -> None:
    shown = DiagnosticFlowchart()
    first = shown.children[1]
    assert first.children == (shown._question, shown._picture)
    assert all("sts-pane" in pane._dom_classes for pane in first.children)
    assert [button.description for button in shown.children[2].children][:3] == ["Yes", "No", "Cannot tell"]


@pytest.mark.parametrize("place", ["dane-tlsa-mismatch", "tlsa-matches"])
def test_hostile_evidence_is_text(place: str) -> None:
    evidence = WalkEvidence(
        result_type="tlsa-invalid", causes={"dane-tlsa-mismatch": HOSTILE}, observed={"tlsa": HOSTILE}, domain=HOSTILE
    )
    shown = DiagnosticFlowchart(evidence=evidence)
    shown.session.jump(place)
    shown._refresh()
    for html in (
        shown._question.value,
        shown._steps.value,
        shown._picture.value,
        shown._status.value,
        shown._repr_html_(),
    ):
        assert "<script" not in html
        assert "<img src=x" not in html
