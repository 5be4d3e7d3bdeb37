"""What changed between two probes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mtasts_nb.probe import compare_probes
from mtasts_nb.vocabulary import Status


@pytest.mark.parametrize(
    ("fault", "changed", "new"),
    [
        ("record-missing", "_mta-sts record", "sts-record-missing"),
        ("policy-http-404", "policy host 192.0.2.80: fetch", "policy-http-not-found"),
        ("policy-certificate-expired", "policy host 192.0.2.80: certificate", "policy-certificate-expired"),
        ("mx-no-starttls", "mx1.nordwind.example 192.0.2.25: conversation", "mx-starttls-missing"),
        ("tlsrpt-missing", "_smtp._tls record", "tlsrpt-record-missing"),
        ("mx-tls-1.0-too", "mx1.nordwind.example: TLS 1.0 or 1.1", "mx-tls-old-offered"),
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


def test_a_probe_from_before_the_check_of_old_tls_does_not_show_that_there_was_none(healthy, look):
    """A snapshot of an earlier version has no `older_tls_tried`: TLS 1.0 was not observed, so it has not appeared."""
    before = replace(
        healthy,
        mx_hosts=tuple(
            replace(mx, attempts=tuple(replace(attempt, older_tls_tried=False) for attempt in mx.attempts))
            for mx in healthy.mx_hosts
        ),
    )
    what = "mx1.nordwind.example: TLS 1.0 or 1.1"
    kinds = {
        name: {change.what: change.kind for change in compare_probes(probe, look("mx-tls-1.0-too")).changes}[what]
        for name, probe in {"before": before, "now": healthy}.items()
    }
    assert kinds == {"before": "not comparable", "now": "appeared"}


def test_what_could_not_be_observed_is_not_called_fixed(look):
    """Yesterday's expired certificate, and today a network without port 25."""
    comparison = compare_probes(look("mx-certificate-expired"), look("port-25-closed"))
    assert "mx-certificate-expired" not in comparison.fixed.codes
    kinds = {change.kind for change in comparison.changes if "mx1" in change.what}
    assert kinds == {"not comparable"}


def blind(seen):
    """The same domain, from a machine whose resolver answers nothing."""
    lost = {"status": Status.NOT_OBSERVED, "reason": "timeout", "answer": None}
    host = seen.policy_host
    return replace(
        seen,
        sts=replace(seen.sts, **lost),
        tlsrpt=replace(seen.tlsrpt, **lost),
        mx=replace(seen.mx, **lost),
        policy_host=replace(host, a=replace(host.a, **lost), aaaa=replace(host.aaaa, **lost), attempts=()),
        authoritative=(),
        mx_hosts=(),
    )


@pytest.mark.parametrize(
    "fault",
    ["record-missing", "record-id-missing", "policy-file-mode-missing", "policy-http-404", "policy-certificate-expired",
     "policy-host-no-address", "mx-not-in-policy", "mx-certificate-expired", "mx-no-address", "mx-cname", "dane-mismatch",
     "tlsrpt-missing", "tlsrpt-rua-scheme", "address-certificate-expired"],
)  # fmt: skip
def test_a_second_look_that_saw_nothing_finds_nothing_fixed_and_nothing_gone(fault, look):
    comparison = compare_probes(look(fault), blind(look(fault)))
    assert comparison.fixed.codes == ()
    assert {change.kind for change in comparison.changes} == {"not comparable"}
    # And the other way round, nothing has appeared.
    assert {change.kind for change in compare_probes(blind(look(fault)), look(fault)).changes} == {"not comparable"}


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        # A certificate is not mended by a connection that is refused before it.
        ("mx-certificate-expired", "mx-refused", "mx-certificate-expired"),
        ("mx-no-starttls", "mx-greeting-554", "mx-starttls-missing"),
        ("policy-certificate-expired", "policy-host-refused", "policy-certificate-expired"),
        ("policy-http-404", "policy-host-refused", "policy-http-not-found"),
        ("policy-file-mode-missing", "policy-http-404", "policy-mode-missing"),
        ("address-certificate-expired", "mx-refused", "mx-certificate-expired"),
        ("record-id-missing", "record-servfail", "id-missing"),
    ],
)
def test_what_was_not_reached_again_is_not_fixed(before, after, code, look):
    assert code in look(before).findings.codes
    assert code not in compare_probes(look(before), look(after)).fixed.codes


def test_an_address_that_is_no_more_has_no_fault(look, healthy):
    """The broken address was taken out of the DNS: that is a fix."""
    before = look("address-certificate-expired")
    (bad,) = {a.request.address for mx in before.mx_hosts for a in mx.attempts if not a.tls.validation.valid}
    hosts = tuple(
        replace(mx, attempts=tuple(a for a in mx.attempts if a.request.address != bad)) for mx in healthy.mx_hosts
    )
    assert "mx-certificate-expired" in compare_probes(before, replace(healthy, mx_hosts=hosts)).fixed.codes


def test_nothing_changed(healthy):
    comparison = compare_probes(healthy, healthy)
    assert comparison.changes == ()
    assert len(comparison.to_frame()) == 0


def test_two_domains_are_not_compared(healthy):
    with pytest.raises(ValueError, match="two domains"):
        compare_probes(healthy, replace(healthy, domain="suedwind.example"))
