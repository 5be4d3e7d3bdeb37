"""What `load` returns: the six tables, ways to narrow them and to write them, and how they are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, runtime_checkable

import pandas as pd

from ..errors import SourceError
from ..files import replacing
from ..markup import csv_cell, number, one_line, plural, share, terminal_text, when
from ..moments import is_day, utc_moment
from ..render import Block, Document, Paragraph, Rendered, Section, Table, Terms, document, no_formulas_in_frames
from . import schema
from ._daily import Source

__all__ = ["Archive", "Stored"]

TABLES = tuple(schema.SCHEMA)
_MOST_NAMES: Final = 5


@runtime_checkable
class Stored(Source, Protocol):
    """A source that can be narrowed, and read into memory: an `Archive`, which is, or a store."""

    def to_archive(self) -> Archive:
        """Return them in memory."""

    def between(self, start: str | date | datetime, end: str | date | datetime) -> Stored:
        """Return a part, as `Archive.between`."""

    def for_domain(self, domain: str) -> Stored:
        """Return a part, as `Archive.for_domain`."""


class Archive(Rendered):
    """TLS reports (RFC 8460) as tables. Columns are documented in `mtasts_nb.reports.schema`.

    Attributes
    ----------
    inputs : DataFrame
        What became of everything that was read; one row each.
    reports : DataFrame
        One row per report, without further copies of it. On conflicting reports with the same identity `conflict` is
        set, and `duplicate_of` on those that do not count.
    sessions : DataFrame
        One row per policy of a report that counts.
    failures : DataFrame
        One row per failure detail; ``unattributed`` for what a summary counts and no detail explains. The rows of a
        session add up to the larger of total_failure_session_count and detailed_failure_session_count.
    deviations : DataFrame
        What was assumed in reading; one row per assumption.
    rejects : DataFrame
        What could not be read, and why.
    sources : tuple of str
        The sources, as given to `load`.

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

    __slots__ = ("sources", *TABLES)

    def __init__(self, *, sources: Sequence[str] = (), **tables: pd.DataFrame) -> None:
        unknown = set(tables) - set(TABLES)
        if unknown:
            raise TypeError(f"Archive has no table {', '.join(sorted(unknown))}; it has {', '.join(TABLES)}")
        self.sources = tuple(sources)
        no_formulas_in_frames()
        for name in TABLES:
            setattr(self, name, tables[name] if name in tables else schema.empty(name))

    def session_rows(
        self, session_columns: Sequence[str], failure_columns: Sequence[str], *, engine: str | None = None
    ) -> Iterable[tuple[pd.DataFrame, pd.DataFrame]]:
        """Yield sessions and failures in one piece: this makes an Archive a `Source`."""
        if engine not in (None, "pandas"):
            raise ValueError(f"an Archive is in memory and computes with pandas only, not with engine={engine!r}")
        yield self.sessions[list(session_columns)], self.failures[list(failure_columns)]

    def to_archive(self) -> Archive:
        """Return this archive; of a store, this gives one."""
        return self

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
            With the inputs and deviations of these reports, and all inputs without a report: which day a rejected
            report was for is not known.
        """
        first, last = moments(start, end)
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
        name = domain_name(domain)
        sessions = self.sessions[self.sessions["policy_domain"] == name]
        failures = self.failures[self.failures["policy_domain"] == name]
        return self.with_rows(sessions, failures)

    def with_rows(self, sessions: pd.DataFrame, failures: pd.DataFrame) -> Archive:
        """Return these of the sessions and failures, and the reports that the sessions are in.

        Parameters
        ----------
        sessions, failures : DataFrame
            Rows of the tables of this archive.
        """
        counted = self.reports["report_key"].isin(sessions["report_key"])
        set_aside = self.reports["duplicate_of"].isin(sessions["report_key"])
        return self._narrowed(self.reports[counted | set_aside], sessions, failures)

    def _narrowed(self, reports: pd.DataFrame, sessions: pd.DataFrame, failures: pd.DataFrame) -> Archive:
        kept = self.inputs[self.inputs["report_key"].isna() | self.inputs["report_key"].isin(reports["report_key"])]
        members = pd.MultiIndex.from_frame(kept[["source", "member"]])
        of_members = pd.MultiIndex.from_frame(self.deviations[["source", "member"]]).isin(members)
        tables = {
            "inputs": kept,
            "reports": reports,
            "sessions": sessions,
            "failures": failures,
            "deviations": self.deviations[of_members],
            "rejects": self.rejects,
        }
        return Archive(sources=self.sources, **{name: _tidy(table) for name, table in tables.items()})

    # -- writing

    def to_csv(self, directory: str | Path) -> list[Path]:
        """Write each table as CSV (UTF-8, times in ISO 8601) into a folder, made if need be; returns the files.

        Text that a spreadsheet would run as a formula gets an apostrophe in front. Files that are there already are replaced
        once all tables are written; after an error they are as they were.
        """

        def write(table: pd.DataFrame, stream: BinaryIO) -> None:
            safe = {column: _guarded(table[column]) for column in table}
            pd.DataFrame(safe, columns=table.columns).to_csv(
                stream, mode="wb", index=False, encoding="utf-8", lineterminator="\n"
            )

        return self._write(directory, "csv", write)

    def to_parquet(self, directory: str | Path) -> list[Path]:
        """Write each table as Parquet into a folder, made if need be; returns the files. They are replaced as by `to_csv`."""

        def write(table: pd.DataFrame, stream: BinaryIO) -> None:
            table.to_parquet(stream, engine="pyarrow", compression="zstd", index=False)

        return self._write(directory, "parquet", write)

    def _write(self, directory: str | Path, kind: str, write: Callable[[pd.DataFrame, BinaryIO], None]) -> list[Path]:
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / f"{name}.{kind}" for name in TABLES]
        with ExitStack() as drafts:
            for name, file in zip(TABLES, files, strict=True):
                stream = drafts.enter_context(replacing(file))
                write(getattr(self, name), stream)
                stream.flush()  # a full disk shows before the first file has its name
        return files

    def require_reports(self) -> Archive:
        """Return this archive; raise if it has no report.

        Raises
        ------
        SourceError
            In one line: what was read, what was there instead, what to do.
        """
        if len(self.reports):
            return self
        where = ", ".join(self.sources[:3]) + (" and more" if len(self.sources) > 3 else "") or "the sources"
        parts = [plural(len(self.inputs), "input") + " read"]
        parts += [f"{number(count)} {name}" for name, count in outcomes(self) if name in ("skipped", "rejected")]
        why = (self.rejects if len(self.rejects) else self.inputs)["reason"].dropna()
        if len(why):
            parts.append(f"most often: {why.value_counts().index[0]}")
        raise SourceError(
            f"no TLS report in {where}: {', '.join(parts)}. "
            "Point to reports (.json, .json.gz), an archive of them, or the mailbox that receives them."
        )

    def __repr__(self) -> str:
        inputs = f"{plural(len(self.inputs), 'input')}: " + ", ".join(
            f"{number(count)} {name}" for name, count in outcomes(self)
        )
        if not len(self.reports):
            return f"<Archive: no reports; {inputs}>" if len(self.inputs) else "<Archive: no reports>"
        by_type = sessions_by_type(self)
        sessions = [f"{name} {plural(total, 'session')}, {share(bad, total)} failed" for name, total, bad in by_type]
        return terminal_text(
            f"<Archive: {plural(int(self.reports['duplicate_of'].isna().sum()), 'report')}, {reporting_span(self)}, "
            f"{plural(self.reports['organization_name'].nunique(), 'reporter')}, "
            f"{plural(self.sessions['policy_domain'].nunique(), 'policy domain')}; "
            f"{'; '.join([*sessions[:3], *(['and more'] if len(sessions) > 3 else [])])}; {inputs}"
            f"{f'; {conflict}' if (conflict := conflicts(self)) else ''}>"
        )


def sessions_by_type(archive: Archive) -> list[tuple[str, int, int]]:
    """Return policy type, sessions and failed sessions; not added up: a sender may list the same under two types."""
    sessions = archive.sessions
    failed = sessions[["total_failure_session_count", "detailed_failure_session_count"]].max(axis=1)
    counts = pd.DataFrame({"all": sessions["total_successful_session_count"] + failed, "failed": failed})
    sums = counts.groupby(sessions["policy_type"], observed=True).sum().sort_values("all", ascending=False)
    return [(str(name), int(total), int(bad)) for name, total, bad in sums.itertuples()]


def reporting_span(archive: Archive) -> str:
    """Return the first and the last day on which a report starts."""
    starts = archive.reports["start_datetime"]
    return f"{when(starts.min().date())} to {when(starts.max().date())}" if len(starts) else "no report"


def conflicts(archive: Archive) -> str:
    """Return in one line how many reports are not counted for another with the same identity; empty where none."""
    set_aside = int((archive.reports["conflict"] & archive.reports["duplicate_of"].notna()).sum())
    if not set_aside:
        return ""
    return f"{plural(set_aside, 'report')} not counted: same identity as another, different content (possibly forged)"


def outcomes(archive: Archive) -> list[tuple[str, int]]:
    """Return how many inputs had which outcome, without those that do not occur."""
    counts = archive.inputs["outcome"].value_counts()
    return [(name, int(counts[name])) for name in schema.OUTCOMES if counts.get(name, 0)]


def moments(start: str | date | datetime, end: str | date | datetime) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the first moment and the first one after the end, UTC; an end that is a whole day is included."""
    first, last = pd.Timestamp(utc_moment(start, "start")), pd.Timestamp(utc_moment(end, "end"))
    return first, last + pd.Timedelta(days=1) if is_day(end) else last


def domain_name(domain: str) -> str:
    """Return a policy domain as the tables have it."""
    return domain.strip().lower().removesuffix(".")


def _tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its rows numbered from 0, and without categories that no longer occur."""
    tidy = table.reset_index(drop=True)
    for name in tidy:
        if isinstance(tidy[name].dtype, pd.CategoricalDtype):
            tidy[name] = tidy[name].cat.remove_unused_categories()
    return tidy


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


@document.register
def _(archive: Archive) -> Document:
    reports = archive.reports
    terms = [
        ("Span (UTC)", reporting_span(archive)),
        ("Reports", number(int(reports["duplicate_of"].isna().sum()))),
        ("Reporters", _names(reports["organization_name"])),
        ("Policy domains", _names(archive.sessions["policy_domain"])),
        *(
            (f"Sessions under {name}", f"{number(total)}, {number(failed)} of them failed ({share(failed, total)})")
            for name, total, failed in sessions_by_type(archive)[:_MOST_NAMES]
        ),
        ("Inputs", ", ".join(f"{number(count)} {name}" for name, count in outcomes(archive)) or "none"),
        ("Assumptions made in reading", number(len(archive.deviations))),
    ]
    if conflict := conflicts(archive):
        terms.append(("Conflicts", conflict))
    if signers := archive.reports["signed_by"].nunique():
        signed = number(int(archive.reports["signed_by"].notna().sum()))
        terms.append(("Reports with a valid DKIM signature", f"{signed}, of {plural(signers, 'signer')}"))
    return Document((Section("TLS reports", (Terms(terms), *_rejects(archive))),))


def _rejects(archive: Archive) -> list[Block]:
    if not len(archive.rejects):
        return [Paragraph("No input was rejected.")] if len(archive.inputs) else []
    reasons = archive.rejects.groupby(["stage", "reason"], observed=True)["detail"].agg(["size", "first"])
    rows = reasons.sort_values("size", ascending=False).reset_index().to_dict("records")
    columns = {"reason": "Reason", "stage": "At stage", "size": "Inputs", "first": "Example"}
    return [
        Table(
            columns,
            [{str(name): cell for name, cell in row.items()} for row in rows],
            caption="Rejected inputs",
            numeric=("size",),
        )
    ]


def _names(names: pd.Series) -> str:
    """Return how many different names there are, and the first of them, the most frequent first."""
    counts = names.value_counts()
    counts = counts[counts > 0]
    listed = ", ".join(one_line(name, 60) or "(no name)" for name in counts.index[:_MOST_NAMES])
    more = ", …" if len(counts) > _MOST_NAMES else ""
    return f"{number(len(counts))}: {listed}{more}" if len(counts) else number(0)
