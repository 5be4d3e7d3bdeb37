"""Causes named rightly where the truth is known, and the time it takes.

*From reports alone*: an incident of the generator counts as named where the cause that its fault has is among the first
two of the group of failures that shares policy domain, policy type, MX, result type and a day with it. *Two faults at
once*: pairs of faults of the lab from different parts of a domain, drawn from a seed; left out are those of which one
hides the other by the rules of `hides`. A pair counts where both causes are named.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from time import perf_counter

import pandas as pd

import mtasts_nb as sts
from mtasts_nb.diagnosis import Diagnosis, diagnose
from mtasts_nb.lab import FAULTS, Lab
from mtasts_nb.probe import Probe, probe
from mtasts_nb.sender import simulate
from mtasts_nb.vocabulary import Area
from tests.diagnosis.test_diagnose import BY_FAULT
from tests.diagnosis.test_diagnose_reports import KINDS
from tests.fleet.scenarios import scenario

from .bench_incidents import Frames
from .setting import Figure, timed

SEEDS, PAIRS, QUIET = range(30), 200, range(100, 130)
_KEYS = ("policy_domain", "policy_type", "result_type")


def _named(truth: dict[str, str | int], found: Diagnosis) -> tuple[bool, bool]:
    """Return whether the cause of an incident is the first of its group, and among the first two."""
    start = date.fromisoformat(str(truth["start"]))
    end = date.fromisoformat(str(truth["end"])) if truth["end"] else date.max
    groups = [
        group
        for group in found.groups
        if all(getattr(group.reported, key) == truth[key] for key in _KEYS)
        and group.reported.mx == truth["receiving_mx_hostname"]
        and group.reported.first <= end
        and group.reported.last >= start
    ]
    if not groups:
        return False, False
    largest = max(groups, key=lambda group: group.reported.failed)
    codes = [one.code for one in largest.causes[:2]]
    wanted = KINDS[str(truth["incident"]).rpartition("-")[0]]
    return codes[:1] == [wanted], wanted in codes


def _reports_alone(seed: int) -> tuple[int, int, int, int]:
    made = scenario(seed)
    found = diagnose(archive=sts.load(made.ndjson(), progress=False, workers=1))
    told = [_named(truth, found) for truth in made.truth]
    asked = sum(
        bool(group.question) for group in found.groups if len(group.causes) > 1 and group.causes[0].confidence != "high"
    )
    return len(told), sum(first for first, _ in told), sum(two for _, two in told), asked


def _quiet(seed: int) -> int:
    found = diagnose(archive=sts.load(scenario(seed, 0).ndjson(), progress=False, workers=1))
    return len(found.causes)


#: What edits the same part of a domain; other areas are parts of their own.
_PART = {Area.POLICY_HOST: "policy", Area.POLICY_FILE: "policy", Area.POLICY_CERTIFICATE: "policy", Area.MX: "mx",
         Area.MX_CERTIFICATE: "mx", Area.DANE: "mx"}  # fmt: skip
#: Slow by waiting, or no fault of the domain.
_LEFT_OUT = frozenset(
    {"record-timeout", "nameserver-silent", "policy-host-timeout", "policy-host-silent", "policy-host-slow", "mx-timeout",
     "port-25-closed", "mx-silent", "mx-starttls-silent", "policy-changed-same-id"}
)  # fmt: skip


def hides(first: str, second: str) -> bool:
    """Return whether one of two faults keeps the other from being seen."""
    names = {first, second}
    parts = {_PART.get(FAULTS[name].area, FAULTS[name].area) for name in names}
    if len(parts) == 1:
        return True  # in one part of a domain the later edit may replace the earlier
    if "zone-signatures-expired" in names:
        return True  # nothing of the zone can be looked up
    # Without a record nobody asks for the policy host's address.
    gone = {name for name in names if BY_FAULT[name] in ("record-missing", "record-alias-broken", "record-not-recognised", "record-lookup-fails")}  # fmt: skip
    if gone and BY_FAULT[(names - gone).pop() if names - gone else first].startswith("policy-host-no-address"):
        return True
    # Without a valid policy file no host can be held against it; with another one the coverage is another.
    uncovered = {name for name in names if BY_FAULT[name] == "mx-not-in-policy"}
    return bool(uncovered) and "policy" in parts


def pairs(count: int = PAIRS) -> list[tuple[str, str]]:
    """Return so many pairs, drawn from a seed."""
    chance = random.Random(8461)
    names = [name for name in FAULTS if name not in _LEFT_OUT]
    found: dict[tuple[str, str], None] = {}
    while len(found) < count:
        first, second = chance.sample(names, 2)
        one, two = FAULTS[first], FAULTS[second]
        # Both have to start from the same healthy domain.
        if one.variant == two.variant and not hides(first, second) and (second, first) not in found:
            found[first, second] = None
    return list(found)


def _pair(names: tuple[str, str]) -> tuple[tuple[str, str], list[str]]:
    first, second = names
    with Lab(first, also=(second,)) as lab:
        found = diagnose(probe("nordwind.example", lab.settings))
    codes = {cause.code for cause in found.causes}
    return names, [name for name in names if BY_FAULT[name] not in codes]


class Reports(Frames):
    """The made-up tables of `Frames`, with the columns that a diagnosis asks for beside."""

    def __init__(self) -> None:
        super().__init__()
        self._sessions = self._sessions.assign(policy_mode=pd.Categorical(["enforce"] * len(self._sessions)))
        count = len(self._failures)
        self._failures = self._failures.assign(
            policy_mode=pd.Categorical(["enforce"] * count),
            failure_reason_code=pd.Categorical(["certificate has expired"] * count),
            receiving_mx_helo=pd.Categorical([None] * count),
        )


def _look(name: str) -> Probe:
    with Lab(name) as lab:
        return probe("nordwind.example", lab.settings)


def _slowest(seen: list[Probe]) -> float:
    def once(one: Probe) -> float:
        began = perf_counter()
        simulate(one)
        diagnose(one)
        return perf_counter() - began

    for one in seen:
        once(one)  # texts are read once
    # Findings are kept by the probe: each is looked at anew, as a saved one is.
    from mtasts_nb.probe import load_probe

    slowest = 0.0
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        for number, one in enumerate(seen):
            path = Path(folder) / f"{number}.json"
            one.save(path)
            slowest = max(slowest, once(load_probe(path)))
    return slowest


def measure() -> Iterator[Figure]:
    """Yield the shares named and the times."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as crew:
        told = list(crew.map(_reports_alone, SEEDS))
        quiet = sum(crew.map(_quiet, QUIET))
        looked = list(crew.map(_pair, pairs(), chunksize=10))
    total, first, two = (sum(one[place] for one in told) for place in range(3))
    of = f"{total} incidents in {len(SEEDS)} archives; cause first in {100 * first / total:.1f} %"
    yield Figure("from reports alone: cause among the first two", 100 * two / total, "%", 95, at_least=True, beside=of)
    yield Figure(f"causes named in {len(QUIET)} quiet archives", quiet, "", 0)
    missed = [(names, absent) for names, absent in looked if absent]
    share = 100 * (len(looked) - len(missed)) / len(looked)
    beside = "; ".join(f"{' + '.join(names)}: without {', '.join(absent)}" for names, absent in missed[:4])
    yield Figure(f"two faults at once ({len(looked)} pairs): both named", share, "%", 95, at_least=True, beside=beside)
    seen = [_look(name) for name in ("mx-certificate-expired", "dane-mismatch", "policy-http-404", "record-two")]
    yield Figure("simulate and diagnose one probe, the slowest of 4", 1000 * _slowest(seen), "ms", 50)
    source = Reports()
    found = diagnose(archive=source)
    seconds = min(timed(lambda: diagnose(archive=source)) for _ in range(3))
    beside = f"{len(found.groups)} groups of failures, {len(found.causes)} causes, 50 domains"
    yield Figure("diagnose an archive of 200,000 reports", seconds, "s", 2, beside=beside)
