"""Who a sender is: names that lead back to the address, ranges of a file, the same operator once; every session counted."""

from __future__ import annotations

import gzip
import ipaddress
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mtasts_nb as sts
from mtasts_nb.errors import SourceError
from mtasts_nb.lab import Lab
from mtasts_nb.lab._world import Zone
from mtasts_nb.probe import reverse_names
from mtasts_nb.sender._operators import NOT_NAMED, _systems
from mtasts_nb.vocabulary import Status

ADDRESSES = {
    "203.0.113.10": "out1.mail.suedwind.example",
    "203.0.113.11": "out2.mail.suedwind.example",
    "2001:db8:7::10": "out3.suedwind.example",
    "203.0.113.66": "mail.famous.example",  # claims a name that does not lead back
}


def report(*failures: tuple[str | None, int], domain: str = "nordwind.example", reporter: str = "Reporter") -> bytes:
    details = [
        {
            "result-type": "certificate-expired",
            "failed-session-count": count,
            **({"sending-mta-ip": address} if address else {}),
        }
        for address, count in failures
    ]
    total = sum(count for _, count in failures)
    return json.dumps(
        {
            "organization-name": reporter, "report-id": f"{reporter}-{domain}", "contact-info": "x",
            "date-range": {"start-datetime": "2026-03-01T00:00:00Z", "end-datetime": "2026-03-01T23:59:59Z"},
            "policies": [{"policy": {"policy-type": "sts", "policy-domain": domain},
                          "summary": {"total-successful-session-count": 0, "total-failure-session-count": total},
                          "failure-details": details}],
        }
    ).encode()  # fmt: skip


REPORTS = (
    report(("203.0.113.10", 5), ("203.0.113.11", 7), ("2001:db8:7::10", 1), ("203.0.113.66", 2), (None, 4)),
    report(("203.0.113.10", 3), ("198.51.100.5", 9), reporter="Second"),
    report(("203.0.113.10", 100), domain="suedwind.example"),
)
ARCHIVE = sts.load(*REPORTS, progress=False)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as running:
        zone = Zone.parse("suedwind.example.", "@ 300 IN SOA a. b. 1 1 1 1 300\n@ 300 IN NS a.\n")
        reverse = Zone.parse("113.0.203.in-addr.arpa.", "@ 300 IN SOA a. b. 1 1 1 1 300\n@ 300 IN NS a.\n")
        reverse6 = Zone.parse("8.b.d.0.1.0.0.2.ip6.arpa.", "@ 300 IN SOA a. b. 1 1 1 1 300\n@ 300 IN NS a.\n")
        famous = Zone.parse(
            "famous.example.", "@ 300 IN SOA a. b. 1 1 1 1 300\n@ 300 IN NS a.\nmail 300 IN A 192.0.2.99\n"
        )
        for address, host in ADDRESSES.items():
            ip = ipaddress.ip_address(address)
            (reverse if ip.version == 4 else reverse6).set(f"{ip.reverse_pointer}.", "PTR", f"{host}.")
            if "famous" not in host:
                zone.set(f"{host}.", "A" if ip.version == 4 else "AAAA", address)
        running.world.zones.extend([zone, reverse, reverse6, famous])
        yield running


def rows(table: object) -> dict[str, dict[str, object]]:
    return {row["operator"]: row for row in table.frame.to_dict("records")}  # type: ignore[attr-defined]


def test_without_anything_each_address_is_its_own_and_nothing_is_asked(lab: Lab) -> None:
    before = len(lab.requests)
    table = sts.sending_operators(ARCHIVE, settings=lab.settings)
    assert set(rows(table)) == {*ADDRESSES, "198.51.100.5", NOT_NAMED}
    assert len(lab.requests) == before
    assert table.frame["failed_session_count"].sum() == ARCHIVE.failures["failed_session_count"].sum()


def test_names_that_lead_back_fold_the_servers_of_an_operator(lab: Lab) -> None:
    table = sts.sending_operators(ARCHIVE, reverse_dns=True, settings=lab.settings)
    one = rows(table)["suedwind.example"]
    assert one["basis"] == "reverse DNS"
    assert one["addresses"] == 3
    assert one["failed_session_count"] == 5 + 7 + 1 + 3 + 100
    assert one["hosts"] == "out1.mail.suedwind.example\nout2.mail.suedwind.example\nout3.suedwind.example"
    assert one["reporters"] == "Reporter\nSecond"
    # A name that anyone can claim is nobody's.
    assert rows(table)["203.0.113.66"]["basis"] == "address"
    assert not any("famous" in str(value) for row in rows(table).values() for value in row.values())
    assert table.frame["failed_session_count"].sum() == ARCHIVE.failures["failed_session_count"].sum()


def test_one_domain_alone(lab: Lab) -> None:
    table = sts.sending_operators(ARCHIVE, domain="suedwind.example", reverse_dns=True, settings=lab.settings)
    assert list(table.frame["failed_session_count"]) == [100]


def test_lookups_are_bounded_and_the_caption_says_so(lab: Lab) -> None:
    table = sts.sending_operators(ARCHIVE, reverse_dns=True, settings=lab.settings, most=1)
    assert rows(table)["suedwind.example"]["addresses"] == 1
    assert "1 address was looked up" in table.caption
    assert "4 with fewer failed sessions were not" in table.caption


def test_what_could_not_be_asked_is_not_observed(lab: Lab) -> None:
    nobody = replace(lab.settings, nameservers=("192.0.2.250",), timeout=0.2, deadline=0.4)
    answers = reverse_names(["203.0.113.10", "10.0.0.1", "127.0.0.1", "not an address"], nobody)
    assert {answer.status for answer in answers.values()} == {Status.NOT_OBSERVED}
    before = len(lab.requests)
    reverse_names(["10.0.0.1", "169.254.1.1", "fe80::1"], lab.settings)
    assert len(lab.requests) == before, "a private address is not asked about"


# -- the file

FORMS = {
    "prefix": "; comment\n203.0.113.0/24\t64496\tSued Wind AG\n203.0.113.64/26\t64497\tTenant\n2001:db8::/32\t64496\tSued Wind AG\n",
    "range": "203.0.113.0\t203.0.113.255\t64496\tXX\tSued Wind AG\n203.0.113.64\t203.0.113.127\t64497\tXX\tTenant\n"
    "2001:db8::\t2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\t64496\tXX\tSued Wind AG\n",
    "csv": '"203.0.113.0/24","AS64496","Sued Wind AG"\n"203.0.113.64/26","AS64497","Tenant"\n"2001:db8::/32","AS64496","Sued Wind AG"\n',
    "spaces": "203.0.113.0/24 64496 Sued Wind AG\n203.0.113.64/26 64497 Tenant\n2001:db8::/32 64496 Sued Wind AG\nnonsense\n1.2.3.4\n",
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("form", list(FORMS))
def test_a_file_of_autonomous_systems(tmp_path: Path, form: str, compressed: bool) -> None:
    path = tmp_path / "asn"
    data = FORMS[form].encode()
    path.write_bytes(gzip.compress(data) if compressed else data)
    table = rows(sts.sending_operators(ARCHIVE, asn_file=path))
    assert table["Sued Wind AG"]["addresses"] == 3
    assert table["Sued Wind AG"]["asn"] == 64496
    assert table["Tenant"]["addresses"] == 1, "the smallest range around an address counts"
    assert table["198.51.100.5"]["basis"] == "address"


def test_a_confirmed_name_comes_before_the_file(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "asn"
    path.write_text(FORMS["prefix"])
    table = rows(sts.sending_operators(ARCHIVE, reverse_dns=True, asn_file=path, settings=lab.settings))
    assert set(table) == {"suedwind.example", "Tenant", "198.51.100.5", NOT_NAMED}
    assert table["suedwind.example"]["asn"] == 64496


@pytest.mark.parametrize("content", [b"", b"no such thing\n", b"\x1f\x8bdamaged", b"203.0.113.0/24 \xff\xff\n"])
def test_a_file_that_is_none_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "asn"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="asn"):
        sts.sending_operators(ARCHIVE, asn_file=path)


def test_a_missing_file_is_an_error() -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        sts.sending_operators(ARCHIVE, asn_file="/nowhere/asn")


@given(st.lists(st.tuples(st.integers(0, 31), st.integers(24, 32)), min_size=1, max_size=20), st.integers(0, 255))
def test_the_smallest_range_counts(
    tmp_path_factory: pytest.TempPathFactory, prefixes: list[tuple[int, int]], last: int
) -> None:
    networks = [ipaddress.ip_network((f"203.0.113.{first * 8}", length), strict=False) for first, length in prefixes]
    path = tmp_path_factory.getbasetemp() / "asn-of-hypothesis"
    path.write_text("".join(f"{network} {number}\n" for number, network in enumerate(networks, 1)))
    address = f"203.0.113.{last}"
    around = [network for network in networks if ipaddress.ip_address(address) in network]
    answer = _systems(path, [address]).get(address)
    assert (answer is None) == (not around)
    if answer is not None:
        assert networks[answer.asn - 1].prefixlen == max(network.prefixlen for network in around)


def test_an_archive_without_failures_gives_an_empty_table() -> None:
    table = sts.sending_operators(sts.Archive())
    assert len(table) == 0
    assert "No failed session" in f"{table}"


def test_what_strangers_wrote_is_shown_as_text() -> None:
    hostile = "<script>alert(1)</script>\x1b[31m"
    table = sts.sending_operators(sts.load(report((hostile, 3), reporter=hostile), progress=False))
    assert "<script>" not in table._repr_html_()
    assert "\x1b" not in f"{table}" + table._repr_html_()
