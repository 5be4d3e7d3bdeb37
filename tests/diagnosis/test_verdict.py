"""One verdict: probe and diagnosis agree, reports alone agree with a diagnosis of them; no finding is dropped."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import mtasts_nb as sts
from mtasts_nb.analysis import reported_verdicts
from mtasts_nb.diagnosis import diagnose
from mtasts_nb.knowledge import causes, finding_texts
from mtasts_nb.lab import FAULTS
from mtasts_nb.sender import simulate
from mtasts_nb.vocabulary import Finding, Findings, Level, Severity

ONE_PROBE = [name for name in FAULTS if name != "policy-changed-same-id"]


def core(verdict):
    return verdict.level, verdict.effect, verdict.cause


@pytest.mark.parametrize("name", ONE_PROBE)
def test_probe_and_diagnosis_show_the_same_verdict(name, look):
    probe = look(name)
    diagnosis = diagnose(probe)
    assert core(probe.verdict) == core(diagnosis.verdict)
    assert probe.verdict.level.value in repr(probe)
    assert probe.verdict.level is not Level.FINE


@pytest.mark.parametrize("name", [name for name in ONE_PROBE if FAULTS[name].result_type is not None])
def test_reports_alone_give_the_verdict_of_their_diagnosis(name, look):
    archive = sts.load(json.dumps(simulate(look(name)).report()).encode(), progress=False)
    assert [core(verdict) for verdict in reported_verdicts(archive).values()] == [
        core(diagnose(archive=archive).verdict)
    ]


def test_every_error_and_warning_is_named_and_never_fine(look):
    for code, text in finding_texts().items():
        if text.severity is Severity.ADVICE:
            continue
        finding = Finding(
            code=code, severity=text.severity, effect=text.effect, subject="it", message=f"{code} is wrong.", fix="Do."
        )
        probe = replace(look())
        probe.__dict__["findings"] = Findings([finding])
        diagnosis = diagnose(probe)
        assert diagnosis.verdict.level is not Level.FINE, code
        assert core(probe.verdict) == core(diagnosis.verdict), code
        assert [cause.code for cause in diagnosis.causes if cause.code == code or cause.code in causes()], code


def test_an_empty_archive_is_not_known():
    verdict = diagnose(archive=sts.load(b'{"no": "report"}', progress=False)).verdict
    assert (verdict.level, verdict.effect) == (Level.NOT_KNOWN, None)
