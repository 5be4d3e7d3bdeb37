"""A resolver that does not validate: nothing is said about DNSSEC and DANE, in the probe, its simulation and the diagnosis."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mtasts_nb.diagnosis import diagnose
from mtasts_nb.lab import Lab
from mtasts_nb.probe import DaneState, dane_state, probe
from mtasts_nb.sender import Delivery, simulate
from mtasts_nb.vocabulary import CauseKind, Level

DOMAIN = "nordwind.example"
JUDGES_DANE = {"tlsa-mismatch", "tlsa-not-secure", "tlsa-unusable", "tlsa-lookup-failed", "dnssec-bogus"}


def not_validated(**changes):
    """A probe of a lab whose resolver does not validate."""
    with Lab(**changes) as lab:
        lab.world.validating = False
        return probe(DOMAIN, lab.settings)


@pytest.mark.parametrize(
    ("changes", "delivery"),
    [
        ({"variant": "dane"}, Delivery.DELIVERED),  # they match: delivered whether they count or not
        ({"fault": "dane-mismatch"}, Delivery.UNKNOWN),
        ({"fault": "dane-backup-mismatch"}, Delivery.DELIVERED),
        ({"fault": "dane-unusable"}, Delivery.DELIVERED),
        ({"fault": "dane-unsigned"}, Delivery.DELIVERED),
        ({"fault": "zone-signatures-expired"}, Delivery.DELIVERED),
        ({"variant": "signed"}, Delivery.DELIVERED),
    ],
)
def test_nothing_is_judged_and_the_text_says_how_to_look(changes, delivery):
    seen = not_validated(**changes)
    assert seen.validates is False
    assert not JUDGES_DANE & set(seen.findings.codes)
    assert seen.findings.codes == ("resolver-not-validating",)
    assert "--resolver" in seen.findings[0].fix
    assert ("DNSSEC and TLSA records", "the resolver does not validate") in seen.not_observed
    assert seen.verdict.level is Level.WATCH
    assert "DNSSEC validated" not in str(seen)
    assert simulate(seen).delivery is delivery
    found = diagnose(seen)
    assert [(cause.code, cause.kind) for cause in found.causes] == [("resolver-not-validating", CauseKind.VANTAGE)]
    assert found.verdict.level is Level.WATCH
    assert "tlsa" not in found.walk_evidence.observed


def test_a_domain_without_dnssec_is_asked_nothing_more():
    """There is nothing to be validated: neither TLSA records nor signatures."""
    with Lab() as lab:
        lab.world.validating = False
        seen = probe(DOMAIN, lab.settings)
        assert ". SOA" not in [request.what for request in lab.requests]
    assert (seen.signed_name, seen.validates, seen.findings.codes) == (None, None, ())


@pytest.mark.parametrize(("name", "known"), [(".", True), ("unsigned.example", False)])
def test_a_zone_that_is_signed_without_its_parent_knowing_is_no_word_on_the_resolver(name, known, look):
    """RFC 4035 §4.3: without a DS record the answers are insecure, and no resolver sets AD; a known name settles it."""
    with Lab("dane-unsigned") as lab:
        seen = probe(DOMAIN, replace(lab.settings, signed_name=name))
    assert bool(seen.validates) is known
    assert ("tlsa-not-secure" in seen.findings.codes) is known
    assert ("resolver-not-validating" in seen.findings.codes) is not known


def test_what_is_secure_needs_the_mx_and_every_address(look):
    """RFC 7672 §2.2.1, §2.2.2."""
    seen = look(variant="dane")
    mx = seen.mx_hosts[0]
    insecure = replace(mx.aaaa, answer=replace(mx.aaaa.answer, authenticated=False))
    plain = replace(seen, mx=replace(seen.mx, answer=replace(seen.mx.answer, authenticated=False)))
    assert dane_state(seen, mx) is DaneState.USABLE
    assert dane_state(seen, replace(mx, aaaa=insecure)) is DaneState.INSECURE
    assert dane_state(plain, mx) is DaneState.INSECURE
    assert dane_state(plain, mx, insecure_mx=True) is DaneState.USABLE
    assert set(plain.findings.codes) == {"tlsa-not-secure"}
