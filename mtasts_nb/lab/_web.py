"""The lab's web servers: policy hosts by SNI, and the authority's certificates over plain HTTP."""

from __future__ import annotations

import asyncio
import http
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.serialization import Encoding

from ._ports import Reach
from ._tls import Authority, Credential, SecureStream, TlsVersion

__all__ = [
    "POLICY_PATH",
    "Response",
    "Site",
    "WebServer",
    "close_in_handshake",
    "serve_issuers",
    "serve_old_tls",
    "serve_site",
    "site_context",
]

Note = Callable[[str], None]

#: The path of the policy on its host (RFC 8461 §3.3).
POLICY_PATH = "/.well-known/mta-sts.txt"
_HEAD_END = b"\r\n\r\n"
_TEXT = (("Content-Type", "text/plain"),)


@dataclass(frozen=True, slots=True)
class Response:
    """What a web server answers to a GET.

    Attributes
    ----------
    status : int
        HTTP status.
    headers : tuple of (str, str)
        In addition to Content-Length and Connection.
    body : bytes
        The content.
    behaviour : {"whole", "endless", "drip", "silent", "cut"}
        ``endless`` repeats the body without an end, ``drip`` sends a byte a second, ``silent`` answers nothing,
        ``cut`` closes in the middle of the body.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/plain; charset=utf-8"),)
    body: bytes = b""
    behaviour: Literal["whole", "endless", "drip", "silent", "cut"] = "whole"


@dataclass(slots=True)
class Site:
    """One host name on a web server, chosen by SNI (RFC 6066 §3)."""

    credential: Credential
    response: Response


@dataclass(slots=True)
class WebServer:
    """What answers on port 443 of one address.

    Attributes
    ----------
    sites : dict
        By host name.
    default : Site
        Without SNI, or for a name that has no site: a certificate for another name, as on shared hosting.
    handshake : {"normal", "close"}
        ``close`` ends the connection after the client's hello.
    """

    sites: dict[str, Site]
    default: Site
    reach: Reach = "open"
    handshake: Literal["normal", "close"] = "normal"
    tls: TlsVersion = "modern"


def site_context(server: WebServer, note: Note) -> ssl.SSLContext:
    """Return a TLS context that presents the certificate of the site named by SNI, or else the default's."""
    contexts = {name: site.credential.context(server.tls) for name, site in server.sites.items()}
    default = server.default.credential.new_context(server.tls)  # its own: it has the callback

    def choose(connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        note(f"SNI {name or 'absent'}")
        if name is not None and name.lower() in contexts:
            connection.context = contexts[name.lower()]

    default.sni_callback = choose
    return default


async def serve_site(server: WebServer, note: Note, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request on a policy host."""
    response, with_body = _answer(server, await reader.readuntil(_HEAD_END), note)
    await _respond(response, writer, with_body=with_body)


async def serve_old_tls(
    server: WebServer,
    context: Callable[[], ssl.SSLContext],
    note: Note,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Answer one request in an old TLS version; a client that does not speak it gets an alert."""
    stream = SecureStream(context(), reader, writer)
    await stream.handshake()
    response, with_body = _answer(server, await stream.read_until(_HEAD_END), note)
    await stream.write(_head(response) + (response.body if with_body else b""))


async def close_in_handshake(note: Note, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Read the client's hello and end the connection."""
    await reader.read(4096)  # unread, it would turn the close into a reset
    note("hello")


async def serve_issuers(
    authority: Authority, note: Note, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
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


def _request(head: bytes) -> tuple[str, str, str]:
    """Return method, path and host of a request."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    headers = dict(line.lower().split(":", 1) for line in lines if ":" in line)
    return method, rest.partition(" ")[0], headers.get("host", "").strip().partition(":")[0]


def _answer(server: WebServer, head: bytes, note: Note) -> tuple[Response, bool]:
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


def _head(response: Response) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {http.HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    if response.behaviour not in ("endless", "drip"):
        length = len(response.body) * (2 if response.behaviour == "cut" else 1)
        lines.append(f"Content-Length: {length}")
    lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _respond(response: Response, writer: asyncio.StreamWriter, *, with_body: bool) -> None:
    if response.behaviour == "silent":
        await asyncio.Event().wait()
    writer.write(_head(response))
    while with_body and response.behaviour == "endless":
        writer.write(response.body)
        await writer.drain()
        await asyncio.sleep(0)
    if with_body and response.behaviour == "drip":
        for byte in response.body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)
    elif with_body:
        writer.write(response.body)
    await writer.drain()
