"""`ReportExplorer`: what can be chosen, what follows from it, and code that gives the same again."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mtasts_nb as sts
from mtasts_nb import analysis
from mtasts_nb.reports import Archive
from mtasts_nb.widgets import ReportExplorer
from mtasts_nb.widgets._report_explorer import MOST_OPTIONS, Exploration, Selection

from .conftest import HOSTILE


def run(code: str, archive: Archive, name: str = "archive") -> dict[str, Any]:
    """Run the code as a cell would; its names, and what it displays."""
    shown: list[object] = []
    names: dict[str, Any] = {name: archive, "display": shown.append}
    *before, last = code.splitlines()
    exec("\n".join(before), names)
    names["shown"], names["last"] = shown, eval(last, names)
    return names


CHOICES = [
    {},
    {"domain": "suedwind.example"},
    {"domain": "suedwind.example", "policy_type": "tlsa", "by": "receiving_mx_hostname"},
    {"start": date(2026, 8, 1), "end": date(2026, 8, 28), "by": "organization_name"},
    {"mx": "mx1.nordwind.example", "result_type": "certificate-expired"},
    {"mx": ""},
]


@pytest.mark.parametrize("chosen", CHOICES, ids=str)
def test_the_code_gives_the_same_again(sample: Archive, chosen: dict[str, Any]) -> None:
    exploration = Exploration(sample, Selection(**chosen))
    given_again = run(exploration.code, sample)
    pd.testing.assert_frame_equal(given_again["selection"].failures, exploration.chosen.failures)
    pd.testing.assert_frame_equal(given_again["selection"].sessions, exploration.chosen.sessions)
    assert given_again["last"]._repr_html_() == exploration.table._repr_html_()
    assert [one.alt for one in given_again["shown"]] == [sts.plots.alt_text(ax) for ax in exploration.figures()]


@settings(max_examples=50)
@given(value=st.text(max_size=40), start=st.none() | st.dates(date(1990, 1, 1), date(2100, 1, 1)))
def test_the_code_of_any_text_is_python_that_says_that_text(value: str, start: date | None) -> None:
    asked: dict[str, Any] = {}
    code = Exploration(Archive(), Selection(domain=value, mx=value, start=start), name="mine").code
    call = code.split("selection = ")[1].split("\nfor kind")[0]
    eval(call.replace("analysis.narrow", "keep"), {"keep": lambda archive, **given: asked.update(given), "mine": 0})
    assert asked == {"domain": value, "mx": value, **({"start": start.isoformat()} if start else {})}


def test_only_failures_are_narrowed_by_mx_and_result_type_never_sessions(sample: Archive) -> None:
    """RFC 8460 §4.4: successes are counted per policy alone."""
    whole, part = analysis.narrow(sample), analysis.narrow(sample, mx="mx1.nordwind.example")
    assert len(part.sessions) == len(whole.sessions)
    assert set(part.failures["receiving_mx_hostname"]) == {"mx1.nordwind.example"}
    both = analysis.narrow(sample, mx="mx1.nordwind.example", result_type="validation-failure")
    assert set(both.failures["result_type"]) == {"validation-failure"}


def test_a_reporter_and_a_policy_type_narrow_sessions_and_reports_too(sample: Archive) -> None:
    name = sample.sessions["organization_name"].iloc[0]
    part = analysis.narrow(sample, reporter=name, policy_type="sts")
    assert set(part.sessions["organization_name"]) == {name}
    assert set(part.reports["organization_name"]) == {name}
    assert set(part.sessions["policy_type"]) == {"sts"}
    nothing = analysis.narrow(sample, reporter="")
    assert len(nothing.sessions) == 0


def test_what_can_be_chosen_depends_on_days_and_domain_alone(sample: Archive) -> None:
    exploration = Exploration(sample, Selection(domain="suedwind.example", result_type="tlsa-invalid"))
    kinds = [value for _, value in exploration.options("result_type")]
    assert kinds[0] is None
    assert "certificate-expired" in kinds, "the choice of one result type does not hide the others"
    failures = sample.for_domain("suedwind.example").failures
    sums = failures.groupby(failures["result_type"].astype(str))["failed_session_count"].sum()
    assert {value: label for label, value in exploration.options("result_type")}["tlsa-invalid"].startswith(
        f"tlsa-invalid ({sums['tlsa-invalid']:,} failed)"
    )
    reporters = [value for _, value in exploration.options("reporter")][1:]
    sessions = sample.for_domain("suedwind.example").sessions
    assert sorted(reporters) == sorted(sessions["organization_name"].unique()), "also those that saw no failure"


def test_a_choice_that_the_rest_rules_out_stays_and_says_so(sample: Archive) -> None:
    exploration = Exploration(sample, Selection(result_type="certificate-expired"))
    exploration.choose(start=date(2026, 10, 30), end=date(2026, 10, 31), domain="suedwind.example")
    assert ("certificate-expired (nothing in these days)", "certificate-expired") in exploration.options("result_type")


@pytest.mark.parametrize(
    ("archive", "chosen", "said"),
    [
        ("empty", {}, "There is no report in this archive."),
        ("sample", {"start": date(2026, 5, 2), "end": date(2026, 5, 1)}, "is after the last"),
        ("sample", {"start": date(2031, 5, 2)}, "No report matches: unknown, which is not zero."),
        ("sample", {"domain": "other.example"}, "No report matches: unknown, which is not zero."),
        ("sample", {"policy_type": "tlsa"}, "failed sessions under tlsa."),
    ],
    ids=["no report", "days the wrong way round", "no report then", "no such domain", "some"],
)
def test_what_is_said(request, archive: str, chosen: dict[str, Any], said: str) -> None:
    explorer = ReportExplorer(Archive() if archive == "empty" else request.getfixturevalue(archive), **chosen)
    assert said in explorer.exploration.words
    assert said in explorer._words.value
    assert said in explorer._repr_html_()


def test_sts_and_tlsa_are_never_added_up(sample: Archive) -> None:
    words = Exploration(sample, Selection(domain="suedwind.example")).words
    assert "under sts and" in words
    assert "under tlsa" in words


def test_the_controls_follow_and_lead(sample: Archive) -> None:
    explorer = ReportExplorer(sample)
    explorer._lists["domain"].pick("suedwind.example")
    assert explorer.selection.domain == "suedwind.example"
    assert 'domain="suedwind.example"' in explorer._code.value
    assert "suedwind.example" in explorer._words.value
    explorer._days["start"].value = date(2026, 8, 1)
    explorer._by.value = "receiving_mx_hostname"
    assert explorer.selection == Selection(
        domain="suedwind.example", start=date(2026, 8, 1), by="receiving_mx_hostname"
    )
    assert set(explorer.archive.sessions["policy_domain"]) == {"suedwind.example"}
    explorer._all.click()
    assert explorer.selection == Selection(by="receiving_mx_hostname")
    assert explorer._lists["domain"].chosen is None
    assert explorer._days["start"].value is None
    assert "<img" in explorer._results.value
    assert explorer._results.value in explorer._repr_html_()


def test_a_part_of_a_name_chooses_nothing_yet(sample: Archive) -> None:
    explorer = ReportExplorer(sample)
    control = explorer._lists["domain"]
    label = next(label for label, value in control.choices if value == "suedwind.example")
    for typed in ("s", "suedwind", "no such domain"):
        control.value = typed
        assert explorer.selection.domain is None
    control.value = label
    assert explorer.selection.domain == "suedwind.example"
    assert control.value == "", "ready for the next choice, with what is chosen in its place"
    assert "suedwind.example" in control.placeholder


def test_a_part_of_a_name_and_enter_choose_the_first_that_fits(sample: Archive) -> None:
    explorer = ReportExplorer(sample)
    control = explorer._lists["domain"]
    for typed, chosen in (
        ("SUEDWIND", "suedwind.example"),
        ("no such domain", "suedwind.example"),
        ("", "suedwind.example"),
    ):
        control.value = typed
        control._handle_custom_msg({"event": "submit"}, [])
        assert explorer.selection.domain == chosen


def test_more_values_than_a_list_can_bear_are_counted() -> None:
    policies = [
        {
            "policy": {"policy-type": "sts", "policy-domain": f"d{number}.example"},
            "summary": {"total-successful-session-count": 1, "total-failure-session-count": 0},
        }
        for number in range(MOST_OPTIONS + 5)
    ]
    archive = _load(policies)
    options = Exploration(archive).options("domain")
    assert len(options) == MOST_OPTIONS + 1
    assert options[0][0] == "all 205 (the 200 with most failures are listed)"


def test_names_that_look_the_same_stay_apart() -> None:
    """A list control knows an option by its label alone."""
    long = "a" * 200
    policies = [
        {
            "policy": {"policy-type": "sts", "policy-domain": "nordwind.example"},
            "summary": {"total-successful-session-count": 1, "total-failure-session-count": 2},
            "failure-details": [
                {
                    "result-type": "validation-failure",
                    "receiving-mx-hostname": f"{long}{end}{long}",
                    "failed-session-count": 1,
                }
                for end in "xy"
            ],
        }
    ]
    explorer = ReportExplorer(_load(policies))
    labels = [label for label, _ in explorer.exploration.options("mx")]
    assert len(set(labels)) == 3
    explorer.choose(mx=f"{long}y{long}")
    assert explorer._lists["mx"].chosen == f"{long}y{long}"


def test_hostile_reports_are_shown_as_text(hostile_archive: Archive) -> None:
    explorer = ReportExplorer(hostile_archive)
    explorer.choose(mx=hostile_archive.failures["receiving_mx_hostname"].iloc[0])
    assert len(explorer.archive.failures) == 1
    for html in (explorer._repr_html_(), explorer._words.value, explorer._results.value):
        assert "<script" not in html
        assert "\u202e" not in html
        assert "onerror=alert(1)>" not in html
    assert HOSTILE not in explorer._code.value, "escaped in the code too"
    assert len(run(explorer.exploration.code, hostile_archive)["selection"].failures) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"by": "day"}, "by is 'day'"), ({"name": "my archive"}, "name is 'my archive'")],
    ids=str,
)
def test_a_slip_in_a_call_is_named(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReportExplorer(Archive(), **arguments)


def _load(policies: list[dict[str, Any]]) -> Archive:
    import json

    report = {
        "organization-name": "Post",
        "report-id": "1",
        "date-range": {"start-datetime": "2026-03-01T00:00:00Z", "end-datetime": "2026-03-01T23:59:59Z"},
        "policies": policies,
    }
    return sts.load(json.dumps(report).encode(), progress=False)
