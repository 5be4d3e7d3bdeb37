"""What holds for any evidence: whatever each attempt came to, and in every mode."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.policy import Policy
from mtasts_nb.sender import Delivery, simulate
from mtasts_nb.vocabulary import Mode, PolicyType, ResultType, Status

# What an attempt at an MX address is known to come to, by the fault of the lab that shows it.
SHOWN_BY = [
    "mx-refused", "mx-greeting-554", "mx-greeting-421", "mx-ehlo-refused", "mx-drops-after-ehlo", "mx-no-starttls",
    "mx-starttls-454", "mx-starttls-stripped", "mx-closes-in-handshake", "mx-tls-1.0-only", "mx-certificate-expired",
    "mx-certificate-self-signed", "mx-certificate-wrong-name", "mx-certificate-intermediate-missing", None,
]  # fmt: skip
NEGOTIATED = {one for one in ResultType if not one.on_policy_host}


@pytest.fixture(scope="session")
def attempts(look):
    """By fault, an attempt at the first MX host."""
    found = {name: look(name).mx_hosts[0].attempts[0] for name in SHOWN_BY}
    found["unseen"] = replace(found[None], status=Status.NOT_OBSERVED, stage="connect", reason="no-way-out", tls=None)
    return found


@st.composite
def worlds(draw):
    kinds = [*SHOWN_BY, "unseen"]
    return [[draw(st.sampled_from(kinds)) for _ in range(2)] for _ in range(2)]


def world(seen, attempts, kinds):
    """The probe, each MX address of which came to what is named."""

    def at(mx, attempt, kind):
        shown = attempts[kind]
        return replace(shown, request=attempt.request, tls=shown.tls) if mx.host else attempt

    hosts = tuple(
        replace(mx, attempts=tuple(at(mx, a, kind) for a, kind in zip(mx.attempts, row, strict=True)))
        for mx, row in zip(seen.mx_hosts, kinds, strict=True)
    )
    return replace(seen, mx_hosts=hosts)


@given(kinds=worlds())
def test_enforce_delivers_nothing_unprotected(kinds, healthy, attempts):
    outcomes = simulate(world(healthy, attempts, kinds), mode="enforce")
    assert Delivery.WITHOUT_STS not in {row.delivery for row in outcomes.rows}
    assert outcomes.delivery is not Delivery.WITHOUT_STS
    assert all(not row.delivery.accepted for row in outcomes.failures)


@given(kinds=worlds())
def test_testing_reports_what_enforce_would_and_forbids_nothing(kinds, healthy, attempts):
    seen = world(healthy, attempts, kinds)
    enforced, tested = simulate(seen, mode="enforce"), simulate(seen, mode="testing")
    assert [(r.mx, r.address, r.result_type) for r in enforced.rows] == [
        (r.mx, r.address, r.result_type) for r in tested.rows
    ]
    if enforced.delivery.accepted:
        assert tested.delivery.accepted


@given(kinds=worlds())
def test_mode_none_checks_no_host(kinds, healthy, attempts):
    outcomes = simulate(world(healthy, attempts, kinds), mode="none")
    assert not set(outcomes.result_types) & NEGOTIATED
    assert {row.policy_type for row in outcomes.rows if row.mx} == {PolicyType.NO_POLICY_FOUND}


@given(kinds=worlds(), mode=st.sampled_from(list(Mode)))
def test_the_fate_follows_from_the_rows(kinds, mode, healthy, attempts):
    outcomes = simulate(world(healthy, attempts, kinds), mode=mode)
    fates = {row.delivery for row in outcomes.rows if row.mx}
    if any(fate.accepted for fate in fates):
        assert outcomes.delivery.accepted
    elif Delivery.UNKNOWN in fates:
        assert outcomes.delivery is Delivery.UNKNOWN
    else:
        assert outcomes.delivery in (Delivery.DEFERRED, Delivery.BOUNCED)


@given(kinds=worlds())
def test_an_unseen_address_is_never_judged(kinds, healthy, attempts):
    outcomes = simulate(world(healthy, attempts, kinds))
    rows = {(row.mx, row.address): row for row in outcomes.rows}
    for mx, row in zip(healthy.mx_hosts, kinds, strict=True):
        for attempt, kind in zip(mx.attempts, row, strict=True):
            one = rows[mx.host, attempt.request.address]
            assert (one.delivery is Delivery.UNKNOWN) == (kind == "unseen")
            if kind == "unseen":
                assert one.result_type is None


def test_it_takes_less_than_a_glance(look):
    """At most 50 ms together with the diagnosis, on any machine that runs the tests; the best of five counts."""
    seen = look("policy-html-page")
    policy = Policy(mode=Mode.ENFORCE, max_age=86400, mx=("old.nordwind.example",))
    best = min(timed(lambda: simulate(seen, cached_policy=policy)) for _ in range(5))
    assert best < 0.05


def timed(call):
    begun = time.process_time()
    call()
    return time.process_time() - begun
