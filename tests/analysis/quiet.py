"""Quiet archives: mixed noise without a fault, by parameters of their own.

Reporters of tiny and huge volume come and go and skip days; weeks have weekends; failures are Poisson or over-dispersed at
rates below any fault, now and then a message is retried in a burst, or a restart costs several reporters a session.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import numpy as np

import mtasts_nb as sts
from mtasts_nb.reports import Archive

FIRST: Final = date(2026, 1, 5)
#: What also fails without a fault: time-outs, refusals, a sender's bad day. The last is not registered.
TRANSIENT: Final = ("validation-failure", "starttls-not-supported", "sts-policy-fetch-error", "x-timeout")


def _clumped(rng: np.random.Generator, mean: float, dispersion: float) -> int:
    """Return a count of that mean, its variance `dispersion` times as large."""
    if dispersion <= 1:
        return int(rng.poisson(mean))
    return int(rng.poisson(rng.gamma(mean / (dispersion - 1), dispersion - 1)))


def quiet_archive(seed: int) -> tuple[Archive, float]:
    """Return an archive without a fault, and its months of 30 days."""
    rng = np.random.default_rng([8460, seed])
    days = int(rng.integers(14, 181))
    hosts = [f"mx{n}.stillwasser.example" for n in range(1, int(rng.integers(2, 5)))]
    dispersion = float(rng.choice([1.0, 1.0, 2.0, 4.0, 8.0]))
    rates = {kind: 10 ** rng.uniform(-6, -2.5) for kind in TRANSIENT if rng.random() < 0.7}
    weekend = rng.uniform(0.05, 1.4)
    bursts, restarts = rng.uniform(0, 0.03), rng.uniform(0, 0.02)
    restarted = rng.random(days) < restarts
    policy = {
        "policy-type": str(rng.choice(["sts", "sts", "tlsa"])), "policy-domain": "stillwasser.example",
        "policy-string": ["version: STSv1", "mode: enforce", "mx: *.stillwasser.example", "max_age: 604800"],
    }  # fmt: skip
    lines = []
    for reporter in range(int(rng.integers(1, 13))):
        volume = 10 ** rng.uniform(-0.3, 5)
        joined = int(rng.integers(0, days)) if rng.random() < 0.3 else 0
        left = int(rng.integers(joined, days)) if rng.random() < 0.3 else days
        reports, detailed, named = rng.uniform(0.4, 1), rng.random() < 0.9, rng.random() < 0.8
        # Noise differs from reporter to reporter.
        own = {kind: min(rate * rng.lognormal(0, 0.7), 0.006) for kind, rate in rates.items()}
        for number in range(joined, left):
            day = FIRST + timedelta(days=number)
            sessions = int(rng.poisson(volume * (weekend if day.weekday() >= 5 else 1.0)))
            if not sessions or rng.random() > reports:
                continue
            failed = Counter({kind: _clumped(rng, sessions * rate, dispersion) for kind, rate in own.items()})
            if own and rng.random() < bursts:
                failed[str(rng.choice(list(own)))] += int(rng.geometric(0.25))
            if restarted[number] and "starttls-not-supported" in own:
                failed["starttls-not-supported"] += int(rng.poisson(1.0))
            details = [
                each for kind, count in failed.items() for each in _details(rng, kind, count, hosts if named else [])
            ]
            total = sum(failed.values())
            lines.append(
                json.dumps(
                    {
                        "organization-name": f"Reporter {reporter}", "report-id": f"{reporter}-{number}",
                        "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"},
                        "policies": [{
                            "policy": policy, "failure-details": details if detailed else [],
                            "summary": {
                                "total-successful-session-count": max(sessions - total, 0),
                                "total-failure-session-count": total,
                            },
                        }],
                    }
                )
            )  # fmt: skip
    if not lines:
        return Archive(), days / 30
    return sts.load("\n".join(lines).encode(), progress=False, workers=1), days / 30


def _details(rng: np.random.Generator, kind: str, count: int, hosts: list[str]) -> Iterator[dict[str, object]]:
    """Yield the details of some failures, over the hosts if there are any to name."""
    if kind.startswith("sts-") or not hosts:
        hosts = [""]
    for host, part in zip(hosts, rng.multinomial(count, [1 / len(hosts)] * len(hosts)).tolist(), strict=True):
        if part:
            detail = {"result-type": kind, "failed-session-count": part}
            yield detail | {"receiving-mx-hostname": host} if host else detail
