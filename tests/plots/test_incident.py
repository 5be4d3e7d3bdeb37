"""The timeline of one incident: what is on it, what is said about it, and whatever a stranger sends."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.figure import Figure

import mtasts_nb as sts
from mtasts_nb import plots

EXPIRED, FAILURE = "certificate-expired", "validation-failure"
MX1 = "mx1.nordwind.example"
BY = ("organization_name", "result_type", "receiving_mx_hostname")


@pytest.fixture(scope="module")
def source(archive, session):
    """Three reporters for 60 days; one sees an expired certificate from day 30 to 37, and is silent on days 33 and 34."""
    rows = []
    for day in range(60):
        rows += [session(day, good=500, reporter=name) for name in ("Kontor", "Bank")]
        if day not in (33, 34):
            rows.append(session(day, ((EXPIRED, MX1, 60),) if 30 <= day < 38 else (), good=400, reporter="Post"))
    return archive(rows)


@pytest.mark.parametrize("by", BY)
def test_it_is_drawn_and_told(source, by) -> None:
    ax = plots.incident(source, 1, by=by)
    told = plots.alt_text(ax)
    assert "certificate-expired at mx1.nordwind.example: 360 failed sessions 2026-03-31 to 2026-04-07" in told
    assert "The peak is 2026-03-31 with 60." in told
    assert "On the median day before it there were 0." in told
    assert ax.get_title(loc="left").replace("\n", " ").startswith("360 failed sessions: certificate-expired at mx1")
    assert plots.to_png(ax).startswith(b"\x89PNG")


def test_by_reporter_it_says_what_is_normal_and_what_is_not_known(source) -> None:
    ax = plots.incident(source, 1)
    told = plots.alt_text(ax)
    assert "6 days are above what is normal." in told
    assert "On 2 days no report from those that saw most of it came: unknown, not zero." in told
    entries = [text.get_text() for text in ax.get_legend().get_texts()]
    assert entries == [
        "360  Post",
        "upper bound of what is normal (99.8 %)",
        "2 days without its main reporters: unknown",
    ]


def test_a_row_and_its_number_give_the_same_figure(source) -> None:
    row = sts.find_incidents(source).iloc[0]
    first = plots.to_svg(plots.incident(source, 1))
    assert plots.to_svg(plots.incident(source, row)) == first
    assert plots.to_svg(plots.incident(source, row.to_dict())) == first


def test_events_are_marked_in_the_order_of_time(source) -> None:
    events = pd.DataFrame(
        {
            "time": ["2026-04-07T18:00", "2026-03-31T09:15+02:00", "2020-01-01", "no time at all"],
            "text": ["Renewed", "Certificate $ran$ out", "Long before", "Nowhere"],
        }
    )
    ax = plots.incident(source, 1, events=events)
    told = plots.alt_text(ax)
    assert "Event 1, 2026-03-31 07:15 UTC: Certificate $ran$ out. Event 2, 2026-04-07 18:00 UTC: Renewed." in told
    assert "Long before" not in told
    assert "Event 3" not in told
    assert any("1 event without a time in the form 2026-02-08T14:05." in text.get_text() for text in ax.texts)
    plots.to_png(ax)


def test_more_events_than_room_are_counted(source) -> None:
    events = pd.DataFrame({"time": pd.date_range("2026-03-30", periods=14, freq="h"), "text": map(str, range(14))})
    ax = plots.incident(source, 1, events=events)
    assert "Event 9" in plots.alt_text(ax)
    assert "Event 10" not in plots.alt_text(ax)
    assert any("5 more events not marked." in text.get_text() for text in ax.texts)


def test_an_open_incident_has_no_end_mark(archive, session) -> None:
    rows = [session(day, ((EXPIRED, MX1, 60),) if day >= 36 else (), good=400) for day in range(40)]
    told = plots.alt_text(plots.incident(archive(rows), 1))
    assert "240 failed sessions from 2026-04-06 on" in told
    assert "It was still occurring on the last day with reports; last seen on 2026-04-09." in told


def test_on_a_panel_of_the_caller_and_around(source) -> None:
    figure = Figure(figsize=(4, 4), layout="constrained")
    panel = figure.add_subplot()
    assert plots.incident(source, 1, around=0, ax=panel) is panel
    assert panel.get_xlim() == (20543, 20551)  # 2026-03-31 to 2026-04-07


@pytest.mark.parametrize("by", BY)
def test_whatever_was_reported(situation, by) -> None:
    _, archive, _ = situation
    for number, row in enumerate(sts.find_incidents(archive).head(3).to_dict("records")):
        ax = plots.incident(archive, row, by=by)
        assert plots.alt_text(ax).startswith("Timeline of an incident")
        if number == 0:
            plots.to_png(ax, dpi=50)
        else:
            ax.figure.draw_without_rendering()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"incident": 2}, "has 1 to 1"),
        ({"incident": 1, "by": "receiving_ip"}, "receiving_ip"),
        ({"incident": 1, "around": -1}, "around is -1"),
    ],
)
def test_what_cannot_be_asked(source, asked, expected) -> None:
    with pytest.raises(ValueError, match=expected):
        plots.incident(source, **asked)
