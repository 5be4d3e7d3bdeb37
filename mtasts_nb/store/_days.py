"""The files of a store by day: those of one name belong together, and are read as one piece."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Final

from ._layout import BY_DAY, KINDS, empty_table
from ._piece import Piece, combined
from ._table import File, Table

__all__ = ["THREADS", "Day", "ahead", "by_day", "read_day", "read_piece"]

#: The files of one day: by name, and of these by kind.
Day = Mapping[str, Mapping[str, File]]

#: Reading and writing wait for the disk or the bucket, and pyarrow works outside Python's lock.
THREADS: Final = 4


def by_day(files: Iterable[File]) -> dict[str, Day]:
    """Return the files of reports, sessions and failures by day, in order."""
    days: dict[str, dict[str, dict[str, File]]] = defaultdict(lambda: defaultdict(dict))
    for file in files:
        if file.kind in BY_DAY:
            days[file.period][file.path.rsplit("/", 1)[-1]][file.kind] = file
    return {period: dict(days[period]) for period in sorted(days)}


def read_piece(table: Table, group: Mapping[str, File]) -> Piece:
    """Return what the files of one name hold."""
    return Piece(
        *(table.read(group[kind], list(KINDS[kind])) if kind in group else empty_table(kind) for kind in BY_DAY)
    )


def read_day(table: Table, day: Day) -> Piece:
    """Return all that is known about a day."""
    return combined([read_piece(table, group) for group in day.values()])


def ahead(pool: ThreadPoolExecutor, work: Any, items: Iterable[Any]) -> Iterator[Any]:
    """Yield the results in order; only a few are made ahead of the one that is being used, so memory stays bounded."""
    source = iter(items)
    futures = [pool.submit(work, item) for item in islice(source, 2 * THREADS)]
    while futures:
        done = futures.pop(0)
        futures += [pool.submit(work, item) for item in islice(source, 1)]
        yield done.result()
