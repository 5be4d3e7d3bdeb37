"""One incident on its timeline: what failed, what would have been normal, and what was done when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..analysis import expected_failures, find_incidents
from ..markup import number, plural, share, when
from ._alt import set_alt
from ._canvas import empty, lay_out
from ._days import day_axis, day_of, no_report, runs
from ._over_time import count_axis, count_points, draw_stack, not_shown, stack_legend
from ._series import KEYS, MX, REPORTER, RESULT_TYPE, fold
from ._style import FONT, INK, NO_REPORT, NO_REPORT_HATCH, PANEL, TEXT_SIZE
from ._text import label
from ._view import view

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from ..reports import Source
    from ._canvas import Legend
    from ._days import Bools, Floats
    from ._view import View

__all__ = ["incident"]

_SPAN: Final = "#fdf0d5"
_BOUND: Final = "#111418"
_EVENT: Final = "#3d1f7e"
_MOST_EVENTS: Final = 9
_TENTH: Final = 0.1


@dataclass(frozen=True, slots=True)
class _Incident:
    """What a row of `find_incidents` says, with days as numbers since 1970-01-01."""

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
    def what(self) -> str:
        return label(self.result_type) + (f" at {label(self.host)}" if self.host else "")

    @property
    def dates(self) -> str:
        first, last = when(day_of(self.start)), when(day_of(self.end))
        if self.ongoing:
            return f"from {first} on"
        return f"on {first}" if first == last else f"{first} to {last}"


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
    days for which those that saw nine tenths of it sent no report are hatched grey: unknown, not zero. By result type or by MX, the bars
    are all failures about its policy domain, and grey are the days without any report. The days are those of UTC.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    incident : Series, mapping or int
        A row of `find_incidents`, or its number in the column ``incident`` there.
    by : {"organization_name", "result_type", "receiving_mx_hostname"}
        What the stack is made of.
    events : DataFrame, optional
        What was done when: ``time`` (ISO 8601; without a zone it is taken as UTC) and ``text``. Those within the days shown are
        marked, the first nine.
    around : int
        Days shown before and after.
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
    told = _of_row(_row(source, incident))
    usual = expected_failures(
        source,
        policy_domain=told.policy_domain,
        policy_type=told.policy_type,
        result_type=told.result_type,
        receiving_mx_hostname=told.host,
    )
    period = (_stamp(told.start - around), _stamp(told.end + around))
    if len(usual):
        period = (max(period[0], usual["day"].min()), min(period[1], usual["day"].max()))
    if period[0] > period[1]:
        period = (_stamp(told.start), _stamp(told.end))
    keys = tuple({by: None, MX: None, RESULT_TYPE: None, REPORTER: None})
    shown = view(source, keys, domain=told.policy_domain, policy_type=told.policy_type, period=period)
    if shown.empty:
        return empty(ax, shown)
    known = _known(shown, told) if by == REPORTER else shown.known
    if by == REPORTER:
        shown = _of_kind(shown, told)
    series = fold(shown, by)
    bound = _bound(shown, usual) if by == REPORTER else np.full(shown.days, np.nan)
    marked, unmarked = _marked(events, shown)
    entries: list[tuple[Artist, str]] = [*stack_legend(series, replace(shown, known=np.ones(shown.days, bool)))]
    if not np.isnan(bound).all():
        entries.append(
            (
                Line2D([], [], color=_BOUND, linestyle=(0, (4, 2)), linewidth=1.3),
                "upper bound of what is normal (99.8 %)",
            )
        )
    entries += _unknown(known, by)
    entries += [
        (Line2D([], [], color=_EVENT, linestyle=":", linewidth=1.3), f"{place}  {when(moment.date())} {text}")
        for place, (moment, text) in enumerate(marked, 1)
    ]
    highest = max(int(shown.failed.max()), int(np.nan_to_num(bound).max()))
    saw = plural(len(told.reporters), "reporter")
    axes = lay_out(
        ax,
        190,
        title=f"{plural(told.failed, 'failed session')}: {told.what}, {told.dates}",
        notes=[
            f"By {KEYS[by].one}. {shown.about}. {share(told.part, 1)} of the sessions reported in that time; {saw} saw it.",
            " ".join(unmarked),
            not_shown(shown) if by != REPORTER else "",
        ],
        entries=entries,
        left=count_points(int(highest * 1.2)) + TEXT_SIZE * 1.8,
    )
    axes.axvspan(told.start, told.end + 1, color=_SPAN, linewidth=0, zorder=0.4)
    no_report(axes, shown.first, known)
    draw_stack(axes, replace(shown, known=np.ones(shown.days, bool)), series)
    _draw_bound(axes, shown, bound)
    day_axis(axes, shown.first, shown.days)
    count_axis(axes, round(highest * (1.22 if marked else 1.12)))
    axes.set_ylabel("failed sessions per day")
    _edges(axes, shown, told)
    _draw_events(axes, marked)
    set_alt(axes, _alt(shown, told, known, bound, marked, by))
    return axes


def _row(source: Source, incident: Mapping[str, Any] | pd.Series | int) -> Mapping[str, Any] | pd.Series:
    if not isinstance(incident, int | np.integer):
        return incident
    found = find_incidents(source)
    rows = found[found["incident"] == incident]
    if rows.empty:
        there = f"has 1 to {len(found)}" if len(found) else "gives none"
        raise ValueError(f"there is no incident {incident}: find_incidents {there} for this source")
    return rows.iloc[0]


def _of_row(row: Mapping[str, Any] | pd.Series) -> _Incident:
    def text(name: str) -> str:
        return "" if pd.isna(row[name]) else str(row[name])

    def day(name: str) -> int:
        stamp = pd.Timestamp(row[name])
        stamp = stamp.tz_convert("UTC").tz_localize(None) if stamp.tzinfo is not None else stamp
        return int(stamp.to_datetime64().astype("datetime64[D]").astype(np.int64))

    return _Incident(
        day("start"), day("end"), day("peak"), text("policy_domain"), text("policy_type"), text("receiving_mx_hostname"),
        text("result_type"), int(row["failed_session_count"]), float(row["share"]),
        tuple(text("organization_name").split("\n")), bool(row["ongoing"]),
    )  # fmt: skip


def _stamp(number: int) -> pd.Timestamp:
    return pd.Timestamp(number, unit="D", tz="UTC")


def _of_kind(shown: View, told: _Incident) -> View:
    """Return the view with the failures of the incident's kind alone."""
    rows = shown.rows
    host = rows[MX].astype(object).where(rows[MX].notna(), "")
    mine = (host == told.host) & (rows[RESULT_TYPE].astype(object) == told.result_type) & (rows["failed"] > 0)
    rows = rows[mine.to_numpy()]
    failed = np.zeros(shown.days, np.int64)
    np.add.at(failed, rows["offset"].to_numpy(), rows["failed"].to_numpy())
    return replace(shown, rows=rows, failed=failed)


def _known(shown: View, told: _Incident) -> Bools:
    """Return the days for which reporters sent a report that between them saw a tenth of the incident or more."""
    name = shown.rows[REPORTER].astype(object)
    name = name.where(name.notna(), "")
    mine = _of_kind(shown, told).rows
    inside = mine["offset"].between(told.start - shown.first, told.end - shown.first)
    share_of = mine[inside].groupby(mine[REPORTER].astype(object), sort=True)["failed"].sum() / max(told.failed, 1)
    there = pd.DataFrame({"name": name, "offset": shown.rows["offset"]}).drop_duplicates()
    there = there[there["name"].isin(told.reporters)]
    seen = np.zeros(shown.days)
    np.add.at(seen, there["offset"].to_numpy(), there["name"].map(share_of).fillna(0.0).to_numpy(np.float64))
    known: Bools = seen >= _TENTH
    return known if known.any() else shown.known


def _bound(shown: View, usual: pd.DataFrame) -> Floats:
    bound = np.full(shown.days, np.nan)
    days = usual["day"].dt.tz_localize(None).to_numpy("datetime64[D]").astype(np.int64) - shown.first
    inside = (days >= 0) & (days < shown.days)
    bound[days[inside]] = usual["upper_bound"].to_numpy()[inside]
    return bound


def _draw_bound(ax: Axes, shown: View, bound: Floats) -> None:
    for start, end in runs(~np.isnan(bound)):
        edges = shown.first + np.arange(start, end + 1)
        ax.stairs(bound[start:end], edges, baseline=None, color=_BOUND, linewidth=1.3, linestyle=(0, (4, 2)), zorder=3)


def _unknown(known: Bools, by: str) -> Legend:
    days = int((~known).sum())
    if not days:
        return []
    whose = ", its main reporters silent" if by == REPORTER else " without any report"
    patch = Patch(facecolor=NO_REPORT.colour, edgecolor=NO_REPORT_HATCH, hatch=NO_REPORT.hatch, linewidth=0)
    return [(patch, f"{plural(days, 'day')}{whose}: unknown")]


def _marked(events: pd.DataFrame | None, shown: View) -> tuple[list[tuple[pd.Timestamp, str]], list[str]]:
    """Return the events within the days shown, in the order of time, and what is to be said about the others."""
    if events is None or not len(events):
        return [], []
    # The texts of one column may differ in form: with a zone, without, a day alone.
    times = pd.to_datetime(events["time"], utc=True, errors="coerce", format="ISO8601")
    inside = (times >= _stamp(shown.first)) & (times < _stamp(shown.first + shown.days))
    found = sorted(
        zip(times[inside], events.loc[inside.to_numpy(), "text"], strict=True), key=lambda one: (one[0], str(one[1]))
    )
    more, unread = len(found) - _MOST_EVENTS, int(times.isna().sum())
    notes = [
        f"{plural(more, 'more event')} not marked." if more > 0 else "",
        f"{plural(unread, 'event')} without a time in the form 2026-02-08T14:05." if unread else "",
    ]
    return [(moment, label(text, 60)) for moment, text in found[:_MOST_EVENTS]], [note for note in notes if note]


def _draw_events(ax: Axes, marked: list[tuple[pd.Timestamp, str]]) -> None:
    last, level = -np.inf, 0
    low, high = ax.get_xlim()
    for place, (moment, _) in enumerate(marked, 1):
        at = moment.value / 86_400e9
        # Numbers of events close to one another stand one below the other.
        level = (level + 1) % 4 if at - last < (high - low) * 0.035 else 0
        last = at
        ax.axvline(at, color=_EVENT, linestyle=":", linewidth=1.3, zorder=3.5)
        ax.annotate(
            str(place), (at, 1 - 0.075 * level), xytext=(0, -7), xycoords=ax.get_xaxis_transform(),
            textcoords="offset points", ha="center", va="center", size=TEXT_SIZE - 1, family=FONT, color=PANEL,
            bbox={"boxstyle": "circle,pad=0.22", "facecolor": _EVENT, "edgecolor": PANEL, "linewidth": 0.6}, zorder=5,
        )  # fmt: skip


def _edges(ax: Axes, shown: View, told: _Incident) -> None:
    """Mark first day, last day and peak."""
    for edge in (told.start,) if told.ongoing else (told.start, told.end + 1):
        ax.axvline(edge, color="#b07d1a", linewidth=0.9, zorder=2.5)
    at = told.peak - shown.first
    if not 0 <= at < shown.days:
        return
    highest = int(shown.failed[at])
    place = (at + 0.5) / shown.days
    side = "left" if place < 0.2 else "right" if place > 0.8 else "center"
    ax.annotate(
        f"peak: {number(highest)} on {when(day_of(told.peak))}", (told.peak + 0.5, highest), xytext=(0, 3),
        textcoords="offset points", ha=side, va="bottom", size=TEXT_SIZE - 0.5, family=FONT, color=INK, zorder=4,
        bbox={"facecolor": PANEL, "edgecolor": "none", "pad": 0.8, "alpha": 0.85},
    )  # fmt: skip


def _alt(
    shown: View, told: _Incident, known: Bools, bound: Floats, marked: list[tuple[pd.Timestamp, str]], by: str
) -> str:
    before = int(np.median(shown.failed[: told.start - shown.first])) if told.start > shown.first else None
    above = int((shown.failed > np.nan_to_num(bound, nan=np.inf)).sum())
    unknown = int((~known).sum())
    whose = "of those that saw most of it" if by == REPORTER else "at all"
    parts = [
        f"Timeline of an incident, failed sessions per day by {KEYS[by].one}. {shown.about}, {shown.dates} UTC.",
        f"{told.what}: {plural(told.failed, 'failed session')} {told.dates}, {share(told.part, 1)} of the reported sessions.",
        f"{plural(len(told.reporters), 'reporter')} saw it.",
        f"It was not over on the last day with reports; it was last seen on {when(day_of(told.end))}."
        if told.ongoing
        else "",
        f"The peak is {when(day_of(told.peak))} with {number(int(shown.failed[told.peak - shown.first]))}."
        if 0 <= told.peak - shown.first < shown.days
        else "",
        f"On the median day before it there were {number(before)}." if before is not None else "",
        f"{plural(above, 'day')} {'is' if above == 1 else 'are'} above what is normal."
        if not np.isnan(bound).all()
        else "",
        f"On {plural(unknown, 'day')} no report {whose} came: unknown, not zero." if unknown else "",
        *(f"Event {place}, {when(moment.to_pydatetime())}: {text}." for place, (moment, text) in enumerate(marked, 1)),
    ]
    return " ".join(part for part in parts if part).replace(r"\$", "$")
