"""Which reporter sent a report for which day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from ..markup import number, plural
from ._alt import set_alt
from ._canvas import empty, lay_out, total_points
from ._days import boxes, day_axis, fill, no_report, no_report_patch, runs, swatch
from ._series import KEYS, REPORTER
from ._style import FONT, REPORT, REPORT_WITH_FAILURES, TEXT_SIZE, ink_around
from ._text import fit, label, width
from ._view import view

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..reports import Source
    from ._days import Bools
    from ._view import Period, View

__all__ = ["reporter_coverage"]

_MOST_ROWS: Final = 15


def reporter_coverage(
    source: Source,
    *,
    domain: str | None = None,
    policy_type: str | None = None,
    period: Period | None = None,
    most: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Return an Axes that shows for which days each reporter sent a report, and whether it told of failures.

    A day without a mark is unknown: the reporter may have had no mail for the domain, or sent no report, or it was
    lost (RFC 8460 §4.1 leaves reporting to the sender).

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    domain : str, optional
        Only reports about this policy domain.
    policy_type : str, optional
        Only reports that list this policy type. By default any: nothing is added up here.
    period
        As in `failures_over_time`.
    most : int, optional
        How many reporters have a row of their own, those with the most days; the rest share one. By default 15.
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
    >>> sts.plots.alt_text(reporter_coverage(sts.Archive()))[:16]
    'An empty figure.'
    """
    most = _MOST_ROWS if most is None else most
    if most < 1:
        raise ValueError(f"most is {most}: expected how many reporters to name, at least 1")
    shown = view(source, (REPORTER,), domain=domain, policy_type=policy_type, period=period, any_type=True)
    if shown.empty:
        return empty(ax, shown)
    names, came, failed, folded = _rows(shown, most)
    reporters = len(names) - 1 + folded if folded else len(names)
    entries = [
        (swatch(REPORT), "report, no failure in it"),
        (swatch(REPORT_WITH_FAILURES), "report of failed sessions"),
    ]
    if shown.unknown_days:
        entries.append(no_report_patch(shown.unknown_days))
    mean = came_each_day(shown) / shown.days
    often = f"on average {mean:.1f} a day" if reporters > 1 else f"reports for {plural(int(shown.known.sum()), 'day')}"
    total = total_points(ax)
    names = [fit(name.replace(r"\$", "$"), total * 0.34, TEXT_SIZE) for name in names]
    tallies = [f"{number(int(row.sum()))} d" for row in came]
    axes = lay_out(
        ax,
        17.5 * len(names),
        title=f"{plural(reporters, 'reporter')}, {often}, {shown.dates}",
        notes=[
            f"{shown.about}. At the right: days with a report, of {number(shown.days)}. No mark: no report, unknown."
        ],
        entries=entries,
        left=max(width(name, TEXT_SIZE) for name in names) + 8,
        right=max(width(tally, TEXT_SIZE) for tally in tallies) + 6,
        grid=False,
    )
    no_report(axes, shown.first, shown.known)
    for place in range(len(names)):
        axes.axhspan(place + 0.08, place + 0.92, color="#f3f4f6", linewidth=0, zorder=0.3)
    for style, flags, inset in ((REPORT, came & ~failed, 0.14), (REPORT_WITH_FAILURES, failed, 0.02)):
        path = [(start, end, row) for row, flag in enumerate(flags) for start, end in runs(flag)]
        if path:
            start, end, row = np.array(path).T
            # Taller, not only of another colour.
            fill(axes, boxes(shown.first + start, shown.first + end, row + inset, row + 1 - inset), style)
    day_axis(axes, shown.first, shown.days)
    axes.set_ylim(len(names), 0)
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.tick_params(axis="y", length=0)
    for place, tally in enumerate(tallies):
        axes.annotate(
            tally, (1, place + 0.5), xytext=(4, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
            va="center", size=TEXT_SIZE, family=FONT, color=ink_around(axes, quiet=True), annotation_clip=False,
        )  # fmt: skip
    set_alt(axes, _alt(shown, names, came, failed, reporters, mean))
    return axes


def came_each_day(shown: View) -> int:
    """Return how many pairs of day and reporter have a report."""
    return len(shown.rows.drop_duplicates(["offset", REPORTER]))


def _rows(shown: View, most: int) -> tuple[list[str], Bools, Bools, int]:
    """Return names, and for each the days with a report and with failures; and how many the last row folds."""
    values = shown.rows[REPORTER].astype(object)
    codes, found = pd.factorize(values)
    count = len(found)
    codes = np.where(codes < 0, count, codes)
    pairs = np.unique(np.stack([codes, shown.rows["offset"].to_numpy()]), axis=1)
    days = np.bincount(pairs[0], minlength=count + 1)
    ranked = sorted(
        (code for code in range(count + 1) if days[code]),
        key=lambda code: (-days[code], str(found[code]) if code < count else ""),
    )
    kept, rest = (ranked, []) if len(ranked) <= most + 1 else (ranked[:most], ranked[most:])
    line = np.full(count + 1, len(kept))
    line[kept] = np.arange(len(kept))
    came = np.zeros((len(kept) + bool(rest), shown.days), bool)
    failed = came.copy()
    came[line[codes], shown.rows["offset"].to_numpy()] = True
    bad = shown.rows["failed"].to_numpy() > 0
    failed[line[codes][bad], shown.rows["offset"].to_numpy()[bad]] = True
    names = [label(found[code]) if code < count else KEYS[REPORTER].unnamed for code in kept]
    if rest:
        names.append(f"other ({plural(len(rest), 'reporter')})")
    return names, came, failed, len(rest)


def _alt(shown: View, names: list[str], came: Bools, failed: Bools, reporters: int, mean: float) -> str:
    days = came.sum(axis=1)
    parts = [
        f"Which reporter sent a report for which day. {shown.about}, {shown.dates} UTC.",
        f"{plural(reporters, 'reporter')}, on average {mean:.1f} a day.",
        f"{names[0]} has the most days, {number(int(days[0]))} of {number(shown.days)}; "
        f"{names[-1]} the fewest, {number(int(days[-1]))}." if len(names) > 1 else
        f"{names[0]} reported on {number(int(days[0]))} of {plural(shown.days, 'day')}.",
        f"On {plural(int(failed.any(axis=0).sum()), 'day')} at least one reporter told of failed sessions.",
        shown.unknown_note,
    ]  # fmt: skip
    return " ".join(part for part in parts if part).replace(r"\$", "$")
