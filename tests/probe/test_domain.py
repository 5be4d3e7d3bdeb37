"""What a person types, as the name that is asked for."""

from __future__ import annotations

import pytest

from mtasts_nb.probe import probe
from mtasts_nb.probe._evidence import is_host_name, policy_domain
from mtasts_nb.probe.wire._network import address_problem


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("nordwind.example", "nordwind.example"),
        (" NORDWIND.example. ", "nordwind.example"),
        ("bücher.example", "xn--bcher-kva.example"),  # RFC 5891
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),  # IDNA 2008, not the 2003 folding to ss
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("a_b.example", "a_b.example"),
        ("example", "example"),
    ],
)
def test_a_domain(typed, asked):
    assert policy_domain(typed) == asked


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "No domain given"),
        (" . ", "No domain given"),
        ("user@nordwind.example", "address or a URL"),
        ("https://nordwind.example/", "address or a URL"),
        ("192.0.2.1", "IP address"),
        ("[2001:db8::1]", "IP address"),
        ("nord wind.example", "not a domain"),
        ("-nordwind.example", "not a domain"),
        ("a..example", "not a domain"),
        ("nordwind.example\r\nEHLO x", "not a domain"),
        ("nordwind.example\x00", "not a domain"),
        ("$(reboot).example", "not a domain"),
        ("x" * 64 + ".example", "not a domain"),
        (".".join(["abcdefghi"] * 25), "too long"),
        ("\u202enordwind.example", "not a domain"),
    ],
)
def test_no_domain(typed, told):
    with pytest.raises(ValueError, match=told) as caught:
        probe(typed)
    assert "\x00" not in str(caught.value)
    assert "\u202e" not in str(caught.value)


@pytest.mark.parametrize("name", ["192.0.2.1", "", "a b", "$(reboot).example", "mx;id.example", "mx'.example", "1.2"])
def test_no_host_name(name):
    """Such names never reach SNI, EHLO or a printed shell command."""
    assert not is_host_name(name)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("192.0.2.1", ""),  # RFC 5737: documentation, which the lab routes
        ("2001:db8::1", ""),  # RFC 3849
        ("9.9.9.9", ""),
        ("2620:fe::fe", ""),
        ("10.1.2.3", "private"),  # RFC 1918
        ("172.16.0.1", "private"),
        ("192.168.0.1", "private"),
        ("100.64.0.1", "private"),  # RFC 6598
        ("127.0.0.1", "loopback"),
        ("127.255.0.1", "loopback"),
        ("169.254.169.254", "link-local"),  # RFC 3927; the metadata service of many clouds
        ("0.0.0.0", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("240.0.0.1", "private"),
        ("255.255.255.255", "private"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("fe80::1", "link-local"),
        ("fd00::1", "private"),  # RFC 4193
        ("fec0::1", "private"),  # RFC 3879: site-local, deprecated, and still not the internet
        ("::127.0.0.1", "reserved"),  # RFC 4291 §2.5.5.1
        ("::ffff:100.64.0.1", "private"),
        ("::ffff:0:127.0.0.1", "reserved"),  # RFC 2765
        ("64:ff9b:1::7f00:1", "reserved"),  # RFC 8215: NAT64 within one network
        ("0.1.2.3", "private"),
        ("ff02::1", "multicast"),
        ("::ffff:127.0.0.1", "loopback"),  # RFC 4291 §2.5.5.2
        ("64:ff9b::7f00:1", "loopback"),  # RFC 6052
        ("2002:7f00:1::", "loopback"),  # RFC 3056
        ("100::", "private"),  # RFC 6666, and the placeholder of guides for Cloudflare Workers
    ],
)
def test_addresses_that_are_not_the_internets(address, problem):
    assert address_problem(address).startswith(problem)
    assert bool(address_problem(address)) == bool(problem)
