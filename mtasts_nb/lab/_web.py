"""The lab's web servers: policy hosts by SNI, and the authority's certificates over plain HTTP."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from cryptography.hazmat.primitives.serialization import Encoding

from ._authority import Authority
from ._world import Response, TlsVersion, WebServer

__all__ = ["POLICY_PATH", "TLS_VERSIONS", "close_in_handshake", "serve_issuers", "serve_site", "site_context"]

#: Where a policy lies on its host (RFC 8461 §3.3).
POLICY_PATH = "/.well-known/mta-sts.txt"
TLS_VERSIONS: dict[TlsVersion, ssl.TLSVersion | None] = {
    "modern": None,
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
}
_HEAD_LIMIT = 16 * 1024
_REASONS = {200: "OK", 301: "Moved Permanently", 302: "Found", 403: "Forbidden", 404: "Not Found"}
_TEXT = (("Content-Type", "text/plain"),)


def site_context(server: WebServer, note: Callable[[str], None]) -> ssl.SSLContext:
    """Return a TLS context that presents the certificate of the site named by SNI, or else the default's."""
    version = TLS_VERSIONS[server.tls]
    contexts = {name: site.credential.context(version) for name, site in server.sites.items()}
    default = server.default.credential.context(version)

    def choose(connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        note(f"SNI {name or 'absent'}")
        if name is not None and name.lower() in contexts:
            connection.context = contexts[name.lower()]

    default.sni_callback = choose
    return default


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, str]:
    """Return method, path and host of a request."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    headers = dict(line.lower().split(":", 1) for line in lines if ":" in line)
    return method, rest.partition(" ")[0], headers.get("host", "").strip().partition(":")[0]


async def serve_site(
    server: WebServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: Callable[[str], None]
) -> None:
    """Answer one request on a policy host."""
    method, path, host = await _request(reader)
    note(f"{method} https://{host}{path}")
    site = server.sites.get(host, server.default)
    if method not in ("GET", "HEAD"):
        response = Response(405, _TEXT, b"Only GET and HEAD here.\n")
    elif path == POLICY_PATH or site is server.default:
        response = site.response
    else:
        response = Response(404, _TEXT, b"No such file.\n")
    await _respond(response, writer, head_only=method == "HEAD")


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
    method, path, host = await _request(reader)
    note(f"{method} http://{host}{path}")
    certificate = {"/intermediate.cer": authority.intermediate, "/root.cer": authority.root}.get(path)
    if certificate is None:
        response = Response(404, _TEXT, b"No such certificate.\n")
    else:
        response = Response(200, (("Content-Type", "application/pkix-cert"),), certificate.public_bytes(Encoding.DER))
    await _respond(response, writer, head_only=method == "HEAD")


async def _respond(response: Response, writer: asyncio.StreamWriter, *, head_only: bool) -> None:
    if response.manner == "silent":
        await asyncio.Event().wait()
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    if response.manner not in ("endless", "drip"):
        length = len(response.body) * (2 if response.manner == "cut" else 1)
        lines.append(f"Content-Length: {length}")
    lines.append("Connection: close")
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    if not head_only:
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
