"""Ingest and sums by the workers of a Dask cluster: its scheduler, its retries, no queue of ours.

A worker runs what one process alone runs, and commits for itself. A task that is run again, because its worker was
killed, adds what is missing: so it changes nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ..errors import StoreError
from ..reports import Input, load_parts
from ._days import Day
from ._engines import Sums, by_codes
from ._select import Selection
from ._sums import Groups
from ._table import Table, extra
from ._writer import PART, Writer

__all__ = ["by_dask", "on_workers"]

#: Files that a task reads: enough that the files that it writes are not small, few enough for a worker's memory.
_PER_TASK: Final = 50_000
_RETRIES: Final = 3
_TASKS_PER_THREAD: Final = 4


def on_workers(
    client: Any,
    items: Iterator[Any],
    table: Table,
    outcomes: Counter[str],
    reading: Mapping[str, Any],
    now: Callable[[], datetime],
) -> Iterator[Any]:
    """Let the workers ingest the files among the items; yield the others, which only this process can read.

    Parameters
    ----------
    outcomes : Counter
        What the workers' writers count is added to it, once all are done.
    """
    workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
    files: list[Input] = []
    tasks: list[Any] = []

    def submit(size: int) -> None:
        for start in range(0, len(files), size):
            chunk = files[start : start + size]
            tasks.append(client.submit(_ingest_files, table.address, chunk, reading, now, pure=False, retries=_RETRIES))
        files.clear()

    for item in items:
        if isinstance(item, Input) and item.path is not None:
            files.append(item)
            if len(files) == workers * _PER_TASK:
                submit(_PER_TASK)
        else:
            yield item
    submit(max(1, math.ceil(len(files) / workers)))
    try:
        for counted in client.gather(tasks):
            outcomes.update(counted)
    finally:
        client.cancel(tasks)
    table.refresh()


def _ingest_files(
    address: str, files: Sequence[Input], reading: Mapping[str, Any], now: Callable[[], datetime]
) -> dict[str, int]:
    """Ingest files, on a worker."""
    writer = Writer(Table.open(address), now)
    for part in load_parts(iter(files), size=PART, progress=False, **reading):
        writer.add(part.archive, part.received())
    writer.flush()
    return dict(writer.outcomes)


def by_dask(table: Table, selection: Selection, session_keys: Sequence[str], failure_keys: Sequence[str]) -> Sums:
    """Add up sessions and failures on the workers of the present client, some days each."""
    try:
        from distributed import get_client
    except ImportError as error:
        raise extra("distributed", 'engine="dask"') from error
    try:
        client: Any = get_client()
    except ValueError as error:
        raise StoreError(
            'engine="dask" needs a Dask client. Make one first: dask.distributed.Client(address), or LocalCluster().'
        ) from error
    days = list(selection.days(table).items())
    size = max(1, math.ceil(len(days) / (_TASKS_PER_THREAD * max(1, sum(client.nthreads().values())))))
    chunks = [days[start : start + size] for start in range(0, len(days), size)]
    tasks = [
        client.submit(
            _sums_of, table.address, selection, session_keys, failure_keys, chunk, pure=False, retries=_RETRIES
        )
        for chunk in chunks
    ]
    sums = Groups(session_keys), Groups([*session_keys, *failure_keys])
    for parts in client.gather(tasks):
        for groups, part in zip(sums, parts, strict=True):
            groups.merge(*part)
    return sums


def _sums_of(
    address: str,
    selection: Selection,
    session_keys: Sequence[str],
    failure_keys: Sequence[str],
    days: Sequence[tuple[int, Day]],
) -> list[Any]:
    """Add up some days, on a worker. It reads the files that it is given, not the log of the table."""
    sums = by_codes(Table(address), selection, session_keys, failure_keys, days)
    return [groups.parts() for groups in sums]
