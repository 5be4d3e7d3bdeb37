"""plan_tlsa_rollover: never a moment at which no record matches, shown on a lab that goes through the steps."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mtasts_nb.knowledge import renewal_clients
from mtasts_nb.lab import Lab
from mtasts_nb.lab._tls import Credential
from mtasts_nb.probe import Probe, probe
from mtasts_nb.rollout import TlsaRolloverPlan, plan_tlsa_rollover
from mtasts_nb.rollout._tlsa import NEXT
from mtasts_nb.sender import Delivery, simulate

Look = Callable[..., Probe]
DOMAIN, NOW = "nordwind.example", datetime(2026, 2, 8, 18, tzinfo=UTC)
HOSTS = ("mx1", "mx2")


def spki(credential: Credential) -> bytes:
    return credential.leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pem(credential: Credential) -> str:
    return credential.leaf.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def data(credential: Credential) -> str:
    return hashlib.sha256(spki(credential)).hexdigest()


def records(text: str, label: str) -> list[str]:
    """The data of the TLSA records for a host in a text to publish."""
    return [line.partition(" IN TLSA ")[2] for line in text.splitlines() if line.startswith(f"_25._tcp.{label}.")]


def publish(lab: Lab, plan: TlsaRolloverPlan, what: str) -> None:
    """Do what a step of the plan says, with the text that it gives."""
    (step,) = (step for step in plan.steps if step.what.startswith(what))
    for label in HOSTS:
        if texts := records(step.text, label):
            lab.world.zone.set(f"_25._tcp.{label}", "TLSA", *texts)


def codes(result: Probe) -> set[str]:
    return {finding.code for finding in result.findings if finding.code.startswith("tlsa")}


def test_the_lab_goes_through_every_step_without_deferred_mail() -> None:
    """RFC 7671 §8.1. The new key is one for both hosts, so that one public key is given."""
    with Lab("dane-no-next-key", now=NOW) as lab:
        first = probe(DOMAIN, lab.settings)
        assert codes(first) == {"tlsa-no-next-key"}, "the probe warns"
        new = lab.world.authority.issue(f"mx1.{DOMAIN}", f"mx2.{DOMAIN}")
        plan = plan_tlsa_rollover(first, next_key=pem(new))
        assert not plan.ready
        assert NEXT not in "".join(step.text for step in plan.steps)

        publish(lab, plan, "Publish the records of the current and the next key")
        second = probe(DOMAIN, lab.settings)
        assert codes(second) == set()
        assert simulate(second).delivery is Delivery.DELIVERED
        ready = plan_tlsa_rollover(second)
        assert ready.ready
        assert ready.steps[0].what.startswith("Install the next key")

        for server in lab.world.mail_servers():
            server.credential = new
        third = probe(DOMAIN, lab.settings)
        assert codes(third) == set()
        assert simulate(third).delivery is Delivery.DELIVERED

        for label in HOSTS:
            lab.world.zone.set(f"_25._tcp.{label}", "TLSA", f"3 1 1 {data(new)}")
        fourth = probe(DOMAIN, lab.settings)
        assert codes(fourth) == {"tlsa-no-next-key"}, "the next change is not prepared yet"
        assert simulate(fourth).delivery is Delivery.DELIVERED


def test_the_key_before_its_record_defers_mail() -> None:
    """What the order is for."""
    with Lab("dane-no-next-key", now=NOW) as lab:
        for server in lab.world.mail_servers():
            server.credential = lab.world.authority.issue(f"mx1.{DOMAIN}", f"mx2.{DOMAIN}")
        broken = probe(DOMAIN, lab.settings)
        assert simulate(broken).delivery is Delivery.DEFERRED
        plan = plan_tlsa_rollover(broken)
        assert plan.steps[0].what.startswith("Publish the record of the present key now")
        publish(lab, plan, "Publish the record of the present key now")
        assert simulate(probe(DOMAIN, lab.settings)).delivery is Delivery.DELIVERED


def test_the_wait_is_two_ttls(look: Look) -> None:
    plan = plan_tlsa_rollover(look("dane-no-next-key"))
    ttl = max(host.ttl for host in plan.hosts)
    assert plan.install_after == plan.made + timedelta(seconds=2 * ttl)
    later = [step for step in plan.steps if step.not_before]
    assert {step.when for step in later} == {plan.install_after}
    assert [step.what.split()[0] for step in later] == ["Install", "Probe", "Remove"]


def test_with_the_next_key_published_there_is_nothing_to_publish_first(look: Look) -> None:
    plan = plan_tlsa_rollover(look(variant="dane"))
    assert plan.ready
    assert plan.steps[0].what.startswith("Install the next key")
    assert plan.hosts[0].next[0] in plan.steps[0].command
    assert any("match no key in use" in note for note in plan.notes)


def with_tlsa(result: Probe, change: Callable[[str, str], Iterable[str]]) -> Probe:
    """The same probe with other TLSA records, compared again; `change` takes the present record and the CA's digest."""
    from mtasts_nb.probe.wire._tls import match_tlsa

    hosts = []
    for mx in result.mx_hosts:
        session = mx.attempts[0].tls
        assert session is not None
        assert mx.tlsa is not None
        assert mx.tlsa.answer is not None
        texts = tuple(change(f"3 1 1 {session.chain[0].spki_sha256}", session.chain[1].spki_sha256))
        template = mx.tlsa.answer.records[0]
        answer = replace(mx.tlsa.answer, records=tuple(replace(template, text=text) for text in texts))
        attempts = tuple(replace(each, tlsa=match_tlsa(texts, session)) for each in mx.attempts)
        hosts.append(replace(mx, tlsa=replace(mx.tlsa, answer=answer), attempts=attempts))
    return replace(result, mx_hosts=tuple(hosts))


def test_a_pin_on_an_intermediate_needs_no_key_change_in_the_dns(look: Look) -> None:
    """RFC 7671 §5.2: usage 2."""
    plan = plan_tlsa_rollover(with_tlsa(look(variant="dane"), lambda own, ca: [f"2 1 1 {ca}"]))
    assert [step.what for step in plan.steps] == [
        "Before each renewed certificate is installed, compare its CA with the published record."
    ]
    assert "-pubin -outform DER | openssl dgst -sha256" in plan.steps[0].command
    assert not plan.ready
    both = plan_tlsa_rollover(with_tlsa(look(variant="dane"), lambda own, ca: [own, f"2 1 1 {ca}"]))
    assert len(both.steps) > 3


def test_the_next_record_has_the_digest_in_use(look: Look) -> None:
    """RFC 7671 §9: beside a SHA-512 record a sender ignores one with SHA-256."""
    session = look(variant="dane").mx_hosts[0].attempts[0].tls
    assert session is not None
    with_512 = with_tlsa(look(variant="dane"), lambda own, ca: [f"3 1 2 {'00' * 64}", own.replace("3 1 1", "3 1 0")])
    assert {host.matching for host in plan_tlsa_rollover(with_512).hosts} == {2}
    plan = plan_tlsa_rollover(with_tlsa(look(variant="dane"), lambda own, ca: [f"3 1 2 {'00' * 64}"]))
    assert plan.hosts[0].broken
    assert plan.hosts[0].present.startswith("3 1 2 ")
    assert "sha512" in next(step.command for step in plan.steps if step.what.startswith("Make"))


def test_a_record_of_the_whole_certificate_is_named(look: Look) -> None:
    result = look(variant="dane")
    host = result.mx_hosts[0].attempts[0].tls
    assert host is not None
    plan = plan_tlsa_rollover(with_tlsa(result, lambda own, ca: [f"3 0 1 {host.chain[0].sha256}"]))
    assert any("whole certificate" in note for note in plan.notes)


@pytest.mark.parametrize("fault", [None, "mx-null"])
def test_without_tlsa_records_there_is_nothing_to_do(look: Look, fault: str | None) -> None:
    plan = plan_tlsa_rollover(look(fault))
    assert plan.steps == ()
    assert len(plan.notes) == 1
    assert "No MX host has TLSA records" in f"{plan}"


def test_what_was_not_observed_is_said(look: Look) -> None:
    result = look(variant="dane")
    blind = replace(result, mx_hosts=tuple(replace(mx, attempts=()) for mx in result.mx_hosts))
    plan = plan_tlsa_rollover(blind)
    assert not plan.ready
    assert not any(host.broken for host in plan.hosts)
    assert any("No TLS session" in note for note in plan.notes)


def test_clients_that_renew(look: Look) -> None:
    result = look(variant="dane")
    for name, client in renewal_clients().items():
        notes = " ".join(plan_tlsa_rollover(result, client=name).notes)
        assert client.keep in notes
        assert sum(other.title in notes for other in renewal_clients().values()) == 1
    assert sum(client.keep in " ".join(plan_tlsa_rollover(result).notes) for client in renewal_clients().values()) == 3
    with pytest.raises(ValueError, match="no notes about the client"):
        plan_tlsa_rollover(result, client="lego")


@pytest.mark.parametrize(
    "key", ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"\xff"]
)
def test_a_next_key_that_is_none_is_an_error(look: Look, key: str | bytes) -> None:
    with pytest.raises(ValueError, match="next_key is no public key"):
        plan_tlsa_rollover(look(variant="dane"), next_key=key)


def test_the_command_that_computes_the_record_computes_it(look: Look, tmp_path) -> None:
    step = next(step for step in plan_tlsa_rollover(look("dane-no-next-key")).steps if step.what.startswith("Make"))
    done = subprocess.run(["sh", "-c", step.command], cwd=tmp_path, capture_output=True, text=True, check=True)
    public = subprocess.run(
        ["openssl", "pkey", "-in", "next.key", "-pubout"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    plan = plan_tlsa_rollover(look("dane-no-next-key"), next_key=public)
    assert f"3 1 1 {done.stdout.split()[0]}" in "".join(step.text for step in plan.steps)
