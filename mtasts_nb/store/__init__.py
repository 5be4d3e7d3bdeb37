"""Reports at rest: a transactional table on a file system or in a bucket, and Dask for what outgrows one machine.

Needs the extra `scale`. Nothing else in the kit does: an `Archive` in memory is enough for a laptop.
"""

from __future__ import annotations

from ._ingest import ingest
from ._store import ENGINES, Store, open_store

__all__ = ["ENGINES", "Store", "ingest", "open_store"]
