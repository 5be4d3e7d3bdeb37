"""The figure of the policy history: what is on it, what is said about it, and whatever a stranger sends."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from matplotlib.figure import Figure

import mtasts_nb as sts
from mtasts_nb import plots
from mtasts_nb.plots._style import MODES
from mtasts_nb.reports import Archive

DAY = 86_400
FIRST = date(2026, 3, 1)
A = ("testing", 1, "mx1.nordwind.example")
B = ("enforce", 1, "mx1.nordwind.example")
NONE = "no-policy-found"


def report(reporter, offset, shown, domain="nordwind.example"):
    when = (FIRST + timedelta(days=offset)).isoformat()
    policies = []
    for one in shown:
        policy = {"policy-type": "no-policy-found" if one == NONE else "sts", "policy-domain": domain}
        if one and one != NONE:
            mode, age, mx = one
            policy["policy-string"] = ["version: STSv1", f"mode: {mode}", f"mx: {mx}", f"max_age: {age * DAY}"]
        summary = {"total-successful-session-count": 5, "total-failure-session-count": 0}
        policies.append({"policy": policy, "summary": summary})
    return json.dumps(
        {
            "organization-name": reporter, "contact-info": "tls@post.example", "report-id": f"{reporter} {when} {domain}",
            "date-range": {"start-datetime": f"{when}T00:00:00Z", "end-datetime": f"{when}T23:59:59Z"},
            "policies": policies,
        }
    ).encode()  # fmt: skip


def archive_of(told, domain="nordwind.example"):
    blobs = [report(name, day, shown, domain) for name, days in told.items() for day, shown in days.items()]
    return sts.load(*blobs, progress=False) if blobs else Archive()


def days(*parts):
    return {day: shown for first, last, shown in parts for day in range(first, last + 1)}


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.fixture(scope="module")
def change():
    return archive_of(
        {
            "Kontor": days((0, 9, [A]), (10, 10, [A, B]), (11, 19, [B])),
            "Bank": days((0, 12, [A]), (13, 19, [B])),
            "Stumm": days((0, 19, [None])),
            "Post": days((0, 4, [NONE]), (5, 9, [A]), (10, 19, [B])),
        }
    )


def test_it_is_drawn_and_told(change) -> None:
    ax = plots.policy_history(change)
    assert ax.get_title(loc="left").replace("\n", " ") == (
        "The policy changed once on 2026-03-11; 3 reporters applied it within 3 days"
    )
    assert legend(ax) == [
        "1  testing, max_age 1 day", "2  enforce, max_age 1 day", "no policy found", "report without a policy",
        "change, first day seen",
    ]  # fmt: skip
    told = plots.alt_text(ax)
    assert "4 reporters; 2 policies and 1 change seen." in told
    assert "Policy 2: enforce, max_age 1 day, mx mx1.nordwind.example." in told
    assert "2026-03-11: mode testing → enforce; 3 reporters applied it within 3 days." in told
    assert "For 1 reporter the policy is not observed: no policy-string in its reports." in told
    assert plots.to_png(ax).startswith(b"\x89PNG")


def test_each_policy_carries_its_number_and_each_change_says_from_which_to_which(change) -> None:
    written = [text.get_text() for text in plots.policy_history(change).texts]
    assert written.count("1") == 3
    assert written.count("2") == 3
    assert "1→2" in written


def test_a_day_that_shows_both_is_shared_and_all_other_days_are_whole(change) -> None:
    ax = plots.policy_history(change)
    heights = {}
    for patch in ax.patches:
        for corners in patch.get_path().to_polygons(closed_only=True):
            low, high = corners[:, 1].min(), corners[:, 1].max()
            heights.setdefault(patch.get_facecolor(), set()).add(round(high - low, 2))
    testing, enforce = ((*matplotlib_rgb(colour), 1.0) for colour in (MODES["testing"], MODES["enforce"]))
    assert heights[testing] == heights[enforce] == {0.46, 0.92}


def matplotlib_rgb(colour):
    return tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))


def test_policies_differ_without_colour() -> None:
    every = [(mode, age, "mx1") for mode in ("testing", "enforce") for age in range(1, 7)]
    ax = plots.policy_history(archive_of({"Kontor": {n: [one] for n, one in enumerate(every)}}))
    looks = {(patch.get_facecolor(), patch.get_hatch()) for patch in ax.get_legend().get_patches()}
    assert len(looks) == len(every)


def test_more_policies_than_there_are_looks_are_folded_and_counted() -> None:
    many = archive_of({"Kontor": {n: [("testing", n + 1, "mx1")] for n in range(10)}})
    assert "other (4 policies)" in legend(plots.policy_history(many))


def test_without_a_name_the_domain_with_the_most_changes_is_shown_and_the_others_are_counted(change) -> None:
    quiet = [report("Kontor", day, [A], "aardwind.example") for day in range(9)]
    loud = [
        report(name, day, [A] if day < 5 else [B])
        for name in ("Kontor", "Bank")
        for day in range(9)
    ]  # fmt: skip
    both = sts.load(*quiet, *loud, progress=False)
    ax = plots.policy_history(both)
    assert "nordwind.example" in plots.alt_text(ax)
    assert any("1 other policy domain not shown." in text.get_text().replace("\n", " ") for text in ax.texts)
    named = plots.policy_history(both, "aardwind.example")
    assert named.get_title(loc="left").startswith("1 policy and no change seen")
    assert not any("not shown" in text.get_text() for text in named.texts)


def test_most_reporters_are_counted_not_drawn(change) -> None:
    ax = plots.policy_history(change, most=2)
    assert len(ax.get_yticks()) == 2
    assert any("2 reporters with fewer days not shown." in text.get_text().replace("\n", " ") for text in ax.texts)
    with pytest.raises(ValueError, match="most is 0"):
        plots.policy_history(change, most=0)


def test_days_without_any_report_are_unknown() -> None:
    gap = archive_of({"Kontor": days((0, 4, [A]), (8, 9, [A]))})
    ax = plots.policy_history(gap)
    assert "3 days without any report: unknown" in legend(ax)
    assert "No report on 3 of 10 days: unknown, not zero." in plots.alt_text(ax)


def test_where_no_report_says_which() -> None:
    ax = plots.policy_history(archive_of({"Stumm": days((0, 3, [None])), "Still": days((0, 3, [None]))}))
    assert ax.get_title(loc="left").startswith("No report shows a policy")
    assert "For 2 reporters the policy is not observed: no policy-string in their reports." in plots.alt_text(ax)


def test_a_period_and_a_panel_of_the_caller(change) -> None:
    panel = Figure(figsize=(4, 3), layout="constrained").add_subplot()
    ax = plots.policy_history(change, period=("2026-03-01", "2026-03-05"), ax=panel)
    assert ax is panel
    assert ax.get_title(loc="left").startswith("1 policy")
    plots.to_png(ax)


def test_changes_close_together_are_named_on_two_lines() -> None:
    turns = archive_of({"Kontor": days((0, 49, [A]), (50, 51, [B]), (52, 99, [("enforce", 7, "mx1")]))})
    ax = plots.policy_history(turns)
    named = {text.get_text(): text.get_position()[1] for text in ax.texts if "→" in text.get_text()}
    assert set(named) == {"1→2", "2→3"}
    assert named["1→2"] > named["2→3"] > ax.get_ylim()[1]


def test_whatever_was_reported(situation) -> None:
    _, archive, asked = situation
    ax = plots.policy_history(archive, **asked)
    assert plots.alt_text(ax)
    plots.to_png(ax, dpi=50)


@pytest.mark.parametrize("text", ["$x^2$", "<script>alert(1)</script>", "\x1b[31m\x00", "見出し", "m" * 4000])
def test_strangers_text(text) -> None:
    told = {text: {n: [("enforce", n + 1, text)] for n in range(4)}}
    ax = plots.policy_history(archive_of(told))
    plots.to_svg(ax)
    assert "\x1b" not in plots.alt_text(ax)
    assert len(plots.alt_text(ax)) < 6000
