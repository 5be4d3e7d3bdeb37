"""Probe, simulation and diagnosis say the same of mail: every fault of the lab, in every mode, with every cached policy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.diagnosis import diagnose
from mtasts_nb.lab import FAULTS, VARIANTS
from mtasts_nb.policy import Policy
from mtasts_nb.probe import DnsAnswer
from mtasts_nb.probe.wire._tls import match_tlsa
from mtasts_nb.sender import Delivery, simulate
from mtasts_nb.vocabulary import Effect, Level, Mode, Status

HELD = (Delivery.DEFERRED, Delivery.BOUNCED)
MODES = ("enforce", "testing", "none")
#: What a sender may have cached: the hosts of the lab, and those of an earlier provider.
CACHED = {
    f"{mode.value}-{name}": Policy(mode=mode, max_age=86400, mx=mx)
    for mode in Mode
    for name, mx in (("own", ("*.nordwind.example", "nordwind.example")), ("old", ("mx.old.example",)))
}


def published(probe, mode):
    """The probe as it would be with the policy file in another mode, where there is one."""
    attempts = tuple(
        a
        if a.response is None
        else replace(
            a, response=replace(a.response, body=a.response.body.replace(b"mode: enforce", b"mode: " + mode.encode()))
        )
        for a in probe.policy_host.attempts
    )
    return replace(probe, policy_host=replace(probe.policy_host, attempts=attempts))


def agree(probe):
    """Assert that all three say the same of mail from a sender without a cached policy."""
    outcomes, verdict, diagnosis = simulate(probe), probe.verdict, diagnose(probe)
    held = verdict.effect is Effect.DEFERS_MAIL
    assert (verdict.level, verdict.effect, verdict.cause) == (
        diagnosis.verdict.level, diagnosis.verdict.effect, diagnosis.verdict.cause,
    )  # fmt: skip
    assert any(finding.effect is Effect.DEFERS_MAIL for finding in probe.findings) == held
    if outcomes.delivery is Delivery.UNKNOWN:
        # Every host that was observed may fail; whether the others do is not known.
        assert verdict.level is not Level.FINE
        return outcomes
    assert held == (outcomes.delivery in HELD)
    if held:
        assert verdict.level is Level.ACT_NOW
    return outcomes


def agree_on_caches(probe, outcomes):
    """Assert that where only senders with a cached policy defer, the probe has something to say."""
    for cached in CACHED.values():
        with_cache = simulate(probe, cached_policy=cached)
        if with_cache.delivery in HELD and outcomes.delivery.accepted and cached.mx[0].startswith("*"):
            about_mx = [f for f in probe.findings if f.host.endswith("nordwind.example") and f.code.startswith("mx-")]
            assert about_mx
            assert any("cached policy" in f.message or f.effect is not Effect.COSMETIC for f in about_mx)
        if cached.mode is not Mode.ENFORCE and with_cache.delivery in HELD:
            # Without mode enforce only DANE, or what blocks every sender, defers.
            assert outcomes.delivery in (*HELD, Delivery.UNKNOWN)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FAULTS)
def test_of_every_fault_in_every_mode(name, mode, look):
    probe = published(look(name), mode)
    agree_on_caches(probe, agree(probe))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", VARIANTS)
def test_of_every_healthy_variant(name, mode, look):
    probe = published(look(variant=name), mode)
    assert agree(probe).delivery not in HELD
    assert probe.verdict.level is Level.FINE or mode == "none"  # mx lines have no meaning there


@pytest.mark.parametrize("policy", ["no-record", "no-file", "untrusted"])
def test_without_a_policy_that_senders_see_only_cached_ones_defer(policy, look):
    """RFC 8461 §3.3: finding, verdict and what the cause says of mail."""
    probe = with_policy(look("mx-certificate-expired"), policy)
    outcomes = agree(probe)
    assert outcomes.delivery is Delivery.WITHOUT_STS
    finding = next(finding for finding in probe.findings if finding.code == "mx-certificate-expired")
    assert "Only senders with a cached policy in mode enforce defer mail." in finding.message
    cause = next(cause for cause in diagnose(probe).causes if cause.code == "mx-certificate-expired")
    assert cause.mail.startswith("The mail is delivered")
    agree_on_caches(probe, outcomes)


ENDINGS = [
    "mx-refused", "mx-greeting-554", "mx-greeting-421", "mx-ehlo-refused", "mx-drops-after-ehlo", "mx-no-starttls",
    "mx-starttls-454", "mx-starttls-stripped", "mx-starttls-silent", "mx-closes-in-handshake", "mx-tls-1.0-only",
    "mx-certificate-expired", "mx-certificate-self-signed", "mx-certificate-wrong-name", "mx-certificate-weak-key",
    "mx-certificate-intermediate-missing", None, "after-tls", "private", "unseen",
]  # fmt: skip
TLSA = ["none", "own", "other", "anchor", "unusable", "failed"]
POLICIES = ["live", "no-record", "no-file", "untrusted", "uncovered", "unseen"]


@pytest.fixture(scope="session")
def endings(look):
    """By fault, an attempt at the first MX host."""
    seen = {name: look(name).mx_hosts[0].attempts[0] for name in ENDINGS if name in FAULTS or name is None}
    good = seen[None]
    failed = {"status": Status.FAILED, "stage": "ehlo-after-tls", "reason": "closed", "detail": "closed"}
    unseen = {"status": Status.NOT_OBSERVED, "stage": "connect", "starttls_offered": None, "tls": None}
    seen |= {
        "after-tls": replace(good, **failed),
        "private": replace(good, reason="private-address", detail="10.0.0.1 is not contacted", **unseen),
        "unseen": replace(good, reason="no-way-out", detail="no way out", **unseen),
    }
    return seen.__getitem__  # a dictionary of probes would be printed whole where an example fails


def records(kind, attempt):
    """TLSA records of a kind for the certificate of an attempt."""
    chain = attempt.tls.chain if attempt.tls else ()
    return {
        "own": [f"3 1 1 {chain[0].spki_sha256}" if chain else f"3 1 1 {'00' * 32}"],
        "other": [f"3 1 1 {'00' * 32}"],
        "anchor": [f"2 1 1 {chain[-1].spki_sha256}" if len(chain) > 1 else f"2 1 1 {'00' * 32}"],
        "unusable": [f"1 1 1 {'00' * 32}"],
    }.get(kind, [])


def with_tlsa(mx, kind):
    """The host with TLSA records of a kind in a signed zone, compared with what each address presents."""
    texts = records(kind, mx.attempts[0])
    tlsa = replace(mx.tlsa, answer=DnsAnswer(
        rcode="NOERROR", authenticated=True,
        records=tuple(replace(one, text=text) for one, text in zip(mx.tlsa.records[:1], texts, strict=False)),
    ))  # fmt: skip
    if kind == "failed":
        tlsa = replace(mx.tlsa, status=Status.FAILED, reason="servfail", detail="SERVFAIL", answer=None)
    attempts = tuple(replace(a, tlsa=match_tlsa(texts, a.tls) if a.tls and texts else ()) for a in mx.attempts)
    return replace(mx, tlsa=tlsa, attempts=attempts)


def with_policy(probe, kind):
    """The probe with what senders get of the policy."""
    host, sts = probe.policy_host, probe.sts
    if kind == "no-record":
        sts = replace(sts, answer=DnsAnswer(rcode="NXDOMAIN"))
    changes = {
        "no-file": lambda a: replace(a, response=replace(a.response, status_code=404)),
        "untrusted": lambda a: replace(
            a, tls=replace(a.tls, validation=replace(a.tls.validation, name_matches=False, name_detail="names x"))
        ),
        "uncovered": lambda a: replace(
            a, response=replace(a.response, body=a.response.body.replace(b"mx: mx1", b"mx: mx9"))
        ),
        "unseen": lambda a: replace(a, status=Status.NOT_OBSERVED, stage="connect", tls=None, response=None),
    }
    change = changes.get(kind, lambda a: a)
    return replace(probe, sts=sts, policy_host=replace(host, attempts=tuple(map(change, host.attempts))))


@given(
    kinds=st.lists(st.lists(st.sampled_from(ENDINGS), min_size=2, max_size=2), min_size=2, max_size=2),
    tlsa=st.lists(st.sampled_from(TLSA), min_size=2, max_size=2),
    mode=st.sampled_from(MODES),
    policy=st.sampled_from(POLICIES),
)
def test_of_any_mixture(kinds, tlsa, mode, policy, look, endings):
    probe = look(variant="dane")
    hosts = []
    for mx, row, kind in zip(probe.mx_hosts, kinds, tlsa, strict=True):
        attempts = tuple(replace(endings(k), request=a.request) for k, a in zip(row, mx.attempts, strict=True))
        hosts.append(with_tlsa(replace(mx, attempts=attempts), kind))
    mixed = with_policy(published(replace(probe, mx_hosts=tuple(hosts)), mode), policy)
    agree_on_caches(mixed, agree(mixed))
