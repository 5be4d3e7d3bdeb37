"""The planner as a view: what its controls do, and that its HTML shows the same."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import ipywidgets
import pytest

import mtasts_nb as sts
from mtasts_nb.probe import Provider
from mtasts_nb.publish._clean import clean_output
from mtasts_nb.widgets import RollbackPlanner

NOW = datetime(2026, 2, 8, 18, 0, tzinfo=UTC)
POLICY = "version: STSv1\nmode: enforce\nmx: mx1.nordwind.example\nmax_age: 604800\n"


def planner(policy: str = POLICY, record: str = "v=STSv1; id=1;", ttl: Any = 3600, **more: Any) -> RollbackPlanner:
    return RollbackPlanner(policy, record, ttl, domain="nordwind.example", now=lambda: NOW, **more)


def controls(view: Any, kind: type) -> dict[str, Any]:
    found = {}
    for child in getattr(view, "children", ()):
        if isinstance(child, kind):
            found[child.description] = child
        found.update(controls(child, kind))
    return found


def test_it_shows_the_plan_that_the_function_gives() -> None:
    shown = planner()
    made = sts.plan_rollback(POLICY, "v=STSv1; id=1;", 3600, domain="nordwind.example", now=lambda: NOW)
    assert shown.plan is not None
    assert str(shown.plan) == str(made)
    texts = controls(shown, ipywidgets.Textarea) | controls(shown, ipywidgets.Text)
    assert texts["1. Policy file"].value == made.policy
    assert texts["2. Record"].value == made.record


def test_buttons_lead_through_in_order() -> None:  # RFC 8461 §8.1
    shown = planner()
    buttons = controls(shown, ipywidgets.Button)
    file, record = buttons["The policy file is published"], buttons["The record is published"]
    assert (file.disabled, record.disabled) == (False, True)
    file.click()
    assert (file.disabled, record.disabled) == (True, False)
    record.click()
    assert (file.disabled, record.disabled) == (True, True)
    assert "Both were published by 2026-02-08 18:00 UTC" in shown._repr_html_()
    buttons["Start over"].click()
    assert shown.plan is None


def test_a_field_that_changes_drops_the_plan_until_it_is_made_again() -> None:
    shown = planner()
    controls(shown, ipywidgets.Text)["TTL of the record"].value = "never"
    assert shown.plan is None
    controls(shown, ipywidgets.Button)["Make the plan"].click()
    assert "not a length of time" in shown._repr_html_()
    assert 'role="alert"' in shown._repr_html_()
    controls(shown, ipywidgets.Text)["TTL of the record"].value = "300"
    assert shown.make() is shown.plan is not None


def test_every_control_has_a_name_and_can_be_reached_by_keyboard() -> None:
    shown = planner()
    for kind in (ipywidgets.Text, ipywidgets.Textarea, ipywidgets.Button):
        named = controls(shown, kind)
        assert named
        assert "" not in named
    # Longer labels would be cut off.
    assert max(len(name) for kind in (ipywidgets.Text, ipywidgets.Textarea) for name in controls(shown, kind)) <= 17
    assert not any(control.disabled for control in controls(shown, ipywidgets.Textarea).values())


def test_the_published_page_shows_the_same() -> None:
    shown = planner()
    bundle = shown._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    html = clean_output(bundle["text/html"])
    assert shown.plan is not None
    for text in (
        "mode: testing",
        shown.plan.record,
        "many guides say",
        "The way back to enforce",
        "Assumptions about senders",
    ):
        assert text in html
    assert "Forecast of how senders come back" in html  # the figure's alternative text
    assert "<img" in html
    assert "<script" not in html


def test_empty_at_first() -> None:
    shown = RollbackPlanner(now=lambda: NOW)
    assert shown.plan is None
    assert "Paste the policy" in shown._repr_html_()
    assert repr(shown).startswith("<RollbackPlanner: editing. Paste")


@pytest.mark.parametrize("field", ["policy", "record", "ttl", "domain", "previous_max_age", "blocked_since"])
def test_hostile_texts_are_shown_as_text(field: str) -> None:
    bad = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    given = {"policy": POLICY, "record": "v=STSv1; id=1;", "ttl": "300", field: bad}
    shown = RollbackPlanner(**given, now=lambda: NOW)
    for html in (shown._repr_html_(), *(child.value for child in controls(shown, ipywidgets.HTML).values())):
        assert "<script" not in html
        assert "<img src=x" not in html


def test_since_when_mail_is_deferred_is_picked() -> None:
    shown = planner(blocked_since="2026-02-08T09:00+01:00")
    picker = shown._fields["blocked_since"]
    assert picker.value == datetime.fromisoformat("2026-02-08T08:00"), "in UTC"
    picker.value = datetime.fromisoformat("2026-02-08T10:30")
    assert shown.state.given["blocked_since"] == "2026-02-08T10:30"
    picker.value = None
    assert shown.state.given["blocked_since"] == ""


def test_a_service_that_hosts_the_policy_is_named_also_after_an_edit() -> None:  # RFC 8461 §8.2
    hoster = Provider(name="EasyDMARC", role="policy host", evidence="CNAME nordwind_example_mta_sts.easydmarc.pro")
    shown = planner(probe=SimpleNamespace(domain="nordwind.example", providers=(hoster,)))
    assert "at your provider, EasyDMARC" in shown._repr_html_()
    controls(shown, ipywidgets.Text)["TTL of the record"].value = "1 h"
    controls(shown, ipywidgets.Button)["Make the plan"].click()
    assert "at your provider, EasyDMARC" in shown._repr_html_()
    controls(shown, ipywidgets.Text)["Policy domain"].value = "suedwind.example"
    assert shown.make() is None
    assert "the probe is of nordwind.example" in shown.state.problem
