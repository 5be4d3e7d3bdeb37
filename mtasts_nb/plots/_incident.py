"""One incident on its timeline: what failed, what would have been normal, and what was done when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from ..analysis import expected_failures, find_incidents
from ..markup import number, plural, share, when
from ._canvas import empty_without_reports, lay_out
from ._days import (
    count_axis,
    count_points,
    day_axis,
    day_tips,
    draw_stack,
    name_peak,
    no_report,
    runs,
    stack_entries,
    swatch,
)
from ._series import fold
from ._show import set_alt, set_tips
from ._style import (
    EVENT,
    FONT,
    INCIDENT,
    INCIDENT_EDGE,
    MARK,
    NO_REPORT,
    NO_REPORT_HATCH,
    PANEL,
    TEXT_SIZE,
    label,
    with_defaults,
)
from ._view import KEYS, MX, REPORTER, RESULT_TYPE, day_number, day_of, view_of

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from ..reports import Source
    from ._view import Bools, Floats, View

__all__ = ["incident"]

_MOST_EVENTS: Final = 9
_TENTH: Final = 0.1
_BOUND_LINE: Final[dict[str, Any]] = {"color": MARK, "linewidth": 1.3, "linestyle": (0, (4, 2))}
_EVENT_LINE: Final[dict[str, Any]] = {"color": EVENT, "linewidth": 1.3, "linestyle": ":"}

_Events = list[tuple[pd.Timestamp, str]]


@dataclass(frozen=True, slots=True)
class _Incident:
    """A row of `find_incidents`, with days as numbers since 1970-01-01."""

    start: int
    end: int
    peak: int
    policy_domain: str
    policy_type: str
    host: str
    result_type: str
    failed: int
    part: float
    reporters: tuple[str, ...]
    ongoing: bool

    @property
    def title(self) -> str:
        at = f" at {label(self.host)}" if self.host else ""
        return f"{label(self.result_type)}{at}"

    @property
    def dates(self) -> str:
        first, last = when(day_of(self.start)), when(day_of(self.end))
        if self.ongoing:
            return f"from {first} on"
        return f"on {first}" if first == last else f"{first} to {last}"


@with_defaults
def incident(
    source: Source,
    incident: Mapping[str, Any] | pd.Series | int,
    *,
    by: str = REPORTER,
    events: pd.DataFrame | None = None,
    around: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Return an Axes with the days of one incident and around it.

    By reporter, the bars are the failures of the incident's kind, and a line shows how many would still have been normal;
    days for which the main reporters of the incident sent no report are hatched grey: unknown, not zero. By result type
    or by MX, the bars are all failures about its policy domain, and days without any report are grey. The days are UTC.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    incident : Series, mapping or int
        A row of `find_incidents`, or its number in the column ``incident`` there.
    by : {"organization_name", "result_type", "receiving_mx_hostname"}
        What the stack is made of.
    events : DataFrame, optional
        What was done when: ``time`` (ISO 8601; UTC if it has no zone) and ``text``. The first nine within the period are
        marked.
    around : int
        How many days before and after.
    ax : Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    Axes
        x in days, y in failed sessions per day.

    Raises
    ------
    ValueError
        There is no such incident, `by` is another key, or `around` is negative.
    KeyError
        `incident` or `events` lacks a column.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> incident(sts.Archive(), 1)
    Traceback (most recent call last):
    ValueError: there is no incident 1: find_incidents gives none for this source
    """
    if by not in KEYS:
        raise ValueError(f"by is {by!r}: expected any of {', '.join(KEYS)}")
    if around < 0:
        raise ValueError(f"around is {around}: expected a number of days, at least 0")
    case = _of_row(_row(source, incident))
    expected = expected_failures(
        source,
        policy_domain=case.policy_domain,
        policy_type=case.policy_type,
        result_type=case.result_type,
        receiving_mx_hostname=case.host,
    )
    period = (_stamp(case.start - around), _stamp(case.end + around))
    if len(expected):
        period = (max(period[0], expected["day"].min()), min(period[1], expected["day"].max()))
    if period[0] > period[1]:
        period = (_stamp(case.start), _stamp(case.end))
    keys = tuple({by: None, MX: None, RESULT_TYPE: None, REPORTER: None})
    view = view_of(source, keys, domain=case.policy_domain, policy_type=case.policy_type, period=period)
    if view.empty:
        return empty_without_reports(ax, view.no_reports)
    known, bound, left_out = view.known, np.full(view.days, np.nan), view.left_out_note
    if by == REPORTER:
        known, bound, left_out, view = _known(view, case), _bound(view, expected), "", _of_kind(view, case)
    series = fold(view, by)
    marked, unmarked = _marked(events, view)
    entries: list[tuple[Artist, str]] = [*stack_entries(series)]
    if not np.isnan(bound).all():
        entries.append((Line2D([], [], **_BOUND_LINE), "upper bound of what is normal (99.8 %)"))
    if unknown := int((~known).sum()):
        who = "without its main reporters" if by == REPORTER else "without any report"
        entries.append((swatch(NO_REPORT, NO_REPORT_HATCH), f"{plural(unknown, 'day')} {who}: unknown"))
    entries += [
        (Line2D([], [], **_EVENT_LINE), f"{order}  {when(moment.date())} {text}")
        for order, (moment, text) in enumerate(marked, 1)
    ]
    highest = max(int(view.failed.max()), int(np.nan_to_num(bound).max()))
    of_all = f"{share(case.part, 1)} of the sessions reported in that time"
    axes = lay_out(
        ax,
        190,
        title=f"{plural(case.failed, 'failed session')}: {case.title}, {case.dates}",
        notes=[
            f"By {KEYS[by].singular}. {view.about}. {of_all}; reported by {plural(len(case.reporters), 'reporter')}.",
            " ".join(unmarked),
            left_out,
        ],
        entries=entries,
        left=count_points(int(highest * 1.2)) + TEXT_SIZE * 1.8,
    )
    axes.axvspan(case.start, case.end + 1, color=INCIDENT, linewidth=0, zorder=0.4)
    no_report(axes, view.first, known)
    draw_stack(axes, view, series)
    for start, end in runs(~np.isnan(bound)):
        edges = view.first + np.arange(start, end + 1)
        axes.stairs(bound[start:end], edges, baseline=None, zorder=3, **_BOUND_LINE)
    day_axis(axes, view.first, view.days)
    count_axis(axes, round(highest * (1.22 if marked else 1.12)))
    axes.set_ylabel("failed sessions per day")
    for edge in (case.start,) if case.ongoing else (case.start, case.end + 1):
        axes.axvline(edge, color=INCIDENT_EDGE, linewidth=0.9, zorder=2.5)
    if 0 <= case.peak - view.first < view.days:
        name_peak(axes, view, case.peak - view.first, "peak: ")
    _draw_events(axes, marked)
    set_tips(axes, day_tips(view, series))
    set_alt(axes, *_sentences(view, case, known, bound, marked, by))
    return axes


def _row(source: Source, incident: Mapping[str, Any] | pd.Series | int) -> Mapping[str, Any] | pd.Series:
    if not isinstance(incident, int | np.integer):
        return incident
    incidents = find_incidents(source)
    rows = incidents[incidents["incident"] == incident]
    if rows.empty:
        given = f"has 1 to {len(incidents)}" if len(incidents) else "gives none"
        raise ValueError(f"there is no incident {incident}: find_incidents {given} for this source")
    return rows.iloc[0]


def _of_row(row: Mapping[str, Any] | pd.Series) -> _Incident:
    def text(name: str) -> str:
        return "" if pd.isna(row[name]) else str(row[name])

    return _Incident(
        day_number(row["start"]), day_number(row["end"]), day_number(row["peak"]), text("policy_domain"),
        text("policy_type"), text(MX), text(RESULT_TYPE), int(row["failed_session_count"]), float(row["share"]),
        tuple(text(REPORTER).split("\n")), bool(row["ongoing"]),
    )  # fmt: skip


def _stamp(day: int) -> pd.Timestamp:
    return pd.Timestamp(day, unit="D", tz="UTC")


def _of_kind(view: View, case: _Incident) -> View:
    """Return the view with the failures of the incident's kind alone."""
    rows = view.rows
    host = rows[MX].astype(object).where(rows[MX].notna(), "")
    of_kind = (host == case.host) & (rows[RESULT_TYPE].astype(object) == case.result_type) & (rows["failed"] > 0)
    rows = rows[of_kind.to_numpy()]
    failed = np.zeros(view.days, np.int64)
    np.add.at(failed, rows["offset"].to_numpy(), rows["failed"].to_numpy())
    return replace(view, rows=rows, failed=failed)


def _known(view: View, case: _Incident) -> Bools:
    """Return the days with a report from reporters that together saw a tenth of the incident or more."""
    name = view.rows[REPORTER].astype(object)
    rows = _of_kind(view, case).rows
    rows = rows[rows["offset"].between(case.start - view.first, case.end - view.first)]
    share_of = rows.groupby(rows[REPORTER].astype(object), sort=True)["failed"].sum() / max(case.failed, 1)
    reported = pd.DataFrame({"name": name.where(name.notna(), ""), "offset": view.rows["offset"]}).drop_duplicates()
    reported = reported[reported["name"].isin(case.reporters)]
    weight = np.zeros(view.days)
    np.add.at(weight, reported["offset"].to_numpy(), reported["name"].map(share_of).fillna(0.0).to_numpy(np.float64))
    known: Bools = weight >= _TENTH
    return known if known.any() else view.known


def _bound(view: View, expected: pd.DataFrame) -> Floats:
    bound = np.full(view.days, np.nan)
    days = expected["day"].dt.tz_localize(None).to_numpy("datetime64[D]").astype(np.int64) - view.first
    inside = (days >= 0) & (days < view.days)
    bound[days[inside]] = expected["upper_bound"].to_numpy()[inside]
    return bound


def _marked(events: pd.DataFrame | None, view: View) -> tuple[_Events, list[str]]:
    """Return the events within the period, in the order of time, and notes about the others."""
    if events is None or not len(events):
        return [], []
    # The texts of one column may differ in form: with a zone, without, a day alone.
    times = pd.to_datetime(events["time"], utc=True, errors="coerce", format="ISO8601")
    inside = (times >= _stamp(view.first)) & (times < _stamp(view.first + view.days))
    texts = events.loc[inside.to_numpy(), "text"]
    ordered = sorted(zip(times[inside], texts, strict=True), key=lambda event: (event[0], str(event[1])))
    more, unread = len(ordered) - _MOST_EVENTS, int(times.isna().sum())
    notes = [f"{plural(more, 'more event')} not marked."] if more > 0 else []
    if unread:
        notes.append(f"{plural(unread, 'event')} without a time in the form 2026-02-08T14:05.")
    return [(moment, label(text, 60)) for moment, text in ordered[:_MOST_EVENTS]], notes


def _draw_events(ax: Axes, marked: _Events) -> None:
    last, level = -np.inf, 0
    low, high = ax.get_xlim()
    for order, (moment, _) in enumerate(marked, 1):
        at = moment.value / 86_400e9
        # The numbers of events close to each other are one below the other.
        level = (level + 1) % 4 if at - last < (high - low) * 0.035 else 0
        last = at
        ax.axvline(at, zorder=3.5, **_EVENT_LINE)
        ax.annotate(
            str(order), (at, 1 - 0.075 * level), xytext=(0, -7), xycoords=ax.get_xaxis_transform(),
            textcoords="offset points", ha="center", va="center", size=TEXT_SIZE - 1, family=FONT, color=PANEL,
            bbox={"boxstyle": "circle,pad=0.22", "facecolor": EVENT, "edgecolor": PANEL, "linewidth": 0.6}, zorder=5,
        )  # fmt: skip


def _sentences(view: View, case: _Incident, known: Bools, bound: Floats, marked: _Events, by: str) -> list[str]:
    above, unknown = int((view.failed > np.nan_to_num(bound, nan=np.inf)).sum()), int((~known).sum())
    who = "from those that saw most of it" if by == REPORTER else "at all"
    parts = [
        f"Timeline of an incident, failed sessions per day by {KEYS[by].singular}. {view.about}, {view.dates} UTC.",
        f"{case.title}: {plural(case.failed, 'failed session')} {case.dates}, {share(case.part, 1)} of the reported sessions.",
        f"Reported by {plural(len(case.reporters), 'reporter')}.",
    ]
    if case.ongoing:
        parts.append(f"It was still occurring on the last day with reports; last seen on {when(day_of(case.end))}.")
    if 0 <= case.peak - view.first < view.days:
        highest = number(int(view.failed[case.peak - view.first]))
        parts.append(f"The peak is {when(day_of(case.peak))} with {highest}.")
    if case.start > view.first:
        before = int(np.median(view.failed[: case.start - view.first]))
        parts.append(f"On the median day before it there were {number(before)}.")
    if not np.isnan(bound).all():
        parts.append(f"{plural(above, 'day')} {'is' if above == 1 else 'are'} above what is normal.")
    if unknown:
        parts.append(f"On {plural(unknown, 'day')} no report {who} came: unknown, not zero.")
    parts += [
        f"Event {order}, {when(moment.to_pydatetime())}: {text}." for order, (moment, text) in enumerate(marked, 1)
    ]
    return parts
