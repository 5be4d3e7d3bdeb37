"""What a figure says: what it is about, what it leaves out, and the finding in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from matplotlib.figure import Figure

from mtasts_nb import plots
from mtasts_nb.reports import Archive

EXPIRED, FETCH, TLSA = "certificate-expired", "sts-policy-fetch-error", "tlsa-invalid"
MX1, MX2 = "mx1.nordwind.example", "mx2.nordwind.example"
EVERY = (
    plots.failures_over_time,
    plots.failures_by_mx,
    plots.success_share,
    plots.mx_by_result,
    plots.reporter_coverage,
)


@pytest.fixture(scope="module")
def story(archive: Callable[..., Archive], session: type) -> Archive:
    """Five days, one of them without a report; two domains; the same sessions under sts and tlsa."""
    return archive(
        [
            session(0, ((EXPIRED, MX1, 10), (FETCH, None, 4)), good=86),
            session(0, ((TLSA, MX1, 412),), good=88, policy_type="tlsa"),
            session(1, ((EXPIRED, MX1, 30), (EXPIRED, MX2, 6)), good=64, reporter="Second Post"),
            session(1, good=30, policy_type="no-policy-found"),
            session(3, good=100),
            session(4, ((EXPIRED, "mx1.suedwind.example", 50),), good=50, domain="suedwind.example"),
        ]
    )


def said(ax: object) -> str:
    """Title and notes of a figure, on one line."""
    notes = [text.get_text() for text in ax.texts]
    return " ".join([ax.get_title(loc="left"), *notes]).replace("\n", " ")


def test_title_says_how_many_where_and_when(story: Archive) -> None:
    ax = plots.failures_over_time(story)
    assert ax.get_title(loc="left") == "100 failed sessions (96 at 3 MX), 2026-03-01 to 2026-03-05"
    assert "2 policy domains, policy type sts" in said(ax)
    one = plots.failures_over_time(story, domain="suedwind.example")
    assert one.get_title(loc="left") == "50 failed sessions at 1 MX, 2026-03-05"
    assert "suedwind.example, policy type sts" in said(one)
    assert ax.get_ylabel() == "failed sessions per day"
    assert ax.get_xlabel() == "day (UTC)"


@pytest.mark.parametrize("draw", EVERY[:4])
def test_other_policy_types_are_named_and_never_added(story: Archive, draw: Callable[..., object]) -> None:
    ax = draw(story)
    words = "0 failed sessions of 30 under no-policy-found, 412 failed sessions of 500 under tlsa."
    assert f"Not shown: {words}" in said(ax)
    assert words in plots.alt_text(ax)
    assert "100 " in said(ax)


def test_policy_type_can_be_chosen_and_added_only_by_name(story: Archive) -> None:
    assert "412 failed sessions at 1 MX" in said(plots.failures_over_time(story, policy_type="tlsa"))
    added = said(plots.failures_over_time(story, policy_type="*"))
    assert "512 failed sessions" in added
    assert "all policy types added (sessions may count twice)" in added
    assert "Not shown" not in added
    with pytest.raises(ValueError, match="never added unasked"):
        plots.failures_over_time(story, policy_type=["sts", "tlsa"])


@pytest.mark.parametrize(
    ("kinds", "shown"),
    [(("tlsa",), "tlsa"), (("no-policy-found", "tlsa"), "tlsa"), (("zzz", "no-policy-found"), "no-policy-found"), (("b", "a"), "a")],
)  # fmt: skip
def test_without_sts_the_type_that_is_there_is_shown(
    archive: Callable[..., Archive], session: type, kinds: tuple[str, ...], shown: str
) -> None:
    source = archive(session(0, policy_type=kind) for kind in kinds)
    assert f"policy type {shown}" in said(plots.success_share(source))


def test_alt_text_states_the_finding(story: Archive) -> None:
    assert plots.alt_text(plots.failures_over_time(story)) == (
        "Failed sessions per day, stacked by result type. 2 policy domains, policy type sts, 2026-03-01 to 2026-03-05 UTC. "
        "100 of 400 reported sessions failed (25.0 %). 96 of them failed at 3 MX. "
        "The peak is 2026-03-05 with 50 failed sessions, 50 of them certificate-expired. "
        "Most are certificate-expired 96 (96.0 %), sts-policy-fetch-error 4 (4.0 %). "
        "No report on 1 of 5 days: unknown, not zero. "
        "Not shown: 0 failed sessions of 30 under no-policy-found, 412 failed sessions of 500 under tlsa."
    )
    by_mx = plots.alt_text(plots.failures_by_mx(story))
    assert "mx1.suedwind.example: 50 (50.0 %), most on 2026-03-05 (50)" in by_mx
    assert "no MX (policy host, or not given): 4 (4.0 %)" in by_mx
    share = plots.alt_text(plots.success_share(story))
    assert "Over all days 75.0 % of 400 reported sessions succeeded." in share
    assert "The lowest day is 2026-03-05 with 50.0 % of 100." in share
    table = plots.alt_text(plots.mx_by_result(story))
    assert "certificate-expired at mx1.suedwind.example with 50 (50.0 %)" in table
    coverage = plots.alt_text(plots.reporter_coverage(story))
    assert "2 reporters, on average 1.0 a day." in coverage
    assert "Example Post has the most days, 4 of 5; Second Post the fewest, 1." in coverage
    assert "On 3 days at least one reporter reported failed sessions." in coverage


def test_few_sessions_are_called_little_evidence(archive: Callable[..., Archive], session: type) -> None:
    source = archive([session(0, good=3), session(1, good=3000)])
    assert "1 day with fewer than 30 sessions" in plots.alt_text(plots.success_share(source))


def test_share_axis_is_whole_and_gaps_stay_gaps(story: Archive) -> None:
    ax = plots.success_share(story)
    assert list(ax.get_yticks()) == [0, 0.25, 0.5, 0.75, 1]
    assert ax.get_ylim()[0] <= 0 < 1 <= ax.get_ylim()[1]
    steps = [patch for patch in ax.patches if patch.get_linewidth() == 1.6]
    assert sum(len(step.get_data().values) for step in steps) == 4  # of five days one is unknown


def test_no_failure_is_said_and_is_not_the_same_as_no_report(archive: Callable[..., Archive], session: type) -> None:
    fine = plots.failures_over_time(archive(session(day) for day in range(3)))
    assert "No session failed in 270 reported sessions" in plots.alt_text(fine)
    assert "No session failed in 270 reported sessions" in plots.show(fine).sentence, "a sentence, no empty axis"
    for draw in EVERY:
        nothing = draw(archive([]))
        assert "No reports in this period" in said(nothing)
        assert plots.alt_text(nothing).startswith("An empty figure.")


def test_by_mx_gives_a_frame_with_a_panel_for_each(archive: Callable[..., Archive], session: type) -> None:
    source = archive([session(0, (*((EXPIRED, f"mx{n}.nordwind.example", 9 - n) for n in range(9)), (FETCH, None, 1)))])
    frame = plots.failures_by_mx(source)
    assert len(frame.child_axes) == 8  # six, the rest, and those at no MX
    assert len({panel.get_xlim() for panel in frame.child_axes}) == 1
    assert len(plots.failures_by_mx(source, most=2).child_axes) == 4


@pytest.mark.parametrize(
    ("counts", "share_y", "scales"),
    [((50, 40), None, 1), ((5000, 9), None, 2), ((5000, 9), True, 1), ((50, 9), False, 2)],
)
def test_one_scale_unless_it_hides_a_small_mx(
    archive: Callable[..., Archive], session: type, counts: tuple[int, int], share_y: bool | None, scales: int
) -> None:
    source = archive([session(0, ((EXPIRED, MX1, counts[0]), (EXPIRED, MX2, counts[1])))])
    frame = plots.failures_by_mx(source, share_y=share_y)
    assert len({panel.get_ylim() for panel in frame.child_axes}) == scales
    assert ("All panels have one scale" in said(frame)) == (scales == 1)
    assert ("a scale of its own" in said(frame)) == (scales == 2)


@pytest.mark.parametrize(
    "period",
    [
        ("2026-02-27", "2026-03-06"),
        (date(2026, 2, 27), date(2026, 3, 6)),
        (datetime(2026, 2, 27, 13, tzinfo=UTC), "2026-03-06T23:59:59+00:00"),
        ("2026-02-27T01:00:00-05:00", "2026-03-07T00:30:00+01:00"),
    ],
)
def test_period_includes_both_days_and_shows_unknown_edges(story: Archive, period: tuple[object, object]) -> None:
    told = plots.alt_text(plots.failures_over_time(story, period=period))
    assert "2026-02-27 to 2026-03-06 UTC" in told
    assert "No report on 4 of 8 days: unknown" in told


@pytest.mark.parametrize("period", [("2026-03-02", "2026-03-01"), ("1990-01-01", "2026-01-01")])
@pytest.mark.parametrize("draw", EVERY)
def test_impossible_periods_are_refused(story: Archive, draw: Callable[..., object], period: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="expected a first day and a last day"):
        draw(story, period=period)


def test_wrong_arguments_say_what_was_expected(story: Archive) -> None:
    with pytest.raises(ValueError, match="expected any of result_type, receiving_mx_hostname, organization_name"):
        plots.failures_over_time(story, by="receiving_ip")
    for draw in (plots.failures_over_time, plots.failures_by_mx, plots.mx_by_result, plots.reporter_coverage):
        with pytest.raises(ValueError, match="at least 1"):
            draw(story, most=0)


def test_a_date_far_off_is_left_out_and_named(archive: Callable[..., Archive], session: type) -> None:
    source = archive([session(-15000, ((EXPIRED, MX1, 7),)), session(0, ((EXPIRED, MX1, 2),)), session(4)])
    words = said(plots.failures_over_time(source))
    assert "2 failed sessions at 1 MX, 2026-03-01 to 2026-03-05" in words
    assert "Not shown: 7 failed sessions dated far off, on 1 day from 1985-02-04 to 1985-02-04." in words


def test_a_strangers_name_cannot_pass_for_our_words(archive: Callable[..., Archive], session: type) -> None:
    names = ("other (3 MX)", "no MX (policy host, or not given)")
    source = archive([session(0, tuple((EXPIRED, name, 5) for name in names))])
    legend = [
        text.get_text() for text in plots.failures_over_time(source, by="receiving_mx_hostname").get_legend().texts
    ]
    assert legend == ["5  “other (3 MX)”", "5  “no MX (policy host, or not given)”"]


def test_domain_is_found_in_any_case_and_with_a_dot(story: Archive) -> None:
    assert "50 failed" in said(plots.failures_over_time(story, domain=" SuedWind.example."))


def test_letters_can_be_read_on_a_dark_figure(story: Archive) -> None:
    figure = Figure((7, 5), facecolor="#101418", layout="constrained")
    ax = plots.failures_over_time(story, ax=figure.add_subplot())
    assert ax.title.get_color() != "#101418"
    assert ax._left_title.get_color() == "#f0f3f6"
    assert ax.get_facecolor() == (1.0, 1.0, 1.0, 1.0)
