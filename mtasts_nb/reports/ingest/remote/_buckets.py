"""The objects of a bucket, as inputs: small ones fetched several at a time, large ones streamed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, Final, cast
from urllib.parse import unquote, urlsplit

from ....errors import SourceError
from ....markup import number, one_line
from ....settings import Limits
from .._model import Input, Rejected, Skipped
from ._urls import BUCKETS, scheme_of

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["bucket_items"]

Items = Iterator[Input | Rejected | Skipped]

#: An object up to this size is fetched whole; a window of so many at a time.
_SMALL: Final = 1024 * 1024
_WINDOW: Final = 32
_NAMES: Final = {"s3": "AWS_…", "gs": "GOOGLE_…", "az": "AZURE_…"}


def bucket_items(url: str, limits: Limits, ignored: Callable[[str], str]) -> Items:
    """Return the objects of a bucket whose key is the path or begins with it as a folder, sorted by key.

    Credentials, region and endpoint are those of the provider's own environment variables, such as ``AWS_ACCESS_KEY_ID``
    and ``AWS_ENDPOINT_URL``.

    Parameters
    ----------
    url : str
        ``s3://bucket/prefix``, ``gs://…`` or ``az://container/prefix``.
    limits : Limits
        How many objects there may be, and how long to wait for one.
    ignored : callable
        Returns why a key is skipped; empty where it is not.

    Raises
    ------
    SourceError
        obstore is not installed, the bucket cannot be listed, or nothing is there.
    """
    try:
        import obstore
        from obstore.exceptions import BaseError
    except ImportError:
        raise SourceError(
            f"{one_line(url, 200)} is in a bucket, which needs a further package: pip install 'mtasts-nb[buckets]'."
        ) from None
    scheme = scheme_of(url)
    parts = urlsplit(url)
    if scheme not in BUCKETS or not parts.netloc or "@" in parts.netloc or parts.query or parts.fragment:
        raise SourceError(f"Expected the address of a bucket as {scheme or 's3'}://bucket/prefix, without credentials.")
    root, path = f"{scheme}://{parts.netloc}", unquote(parts.path).strip("/")
    try:
        store = _store(root, limits.network_seconds)
        sizes: dict[str, int] = {}
        for part in obstore.list(store, path or None):
            sizes.update((meta["path"], meta["size"]) for meta in part)
            if len(sizes) > limits.members:
                break
        if not sizes and path:
            meta = obstore.head(store, path)
            sizes[meta["path"]] = meta["size"]
    except (FileNotFoundError, BaseError) as error:
        if isinstance(error, FileNotFoundError):
            raise SourceError(
                f"{one_line(url, 200)}: there is no such bucket, object or prefix. Check its name."
            ) from None
        raise SourceError(
            f"{one_line(url, 200)} cannot be listed: {_reason(error)}. Credentials, region and endpoint come from the "
            f"environment variables {_NAMES[scheme]}."
        ) from None
    if not sizes:
        raise SourceError(f"{one_line(url, 200)} has no object in it. Name the bucket or prefix that has the reports.")
    return _objects(store, root, sizes, limits, ignored)


def _store(root: str, seconds: float) -> ObjectStore:
    from obstore.store import from_url

    wait = timedelta(seconds=seconds)
    return from_url(
        root,
        # Options given here hide the variable that obstore itself would read.
        client_options={
            "timeout": wait,
            "connect_timeout": wait,
            "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true"),
        },
        retry_config={"max_retries": 3, "retry_timeout": wait},
    )


def _reason(error: BaseException) -> str:
    """Return the provider's answer, as one line; obstore's text goes on with its own structures."""
    return one_line(str(error).split("\n", 1)[0], 300)


def _objects(
    store: ObjectStore, root: str, sizes: dict[str, int], limits: Limits, ignored: Callable[[str], str]
) -> Items:
    chosen = sorted(sizes)[: limits.members]
    with ThreadPoolExecutor(_WINDOW, "mtasts-nb fetch") as executor:
        keys_left = iter(chosen)
        while keys := list(islice(keys_left, _WINDOW)):
            yield from executor.map(lambda key: _item(store, root, key, sizes[key], ignored), keys)
    if len(sizes) > len(chosen):
        detail = f"there are more than {number(limits.members)} objects, and the rest was not read: the limit is members={limits.members}"
        yield Rejected(root, "", "read", "members", detail)


def _item(
    store: ObjectStore, root: str, key: str, size: int, ignored: Callable[[str], str]
) -> Input | Rejected | Skipped:
    import obstore
    from obstore.exceptions import BaseError

    name = f"{root}/{key}"
    if why := ignored(key):
        return Skipped(name, "", why)
    if size > _SMALL:
        return Input(name, None, cast("BinaryIO", _Streamed(store, key)))
    try:
        answer = obstore.get(store, key)
        if answer.meta["size"] > _SMALL:
            return Input(name, None, cast("BinaryIO", _Streamed(store, key)))
        return Input(name, None, bytes(answer.bytes()))
    except (OSError, BaseError) as error:
        return Rejected(name, "", "read", "unreadable", _reason(error))


class _Streamed:
    """A large object, opened when it is first read."""

    def __init__(self, store: ObjectStore, key: str) -> None:
        self._store, self._key = store, key
        self._chunks: Iterator[bytes] | None = None
        self._rest = b""

    def read(self, count: int) -> bytes:
        """Return up to so many bytes; empty at the end."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            if self._chunks is None:
                self._chunks = map(bytes, obstore.get(self._store, self._key).stream(min_chunk_size=_SMALL))
            if not self._rest:
                self._rest = next(self._chunks, b"")
        except BaseError as error:
            raise OSError(_reason(error)) from None
        part, self._rest = self._rest[:count], self._rest[count:]
        return part
