"""Every fault of the lab: the probe finds it, and blames nothing else. Every healthy variant: nothing to say."""

from __future__ import annotations

import pytest

from mtasts_nb.knowledge import finding_texts
from mtasts_nb.lab import FAULTS, VARIANTS, Lab
from mtasts_nb.probe import compare_probes, load_probe, probe
from mtasts_nb.vocabulary import Effect

DOMAIN = "nordwind.example"
# Seen only by comparing two looks.
BY_COMPARISON = {"policy-changed-same-id"}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_nothing_else_is_blamed(name, look):
    seen = look(name)
    expected = set(FAULTS[name].expects) - BY_COMPARISON
    assert expected <= set(seen.findings.codes)
    assert set(seen.findings.errors.codes) <= expected


@pytest.mark.parametrize("name", FAULTS)
def test_mail_is_held_back_exactly_where_a_sender_defers(name, look):
    """RFC 8461 §5: only where every MX host fails; never by a fault of the policy host."""
    fate = FAULTS[name].delivery
    if fate in ("bounced", "unknown"):  # no mail in a queue, and no evidence
        return
    held = [one.code for one in look(name).findings if one.effect is Effect.DEFERS_MAIL]
    # Broken signatures hold mail back at senders whose resolver validates; the lab's table tells of the others' fate.
    assert bool(held) == (fate == "deferred")


@pytest.mark.parametrize("name", VARIANTS)
def test_a_healthy_domain_gives_no_finding(name, look):
    assert look(variant=name).findings.codes == ()


@pytest.mark.parametrize("name", FAULTS)
def test_a_snapshot_brings_back_the_same_probe(name, look, tmp_path):
    seen = look(name)
    again = load_probe(seen.save(tmp_path / "probe.json"))
    assert again == seen
    assert again.findings == seen.findings


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_shown(name, look):
    seen = look(name)
    assert str(seen).isprintable() or "\n" in str(seen)
    assert seen._repr_html_().count("<table") == bool(seen.findings)
    assert str(seen.commands)
    assert set(seen.checks["status"]) <= {"completed", "failed", "not observed"}


def test_a_policy_that_changes_under_the_same_id_shows_between_two_looks():
    with Lab("policy-changed-same-id") as lab:
        before = probe(DOMAIN, lab.settings)
        lab.advance()
        after = probe(DOMAIN, lab.settings)
    comparison = compare_probes(before, after)
    assert comparison.findings.codes == ("policy-changed-same-id",)
    assert [change.what for change in comparison.changes] == ["policy file"]


def test_every_code_of_the_probe_that_can_be_switched_on_is():
    """The codes that no fault of the lab expects, each with the reason."""
    elsewhere = {
        "resolver-unreachable", "outbound-ipv6-closed", "outbound-port-25-closed", "probe-deadline-reached", "probe-limit-reached", "domain-not-found",  # tested apart
        "cname-chain-broken", "mx-name-invalid", "mx-address-private", "mx-ehlo-after-tls-failed",  # tested apart
        "policy-host-unreachable", "mx-unreachable",  # need a router that says so
        "policy-certificate-invalid", "mx-certificate-invalid",  # tested on the certificate alone
        "policy-http-invalid", "mx-address-lookup-failed", "tlsrpt-record-lookup-failed",  # tested apart
    }  # fmt: skip
    switched = {code for fault in FAULTS.values() for code in fault.expects}
    live = {code for code, text in finding_texts().items() if text.live}
    assert live - switched - elsewhere == set()
