"""The lab's web servers: policy hosts by SNI, and the authority's certificates over plain HTTP."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from cryptography.hazmat.primitives.serialization import Encoding

from ._authority import Authority
from ._tls import SecureStream
from ._world import Response, WebServer

__all__ = ["POLICY_PATH", "close_in_handshake", "serve_issuers", "serve_old_tls", "serve_site", "site_context"]

#: Where a policy lies on its host (RFC 8461 §3.3).
POLICY_PATH = "/.well-known/mta-sts.txt"
_HEAD_END = b"\r\n\r\n"
_REASONS = {200: "OK", 301: "Moved Permanently", 302: "Found", 403: "Forbidden", 404: "Not Found"}
_TEXT = (("Content-Type", "text/plain"),)


def site_context(server: WebServer, note: Callable[[str], None]) -> ssl.SSLContext:
    """Return a TLS context that presents the certificate of the site named by SNI, or else the default's."""
    contexts = {name: site.credential.context(server.tls) for name, site in server.sites.items()}
    default = server.default.credential.context(server.tls)

    def choose(connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        note(f"SNI {name or 'absent'}")
        if name is not None and name.lower() in contexts:
            connection.context = contexts[name.lower()]

    default.sni_callback = choose
    return default


def _request(head: bytes) -> tuple[str, str, str]:
    """Return method, path and host of a request."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    headers = dict(line.lower().split(":", 1) for line in lines if ":" in line)
    return method, rest.partition(" ")[0], headers.get("host", "").strip().partition(":")[0]


async def serve_site(
    server: WebServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: Callable[[str], None]
) -> None:
    """Answer one request on a policy host."""
    response, with_body = _answer(server, await reader.readuntil(_HEAD_END), note)
    await _respond(response, writer, with_body=with_body)


async def serve_old_tls(
    server: WebServer,
    context: ssl.SSLContext,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    note: Callable[[str], None],
) -> None:
    """Answer one request in an old TLS version; tell a client that does not speak it so."""
    stream = SecureStream(context, reader, writer)
    await stream.handshake()
    response, with_body = _answer(server, await stream.read_until(_HEAD_END), note)
    await stream.write(_head(response) + (response.body if with_body else b""))


def _answer(server: WebServer, head: bytes, note: Callable[[str], None]) -> tuple[Response, bool]:
    """Return the response to a request, and whether its body is sent."""
    method, path, host = _request(head)
    note(f"{method} https://{host}{path}")
    site = server.sites.get(host, server.default)
    if method not in ("GET", "HEAD"):
        response = Response(405, _TEXT, b"Only GET and HEAD here.\n")
    elif path == POLICY_PATH or site is server.default:
        response = site.response
    else:
        response = Response(404, _TEXT, b"No such file.\n")
    return response, method != "HEAD"


async def close_in_handshake(
    reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, note: Callable[[str], None]
) -> None:
    """Take the client's hello and end the connection."""
    await reader.read(4096)  # unread, it would turn the close into a reset
    note("hello")


async def serve_issuers(
    authority: Authority, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: Callable[[str], None]
) -> None:
    """Answer one request for an issuer's certificate, as DER (RFC 5280 §4.2.2.1)."""
    method, path, host = _request(await reader.readuntil(_HEAD_END))
    note(f"{method} http://{host}{path}")
    certificate = {"/intermediate.cer": authority.intermediate, "/root.cer": authority.root}.get(path)
    if certificate is None:
        response = Response(404, _TEXT, b"No such certificate.\n")
    else:
        response = Response(200, (("Content-Type", "application/pkix-cert"),), certificate.public_bytes(Encoding.DER))
    await _respond(response, writer, with_body=method != "HEAD")


def _head(response: Response) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    if response.manner not in ("endless", "drip"):
        length = len(response.body) * (2 if response.manner == "cut" else 1)
        lines.append(f"Content-Length: {length}")
    lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _respond(response: Response, writer: asyncio.StreamWriter, *, with_body: bool) -> None:
    if response.manner == "silent":
        await asyncio.Event().wait()
    writer.write(_head(response))
    if with_body:
        await _body(response, writer)
    await writer.drain()


async def _body(response: Response, writer: asyncio.StreamWriter) -> None:
    if response.manner == "endless":
        while True:
            writer.write(response.body)
            await writer.drain()
            await asyncio.sleep(0)
    if response.manner == "drip":
        for byte in response.body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)
    else:
        writer.write(response.body)
