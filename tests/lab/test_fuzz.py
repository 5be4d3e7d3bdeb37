"""Fuzzed servers: the garbage comes at the step that was asked for, and the lab outlives it."""

from __future__ import annotations

import socket
import ssl
import threading

import pytest

from tests.lab.fuzz import BEHAVIOURS, STEPS, Fuzz, FuzzedLab

CASES = [(service, step, behaviour) for service, steps in STEPS.items() for step in steps for behaviour in BEHAVIOURS]
PORTS = {"https": ("192.0.2.80", 443), "smtp": ("192.0.2.25", 25), "dns": ("192.0.2.53", 53)}
WAIT = 0.15


def taken(receive, chunks=6):
    """Return what comes in the first few pieces, and how it ended."""
    got = b""
    try:
        for _ in range(chunks):
            chunk = receive(1024)
            if not chunk:
                return got, "closed"
            got += chunk
    except TimeoutError:
        return got, "waits"
    except OSError:
        return got, "closed"
    return got, "goes on"


def context():
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def upgraded(sock):
    return context().wrap_socket(sock, server_hostname="mta-sts.nordwind.example")


def talk_web(lab, step):
    with socket.create_connection(lab.settings.routes[PORTS["https"]], WAIT) as sock:
        if step == "connect":
            return taken(sock.recv)
        if step == "handshake":
            sock.sendall(b"\x16\x03\x01\x00\x05hello")
            return taken(sock.recv)
        with upgraded(sock) as secure:
            secure.sendall(b"GET / HTTP/1.1\r\nHost: mta-sts.nordwind.example\r\n\r\n")
            proper = b"HTTP/1.1 200 OK\r\n"
            if step == "body":
                proper += b"Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
            head = b""
            while len(head) < len(proper):
                head += secure.recv(len(proper) - len(head))
            assert head == proper
            return taken(secure.recv)


def talk_mail(lab, step):
    with socket.create_connection(lab.settings.routes[PORTS["smtp"]], WAIT) as sock:
        for before, said in (("greeting", b"EHLO a\r\n"), ("ehlo", b"STARTTLS\r\n")):
            if step == before:
                return taken(sock.recv)
            assert sock.recv(1024)[:1] == b"2"
            sock.sendall(said)
        if step == "starttls":
            return taken(sock.recv)
        assert sock.recv(1024)[:4] == b"220 "
        if step == "handshake":
            sock.sendall(b"\x16\x03\x01\x00\x05hello")
            return taken(sock.recv)
        with upgraded(sock) as secure:
            secure.sendall(b"EHLO a\r\n")
            return taken(secure.recv)


def talk_dns(lab, step):
    question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x08nordwind\x07example\x00\x00\x0f\x00\x01"
    target = lab.settings.routes[PORTS["dns"]]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(WAIT)
        sock.sendto(question, target)
        if step == "datagram":
            return taken(lambda size: sock.recv(size) or b"\0")
        assert sock.recv(1024)[2] & 0x02  # truncated: ask by TCP
    with socket.create_connection(target, WAIT) as stream:
        stream.sendall(len(question).to_bytes(2, "big") + question)
        return taken(stream.recv)


@pytest.mark.parametrize(("service", "step", "behaviour"), CASES)
def test_garbage_at_each_step(service, step, behaviour):
    threads = threading.active_count()
    with FuzzedLab(Fuzz(service=service, step=step, behaviour=behaviour, seed=7)) as lab:
        got, end = {"https": talk_web, "smtp": talk_mail, "dns": talk_dns}[service](lab, step)
    assert lab.troubles == []
    assert threading.active_count() == threads
    if behaviour == "close":
        assert got == b""
        assert end == ("waits" if step == "datagram" else "closed")
    elif behaviour == "endless":
        assert end == "goes on"
    elif behaviour == "drip" and step != "datagram":
        assert end in ("waits", "goes on")
    else:
        assert got


def test_the_same_seed_gives_the_same_bytes():
    def once(seed):
        with FuzzedLab(Fuzz(service="smtp", step="greeting", behaviour="random", seed=seed)) as lab:
            return talk_mail(lab, "greeting")[0]

    assert once(1) == once(1)
    assert once(1) != once(2)
