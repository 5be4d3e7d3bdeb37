"""The lab as a thing that starts, serves and goes: fast, several at once, nothing left behind, nobody else's names."""

from __future__ import annotations

import gc
import ipaddress
import re
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import dns.message
import dns.query
import pytest

from mtasts_nb.errors import LabError
from mtasts_nb.lab import FAULTS, VARIANTS, Lab
from mtasts_nb.vocabulary import ResultType

RESOLVER = "192.0.2.53"
DOCUMENTATION = [
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]

# The items of the requirement, and the faults that are them.
ITEMS = {
    "TXT missing": ["record-missing"],
    "TXT typo": ["record-version-typo", "record-version-case", "record-comma", "record-quoted"],
    "TXT id missing or illegal": ["record-id-missing", "record-id-illegal", "record-id-empty", "record-id-long"],
    "TXT two records": ["record-two"],
    "TXT CNAME": ["record-cname-dangling", "record-cname-loop"],
    "TXT SERVFAIL": ["record-servfail"],
    "TXT timeout": ["record-timeout"],
    "TXT old answer still cached": ["record-old-cached"],
    "TXT authoritative servers differ": ["record-missing-on-one-nameserver", "nameserver-silent"],
    "policy host no address": ["policy-host-no-address", "policy-host-cname-dangling"],
    "policy host refused": ["policy-host-refused"],
    "policy host timeout": ["policy-host-timeout", "policy-host-silent", "policy-host-slow"],
    "policy host 301": ["policy-http-301", "policy-http-302"],
    "policy host 403": ["policy-http-403"],
    "policy host 404": ["policy-http-404"],
    "policy host 500": ["policy-http-500", "policy-http-503"],
    "policy host wrong type": ["policy-content-type-html", "policy-content-type-missing"],
    "policy host HTML": ["policy-html-as-text", "policy-html-page"],
    "policy host too large": ["policy-too-large"],
    "policy host endless body": ["policy-endless"],
    "policy host empty": ["policy-empty"],
    "policy file version": ["policy-file-version-missing", "policy-file-version-unknown"],
    "policy file mode": ["policy-file-mode-missing", "policy-file-mode-unknown"],
    "policy file max_age": [
        "policy-file-max-age-missing",
        "policy-file-max-age-too-large",
        "policy-file-max-age-unit",
        "policy-file-max-age-negative",
    ],
    "policy file mx": ["policy-file-mx-missing", "policy-file-mx-list", "policy-file-mx-url", "policy-file-mx-port"],
    "policy body changed under the same id": ["policy-changed-same-id"],
    "policy good on one address, broken on another": ["policy-good-on-one-address", "policy-one-address-refused"],
    "policy certificate expired": ["policy-certificate-expired"],
    "policy certificate not yet valid": ["policy-certificate-not-yet-valid"],
    "policy certificate self-signed": ["policy-certificate-self-signed"],
    "policy certificate wrong name": ["policy-certificate-wrong-name"],
    "policy certificate CN only": ["policy-certificate-common-name-only"],
    "policy certificate intermediate missing": ["policy-certificate-intermediate-missing"],
    "policy certificate unknown CA": ["policy-certificate-unknown-ca"],
    "policy host TLS 1.1 only": ["policy-host-tls-1.1-only"],
    "MX none": ["mx-none", "mx-implicit", "mx-implicit-not-in-policy"],
    "MX null": ["mx-null"],
    "MX CNAME": ["mx-cname"],
    "MX IP literal": ["mx-ip-literal"],
    "MX no address": ["mx-no-address"],
    "MX refused": ["mx-refused"],
    "MX timeout": ["mx-timeout", "port-25-closed", "mx-silent"],
    "MX 554 greeting": ["mx-greeting-554"],
    "MX 421": ["mx-greeting-421"],
    "MX no STARTTLS": ["mx-no-starttls"],
    "MX STARTTLS 454": ["mx-starttls-454"],
    "MX STARTTLS stripped": ["mx-starttls-stripped"],
    "MX closes in handshake": ["mx-closes-in-handshake"],
    "MX TLS 1.0 only": ["mx-tls-1.0-only"],
    "MX expired": ["mx-certificate-expired"],
    "MX self-signed": ["mx-certificate-self-signed"],
    "MX wrong name": ["mx-certificate-wrong-name"],
    "MX intermediate missing": ["mx-certificate-intermediate-missing"],
    "MX not in policy": ["mx-not-in-policy", "mx-wildcard-too-short", "mx-wildcard-too-deep"],
    "only the backup broken": ["backup-certificate-expired", "backup-not-in-policy", "backup-no-starttls"],
    "only one address broken": ["address-certificate-expired", "address-refused"],
    "DANE mismatch": ["dane-mismatch"],
    "DANE expired signature": ["dane-signature-expired", "zone-signatures-expired"],
    "TLSRPT missing": ["tlsrpt-missing"],
    "TLSRPT wrong version": ["tlsrpt-version-wrong"],
    "TLSRPT rua missing or wrong scheme": ["tlsrpt-rua-missing", "tlsrpt-rua-scheme"],
    "TLSRPT two": ["tlsrpt-two"],
}
HEALTHY_ITEMS = {
    "SPF beside it, chunked": "chunked-record",
    "CNAME, delegated": "delegated",
    "plain enforce": "enforce",
    "testing": "testing",
    "mode none": "mode-none",
    "wildcard": "wildcard-policy",
    "IPv4 only": "ipv4-only",
    "IPv6 only": "ipv6-only",
    "DANE match": "dane",
    "the domain itself as MX": "apex-as-mx",
    "three MX with two addresses each": "three-mx",
    "truncation": "large-answer",
}


def test_the_table_has_every_item():
    assert len(FAULTS) >= 60
    assert len(VARIANTS) >= 8
    assert {name for names in ITEMS.values() for name in names} <= set(FAULTS)
    assert set(HEALTHY_ITEMS.values()) <= set(VARIANTS)


@pytest.mark.parametrize("result_type", [kind for kind in ResultType if kind is not ResultType.DANE_REQUIRED])
def test_a_fault_for_each_result_type(result_type):
    """RFC 8460 §4.3. `dane-required` is a wish of the sender's, which no receiving side can show."""
    assert [fault for fault in FAULTS.values() if fault.result_type == result_type]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_faults_data_fits_together(fault):
    assert re.fullmatch(r"[a-z0-9.-]+", fault.name)
    assert fault.sentence.endswith(".")
    assert fault.changes
    assert fault.expects
    assert fault.variant in VARIANTS
    on_policy_host = fault.result_type is not None and fault.result_type.on_policy_host
    if on_policy_host:  # RFC 8461 §5: mail is not held by it
        assert fault.hosts == ("mta-sts",)
        assert fault.delivery == "without_sts"
    if fault.delivery == "deferred" and fault.hosts:
        assert not fault.addresses  # an address that works takes the mail


def test_names_and_addresses_are_documentation_only():
    for fault in (None, *FAULTS):
        lab = Lab(fault, others=("suedwind.example",))
        for zone in lab.world.zones:
            for name, node in zone.data.nodes.items():
                assert str(name).endswith("example.") or str(name) == ".", name
                for rdataset in node:
                    for address in (getattr(record, "address", None) for record in rdataset):
                        private = fault == "policy-host-private-address" and address == "10.0.0.80"
                        assert address is None or private or in_documentation(address), address


def in_documentation(address):
    return any(ipaddress.ip_address(address) in net for net in DOCUMENTATION)


def test_routes_lead_documentation_addresses_to_loopback():
    with Lab() as lab:
        for (address, _), (host, port) in lab.settings.routes.items():
            assert in_documentation(address)
            assert host == "127.0.0.1"
            assert port >= 1024


def test_up_in_under_a_second():
    Lab()  # the certificates, once per process
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        with Lab():
            seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 1


def test_labs_stand_side_by_side_each_with_its_own_fault():
    names = ["record-missing", "record-two", None, "record-servfail"]
    labs = [Lab(name) for name in names]
    with labs[0], labs[1], labs[2], labs[3]:
        counts = []
        for lab in labs:
            host, port = lab.settings.routes[RESOLVER, 53]
            query = dns.message.make_query("_mta-sts.nordwind.example", "TXT")
            response = dns.query.udp(query, host, port=port, timeout=3)
            counts.append((int(response.rcode()), sum(map(len, response.answer))))
    assert counts == [(3, 0), (0, 2), (0, 1), (2, 0)]


def descriptors():
    gc.collect()
    return len(list(Path("/dev/fd").iterdir()))


@pytest.mark.parametrize("fault", [None, "policy-host-timeout", "policy-endless", "mx-silent"])
def test_nothing_is_left_behind_after_clients_that_hang_on(fault):
    """Clients that never say goodbye, a server that never stops sending: the exit ends them all."""
    with Lab():
        pass
    before, threads = descriptors(), threading.active_count()
    clients = []
    with Lab(fault, latency=0.01) as lab:
        for endpoint, target in lab.settings.routes.items():
            if endpoint[1] != 53 and fault != "policy-host-timeout":
                client = socket.create_connection(target, 2)
                client.sendall(b"GET / HTTP/1.1\r\n")
                clients.append(client)
        folder = lab.settings.trust_roots.parent
    for client in clients:
        client.close()
    assert threading.active_count() == threads
    assert descriptors() == before
    assert not folder.exists()
    assert lab.troubles == []


def test_an_exception_inside_closes_it_too():
    threads = threading.active_count()
    with pytest.raises(KeyError), Lab() as lab:
        raise KeyError
    assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(lab.settings.routes["192.0.2.25", 25], 1)


def test_an_unknown_name_is_answered_with_near_ones():
    with pytest.raises(LabError, match="mx-certificate-expired"):
        Lab("mx-certificate-expird")
    with pytest.raises(LabError, match="wildcard-policy"):
        Lab(variant="wildcard")
    with pytest.raises(LabError, match="no second act"), Lab("record-missing") as lab:
        lab.advance()


def test_a_fault_on_another_variant():
    with Lab("mx-certificate-expired", variant="testing") as lab:
        assert b"mode: testing" in next(lab.world.sites()).response.body


def test_other_domains_share_the_hosts_and_stay_healthy():
    with Lab("policy-http-404", others=("suedwind.example",)) as lab:
        for name, status in (("nordwind.example", b"404"), ("suedwind.example", b"200")):
            assert get(lab, "192.0.2.80", f"mta-sts.{name}").startswith(b"HTTP/1.1 " + status)


def get(lab, address, host):
    context = ssl.create_default_context(cafile=lab.settings.trust_roots)
    with (
        socket.create_connection(lab.settings.routes[address, 443], 3) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        secure.sendall(f"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return b"".join(iter(lambda: secure.recv(4096), b""))


def test_it_remembers_what_was_asked_of_whom():
    with Lab() as lab:
        get(lab, "2001:db8::80", "mta-sts.nordwind.example")
    assert lab.requests[-1] == ("2001:db8::80", 443, "GET https://mta-sts.nordwind.example/.well-known/mta-sts.txt")


def test_a_present_of_its_own():
    """Certificates are dated around the lab's present; a clock that stands still there finds them valid."""
    moment = datetime(2026, 2, 8, 12, tzinfo=UTC)
    lab = Lab("mx-certificate-expired", now=moment)
    leaf = next(lab.world.mail_servers()).credential.leaf
    assert leaf.not_valid_before_utc < leaf.not_valid_after_utc < moment
    with lab:
        assert lab.settings.now() == moment


@pytest.mark.parametrize(
    ("kind", "round_trips"),
    [
        pytest.param("udp", 1, id="UDP: question and answer"),
        pytest.param("tcp", 2, id="TCP: handshake, question"),
        pytest.param("https", 3, id="TCP, TLS 1.3, request"),
        pytest.param("greeting", 2, id="TCP, greeting"),
    ],
)
def test_latency_counts_round_trips(kind, round_trips):
    latency = 0.05
    with Lab(latency=latency) as lab:
        query = dns.message.make_query("nordwind.example", "MX")
        host, port = lab.settings.routes[RESOLVER, 53]
        begin = time.perf_counter()
        if kind in ("udp", "tcp"):
            (dns.query.udp if kind == "udp" else dns.query.tcp)(query, host, port=port, timeout=3)
        elif kind == "https":
            get(lab, "192.0.2.80", "mta-sts.nordwind.example")
        else:
            with socket.create_connection(lab.settings.routes["192.0.2.25", 25], 3) as client:
                client.recv(100)
        seconds = time.perf_counter() - begin
    assert round_trips * latency <= seconds < (round_trips + 1) * latency + 0.2


def test_latency_by_server():
    lab = Lab(latency={"dns": 0.02, "192.0.2.54": 0.3, "smtp": 0.1})
    assert lab.latency_of("dns", RESOLVER) == 0.02
    assert lab.latency_of("dns", "192.0.2.54") == 0.3
    assert lab.latency_of("https", "192.0.2.80") == 0.0
