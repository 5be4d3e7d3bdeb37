"""Patterns against the real MX hosts, with the provider tables that many guides print."""

from __future__ import annotations

import pytest

import mtasts_nb as sts
from mtasts_nb.policy import mx_host_names, smallest_covering
from mtasts_nb.vocabulary import Effect, Finding, Severity

GOOGLE_CLASSIC = ["aspmx.l.google.com", *(f"alt{number}.aspmx.l.google.com" for number in range(1, 5))]
MICROSOFT = "nordwind-example.mail.protection.outlook.com"
MX_MICROSOFT = "nordwind-example.o-v1.mx.microsoft"
OWN = ["mx1.nordwind.example", "mx2.nordwind.example"]


def policy(*patterns: str, mode: str = "enforce") -> str:
    mx = "".join(f"mx: {pattern}\n" for pattern in patterns)
    return f"version: STSv1\nmode: {mode}\n{mx}max_age: 604800\n"


def the(code: str, findings: sts.Findings) -> Finding:
    return next(finding for finding in findings if finding.code == code)


@pytest.mark.parametrize(
    ("patterns", "hosts"),
    [
        (["mx1.nordwind.example", "mx2.nordwind.example"], OWN),
        (["*.nordwind.example"], OWN),
        (["MX1.Nordwind.Example"], ["mx1.nordwind.example."]),
        (["nordwind.example"], ["nordwind.example"]),  # no MX record: the domain itself, RFC 5321 §5.1
        ([MICROSOFT], [MICROSOFT]),  # the exact host is as valid as the wildcard
        ([MX_MICROSOFT], [MX_MICROSOFT]),
        (["aspmx.l.google.com", "*.aspmx.l.google.com"], GOOGLE_CLASSIC),
        (["smtp.google.com"], ["smtp.google.com"]),
    ],
)
def test_a_policy_that_fits_its_hosts_gives_no_finding(patterns: list[str], hosts: list[str]) -> None:
    assert not sts.validate(policy=policy(*patterns), mx_hosts=hosts)


@pytest.mark.parametrize(
    ("pattern", "host", "why"),
    [
        # near misses, each with its own reason
        ("mail.protection.outlook.com", MICROSOFT, "has no wildcard"),
        ("nordwind.example", "mx1.nordwind.example", "has no wildcard"),
        ("*.google.com", "aspmx.l.google.com", "`aspmx.l.google.com` has two"),
        ("*.google.com", "alt1.aspmx.l.google.com", "`alt1.aspmx.l.google.com` has three"),
        ("*.nordwind.example", "nordwind.example", "not `nordwind.example` itself"),
        ("mx1.nordwind.example", "nordwind.example", "needs its own line"),
        ("mx1.nordwind.example", "mx2.nordwind.example", "another host of the same domain"),
        ("mx1.nordwimd.example", "mx1.nordwind.example", "spelt almost the same"),
        ("*.mail.protection.outlook.com", MX_MICROSOFT, "two labels below `mx.microsoft`"),
        ("*.mx.microsoft", MX_MICROSOFT, "has two"),
    ],
)
def test_a_host_that_is_not_permitted_is_told_with_the_reason(pattern: str, host: str, why: str) -> None:
    findings = sts.validate(policy=policy(pattern), mx_hosts=[host])
    finding = the("mx-not-covered", findings)
    assert (finding.severity, finding.effect) == (Severity.ERROR, Effect.DEFERS_MAIL)
    assert why in finding.message
    assert "defer all mail" in finding.message
    assert sts.parse_policy(finding.fix).matches(host)
    assert not sts.validate(policy=finding.fix, mx_hosts=[host]).errors


def test_in_testing_nothing_is_held_back() -> None:
    finding = the("mx-not-covered", sts.validate(policy=policy(OWN[0], mode="testing"), mx_hosts=OWN))
    assert (finding.severity, finding.effect) == (Severity.WARNING, Effect.COSMETIC)
    assert "still delivered" in finding.message


def test_in_mode_none_patterns_mean_nothing() -> None:
    findings = sts.validate(policy="version: STSv1\nmode: none\nmax_age: 86400\n", mx_hosts=OWN)
    assert not findings


def test_one_host_of_two_does_not_hold_back_all_mail() -> None:
    finding = the("mx-not-covered", sts.validate(policy=policy(OWN[0]), mx_hosts=OWN))
    assert finding.subject == "MX host mx2.nordwind.example"
    assert "if the covered hosts cannot be reached" in finding.message
    assert sts.parse_policy(finding.fix).mx == tuple(OWN)


def test_the_pair_of_many_guides_for_google_workspace() -> None:
    findings = sts.validate(policy=policy("*.google.com", "*.googlemail.com"), mx_hosts=GOOGLE_CLASSIC)
    assert findings.codes.count("mx-not-covered") == 5
    first = the("mx-not-covered", findings).message
    assert "in many guides" in first
    assert "`mx: aspmx.l.google.com`, `mx: *.aspmx.l.google.com`" in first
    right = sts.parse_policy(findings.corrected["policy"])
    assert all(right.matches(host) for host in GOOGLE_CLASSIC)
    # the newer host is permitted by the same pair
    assert not sts.validate(policy=policy("*.google.com", "*.googlemail.com"), mx_hosts=["smtp.google.com"]).errors


def test_a_pattern_that_permits_no_host() -> None:
    findings = sts.validate(policy=policy(*OWN, "old.suedwind.example"), mx_hosts=OWN)
    finding = the("pattern-unused", findings)
    assert findings.codes == ("pattern-unused",)
    assert finding.subject == "policy file, line 5"
    assert sts.parse_policy(finding.fix).mx == tuple(OWN)


def test_a_pattern_of_a_provider_that_was_left() -> None:
    findings = sts.validate(policy=policy(*OWN, "*.mail.protection.outlook.com"), mx_hosts=OWN)
    assert "belongs to Microsoft 365" in the("pattern-unused", findings).message


def test_a_pattern_kept_for_a_migration_stays_when_something_else_is_mended() -> None:
    findings = sts.validate(policy=policy("mx9.suedwind.example", OWN[0]), mx_hosts=OWN)
    assert sts.parse_policy(findings.corrected["policy"]).mx == ("mx9.suedwind.example", *OWN)


def test_a_wildcard_wider_than_needed() -> None:
    findings = sts.validate(policy=policy("*.nordwind.example"), mx_hosts=OWN[:1])
    finding = the("pattern-broad", findings)
    assert (findings.codes, finding.severity) == (("pattern-broad",), Severity.ADVICE)
    assert sts.parse_policy(finding.fix).mx == (OWN[0],)


def test_for_microsoft_365_the_wildcard_is_common_and_the_host_narrower() -> None:
    findings = sts.validate(policy=policy("*.mail.protection.outlook.com"), mx_hosts=[MICROSOFT])
    assert "as valid as" in the("pattern-broad", findings).message
    assert not findings.errors


def test_a_host_beside_its_wildcard() -> None:
    findings = sts.validate(policy=policy("*.nordwind.example", OWN[0]), mx_hosts=OWN)
    assert findings.codes == ("pattern-redundant",)
    assert sts.parse_policy(findings[0].fix).mx == ("*.nordwind.example",)


@pytest.mark.parametrize(
    ("hosts", "patterns"),
    [
        ([], ()),
        (OWN[:1], (OWN[0],)),
        (OWN, ("*.nordwind.example",)),
        ([*OWN, "mx1.suedwind.example"], ("*.nordwind.example", "mx1.suedwind.example")),
        (GOOGLE_CLASSIC, ("aspmx.l.google.com", "*.aspmx.l.google.com")),
        (["nordwind.example", "suedwind.example"], ("nordwind.example", "suedwind.example")),  # never `*.example`
        (["mail", "relay"], ("mail", "relay")),
    ],
)
def test_the_smallest_covering_set(hosts: list[str], patterns: tuple[str, ...]) -> None:
    assert smallest_covering(hosts) == patterns


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        ("10 mx1.nordwind.example.\n20 mx2.nordwind.example.\n", OWN),
        (["10 MX1.nordwind.example.", "mx2.nordwind.example"], OWN),
        ("nordwind.example.\t3600\tIN\tMX\t10 mx1.nordwind.example.", OWN[:1]),
        ("0 .", ["."]),
        (["mx1.bücher.example"], ["mx1.xn--bcher-kva.example"]),
        (["", "  ", *OWN, *OWN], OWN),
        ("mx1.nordwind.example", OWN[:1]),
    ],
)
def test_hosts_as_people_have_them(given: str | list[str], hosts: list[str]) -> None:
    assert mx_host_names(given) == hosts


@pytest.mark.parametrize(
    ("hosts", "code"), [([], "policy-mx-not-compared"), (["."], "policy-null-mx"), ("0 .", "policy-null-mx")]
)
def test_without_a_host_there_is_nothing_to_compare(hosts: list[str] | str, code: str) -> None:
    assert sts.validate(policy=policy(OWN[0]), mx_hosts=hosts).codes == (code,)


def test_an_mx_that_is_an_address_no_pattern_can_permit() -> None:
    findings = sts.validate(policy=policy(OWN[0]), mx_hosts=["2001:db8::25"])
    assert "the MX record itself is wrong" in the("mx-not-covered", findings).message


def test_many_hosts_are_told_together() -> None:
    findings = sts.validate(policy=policy(OWN[0]), mx_hosts=[f"mx.{number}.example" for number in range(500)])
    assert findings.codes.count("mx-not-covered") == 21


def test_patterns_are_compared_also_where_the_file_is_refused() -> None:
    finding = the("mx-not-covered", sts.validate(policy=policy(OWN[0]) + "\n", mx_hosts=OWN))
    assert "once the file is valid" in finding.message
