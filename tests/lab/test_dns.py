"""The lab's name servers in detail: truncation, denials, DNSSEC as a validating resolver shows it."""

from __future__ import annotations

import socket
import time

import dns.dnssec
import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtasts_nb.lab import Lab

RESOLVER, NS1 = "192.0.2.53", "192.0.2.54"
CD = dns.flags.CD
ORIGIN = dns.name.from_text("nordwind.example")


@pytest.fixture(scope="module")
def labs():
    """Give labs by variant or fault, each started once."""
    open_labs = {}

    def lab(fault=None, variant=None):
        key = (fault, variant)
        if key not in open_labs:
            open_labs[key] = Lab(fault, variant=variant).__enter__()
        return open_labs[key]

    yield lab
    for one in open_labs.values():
        one.__exit__(None, None, None)
        assert one.troubles == []


def ask(lab, name, rdtype, server=RESOLVER, *, tcp=False, flags=0, **edns):
    query = dns.message.make_query(name, rdtype, **edns)
    query.flags |= flags
    host, port = lab.settings.routes[server, 53]
    return (dns.query.tcp if tcp else dns.query.udp)(query, host, port=port, timeout=3)


def test_an_answer_too_large_for_udp_is_truncated_and_whole_by_tcp(labs):
    """RFC 1035 §4.2.1, RFC 2181 §9: the client sees TC and asks again."""
    lab = labs(variant="large-answer")
    name = "_mta-sts.nordwind.example"
    short = ask(lab, name, "TXT")
    assert short.flags & dns.flags.TC
    assert not short.answer
    assert len(short.to_wire()) <= 512
    assert ask(lab, name, "TXT", use_edns=0, payload=4096).flags & dns.flags.TC
    whole = ask(lab, name, "TXT", tcp=True)
    assert not whole.flags & dns.flags.TC
    assert len(whole.answer[0]) == 13


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode"),
    [
        pytest.param("nosuch.nordwind.example", "A", "NXDOMAIN", id="no such name"),
        pytest.param("_tls.nordwind.example", "TXT", "NOERROR", id="a name between (RFC 8020)"),
        pytest.param("mx1.nordwind.example", "TXT", "NOERROR", id="no such type (RFC 2308 §2.2)"),
        pytest.param("nosuch.example", "A", "NXDOMAIN", id="no such domain"),
        pytest.param("nosuch.invalid", "A", "NXDOMAIN", id="no such top-level domain"),
    ],
)
def test_denials_carry_the_zones_soa(labs, name, rdtype, rcode):
    """RFC 2308 §3: without it nobody may cache the denial."""
    response = ask(labs(), name, rdtype)
    assert dns.rcode.to_text(response.rcode()) == rcode
    assert not response.answer
    assert [rrset.rdtype for rrset in response.authority] == [dns.rdatatype.SOA]


def test_an_authoritative_server_refuses_what_is_not_its_own(labs):
    assert ask(labs(), "nosuch.invalid", "A", NS1).rcode() == dns.rcode.REFUSED


def test_an_alias_into_another_zone_is_followed_by_the_resolver_only(labs):
    lab = labs(variant="delegated")
    kinds = [rrset.rdtype for rrset in ask(lab, "mta-sts.nordwind.example", "A").answer]
    assert kinds == [dns.rdatatype.CNAME, dns.rdatatype.A]
    assert [rrset.rdtype for rrset in ask(lab, "mta-sts.nordwind.example", "A", NS1).answer] == [dns.rdatatype.CNAME]


def test_an_old_answer_has_the_time_that_it_has_left(labs):
    lab = labs("record-old-cached")
    old = ask(lab, "_mta-sts.nordwind.example", "TXT").answer[0]
    new = ask(lab, "_mta-sts.nordwind.example", "TXT", NS1).answer[0]
    assert old.ttl < new.ttl
    assert old != new


@pytest.mark.parametrize(
    ("flags", "edns", "told"),
    [
        pytest.param(0, {}, False, id="not asked"),
        pytest.param(dns.flags.AD, {}, True, id="AD in the question (RFC 6840 §5.7)"),
        pytest.param(0, {"want_dnssec": True}, True, id="DO (RFC 4035 §3.2.1)"),
    ],
)
def test_ad_is_set_for_a_signed_zone_where_it_is_asked_for(labs, flags, edns, told):
    assert bool(ask(labs(variant="signed"), "nordwind.example", "MX", flags=flags, **edns).flags & dns.flags.AD) == told
    assert not ask(labs(), "nordwind.example", "MX", flags=flags, **edns).flags & dns.flags.AD


def keys(lab):
    return {ORIGIN: ask(lab, "nordwind.example", "DNSKEY", flags=CD).answer[0]}


def test_signatures_are_real(labs):
    """What dnspython validates with the zone's key; and the DS in the parent is that key's digest."""
    lab = labs(variant="dane")
    for name, rdtype in [("nordwind.example", "MX"), ("_25._tcp.mx1.nordwind.example", "TLSA")]:
        rrset, signature = ask(lab, name, rdtype, want_dnssec=True, tcp=True).answer
        dns.dnssec.validate(rrset, signature, keys(lab))
    ds = ask(lab, "nordwind.example", "DS").answer[0][0]
    (key,) = keys(lab)[ORIGIN]
    assert ds == dns.dnssec.make_ds(ORIGIN, key, ds.digest_type)


@pytest.mark.parametrize(
    ("fault", "name", "rdtype"),
    [
        ("dane-signature-expired", "_25._tcp.mx1.nordwind.example", "TLSA"),
        ("zone-signatures-expired", "nordwind.example", "MX"),
    ],
)
def test_an_expired_signature_is_a_failure_with_a_reason_and_visible_with_cd(labs, fault, name, rdtype):
    """RFC 4035 §5.5, RFC 8914 §4.8; with CD the resolver hands out what it has, without AD (RFC 4035 §3.2.2)."""
    lab = labs(fault)
    failed = ask(lab, name, rdtype, want_dnssec=True)
    assert failed.rcode() == dns.rcode.SERVFAIL
    assert [int(option.code) for option in failed.options if option.otype == dns.edns.EDE] == [7]
    shown = ask(lab, name, rdtype, want_dnssec=True, flags=CD, tcp=True)
    assert not shown.flags & dns.flags.AD
    rrset, signature = shown.answer
    assert signature[0].expiration < time.time()
    with pytest.raises(dns.dnssec.ValidationFailure):
        dns.dnssec.validate(rrset, signature, keys(lab))
    dns.dnssec.validate(rrset, signature, keys(lab), now=signature[0].expiration - 3600)  # only its date is wrong


def test_other_names_of_a_zone_with_one_expired_signature_are_fine(labs):
    assert ask(labs("dane-signature-expired"), "nordwind.example", "MX", want_dnssec=True).flags & dns.flags.AD


@settings(max_examples=60)
@given(st.binary(max_size=80))
def test_no_bytes_end_a_name_server(labs, wire):
    lab = labs()
    host, port = lab.settings.routes[RESOLVER, 53]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(wire, (host, port))
    assert ask(lab, "nordwind.example", "MX").answer
    assert lab.troubles == []
