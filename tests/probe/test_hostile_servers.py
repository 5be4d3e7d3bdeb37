"""Servers that answer anything at all: always a Probe within the deadline, no thread and no file left behind."""

from __future__ import annotations

import random
import socket
import ssl
import struct
import threading
import time
from contextlib import suppress
from dataclasses import replace

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from mtasts_nb.lab import Lab
from mtasts_nb.probe import probe
from mtasts_nb.vocabulary import Status

DOMAIN = "nordwind.example"
TIMEOUT, DEADLINE = 0.6, 4.0
NOISE = random.Random(8461).randbytes(3000)


def drip(connection: socket.socket, start: bytes = b"", byte: bytes = b"a") -> None:
    """Send a byte now and then, for ever: each wait by itself is short."""
    connection.sendall(start)
    stop = threading.Event()
    for _ in range(400):
        connection.sendall(byte)
        stop.wait(0.05)


def flood(connection: socket.socket, start: bytes, piece: bytes) -> None:
    """Send as fast as the other side reads, for ever."""
    connection.sendall(start)
    while True:
        connection.sendall(piece)


def after_ehlo(connection: socket.socket, then: bytes) -> None:
    connection.sendall(b"220 mx1.nordwind.example ESMTP\r\n")
    connection.recv(1000)
    connection.sendall(then)
    connection.recv(1000)


def after_starttls(connection: socket.socket, then: bytes) -> None:
    connection.sendall(b"220 mx1.nordwind.example ESMTP\r\n")
    connection.recv(1000)
    connection.sendall(b"250-mx1.nordwind.example\r\n250 STARTTLS\r\n")
    connection.recv(1000)
    connection.sendall(b"220 go ahead\r\n" + then)
    connection.recv(5000)


SMTP = {
    "noise": lambda c: c.sendall(NOISE),
    "closes at once": lambda c: None,
    "silence": lambda c: c.recv(1),
    "a greeting that drips": drip,
    "a line without end": lambda c: flood(c, b"220 ", b"x" * 4096),
    "a reply without end": lambda c: flood(c, b"", b"220-again\r\n" * 100),
    "NUL and control characters": lambda c: c.sendall(b"220 \x00\x1b[2J\x07\r\n" + NOISE),
    "a code that is no number": lambda c: c.sendall(b"\xb2\xb2\xb2 hello\r\n"),
    "noise after EHLO": lambda c: after_ehlo(c, NOISE),
    "closes after EHLO": lambda c: after_ehlo(c, b""),
    "EHLO that drips": lambda c: (c.sendall(b"220 a\r\n"), c.recv(100), drip(c, b"250-a\r\n", b"250-b\r\n")),
    "noise for a handshake": lambda c: after_starttls(c, NOISE),
    "closes for a handshake": lambda c: after_starttls(c, b""),
    "a reply injected before the handshake": lambda c: after_starttls(c, b"250 injected\r\n"),
    "a TLS record that never ends": lambda c: (after_starttls(c, b""), drip(c, b"\x16\x03\x03\x40\x00")),
    "an alert for a handshake": lambda c: after_starttls(c, b"\x15\x03\x03\x00\x02\x02\x28"),
}


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("name", SMTP)
def test_smtp(name, speaker):
    with Lab(timeout=TIMEOUT) as lab:
        server = speaker(SMTP[name])
        routes = {**lab.settings.routes, ("192.0.2.25", 25): server.endpoint}
        begun = time.monotonic()
        seen = probe(DOMAIN, replace(lab.settings, routes=routes, deadline=DEADLINE))
        assert time.monotonic() - begun < DEADLINE + 1
        assert server.connections >= 1
        (attempt,) = (a for mx in seen.mx_hosts for a in mx.attempts if a.request.address == "192.0.2.25")
        assert attempt.status is Status.FAILED
        # The other address of that host, and the other host, are as they were.
        others = [a.status for mx in seen.mx_hosts for a in mx.attempts if a.request.address != "192.0.2.25"]
        assert others == [Status.COMPLETED] * 3


RAW = {
    "noise for a handshake": lambda c: c.sendall(NOISE),
    "closes at once": lambda c: None,
    "a handshake that drips": lambda c: drip(c, b"\x16\x03\x03\x40\x00"),
    "plain HTTP": lambda c: c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "an alert": lambda c: c.sendall(b"\x15\x03\x03\x00\x02\x02\x70"),
}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
UNDER_TLS = {
    "noise": lambda c: c.sendall(NOISE),
    "closes at once": lambda c: None,
    "a status line that drips": drip,
    "headers without end": lambda c: flood(c, HEAD, b"X-A: " + b"b" * 500 + b"\r\n"),
    "a header that drips": lambda c: drip(c, HEAD + b"X-A: "),
    "a body that drips": lambda c: drip(c, HEAD + b"\r\n"),
    "a body without end": lambda c: flood(c, HEAD + b"\r\n", b"x" * 4096),
    "a length that is a lie": lambda c: c.sendall(HEAD + b"Content-Length: 999999\r\n\r\nversion: STSv1\n"),
    "a length that is no number": lambda c: c.sendall(HEAD + b"Content-Length: many\r\n\r\n"),
    "a chunk that is a lie": lambda c: c.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\nab"),
    "a chunk that is no number": lambda c: c.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab"),
    "compressed although not asked for": lambda c: c.sendall(HEAD + b"Content-Encoding: gzip\r\n\r\n" + NOISE),
    "informational responses without end": lambda c: flood(c, b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "a switch of protocols": lambda c: c.sendall(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n" + NOISE),
    "a redirect to a private address": lambda c: c.sendall(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    ),
    "headers that are no text": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nX: \xff\xfe\r\nContent-Length: 0\r\n\r\n"),
}


def under_tls(lab, then):
    context = lab.world.authority.issue(f"mta-sts.{DOMAIN}").context()

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted, suppress(ssl.SSLError):
            encrypted.recv(5000)
            then(encrypted)

    return talk


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("name", [*RAW, *(f"TLS: {name}" for name in UNDER_TLS)])
def test_https(name, speaker):
    with Lab(timeout=TIMEOUT) as lab:
        talk = RAW[name] if name in RAW else under_tls(lab, UNDER_TLS[name.removeprefix("TLS: ")])
        server = speaker(talk)
        routes = {**lab.settings.routes, ("192.0.2.80", 443): server.endpoint}
        begun = time.monotonic()
        seen = probe(DOMAIN, replace(lab.settings, routes=routes, deadline=DEADLINE))
        assert time.monotonic() - begun < DEADLINE + 1
        assert server.connections >= 1
        here, there = seen.policy_host.attempts
        assert there.response is not None
        assert there.response.status_code == 200
        if here.response is not None:
            assert len(here.response.body) <= 64 * 1024
            assert sum(len(key) + len(value) for key, value in here.response.headers) < 150_000
        assert seen.findings


def _same_port() -> tuple[socket.socket, socket.socket]:
    """Return a UDP and a TCP socket bound to one port; a port that is free for one may be taken for the other."""
    for _ in range(50):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            udp.bind(("127.0.0.1", 0))
            tcp.bind(udp.getsockname())
        except OSError:
            udp.close()
            tcp.close()
        else:
            return udp, tcp
    raise OSError("no port is free for both UDP and TCP")


class Resolver:
    """A UDP (and TCP) server on loopback that answers each query by one function."""

    def __init__(self, answer, over_tcp=b"") -> None:
        self._udp, self._tcp = _same_port()
        self.endpoint = self._udp.getsockname()
        self._tcp.listen()
        self._answer, self._over_tcp = answer, over_tcp
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._run_udp, self._run_tcp)]
        for thread in self._threads:
            thread.start()

    def _run_udp(self) -> None:
        with suppress(OSError):
            while True:
                wire, sender = self._udp.recvfrom(5000)
                if not wire:
                    return
                for reply in self._answer(wire):
                    self._udp.sendto(reply, sender)

    def _run_tcp(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._tcp.accept()
                with connection, suppress(OSError):
                    connection.sendall(self._over_tcp)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
            knock.sendto(b"", self.endpoint)
        with suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        self._udp.close()
        self._tcp.close()


def response_to(wire: bytes, **changes) -> dns.message.Message:
    response = dns.message.make_response(dns.message.from_wire(wire))
    for name, value in changes.items():
        setattr(response, name, value)
    return response


def truncated(wire: bytes) -> list[bytes]:
    response = response_to(wire)
    response.flags |= dns.flags.TC
    return [response.to_wire()]


DNS = {
    "noise": (lambda wire: [NOISE], b""),
    "nothing": (lambda wire: [], b""),
    "an empty packet": (lambda wire: [b""], b""),
    "the question sent back": (lambda wire: [wire], b""),
    "another identity": (lambda wire: [struct.pack("!H", 7) + response_to(wire).to_wire()[2:]], b""),
    "a flood of strangers": (lambda wire: [NOISE[:100]] * 500, b""),
    "half an answer": (lambda wire: [response_to(wire).to_wire()[:11]], b""),
    "a pointer to itself": (lambda wire: [wire[:2] + b"\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c"], b""),
    "truncated, then nothing over TCP": (truncated, b""),
    "truncated, then noise over TCP": (truncated, b"\x00\x20" + NOISE[:32]),
    "truncated, then half over TCP": (truncated, b"\xff\xff" + NOISE[:32]),
}


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("name", DNS)
def test_dns(name):
    answer, over_tcp = DNS[name]
    with Lab(timeout=TIMEOUT) as lab:
        server = Resolver(answer, over_tcp)
        try:
            routes = {**lab.settings.routes, (lab.settings.nameservers[0], 53): server.endpoint}
            begun = time.monotonic()
            seen = probe(DOMAIN, replace(lab.settings, routes=routes, deadline=DEADLINE))
            assert time.monotonic() - begun < DEADLINE + 1
        finally:
            server.close()
    assert seen.sts.answer is None
    assert seen.findings.codes == ("resolver-unreachable",)


@pytest.mark.usefixtures("nothing_left")
def test_a_domain_that_names_the_whole_world(speaker):
    """Forty MX hosts with thirty addresses each: a bounded number is visited, and it is said that there were more."""

    def answer(wire: bytes) -> list[bytes]:
        response = response_to(wire)
        (question,) = response.question
        records = {
            "MX": [f"{number} mx{number}.{DOMAIN}." for number in range(40)],
            "A": [f"192.0.2.{number}" for number in range(1, 31)],
            "NS": [f"ns{number}.{DOMAIN}." for number in range(40)],
            "TXT": [" ".join(['"' + "x" * 250 + '"'] * 4)],
        }.get(dns.rdatatype.to_text(question.rdtype))
        if records:
            response.answer.append(dns.rrset.from_text_list(question.name, 300, "IN", question.rdtype, records))
        return [response.to_wire(max_size=65535)]

    refusing = speaker(lambda connection: connection.sendall(b"554 no\r\n"))
    server = Resolver(answer)
    try:
        with Lab(timeout=5.0) as lab:
            routes = {("192.0.2.53", 53): server.endpoint}
            routes |= {(f"192.0.2.{number}", port): refusing.endpoint for number in range(1, 31) for port in (25, 443)}
            routes |= {(f"192.0.2.{number}", 53): server.endpoint for number in range(1, 31)}
            seen = probe(DOMAIN, replace(lab.settings, routes=routes, deadline=30.0))
    finally:
        server.close()
    visited = [mx for mx in seen.mx_hosts if mx.attempts]
    assert len(visited) == 10
    assert [mx.preference for mx in visited] == list(range(10))  # the best by preference
    assert all(len(mx.attempts) == 4 for mx in visited)
    assert len({attempt.query.server for attempt in seen.authoritative}) == 8
    assert "probe-limit-reached" in seen.findings.codes
    assert any("30 more MX hosts" in text for text in seen.limits_hit)


def test_a_greeting_that_is_late_on_purpose(speaker):
    """Senders wait five minutes for it (RFC 5321 §4.5.3.2.1); a greet delay beyond one timeout is no fault."""

    def late(connection: socket.socket) -> None:
        threading.Event().wait(1.5 * TIMEOUT)
        connection.sendall(b"554 late but here\r\n")

    with Lab(timeout=TIMEOUT) as lab:
        routes = {**lab.settings.routes, ("192.0.2.25", 25): speaker(late).endpoint}
        seen = probe(DOMAIN, replace(lab.settings, routes=routes))
    (attempt,) = (a for mx in seen.mx_hosts for a in mx.attempts if a.request.address == "192.0.2.25")
    assert attempt.greeting is not None
