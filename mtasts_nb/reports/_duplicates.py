"""The same report twice: which copy is the report, and which of two conflicting reports counts.

The answer depends only on what was read, never on the order of the inputs:

* Copies with the same content (whatever their bytes) are one report. It is listed as coming from the copy whose
  SHA-256, source and member sort first.
* Of several with different content and the same identity, the one counts that is signed by the usual signer of its
  reporter; then one that is signed at all; then the one received first (what did not come by mail was saved by the
  archive's owner, and counts as earlier than any mail); then the one with the most sessions, the most failed
  sessions, the first by SHA-256. Anyone can mail a report under another's name: an unsigned one never replaces one that
  is signed or was there before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from ._columns import Ints
from ._origins import received_at

__all__ = ["Duplicates", "Rows", "Rule", "find_duplicates"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BEFORE, _AFTER = -1, 2**63


class Rule(IntEnum):
    """Why another report counts in the place of one."""

    USUAL_SIGNER = 0
    SIGNED = 1
    RECEIVED_FIRST = 2
    FULLER = 3


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
    in its place and by which rule, whether another report of its identity has other content, and who signed it or one
    of its copies.
    """

    copy_of: Ints
    counts: Ints
    rule: Ints
    conflict: npt.NDArray[np.bool_]
    signed_by: dict[int, str] = field(default_factory=dict)


def find_duplicates(
    keys: Sequence[bytes],
    digests: Sequence[bytes],
    rows: Rows,
    names: Sequence[tuple[str, str]],
    received: Mapping[int, bytes],
    signed_by: Mapping[int, str],
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
    received, signed_by : mapping
        See `Settled`.
    """
    everything = np.arange(len(keys), dtype=np.int64)
    zeros = np.zeros(len(keys), np.int64)
    duplicates = Duplicates(everything, everything.copy(), zeros, np.zeros(len(keys), np.bool_), dict(signed_by))
    if len(set(keys)) == len(keys):
        return duplicates
    groups: dict[bytes, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        groups[key].append(position)
    comparison = _Comparison(rows)
    precedence = _Precedence(rows, received, signed_by)
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
        ranks = {copies[0]: (*precedence.of(copies), *comparison.size(copies[0])) for copies in contents}
        # min keeps the first of equals, and the contents are in the order of their digests.
        counted = min(ranks, key=ranks.__getitem__)
        for copies in contents:
            first = copies[0]
            duplicates.copy_of[copies] = first
            duplicates.counts[copies] = counted
            duplicates.rule[copies] = _decisive(ranks[counted], ranks[first])
            duplicates.conflict[copies] = len(contents) > 1
            if signer := precedence.signer(copies):
                duplicates.signed_by[first] = signer
    return duplicates


def _decisive(counted: tuple[int, ...], other: tuple[int, ...]) -> Rule:
    if counted[0] != other[0]:
        return Rule.SIGNED if counted[0] else Rule.USUAL_SIGNER
    return Rule.RECEIVED_FIRST if counted[1] != other[1] else Rule.FULLER


class _Comparison:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._sessions, self._failures = np.column_stack(rows.sessions), np.column_stack(rows.failures)

    def _range(self, at: int) -> range:
        return range(int(self._rows.session_starts[at]), int(self._rows.session_starts[at + 1]))

    def size(self, at: int) -> tuple[int, int]:
        """Return a report's sessions and failed sessions, as negative numbers."""
        sessions = self._sessions[self._range(at)]
        failed = int(np.maximum(sessions[:, 2], sessions[:, 3]).sum())
        return -int(sessions[:, 1].sum()) - failed, -failed

    def content(self, at: int) -> object:
        """Return a report's content in a form that is equal for equal content: the order of policies is irrelevant."""
        starts = self._rows.failure_starts
        sessions = []
        for row in self._range(at):
            failures = self._failures[starts[row] : starts[row + 1]].tolist()
            sessions.append((*self._sessions[row].tolist(), tuple(sorted(map(tuple, failures)))))
        return int(self._rows.reports[1][at]), tuple(sorted(sessions))


class _Precedence:
    """What the copies of a report are worth by how they came."""

    def __init__(self, rows: Rows, received: Mapping[int, bytes], signed_by: Mapping[int, str]) -> None:
        self._organization, self._start = rows.reports[0], rows.reports[2]
        self._received, self._signed_by = received, signed_by
        self._usual: dict[int, str | None] | None = None

    def of(self, copies: list[int]) -> tuple[int, int]:
        """Return whether the usual signer signed one (0), another domain did (1) or none (2), and when the first came."""
        signer = self.signer(copies)
        signed = 2 if signer is None else int(signer != self._usual_signer(copies[0]))
        return signed, min(self._moment(at) for at in copies)

    def signer(self, copies: list[int]) -> str | None:
        """Return who signed the copies: the usual signer if it is among them, else the first by name."""
        signers = sorted({self._signed_by[at] for at in copies if at in self._signed_by})
        if len(signers) < 2:
            return signers[0] if signers else None
        usual = self._usual_signer(copies[0])
        return usual if usual in signers else signers[0]

    def _moment(self, at: int) -> int:
        if at not in self._received:
            return _BEFORE
        moment = received_at(self._received[at])
        return _AFTER if moment is None else (moment - _EPOCH) // _MICROSECOND

    def _usual_signer(self, at: int) -> str | None:
        """Return who signed a reporter's mails on most days, two at least; None where two did equally often."""
        if self._usual is None:
            days: dict[int, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
            for report, domain in self._signed_by.items():
                moment = self._moment(report)
                # When a mail came is written by the recipient's server, the period by the report's author.
                known = _BEFORE < moment < _AFTER
                day = (moment if known else int(self._start[report])) // (86_400 * 1_000_000)
                days[int(self._organization[report])][domain].add(day)
            self._usual = {organization: _most(signers) for organization, signers in days.items()}
        return self._usual.get(int(self._organization[at]))


def _most(signers: Mapping[str, set[int]]) -> str | None:
    (days, domain), (next_days, _), *_ = [
        *sorted(((len(days), name) for name, days in signers.items()), reverse=True),
        (1, ""),
    ]
    return domain if days > max(next_days, 1) else None
