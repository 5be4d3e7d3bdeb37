"""The lab with nothing wrong: independent clients see what a healthy domain shows."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time

import dns.flags
import dns.message
import dns.query
import pytest

from mtasts_nb.lab import Lab

RESOLVER = "192.0.2.53"


@pytest.fixture(scope="module")
def lab():
    with Lab() as lab:
        yield lab
        assert lab.troubles == []


def ask(lab, address, name, rdtype, *, tcp=False, **flags):
    host, port = lab.settings.routes[address, 53]
    query = dns.message.make_query(name, rdtype, **flags)
    return (dns.query.tcp if tcp else dns.query.udp)(query, host, port=port, timeout=3)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize(
    ("name", "rdtype", "expected"),
    [
        ("nordwind.example", "MX", {"10 mx1.nordwind.example.", "20 mx2.nordwind.example."}),
        ("_mta-sts.nordwind.example", "TXT", {'"v=STSv1; id=20260208120000;"'}),
        ("_smtp._tls.nordwind.example", "TXT", {'"v=TLSRPTv1; rua=mailto:tls-reports@nordwind.example"'}),
        ("mta-sts.nordwind.example", "A", {"192.0.2.80"}),
        ("mta-sts.nordwind.example", "AAAA", {"2001:db8::80"}),
        ("mx1.nordwind.example", "A", {"192.0.2.25"}),
        ("nordwind.example", "NS", {"ns1.nordwind.example.", "ns2.nordwind.example."}),
    ],
)
@pytest.mark.parametrize("address", [RESOLVER, "192.0.2.54", "2001:db8:1::54"])
def test_dns(lab, address, name, rdtype, expected, tcp):
    response = ask(lab, address, name, rdtype, tcp=tcp)
    assert {record.to_text() for rrset in response.answer for record in rrset} == expected
    assert bool(response.flags & dns.flags.AA) == (address != RESOLVER)
    assert bool(response.flags & dns.flags.RA) == (address == RESOLVER)


@pytest.mark.parametrize("address", ["192.0.2.80", "2001:db8::80"])
def test_policy(lab, address):
    context = ssl.create_default_context(cafile=lab.settings.trust_roots)
    host = "mta-sts.nordwind.example"
    with (
        socket.create_connection(lab.settings.routes[address, 443], 3) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        secure.sendall(f"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head, _, body = b"".join(iter(lambda: secure.recv(4096), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"text/plain" in head
    assert body.splitlines()[:2] == [b"version: STSv1", b"mode: enforce"]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.25", "mx1.nordwind.example"),
        ("2001:db8::25", "mx1.nordwind.example"),
        ("198.51.100.25", "mx2.nordwind.example"),
    ],
)
def test_starttls(lab, address, name):
    context = ssl.create_default_context(cafile=lab.settings.trust_roots)
    host, port = lab.settings.routes[address, 25]
    with smtplib.SMTP(host, port, "sender.example", timeout=3) as client:
        client.ehlo()
        assert client.has_extn("starttls")
        client._host = name  # what smtplib checks the certificate against
        assert client.starttls(context=context)[0] == 220
        assert client.ehlo()[0] == 250
        assert not client.has_extn("starttls")


def test_up_in_under_a_second_and_nothing_left_behind():
    before = threading.active_count()
    started = time.perf_counter()
    with Lab() as first, Lab() as second:
        assert time.perf_counter() - started < 2  # two of them
        assert set(first.settings.routes) == set(second.settings.routes)
        assert not set(first.settings.routes.values()) & set(second.settings.routes.values())
        port = first.settings.routes["192.0.2.25", 25]
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(port, 1)
