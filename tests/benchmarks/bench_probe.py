"""The probe's wall time with 50 ms per round trip: against the longest chain of round trips, and one after another.

Which round trips wait for which (RFC 5321 §3.1, RFC 3207 §4, RFC 8446 §2): MX → A or AAAA → TCP → greeting → EHLO →
STARTTLS → TLS 1.3 → EHLO. Each is one; the greeting travels with the last packet of the TCP handshake and half a trip
back, and is counted as one. Everything else of a probe is shorter and runs beside it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from time import perf_counter

from mtasts_nb.lab import Lab
from mtasts_nb.probe import probe, probe_many

from .checkdmarc_race import race
from .setting import Figure, Setting

DOMAIN = "nordwind.example"
ROUND_TRIP = 0.050
CHAIN = ("MX", "address", "TCP", "greeting", "EHLO", "STARTTLS", "TLS 1.3", "EHLO under TLS")
_ROUNDS = 5
_MANY = 50


def measure(setting: Setting) -> Iterator[Figure]:
    """Yield the wall time over the longest chain, the speed-up of `probe_many`, and the race with checkdmarc."""
    longest = len(CHAIN) * ROUND_TRIP
    with Lab(variant="three-mx", latency=ROUND_TRIP) as lab:
        times = []
        for _ in range(_ROUNDS):
            begun = perf_counter()
            seen = probe(DOMAIN, lab.settings)
            times.append(perf_counter() - begun)
        assert seen.findings.codes == ()
        assert sum(len(mx.attempts) for mx in seen.mx_hosts) == 6
    took = statistics.median(times)
    yield Figure(
        "probe of 3 MX hosts at 2 addresses each, over its longest chain of round trips",
        took / longest,
        "x",
        1.25,
        beside=f"{took * 1000:.0f} ms, median of {_ROUNDS}; the chain: {len(CHAIN)} x {ROUND_TRIP * 1000:.0f} ms",
    )
    names = [f"tenant{number}.example" for number in range(_MANY)]
    with Lab(others=names, latency=ROUND_TRIP) as lab:
        begun = perf_counter()
        together = probe_many(names, lab.settings, progress=False)
        at_once = perf_counter() - begun
        assert {one.findings.codes for one in together} == {()}
        begun = perf_counter()
        for name in names:
            assert probe(name, lab.settings).findings.codes == ()
        in_turn = perf_counter() - begun
    yield Figure(
        f"{_MANY} domains by probe_many, over one after another",
        in_turn / at_once,
        "x",
        5,
        at_least=True,
        beside=f"{at_once:.2f} s against {in_turn:.2f} s, all at the same policy host and MX hosts",
    )
    yield from race(setting, ROUND_TRIP)
