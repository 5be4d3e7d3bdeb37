"""What of an archive is looked at: a choice, what can be chosen, and what follows from it. Knows no widget."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from ..analysis import Table, by_mx, by_reporter, by_result_type, failing_policy_types, narrow
from ..markup import number, one_line, plural, when

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ..reports import Archive

__all__ = ["GROUPINGS", "MOST_OPTIONS", "Exploration", "Selection"]

#: Most values that one list offers; the rest are counted, and reached by narrowing.
MOST_OPTIONS: Final = 200
#: Most figures at once: sts, tlsa, and one that no registry knows.
MOST_FIGURES: Final = 3
#: What the failures are told apart by, with the table that goes with it.
GROUPINGS: Final = {
    "result_type": ("Result type", by_result_type),
    "receiving_mx_hostname": ("MX host", by_mx),
    "organization_name": ("Reporter", by_reporter),
}
# Each choice from a list: the column it is about, and how the lists say that a report leaves it empty.
_LISTS: Final = {
    "domain": ("policy_domain", "(no domain)"),
    "policy_type": ("policy_type", "(no type)"),
    "reporter": ("organization_name", "(gives no name)"),
    "mx": ("receiving_mx_hostname", "(none named)"),
    "result_type": ("result_type", "(none)"),
}
_WORDS: Final = {
    "domain": "domain", "policy_type": "policy type", "reporter": "reporter", "mx": "MX host", "result_type": "result type",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A choice: None asks for all; empty text for what a report leaves out.

    Attributes
    ----------
    start, end : date or None
        First and last UTC day.
    domain, policy_type, reporter, mx, result_type : str or None
        As in the reports.
    by : str
        A key of `GROUPINGS`.
    """

    start: date | None = None
    end: date | None = None
    domain: str | None = None
    policy_type: str | None = None
    reporter: str | None = None
    mx: str | None = None
    result_type: str | None = None
    by: str = "result_type"

    def __post_init__(self) -> None:
        if self.by not in GROUPINGS:
            raise ValueError(f"by is {self.by!r}: expected any of {', '.join(GROUPINGS)}")

    @property
    def arguments(self) -> dict[str, Any]:
        """What `narrow` is called with: only what is chosen, days as text."""
        chosen = {key: value for key, value in asdict(self).items() if value is not None and key != "by"}
        return {key: value.isoformat() if isinstance(value, date) else value for key, value in chosen.items()}

    def __str__(self) -> str:
        parts = [f"{_WORDS[name]} {one_line(getattr(self, name), 80) or _LISTS[name][1]}" for name in _LISTS
                 if getattr(self, name) is not None]  # fmt: skip
        if self.start or self.end:
            parts.append(
                f"{when(self.start) if self.start else 'the first day'} to {when(self.end) if self.end else 'the last day'}"
            )
        return ", ".join(parts) or "everything"


class Exploration:
    """An archive, the present choice, and what it gives.

    Parameters
    ----------
    archive : Archive
        What `load` gave.
    selection : Selection, optional
        The first choice.
    name : str
        The name of the variable that holds the archive, for `code`.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> exploration = Exploration(sts.load(sts.sample_dir(), progress=False))
    >>> exploration.choose(domain="suedwind.example", by="receiving_mx_hostname")
    >>> print(exploration.code)
    import mtasts_nb as sts
    from mtasts_nb import diagnosis
    <BLANKLINE>
    selection = analysis.narrow(archive, domain="suedwind.example")
    for kind in analysis.failing_policy_types(selection)[:3]:
        display(sts.plots.show(sts.plots.failures_over_time(selection, by="receiving_mx_hostname", policy_type=kind)))
    analysis.by_mx(selection)
    """

    def __init__(self, archive: Archive, selection: Selection | None = None, *, name: str = "archive") -> None:
        if not name.isidentifier():
            raise ValueError(f"name is {name!r}: expected the name of a variable, for example 'archive'")
        self.archive = archive
        self.selection = selection or Selection()
        self._name = name
        self._narrowed: dict[tuple[tuple[str, Any], ...], Archive] = {}

    def choose(self, **changes: Any) -> None:
        """Change the choice; what is not named stays.

        Raises
        ------
        ValueError
            `by` is none of the groupings.
        """
        self.selection = replace(self.selection, **changes)

    @property
    def problem(self) -> str:
        """Why the choice can give nothing; empty where it can."""
        start, end = self.selection.start, self.selection.end
        if start and end and start > end:
            return f"The first day, {when(start)}, is after the last, {when(end)}."
        return ""

    @cached_property
    def days(self) -> tuple[date, date] | None:
        """The first and last day of any report; None where there is no report."""
        days = self.archive.sessions["day"]
        return (days.min().date(), days.max().date()) if len(days) else None

    @property
    def chosen(self) -> Archive:
        """The part of the archive that is chosen."""
        return self._part(**self.selection.arguments)

    @property
    def words(self) -> str:
        """What is chosen and how much it is, in a sentence."""
        if self.problem:
            return self.problem
        if self.days is None:
            return "There is no report in this archive."
        found = self.chosen
        failed = found.failures.groupby("policy_type", observed=True)["failed_session_count"].sum()
        failed = failed[failed > 0]
        # Never added up: a sender may list the same sessions under two types (RFC 8460 §4.4).
        counts = " and ".join(
            f"{plural(int(count), 'failed session')} under {one_line(kind, 40)}" for kind, count in failed.items()
        )
        if not len(found.sessions):
            return f"Chosen: {self.selection}. No report came for this: unknown, which is not zero."
        reports = plural(int(found.reports["duplicate_of"].isna().sum()), "report")
        return f"Chosen: {self.selection}. {reports}, {counts or 'no failed session'}."

    @property
    def table(self) -> Table:
        """Failures by the chosen grouping, the largest first."""
        return GROUPINGS[self.selection.by][1](self.chosen)

    def figures(self) -> list[Axes]:
        """Return failed sessions per day, stacked by the chosen grouping: one figure for each policy type that failed.

        Sessions under two policy types may be the same ones, so no figure adds them up.
        """
        from ..plots import failures_over_time

        chosen = self.chosen
        return [
            failures_over_time(chosen, by=self.selection.by, policy_type=kind)
            for kind in failing_policy_types(chosen)[:MOST_FIGURES]
        ]

    @property
    def code(self) -> str:
        """Python that gives figure and table again, to paste into a cell."""
        given = [self._name, *(f"{key}={_literal(value)}" for key, value in self.selection.arguments.items())]
        call = f"analysis.narrow({', '.join(given)})"
        if len(call) > 100:
            call = "analysis.narrow(\n" + "".join(f"    {one},\n" for one in given) + ")"
        by = self.selection.by
        return (
            "import mtasts_nb as sts\n"
            "from mtasts_nb import diagnosis\n\n"
            f"selection = {call}\n"
            f"for kind in analysis.failing_policy_types(selection)[:{MOST_FIGURES}]:\n"
            f'    display(sts.plots.show(sts.plots.failures_over_time(selection, by="{by}", policy_type=kind)))\n'
            f"diagnosis.{GROUPINGS[by][1].__name__}(selection)"
        )

    def options(self, name: str) -> list[tuple[str, str | None]]:
        """Return what a list offers: label and value, all first, then by failed sessions.

        What can be chosen are the values in the chosen days and domain, whatever the other lists say, so that one can
        go from one to the next. The value that is chosen now is always there.
        """
        column, empty = _LISTS[name]
        wider = {
            key: value
            for key, value in self.selection.arguments.items()
            if key in ("start", "end", "domain") and key != name
        }
        part = self.archive if self.problem else self._part(**wider)
        failed = part.failures.groupby(_filled(part.failures[column]))["failed_session_count"].sum()
        failed = failed[failed > 0]
        if column in part.sessions:
            seen = _filled(part.sessions[column]).unique()
            failed = failed.reindex(failed.index.union(list(seen)), fill_value=0)
        ranked = sorted(failed.items(), key=lambda item: (-item[1], str(item[0])))
        chosen = getattr(self.selection, name)
        listed = [
            (f"{_label(value, empty)} ({number(count)} failed)", str(value)) for value, count in ranked[:MOST_OPTIONS]
        ]
        if chosen is not None and chosen not in {value for _, value in listed}:
            listed.insert(0, (f"{_label(chosen, empty)} (nothing in these days)", chosen))
        more = len(ranked) - MOST_OPTIONS
        every = f"all {number(len(ranked))}" if ranked else "all"
        if more > 0:
            every += f" (the {MOST_OPTIONS} with most failures are listed)"
        return [(every, None), *_apart(listed)]

    def _part(self, **arguments: Any) -> Archive:
        key = tuple(sorted(arguments.items()))
        if key not in self._narrowed:
            if len(self._narrowed) > 8:  # each may be as large as the archive
                self._narrowed.clear()
            # A domain that these reports do not know is a choice without a report here, not a slip in a name.
            known = (
                arguments.get("domain") is None or (self.archive.sessions["policy_domain"] == arguments["domain"]).any()
            )
            self._narrowed[key] = narrow(self.archive, **arguments) if known else type(self.archive)()
        return self._narrowed[key]


def _filled(column: pd.Series) -> pd.Series:
    return column.astype("str").fillna("")


def _label(value: object, empty: str) -> str:
    return one_line(value, 90) or empty


def _apart(listed: list[tuple[str, str]]) -> list[tuple[str, str | None]]:
    """Return the options with labels that all differ: a list control knows an option by its label."""
    seen: dict[str, int] = {}
    out: list[tuple[str, str | None]] = []
    for label, value in listed:
        seen[label] = seen.get(label, 0) + 1
        out.append((label if seen[label] == 1 else f"{label} #{seen[label]}", value))
    return out


def _literal(value: str) -> str:
    """Return Python text that gives the value again, in the quotes of the rest of the code where it can."""
    shown = repr(value)
    return f'"{shown[1:-1]}"' if shown.startswith("'") and '"' not in shown else shown
