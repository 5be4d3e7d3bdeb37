"""The fetch of a missing issuer (RFC 5280 §4.2.2.1): the URL is a stranger's, and leads nowhere but to the internet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mtasts_nb.lab import Lab
from mtasts_nb.probe import ChainResult, IssuerFetch, certificate_faults, probe
from mtasts_nb.probe.wire._dns import Resolver
from mtasts_nb.probe.wire._https import IssuerFetcher
from mtasts_nb.probe.wire._network import Network
from mtasts_nb.probe.wire._tls import TrustStore, read_certificate, validate_chain
from mtasts_nb.vocabulary import Status

DOMAIN = "nordwind.example"
GOOD = "http://pki.example/intermediate.cer"


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(timeout=2.0) as lab:
        yield lab


@pytest.fixture
def fetcher(lab) -> Iterator[IssuerFetcher]:
    network = Network(lab.settings)
    yield fetcher_through(network)
    network.close()


def fetcher_through(network: Network) -> IssuerFetcher:
    settings = network.settings
    return IssuerFetcher(network, Resolver(network, settings.nameservers), TrustStore(None, settings.now()))


def test_a_good_one(fetcher):
    attempt, certificates = fetcher.fetch(GOOD)
    assert attempt.status is Status.COMPLETED
    assert len(certificates) == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://pki.example/intermediate.cer", "not-fetched"),  # RFC 5280 §8
        ("ldap://pki.example/cn=ca", "not-fetched"),
        ("file:///etc/passwd", "not-fetched"),
        ("http:///intermediate.cer", "not-fetched"),
        ("http://[::1", "not-fetched"),
        ("http://pki.example:99999/", "not-fetched"),
        # Any port of any host would make the probe a tool for knocking at doors.
        ("http://pki.example:25/", "not-fetched"),
        ("http://pki.example:6379/", "not-fetched"),
        ("http://nowhere.example/x.cer", "no-address"),
        ("http://127.0.0.1/x.cer", "no-address"),  # an address is no name: the resolver has no record for it
        ("http://[::1]/x.cer", "no-address"),
        ("http://169.254.169.254/latest/meta-data/", "no-address"),
        ("http://2130706433/x.cer", "no-address"),
        ("http://pki.example/nowhere.cer", "no-certificate"),
        ("http://pki.example/\r\nX: y", "not-http"),  # no line end reaches the wire
    ],
)
def test_where_nothing_is_fetched(url, reason, fetcher, lab):
    attempt, certificates = fetcher.fetch(url)
    assert (attempt.reason, certificates) == (reason, ())
    if reason == "not-fetched":
        assert attempt.status is Status.NOT_OBSERVED
        assert not lab.requests


def test_a_name_that_leads_to_a_private_address(lab):
    """The address is looked up once, checked, and connected to: there is no second look-up to rebind."""
    for zone in lab.world.zones:
        if zone.get("pki.example.", "A"):
            zone.set("pki.example.", "A", "10.0.0.1")
    network = Network(lab.settings)
    attempt, certificates = fetcher_through(network).fetch(GOOD)
    network.close()
    assert (attempt.reason, attempt.status, certificates) == ("private-address", Status.NOT_OBSERVED, ())


def test_the_address_family_that_is_turned_off_is_not_used(lab):
    network = Network(replace(lab.settings, ipv4=False))
    attempt, _ = fetcher_through(network).fetch(GOOD)
    network.close()
    assert attempt.status is Status.COMPLETED
    assert {request.address for request in lab.requests if request.port == 80} == {"2001:db8:2::81"}


def test_a_url_is_fetched_once_and_only_so_many(fetcher, lab):
    """Forty connections at once, each with a chain that lacks its issuer."""
    urls = [GOOD] * 20 + [f"http://pki.example/{number}.cer" for number in range(20)]
    seen = []
    threads = [threading.Thread(target=lambda url=url: seen.append(fetcher.fetch(url)[0])) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len([request for request in lab.requests if request.port == 80]) == 8
    assert {one.reason for one in seen if "other issuers" in one.detail} == {"limit"}


def test_plain_http_is_tried_where_the_certificate_names_other_ways_first(healthy):
    tls = healthy.mx_hosts[0].attempts[0].tls
    leaf = replace(tls.chain[0], issuer_urls=("ldap://pki.example/", "https://pki.example/x.cer", GOOD))
    asked = []

    def fetch(url):
        asked.append(url)
        return IssuerFetch(url=url, status=Status.FAILED), ()

    store = TrustStore(None, healthy.started)  # it does not know the lab's root
    validate_chain([leaf], "mx1.nordwind.example", store, fetch)
    assert asked == [GOOD]


class TestMissingIntermediate:
    """Never "another CA is needed": the certificate is good, its issuer was not sent (RFC 8446 §4.4.2)."""

    @pytest.fixture
    def unreachable(self) -> Lab:
        """A lab whose authority serves no issuers."""
        lab = Lab("mx-certificate-intermediate-missing", timeout=2.0)
        next(zone for zone in lab.world.zones if zone.get("pki.example.", "A")).remove("@")
        return lab

    def test_by_what_the_policy_host_sends(self, unreachable):
        with unreachable as lab:
            seen = probe(DOMAIN, lab.settings)
        assert set(seen.findings.errors.codes) == {"mx-certificate-chain-incomplete"}
        assert "that mta-sts.nordwind.example sends" in seen.findings[0].evidence
        validation = seen.mx_hosts[0].attempts[0].tls.validation
        assert validation.completed_verdict.trusted
        assert not validation.valid  # senders do not know what another host sends

    def test_by_its_shape(self, unreachable):
        """No host sends it, and it cannot be fetched."""
        world = unreachable.world
        credential = world.authority.issue(world.policy_host, send_intermediate=False)
        for site in world.sites():
            site.credential = credential
        with unreachable as lab:
            seen = probe(DOMAIN, lab.settings)
        codes = {"mx-certificate-chain-incomplete", "policy-certificate-chain-incomplete"}
        assert set(seen.findings.errors.codes) == codes

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({}, "untrusted"),  # as a private CA issues it: no URL, no marks
            ({"of_public_ca": True}, "chain-incomplete"),
            ({"issuer_urls": (GOOD,)}, "chain-incomplete"),
        ],
    )
    def test_marks_of_public_authorities(self, changes, problem, healthy):
        tls = healthy.mx_hosts[0].attempts[0].tls
        alone = replace(tls.chain[0], **{"issuer_urls": (), **changes})
        verdict = ChainResult(code=20, text="unable to get local issuer certificate")
        session = replace(tls, chain=(alone,), validation=replace(tls.validation, verdict=verdict))
        assert [found for found, _ in certificate_faults(session)] == [problem]
        # With the issuer sent, it is that issuer which nobody trusts.
        whole = replace(session, chain=(alone, tls.chain[1]))
        assert [found for found, _ in certificate_faults(whole)] == ["untrusted"]


def test_marks_are_read_from_the_certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx1.nordwind.example")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, start, start + timedelta(days=90))
    policy = x509.PolicyInformation(x509.ObjectIdentifier("2.23.140.1.2.1"), None)
    marked = builder.add_extension(x509.CertificatePolicies([policy]), critical=False)
    for each, expected in ((builder, False), (marked, True)):
        der = each.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        assert read_certificate(der).of_public_ca is expected
