"""Many domains in one run."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import replace

import pytest

from mtasts_nb import ProbeSettings
from mtasts_nb.lab import Lab
from mtasts_nb.probe import SmtpRequest, probe_many
from mtasts_nb.probe._many import PER_SERVER
from mtasts_nb.probe.wire._network import Network
from mtasts_nb.probe.wire._smtp import Conversations
from mtasts_nb.vocabulary import Status

DOMAIN = "nordwind.example"
OTHERS = [f"tenant{number}.example" for number in range(12)]


@pytest.mark.usefixtures("nothing_left")
def test_each_domain_once_in_order_and_bad_ones_cost_nobody():
    with Lab(others=OTHERS) as lab:
        asked = [OTHERS[0], "not a domain", DOMAIN.upper() + ".", "", *OTHERS[1:], DOMAIN]
        seen = probe_many(asked, lab.settings, progress=False)
    assert [one.domain for one in seen] == [OTHERS[0], DOMAIN, *OTHERS[1:]]
    assert [text for text, _ in seen.rejects] == ["not a domain", ""]
    assert {one.findings.codes for one in seen} == {()}
    frame = seen.to_frame()
    assert list(frame["errors"]) == [0] * len(seen)
    assert seen.of(DOMAIN).domain == DOMAIN
    with pytest.raises(KeyError, match="not among the 13 domains"):
        seen.of("elsewhere.example")
    assert "not a domain" in seen._repr_html_()


@pytest.mark.usefixtures("nothing_left")
def test_never_many_connections_to_one_server_at_once(speaker):
    """All tenants share a policy host: its port sees at most so many connections at a time."""
    lock, now, most = threading.Lock(), [0], [0]

    def busy(connection):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        connection.recv(5000)  # the handshake, which the answer below ends
        threading.Event().wait(0.02)
        with lock:
            now[0] -= 1
        connection.sendall(b"no TLS here")

    with Lab(others=OTHERS) as lab:
        server = speaker(busy)
        routes = {**lab.settings.routes, ("192.0.2.80", 443): server.endpoint}
        seen = probe_many(OTHERS, replace(lab.settings, routes=routes), progress=False)
    assert server.connections == 2 * len(OTHERS)  # a second handshake, with older versions offered
    assert 1 < most[0] <= PER_SERVER
    assert all("policy-host-tls-failed" in one.findings.codes for one in seen)


@pytest.mark.usefixtures("nothing_left")
def test_an_mx_host_of_many_domains_is_spoken_to_once(speaker):
    with Lab(others=OTHERS) as lab:
        server = speaker(lambda connection: connection.sendall(b"554 no\r\n"))
        routes = {**lab.settings.routes, ("192.0.2.25", 25): server.endpoint}
        seen = probe_many(OTHERS, replace(lab.settings, routes=routes), progress=False)
    # The conversation, and beside it one that offers old TLS versions only, however many the domains.
    assert server.connections in (1, 2)
    assert all("mx-greeting-rejected" in one.findings.codes for one in seen)


def test_the_progress_bar_counts_domains(capsys):
    with Lab() as lab:
        probe_many([DOMAIN], lab.settings, progress=True)
    assert "1/1" in capsys.readouterr().err


def test_nothing_to_look_at():
    assert len(probe_many([], progress=False)) == 0


def test_another_look_is_not_waited_for_beyond_the_own_deadline():
    """Two domains at one MX: the first to talk to it may have begun later, and end later."""
    conversations = Conversations()
    request = SmtpRequest(mx="mx1.nordwind.example", address="192.0.2.25", port=25)
    # A conversation that goes on.
    conversations._attempts._results[request, False] = Future()
    network = Network(ProbeSettings(deadline=0.2))
    begun = time.monotonic()
    attempt = conversations.hold(network, request, None)
    network.close()
    assert time.monotonic() - begun < 2
    assert (attempt.status, attempt.reason) == (Status.NOT_OBSERVED, "deadline")
