"""Which policy each reporter applied on which day, and when the policy changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.lines import Line2D

from ..analysis import policy_history as history_of
from ..markup import plural, span, when
from ._canvas import empty_without_reports, lay_out, name_rows, total_points
from ._days import boxes, day_axis, fill, no_report, no_report_entry, runs, swatch
from ._show import set_alt
from ._style import (
    FONT,
    GREY,
    INK,
    MARK,
    MODE_UNKNOWN,
    MODES,
    NO_POLICY,
    OTHER,
    PANEL,
    POLICY_NOT_GIVEN,
    TEXT_SIZE,
    Style,
    fit,
    label,
    width,
    with_defaults,
)  # fmt: skip
from ._view import KEYS, REPORTER, view_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ..analysis import PolicyHistory
    from ..reports import Source
    from ._canvas import Legend
    from ._view import Bools, Period, View

__all__ = ["policy_history"]

_MOST_ROWS: Final = 15
_MOST_MARKS: Final = 60
_ROW: Final = 17.5
_BAND: Final = 0.95
_CHANGE_LINE: Final[dict[str, Any]] = {"color": MARK, "linewidth": 1.1, "linestyle": (0, (3, 2))}
# The mode by colour; policies of one mode by hatch, and each by its number.
_HATCHES: Final = ("", "////", "\\\\\\\\", "----", "||||", "xxxx")


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is drawn: reporters, and for each state or policy the days on which it applies (reporters × days)."""

    names: list[str]
    folded: int
    by_policy: dict[int, Bools]
    none_found: Bools
    not_observed: Bools


@dataclass(frozen=True, slots=True)
class _Mark:
    """A change of the policy: its first day, what is written above it, and on which line, if there is room."""

    day: int
    text: str
    level: int | None


@with_defaults
def policy_history(
    source: Source,
    domain: str | None = None,
    *,
    period: Period | None = None,
    most: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Return an Axes that shows which policy each reporter applied on which day, and when the policy changed.

    The colour is the mode; hatch and number are the policy. A dashed line marks each change, on the first day that a
    report shows it. A day without a mark is unknown: no report came. A thin line is a report that gives no policy.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    domain : str, optional
        The policy domain. By default the one with the most changes, then with the most sessions; the figure states
        what it leaves out.
    period
        As in `failures_over_time`.
    most : int, optional
        How many reporters have a row, those with the most days. By default 15.
    ax : Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    Axes
        x in days (UTC), a row for each reporter.

    Raises
    ------
    ValueError
        `most` is below 1, or `period` is impossible.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> sts.plots.alt_text(policy_history(sts.Archive()))[:16]
    'An empty figure.'
    """
    most = _MOST_ROWS if most is None else most
    if most < 1:
        raise ValueError(f"most is {most}: expected how many reporters to name, at least 1")
    history = history_of(source, domain)
    chosen = _chosen(history) if domain is None else domain
    view = view_of(source, (REPORTER,), domain=chosen, period=period, any_type=True)
    if view.empty:
        return empty_without_reports(ax, view.no_reports)
    policies = history.policies[history.policies["policy_domain"] == view.domains[0]]
    rows = _rows(history, view, most)
    styles = _styles(policies, rows)
    events = history.events[history.events["policy_domain"] == view.domains[0]]
    total = total_points(ax)
    names = [fit(name.replace(r"\$", "$"), total * 0.34, TEXT_SIZE) for name in rows.names]
    left = max(width(name, TEXT_SIZE) for name in names) + 8
    per_day = (total - left - 6) / max(view.days, 5)
    marks = _marks(events, view, per_day)
    band = _BAND * (1 + max((mark.level or 0 for mark in marks), default=-1))
    axes = lay_out(
        ax,
        _ROW * (len(names) + band),
        title=_title(events, rows, view),
        notes=[_note(history, view, rows, domain)],
        entries=_entries(policies, rows, styles, marks, view),
        left=left,
        right=6,
        grid=False,
    )
    no_report(axes, view.first, view.known)
    name_rows(axes, names, band)
    _draw(axes, rows, styles, view, per_day)
    _draw_marks(axes, marks)
    day_axis(axes, view.first, view.days)
    set_alt(axes, *_sentences(policies, events, rows, view))
    return axes


def _chosen(history: PolicyHistory) -> str | None:
    """Return the policy domain to show where none is named."""
    if history.table.empty:
        return None
    sessions = history.table.groupby("policy_domain", observed=True)["sessions"].sum()
    changes = history.events["policy_domain"].value_counts()
    return str(min(sessions.index, key=lambda name: (-int(changes.get(name, 0)), -int(sessions[name]), str(name))))


def _rows(history: PolicyHistory, view: View, most: int) -> _Rows:
    table = history.table[history.table["policy_domain"] == view.domains[0]]
    offset = table["day"].dt.tz_localize(None).to_numpy("datetime64[D]").astype(np.int64) - view.first
    table = table.assign(offset=offset, observed=table["state"] != "not observed")[(offset >= 0) & (offset < view.days)]
    once = table.drop_duplicates(["organization_name", "offset", "observed"])
    days = once.groupby("organization_name", observed=True)["observed"].agg(["sum", "size"])
    ranked = sorted(days.index, key=lambda name: (-days["sum"][name], -days["size"][name], str(name)))
    kept = ranked[:most]
    table = table[table["organization_name"].isin(kept)]
    row = table["organization_name"].astype(object).map({name: row for row, name in enumerate(kept)}).to_numpy(int)
    policy = table["policy"].astype("Int64").fillna(0)

    def flags(wanted: pd.Series) -> Bools:
        marked = np.zeros((len(kept), view.days), bool)
        marked[row[wanted.to_numpy()], table["offset"].to_numpy()[wanted.to_numpy()]] = True
        return marked

    return _Rows(
        names=[label(name) if str(name).strip() else KEYS[REPORTER].unnamed for name in kept],
        folded=len(ranked) - len(kept),
        by_policy={int(each): flags(policy == each) for each in sorted(set(policy) - {0})},
        none_found=flags(table["state"] == "no policy found"),
        not_observed=flags(table["state"] == "not observed"),
    )


def _styles(policies: pd.DataFrame, rows: _Rows) -> dict[int, Style]:
    """Return how each policy is filled; more of one mode than there are hatches share one style."""
    styles: dict[int, Style] = {}
    used: Counter[str] = Counter()
    for row in policies.to_dict("records"):
        if row["policy"] in rows.by_policy:
            colour = MODES.get(row["policy_mode"], MODE_UNKNOWN)
            hatch = _HATCHES[used[colour]] if used[colour] < len(_HATCHES) else None
            styles[row["policy"]] = OTHER if hatch is None else Style(colour, hatch)
            used[colour] += 1
    return styles


def _marks(events: pd.DataFrame, view: View, per_day: float) -> list[_Mark]:
    marks = []
    free = [-np.inf, -np.inf]
    for row in _inside(events, view)[-_MOST_MARKS:]:
        day = int(row["day"].timestamp()) // 86_400
        before, after = (str(row[name]) if isinstance(row[name], int) else "" for name in ("policy_before", "policy"))
        text = f"{before}→{after or 'none'}"
        half = (width(text, TEXT_SIZE) + 3) / max(per_day, 1e-6) / 2
        level = next((level for level in (0, 1) if day - half >= free[level]), None)
        if level is not None:
            free[level] = day + half
        marks.append(_Mark(day, text, level))
    return marks


def _draw(axes: Axes, rows: _Rows, styles: dict[int, Style], view: View, per_day: float) -> None:
    total = sum((flags.astype(np.int64) for flags in rows.by_policy.values()), np.zeros_like(rows.none_found, np.int64))
    total = total + rows.none_found
    above = np.zeros_like(total)
    pieces: dict[Style, list[tuple[int, int, float, float]]] = {}

    def add(style: Style, flags: Bools) -> None:
        # Policies of one day share its height, the older above.
        for row, line in enumerate(flags):
            for start, end in _level_runs(line, total[row], above[row]):
                high = 0.92 / max(int(total[row, start]), 1)
                top = row + 0.04 + high * int(above[row, start])
                pieces.setdefault(style, []).append((start, end, top, top + high))
        above[flags] += 1

    for policy in sorted(rows.by_policy):
        add(styles[policy], rows.by_policy[policy])
    add(NO_POLICY, rows.none_found)
    for style, own in pieces.items():
        start, end, low, high = np.array(own).T
        path = boxes(view.first + start, view.first + end, low, high)
        fill(axes, path, style, edgecolor=GREY if style == NO_POLICY else "white")
    thin = [(a, b, row) for row, line in enumerate(rows.not_observed & (total == 0)) for a, b in runs(line)]
    if thin:
        start, end, row = np.array(thin).T
        fill(axes, boxes(view.first + start, view.first + end, row + 0.44, row + 0.56), POLICY_NOT_GIVEN)
    _number(axes, rows, total, view, per_day)


def _level_runs(flags: Bools, total: Any, above: Any) -> list[tuple[int, int]]:
    """Return the runs of true within which the days are shared by equally many, in the same order."""
    order = np.where(flags, total * (total.max() + 1) + above, -1)
    edges = [0, *(int(edge) + 1 for edge in np.flatnonzero(np.diff(order))), len(order)]
    return [(start, end) for start, end in pairwise(edges) if flags[start]]


def _number(axes: Axes, rows: _Rows, total: Any, view: View, per_day: float) -> None:
    """Write each policy's number where it is applied and there is room."""
    for policy, flags in rows.by_policy.items():
        text = str(policy)
        need = width(text, TEXT_SIZE) + 4
        for row, line in enumerate(flags):
            # A weekend without a report does not need the number again.
            for parts in _joined(runs(line & (total[row] == 1)), line | (total[row] == 0)):
                if (parts[-1][1] - parts[0][0]) * per_day < need:
                    continue
                start, end = max(parts, key=lambda part: part[1] - part[0])
                axes.text(
                    view.first + (start + end) / 2, row + 0.5, text, ha="center", va="center_baseline", size=TEXT_SIZE,
                    family=FONT, color=INK, zorder=4, weight="bold",
                    bbox={"boxstyle": "square,pad=0.12", "facecolor": PANEL, "edgecolor": "none"}, clip_on=True,
                )  # fmt: skip


def _joined(parts: list[tuple[int, int]], bridges: Bools) -> list[list[tuple[int, int]]]:
    """Return the runs, those together between which nothing else is."""
    whole: list[list[tuple[int, int]]] = []
    for start, end in parts:
        if whole and bool(bridges[whole[-1][-1][1] : start].all()):
            whole[-1].append((start, end))
        else:
            whole.append([(start, end)])
    return whole


def _draw_marks(axes: Axes, marks: list[_Mark]) -> None:
    for mark in marks:
        top = -0.12 - (mark.level or 0) * _BAND
        axes.plot([mark.day, mark.day], [top, 10_000], zorder=3.5, scalex=False, scaley=False, **_CHANGE_LINE)
        if mark.level is not None:
            axes.text(
                mark.day, top - 0.08, mark.text, ha="center", va="bottom", size=TEXT_SIZE, family=FONT, color=INK,
                zorder=4, clip_on=True,
                # Another change's line may run behind it.
                bbox={"boxstyle": "square,pad=0.05", "facecolor": PANEL, "edgecolor": "none"},
            )  # fmt: skip


def _entries(policies: pd.DataFrame, rows: _Rows, styles: dict[int, Style], marks: list[_Mark], view: View) -> Legend:
    entries: list[tuple[Any, str]] = []
    records = _records(policies, rows)
    with_mx = len({row["mx"] for row in records}) > 1
    named = [row for row in records if styles[row["policy"]] is not OTHER]
    entries += [
        (swatch(styles[row["policy"]]), f"{row['policy']}  {_policy_text(row, with_mx=with_mx)}") for row in named
    ]
    if len(named) < len(records):
        entries.append((swatch(OTHER), f"other ({plural(len(records) - len(named), 'policy', 'policies')})"))
    if rows.none_found.any():
        entries.append((swatch(NO_POLICY, GREY), "no policy found"))
    if rows.not_observed.any():
        entries.append((Line2D([], [], color=POLICY_NOT_GIVEN.colour, linewidth=2.2), "report without a policy"))
    if marks:
        entries.append((Line2D([], [], **_CHANGE_LINE), "change, first day seen"))
    if view.unknown_days:
        entries.append(no_report_entry(view.unknown_days))
    return entries


def _policy_text(row: dict[Any, Any], *, with_mx: bool) -> str:
    """Return the content of a policy."""
    mode = row["policy_mode"]
    parts = [str(mode) if isinstance(mode, str) else "no mode"]
    age = row["policy_max_age"]
    if age is not None:
        parts.append(f"max_age {span(int(age))}")
    patterns = str(row["mx"]).split("\n") if row["mx"] else []
    if with_mx and patterns:
        more = f" and {len(patterns) - 3} more" if len(patterns) > 3 else ""
        parts.append(f"mx {', '.join(label(pattern) for pattern in patterns[:3])}{more}")
    return ", ".join(parts)


def _records(policies: pd.DataFrame, rows: _Rows) -> list[dict[Any, Any]]:
    """Return the policies that are drawn."""
    drawn = policies[policies["policy"].isin(list(rows.by_policy))]
    # Missing as None, which compares like anything else.
    plain = drawn.astype(object).where(drawn.notna(), None)
    records: list[dict[Any, Any]] = plain.to_dict("records")
    return records


def _title(events: pd.DataFrame, rows: _Rows, view: View) -> str:
    """Return the title: what changed last, and how many applied it."""
    if not rows.by_policy:
        return f"No report shows a policy, {view.dates}"
    inside = _inside(events, view)
    if not inside:
        return f"{plural(len(rows.by_policy), 'policy', 'policies')} and no change seen, {view.dates}"
    times = "once" if len(inside) == 1 else f"{plural(len(inside), 'time')}, last"
    return f"The policy changed {times} on {when(inside[-1]['day'].date())}{_spread(inside[-1])}"


def _inside(events: pd.DataFrame, view: View) -> list[dict[Any, Any]]:
    return [
        row
        for row in events.astype({"days_to_last": "object"}).to_dict("records")
        if 0 <= int(row["day"].timestamp()) // 86_400 - view.first < view.days
    ]


def _spread(row: dict[Any, Any]) -> str:
    """Return how many reporters applied a change; empty if none was seen before and after it."""
    if not row["applied"]:
        return ""
    last = int(row["days_to_last"])
    when_last = "on that day" if last == 0 else f"within {plural(last, 'day')}"
    return f"; {plural(int(row['applied']), 'reporter')} applied it {when_last}"


def _note(history: PolicyHistory, view: View, rows: _Rows, domain: str | None) -> str:
    """Return what a reader must know besides the title."""
    parts = [f"{view.about}. The colour is the mode, hatch and number are the policy. No mark: no report, unknown."]
    if rows.folded:
        parts.append(f"{plural(rows.folded, 'reporter')} with fewer days not shown.")
    others = history.reporters["policy_domain"].nunique() - 1
    if domain is None and others > 0:
        parts.append(f"{plural(others, 'other policy domain')} not shown.")
    return " ".join(parts)


def _sentences(policies: pd.DataFrame, events: pd.DataFrame, rows: _Rows, view: View) -> list[str]:
    """Return what the figure shows, in sentences with numbers."""
    inside = _inside(events, view)
    policies_seen = plural(len(rows.by_policy), "policy", "policies")
    parts = [
        f"Which policy each reporter applied on which day. {view.about}, {view.dates} UTC.",
        f"{plural(len(rows.names) + rows.folded, 'reporter')}; {policies_seen} and {plural(len(inside), 'change')} seen.",
    ]
    parts += [f"Policy {row['policy']}: {_policy_text(row, with_mx=True)}." for row in _records(policies, rows)[:9]]
    parts += [f"{when(row['day'].date())}: {label(row['what'], 200)}{_spread(row)}." for row in inside[-9:]]
    any_policy = np.any([np.zeros(len(rows.names), bool), *(f.any(axis=1) for f in rows.by_policy.values())], axis=0)
    unseen = int((rows.not_observed.any(axis=1) & ~any_policy).sum())
    if unseen:
        parts.append(
            f"For {plural(unseen, 'reporter')} the policy is not observed: no policy-string in "
            f"{'its' if unseen == 1 else 'their'} reports."
        )
    return [*parts, view.unknown_note]
