"""Which MX host a pattern permits: RFC 8461 §4.1 (and RFC 6125 §6.4 for the wildcard), case by case."""

from __future__ import annotations

import pytest

import mtasts_nb as sts

LABEL = "a" * 63

CASES = [
    # §4.1: without a wildcard, the whole name
    ("mx1.nordwind.example", "mx1.nordwind.example", True),
    ("mx1.nordwind.example", "mx2.nordwind.example", False),
    ("nordwind.example", "nordwind.example", True),
    ("nordwind.example", "mx1.nordwind.example", False),
    ("mx1.nordwind.example", "nordwind.example", False),
    ("mx1.nordwind.example", "amx1.nordwind.example", False),
    ("mx1.nordwind.example", "mx1.nordwind.example.evil.example", False),
    ("localhost", "localhost", True),
    # §4.1: `*` is exactly one label, the leftmost
    ("*.nordwind.example", "mx1.nordwind.example", True),
    ("*.nordwind.example", "a.nordwind.example", True),
    ("*.nordwind.example", f"{LABEL}.nordwind.example", True),
    ("*.nordwind.example", "nordwind.example", False),
    ("*.nordwind.example", ".nordwind.example", False),
    ("*.nordwind.example", "a.b.nordwind.example", False),
    ("*.nordwind.example", "mx1nordwind.example", False),
    ("*.nordwind.example", "mx1.nordwind.example.evil.example", False),
    ("*.nordwind.example", "*.nordwind.example", False),
    ("*.example", "nordwind.example", True),
    ("*.example", "mx1.nordwind.example", False),
    ("*.nordwind.example", "mx_1.nordwind.example", True),  # the label that `*` stands for is not judged
    # ASCII case does not count; nothing else is folded
    ("MX1.Nordwind.Example", "mx1.nordwind.example", True),
    ("mx1.nordwind.example", "MX1.NORDWIND.EXAMPLE", True),
    ("*.NORDWIND.example", "mx1.nordwind.EXAMPLE", True),
    ("mk.nordwind.example", "m\u212a.nordwind.example", False),  # the Kelvin sign, whose lower case is k
    ("*.ink.example", "mx1.in\u212a.example", False),
    ("*.strasse.example", "mx1.stra\u00dfe.example", False),
    # A-labels are compared as they are (§3.2)
    ("*.xn--bcher-kva.example", "mx1.xn--bcher-kva.example", True),
    ("*.xn--bcher-kva.example", "mx1.bücher.example", False),
    # the root's trailing dot, as DNS tools print it, does not count; two dots are no name
    ("mx1.nordwind.example", "mx1.nordwind.example.", True),
    ("*.nordwind.example", "mx1.nordwind.example.", True),
    ("mx1.nordwind.example", "mx1.nordwind.example..", False),
    # a text that is no valid pattern permits nothing
    ("*", "mx1.nordwind.example", False),
    ("*.", "mx1.", False),
    ("*.*.example", "mx1.nordwind.example", False),
    ("mx*.nordwind.example", "mx1.nordwind.example", False),
    ("mx1.*.example", "mx1.nordwind.example", False),
    (".nordwind.example", "mx1.nordwind.example", False),
    ("mx1.nordwind.example.", "mx1.nordwind.example", False),
    ("mx1.nordwind.example.", "mx1.nordwind.example.", False),
    ("", "", False),
    ("", "mx1.nordwind.example", False),
    ("[192.0.2.1]", "[192.0.2.1]", False),
    ("mx1.nordwind.example\n", "mx1.nordwind.example\n", False),
    ("mx1.nordwind.example", "mx1.nordwind.example\n", False),
    ("mx1.nordwind.example", "", False),
    ("*.nordwind.example", ".", False),
    # what the guides say of the large providers
    ("mail.protection.outlook.com", "nordwind-example.mail.protection.outlook.com", False),
    ("*.mail.protection.outlook.com", "nordwind-example.mail.protection.outlook.com", True),
    ("*.mail.protection.outlook.com", "nordwind-example.o-v1.mx.microsoft", False),
    ("*.mx.microsoft", "nordwind-example.o-v1.mx.microsoft", False),
    ("*.o-v1.mx.microsoft", "nordwind-example.o-v1.mx.microsoft", True),
    ("*.google.com", "aspmx.l.google.com", False),
    ("*.google.com", "alt1.aspmx.l.google.com", False),
    ("*.googlemail.com", "aspmx.l.google.com", False),
    ("*.google.com", "smtp.google.com", True),
    ("*.l.google.com", "aspmx.l.google.com", True),
    ("*.l.google.com", "alt1.aspmx.l.google.com", False),
    ("*.aspmx.l.google.com", "alt1.aspmx.l.google.com", True),
    ("*.googlemail.com", "aspmx2.googlemail.com", True),
]  # fmt: skip


def test_the_table_is_as_large_as_promised() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize(("pattern", "host", "permitted"), CASES, ids=lambda value: repr(value)[:50])
def test_match(pattern: str, host: str, permitted: bool) -> None:
    assert sts.mx_matches(pattern, host) is permitted
    policy = sts.Policy(mode="enforce", max_age=604800, mx=("other.example", pattern))
    assert policy.matches(host) is permitted


def test_a_policy_without_patterns_permits_nothing() -> None:
    assert not sts.parse_policy("version: STSv1\nmode: none\nmax_age: 0\n").matches("mx1.nordwind.example")
