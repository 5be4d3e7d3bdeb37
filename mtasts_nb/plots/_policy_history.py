"""Which policy each reporter applied on which day, and when the policy changed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.lines import Line2D

from ..analysis import policy_history as history_of
from ..markup import plural
from ..vocabulary import Mode
from ._alt import set_alt
from ._canvas import empty, lay_out, total_points
from ._days import boxes, day_axis, fill, no_report, no_report_patch, runs, swatch
from ._policy_history_words import Mark, Rows, note, policy_words, records_of, title, told
from ._series import KEYS, REPORTER
from ._style import FONT, INK, OTHER, PANEL, TEXT_SIZE, Style, ink_on
from ._text import fit, label, width
from ._view import view

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ..analysis import PolicyHistory
    from ..reports import Source
    from ._canvas import Legend
    from ._days import Bools
    from ._view import Period, View

__all__ = ["policy_history"]

_MOST_ROWS: Final = 15
_MOST_MARKS: Final = 60
_ROW: Final = 17.5
_BAND: Final = 0.95
_CHANGE: Final = "#111418"
_NONE_FOUND: Final = Style("#ffffff", "xxxx")
_NONE_EDGE: Final = "#6e7681"
_NOT_OBSERVED: Final = Style("#8c959f")
# The mode by colour; policies of one mode by hatch, and each by its number.
_MODES: Final = {Mode.ENFORCE.value: "#055f9f", Mode.TESTING.value: "#ca633d", Mode.NONE.value: "#5c6370"}
_NO_MODE: Final = "#97467d"
_HATCHES: Final = ("", "////", "\\\\\\\\", "----", "||||", "xxxx")


def policy_history(
    source: Source,
    domain: str | None = None,
    *,
    period: Period | None = None,
    most: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Return an Axes that shows which policy each reporter applied on which day, and when the policy changed.

    Colour tells the mode, hatch and number tell the policy. A line stands at each change, on the first day that a report shows it. A day
    without a mark is unknown: no report came. A thin line is a report that does not say which policy it was about.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    domain : str, optional
        The policy domain. By default the one with the most changes, of equals the one with the most sessions; the figure says what it leaves out.
    period
        As in `failures_over_time`.
    most : int, optional
        How many reporters are shown, those with the most days. By default 15.
    ax : Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    Axes
        x in days (UTC), a row for each reporter.

    Raises
    ------
    ValueError
        `most` is below 1, or `period` is none.

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
    shown = view(source, (REPORTER,), domain=chosen, period=period, any_type=True)
    if shown.empty:
        return empty(ax, shown)
    mine = history.policies[history.policies["policy_domain"] == shown.domains[0]]
    rows = _rows(history, shown, most)
    styles = _styles(mine, rows)
    events = history.events[history.events["policy_domain"] == shown.domains[0]]
    marks = _marks(events, shown)
    total = total_points(ax)
    names = [fit(name.replace(r"\$", "$"), total * 0.34, TEXT_SIZE) for name in rows.names]
    left = max(width(name, TEXT_SIZE) for name in names) + 8
    per_day = (total - left - 6) / max(shown.days, 5)
    levels = _levels(marks, per_day)
    band = _BAND * (1 + max((level or 0 for level in levels), default=-1))
    axes = lay_out(
        ax,
        _ROW * (len(names) + band),
        title=title(events, rows, shown),
        notes=[note(history, shown, rows, domain)],
        entries=_entries(mine, rows, styles, marks, shown),
        left=left,
        right=6,
        grid=False,
    )
    no_report(axes, shown.first, shown.known)
    for place in range(len(names)):
        axes.axhspan(place + 0.08, place + 0.92, color="#f3f4f6", linewidth=0, zorder=0.3)
    _draw(axes, rows, styles, shown, per_day)
    _draw_marks(axes, marks, levels)
    day_axis(axes, shown.first, shown.days)
    axes.set_ylim(len(names), -band)
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.tick_params(axis="y", length=0)
    set_alt(axes, told(mine, events, rows, shown))
    return axes


def _chosen(history: PolicyHistory) -> str | None:
    """Return the policy domain to show where none is named."""
    if history.table.empty:
        return None
    sessions = history.table.groupby("policy_domain", observed=True)["sessions"].sum()
    changes = history.events["policy_domain"].value_counts()
    return str(min(sessions.index, key=lambda name: (-int(changes.get(name, 0)), -int(sessions[name]), str(name))))


def _rows(history: PolicyHistory, shown: View, most: int) -> Rows:
    table = history.table[history.table["policy_domain"] == shown.domains[0]]
    offset = (table["day"].dt.tz_localize(None).to_numpy("datetime64[D]").astype(np.int64) - shown.first).astype(
        np.int64
    )
    inside = (offset >= 0) & (offset < shown.days)
    table, offset = table[inside], offset[inside]
    codes = table["organization_name"].cat.codes.to_numpy().astype(np.int64)
    categories = [str(name) for name in table["organization_name"].cat.categories]
    observed = (table["state"] != "not observed").to_numpy()
    days: dict[int, tuple[int, int]] = {}
    pairs = np.unique(np.stack([codes, offset, observed.astype(np.int64)]), axis=1)
    for code in np.unique(codes):
        own = pairs[:, pairs[0] == code]
        days[int(code)] = (int(own[2].sum()), own.shape[1])
    ranked = sorted(days, key=lambda code: (-days[code][0], -days[code][1], categories[code]))
    kept = ranked[:most]
    line = np.full(len(categories) + 1, -1)
    line[kept] = np.arange(len(kept))
    place = line[codes]
    drawn = place >= 0
    place, offset = place[drawn], offset[drawn]
    state = table["state"].astype(object).to_numpy()[drawn]
    policy = table["policy"].astype("Int64").fillna(0).to_numpy("int64")[drawn]

    def flags(wanted: Any) -> Bools:
        found = np.zeros((len(kept), shown.days), bool)
        found[place[wanted], offset[wanted]] = True
        return found

    return Rows(
        names=[label(categories[code]) if categories[code].strip() else KEYS[REPORTER].unnamed for code in kept],
        folded=len(ranked) - len(kept),
        by_policy={int(one): flags(policy == one) for one in np.unique(policy[policy > 0])},
        none_found=flags(state == "no policy found"),
        not_observed=flags(state == "not observed"),
    )


def _styles(policies: pd.DataFrame, rows: Rows) -> dict[int, Style]:
    """Return how each policy is filled; more of one mode than there are hatches share one style."""
    styles: dict[int, Style] = {}
    used: dict[str, int] = {}
    for row in policies.to_dict("records"):
        if row["policy"] not in rows.by_policy:
            continue
        colour = _MODES.get(row["policy_mode"], _NO_MODE)
        rank = used.get(colour, 0)
        used[colour] = rank + 1
        styles[row["policy"]] = Style(colour, _HATCHES[rank]) if rank < len(_HATCHES) else OTHER
    return styles


def _marks(events: pd.DataFrame, shown: View) -> list[Mark]:
    marks = []
    for row in events.to_dict("records"):
        day = int(row["day"].timestamp()) // 86_400
        if shown.first <= day < shown.first + shown.days:
            before = row["policy_before"]
            earlier = "" if before is None or before != before else f"{before}"
            marks.append(Mark(day, f"{earlier}→{row['policy']}"))
    return marks[-_MOST_MARKS:]


def _draw(axes: Axes, rows: Rows, styles: dict[int, Style], shown: View, per_day: float) -> None:
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
    add(_NONE_FOUND, rows.none_found)
    for style, found in pieces.items():
        start, end, low, high = np.array(found).T
        path = boxes(shown.first + start, shown.first + end, low, high)
        patch = fill(axes, path, style)
        if style == _NONE_FOUND:
            patch.set_edgecolor(_NONE_EDGE)
    thin = [(a, b, row) for row, line in enumerate(rows.not_observed & (total == 0)) for a, b in runs(line)]
    if thin:
        start, end, row = np.array(thin).T
        fill(axes, boxes(shown.first + start, shown.first + end, row + 0.44, row + 0.56), _NOT_OBSERVED)
    _number(axes, rows, styles, total, shown, per_day)


def _level_runs(flags: Bools, total: Any, above: Any) -> list[tuple[int, int]]:
    """Return the runs of true within which a day is shared by as many, in the same place."""
    found = []
    for start, end in runs(flags):
        same = np.flatnonzero((np.diff(total[start:end]) != 0) | (np.diff(above[start:end]) != 0)) + start + 1
        edges = [start, *(int(edge) for edge in same), end]
        found += list(pairwise(edges))
    return found


def _number(axes: Axes, rows: Rows, styles: dict[int, Style], total: Any, shown: View, per_day: float) -> None:
    """Write each policy's number where it is applied and there is room."""
    for policy, flags in rows.by_policy.items():
        text, colour = str(policy), styles[policy].colour
        need = width(text, TEXT_SIZE) + 4
        for row, line in enumerate(flags):
            # A weekend without a report does not need the number again.
            for parts in _joined(runs(line & (total[row] == 1)), line | (total[row] == 0)):
                if (parts[-1][1] - parts[0][0]) * per_day < need:
                    continue
                start, end = max(parts, key=lambda part: part[1] - part[0])
                axes.text(
                    shown.first + (start + end) / 2, row + 0.5, text, ha="center", va="center_baseline", size=TEXT_SIZE,
                    family=FONT, color=ink_on(colour), zorder=4, weight="bold",
                    bbox={"boxstyle": "square,pad=0.12", "facecolor": colour, "edgecolor": "none"}, clip_on=True,
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


def _levels(marks: list[Mark], per_day: float) -> list[int | None]:
    """Return on which line above the rows each mark is named, 0 or 1; None where there is no room on either."""
    free = [-np.inf, -np.inf]
    levels: list[int | None] = []
    for mark in marks:
        half = (width(mark.text, TEXT_SIZE) + 3) / max(per_day, 1e-6) / 2
        level = next((level for level in (0, 1) if mark.day - half >= free[level]), None)
        if level is not None:
            free[level] = mark.day + half
        levels.append(level)
    return levels


def _draw_marks(axes: Axes, marks: list[Mark], levels: list[int | None]) -> None:
    for mark, level in zip(marks, levels, strict=True):
        top = -0.12 if not level else -0.12 - level * _BAND
        axes.plot(
            [mark.day, mark.day], [top, 10_000], color=_CHANGE, linewidth=1.1, linestyle=(0, (3, 2)), zorder=3.5,
            scalex=False, scaley=False,
        )  # fmt: skip
        if level is not None:
            axes.text(
                mark.day, top - 0.08, mark.text, ha="center", va="bottom", size=TEXT_SIZE, family=FONT, color=INK,
                zorder=4, clip_on=True,
                # Another change's line may run behind it.
                bbox={"boxstyle": "square,pad=0.05", "facecolor": PANEL, "edgecolor": "none"},
            )  # fmt: skip


def _entries(policies: pd.DataFrame, rows: Rows, styles: dict[int, Style], marks: list[Mark], shown: View) -> Legend:
    entries: list[tuple[Any, str]] = []
    records = records_of(policies, rows)
    with_mx = len({row["mx"] for row in records}) > 1
    named = [row for row in records if styles[row["policy"]] is not OTHER]
    entries += [
        (swatch(styles[row["policy"]]), f"{row['policy']}  {policy_words(row, with_mx=with_mx)}") for row in named
    ]
    if len(named) < len(records):
        entries.append((swatch(OTHER), f"other ({plural(len(records) - len(named), 'policy', 'policies')})"))
    if rows.none_found.any():
        sign = swatch(_NONE_FOUND, _NONE_EDGE)
        entries.append((sign, "no policy found"))
    if rows.not_observed.any():
        entries.append((Line2D([], [], color=_NOT_OBSERVED.colour, linewidth=2.2), "report that does not say which"))
    if marks:
        entries.append((Line2D([], [], color=_CHANGE, linewidth=1.1, linestyle=(0, (3, 2))), "change, first day seen"))
    if shown.unknown_days:
        entries.append(no_report_patch(shown.unknown_days))
    return entries
