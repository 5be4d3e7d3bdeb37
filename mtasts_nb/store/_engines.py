"""The sums that `daily` asks for: from the rollups, from sessions and failures on codes, or by DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pandas as pd

from ..errors import StoreError
from ._days import THREADS, Day, ahead
from ._layout import KINDS, ROLLUPS
from ._rollup import COUNTS, keys_of, session_counts
from ._select import Selection
from ._sums import Groups
from ._table import Table, extra, local_folder

__all__ = ["NAMES", "by_codes", "by_duckdb", "by_rollups", "fits_rollups", "frames_of", "needs_rows"]

#: What the counts of sessions and of failures are called.
NAMES: Final = ("group_sessions", "failed")
_COUNTS: Final = ("total_successful_session_count", "total_failure_session_count", "detailed_failure_session_count")
_DAY_US: Final = 86_400_000_000
_OF_SESSIONS_ALONE: Final = frozenset(KINDS["sessions"]) - frozenset(KINDS["failures"])

Sums = tuple[Groups, Groups]


def needs_rows(session_keys: Sequence[str], failure_keys: Sequence[str]) -> bool:
    """Whether failures are to be grouped by what only their session knows: that takes the rows, not sums."""
    return bool(failure_keys) and not _OF_SESSIONS_ALONE.isdisjoint(session_keys)


def fits_rollups(session_keys: Sequence[str], failure_keys: Sequence[str], selection: Selection) -> bool:
    """Whether the rollups have all these keys, and the days asked for are whole."""
    of_sessions, of_failures = (frozenset(keys_of(kind)) for kind in ROLLUPS)
    return of_sessions.issuperset(session_keys) and of_failures.issuperset(failure_keys) and selection.whole_days


def by_rollups(table: Table, selection: Selection, session_keys: Sequence[str], failure_keys: Sequence[str]) -> Sums:
    """Add up the rollups."""
    # Also the number of rows: a group whose reports were all taken off is none.
    sums = Groups(session_keys, 2), Groups([*session_keys, *failure_keys])
    with ThreadPoolExecutor(THREADS, "mtasts-nb read") as pool:
        for kind, groups in zip(ROLLUPS, sums, strict=True):
            columns = [*groups.keys, *COUNTS[kind]]

            def read(file: Any, kind: str = kind, columns: list[str] = columns) -> Any:
                return selection.read(table, file, kind, columns, moment="day")

            for rows in ahead(pool, read, selection.months(table, kind)):
                counts = [rows[name].to_numpy() for name in COUNTS[kind]]
                groups.add({key: rows[key] for key in groups.keys}, counts)
    return sums


def by_codes(
    table: Table,
    selection: Selection,
    session_keys: Sequence[str],
    failure_keys: Sequence[str],
    days: Iterable[tuple[int, Day]],
) -> Sums:
    """Add up sessions and failures of some days, file by file."""
    sums = Groups(session_keys), Groups([*session_keys, *failure_keys])
    alone = not _OF_SESSIONS_ALONE.isdisjoint(session_keys)
    columns = [key for key in session_keys if key != "day"]
    failure_columns = [*columns, *failure_keys, "failed_session_count"]
    files = [(day, group) for day, groups in days for group in groups.values()]

    def read(asked: Any) -> tuple[int, Any, Any]:
        day, group = asked
        sessions = selection.read(table, group.get("sessions"), "sessions", [*columns, *_COUNTS])
        if alone:
            return day, sessions, None
        return day, sessions, selection.read(table, group.get("failures"), "failures", failure_columns)

    with ThreadPoolExecutor(THREADS, "mtasts-nb read") as pool:
        for day, sessions, failures in ahead(pool, read, files):
            constant = {"day": day * _DAY_US}
            if len(sessions):
                of_session = {key: sessions[key] for key in columns} | constant
                every = session_counts(sessions)
                sums[0].add(of_session, [every])
                if alone:
                    # A session's failures add up to the larger of its two counts.
                    sums[1].add(of_session, [every - sessions[_COUNTS[0]].to_numpy()])
            if failures is not None and len(failures):
                of_failure = {key: failures[key] for key in failure_columns[:-1]} | constant
                sums[1].add(of_failure, [failures["failed_session_count"].to_numpy()])
    return sums


def by_duckdb(table: Table, selection: Selection, session_keys: Sequence[str], failure_keys: Sequence[str]) -> Sums:
    """Let DuckDB add up the files of sessions and failures."""
    try:
        import duckdb
    except ImportError as error:
        raise extra("duckdb", 'engine="duckdb"') from error
    folder = local_folder(table.uri)
    if folder is None:
        raise StoreError(f'engine="duckdb" reads a store on a file system only, not {table.uri}; leave the engine out.')
    alone = not _OF_SESSIONS_ALONE.isdisjoint(session_keys)
    failed = f"greatest({_COUNTS[1]}, {_COUNTS[2]})"
    sums = Groups(session_keys), Groups([*session_keys, *failure_keys])
    tasks = (
        (sums[0], "sessions", f"{_COUNTS[0]} + {failed}"),
        (sums[1], "sessions", failed) if alone else (sums[1], "failures", "failed_session_count"),
    )
    with duckdb.connect() as connection:
        for groups, kind, count in tasks:
            paths = [
                str(folder / files[kind].path)
                for day in selection.days(table).values()
                for files in day.values()
                if kind in files
            ]
            if not paths:
                continue
            keys = [f'"{key}"' for key in groups.keys if key != "day"]
            tests, values = [], [paths]
            if selection.domain is not None:
                tests.append("policy_domain = ?")
                values.append(selection.domain)  # type: ignore[arg-type]
            if not selection.whole_days:
                for moment, sign in ((selection.start, ">="), (selection.end, "<")):
                    if moment is not None:
                        tests.append(f"epoch_us(start_datetime) {sign} ?")
                        values.append(moment)  # type: ignore[arg-type]
            where = f"WHERE {' AND '.join(tests)}" if tests else ""
            summed = connection.sql(
                f"SELECT epoch_us(CAST(period AS TIMESTAMP)) AS day, {', '.join([*keys, ''])} CAST(sum({count}) AS BIGINT) AS n "  # noqa: S608 - names of columns, no text from outside
                f"FROM read_parquet(?, hive_partitioning = true, hive_types = {{'period': VARCHAR}}) {where} GROUP BY ALL",
                params=values,
            ).to_arrow_table()
            groups.add({key: summed[key] for key in groups.keys}, [summed["n"].to_numpy()])
    return sums


def frames_of(sums: Sums) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the sums as `reports.sum_pieces` does."""
    sessions, failures = sums
    table = sessions.frame(["rows", NAMES[0]] if sessions.counts == 2 else [NAMES[0]])
    if "rows" in table:
        table = table[table["rows"] != 0].drop(columns="rows").reset_index(drop=True)
    return table, failures.frame([NAMES[1]])
