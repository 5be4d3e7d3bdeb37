"""Lists to choose from an archive; figure, table and code follow."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import ipywidgets

from ..analysis import Table, by_mx, by_reporter, by_result_type, failing_policy_types, narrow
from ..markup import number, one_line, plural, when
from ..plots import failures_over_time, show
from ..render import Document, Paragraph, Preformatted, to_html
from ._static import LABEL, WRAP, Choice, Live, buttons, error, picture, status

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ..reports import Archive

__all__ = ["MOST_OPTIONS", "Exploration", "ReportExplorer", "Selection"]

#: Most values that one list offers; the rest are counted, and reached by narrowing.
MOST_OPTIONS: Final = 200
#: Most figures at once: sts, tlsa, and one that no registry knows.
MOST_FIGURES: Final = 3
#: Most selections kept; each may be as large as the archive.
_MOST_KEPT: Final = 8
#: How the failures can be grouped, with the table that goes with it.
GROUPINGS: Final = {
    "result_type": ("Result type", by_result_type),
    "receiving_mx_hostname": ("MX host", by_mx),
    "organization_name": ("Reporter", by_reporter),
}
#: Each list: its label, its column, and how it names what a report leaves empty.
_LISTS: Final = {
    "domain": ("Domain", "policy_domain", "(no domain)"),
    "policy_type": ("Policy type", "policy_type", "(no type)"),
    "reporter": ("Reporter", "organization_name", "(gives no name)"),
    "mx": ("MX host", "receiving_mx_hostname", "(none named)"),
    "result_type": ("Result type", "result_type", "(none)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A choice: None selects all; empty text selects what a report leaves out.

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
        """The arguments for `narrow`: only what is chosen, days as text."""
        chosen = {key: value for key, value in asdict(self).items() if value is not None and key != "by"}
        return {key: value.isoformat() if isinstance(value, date) else value for key, value in chosen.items()}

    def __str__(self) -> str:
        parts = [
            f"{label[0].lower() if label[1].islower() else label[0]}{label[1:]} {one_line(value, 80) or empty}"
            for name, (label, _, empty) in _LISTS.items()
            if (value := getattr(self, name)) is not None
        ]
        if self.start or self.end:
            first, last = (when(day) if day else "" for day in (self.start, self.end))
            parts.append(f"{first or 'the first day'} to {last or 'the last day'}")
        return ", ".join(parts) or "everything"


class Exploration:
    """An archive, the present choice, and its results. Knows no widget.

    Parameters
    ----------
    archive : Archive
        What `load` returned.
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
    from mtasts_nb import analysis
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
        """Why nothing can match the choice; empty where something can."""
        start, end = self.selection.start, self.selection.end
        if start and end and start > end:
            return f"The first day, {when(start)}, is after the last, {when(end)}."
        return ""

    @property
    def chosen(self) -> Archive:
        """The part of the archive that is chosen."""
        return self._part(**self.selection.arguments)

    @property
    def words(self) -> str:
        """What is chosen and how much it is, in a sentence."""
        if self.problem:
            return self.problem
        if not len(self.archive.sessions):
            return "There is no report in this archive."
        part = self.chosen
        if not len(part.sessions):
            return f"Chosen: {self.selection}. No report matches: unknown, which is not zero."
        failed = part.failures.groupby("policy_type", observed=True)["failed_session_count"].sum()
        # Never added up: a sender may list the same sessions under two types (RFC 8460 §4.4).
        counts = " and ".join(
            f"{plural(int(count), 'failed session')} under {one_line(kind, 40)}"
            for kind, count in failed.items()
            if count
        )
        reports = plural(int(part.reports["duplicate_of"].isna().sum()), "report")
        return f"Chosen: {self.selection}. {reports}, {counts or 'no failed session'}."

    @property
    def table(self) -> Table:
        """Failures by the chosen grouping, the largest first."""
        return GROUPINGS[self.selection.by][1](self.chosen)

    def figures(self) -> list[Axes]:
        """Return failed sessions per day by the chosen grouping: one figure for each policy type with failures.

        Sessions under two policy types may be the same ones, so no figure adds them up.
        """
        chosen = self.chosen
        return [
            failures_over_time(chosen, by=self.selection.by, policy_type=kind)
            for kind in failing_policy_types(chosen)[:MOST_FIGURES]
        ]

    @property
    def code(self) -> str:
        """Python that gives figure and table again, to paste into a cell."""
        arguments = [self._name, *(f"{key}={_literal(value)}" for key, value in self.selection.arguments.items())]
        call = f"analysis.narrow({', '.join(arguments)})"
        if len(call) > 100:
            call = "analysis.narrow(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"
        by = self.selection.by
        return (
            "import mtasts_nb as sts\n"
            "from mtasts_nb import analysis\n\n"
            f"selection = {call}\n"
            f"for kind in analysis.failing_policy_types(selection)[:{MOST_FIGURES}]:\n"
            f'    display(sts.plots.show(sts.plots.failures_over_time(selection, by="{by}", policy_type=kind)))\n'
            f"analysis.{GROUPINGS[by][1].__name__}(selection)"
        )

    def options(self, name: str) -> list[tuple[str, str | None]]:
        """Return the labels and values of a list: all first, then by failed sessions.

        The values are those in the chosen days and domain, whatever the other lists say, so that one can go from one
        to the next. The value that is chosen now is always there.
        """
        _, column, empty = _LISTS[name]
        arguments = self.selection.arguments
        wider = {key: arguments[key] for key in ("start", "end", "domain") if key in arguments and key != name}
        part = self.archive if self.problem else self._part(**wider)
        failed = part.failures.groupby(_filled(part.failures[column]))["failed_session_count"].sum()
        failed = failed[failed > 0]
        if column in part.sessions:
            values = _filled(part.sessions[column]).unique()
            failed = failed.reindex(failed.index.union(list(values)), fill_value=0)
        ranked = sorted(failed.items(), key=lambda item: (-item[1], str(item[0])))
        chosen = getattr(self.selection, name)
        listed = [
            (f"{_label(value, empty)} ({number(count)} failed)", str(value)) for value, count in ranked[:MOST_OPTIONS]
        ]
        if chosen is not None and chosen not in {value for _, value in listed}:
            listed.insert(0, (f"{_label(chosen, empty)} (nothing in these days)", chosen))
        every = f"all {number(len(ranked))}" if ranked else "all"
        if len(ranked) > MOST_OPTIONS:
            every += f" (the {MOST_OPTIONS} with most failures are listed)"
        return [(every, None), *_distinct(listed)]

    def _part(self, **arguments: Any) -> Archive:
        key = tuple(sorted(arguments.items()))
        if key not in self._narrowed:
            if len(self._narrowed) > _MOST_KEPT:
                self._narrowed.clear()
            # A domain that these reports do not know is a choice without a report here, not a mistyped name.
            known = "domain" not in arguments or (self.archive.sessions["policy_domain"] == arguments["domain"]).any()
            self._narrowed[key] = narrow(self.archive, **arguments) if known else type(self.archive)()
        return self._narrowed[key]


def _filled(column: pd.Series) -> pd.Series:
    return column.astype("str").fillna("")


def _label(value: object, empty: str) -> str:
    return one_line(value, 90) or empty


def _distinct(listed: list[tuple[str, str]]) -> list[tuple[str, str | None]]:
    """Return the options with labels that all differ: a list control identifies an option by its label."""
    times: dict[str, int] = {}
    options: list[tuple[str, str | None]] = []
    for label, value in listed:
        times[label] = times.get(label, 0) + 1
        options.append((label if times[label] == 1 else f"{label} #{times[label]}", value))
    return options


def _literal(value: str) -> str:
    """Return Python text that gives the value again, in the quotes of the rest of the code where it can."""
    literal = repr(value)
    return f'"{literal[1:-1]}"' if literal.startswith("'") and '"' not in literal else literal


class ReportExplorer(Live):
    """Choose days, domain, reporter, MX host and result type; the figure, the table and the code to paste follow.

    Parameters
    ----------
    archive : Archive
        What `load` returned.
    name : str
        The name of the variable that holds it, for the code.
    start, end : date, optional
        First and last UTC day at first.
    domain, policy_type, reporter, mx, result_type : str, optional
        The choice at first; None is all.
    by : {"result_type", "receiving_mx_hostname", "organization_name"}
        How the failures are grouped at first.

    Attributes
    ----------
    exploration : Exploration
        The state machine behind the controls.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> explorer = ReportExplorer(sts.load(sts.sample_dir(), progress=False), domain="suedwind.example")
    >>> explorer.selection.domain, len(explorer.archive.failures) > 0
    ('suedwind.example', True)
    """

    def __init__(self, archive: Archive, *, name: str = "archive", **chosen: Any) -> None:
        self.exploration = Exploration(archive, Selection(**chosen), name=name)
        self._settling = False
        selection = self.exploration.selection
        # No bounds: the control would move a day that is out of bounds by itself, without notice.
        self._days = {
            key: ipywidgets.DatePicker(description=text, value=getattr(selection, key), style=LABEL)
            for key, text in (("start", "First day"), ("end", "Last day"))
        }
        self._lists = {
            key: Choice(label, self.exploration.options(key), getattr(selection, key), partial(self._changed, key))
            for key, (label, _, _) in _LISTS.items()
        }
        self._by = buttons("Group by", [(text, key) for key, (text, _) in GROUPINGS.items()], selection.by)
        self._all = ipywidgets.Button(description="Choose all again", tooltip="Clear every choice")
        self._words, self._results = ipywidgets.HTML(), ipywidgets.HTML()
        self._code = ipywidgets.Textarea(
            description="Code", rows=6, style=LABEL, layout={"width": "100%", "max_width": "60em"}
        )
        days, lists = (ipywidgets.HBox(list(row.values()), layout=WRAP) for row in (self._days, self._lists))
        super().__init__([days, lists, self._by, self._all, self._words, self._results, self._code])
        for key, control in {**self._days, "by": self._by}.items():
            control.observe(lambda change, key=key: self._changed(key, change["new"]), names="value")
        self._all.on_click(lambda _: self.choose(**dict.fromkeys([*self._days, *self._lists])))
        self._refresh()

    @property
    def selection(self) -> Selection:
        """What is chosen now."""
        return self.exploration.selection

    @property
    def archive(self) -> Archive:
        """The part of the archive that is chosen now."""
        return self.exploration.chosen

    def choose(self, **changes: Any) -> None:
        """Choose as with the controls; None clears a choice."""
        self.exploration.choose(**changes)
        self._refresh()

    def _changed(self, key: str, value: Any) -> None:
        if not self._settling:
            self.choose(**{key: value})

    def _refresh(self) -> None:
        """Make every control, and all that follows from them, show the choice."""
        self._settling = True
        try:
            for key, control in self._days.items():
                control.value = getattr(self.selection, key)
            for key, control in self._lists.items():
                control.offer(self.exploration.options(key), getattr(self.selection, key))
            self._by.value = self.selection.by
        finally:
            self._settling = False
        self._words.value = self._message()
        self._results.value = self._content()
        self._code.value = self.exploration.code

    def _message(self) -> str:
        return error(self.exploration.problem) if self.exploration.problem else status(self.exploration.words)

    def _content(self) -> str:
        if self.exploration.problem or not len(self.archive.sessions):
            return ""
        figures = [show(figure) for figure in self.exploration.figures()]
        pictures = "".join(picture(figure.svg or figure.png or b"", figure.alt) for figure in figures)
        return pictures + self.exploration.table._repr_html_()

    def __repr__(self) -> str:
        return f"<ReportExplorer: {self.exploration.words}>"

    def _repr_html_(self) -> str:
        code = Document((Paragraph("The same as code:"), Preformatted(self.exploration.code)))
        return self._message() + self._content() + to_html(code, styled=False)
