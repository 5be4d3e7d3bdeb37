"""Certificates and TLS versions of the lab, seen by OpenSSL itself."""

from __future__ import annotations

import smtplib
import socket
import ssl
import urllib.request

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID
from OpenSSL import SSL, crypto

from mtasts_nb.lab import Lab

OLD = {SSL.TLS1_VERSION: "TLSv1", SSL.TLS1_1_VERSION: "TLSv1.1"}


def speak(sock, version):
    """Do a handshake in one old version; return the version that was agreed."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(b"DEFAULT@SECLEVEL=0")
    context.set_min_proto_version(version)
    context.set_max_proto_version(version)
    connection = SSL.Connection(context, sock)
    connection.set_tlsext_host_name(b"mta-sts.nordwind.example")
    connection.set_connect_state()
    sock.settimeout(None)
    connection.do_handshake()
    return connection


@pytest.mark.parametrize("version", OLD, ids=OLD.values())
def test_the_policy_host_speaks_tls_1_1_and_nothing_else(version):
    with (
        Lab("policy-host-tls-1.1-only") as lab,
        socket.create_connection(lab.settings.routes["192.0.2.80", 443], 3) as sock,
    ):
        if version == SSL.TLS1_VERSION:
            with pytest.raises(SSL.Error, match="protocol version"):
                speak(sock, version)
            return
        connection = speak(sock, version)
        assert connection.get_protocol_version_name() == "TLSv1.1"
        connection.sendall(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.nordwind.example\r\n\r\n")
        assert b"version: STSv1" in connection.recv(4096)


def test_the_mx_speaks_tls_1_0_and_goes_on_with_smtp():
    with (
        Lab("mx-tls-1.0-only") as lab,
        smtplib.SMTP(*lab.settings.routes["192.0.2.25", 25], "sender.example", 3) as client,
    ):
        client.ehlo()
        assert client.docmd("STARTTLS")[0] == 220
        connection = speak(client.sock, SSL.TLS1_VERSION)
        connection.sendall(b"EHLO sender.example\r\n")
        assert connection.recv(1024).startswith(b"250-mx1.nordwind.example\r\n")
        connection.sendall(b"QUIT\r\n")
        assert connection.recv(1024).startswith(b"221 ")
        client.close()
    assert lab.troubles == []


def test_the_mx_speaks_old_versions_beside_new_ones():
    for version in (SSL.TLS1_VERSION, SSL.TLS1_2_VERSION):
        with (
            Lab("mx-tls-1.0-too") as lab,
            smtplib.SMTP(*lab.settings.routes["192.0.2.25", 25], "sender.example", 3) as client,
        ):
            client.ehlo()
            client.docmd("STARTTLS")
            agreed = speak(client.sock, version).get_protocol_version_name()
            assert agreed == {SSL.TLS1_VERSION: "TLSv1", SSL.TLS1_2_VERSION: "TLSv1.2"}[version]
            client.close()


def presented(lab, address):
    """Return the chain that a mail server presents."""
    with smtplib.SMTP(*lab.settings.routes[address, 25], "sender.example", 3) as client:
        client.ehlo()
        client.docmd("STARTTLS")
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        connection = SSL.Connection(context, client.sock)
        connection.set_connect_state()
        client.sock.settimeout(None)
        connection.do_handshake()
        chain = connection.get_peer_cert_chain(as_cryptography=True)
        client.close()
    return chain


# OpenSSL's verify codes (X509_V_ERR_…), as `openssl verify` numbers them.
CODES = {None: 0, "expired": 10, "not-yet-valid": 9, "self-signed": 18, "unknown-ca": 20, "intermediate-missing": 20}


def verify(lab, chain, untrusted=None):
    store = crypto.X509Store()
    store.add_cert(crypto.X509.from_cryptography(x509.load_pem_x509_certificate(lab.settings.trust_roots.read_bytes())))
    rest = [crypto.X509.from_cryptography(cert) for cert in untrusted or chain[1:]]
    try:
        crypto.X509StoreContext(store, crypto.X509.from_cryptography(chain[0]), chain=rest).verify_certificate()
    except crypto.X509StoreContextError as error:
        return error.errors[0]
    return 0


@pytest.mark.parametrize(("kind", "code"), CODES.items(), ids=map(str, CODES))
def test_openssl_gives_its_code_for_each_kind(kind, code):
    with Lab(f"mx-certificate-{kind}" if kind else None) as lab:
        assert verify(lab, presented(lab, "192.0.2.25")) == code


def test_the_issuer_named_in_the_certificate_completes_the_chain():
    """RFC 5280 §4.2.2.1: what proves that an intermediate was left out."""
    with Lab("mx-certificate-intermediate-missing") as lab:
        chain = presented(lab, "192.0.2.25")
        assert len(chain) == 1
        access = chain[0].extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        (url,) = [
            entry.access_location.value
            for entry in access
            if entry.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        ]
        assert url == "http://pki.example/intermediate.cer"
        host, port = lab.settings.routes["203.0.113.81", 80]
        request = urllib.request.Request(url.replace("pki.example", f"{host}:{port}"), headers={"Host": "pki.example"})
        with urllib.request.urlopen(request, timeout=3) as response:
            assert response.headers["Content-Type"] == "application/pkix-cert"
            issuer = x509.load_der_x509_certificate(response.read())
        assert verify(lab, chain, [issuer]) == 0


def test_without_sni_the_policy_host_presents_another_name():
    """As on shared hosting: RFC 8461 §3.3 asks senders for SNI."""
    context = ssl.create_default_context()
    context.check_hostname = False
    with Lab() as lab:
        context.load_verify_locations(lab.settings.trust_roots)
        for name, expected in (
            (None, "www.nordwind.example"),
            ("mta-sts.nordwind.example", "mta-sts.nordwind.example"),
        ):
            with (
                socket.create_connection(lab.settings.routes["192.0.2.80", 443], 3) as sock,
                context.wrap_socket(sock, server_hostname=name) as secure,
            ):
                assert secure.getpeercert()["subjectAltName"] == (("DNS", expected),)
