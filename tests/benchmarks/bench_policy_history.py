"""How many policy changes are found, and how long history and readiness take on tables as large as a big site's year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd

import mtasts_nb as sts
from tests.fleet.scenarios import Scenario, scenario

from .setting import Figure, timed

_DAYS, _DOMAINS, _REPORTERS = 400, 50, 10
_SEEDS = range(40)
_SILENT = "sosna"  # its reports carry no policy-string


def shown(made: Scenario, domain: str) -> list[tuple[int, tuple[str, int, tuple[str, ...]]]]:
    """Return the changes of a domain that any report shows: the first day of one that does, and the policy."""
    days: dict[tuple[str, int, tuple[str, ...]], set[int]] = {}
    for one in made.reports:
        if one.sender_day.domain == domain and one.sender_day.sender.slug != _SILENT:
            for row in one.sender_day.rows.values():
                if row.policy and row.successes + row.failed:
                    policy = (row.policy.mode, row.policy.max_age, tuple(sorted(row.policy.mx)))
                    days.setdefault(policy, set()).add(one.sender_day.day)
    timeline = made.timelines[domain]
    found: list[tuple[int, tuple[str, int, tuple[str, ...]]]] = []
    served = None
    for instant, state in zip(timeline.instants, timeline.states, strict=True):
        assert state.policy is not None
        policy = (state.policy.mode, state.policy.max_age, tuple(sorted(state.policy.mx)))
        since = [day for day in days.get(policy, ()) if day >= instant // 86_400]
        if policy != served and since:
            found.append((min(since), policy))
        served = policy
    return found[1:]


def judge(seed: int) -> Counter[str]:
    """Return the tally of one random world."""
    made = scenario(seed)
    events = sts.policy_history(sts.load(made.ndjson(), progress=False, workers=1)).events
    tally: Counter[str] = Counter()
    for domain in made.timelines:
        truth = shown(made, domain)
        mine = events[events["policy_domain"] == domain]
        told = [
            (
                int(row["day"].timestamp()) // 86_400,
                (row["policy_mode"], int(row["policy_max_age"]), tuple(row["mx"].split("\n"))),
            )
            for row in mine.to_dict("records")
        ]
        tally["truth"] += len(truth)
        tally["told"] += len(told)
        tally["found"] += (Counter(policy for _, policy in truth) & Counter(policy for _, policy in told)).total()
        tally["to the day"] += (Counter(truth) & Counter(told)).total()
    return tally


class Frames:
    """A source of made-up tables: 200,000 reports; each domain changes its policy six times, each reporter lags."""

    def __init__(self) -> None:
        chance = np.random.default_rng(8461)
        grid = np.meshgrid(np.arange(_DAYS), np.arange(_DOMAINS), np.arange(_REPORTERS))
        day, domain, reporter = (part.ravel() for part in grid)
        version = np.clip((day - reporter - domain) // 60, 0, 5)
        policies = [
            f"version: STSv1\nmode: {'enforce' if number % 2 else 'testing'}\nmx: *.example\nmx: *.d{host}.example\nmax_age: {86400 * (1 + number)}"
            for host in range(_DOMAINS)
            for number in range(6)
        ]
        which = domain * 6 + version
        ages, modes = 86400 * (1 + version), version % 2
        silent = reporter == _REPORTERS - 1
        volume = np.round(400 / (reporter + 1)).astype(np.int64) + 1
        failed = chance.poisson(volume * 0.002)
        days = pd.date_range("2025-10-01", periods=_DAYS, tz="UTC").as_unit("us")
        base = pd.DataFrame(
            {
                "day": days.take(day),
                "organization_name": pd.Categorical.from_codes(reporter, [f"reporter {n}" for n in range(_REPORTERS)]),
                "policy_domain": pd.Categorical.from_codes(domain, [f"d{n}.example" for n in range(_DOMAINS)]),
                "policy_type": pd.Categorical.from_codes(np.zeros(len(day), int), ["sts"]),
                "policy_mode": pd.Categorical.from_codes(np.where(silent, -1, modes), ["testing", "enforce"]),
                "report_key": pd.array([f"{number:08x}" for number in range(len(day))], dtype="str"),
                "policy_index": np.zeros(len(day), int),
            }
        )
        self._sessions = base.assign(
            policy_max_age=pd.array(ages, "Int64"),
            policy_string=pd.Categorical.from_codes(np.where(silent, len(policies), which), [*policies, ""]),
            total_successful_session_count=volume - np.minimum(failed, volume),
            total_failure_session_count=failed,
            detailed_failure_session_count=failed,
        )
        self._sessions.loc[silent, "policy_max_age"] = pd.NA
        self._failures = base.assign(
            receiving_mx_hostname=pd.Categorical.from_codes(day % 2, ["mx1.example", "mx2.example"]),
            result_type=pd.Categorical.from_codes(day % 2, ["validation-failure", "certificate-expired"]),
            failed_session_count=failed,
        )[failed > 0]

    def session_rows(
        self, session_columns: list[str], failure_columns: list[str], *, engine: str | None = None
    ) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
        """Yield both tables at once."""
        yield self._sessions[list(session_columns)], self._failures[list(failure_columns)]


def measure() -> Iterator[Figure]:
    """Yield the shares found and the times."""
    tally = sum((judge(seed) for seed in _SEEDS), Counter[str]())
    of = f"{tally['truth']} changes that reports show, in {len(_SEEDS)} random worlds of two domains"
    yield Figure("policy changes found", 100 * tally["found"] / tally["truth"], "%", 98, at_least=True, beside=of)
    yield Figure("found to the day", 100 * tally["to the day"] / tally["truth"], "%", 95, at_least=True)
    false = 100 * (1 - tally["found"] / max(tally["told"], 1))
    yield Figure("of the changes told, false", false, "%", 2, beside=f"{tally['told']} told")
    source = Frames()
    of = f"{_DAYS} days × {_DOMAINS} domains × {_DAYS * _DOMAINS * _REPORTERS:,} reports"
    history = sts.policy_history(source)
    seconds = min(timed(lambda: sts.policy_history(source)) for _ in range(3))
    found = f"{of}; {len(history.events)} changes, {len(history.propagation)} rows of propagation"
    yield Figure("policy_history", 1000 * seconds, "ms", 1000, beside=found)
    seconds = min(timed(lambda: sts.readiness(source, domain="d7.example")) for _ in range(3))
    yield Figure("readiness of one domain", 1000 * seconds, "ms", 1000, beside=of)
    seconds = min(timed(lambda: sts.plots.policy_history(source)) for _ in range(3))
    yield Figure("plots.policy_history", 1000 * seconds, "ms", 1500, beside=f"{of}; the history in it")
