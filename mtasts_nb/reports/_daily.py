"""The one aggregate: sessions and failed sessions per day, policy domain and policy type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from ._columns import Ints

__all__ = ["FAILURE_KEYS", "SESSION_KEYS", "Source", "SummingSource", "daily", "sum_groups", "sum_pieces"]

#: Keys of `daily` that every session row has.
SESSION_KEYS: Final = (
    "organization_name",
    "policy_domain",
    "policy_type",
    "policy_mode",
    "policy_max_age",
    "policy_string",
    "mx_host",
)
#: Keys of `daily` that only a failure has.
FAILURE_KEYS: Final = (
    "result_type",
    "receiving_mx_hostname",
    "receiving_ip",
    "sending_mta_ip",
    "receiving_mx_helo",
    "failure_reason_code",
)
_ALWAYS: Final = ("day", "policy_domain", "policy_type")
# Only the table of sessions has these; a failure finds them by its report and policy.
_OF_SESSIONS_ALONE: Final = frozenset({"policy_max_age", "policy_string", "mx_host"})
_LINK: Final = ("report_key", "policy_index")
_COUNTS: Final = ("total_successful_session_count", "total_failure_session_count", "detailed_failure_session_count")


class Source(Protocol):
    """Where `daily` takes its rows from: an `Archive`, or a store."""

    def session_rows(
        self, session_columns: Sequence[str], failure_columns: Sequence[str], *, engine: str | None = None
    ) -> Iterable[tuple[pd.DataFrame, pd.DataFrame]]:
        """Yield sessions and failures in pieces, with the columns asked for.

        A session and its failures are in the same piece. No report is in two pieces, and none is there twice.

        Parameters
        ----------
        session_columns, failure_columns : sequence of str
            Names out of `schema.SCHEMA`.
        engine : str, optional
            How to compute, where the source has a choice.
        """


@runtime_checkable
class SummingSource(Source, Protocol):
    """A source that can add up its rows itself, faster than by handing them out."""

    def sums(
        self, session_keys: Sequence[str], failure_keys: Sequence[str], *, engine: str | None = None
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the sums that `sum_pieces` would give of its pieces."""


def daily(
    source: Source,
    by: str | Sequence[str] = ("result_type",),
    policy_type: str | Sequence[str] | None = None,
    engine: str | None = None,
) -> pd.DataFrame:
    """Return sessions and failed sessions per UTC day, policy domain, policy type and the keys asked for.

    RFC 8460 §4.4 counts successes per policy, not per MX host or result type: `sessions` is the same in every row of a
    day, policy domain and policy type, and must never be added up over `by`. A day without a report has no row:
    without a report, nothing is known: RFC 8460 obliges no sender to report.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    by : str or sequence of str
        Any of ``organization_name``, ``policy_domain``, ``policy_type``, ``policy_mode``, ``policy_max_age``,
        ``policy_string``, ``mx_host`` (each session has them) and ``result_type``, ``receiving_mx_hostname``,
        ``receiving_ip``, ``sending_mta_ip``, ``receiving_mx_helo``, ``failure_reason_code`` (only failures have them). May be empty.
    policy_type : str or sequence of str, optional
        Only these policy types. None: all, each in rows of its own. ``"*"``: all added together, and the column says
        ``*``. Beware: a sender may list the same sessions under sts and tlsa, so such sums count them twice.
    engine : str, optional
        Passed to the source; an `Archive` has only one way to compute. `Store` lists its engines.

    Returns
    -------
    DataFrame
        One row per day, policy domain, policy type and group, sorted by them. Columns:

        - ``day`` (datetime64[us, UTC]), midnight; a report counts on the day that its period starts
        - the keys of `by` (category, ``policy_max_age`` Int64); missing where a session or failure lacks it
        - ``failed`` (int64), failed sessions of the group, those that no detail explains included
        - ``sessions`` (int64), all sessions of the day, policy domain and policy type, over all reporters
        - ``group_sessions`` (int64), the same, of the group's session-level keys only
        - ``policy_domain``, ``policy_type`` (category), unless they are in `by`

        A group in which a report came and nothing failed has one row: failure-level keys missing, ``failed`` 0.

    Raises
    ------
    ValueError
        An unknown or repeated key in `by`.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> report = b'''{"organization-name": "Example Post", "contact-info": "tls@post.example", "report-id": "1",
    ...   "date-range": {"start-datetime": "2026-02-08T00:00:00Z", "end-datetime": "2026-02-08T23:59:59Z"},
    ...   "policies": [{"policy": {"policy-type": "sts", "policy-domain": "nordwind.example"},
    ...     "summary": {"total-successful-session-count": 150, "total-failure-session-count": 2},
    ...     "failure-details": [{"result-type": "certificate-expired", "failed-session-count": 2}]}]}'''
    >>> daily(sts.load(report))[["day", "result_type", "failed", "sessions"]].to_csv(index=False)
    'day,result_type,failed,sessions\\n2026-02-08 00:00:00+00:00,certificate-expired,2,152\\n'
    """
    keys = (by,) if isinstance(by, str) else tuple(by)
    _check_keys(keys)
    merged = policy_type == "*"
    session_keys = [key for key in keys if key in SESSION_KEYS]
    failure_keys = [key for key in keys if key in FAILURE_KEYS]
    base = [*_ALWAYS, *(key for key in session_keys if key not in _ALWAYS)]
    wanted = (
        None if policy_type is None or merged else {policy_type} if isinstance(policy_type, str) else {*policy_type}
    )
    sums = source.sums if isinstance(source, SummingSource) else partial(sum_pieces, source)
    sessions, failures = (_of_types(table, wanted) for table in sums(base, failure_keys, engine=engine))
    if merged:
        star = pd.Categorical(["*"])
        sessions, failures = (
            table.assign(policy_type=star.take(np.zeros(len(table), int))) for table in (sessions, failures)
        )
        sessions = sum_groups(sessions[base], sessions["group_sessions"].to_numpy(), "group_sessions")
        failures = sum_groups(failures[[*base, *failure_keys]], failures["failed"].to_numpy(), "failed")
    by_day = sessions.groupby(list(_ALWAYS), observed=True)["group_sessions"]
    sessions = sessions.assign(sessions=by_day.transform("sum"))
    if not failure_keys and not _OF_SESSIONS_ALONE.isdisjoint(base):
        # Both are sums over the same sessions, by the same keys: row by row about the same group.
        table = sessions.assign(failed=failures["failed"])
    else:
        table = _joined(sessions, failures, base)
    rest = [name for name in ("policy_domain", "policy_type") if name not in keys]
    return table[["day", *keys, "failed", "sessions", "group_sessions", *rest]]


def _check_keys(keys: tuple[str, ...]) -> None:
    known = (*SESSION_KEYS, *FAILURE_KEYS)
    for key in keys:
        if key not in known:
            raise ValueError(f"daily: by has {key!r}; expected any of {', '.join(known)}")
    if len(set(keys)) < len(keys):
        raise ValueError(f"daily: by names a key twice: {', '.join(keys)}")


def sum_pieces(
    source: Source, session_keys: Sequence[str], failure_keys: Sequence[str], *, engine: str | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the sums over all pieces of a source.

    Parameters
    ----------
    source : Source
        Where the rows are.
    session_keys, failure_keys : sequence of str
        What to group by: ``day`` and any of `SESSION_KEYS`; and any of `FAILURE_KEYS`.
    engine : str, optional
        Passed to the source.

    Returns
    -------
    tuple of two DataFrames
        Sessions by `session_keys`, with ``group_sessions``; failed sessions by both, with ``failed``. Sorted by the keys,
        missing values last; keys as in the tables, counts int64.
    """
    base = list(session_keys)
    session_sums, failure_sums = [], []
    alone = [key for key in base if key in _OF_SESSIONS_ALONE]
    link = [*_LINK] if alone and failure_keys else []
    in_failures = [key for key in base if key not in alone]
    for sessions, failures in source.session_rows(
        [*base, *_COUNTS, *link],
        [] if alone and not failure_keys else [*in_failures, *failure_keys, "failed_session_count", *link],
        engine=engine,
    ):
        failed_counts = np.maximum(sessions[_COUNTS[1]].to_numpy(), sessions[_COUNTS[2]].to_numpy())
        if alone and not failure_keys:
            # A session's failures add up to the larger of its two counts: its failure rows are not needed.
            failed = sessions[base].assign(failed_session_count=failed_counts)
        elif alone:
            failed = failures.merge(sessions[[*link, *alone]], on=link, how="left")
        else:
            failed = failures
        session_sums.append(
            sum_groups(sessions[base], sessions[_COUNTS[0]].to_numpy() + failed_counts, "group_sessions")
        )
        counts = failed["failed_session_count"].to_numpy()
        failure_sums.append(sum_groups(failed[[*base, *failure_keys]], counts, "failed"))
    return _concatenated(session_sums, "group_sessions"), _concatenated(failure_sums, "failed")


def _of_types(rows: pd.DataFrame, wanted: set[str] | None) -> pd.DataFrame:
    return rows if wanted is None else rows[rows["policy_type"].isin(wanted)]


def _concatenated(pieces: list[pd.DataFrame], name: str) -> pd.DataFrame:
    """Return the sums of several pieces as one."""
    if not pieces:
        raise ValueError("daily: the source gave no rows at all, not even empty tables")
    if len(pieces) == 1:
        return pieces[0]
    # Pieces have different categories; as plain text they can be put together.
    categories = [column for column in pieces[0] if pieces[0][column].dtype == "category"]
    rows = pd.concat([piece.astype(dict.fromkeys(categories, "str")) for piece in pieces], ignore_index=True)
    return sum_groups(rows.drop(columns=name), rows[name].to_numpy(), name)


def sum_groups(keys: pd.DataFrame, counts: Ints, name: str) -> pd.DataFrame:
    """Return the counts summed by all columns of `keys`, sorted by them; missing values come last."""
    rows = keys.assign(**{name: counts})
    for column in keys:
        if keys[column].dtype == "str":
            rows[column] = rows[column].astype("category")
        elif keys[column].dtype == "category" and not keys[column].cat.categories.is_monotonic_increasing:
            rows[column] = rows[column].cat.reorder_categories(sorted(rows[column].cat.categories))
    return rows.groupby(list(keys), observed=True, dropna=False)[name].sum().reset_index()


def _joined(sessions: pd.DataFrame, failures: pd.DataFrame, base: list[str]) -> pd.DataFrame:
    """Return one row per failure group, and one per group of sessions without a failure."""
    # A detail that counts no session is no failure.
    failures = failures[failures["failed"] > 0]
    kinds = {
        name: pd.CategoricalDtype(sessions[name].cat.categories.union(failures[name].cat.categories))
        for name in base
        if sessions[name].dtype == "category"
    }
    table = sessions.astype(kinds).merge(failures.astype(kinds), on=base, how="left")
    return table.assign(failed=table["failed"].fillna(0).astype("int64"))
