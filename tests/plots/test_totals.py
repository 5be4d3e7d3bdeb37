"""What is drawn adds up to what `daily` says, day by day, however it is folded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from mtasts_nb import plots
from mtasts_nb.plots import _days, _series, _view
from mtasts_nb.plots._heat import _table
from mtasts_nb.plots._share import wilson
from mtasts_nb.reports import Archive, daily

KEYS = ("result_type", "receiving_mx_hostname", "organization_name")

failures = st.lists(
    st.tuples(
        st.sampled_from(["certificate-expired", "sts-policy-invalid", "validation-failure", "odd", "unattributed"]),
        st.sampled_from([None, *(f"mx{n}.nordwind.example" for n in range(14))]),
        st.integers(0, 10**6),
    ),
    max_size=4,
)
sessions = st.lists(
    st.tuples(
        st.integers(0, 70), failures, st.integers(0, 500), st.sampled_from([*"ABCDEFGHIJKL", ""]),
        st.sampled_from(["nordwind.example", "suedwind.example"]), st.sampled_from(["sts", "tlsa", "no-policy-found"]),
    ),
    min_size=1, max_size=25,
)  # fmt: skip


@pytest.fixture(scope="session")
def build(archive: Callable[..., Archive], session: type) -> Callable[[list[Any]], Archive]:
    return lambda rows: archive(session(d, tuple(f), good, who, domain, kind) for d, f, good, who, domain, kind in rows)


def areas(ax: Axes) -> list[float]:
    """The area of each filled path of a stack, in sessions: height times days."""
    width = 0.84 if np.diff(ax.get_xlim())[0] <= 45 else 1.0
    found = [patch.get_path() for patch in ax.patches if isinstance(patch, PathPatch) and patch.get_zorder() == 2]
    return [_area(path) / width for path in found]


def _area(path: Path) -> float:
    total = 0.0
    for part in path.to_polygons():
        # From the first corner: the day numbers are large beside a session.
        x, y = (part - part[0]).T
        total += abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))) / 2
    return total


@settings(max_examples=40)
@given(rows=sessions, key=st.sampled_from(KEYS), most=st.integers(1, 15))
def test_series_add_up_to_daily(build: Callable[..., Archive], rows: list[Any], key: str, most: int) -> None:
    source = build(rows)
    shown = _view.view_of(source, (key,), policy_type="sts")
    series = _series.fold(shown, key, most)
    table = daily(source, (key,), policy_type="sts")
    assert sum(one.total for one in series) == table["failed"].sum() == shown.failed.sum()
    by_day = sum((one.values for one in series), np.zeros(shown.days, np.int64))
    assert (by_day == shown.failed).all()
    named = [one for one in series if len(one.members) == 1]
    assert len(named) <= most + 1
    members = [name for one in series for name in one.members]
    assert len(members) == len(set(members))
    folded = [one for one in series if len(one.members) > 1]
    assert all(f"other ({len(one.members)} " in one.name for one in folded)
    assert len(folded) <= 1
    if folded:  # nothing that is folded is larger than what has a name
        alone = {name: table.loc[table[key] == name, "failed"].sum() for name in folded[0].members}
        assert max(alone.values()) <= min(one.total for one in named)


@settings(max_examples=20)
@given(rows=sessions)
def test_denominators_are_not_added_over_groups_or_types(build: Callable[..., Archive], rows: list[Any]) -> None:
    source = build(rows)
    for key in KEYS:
        for kind in ("sts", "tlsa"):
            shown = _view.view_of(source, (key, "receiving_mx_hostname")[: 1 + (key != KEYS[1])], policy_type=kind)
            want = sum(good + sum(count for *_, count in found) for _, found, good, _, _, of in rows if of == kind)
            assert shown.sessions.sum() == want
            assert shown.unknown_days == shown.days - len({day for day, *_, of in rows if of == kind} or {0}) + (
                0 if any(of == kind for *_, of in rows) else 1
            )


@settings(max_examples=12)  # two figures each
@given(rows=sessions, by=st.sampled_from(KEYS))
def test_areas_drawn_add_up(build: Callable[..., Archive], rows: list[Any], by: str) -> None:
    source = build(rows)
    want = int(daily(source, (), policy_type="sts")["failed"].sum())
    if not any(of == "sts" for *_, of in rows):
        return
    ax = plots.failures_over_time(source, by=by, policy_type="sts")
    assert sum(areas(ax)) == pytest.approx(want, rel=1e-6, abs=1e-3)
    # One lies on the other: the top of the stack is the day's sum.
    tops = [patch.get_path().vertices[:, 1].max() for patch in ax.patches if len(patch.get_path().vertices)]
    bands = 1 if _view.view_of(source, (), policy_type="sts").unknown_days else 0  # a band ends at 1 of its axes
    assert max([*tops, bands]) == max(int(_view.view_of(source, (), policy_type="sts").failed.max()), bands)
    panels = plots.failures_by_mx(source, policy_type="sts").child_axes
    assert sum(sum(areas(panel)) for panel in panels) == pytest.approx(want, rel=1e-6, abs=1e-3)


@settings(max_examples=20)
@given(rows=sessions)
def test_table_cells_add_up(build: Callable[..., Archive], rows: list[Any]) -> None:
    shown = _view.view_of(build(rows), ("receiving_mx_hostname", "result_type"), policy_type="sts")
    hosts, kinds = _series.fold(shown, "receiving_mx_hostname", 3), _series.fold(shown, "result_type", 2)
    if hosts:
        table = _table(shown, hosts, kinds)
        assert list(table.sum(axis=1)) == [host.total for host in hosts]
        assert list(table.sum(axis=0)) == [kind.total for kind in kinds]


@settings(max_examples=20)
@given(flags=st.lists(st.booleans(), min_size=1, max_size=90))
def test_days_without_a_report_are_hatched_and_no_others(
    archive: Callable[..., Archive], session: type, flags: list[bool]
) -> None:
    if not any(flags):
        return
    source = archive(
        session(day, (("certificate-expired", "mx1.nordwind.example", 1),)) for day, came in enumerate(flags) if came
    )
    period = ("2026-03-01", np.datetime64("2026-03-01") + np.timedelta64(len(flags) - 1, "D"))
    axes = plots.failures_over_time(source, period=period)
    bands = [patch for patch in axes.patches if isinstance(patch, PathPatch) and patch.get_zorder() == 0.6]
    first = int(np.datetime64("2026-03-01").astype(int))
    hatched = {
        day
        for patch in bands
        for part in patch.get_path().to_polygons()
        for day in range(round(part[:, 0].min()) - first, round(part[:, 0].max()) - first)
    }
    assert hatched == {day for day, came in enumerate(flags) if not came}
    told = plots.alt_text(axes)
    assert (f"No report on {len(hatched)} of " in told) == bool(hatched)


@given(heights=st.lists(st.integers(0, 5), min_size=1, max_size=120))
def test_bars_fill_exactly_their_days(heights: list[int]) -> None:
    low = np.arange(len(heights)) % 3
    path = _days.bars(20_000, low, low + np.array(heights))
    width = 0.84 if len(heights) <= 45 else 1
    assert _area(path) == pytest.approx(sum(heights) * width, abs=1e-6)


@given(done=st.integers(0, 10**12), failed=st.integers(0, 10**12))
def test_wilson_holds_the_share_and_stays_a_share(done: int, failed: int) -> None:
    low, high = wilson(np.array([done]), np.array([done + failed]))
    if done + failed == 0:
        assert np.isnan(low[0])
        assert np.isnan(high[0])
    else:
        assert 0 <= low[0] <= done / (done + failed) <= high[0] <= 1


@pytest.mark.parametrize(
    ("done", "of", "low", "high"),
    # L. D. Brown, T. T. Cai, A. DasGupta, "Interval Estimation for a Binomial Proportion" (2001), by their formula (4).
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (1, 2, 0.0945, 0.9055), (81, 263, 0.2553, 0.3662)],
)  # fmt: skip
def test_wilson_agrees_with_known_intervals(done: int, of: int, low: float, high: float) -> None:
    found = wilson(np.array([done]), np.array([of]))
    assert [float(edge[0]) for edge in found] == pytest.approx([low, high], abs=5e-5)
