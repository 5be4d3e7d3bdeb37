"""The Delta table under a store: opened, read file by file, and changed by commits that exclude one another.

Every commit carries the transaction id of this program. Delta Lake refuses a commit if another with the same id was made
since the table was read: so a writer knows that what it decided on (which reports are new) is true at its commit, and
decides again if not. A file is part of the store only once a commit names it.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import pyarrow as pa
import pyarrow.parquet as pq

from .._version import __version__
from ..errors import StoreError
from ..markup import one_line
from ._layout import KINDS, LAYOUT_VERSION, TEXTS, delta_schema

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ["ConcurrentWriteError", "File", "Table", "extra"]

_LAYOUT_KEY: Final = "mtasts-nb.layout"
_WRITER: Final = "mtasts-nb"
_PARTITIONS: Final = ("kind", "period")
_SCHEME: Final = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+://")
#: Few enough that a query for one domain skips most of a large day, enough that a scan does not notice.
_ROW_GROUP: Final = 32_768

Result = TypeVar("Result")


class ConcurrentWriteError(Exception):
    """Another writer has committed since the table was read."""


class File(NamedTuple):
    """One file of a store."""

    kind: str
    period: str
    path: str
    size: int
    rows: int


def extra(package: str, what: str) -> StoreError:
    """Return the error for a package of the extra `scale` that is not installed."""
    return StoreError(
        f"{what} needs the package {package}, which is not installed. Install the extra `scale`: "
        'pip install "mtasts-nb[scale]"'
    )


@contextmanager
def _explained(action: str, uri: str) -> Iterator[None]:
    """Turn what the libraries below raise into one error that says what to do."""
    try:
        yield
    except (StoreError, ConcurrentWriteError):
        raise
    except Exception as error:
        from deltalake.exceptions import DeltaError

        if not isinstance(error, DeltaError | OSError | pa.ArrowException):
            raise
        advice = "Check that the place exists, that you may write there, and that it has free space."
        if action == "read":
            advice = "Check the address, and that you may read there."
        detail = one_line(getattr(error, "strerror", None) or str(error).splitlines()[0], 300)
        raise StoreError(
            f"The store {one_line(uri)} could not be {action}: {detail}. {advice} What was committed before is unchanged."
        ) from error


def _delta() -> Any:
    try:
        import deltalake
    except ImportError as error:
        raise extra("deltalake", "A store") from error
    return deltalake


def local_folder(uri: str) -> Path | None:
    """Return the folder that a URI is; None where it is not on a file system.

    Examples
    --------
    >>> local_folder("file:///srv/tls%20reports").as_posix(), local_folder("s3://bucket/tls") is None
    ('/srv/tls reports', True)
    """
    if not _SCHEME.match(uri):
        return Path(uri).expanduser()
    parts = urlsplit(uri)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


class Table:
    """One version of the table; `refresh` goes on to the newest.

    Parameters
    ----------
    uri : str
        Where it is.
    delta : DeltaTable, optional
        Its log. Without it, `read` and `write` work, and nothing else.
    """

    def __init__(self, uri: str, delta: DeltaTable | None = None) -> None:
        self.uri = uri
        self._log = delta
        self._folder = local_folder(uri)

    @property
    def address(self) -> str:
        """Where it is, for another process."""
        return _address(self.uri)

    @property
    def _delta(self) -> DeltaTable:
        assert self._log is not None, "this table was made to read and write files only"
        return self._log

    # -- opening

    @classmethod
    def open(cls, uri: str | os.PathLike[str]) -> Table:
        """Open a store.

        Raises
        ------
        StoreError
            There is none, it is another Delta table, or a later version of mtasts-nb wrote it.
        """
        text, deltalake = os.fspath(uri), _delta()
        address = _address(text)
        try:
            with _explained("read", text):
                delta = deltalake.DeltaTable(address)
        except StoreError as error:
            if isinstance(error.__cause__, deltalake.exceptions.TableNotFoundError):
                raise StoreError(
                    f"There is no store at {one_line(text)}. Check the address, or make one: "
                    "mtasts-nb ingest SOURCES --store URI"
                ) from None
            raise
        layout = delta.metadata().configuration.get(_LAYOUT_KEY)
        if layout is None:
            raise StoreError(
                f"{one_line(text)} is a Delta table, but not a store of mtasts-nb. Give the address of a store, or of a "
                "new folder."
            )
        if not layout.isdecimal() or int(layout) > LAYOUT_VERSION:
            raise StoreError(
                f"The store {one_line(text)} has layout {one_line(layout, 20)}; this mtasts-nb {__version__} knows layouts up to "
                f"{LAYOUT_VERSION}. Install a later mtasts-nb to use it; nothing was changed."
            )
        return cls(text, delta)

    @classmethod
    def create(cls, uri: str | os.PathLike[str]) -> Table:
        """Open a store; make it if there is none."""
        text, deltalake = os.fspath(uri), _delta()
        folder = local_folder(text)
        if folder is not None and folder.exists() and not (folder / "_delta_log").exists():
            if not folder.is_dir():
                raise StoreError(f"{one_line(text)} is a file. Give a folder for the store.")
            if any(folder.iterdir()):
                raise StoreError(
                    f"The folder {one_line(text)} has other files in it. Give an empty folder for the store."
                )
        with _explained("created", text):
            there = deltalake.DeltaTable.is_deltatable(_address(text))
            if not there:
                try:
                    deltalake.DeltaTable.create(
                        _address(text),
                        delta_schema(),
                        partition_by=list(_PARTITIONS),
                        name="mtasts-nb store",
                        configuration={_LAYOUT_KEY: str(LAYOUT_VERSION), "delta.checkpointInterval": "20"},
                        raise_if_key_not_exists=False,
                    )
                except (deltalake.exceptions.DeltaError, OSError):
                    # Another writer may have made it at the same moment.
                    if not deltalake.DeltaTable.is_deltatable(_address(text)):
                        raise
        return cls.open(text)

    @property
    def version(self) -> int:
        """The number of the commit that this is."""
        return int(self._delta.version())

    def refresh(self) -> None:
        """Go on to the newest commit."""
        with _explained("read", self.uri):
            self._delta.update_incremental()
        self.__dict__.pop("files", None)

    @cached_property
    def files(self) -> tuple[File, ...]:
        """The files of this version, by kind, period and name."""
        with _explained("read", self.uri):
            adds = pa.table(self._delta.get_add_actions(flatten=True))
        columns = ("partition.kind", "partition.period", "path", "size_bytes", "num_records")
        if not len(adds):
            return ()
        return tuple(sorted(File(*row) for row in zip(*(adds[name].to_pylist() for name in columns), strict=True)))

    # -- files

    @cached_property
    def _filesystem(self) -> Any:
        from deltalake.fs import DeltaStorageHandler
        from pyarrow.fs import PyFileSystem

        return PyFileSystem(DeltaStorageHandler(self.uri))

    def read(self, file: File, columns: Sequence[str], domain: str | None = None) -> Any:
        """Return columns of a file as an Arrow table.

        With a domain, row groups that have no row of it are left out; others may have further rows.
        """
        source = unquote(file.path)
        words = [name for name in TEXTS[file.kind] if name in columns]
        with (
            _explained("read", self.uri),
            pq.ParquetFile(
                source if self._folder is None else self._folder / source,
                filesystem=self._filesystem if self._folder is None else None,
                read_dictionary=words,
                pre_buffer=self._folder is None,
            ) as parquet,
        ):
            groups = range(parquet.num_row_groups)
            if domain is not None:
                groups = [at for at in groups if _may_have(parquet.metadata.row_group(at), domain)]  # type: ignore[assignment]
            table = parquet.read_row_groups(list(groups), columns=list(columns), use_threads=False)
        return table.cast(pa.schema([(name, KINDS[file.kind][name]) for name in columns]), safe=False)

    def write(self, kind: str, period: str, name: str, rows: Any) -> Any:
        """Write rows as a file, which no commit names yet; return what a commit needs to name it."""
        from deltalake.transaction import AddAction

        where = f"kind={kind}/period={period}"
        path = f"{where}/{name}.parquet"
        with _explained("written", self.uri):
            if self._folder is not None:
                (self._folder / where).mkdir(parents=True, exist_ok=True)
                target, filesystem = self._folder / path, None
            else:
                target, filesystem = path, self._filesystem  # type: ignore[assignment]
            pq.write_table(
                rows,
                target,
                filesystem=filesystem,
                compression="zstd",
                row_group_size=_ROW_GROUP,
                store_schema=False,
                # Keys, hashes and names are all different: a dictionary of them would only add to them.
                use_dictionary=[
                    column for column, dtype in KINDS[kind].items() if dtype != pa.string() and column not in _PLAIN
                ],
                write_statistics=["policy_domain"] if "policy_domain" in KINDS[kind] else False,
            )
            size = target.stat().st_size if self._folder is not None else self._filesystem.get_file_info(path).size
        return AddAction(
            path=path,
            size=size,
            partition_values={"kind": kind, "period": period},
            modification_time=time.time_ns() // 1_000_000,
            data_change=True,
            stats=json.dumps({"numRecords": len(rows)}),
        )

    def discard(self, adds: Iterable[Any]) -> None:
        """Delete files that were written for a commit that was not made.

        Only those that no commit names: one may have been made, and its answer lost. In doubt they stay, for `vacuum`.
        """
        try:
            named = {file.path for file in Table.open(self.uri).files}
        except StoreError:
            return
        for add in adds:
            if add.path in named:
                continue
            with suppress(OSError, pa.ArrowException):
                if self._folder is not None:
                    (self._folder / add.path).unlink(missing_ok=True)
                else:
                    self._filesystem.delete_file(add.path)

    # -- commits

    def commit(self, adds: Sequence[Any], replaced: tuple[Sequence[str], Collection[str]] | None = None) -> None:
        """Add files; with `replaced` (kinds and periods), in the place of all files of these. All or nothing.

        Raises
        ------
        ConcurrentWriteError
            Another writer has committed since this version was read. Nothing was changed.
        """
        from deltalake import CommitProperties, Transaction
        from deltalake.exceptions import CommitFailedError

        filters = None
        if replaced is not None:
            filters = [("kind", "in", sorted(replaced[0])), ("period", "in", sorted(replaced[1]))]
        before = self.version
        with _explained("written", self.uri):
            try:
                self._delta.create_write_transaction(
                    list(adds),
                    "append" if replaced is None else "overwrite",
                    self._delta.schema(),
                    list(_PARTITIONS),
                    partition_filters=filters,
                    commit_properties=CommitProperties(
                        custom_metadata={"mtasts-nb": __version__},
                        app_transactions=[Transaction(_WRITER, before + 1)],
                        # Another try would be for a version that nothing was decided on.
                        max_commit_retries=0,
                    ),
                )
            except (CommitFailedError, OSError) as error:
                self.refresh()
                names = {file.path for file in self.files}
                if any(add.path in names for add in adds):
                    return  # it was made, and only its answer was lost
                if self.version > before:
                    raise ConcurrentWriteError from error
                raise
        self.refresh()

    def vacuum(self, hours: float) -> list[str]:
        """Delete files that no commit of the last hours names; return their paths."""
        with _explained("written", self.uri):
            return list(
                self._delta.vacuum(
                    retention_hours=int(hours), dry_run=False, enforce_retention_duration=False, full=True
                )
            )


#: Columns that are not stored through a dictionary.
_PLAIN: Final = frozenset({"report_key", "sha256", "size"})


def _address(uri: str) -> str:
    """Return a URI for deltalake: a folder on a file system as its absolute path."""
    folder = local_folder(uri)
    return uri if folder is None else str(folder.resolve())


def _may_have(group: Any, domain: str) -> bool:
    for at in range(group.num_columns):
        column = group.column(at)
        if column.path_in_schema == "policy_domain":
            known = column.statistics
            return known is None or not known.has_min_max or known.min <= domain <= known.max
    return True


def retried(table: Table, attempt: Callable[[], Result], tries: int = 100) -> Result:
    """Return what an attempt at a commit gives; after a concurrent one, refresh and try again."""
    for _ in range(tries):
        try:
            return attempt()
        except ConcurrentWriteError:
            table.refresh()
    raise StoreError(
        f"The store {one_line(table.uri)} was changed by other writers {tries} times in a row. Run it again, or with fewer "
        "writers; what was committed is unchanged."
    )
