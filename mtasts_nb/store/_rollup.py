"""Rollups: sessions and failures of a day added up by the keys that most questions ask for.

They are sums, so that each commit adds its own, and a report that no longer counts is taken off by negative rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from ._layout import KINDS, ROLLUPS
from ._piece import Ints, Piece, arrow_column, select
from ._sums import Groups

__all__ = ["COUNTS", "Rollup", "keys_of", "session_counts"]

#: The counts of each kind of rollup.
COUNTS: Final = {"daily_sessions": ("row_count", "session_count"), "daily_failures": ("failed_session_count",)}
_DAY_US: Final = 86_400_000_000


def keys_of(kind: str) -> list[str]:
    """Return the keys of a kind of rollup.

    Examples
    --------
    >>> keys_of("daily_sessions")
    ['policy_domain', 'policy_type', 'day', 'organization_name', 'policy_mode']
    """
    return [name for name in KINDS[kind] if name not in COUNTS[kind]]


class Rollup:
    """Sums by kind."""

    def __init__(self) -> None:
        self._groups = {kind: Groups(keys_of(kind), len(COUNTS[kind])) for kind in ROLLUPS}

    def add(self, piece: Piece, sign: int = 1) -> None:
        """Add the sums of a piece, or take them off."""
        midnights = piece.days * _DAY_US
        for kind, table, counts in (
            (
                "daily_sessions",
                piece.sessions,
                [np.ones(len(piece.sessions), np.int64), session_counts(piece.sessions)],
            ),
            ("daily_failures", piece.failures, [piece.failures["failed_session_count"].to_numpy()]),
        ):
            if len(table):
                columns = {key: table[key] for key in keys_of(kind) if key != "day"}
                columns["day"] = midnights[table["report"].to_numpy()]
                self._groups[kind].add(columns, [sign * values for values in counts])

    def add_table(self, kind: str, table: Any) -> None:
        """Add rows of a rollup."""
        columns = {key: table[key] for key in keys_of(kind)}
        self._groups[kind].add(columns, [table[name].to_numpy() for name in COUNTS[kind]])

    def tables(self) -> Iterable[tuple[str, str, Any]]:
        """Yield kind, month and rows; groups that were taken off completely are left out."""
        for kind, groups in self._groups.items():
            frame = groups.frame(COUNTS[kind])
            frame = frame[(frame[list(COUNTS[kind])] != 0).any(axis=1)]
            months = frame["day"].dt.tz_localize(None).to_numpy("M8[M]")
            for month in np.unique(months):
                rows = frame[months == month]
                yield (
                    kind,
                    str(month),
                    select(kind, {name: arrow_column(rows[name], dtype) for name, dtype in KINDS[kind].items()}),
                )


def session_counts(sessions: Any) -> Ints:
    """Return all sessions of each row: the successful ones, and the failed ones by summary or details."""
    success, failed, detailed = (
        sessions[f"{name}_session_count"].to_numpy()
        for name in ("total_successful", "total_failure", "detailed_failure")
    )
    every: Ints = success + np.maximum(failed, detailed)
    return every
