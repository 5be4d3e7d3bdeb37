"""The policy fetched as a sender does (RFC 8461 §3.3): GET, SNI, no redirect followed, no cache; from one address.

httpx speaks HTTP; connection and TLS below it are ours, so that one connection gives the response *and* the chain as
presented, and every byte is under a deadline.
"""

from __future__ import annotations

import threading
import time
import typing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

import httpcore
import httpx

from .._version import __version__
from ..markup import one_line
from ..vocabulary import Status
from ._certificates import TrustStore, failed_fetch, issuers_in, validate_chain
from ._dns import Resolver
from ._evidence import Certificate, HttpAttempt, HttpRequest, HttpResponse, IssuerFetch, TlsSession
from ._network import Deadline, Network, StepError, Stream
from ._tls import client_context, handshake

__all__ = ["LARGEST_POLICY", "IssuerFetcher", "fetch_policy"]

#: Senders stop reading here (RFC 8461 §3.3 suggests 64 KiB); one byte more is read, to know that there is more.
LARGEST_POLICY = 64 * 1024
_LARGEST_ISSUER = 256 * 1024
#: Most URLs of issuers that are fetched for one domain.
_MOST_ISSUERS = 8
_MOST_HEADERS = 100
_HEADERS = {
    "User-Agent": f"mtasts-nb/{__version__}",
    "Accept": "text/plain, */*;q=0.1",
    "Accept-Encoding": "identity",
    "Connection": "close",
}

_Fetched = tuple[IssuerFetch, tuple[Certificate, ...]]


class _Wire(httpcore.NetworkStream):
    """A `Stream` in the shape httpcore wants."""

    def __init__(self, stream: Stream, deadline: Callable[[], Deadline]) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.receive(max_bytes, self._deadline(), "the HTTP response")

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.send(buffer, self._deadline(), "the HTTP request")

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> typing.Any:  # noqa: ARG002
        return None


class _Backend(httpcore.NetworkBackend):
    """Hands out one connection, made beforehand."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    def connect_tcp(self, *args: object, **kwargs: object) -> httpcore.NetworkStream:  # noqa: ARG002
        return self._wire


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _Transport(httpx.BaseTransport):
    """Sends httpx's request over a connection that is already there, encrypted or not."""

    def __init__(self, stream: Stream, deadline: Callable[[], Deadline]) -> None:
        self._pool = httpcore.ConnectionPool(network_backend=_Backend(_Wire(stream, deadline)))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # To httpcore the connection is a plain one: TLS, where there is any, is below `_Wire`.
        url = httpcore.URL(scheme="http", host=request.url.raw_host, port=request.url.port, target=request.url.raw_path)
        body = typing.cast("Iterable[bytes]", request.stream)
        response = self._pool.handle_request(
            httpcore.Request(request.method, url, headers=request.headers.raw, content=body)
        )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), extensions=response.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _Exchange:
    """A GET on a connection. What came stays in `response`, also when the rest did not."""

    def __init__(self, network: Network, stream: Stream, cap: int) -> None:
        self._deadline = network.step()
        self._stream = stream
        self._cap = cap
        self.response: HttpResponse | None = None

    def run(self, url: str) -> HttpResponse:
        """Return the response, the body cut at the cap; `StepError` where it does not come to its end."""
        transport = _Transport(self._stream, lambda: self._deadline)
        try:
            with httpx.Client(transport=transport, trust_env=False, follow_redirects=False) as client:
                client.headers.clear()
                with client.stream("GET", url, headers=_HEADERS) as response:
                    return self._read(response)
        except (httpcore.RemoteProtocolError, httpx.RemoteProtocolError) as error:
            text = one_line(error, 200)
            if any(sign in text for sign in ("without sending", "closed connection", "without response")):
                raise StepError("closed", f"the connection was closed: {text}") from error
            raise StepError("not-http", f"not an HTTP response: {text}") from error
        except (httpcore.LocalProtocolError, httpx.InvalidURL, httpx.DecodingError, ValueError) as error:
            raise StepError("not-http", f"not an HTTP response: {one_line(error, 200)}") from error

    def _read(self, response: httpx.Response) -> HttpResponse:
        headers = tuple(
            (key.decode("latin-1")[:100], value.decode("latin-1")[:1000])
            for key, value in response.headers.raw[:_MOST_HEADERS]
        )
        seen = HttpResponse(status_code=response.status_code, headers=headers, truncated=True)
        body = bytearray()
        try:
            for part in response.iter_raw():
                body += part
                if len(body) > self._cap:
                    break
            else:
                seen = replace(seen, truncated=False)
        finally:
            self.response = seen = replace(seen, body=bytes(body[: self._cap]))
        return seen


def fetch_policy(network: Network, request: HttpRequest, store: TrustStore, issuers: IssuerFetcher) -> HttpAttempt:
    """Return one GET of the policy, at one address, with the certificate of that very connection."""
    begun = time.monotonic()
    stage, tls, older, response = "connect", None, None, None
    reason = detail = ""
    status = Status.COMPLETED
    stream: Stream | None = None
    try:
        with network.turn(request.address, request.port):
            stream = network.connect(request.address, request.port)
            stage = "handshake"
            tls = handshake(network, stream, request.host, client_context(alpn=b"http/1.1"))
            stage = "response"
            exchange = _Exchange(network, stream, LARGEST_POLICY)
            try:
                response = exchange.run(request.url)
            finally:
                response = exchange.response
            stage, detail = "done", _summary(response)
    except StepError as error:
        status = Status.FAILED if error.observed else Status.NOT_OBSERVED
        reason, detail = error.reason, error.detail
    finally:
        if stream is not None:
            stream.close()
    if stage == "handshake" and reason in ("tls", "closed"):
        older = _older_handshake(network, request)
    attempt = HttpAttempt(
        request=request, status=status, stage=stage, reason=reason, detail=detail,
        seconds=time.monotonic() - begun, tls=tls, older_tls=older, response=response,
    )  # fmt: skip
    return replace(attempt, tls=validated(tls, request.host, store, issuers),
                   older_tls=validated(older, request.host, store, issuers))  # fmt: skip


def _summary(response: HttpResponse | None) -> str:
    if response is None:
        return ""
    return f"status {response.status_code}, {len(response.body)} bytes{' and more' if response.truncated else ''}"


def _older_handshake(network: Network, request: HttpRequest) -> TlsSession | None:
    """Return what the server agrees to when older TLS is offered; None where that fails too."""
    with suppress(StepError), network.turn(request.address, request.port):
        stream = network.connect(request.address, request.port)
        try:
            return handshake(network, stream, request.host, client_context(older=True, alpn=b"http/1.1"))
        finally:
            stream.close()
    return None


def validated(session: TlsSession | None, name: str, store: TrustStore, issuers: IssuerFetcher) -> TlsSession | None:
    """Return the session with its chain validated."""
    if session is None or not session.chain:
        return session
    return replace(session, validation=validate_chain(session.chain, name, store, issuers.fetch))


class IssuerFetcher:
    """Fetches missing issuers, each URL once per probe; bounded in size, time and number.

    The URL is a stranger's: plain HTTP at port 80 only (RFC 5280 §8 advises against HTTPS, which would need a chain of
    its own), and only from addresses that `Network` contacts.
    """

    def __init__(self, network: Network, resolver: Resolver) -> None:
        self._network = network
        self._resolver = resolver
        self._known: dict[str, Future[_Fetched]] = {}
        self._lock = threading.Lock()

    def fetch(self, url: str) -> _Fetched:
        """Return the attempt, and the certificates it brought."""
        with self._lock:
            known = self._known.get(url)
            if known is None and len(self._known) >= _MOST_ISSUERS:
                detail = f"{_MOST_ISSUERS} other issuers were fetched already"
                return failed_fetch(url, "limit", detail, observed=False), ()
            future = known or self._known.setdefault(url, Future())
        if known is None:
            try:
                future.set_result(self._fetch(url))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()

    def _fetch(self, url: str) -> _Fetched:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or 80
        except ValueError:
            host, port = None, 80
        if not host or parts.scheme != "http" or port != 80:
            return failed_fetch(url, "not-fetched", "not an http URL at port 80", observed=False), ()
        address = self._address(host)
        if address is None:
            return failed_fetch(url, "no-address", f"{host} has no address"), ()
        try:
            with self._network.turn(address, port):
                stream = self._network.connect(address, port)
                try:
                    response = _Exchange(self._network, stream, _LARGEST_ISSUER).run(url)
                finally:
                    stream.close()
        except StepError as error:
            return failed_fetch(url, error.reason, error.detail, observed=error.observed), ()
        certificates = issuers_in(response.body) if response.status_code == 200 else ()
        if not certificates:
            return failed_fetch(url, "no-certificate", f"status {response.status_code}, no certificate in it"), ()
        detail = f"fetched: {certificates[0].subject}"
        return IssuerFetch(url=url, status=Status.COMPLETED, detail=detail, certificate=certificates[0]), certificates

    def _address(self, host: str) -> str | None:
        settings = self._network.settings
        for kind, wanted in (("A", settings.ipv4), ("AAAA", settings.ipv6)):
            if wanted and (found := self._resolver.ask(host, kind).texts):
                return found[0]
        return None
