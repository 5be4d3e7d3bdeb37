"""The same report twice: which copy is the report, and which of two that contradict each other counts.

The answer depends only on what was read, never on the order in which it came:

* Copies that say the same (whatever their bytes) are one report. It is shown as coming from the copy whose SHA-256,
  source and member sort first.
* Of several that say different things under one identity, the one with the most sessions counts: a reporter that sends
  again sends what it has counted since. Then the one with the most failed sessions, then the first by SHA-256.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Rows", "Verdict", "resolve"]

Ints = npt.NDArray[np.int64]


@dataclass(slots=True)
class Rows:
    """The number tables of a `Collector`, as columns."""

    reports: list[Ints]
    sessions: list[Ints]
    failures: list[Ints]

    def bounds(self) -> tuple[Ints, Ints]:
        """Return where each report's sessions and each session's failures begin; one more entry than rows."""
        return _starts(self.reports[-1]), _starts(self.sessions[-1])


@dataclass(slots=True)
class Verdict:
    """What became of each report read, by position.

    The position of the one it is a copy of (itself, if it is none), the position of the one that counts in its place,
    and whether another of its identity says something else.
    """

    copy_of: Ints
    counts: Ints
    conflict: npt.NDArray[np.bool_]


def _starts(lengths: Ints) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


def resolve(keys: Sequence[bytes], digests: Sequence[bytes], rows: Rows, places: Sequence[tuple[str, str]]) -> Verdict:
    """Return what becomes of each report.

    Parameters
    ----------
    keys : sequence of bytes
        Identity of each report.
    digests : sequence of bytes
        SHA-256 of each.
    rows : Rows
        What they say.
    places : sequence of (str, str)
        Source and member of each; looked at only where an identity occurs twice.
    """
    everything = np.arange(len(keys), dtype=np.int64)
    verdict = Verdict(everything, everything.copy(), np.zeros(len(keys), np.bool_))
    if len(set(keys)) == len(keys):
        return verdict
    groups: dict[bytes, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        groups[key].append(position)
    session_starts, failure_starts = rows.bounds()
    tables = [np.column_stack(table) for table in (rows.sessions, rows.failures)]
    for positions in groups.values():
        if len(positions) > 1:
            _settle(positions, digests, rows, places, verdict, session_starts, failure_starts, tables)
    return verdict


def _settle(
    positions: list[int],
    digests: Sequence[bytes],
    rows: Rows,
    places: Sequence[tuple[str, str]],
    verdict: Verdict,
    session_starts: Ints,
    failure_starts: Ints,
    tables: list[Ints],
) -> None:
    positions = sorted(positions, key=lambda at: (digests[at], places[at]))
    by_digest: dict[bytes, list[int]] = {}
    for at in positions:
        by_digest.setdefault(digests[at], []).append(at)
    contents: list[list[int]] = list(by_digest.values())
    if len(contents) > 1:
        same: dict[object, list[int]] = {}
        for copies in contents:
            said = _said(copies[0], rows, session_starts, failure_starts, tables)
            same.setdefault(said, []).extend(copies)
        contents = list(same.values())

    def fullness(copies: list[int]) -> tuple[int, int]:
        mine = tables[0][session_starts[copies[0]] : session_starts[copies[0] + 1]]
        failed = int(np.maximum(mine[:, 2], mine[:, 3]).sum())
        return int(mine[:, 1].sum()) + failed, failed

    # max keeps the first of equals, and the contents are in the order of their digests.
    winner = max(contents, key=fullness)[0]
    for copies in contents:
        verdict.copy_of[copies] = copies[0]
        verdict.counts[copies] = winner
        verdict.conflict[copies] = len(contents) > 1


def _said(at: int, rows: Rows, session_starts: Ints, failure_starts: Ints, tables: list[Ints]) -> object:
    """Return what a report says, in a form that is equal for equal content: the order of policies says nothing."""
    sessions = []
    for row in range(int(session_starts[at]), int(session_starts[at + 1])):
        failures = tables[1][failure_starts[row] : failure_starts[row + 1]].tolist()
        sessions.append((*tables[0][row].tolist(), tuple(sorted(map(tuple, failures)))))
    return int(rows.reports[1][at]), tuple(sorted(sessions))
