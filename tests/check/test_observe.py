"""From reports and probes to problems: silence against its own history, findings with their level, policies."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache

import pandas as pd
import pytest

from mtasts_nb.check import Change, Kind, State, decide, observe, prometheus
from mtasts_nb.check._observe import _silences
from mtasts_nb.lab import Lab
from mtasts_nb.probe import Probe, probe
from mtasts_nb.render import document, to_text
from mtasts_nb.vocabulary import Level

FIRST = date(2026, 6, 1)  # a Monday


def _days(**reporters: list[int]) -> pd.DataFrame:
    rows = [
        {
            "day": pd.Timestamp(FIRST, tz="UTC") + pd.Timedelta(days=day),
            "policy_domain": "nordwind.example",
            "organization_name": name,
        }
        for name, days in reporters.items()
        for day in days
    ]
    return pd.DataFrame(rows)


EVERY = list(range(40))
SILENCES = {
    "all report": ({"a": EVERY, "b": EVERY}, 40, []),
    "one is silent for five days": ({"a": EVERY, "b": EVERY[:-5]}, 40, [("b", Kind.SILENT_REPORTER)]),
    "four days are no silence": ({"a": EVERY, "b": EVERY[:-4]}, 40, []),
    "no reports at weekends": ({"a": EVERY, "b": [day for day in EVERY[:-4] if day % 7 < 5]}, 40, []),
    "a pause as before": ({"a": EVERY, "b": [day for day in EVERY if not 10 < day < 16][:-8]}, 40, []),
    "too few reports to be regular": ({"a": EVERY, "b": [0, 1, 2, 3]}, 40, []),
    "nothing at all comes": ({"a": EVERY, "b": EVERY}, 46, [("*", Kind.NO_REPORTS)]),
    "reports come a day or two late": ({"a": EVERY, "b": EVERY}, 43, []),
}


@pytest.mark.parametrize(("reporters", "today", "expected"), SILENCES.values(), ids=SILENCES)
def test_silence(reporters, today, expected) -> None:
    found = list(_silences(_days(**reporters), FIRST + timedelta(days=today)))
    assert [(problem.marks[0], problem.kind) for problem in found] == expected


FAULTS = {
    "mx-certificate-expires-soon": Level.WATCH,
    "mx-certificate-expired": Level.ACT_NOW,
    "dane-mismatch": Level.ACT_NOW,
    "policy-http-404": Level.ACT_SOON,
}


@cache
def _probed(fault: str | None, variant: str | None = None) -> Probe:
    with Lab(fault, variant=variant) as lab:
        return probe(lab.domain, lab.settings)


@pytest.mark.parametrize("fault", FAULTS)
def test_findings_of_a_probe_come_and_go(fault) -> None:
    """A certificate about to break, one that is broken, TLSA records that do not match, a record without its policy."""
    state, told = State(), []
    healthy, broken = _probed(None, "dane" if fault.startswith("dane") else None), _probed(fault)
    for seen in (healthy, broken, broken, healthy, healthy):
        observed = observe(None, [seen], now=seen.started)
        news, state = decide(state, observed, seen.started)
        told.append({(each.change, each.level) for each in news if each.kind is Kind.FINDING})
        for each in news:
            assert to_text(document(each))
    assert (Change.NEW, FAULTS[fault]) in told[1]
    assert {change for change, _ in told[4]} <= {Change.OVER}
    assert (Change.OVER, FAULTS[fault]) in told[4]
    assert told[2] == told[3] == set()
    text = prometheus(state, observed, seen.started)
    assert all(line.startswith(("# HELP mtasts_nb_", "# TYPE mtasts_nb_", "mtasts_nb_")) for line in text.splitlines())
    assert 'mtasts_nb_certificate_not_after_seconds{host="mta-sts.nordwind.example"} ' in text


def test_what_this_network_cannot_see_is_no_problem_of_the_domain() -> None:
    seen = _probed("port-25-closed")
    assert "port-25-no-answer" in seen.findings.codes
    observed = observe(None, [seen], now=seen.started)
    assert {code for problem in observed.problems for code in problem.codes}.isdisjoint({"port-25-no-answer"})
    assert observed.probed == frozenset()


def test_names_of_strangers_stay_within_their_label() -> None:
    from mtasts_nb.check import Known, Problem

    evil = 'a"} 1\nmtasts_nb_open_problems{kind="x\\'
    problem = Problem(kind=Kind.INCIDENT, level=Level.WATCH, marks=("m",), domains=(evil,), first=FIRST, last=FIRST)
    text = prometheus(
        State(known=(Known(problem=problem, announced=True),)),
        observe(None, now=datetime(2026, 6, 1, tzinfo=UTC)),
        datetime(2026, 6, 1, tzinfo=UTC),
    )
    (line,) = [line for line in text.splitlines() if line.startswith("mtasts_nb_open_problems_of_domain{")]
    assert line == 'mtasts_nb_open_problems_of_domain{domain="a\\"} 1\\nmtasts_nb_open_problems{kind=\\"x\\\\"} 1'
