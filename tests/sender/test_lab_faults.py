"""Every fault of the lab in every mode: what a sender reports and whether mail waits, against the lab's own truth."""

from __future__ import annotations

import pytest

from mtasts_nb.lab import FAULTS, VARIANTS
from mtasts_nb.sender import Delivery, simulate

MODES = ("enforce", "testing", "none")


def expected_results(fault, mode):
    """RFC 8460 §4.3: what is wrong at the policy host or with DANE is so in every mode; mode none checks no MX."""
    if fault.result_type is None:
        return set()
    if mode == "none" and not (fault.result_type.on_policy_host or fault.area == "dane"):
        return set()
    return {fault.result_type}


def expected_delivery(fault, mode):
    """RFC 8461 §5: only mode enforce holds mail back for MTA-STS; DANE and what is none of TLS do so in every mode."""
    by_dane = fault.area == "dane" and fault.result_type is not None
    if mode == "enforce" or fault.delivery in ("without_sts", "bounced", "unknown"):
        return fault.delivery
    if fault.delivery == "deferred":
        return "deferred" if by_dane or fault.result_type is None else "without_sts"
    if mode == "testing":
        # One address of the first host fails validation: a sender may use it, for nothing forbids it.
        at_one_address = fault.addresses and fault.result_type is not None and not fault.result_type.on_policy_host
        first_host = fault.hosts == ("mx1",) and fault.result_type is not None
        return "without_sts" if at_one_address or first_host else "delivered"
    # DANE protects in every mode where the records match, here even if there is none for the next key.
    return "delivered" if by_dane or fault.name == "dane-no-next-key" else "without_sts"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FAULTS)
def test_what_is_reported_and_whether_mail_waits(name, mode, look):
    fault = FAULTS[name]
    outcomes = simulate(look(name), mode=mode)
    assert set(outcomes.result_types) == expected_results(fault, mode)
    assert outcomes.delivery == expected_delivery(fault, mode)


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.result_type is not None])
def test_the_failure_is_reported_of_the_hosts_and_addresses_at_fault(name, look):
    fault = FAULTS[name]
    failures = simulate(look(name)).failures
    assert {row.mx.partition(".")[0] or "mta-sts" for row in failures} == set(fault.hosts)
    if fault.addresses and not fault.result_type.on_policy_host:
        assert {row.address for row in failures} == set(fault.addresses)
    assert all(row.failure_reason_code and "RFC" in row.why for row in failures)
    if fault.result_type.on_policy_host:
        assert all(row.mx == row.address == "" for row in failures)


@pytest.mark.parametrize("name", FAULTS)
def test_the_published_mode_is_the_one_without_a_what_if(name, look):
    """Every fault of the lab starts from a policy in mode enforce."""
    outcomes = simulate(look(name))
    assert outcomes.delivery == FAULTS[name].delivery
    assert outcomes.what_if == ""


@pytest.mark.parametrize("mode", [None, *MODES])
@pytest.mark.parametrize("name", VARIANTS)
def test_a_healthy_domain_is_delivered_to_and_nothing_is_reported(name, mode, look):
    outcomes = simulate(look(variant=name), mode=mode)
    assert outcomes.failures == ()
    applied = mode or {"testing": "testing", "mode-none": "none"}.get(name, "enforce")
    without = applied == "none" and name != "dane"
    assert outcomes.delivery is (Delivery.WITHOUT_STS if without else Delivery.DELIVERED)
    assert all(row.delivery.accepted for row in outcomes.rows)


@pytest.mark.parametrize("name", FAULTS)
def test_outcomes_of_every_fault_can_be_shown_and_tabled(name, look):
    outcomes = simulate(look(name))
    assert outcomes._repr_html_().count("<li>") >= len({row.mx for row in outcomes.rows})
    assert max(map(len, str(outcomes).splitlines())) <= 130
    assert len(outcomes.to_frame()) == len(outcomes.rows)


def test_every_address_has_a_row(look):
    seen = look()
    rows = {(row.mx, row.address) for row in simulate(seen).rows if row.mx}
    assert rows == {(mx.host, text) for mx in seen.mx_hosts for at in (mx.a, mx.aaaa) for text in at.texts}
