"""What changed between two probes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mtasts_nb.probe import compare_probes


@pytest.mark.parametrize(
    ("fault", "changed", "new"),
    [
        ("record-missing", "_mta-sts record", "sts-record-missing"),
        ("policy-http-404", "policy host 192.0.2.80: fetch", "policy-http-not-found"),
        ("policy-certificate-expired", "policy host 192.0.2.80: certificate", "policy-certificate-expired"),
        ("mx-no-starttls", "mx1.nordwind.example 192.0.2.25: conversation", "mx-starttls-missing"),
        ("tlsrpt-missing", "_smtp._tls record", "tlsrpt-record-missing"),
    ],
)
def test_a_fault_appears_and_is_fixed(fault, changed, new, healthy, look):
    broken = compare_probes(healthy, look(fault))
    assert changed in [change.what for change in broken.changes]
    assert new in broken.new.codes
    assert not broken.fixed
    mended = compare_probes(look(fault), healthy)
    assert new in mended.fixed.codes
    assert not mended.new


def test_what_could_not_be_observed_is_not_called_fixed(look):
    """Yesterday's expired certificate, and today a network without port 25."""
    comparison = compare_probes(look("mx-certificate-expired"), look("port-25-closed"))
    assert "mx-certificate-expired" not in comparison.fixed.codes
    kinds = {change.kind for change in comparison.changes if "mx1" in change.what}
    assert kinds == {"not comparable"}


def test_nothing_changed(healthy):
    comparison = compare_probes(healthy, healthy)
    assert comparison.changes == ()
    assert len(comparison.to_frame()) == 0


def test_two_domains_are_not_compared(healthy):
    with pytest.raises(ValueError, match="two domains"):
        compare_probes(healthy, replace(healthy, domain="suedwind.example"))
