"""The policy fetched as a sender does (RFC 8461 §3.3): GET, SNI, no redirect followed, no cache; from one address.

httpcore implements HTTP; connection and TLS below it are ours, so that one connection gives the response *and* the chain as
presented, and every byte is under a deadline.
"""

from __future__ import annotations

import time
import typing
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

import httpcore

from ..._version import __version__
from ...markup import one_line
from ...vocabulary import Status
from .._attempts import Certificate, HttpAttempt, HttpRequest, HttpResponse, IssuerFetch, TlsSession
from ._dns import Resolver
from ._network import Deadline, Network, StepError, Stream
from ._threads import Once
from ._tls import Offer, TrustStore, client_context, handshake, issuers_in, validate_chain

__all__ = ["LARGEST_POLICY", "IssuerFetcher", "fetch_policy"]

#: Senders stop reading here (RFC 8461 §3.3 suggests 64 KiB); one more byte is read, to see whether there is more.
LARGEST_POLICY = 64 * 1024
_LARGEST_ISSUER = 256 * 1024
#: Most URLs of issuers that are fetched for one domain.
_MOST_ISSUERS = 8
_MOST_HEADERS = 100
_HEADERS = (
    ("User-Agent", f"mtasts-nb/{__version__}"),
    ("Accept", "text/plain, */*;q=0.1"),
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
)

_Fetched = tuple[IssuerFetch, tuple[Certificate, ...]]


class _Backend(httpcore.NetworkBackend, httpcore.NetworkStream):
    """A `Stream`, already connected and perhaps encrypted, with the interface that httpcore needs."""

    def __init__(self, stream: Stream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        #: Whether the other side has closed the connection.
        self.closed = False

    def connect_tcp(self, *args: object, **kwargs: object) -> httpcore.NetworkStream:  # noqa: ARG002
        return self

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        part = self._stream.receive(max_bytes, self._deadline, "the HTTP response")
        self.closed = not part
        return part

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.send(buffer, self._deadline, "the HTTP request")

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> typing.Any:  # noqa: ARG002
        return None


class _Exchange:
    """A GET on a connection. What was received stays in `response`, even if the rest was not."""

    def __init__(self, network: Network, stream: Stream, cap: int) -> None:
        self._backend = _Backend(stream, network.step())
        self._cap = cap
        self.response: HttpResponse | None = None

    def run(self, url: str) -> HttpResponse:
        """Return the response, the body cut at the size limit; `StepError` if it is not complete."""
        try:
            parts = urlsplit(url)
            # To httpcore the connection is a plain one: TLS, if any, is below the stream.
            address = httpcore.URL(scheme="http", host=parts.hostname or "", port=parts.port, target=parts.path or "/")
            headers = [("Host", parts.netloc), *_HEADERS]
            with (
                httpcore.ConnectionPool(network_backend=self._backend) as pool,
                pool.stream("GET", address, headers=headers) as response,
            ):
                return self._read(response)
        except httpcore.RemoteProtocolError as error:
            text = one_line(error, 200)
            if self._backend.closed:
                raise StepError("closed", f"the connection was closed: {text}") from error
            raise StepError("not-http", f"not an HTTP response: {text}") from error
        except (httpcore.LocalProtocolError, ValueError) as error:
            raise StepError("not-http", f"not an HTTP response: {one_line(error, 200)}") from error

    def _read(self, response: httpcore.Response) -> HttpResponse:
        headers = tuple(
            (key.decode("latin-1")[:100], value.decode("latin-1")[:1000])
            for key, value in response.headers[:_MOST_HEADERS]
        )
        result = HttpResponse(status_code=response.status, headers=headers, truncated=True)
        body = bytearray()
        try:
            for part in response.iter_stream():
                body += part
                if len(body) > self._cap:
                    break
            else:
                result = replace(result, truncated=False)
        finally:
            self.response = result = replace(result, body=bytes(body[: self._cap]))
        return result


def fetch_policy(network: Network, request: HttpRequest, issuers: IssuerFetcher, *, old: bool = False) -> HttpAttempt:
    """Return one GET of the policy, from one address, with the certificate of the same connection.

    With `old`, a second connection tries whether the server still negotiates TLS 1.0 or 1.1.
    """
    begun = time.monotonic()
    stage, tls, older, exchange = "connect", None, None, None
    status, reason, detail = Status.COMPLETED, "", ""
    stream: Stream | None = None
    try:
        with network.turn(request.address, request.port):
            stream = network.connect(request.address, request.port)
            stage = "handshake"
            tls = handshake(network, stream, request.host, client_context(alpn=b"http/1.1"))
            stage = "response"
            exchange = _Exchange(network, stream, LARGEST_POLICY)
            response = exchange.run(request.url)
            more = " and more" if response.truncated else ""
            stage, detail = "done", f"status {response.status_code}, {len(response.body)} bytes{more}"
    except StepError as error:
        status, reason, detail = error.status, error.reason, error.detail
    finally:
        if stream is not None:
            stream.close()
    failed = stage == "handshake" and reason in ("tls", "closed")
    if failed:
        older = _older_handshake(network, request, "older too")
    elif old and tls is not None and (still := _older_handshake(network, request, "older only")):
        older = replace(still, chain=())  # the certificate is that of the first connection
    return HttpAttempt(
        request=request, status=status, stage=stage, reason=reason, detail=detail, seconds=time.monotonic() - begun,
        response=exchange.response if exchange else None, tls=issuers.validated(tls, request.host), older_tls=issuers.validated(older, request.host),
        older_tls_tried=failed or (old and tls is not None),
    )  # fmt: skip


def _older_handshake(network: Network, request: HttpRequest, offer: Offer) -> TlsSession | None:
    """Return what the server negotiates if older TLS is offered; None if that fails too."""
    with suppress(StepError), network.turn(request.address, request.port):
        stream = network.connect(request.address, request.port)
        try:
            return handshake(network, stream, request.host, client_context(offer, alpn=b"http/1.1"))
        finally:
            stream.close()
    return None


class IssuerFetcher:
    """Validates chains, and fetches missing issuers: each URL once per probe; limited in size, time and number.

    The URL is a stranger's: plain HTTP at port 80 only (RFC 5280 §8 advises against HTTPS, which would need a chain of
    its own), and only from addresses that `Network` contacts.
    """

    def __init__(self, network: Network, resolver: Resolver, store: TrustStore) -> None:
        self._network = network
        self._resolver = resolver
        self._store = store
        self._fetched: Once[str, _Fetched] = Once()

    def validated(self, session: TlsSession | None, name: str) -> TlsSession | None:
        """Return the session with its chain validated."""
        if session is None or not session.chain:
            return session
        return replace(session, validation=validate_chain(session.chain, name, self._store, self.fetch))

    def fetch(self, url: str) -> _Fetched:
        """Return the attempt, and the certificates received."""
        try:
            return self._fetched.get(url, lambda: self._fetch(url), most=_MOST_ISSUERS)
        except LookupError:
            detail = f"{_MOST_ISSUERS} other issuers were fetched already"
            return IssuerFetch(url=url, status=Status.NOT_OBSERVED, reason="limit", detail=detail), ()

    def _fetch(self, url: str) -> _Fetched:
        try:
            return self._certificates_at(url)
        except StepError as error:
            return IssuerFetch(url=url, status=error.status, reason=error.reason, detail=error.detail), ()

    def _certificates_at(self, url: str) -> _Fetched:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or 80
        except ValueError:
            host, port = None, 80
        if not host or parts.scheme != "http" or port != 80:
            raise StepError("not-fetched", "not an http URL at port 80", observed=False)
        address = self._address(host)
        if address is None:
            raise StepError("no-address", f"{host} has no address")
        with self._network.turn(address, port):
            stream = self._network.connect(address, port)
            try:
                response = _Exchange(self._network, stream, _LARGEST_ISSUER).run(url)
            finally:
                stream.close()
        certificates = issuers_in(response.body) if response.status_code == 200 else ()
        if not certificates:
            raise StepError("no-certificate", f"status {response.status_code}, no certificate in it")
        detail = f"fetched: {certificates[0].subject}"
        return IssuerFetch(url=url, status=Status.COMPLETED, detail=detail, certificate=certificates[0]), certificates

    def _address(self, host: str) -> str | None:
        settings = self._network.settings
        for kind, wanted in (("A", settings.ipv4), ("AAAA", settings.ipv6)):
            if wanted and (addresses := self._resolver.ask(host, kind).texts):
                return addresses[0]
        return None
