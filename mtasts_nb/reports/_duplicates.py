"""The same report twice: which copy is the report, and which of two conflicting reports counts.

The answer depends only on what was read, never on the order of the inputs:

* Copies with the same content (whatever their bytes) are one report. It is listed as coming from the copy whose
  SHA-256, source and member sort first.
* Of several with different content and the same identity, the one with the most sessions counts: a reporter that sends
  again sends what it has counted since. Then the one with the most failed sessions, then the first by SHA-256.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ._columns import Ints

__all__ = ["Duplicates", "Rows", "find_duplicates"]


class Rows:
    """The number tables of a `Collector` as columns, and where each report's and each session's rows begin."""

    def __init__(self, reports: list[Ints], sessions: list[Ints], failures: list[Ints]) -> None:
        self.reports, self.sessions, self.failures = reports, sessions, failures
        #: One more entry than rows.
        self.session_starts, self.failure_starts = _starts(reports[-1]), _starts(sessions[-1])


def _starts(lengths: Ints) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


@dataclass(slots=True)
class Duplicates:
    """What became of each report read, by position.

    The position of the report it is a copy of (its own, if it is not a copy), the position of the report that counts
    in its place, and whether another report of its identity has other content.
    """

    copy_of: Ints
    counts: Ints
    conflict: npt.NDArray[np.bool_]


def find_duplicates(
    keys: Sequence[bytes], digests: Sequence[bytes], rows: Rows, names: Sequence[tuple[str, str]]
) -> Duplicates:
    """Return what becomes of each report.

    Parameters
    ----------
    keys, digests : sequence of bytes
        Identity and SHA-256 of each report.
    rows : Rows
        Their content.
    names : sequence of (str, str)
        Source and member of each; read only where an identity occurs twice.
    """
    everything = np.arange(len(keys), dtype=np.int64)
    duplicates = Duplicates(everything, everything.copy(), np.zeros(len(keys), np.bool_))
    if len(set(keys)) == len(keys):
        return duplicates
    groups: dict[bytes, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        groups[key].append(position)
    comparison = _Comparison(rows)
    for positions in groups.values():
        if len(positions) == 1:
            continue
        by_digest: dict[bytes, list[int]] = defaultdict(list)
        for at in sorted(positions, key=lambda at: (digests[at], names[at])):
            by_digest[digests[at]].append(at)
        contents = list(by_digest.values())
        if len(contents) > 1:
            same: dict[object, list[int]] = defaultdict(list)
            for copies in contents:
                same[comparison.content(copies[0])] += copies
            contents = list(same.values())
        # max keeps the first of equals, and the contents are in the order of their digests.
        counted = max(contents, key=lambda copies: comparison.size(copies[0]))[0]
        for copies in contents:
            duplicates.copy_of[copies] = copies[0]
            duplicates.counts[copies] = counted
            duplicates.conflict[copies] = len(contents) > 1
    return duplicates


class _Comparison:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._sessions, self._failures = np.column_stack(rows.sessions), np.column_stack(rows.failures)

    def _range(self, at: int) -> range:
        return range(int(self._rows.session_starts[at]), int(self._rows.session_starts[at + 1]))

    def size(self, at: int) -> tuple[int, int]:
        """Return a report's sessions and failed sessions."""
        sessions = self._sessions[self._range(at)]
        failed = int(np.maximum(sessions[:, 2], sessions[:, 3]).sum())
        return int(sessions[:, 1].sum()) + failed, failed

    def content(self, at: int) -> object:
        """Return a report's content in a form that is equal for equal content: the order of policies is irrelevant."""
        starts = self._rows.failure_starts
        sessions = []
        for row in self._range(at):
            failures = self._failures[starts[row] : starts[row + 1]].tolist()
            sessions.append((*self._sessions[row].tolist(), tuple(sorted(map(tuple, failures)))))
        return int(self._rows.reports[1][at]), tuple(sorted(sessions))
