"""What `load` gives back: the six tables, ways to narrow them, to write them, and to show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import SourceError
from ..markup import csv_cell, html_table, html_text, number, one_line, plural, share, terminal_text, when
from . import schema

__all__ = ["Archive"]

TABLES = tuple(schema.SCHEMA)
_MOST_NAMED = 5


class Archive:
    """TLS reports (RFC 8460) as tables. Columns are documented in `mtasts_nb.reports.schema`.

    Attributes
    ----------
    inputs : DataFrame
        What became of everything that was looked at; one row each.
    reports : DataFrame
        One row per report, without further copies of it. Where two contradict each other, `conflict` is set on both
        and `duplicate_of` on the one that does not count.
    sessions : DataFrame
        One row per policy of a report that counts.
    failures : DataFrame
        One row per failure detail; ``unattributed`` for what a summary counts and no detail explains. The rows of a
        session add up to the larger of total_failure_session_count and detailed_failure_session_count.
    deviations : DataFrame
        What was assumed in reading; one row per assumption.
    rejects : DataFrame
        What could not be read, and why.

    Examples
    --------
    >>> Archive()
    <Archive: no reports>
    """

    inputs: pd.DataFrame
    reports: pd.DataFrame
    sessions: pd.DataFrame
    failures: pd.DataFrame
    deviations: pd.DataFrame
    rejects: pd.DataFrame

    __slots__ = ("looked_at", *TABLES)

    def __init__(self, *, looked_at: Sequence[str] = (), **tables: pd.DataFrame) -> None:
        unknown = set(tables) - set(TABLES)
        if unknown:
            raise TypeError(f"Archive has no table {', '.join(sorted(unknown))}; it has {', '.join(TABLES)}")
        #: The sources, as given to `load`.
        self.looked_at = tuple(looked_at)
        for name in TABLES:
            setattr(self, name, tables[name] if name in tables else schema.empty(name))

    def session_rows(
        self, session_columns: Sequence[str], failure_columns: Sequence[str], *, engine: str | None = None
    ) -> Iterable[tuple[pd.DataFrame, pd.DataFrame]]:
        """Yield sessions and failures in one piece; what makes an Archive a `Source`."""
        if engine not in (None, "pandas"):
            raise ValueError(f"an Archive is in memory and computes with pandas only, not with engine={engine!r}")
        yield self.sessions[list(session_columns)], self.failures[list(failure_columns)]

    # -- narrowing

    def between(self, start: str | date | datetime, end: str | date | datetime) -> Archive:
        """Return the reports whose period starts at `start` or later and before `end`.

        Parameters
        ----------
        start, end : str, date or datetime
            Moments in UTC unless they say otherwise. An `end` that is a whole day (a date, or text like
            ``2026-02-28``) includes that day.

        Returns
        -------
        Archive
            With the inputs and deviations of these reports, and all inputs that hold no report: nobody knows which
            day a rejected one was for.
        """
        first, last = _moment(start), _moment(end)
        if _is_day(end):
            last += pd.Timedelta(days=1)
        return self._narrowed(
            *(
                table[(table["start_datetime"] >= first) & (table["start_datetime"] < last)]
                for table in (self.reports, self.sessions, self.failures)
            )
        )

    def for_domain(self, domain: str) -> Archive:
        """Return the sessions of one policy domain, and the reports that have any.

        Parameters
        ----------
        domain : str
            The policy domain, in any case, with or without its last dot. Subdomains are domains of their own.
        """
        name = domain.strip().lower().removesuffix(".")
        sessions = self.sessions[self.sessions["policy_domain"] == name]
        failures = self.failures[self.failures["policy_domain"] == name]
        return self.holding(sessions, failures)

    def holding(self, sessions: pd.DataFrame, failures: pd.DataFrame) -> Archive:
        """Return these of the sessions and failures, and the reports that the sessions are in.

        Parameters
        ----------
        sessions, failures : DataFrame
            Rows of the tables of this archive.
        """
        mine = self.reports["report_key"].isin(sessions["report_key"])
        instead = self.reports["duplicate_of"].isin(sessions["report_key"])
        return self._narrowed(self.reports[mine | instead], sessions, failures)

    def _narrowed(self, reports: pd.DataFrame, sessions: pd.DataFrame, failures: pd.DataFrame) -> Archive:
        kept = self.inputs[self.inputs["report_key"].isna() | self.inputs["report_key"].isin(reports["report_key"])]
        places = pd.MultiIndex.from_frame(kept[["source", "member"]])
        mine = pd.MultiIndex.from_frame(self.deviations[["source", "member"]]).isin(places)
        tables = {
            "inputs": kept,
            "reports": reports,
            "sessions": sessions,
            "failures": failures,
            "deviations": self.deviations[mine],
            "rejects": self.rejects,
        }
        return Archive(looked_at=self.looked_at, **{name: _tidy(table) for name, table in tables.items()})

    # -- writing

    def to_csv(self, directory: str | Path) -> list[Path]:
        """Write each table as CSV (UTF-8, times in ISO 8601) into a folder, made if need be; returns the files.

        Text that a spreadsheet would run as a formula gets an apostrophe in front.
        """
        folder = _folder(directory)
        written = []
        for name in TABLES:
            table = getattr(self, name)
            safe = {column: _guarded(table[column]) for column in table}
            written.append(folder / f"{name}.csv")
            pd.DataFrame(safe, columns=table.columns).to_csv(written[-1], index=False, encoding="utf-8")
        return written

    def to_parquet(self, directory: str | Path) -> list[Path]:
        """Write each table as Parquet into a folder, made if need be; returns the files."""
        folder = _folder(directory)
        written = []
        for name in TABLES:
            written.append(folder / f"{name}.parquet")
            getattr(self, name).to_parquet(written[-1], engine="pyarrow", compression="zstd", index=False)
        return written

    # -- showing

    def require_reports(self) -> Archive:
        """Return this archive; raise if it holds no report.

        Raises
        ------
        SourceError
            In one line: what was looked at, what was there instead, what to do.
        """
        if len(self.reports):
            return self
        where = ", ".join(self.looked_at[:3]) + (" and more" if len(self.looked_at) > 3 else "") or "what was given"
        outcomes = self.inputs["outcome"].value_counts()
        parts = [plural(len(self.inputs), "input") + " looked at"]
        parts += [f"{number(outcomes[name])} {name}" for name in ("skipped", "rejected") if outcomes.get(name, 0)]
        why = self.rejects["reason"] if len(self.rejects) else self.inputs["reason"]
        if len(why := why.dropna()):
            parts.append(f"mostly: {why.value_counts().index[0]}")
        raise SourceError(
            f"no TLS report in {where}: {', '.join(parts)}. "
            "Point to reports (.json, .json.gz), an archive of them, or the mailbox that receives them."
        )

    def _sessions_by_type(self) -> list[tuple[str, int, int]]:
        """Return policy type, sessions and failed ones; never added up: a sender may list the same under two types."""
        sessions = self.sessions
        failed = sessions[["total_failure_session_count", "detailed_failure_session_count"]].max(axis=1)
        counts = pd.DataFrame({"all": sessions["total_successful_session_count"] + failed, "failed": failed})
        sums = counts.groupby(sessions["policy_type"], observed=True).sum().sort_values("all", ascending=False)
        return [(str(name), int(total), int(bad)) for name, total, bad in sums.itertuples()]

    def _span(self) -> str:
        starts = self.reports["start_datetime"]
        return f"{when(starts.min().date())} to {when(starts.max().date())}" if len(starts) else "no report"

    def __repr__(self) -> str:
        if not len(self.reports):
            return "<Archive: no reports>" if not len(self.inputs) else f"<Archive: no reports; {self._outcomes()}>"
        by_type = self._sessions_by_type()
        shown = [f"{name} {plural(total, 'session')}, {share(bad, total)} failed" for name, total, bad in by_type[:3]]
        return terminal_text(
            f"<Archive: {plural(int(self.reports['duplicate_of'].isna().sum()), 'report')}, {self._span()}, "
            f"{plural(self.reports['organization_name'].nunique(), 'reporter')}, "
            f"{plural(self.sessions['policy_domain'].nunique(), 'policy domain')}; "
            f"{'; '.join([*shown, *(['and more'] if len(by_type) > 3 else [])])}; {self._outcomes()}>"
        )

    def _outcomes(self) -> str:
        counts = self.inputs["outcome"].value_counts()
        return f"{plural(len(self.inputs), 'input')}: " + ", ".join(
            f"{number(counts[name])} {name}"
            for name in ("loaded", "duplicate", "skipped", "rejected")
            if counts.get(name, 0)
        )

    def _repr_html_(self) -> str:
        facts = {
            "Span (UTC)": self._span(),
            "Reports": number(int(self.reports["duplicate_of"].isna().sum())),
            "Reporters": _counted(self.reports["organization_name"]),
            "Policy domains": _counted(self.sessions["policy_domain"]),
        }
        for name, total, bad in self._sessions_by_type()[:_MOST_NAMED]:
            facts[f"Sessions under {name}"] = f"{number(total)}, of which failed {number(bad)} ({share(bad, total)})"
        facts["Inputs"] = self._outcomes() if len(self.inputs) else "none"
        facts["Assumptions made in reading"] = number(len(self.deviations))
        if conflicts := int(self.reports["conflict"].sum()):
            facts["Reports that contradict another"] = number(conflicts)
        listed = [{"what": what, "found": found} for what, found in facts.items()]
        parts = [html_table(listed, {"what": "What", "found": "Found"}, caption="TLS reports")]
        if len(self.rejects):
            reasons = self.rejects.groupby(["stage", "reason"], observed=True)["detail"].agg(["size", "first"])
            rows = (
                reasons.sort_values("size", ascending=False)
                .reset_index()
                .rename(columns={"size": "count", "first": "example"})
            )
            headings = {"reason": "Rejected because", "stage": "while", "count": "inputs", "example": "for example"}
            records = [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]
            parts.append(html_table(records, headings, caption="Rejected", numeric=("count",)))
        elif len(self.inputs):
            parts.append(f"<p>{html_text('Nothing was rejected.')}</p>")
        return "".join(parts)


def _counted(names: pd.Series) -> str:
    """Return how many different names there are, and the first of them, the most frequent first."""
    found = names.value_counts()
    found = found[found > 0]
    listed = ", ".join(one_line(name, 60) or "(no name)" for name in found.index[:_MOST_NAMED])
    more = ", …" if len(found) > _MOST_NAMED else ""
    return f"{number(len(found))}: {listed}{more}" if len(found) else number(0)


def _moment(value: str | date | datetime) -> pd.Timestamp:
    moment = pd.Timestamp(value)
    return moment.tz_localize(UTC) if moment.tzinfo is None else moment.tz_convert(UTC)


def _is_day(value: str | date | datetime) -> bool:
    if isinstance(value, str):
        return len(value.strip()) <= len("2026-02-28") and ":" not in value
    return not isinstance(value, datetime)


def _tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its rows numbered anew, and without categories that no longer occur."""
    tidy = table.reset_index(drop=True)
    for name in tidy:
        if isinstance(tidy[name].dtype, pd.CategoricalDtype):
            tidy[name] = tidy[name].cat.remove_unused_categories()
    return tidy


def _folder(directory: str | Path) -> Path:
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _guarded(column: pd.Series) -> Any:
    if isinstance(column.dtype, pd.CategoricalDtype):
        texts = {text: csv_cell(text) for text in column.cat.categories}
        # Two texts may become one: a plain map keeps both.
        return column.astype("str").map(texts) if any(k != v for k, v in texts.items()) else column
    if isinstance(column.dtype, pd.StringDtype):
        return column.map(csv_cell, na_action="ignore")
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        seconds = column.dt.floor("s")
        # Whole seconds, as nearly all are, without six zeros.
        fraction = "" if seconds.equals(column) else ".%f"
        return column.dt.strftime(f"%Y-%m-%dT%H:%M:%S{fraction}Z")
    return column
