"""Which of several reports with the same identity counts, when they arrive one after another.

As in `load`, the answer does not depend on their order: of different contents one that is signed counts, then the one that
was received first (a file before any mail), then the one with the most sessions, the most failed sessions, the first by
SHA-256. Who usually signs for a reporter is known within one `load` only. Copies of what is there are dropped, so that
source, member and signature are those of the copy that came first.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np

from ._piece import Flags, Piece

__all__ = ["settle"]

#: Before any mail.
_SAVED: Final = -(2**63)


def settle(piece: Piece) -> tuple[Flags, Flags]:
    """Return which rows of the reports stay, and which of them count."""
    keys = piece.keys
    keep, counts = np.ones(len(keys), np.bool_), piece.counts.copy()
    order = np.argsort(keys, kind="stable")
    same = keys[order][1:] == keys[order][:-1]
    if not same.any():
        return keep, counts
    groups: dict[bytes, list[int]] = defaultdict(list)
    for at in np.flatnonzero(np.concatenate([same, [False]]) | np.concatenate([[False], same])):
        groups[bytes(keys[order[at]])].append(int(order[at]))
    digests, (every, failed) = piece.digests, piece.sizes
    unsigned = piece.reports["signed_by"].is_null().to_numpy()
    received = piece.reports["received"].fill_null(_SAVED).to_numpy()
    for rows in groups.values():
        by_content: dict[object, int] = {}
        known: set[bytes] = set()
        # Those that count first: of the others the content is not stored.
        for row in sorted(rows, key=lambda row: (not counts[row], row)):
            digest = bytes(digests[row])
            content = piece.content(row) if counts[row] else digest
            if digest in known or content in by_content:
                keep[row] = counts[row] = False
                continue
            known.add(digest)
            by_content[content] = row
        counted = [row for row in by_content.values() if counts[row]]
        ranks = {row: (unsigned[row], received[row], -every[row], -failed[row], bytes(digests[row])) for row in counted}
        winner = min(ranks, key=ranks.__getitem__, default=None)
        for row in counted:
            counts[row] = row == winner
    return keep, counts
