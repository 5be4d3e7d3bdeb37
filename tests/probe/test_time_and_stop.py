"""Deadlines, the stop button, a running event loop, and what the probe does not touch."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mtasts_nb import ProbeSettings
from mtasts_nb.diagnosis import diagnose
from mtasts_nb.lab import Lab
from mtasts_nb.probe import probe, probe_many
from mtasts_nb.probe.findings import without_ipv6, without_port_25
from mtasts_nb.probe.wire._network import Network, StepError
from mtasts_nb.vocabulary import Confidence, Effect, Level, Status

DOMAIN = "nordwind.example"
SHORT = 1.2


def test_inside_a_running_event_loop():
    """In a notebook there is always one; the call blocks and needs none of its own."""

    async def cell():
        with Lab() as lab:
            return probe(DOMAIN, lab.settings)

    assert asyncio.run(cell()).findings.codes == ()


@pytest.mark.usefixtures("nothing_left")
def test_the_deadline_of_the_whole_probe_is_no_fault_of_the_other_side(speaker):
    """An attempt that our own deadline cuts short is not observed, and no finding is drawn from it."""
    with Lab(timeout=30.0) as lab:
        server = speaker(lambda connection: connection.recv(1))
        routes = {**lab.settings.routes, ("192.0.2.25", 25): server.endpoint}
        begun = time.monotonic()
        seen = probe(DOMAIN, replace(lab.settings, routes=routes, deadline=1.0))
        assert time.monotonic() - begun < 2.0
    (attempt,) = (a for mx in seen.mx_hosts for a in mx.attempts if a.request.address == "192.0.2.25")
    assert (attempt.status, attempt.reason) == (Status.NOT_OBSERVED, "deadline")
    assert seen.findings.codes == ("probe-deadline-reached",)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("many", [False, True])
def test_the_stop_button_ends_it_at_once(many, speaker):
    """What Jupyter's stop button does: SIGINT in the main thread."""
    reached = threading.Semaphore(0)

    def hang(connection):
        reached.release()
        connection.recv(1)

    def press():
        for _ in range(6):  # four addresses of MX hosts, two of the policy host
            assert reached.acquire(timeout=10)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    def run(settings):
        return probe_many([DOMAIN, f"other.{DOMAIN}"], settings, progress=False) if many else probe(DOMAIN, settings)

    with Lab(timeout=30.0) as lab:
        server = speaker(hang)
        routes = {at: server.endpoint if at[1] in (25, 443) else to for at, to in lab.settings.routes.items()}
        presser = threading.Thread(target=press)
        presser.start()
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            run(replace(lab.settings, routes=routes))
        presser.join()
        assert time.monotonic() - begun < 5


def test_port_25_closed_says_so_once_and_nothing_about_the_mx(look):
    seen = look("port-25-closed")
    assert seen.port_25_closed
    assert seen.findings.codes == ("port-25-no-answer",)
    assert f"--save {DOMAIN}.json" in seen.findings[0].fix
    attempts = [attempt for mx in seen.mx_hosts for attempt in mx.attempts]
    assert {attempt.status for attempt in attempts} == {Status.NOT_OBSERVED}
    assert not any(one.effect is Effect.DEFERS_MAIL for one in seen.findings)


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ({"status": Status.FAILED, "reason": "timeout"}, "port-25-no-answer"),
        # A firewall that rejects with ICMP "host prohibited" reads as EHOSTUNREACH: ours as likely as theirs.
        ({"status": Status.FAILED, "reason": "unreachable"}, "port-25-no-answer"),
        ({"status": Status.NOT_OBSERVED, "reason": "no-way-out"}, "outbound-port-25-closed"),  # this machine says so
    ],
)
def test_no_answer_from_any_mx_is_no_verdict_on_them(ending, code, healthy):
    """RFC 8461 has nothing to do with it: one finding, which says why, or that it cannot be decided."""

    def stuck(attempt):
        return replace(attempt, stage="connect", tls=None, starttls=None, **ending)

    hosts = tuple(replace(mx, attempts=tuple(map(stuck, mx.attempts))) for mx in healthy.mx_hosts)
    hosts, closed = without_port_25(hosts, None)
    seen = replace(healthy, mx_hosts=hosts, port_25_closed=closed)
    assert seen.findings.codes == (code,)
    assert all(a.request.address in seen.findings[0].evidence for mx in hosts for a in mx.attempts)
    assert {a.status for mx in hosts for a in mx.attempts} == {Status.NOT_OBSERVED}


def test_a_table_of_routes_that_knows_no_way_is_ours():
    """An error at once comes from this machine: no packet left it."""

    class Wayless(socket.socket):
        def connect_ex(self, address):
            return errno.EHOSTUNREACH

    network = Network(ProbeSettings())
    network._open = lambda family, kind: Wayless(family, kind)
    with pytest.raises(StepError) as caught:
        network.connect("192.0.2.25", 25)
    network.close()
    assert (caught.value.reason, caught.value.status) == ("no-way-out", Status.NOT_OBSERVED)


def test_one_silent_mx_among_others_is_not_a_closed_port(look):
    seen = look("mx-timeout")
    assert not seen.port_25_closed
    assert "mx-timeout" in seen.findings.codes


def in_vain(attempt):
    return replace(attempt, status=Status.FAILED, stage="connect", reason="timeout", tls=None)


def over_ipv6(attempt, change):
    return change(attempt) if ":" in attempt.request.address else attempt


def test_ipv6_closed_says_so_once_and_nothing_about_the_addresses(healthy):
    """Every connection over IPv6 dropped, to the policy host and to every MX host, while IPv4 is answered."""
    host = healthy.policy_host
    host = replace(host, attempts=tuple(over_ipv6(a, in_vain) for a in host.attempts))
    hosts = tuple(replace(mx, attempts=tuple(over_ipv6(a, in_vain) for a in mx.attempts)) for mx in healthy.mx_hosts)
    seen_host, seen_mx, closed = without_ipv6(host, hosts)
    assert closed
    seen = replace(healthy, policy_host=seen_host, mx_hosts=seen_mx, ipv6_closed=True)
    assert seen.findings.codes == ("outbound-ipv6-closed",)
    # One answer over IPv6, from any host, and it is the others' fault.
    _, _, closed = without_ipv6(healthy.policy_host, hosts)
    assert not closed


@pytest.mark.usefixtures("nothing_left")
def test_a_private_address_is_not_contacted(speaker):
    """The policy host of the fault has a private address; here it would be answered by our own server."""
    server = speaker(lambda connection: connection.recv(1))
    with Lab("policy-host-private-address") as lab:
        addresses = [a.request.address for a in probe(DOMAIN, lab.settings).policy_host.attempts]
        assert addresses
        assert server.connections == 0
        seen = probe(DOMAIN, replace(lab.settings, timeout=0.5))
        assert {a.reason for a in seen.policy_host.attempts} == {"private-address"}
        # Where the caller allows it, or leads it elsewhere, it is contacted.
        routes = {**lab.settings.routes, **{(address, 443): server.endpoint for address in addresses}}
        seen = probe(DOMAIN, replace(lab.settings, timeout=0.5, routes=routes))
        assert server.connections >= 1


def test_no_resolver_at_all_gives_no_verdict(monkeypatch):
    monkeypatch.setattr(sys.modules["mtasts_nb.probe._run"], "system_nameservers", lambda: ())
    seen = probe(DOMAIN, ProbeSettings(timeout=0.2, deadline=1.0))
    assert seen.findings.codes == ("resolver-unreachable",)
    assert {row["status"] for _, row in seen.checks.iterrows()} == {"not observed"}


def test_a_resolver_that_refuses_gives_no_verdict(unused_udp_port):
    settings = ProbeSettings(nameservers=("127.0.0.1",), dns_port=unused_udp_port, timeout=0.5, deadline=2.0)
    seen = probe(DOMAIN, settings)
    assert seen.findings.codes == ("resolver-unreachable",)
    assert {row["status"] for _, row in seen.checks.iterrows()} == {"not observed"}


@pytest.fixture
def unused_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_a_second_resolver_is_asked_where_the_first_fails(unused_udp_port):
    with Lab(timeout=2.0) as lab:
        (good,) = lab.settings.nameservers
        routes = {**lab.settings.routes, ("203.0.113.53", 53): ("127.0.0.1", unused_udp_port)}
        seen = probe(DOMAIN, replace(lab.settings, nameservers=("203.0.113.53", good), routes=routes))
    assert seen.findings.codes == ()


def test_one_family_only(healthy):
    with Lab() as lab:
        seen = probe(DOMAIN, replace(lab.settings, ipv6=False))
    assert all(":" not in a.request.address for mx in seen.mx_hosts for a in mx.attempts)
    assert sum(len(mx.attempts) for mx in healthy.mx_hosts) == 2 * sum(len(mx.attempts) for mx in seen.mx_hosts)


def test_the_clock_of_the_settings_decides_about_dates():
    """Certificates are judged at `settings.now`, not at the system's time (RFC 5280 §6.1.3)."""
    moment = datetime(2031, 5, 1, 12, tzinfo=UTC)
    with Lab(now=moment) as lab:
        assert probe(DOMAIN, lab.settings).findings.codes == ()
        later = replace(lab.settings, now=lambda: moment + timedelta(days=200))
        codes = set(probe(DOMAIN, later).findings.codes)
    assert {"policy-certificate-expired", "mx-certificate-expired"} <= codes


@pytest.mark.parametrize(
    ("reach", "codes", "level"),
    [
        ("", ("port-25-no-answer",), Level.WATCH),
        ("dropped", ("outbound-port-25-closed",), Level.WATCH),
        ("open", ("mx-timeout",), Level.ACT_NOW),
        ("refused", ("mx-timeout",), Level.ACT_NOW),  # a refusal is an answer
    ],
)
def test_a_reference_host_settles_whose_fault_the_silence_is(reach, codes, level):
    """The only MX is silent. From one network it cannot be told from a closed port 25."""
    with ExitStack() as stack:
        lab = Lab(timeout=SHORT)
        world = lab.world
        world.zone.set("@", "MX", f"10 mx1.{DOMAIN}.")
        world.set_policy(f"mx1.{DOMAIN}")
        for server in world.mail_servers("mx1"):
            server.reach = "dropped"
        world.add_mail_host("mx3", f"mx3.{DOMAIN}", "mx3")
        for server in world.mail_servers("mx3"):
            server.reach = reach or "open"
        stack.enter_context(lab)
        seen = probe(DOMAIN, replace(lab.settings, reference_mx=f"mx3.{DOMAIN}" if reach else ""))
    assert seen.findings.codes == codes
    assert seen.verdict.level is level
    finding = seen.findings[0]
    assert f"mx1.{DOMAIN}" in finding.message + finding.evidence
    if not reach:
        assert f"time-out was {SHORT:g} seconds" in finding.message
        (cause,) = diagnose(seen).causes
        assert (cause.confidence, cause.mx) == (Confidence.MEDIUM, ())
