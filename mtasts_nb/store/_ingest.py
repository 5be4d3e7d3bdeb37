"""`ingest`: from sources to a store."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..reports import Archive, Mailbox, Stored, flat_sources, iter_inputs, load_parts
from ..settings import Limits, utc_now
from ._store import Store
from ._table import Table
from ._writer import PART, Writer

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ingest"]


def ingest(
    *sources: Any,
    store: str | os.PathLike[str],
    client: Client | None = None,
    progress: bool = True,
    workers: int | None = None,
    limits: Limits | None = None,
    verify_dkim: Any = False,
    dkim: str = "off",
    now: Callable[[], datetime] = utc_now,
) -> Store:
    """Add the TLS reports (RFC 8460) in the sources to a store, each once; return the store.

    A report is known by its content and its identity (reporter, id, period, policy domains): the same sources again,
    renamed or compressed otherwise, add nothing, and neither do two writers at once. A run that was killed has added
    nothing or whole batches; the next run adds the rest. Memory is bounded whatever the number of reports.

    Parameters
    ----------
    *sources : str, path, bytes or binary file object
        As `load` takes them; or one Archive or store.
    store : str or path
        A folder, made if need be, or an address in a bucket (``s3://``, ``gs://``, ``az://``), with credentials from the
        environment.
    client : dask.distributed.Client, optional
        Its workers read the files and write to the store; both must be at the same path or address for all of them.
    progress, workers, limits, verify_dkim, dkim
        As in `load`.
    now : callable
        The present time, in UTC; rejected inputs are filed by its month.

    Returns
    -------
    Store
        As it is after the last commit. `Store.outcomes` counts what became of the inputs.

    Raises
    ------
    SourceError
        There is nothing to read.
    StoreError
        The store cannot be opened or written, or the extra `scale` is not installed. What was committed is unchanged.

    Examples
    --------
    >>> import tempfile, mtasts_nb as sts
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = sts.ingest(sts.sample_dir(), store=f"{folder}/tls", progress=False)
    ...     again = sts.ingest(sts.sample_dir(), store=f"{folder}/tls", progress=False)
    ...     again.outcomes["added"], again.version == first.version
    (0, True)
    """
    limits = limits or Limits()
    reading: Mapping[str, Any] = {"workers": workers, "limits": limits, "verify_dkim": verify_dkim, "dkim": dkim}
    if any(isinstance(source, Archive | Stored) for source in sources):
        if len(sources) > 1:
            raise TypeError("ingest: an Archive or a store cannot be joined with other sources; give it alone")
        table = Table.create(store)
        writer = Writer(table, now)
        writer.add(sources[0].to_archive())
        writer.flush()
        return Store(table, outcomes=writer.outcomes)
    flat = flat_sources(sources, limits)
    items = iter_inputs(flat, limits)
    table = Table.create(store)
    writer = Writer(table, now)
    if client is not None:
        from ._cluster import on_workers

        items = on_workers(client, items, table, writer.outcomes, reading, now)
    for part in load_parts(items, size=PART, progress=progress, **reading):
        writer.add(part.archive, part.received())
    writer.flush()
    for mailbox in flat:
        if isinstance(mailbox, Mailbox):
            mailbox.save_state()  # not before the commit: what is lost on the way is read again
    return Store(table, outcomes=writer.outcomes)
