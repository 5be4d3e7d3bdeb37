"""Which reporter sent a report for which day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from ..markup import number, plural, share, when
from ._canvas import empty_without_reports, lay_out, name_rows, total_points
from ._days import boxes, day_axis, fill, no_report, no_report_entry, runs, swatch
from ._show import Tip, set_alt, set_tips
from ._style import FAILED_SHARES, FONT, REPORT, TEXT_SIZE, fit, ink_around, label, width, with_defaults
from ._view import KEYS, REPORTER, day_of, view_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

    from ..reports import Source
    from ._style import Style
    from ._view import Bools, Floats, Period, View

__all__ = ["reporter_coverage"]

_MOST_ROWS: Final = 15


@with_defaults
def reporter_coverage(
    source: Source,
    *,
    domain: str | None = None,
    policy_type: str | None = None,
    period: Period | None = None,
    most: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Return an Axes that shows for which days each reporter sent a report, and which share of its sessions failed.

    A day without a mark is unknown: the reporter may have had no mail for the domain, or sent no report, or it was
    lost. RFC 8460 obliges no sender to report.

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
        `most` is below 1, or `period` is impossible.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> sts.plots.alt_text(reporter_coverage(sts.Archive()))[:16]
    'An empty figure.'
    """
    most = _MOST_ROWS if most is None else most
    if most < 1:
        raise ValueError(f"most is {most}: expected how many reporters to name, at least 1")
    view = view_of(source, (REPORTER,), domain=domain, policy_type=policy_type, period=period, any_type=True)
    if view.empty:
        return empty_without_reports(ax, view.no_reports)
    names, came, part, folded = _rows(view, most)
    failed = part > 0
    reporters = len(names) - 1 + folded if folded else len(names)
    entries = [(swatch(REPORT), "report, no failure")]
    entries += [(swatch(style), text) for style, text, _, flags in _classes(part) if flags.any()]
    if view.unknown_days:
        entries.append(no_report_entry(view.unknown_days))
    mean = len(view.rows.drop_duplicates(["offset", REPORTER])) / view.days
    often = f"on average {mean:.1f} a day" if reporters > 1 else f"reports for {plural(int(view.known.sum()), 'day')}"
    total = total_points(ax)
    names = [fit(name.replace(r"\$", "$"), total * 0.34, TEXT_SIZE) for name in names]
    tallies = [f"{number(int(row.sum()))} d" for row in came]
    axes = lay_out(
        ax,
        17.5 * len(names),
        title=f"{plural(reporters, 'reporter')}, {often}, {view.dates}",
        notes=[f"{view.about}. On the right: days with a report, of {number(view.days)}. No mark: no report, unknown."],
        entries=entries,
        left=max(width(name, TEXT_SIZE) for name in names) + 8,
        right=max(width(tally, TEXT_SIZE) for tally in tallies) + 6,
        grid=False,
    )
    no_report(axes, view.first, view.known)
    name_rows(axes, names)
    classes = [(style, inset, flags) for style, _, inset, flags in _classes(part)]
    for style, inset, flags in ((REPORT, 0.3, came & ~failed), *classes):
        path = [(start, end, row) for row, flag in enumerate(flags) for start, end in runs(flag)]
        if path:
            start, end, row = np.array(path).T
            # Taller, not only of another colour.
            fill(axes, boxes(view.first + start, view.first + end, row + inset, row + 1 - inset), style)
    day_axis(axes, view.first, view.days)
    for row, tally in enumerate(tallies):
        axes.annotate(
            tally, (1, row + 0.5), xytext=(4, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
            va="center", size=TEXT_SIZE, family=FONT, color=ink_around(axes, quiet=True), annotation_clip=False,
        )  # fmt: skip
    set_tips(axes, _tips(view, names, part))
    days = came.sum(axis=1)
    set_alt(
        axes,
        f"Which reporter sent a report for which day. {view.about}, {view.dates} UTC.",
        f"{plural(reporters, 'reporter')}, on average {mean:.1f} a day.",
        f"{names[0]} has the most days, {number(int(days[0]))} of {number(view.days)}; "
        f"{names[-1]} the fewest, {number(int(days[-1]))}." if len(names) > 1 else
        f"{names[0]} reported on {number(int(days[0]))} of {plural(view.days, 'day')}.",
        f"On {plural(int(failed.any(axis=0).sum()), 'day')} at least one reporter reported failed sessions.",
        view.unknown_note,
    )  # fmt: skip
    return axes


def _classes(part: Floats) -> Iterator[tuple[Style, str, float, Bools]]:
    """Yield for each class of failed shares its style, its name, how far it stays from the edges of a row, and its days."""
    small, some = 0.01, 0.1
    flags = ((part > 0) & (part < small), (part >= small) & (part < some), part >= some)
    texts = ("below 1 % failed", "1 to 10 %", "10 % or more")
    yield from zip(FAILED_SHARES, texts, (0.2, 0.1, 0.02), flags, strict=True)


def _tips(view: View, names: list[str], part: Floats) -> Iterator[Tip]:
    for row, day in np.argwhere(part > 0):
        left = view.first + int(day)
        text = f"{when(day_of(left))}, {names[row]}: {share(float(part[row, day]), 1)} of its sessions failed"
        yield Tip(left, left + 1, text, row, row + 1)


def _rows(view: View, most: int) -> tuple[list[str], Bools, Floats, int]:
    """Return names, and for each the days with a report, the share that failed; and how many the last row folds.

    The share of a day is that of the policy type with the largest: types may count the same sessions (RFC 8460 §4.4).
    """
    values = view.rows[REPORTER].astype(object)
    codes, reporters = pd.factorize(values)
    count = len(reporters)
    codes = np.where(codes < 0, count, codes)
    pairs = np.unique(np.stack([codes, view.rows["offset"].to_numpy()]), axis=1)
    days = np.bincount(pairs[0], minlength=count + 1)
    ranked = sorted(
        (code for code in range(count + 1) if days[code]),
        key=lambda code: (-days[code], str(reporters[code]) if code < count else ""),
    )
    kept, rest = (ranked, []) if len(ranked) <= most + 1 else (ranked[:most], ranked[most:])
    line = np.full(count + 1, len(kept))
    line[kept] = np.arange(len(kept))
    came = np.zeros((len(kept) + bool(rest), view.days), bool)
    came[line[codes], view.rows["offset"].to_numpy()] = True
    counts = pd.DataFrame(
        {"line": line[codes], "offset": view.rows["offset"].to_numpy(), "kind": view.rows["policy_type"].to_numpy(),
         "failed": view.rows["failed"].to_numpy(), "sessions": view.rows["group_sessions"].to_numpy()}
    ).groupby(["line", "offset", "kind"])[["failed", "sessions"]].sum().reset_index()  # fmt: skip
    counts = counts[counts["failed"] > 0]
    part = np.zeros(came.shape)
    np.maximum.at(
        part, (counts["line"].to_numpy(), counts["offset"].to_numpy()),
        counts["failed"].to_numpy() / np.maximum(counts["sessions"].to_numpy(), 1),
    )  # fmt: skip
    names = [label(reporters[code]) if code < count else KEYS[REPORTER].unnamed for code in kept]
    if rest:
        names.append(f"other ({plural(len(rest), 'reporter')})")
    return names, came, part, len(rest)
